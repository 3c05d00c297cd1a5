//! What all adapters promise.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig, PostgresStore};
use tubeatlas_contract::{Harness, Setup, contract_tests};
use tubeatlas_ports::{Error, Store};
use tubeatlas_postgres_cluster::{Cluster, Database};

/// Each rule gets a database of its own in a throw-away cluster.
struct OnPostgres;

async fn open(url: &str, setup: Setup) -> Result<Arc<dyn Store>, Error> {
    let mut config = PostgresConfig::new(DatabaseUrl::parse(url)?);
    config.acquire_timeout = setup.limits.acquire_timeout;
    config.unit_of_work_timeout = setup.limits.unit_of_work_timeout;
    config.pool_size = setup.limits.connections;
    config.max_overflow = 4; // readers and writers share the connections
    Ok(Arc::new(PostgresStore::open(config, setup.clock, setup.ids).await?))
}

/// Migrates an empty database, on a thread of its own: whoever asks for it has a runtime already.
fn migrate(url: &str) -> Result<(), String> {
    let migrate = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(async {
            let config = DatabaseUrl::parse(url).map(PostgresConfig::new).map_err(|error| error.chain())?;
            tubeatlas_adapters_postgres::migrate(&config).await.map(drop).map_err(|error| error.chain())
        })
    };
    std::thread::scope(|scope| scope.spawn(migrate).join())
        .unwrap_or_else(|_| Err("migrating panicked".into()))
}

#[async_trait]
impl Harness for OnPostgres {
    type Guard = Database;

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, Database), String> {
        let database = Cluster::shared()?.database_from("migrated", migrate)?;
        let store = open(database.url(), setup).await.map_err(|error| error.chain())?;
        Ok((store, database))
    }

    fn place(&self, database: &Database) -> Option<String> {
        Some(database.url().to_owned())
    }

    async fn reopen(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String> {
        open(place, setup).await.map_err(|error| error.chain())
    }
}

contract_tests!(OnPostgres);
