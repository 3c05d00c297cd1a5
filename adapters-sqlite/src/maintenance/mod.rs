//! [`Maintenance`]: looking after a database.

mod backup;
mod reindex;
mod restore;
mod revert;
mod rows;
mod space;
mod verify;

use std::path::{Path, PathBuf};

use diesel::SqliteConnection;
use tubeatlas_ports::{Error, Result};

pub use backup::Backup;
pub use reindex::Reindexed;
pub use restore::Restored;
pub use revert::Reverted;
pub use space::{Checkpoint, Stats, TableStats, Vacuumed};

use crate::config::{Location, SqliteConfig};
use crate::error::with_busy_timeout;
use crate::file::DatabaseFile;
use crate::migrations;
use crate::store::{blocking, open_as_it_is};

/// What an operator does with a database file, whether stores have it open or not, in this process or in others.
///
/// Each method opens a connection of its own, takes the database as it is, and migrates nothing: a database can be
/// backed up before its upgrade. A method whose future is dropped goes on to its end.
///
/// # Errors
/// All methods answer [`SchemaMismatch`](Error::SchemaMismatch) for a file that is not ours or too new,
/// [`Unavailable`](Error::Unavailable) for one that is not there, [`Timeout`](Error::Timeout) if another
/// connection held the lock for longer than [`busy_timeout`](SqliteConfig::busy_timeout),
/// [`StorageFull`](Error::StorageFull), [`ReadOnly`](Error::ReadOnly) and [`Corrupt`](Error::Corrupt).
#[derive(Debug, Clone)]
pub struct Maintenance {
    config: SqliteConfig,
    path: PathBuf,
}

impl Maintenance {
    /// Of the configured database. Looks at nothing yet.
    ///
    /// # Errors
    /// [`Unsupported`](Error::Unsupported) for [`Location::Temporary`]: each open store has its own, which
    /// [`SqliteStore::maintenance`](crate::SqliteStore::maintenance) knows.
    pub fn new(config: SqliteConfig) -> Result<Self> {
        let path = match &config.location {
            Location::File(path) => path.clone(),
            Location::Temporary => {
                return Err(Error::Unsupported { what: "maintenance of a temporary database" });
            }
        };
        Ok(Self::of(config.within_bounds(), path))
    }

    pub(crate) fn of(config: SqliteConfig, path: PathBuf) -> Self {
        Self { config, path }
    }

    /// Runs `work` on a connection of its own.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection, &DatabaseFile) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (config, path) = (self.config.clone(), self.path.clone());
        blocking(move || {
            let (mut connection, file) = open(&config, &path)?;
            work(&mut connection, &file).map_err(|error| with_busy_timeout(error, config.busy_timeout))
        })
        .await
    }
}

/// Opens a connection to a database that is there.
fn open(config: &SqliteConfig, path: &Path) -> Result<(SqliteConnection, DatabaseFile)> {
    migrations::check_sqlite()?;
    let file = DatabaseFile::existing(path)?;
    let connection =
        open_as_it_is(config, false, &file).map_err(|error| with_busy_timeout(error, config.busy_timeout))?;
    Ok((connection, file))
}

/// Bytes of a file, 0 if there is none.
fn bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
