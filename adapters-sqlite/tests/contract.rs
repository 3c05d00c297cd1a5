//! What all adapters promise.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::{Harness, Setup, contract_tests};
use tubeatlas_ports::Store;

struct Sqlite;

#[async_trait]
impl Harness for Sqlite {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        let mut config = SqliteConfig::new(Location::Temporary);
        config.acquire_timeout = setup.limits.acquire_timeout;
        config.unit_of_work_timeout = setup.limits.unit_of_work_timeout;
        config.pool_size = setup.limits.connections;
        let store = SqliteStore::open(config, setup.clock, setup.ids).await.map_err(|error| error.chain())?;
        Ok((Arc::new(store), ()))
    }
}

contract_tests!(Sqlite);
