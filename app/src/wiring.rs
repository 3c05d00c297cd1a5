//! Putting the parts together: the one place that knows which adapters there are.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_adapters_postgres::{PostgresConfig, PostgresStore};
use tubeatlas_adapters_sqlite::{Location, Maintenance, SqliteConfig, SqliteStore};
pub use tubeatlas_adapters_sqlite::{Reverted, Stats, TableStats};
use tubeatlas_adapters_ytdlp::YtDlpArchive;
use tubeatlas_ports::Error::Unsupported;
use tubeatlas_ports::{ArchiveSource, Clock, IdGenerator, Store, SystemClock, UuidV7Generator};

use crate::error::AppError;
use crate::settings::{DatabaseSettings, DatabaseUrl, PostgresUrl};

/// Whether a command makes the database if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It does, and applies pending migrations.
    Create,
    /// It has nothing to do without one. Pending migrations are applied.
    Refuse,
    /// The same, and it changes nothing: a database that needs migrations is refused.
    RefuseAndLeaveAsItIs,
}

/// A store that was opened from the settings.
pub struct Opened {
    store: Arc<dyn Store>,
    adapter: Adapter,
    settings: DatabaseSettings,
    is_new: bool,
}

/// The store as what it is, for what only some stores can be asked.
enum Adapter {
    /// That in memory, or one that somebody else has opened.
    Other,
    Postgres(Arc<PostgresStore>),
    Sqlite(Arc<SqliteStore>),
}

/// One thing about a database that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

impl From<tubeatlas_ports::Check> for Check {
    fn from(tubeatlas_ports::Check { name, ok, detail }: tubeatlas_ports::Check) -> Self {
        Self { name, ok, detail }
    }
}

/// How many connections served many queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolCheck {
    /// How many tasks asked at the same time.
    pub tasks: u32,
    /// How many queries they made altogether.
    pub queries: u64,
    /// How many connections served them.
    pub connections: u32,
    /// How many queries failed.
    pub errors: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// The migrations of a database, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Migrations {
    /// Those that it has.
    pub applied: Vec<String>,
    /// Those that it needs.
    pub pending: Vec<String>,
}

/// Where ids come from in this program.
pub fn ids() -> Arc<dyn IdGenerator> {
    Arc::new(UuidV7Generator)
}

/// The time in this program.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The archive that lies in these folders and files.
pub fn archive(paths: Vec<PathBuf>) -> impl ArchiveSource {
    YtDlpArchive::new(paths)
}

/// Opens the store.
///
/// # Errors
/// If there is none and it is not to be made, or it cannot be opened. A database of Postgres has to be there
/// (`createdb`); as long as no migration was applied to it, there is no catalogue in it, and that counts as none.
pub async fn open(settings: &DatabaseSettings, missing: Missing) -> Result<Opened, AppError> {
    match &settings.url {
        DatabaseUrl::Memory => {
            let config = MemoryConfig {
                acquire_timeout: settings.acquire_timeout,
                unit_of_work_timeout: settings.unit_of_work_timeout,
            };
            let store = Arc::new(MemoryStore::new(config, clock(), ids()));
            Ok(Opened { settings: settings.clone(), ..Opened::from(store as Arc<dyn Store>) })
        }
        DatabaseUrl::Postgres(url) => {
            let mut config = postgres_config(settings, url)?;
            let status = tubeatlas_adapters_postgres::migration_status(&config).await;
            let is_new = status.map_err(|error| failed(settings, error))?.applied.is_empty();
            if is_new && missing != Missing::Create {
                return Err(no_database(settings));
            }
            config.migrate = missing != Missing::RefuseAndLeaveAsItIs;
            let store = PostgresStore::open(config, clock(), ids()).await;
            let postgres = Arc::new(store.map_err(|error| failed(settings, error))?);
            let (settings, adapter) = (settings.clone(), Adapter::Postgres(postgres.clone()));
            Ok(Opened { store: postgres, adapter, settings, is_new })
        }
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteTemporary => {
            let is_there = refuse_missing(settings);
            let is_new = is_there.is_err();
            if missing != Missing::Create {
                is_there?;
            }
            let mut config = sqlite_config(settings);
            config.migrate = missing != Missing::RefuseAndLeaveAsItIs;
            let sqlite = SqliteStore::open(config, clock(), ids()).await;
            let sqlite = Arc::new(sqlite.map_err(|error| failed(settings, error))?);
            let (settings, adapter) = (settings.clone(), Adapter::Sqlite(sqlite.clone()));
            Ok(Opened { store: sqlite, adapter, settings, is_new })
        }
    }
}

