//! The contract of the ports, tried on this adapter.

use adapter_redb::{Options, open};
use tubeatlas_contract::{InFolder, contract_tests};

contract_tests!(InFolder::new(|folder, setup| {
    let (acquire_timeout, unit_of_work_timeout) =
        (setup.limits.acquire_timeout, setup.limits.unit_of_work_timeout);
    open(
        folder.join("catalogue.redb"),
        Options { acquire_timeout, unit_of_work_timeout },
        setup.clock,
        setup.ids,
    )
}));
