//! The contract of the ports, tried on this adapter.

use adapter_redb::{Options, open};
use tubeatlas_contract::{InFolder, Limits, contract_tests};

contract_tests!(InFolder::new(|folder, setup| {
    let Limits { acquire_timeout, unit_of_work_timeout, .. } = setup.limits;
    open(folder.join("data.redb"), Options { acquire_timeout, unit_of_work_timeout }, setup.clock, setup.ids)
}));
