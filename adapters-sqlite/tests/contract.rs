//! What all adapters promise.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::{Harness, Setup, contract_tests};
use tubeatlas_ports::Store;

struct Sqlite;

#[async_trait]
impl Harness for Sqlite {
    type Guard = TempDir;

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, TempDir), String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        Ok((open(&folder.path().join("catalogue.db"), setup).await?, folder))
    }

    fn place(&self, folder: &TempDir) -> Option<String> {
        folder.path().join("catalogue.db").to_str().map(str::to_owned)
    }

    async fn reopen(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String> {
        open(Path::new(place), setup).await
    }
}

async fn open(file: &Path, setup: Setup) -> Result<Arc<dyn Store>, String> {
    let mut config = SqliteConfig::new(Location::File(file.to_owned()));
    config.acquire_timeout = setup.limits.acquire_timeout;
    config.unit_of_work_timeout = setup.limits.unit_of_work_timeout;
    config.pool_size = setup.limits.connections;
    let store = SqliteStore::open(config, setup.clock, setup.ids).await.map_err(|error| error.chain())?;
    Ok(Arc::new(store))
}

contract_tests!(Sqlite);