/// A store that somebody else has opened, of which nothing is known but that it is one.
impl From<Arc<dyn Store>> for Opened {
    fn from(store: Arc<dyn Store>) -> Self {
        let settings = DatabaseSettings { url: DatabaseUrl::Memory, ..DatabaseSettings::default() };
        Self { store, adapter: Adapter::Other, settings, is_new: false }
    }
}

impl Opened {
    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Whether there was no such database before, as after a slip of the pen in its name.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Looks at the database: whether it answers, is set up as configured, and is whole.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub async fn check(&self) -> Result<Vec<Check>, AppError> {
        let checks = match &self.adapter {
            Adapter::Sqlite(sqlite) => sqlite.check().await?,
            Adapter::Postgres(postgres) => postgres.check().await?,
            Adapter::Other => {
                let health = self.store.health().await?;
                vec![tubeatlas_ports::Check::new("answers", Ok(health.adapter.to_owned()))]
            }
        };
        Ok(checks.into_iter().map(Check::from).collect())
    }

    /// The same database once more, with units of work that may last longer, to read all of it at one moment; `None` if it
    /// lies in this store alone.
    ///
    /// # Errors
    /// As of [`open`].
    pub async fn for_long_reads(&self) -> Result<Option<Self>, AppError> {
        match &self.settings.url {
            DatabaseUrl::Memory | DatabaseUrl::SqliteTemporary => return Ok(None),
            DatabaseUrl::SqliteFile(_) | DatabaseUrl::Postgres(_) => (),
        }
        open(&for_long_reads(&self.settings), Missing::RefuseAndLeaveAsItIs).await.map(Some)
    }

    /// Whether [`reindex`](Self::reindex) can do something.
    pub fn can_reindex(&self) -> bool {
        match &self.adapter {
            Adapter::Postgres(_) => true,
            Adapter::Sqlite(_) => self.settings.url != DatabaseUrl::SqliteTemporary,
            Adapter::Other => false,
        }
    }

    /// Builds the full-text index anew, while the store is in use.
    ///
    /// # Errors
    /// [`Unsupported`] if the store has none that could be; or if it cannot be written.
    pub async fn reindex(&self) -> Result<Reindexed, AppError> {
        match &self.adapter {
            Adapter::Postgres(postgres) => Ok(postgres.reindex().await?.into()),
            Adapter::Sqlite(_) => Ok(maintenance(&self.settings, Missing::Refuse)?.reindex().await?.into()),
            Adapter::Other => Err(AppError::Store(Unsupported { what: NO_INDEX })),
        }
    }

    /// Lets many tasks query at once, and sees how many connections of SQLite served them; `None` with another store.
    ///
    /// # Errors
    /// If the store does not answer at all.
    pub async fn pool_check(&self, tasks: u32, queries: u32) -> Result<Option<PoolCheck>, AppError> {
        let Adapter::Sqlite(sqlite) = &self.adapter else { return Ok(None) };
        let check = sqlite.pool_check(tasks, queries).await?;
        Ok(Some(PoolCheck {
            tasks: check.tasks,
            queries: check.queries,
            connections: check.connections,
            errors: check.errors,
            elapsed_ms: milliseconds(check.elapsed),
        }))
    }
}

/// How long a store may be read for at one moment by [`for_long_reads`].
const MOMENT: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings, but that units of work may last as long as it takes to read a whole catalogue.
pub fn for_long_reads(settings: &DatabaseSettings) -> DatabaseSettings {
    let unit_of_work_timeout = settings.unit_of_work_timeout.max(MOMENT);
    DatabaseSettings { unit_of_work_timeout, ..settings.clone() }
}

const NO_INDEX: &str = "a new index, on a store that keeps none in a database of its own";

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Applies pending migrations; answers which those were.
///
/// # Errors
/// If the database cannot be opened or migrated.
pub async fn migrate(settings: &DatabaseSettings) -> Result<Vec<String>, AppError> {
    let applied = match &settings.url {
        DatabaseUrl::Memory => Ok(Vec::new()),
        DatabaseUrl::Postgres(url) => {
            tubeatlas_adapters_postgres::migrate(&postgres_config(settings, url)?).await
        }
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteTemporary => {
            tubeatlas_adapters_sqlite::migrate(&sqlite_config(settings)).await
        }
    };
    applied.map_err(|error| failed(settings, error))
}

