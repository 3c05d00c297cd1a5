//! The contract suite on the store in memory.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::{CallKind, Capability, Exceptions, Harness, Limits, Setup, contract_tests};
use tubeatlas_ports::Store;

struct Memory;

#[async_trait]
impl Harness for Memory {
    type Guard = ();

    async fn open(&self, Setup { clock, ids, limits }: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        let Limits { acquire_timeout, unit_of_work_timeout, connections: _ } = limits;
        let config = MemoryConfig { acquire_timeout, unit_of_work_timeout };
        Ok((Arc::new(MemoryStore::new(config, clock, ids)), ()))
    }

    fn exceptions(&self) -> Exceptions {
        let wait = [CallKind::Write, CallKind::BeginReadWrite, CallKind::Close];
        Exceptions::none()
            .without(Capability::Durability, "what it holds lives as long as its process")
            .at_once(
                &CallKind::all_but(&wait),
                "reads look at what is published, units of work at their own state",
            )
    }
}

contract_tests!(Memory);
