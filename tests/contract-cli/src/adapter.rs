//! [`Adapter`]: the harness of whatever adapter a URL names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tubeatlas::settings::DatabaseUrl;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::{CallKind, Capability, Exceptions, Harness, Setup};
use tubeatlas_ports::Store;

/// An adapter, and where its databases are made.
pub(crate) struct Adapter {
    url: DatabaseUrl,
    /// Where files are made; gone with this.
    folder: Option<TempDir>,
}

impl Adapter {
    /// The adapter of this URL, on databases beside the one that it names.
    ///
    /// # Errors
    /// If that holds data, or nothing can be made there.
    pub(crate) fn on(url: DatabaseUrl) -> Result<Self, String> {
        let folder = match &url {
            DatabaseUrl::SqliteFile(file) => Some(folder_beside(file)?),
            DatabaseUrl::SqliteTemporary | DatabaseUrl::Memory => None,
            DatabaseUrl::Postgres(_) => {
                return Err("the suite makes hundreds of databases, and drops them: on Postgres it runs on a server of \
                            its own, by `cargo test -p tubeatlas-adapters-postgres --test contract`"
                    .to_owned());
            }
        };
        Ok(Self { url, folder })
    }

    /// The adapter of this URL, for what another process has made.
    pub(crate) fn again(url: DatabaseUrl) -> Self {
        Self { url, folder: None }
    }

    /// Its name in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self.url {
            DatabaseUrl::SqliteFile(_) => "sqlite",
            DatabaseUrl::SqliteTemporary => "sqlite::memory:",
            DatabaseUrl::Postgres(_) => "postgres",
            DatabaseUrl::Memory => "memory",
        }
    }
}

/// A new folder for databases, on the file system of this file.
fn folder_beside(file: &Path) -> Result<TempDir, String> {
    let shown = file.display();
    match fs::metadata(file) {
        Ok(there) if !there.is_file() || there.len() > 0 => {
            return Err(format!(
                "{shown} holds data. The suite only works on databases that it may throw away: name a file that \
                 does not exist"
            ));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{shown} cannot be looked at: {error}"));
        }
        _ => {}
    }
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().prefix(".tubeatlas-contract-").tempdir_in(parent);
    made.map_err(|error| format!("no databases can be made in {}: {error}", parent.display()))
}

async fn open_sqlite(location: Location, setup: Setup) -> Result<Arc<dyn Store>, String> {
    let mut config = SqliteConfig::new(location);
    config.acquire_timeout = setup.limits.acquire_timeout;
    config.unit_of_work_timeout = setup.limits.unit_of_work_timeout;
    config.pool_size = setup.limits.connections;
    let store = SqliteStore::open(config, setup.clock, setup.ids).await.map_err(|error| error.chain())?;
    Ok(Arc::new(store))
}

fn open_memory(setup: Setup) -> Arc<dyn Store> {
    let config = MemoryConfig {
        acquire_timeout: setup.limits.acquire_timeout,
        unit_of_work_timeout: setup.limits.unit_of_work_timeout,
    };
    Arc::new(MemoryStore::new(config, setup.clock, setup.ids))
}

#[async_trait]
impl Harness for Adapter {
    /// Where the database is, if it stays there.
    type Guard = Option<TempDir>;

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, Self::Guard), String> {
        match (&self.url, &self.folder) {
            (DatabaseUrl::Memory, _) => Ok((open_memory(setup), None)),
            (DatabaseUrl::SqliteFile(_), Some(all)) => {
                let folder = TempDir::new_in(all.path()).map_err(|error| error.to_string())?;
                let store = open_sqlite(Location::File(database_in(&folder)), setup).await?;
                Ok((store, Some(folder)))
            }
            _ => Ok((open_sqlite(Location::Temporary, setup).await?, None)),
        }
    }

    fn place(&self, folder: &Self::Guard) -> Option<String> {
        database_in(folder.as_ref()?).to_str().map(str::to_owned)
    }

    async fn reopen(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String> {
        open_sqlite(Location::File(PathBuf::from(place)), setup).await
    }

    fn exceptions(&self) -> Exceptions {
        let gone =
            || Exceptions::none().without(Capability::Durability, "the database is gone when it is closed");
        // As adapters-sqlite/tests/contract.rs declares it.
        let scores = "FTS5 goes on counting the rows that were deleted from a contentless table, until the index is \
                      built anew";
        match self.url {
            DatabaseUrl::SqliteFile(_) => Exceptions::none().skip("SEA-O-007", scores),
            DatabaseUrl::SqliteTemporary => gone().skip("SEA-O-007", scores),
            // `on` has refused the latter.
            DatabaseUrl::Memory | DatabaseUrl::Postgres(_) => {
                let wait = [CallKind::Write, CallKind::BeginReadWrite, CallKind::Close];
                let reason = "reads look at what is published, units of work at their own state";
                gone().at_once(&CallKind::all_but(&wait), reason)
            }
        }
    }
}

fn database_in(folder: &TempDir) -> PathBuf {
    folder.path().join("catalogue.db")
}
