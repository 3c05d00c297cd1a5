//! The contract of the ports, tried on this adapter.

use adapter_redb::{Options, open};
use tubeatlas_contract::{CallKind, Exceptions, InFolder, contract_tests};

contract_tests!(
    InFolder::new(|folder, setup| {
        let options = Options::new(setup.limits.acquire_timeout, setup.limits.unit_of_work_timeout);
        open(folder.join("data.redb"), options, setup.clock, setup.ids)
    })
    .except(Exceptions::none().at_once(&[CallKind::Rollback], "what was drafted is dropped"))
);