/// Which migrations the database has, and which it needs.
///
/// # Errors
/// If there is no database, or it cannot be read.
pub async fn migrations(settings: &DatabaseSettings) -> Result<Migrations, AppError> {
    let (applied, pending) = match &settings.url {
        DatabaseUrl::Memory => Default::default(),
        DatabaseUrl::Postgres(url) => {
            let status =
                tubeatlas_adapters_postgres::migration_status(&postgres_config(settings, url)?).await;
            let status = status.map_err(|error| failed(settings, error))?;
            (status.applied, status.pending)
        }
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteTemporary => {
            refuse_missing(settings)?;
            let status = tubeatlas_adapters_sqlite::migration_status(&sqlite_config(settings)).await;
            let status = status.map_err(|error| failed(settings, error))?;
            (status.applied, status.pending)
        }
    };
    Ok(Migrations { applied, pending })
}

/// The maintenance of the database file, and nothing is opened yet. Only [`Missing::Create`] allows that there is none.
///
/// # Errors
/// If there is no database, or it has no file: what is only in memory has nothing to look after, and Postgres has
/// programs of its own.
pub fn maintenance(settings: &DatabaseSettings, missing: Missing) -> Result<Maintenance, AppError> {
    let what = match &settings.url {
        DatabaseUrl::SqliteFile(_) | DatabaseUrl::SqliteTemporary => {
            let maintenance = Maintenance::new(sqlite_config(settings))?;
            if missing != Missing::Create {
                refuse_missing(settings)?;
            }
            return Ok(maintenance);
        }
        DatabaseUrl::Memory => "this on memory:, which keeps nothing that could be looked after",
        DatabaseUrl::Postgres(_) => {
            "this on Postgres, which has means of its own: pg_dump and pg_restore for backups, pg_amcheck to verify, \
             VACUUM and REINDEX, pg_stat_user_tables for sizes"
        }
    };
    Err(AppError::Store(Unsupported { what }))
}

/// What was built anew by [`reindex`]. On Postgres it is the full-text index alone: the others follow from their tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reindexed {
    /// How many videos' titles and descriptions.
    pub videos: u64,
    /// How many transcripts.
    pub transcripts: u64,
    /// How many passages they have.
    pub passages: u64,
    /// How many media files' paths.
    pub media_files: Option<u64>,
    /// How many playlists' videos.
    pub playlists: Option<u64>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl From<tubeatlas_adapters_sqlite::Reindexed> for Reindexed {
    fn from(it: tubeatlas_adapters_sqlite::Reindexed) -> Self {
        Self {
            videos: it.videos,
            transcripts: it.transcripts,
            passages: it.passages,
            media_files: Some(it.media_files),
            playlists: Some(it.playlists),
            elapsed_ms: milliseconds(it.elapsed),
        }
    }
}

impl From<tubeatlas_adapters_postgres::Reindexed> for Reindexed {
    fn from(it: tubeatlas_adapters_postgres::Reindexed) -> Self {
        Self {
            videos: it.videos,
            transcripts: it.transcripts,
            passages: it.passages,
            media_files: None,
            playlists: None,
            elapsed_ms: milliseconds(it.elapsed),
        }
    }
}

/// Builds the full-text index anew. The database of SQLite need not be such that a store would open it.
///
/// # Errors
/// If there is no database, or it cannot be written.
pub async fn reindex(settings: &DatabaseSettings) -> Result<Reindexed, AppError> {
    if !matches!(settings.url, DatabaseUrl::Postgres(_)) {
        return Ok(maintenance(settings, Missing::Refuse)?.reindex().await?.into());
    }
    let opened = open(settings, Missing::RefuseAndLeaveAsItIs).await?;
    let reindexed = opened.reindex().await?;
    opened.store.close().await?;
    Ok(reindexed)
}

fn refuse_missing(settings: &DatabaseSettings) -> Result<(), AppError> {
    match &settings.url {
        // If it cannot be told whether the file is there, opening it tells why.
        DatabaseUrl::SqliteFile(path) if matches!(path.try_exists(), Ok(false)) => Err(no_database(settings)),
        _ => Ok(()),
    }
}

fn no_database(settings: &DatabaseSettings) -> AppError {
    AppError::NoDatabase(settings.url.to_string())
}

fn failed(settings: &DatabaseSettings, source: tubeatlas_ports::Error) -> AppError {
    AppError::Open { database: settings.url.to_string(), source }
}

