//! What all adapters promise.

use std::path::PathBuf;
use std::sync::Arc;

use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::{Exceptions, InFolder, Setup, contract_tests};
use tubeatlas_ports::{Result, Store};

async fn open(folder: PathBuf, setup: Setup) -> Result<Arc<dyn Store>> {
    let mut config = SqliteConfig::new(Location::File(folder.join("catalogue.db")));
    config.acquire_timeout = setup.limits.acquire_timeout;
    config.unit_of_work_timeout = setup.limits.unit_of_work_timeout;
    config.pool_size = setup.limits.connections;
    Ok(Arc::new(SqliteStore::open(config, setup.clock, setup.ids).await?))
}

contract_tests!(InFolder::new(open).except(Exceptions::none().skip(
    "SEA-O-007",
    "FTS5 goes on counting the rows that were deleted from a contentless table, until the index is built anew",
)));