fn sqlite_config(settings: &DatabaseSettings) -> SqliteConfig {
    let location = match &settings.url {
        DatabaseUrl::SqliteFile(path) => Location::File(path.clone()),
        _ => Location::Temporary,
    };
    SqliteConfig {
        pool_size: settings.pool_size,
        acquire_timeout: settings.acquire_timeout,
        busy_timeout: settings.busy_timeout,
        journal_mode: settings.journal_mode,
        synchronous: settings.synchronous,
        foreign_keys: settings.foreign_keys,
        wal_limit: settings.wal_limit,
        pre_ping: settings.pre_ping,
        echo: settings.echo,
        unit_of_work_timeout: settings.unit_of_work_timeout,
        ..SqliteConfig::new(location)
    }
}

fn postgres_config(settings: &DatabaseSettings, url: &PostgresUrl) -> Result<PostgresConfig, AppError> {
    let url = tubeatlas_adapters_postgres::DatabaseUrl::parse(url.secret())?;
    Ok(PostgresConfig {
        pool_size: settings.pool_size,
        max_overflow: settings.max_overflow,
        acquire_timeout: settings.acquire_timeout,
        connect_timeout: settings.connect_timeout,
        statement_timeout: settings.statement_timeout,
        pre_ping: settings.pre_ping,
        recycle: settings.recycle,
        application_name: settings.application_name.clone(),
        unit_of_work_timeout: settings.unit_of_work_timeout,
        ..PostgresConfig::new(url)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTGRES: &str = "postgres://db.example/atlas";

    #[tokio::test]
    async fn a_command_that_only_reads_makes_no_database() {
        let url = DatabaseUrl::SqliteFile("/nonexistent/tubeatlas.db".into());
        let settings = DatabaseSettings { url, ..DatabaseSettings::default() };
        for missing in [Missing::Refuse, Missing::RefuseAndLeaveAsItIs] {
            assert!(matches!(open(&settings, missing).await, Err(AppError::NoDatabase(_))));
        }
        assert!(matches!(migrations(&settings).await, Err(AppError::NoDatabase(_))));
        assert!(matches!(maintenance(&settings, Missing::Refuse), Err(AppError::NoDatabase(_))));
    }

    #[test]
    fn the_defaults_are_those_of_the_adapter() {
        let settings = DatabaseSettings::default();
        let default = SqliteConfig::new(Location::File("tubeatlas.db".into()));
        assert_eq!(sqlite_config(&settings), default);
        let url = tubeatlas_adapters_postgres::DatabaseUrl::parse(POSTGRES).unwrap();
        let default = PostgresConfig::new(url);
        let config = postgres_config(&settings, &POSTGRES.parse().unwrap()).unwrap();
        assert_eq!(format!("{config:?}"), format!("{default:?}"));
    }

    #[test]
    fn every_setting_reaches_the_adapter() {
        let settings = DatabaseSettings {
            url: DatabaseUrl::SqliteTemporary,
            pool_size: 3,
            max_overflow: 4,
            acquire_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(6),
            recycle: Duration::from_secs(7),
            application_name: "atlas".to_owned(),
            busy_timeout: Duration::from_secs(2),
            journal_mode: tubeatlas_adapters_sqlite::JournalMode::Truncate,
            synchronous: tubeatlas_adapters_sqlite::Synchronous::Extra,
            foreign_keys: false,
            wal_limit: 4_096,
            pre_ping: false,
            echo: true,
            unit_of_work_timeout: Duration::from_secs(3),
        };
        let url = tubeatlas_adapters_postgres::DatabaseUrl::parse(POSTGRES).unwrap();
        let expected = PostgresConfig {
            url,
            pool_size: 3,
            max_overflow: 4,
            acquire_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(6),
            pre_ping: false,
            recycle: Duration::from_secs(7),
            application_name: "atlas".to_owned(),
            unit_of_work_timeout: Duration::from_secs(3),
            migrate: true,
        };
        let config = postgres_config(&settings, &POSTGRES.parse().unwrap()).unwrap();
        assert_eq!(format!("{config:?}"), format!("{expected:?}"));
        let expected = SqliteConfig {
            location: Location::Temporary,
            pool_size: 3,
            acquire_timeout: Duration::from_secs(1),
            busy_timeout: Duration::from_secs(2),
            journal_mode: tubeatlas_adapters_sqlite::JournalMode::Truncate,
            synchronous: tubeatlas_adapters_sqlite::Synchronous::Extra,
            foreign_keys: false,
            pre_ping: false,
            echo: true,
            unit_of_work_timeout: Duration::from_secs(3),
            wal_limit: 4_096,
            search_bound: SqliteConfig::new(Location::Temporary).search_bound,
            migrate: true,
            inline_reads: false,
        };
        assert_eq!(sqlite_config(&settings), expected);
    }
}
