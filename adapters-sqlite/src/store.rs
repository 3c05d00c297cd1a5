//! [`SqliteStore`]: the store as a whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use diesel::{RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Clock, Error, Health, IdGenerator, Mode, Result, Store, UnitOfWork};

use crate::config::{JournalMode, SqliteConfig};
use crate::connection::{ConnectionSettings, Connections, NumberRow, set_journal_mode};
use crate::error::{Context, with_busy_timeout};
use crate::file::{DatabaseFile, FileIdentity};
use crate::index_version;
use crate::inline::InlineReaders;
use crate::maintenance::Maintenance;
use crate::metrics::Metrics;
use crate::migrations::{self, MigrationStatus};
use crate::pool::{Length, Moment, ReaderPool};
use crate::probe::probe;
use crate::session::Session;
use crate::unit_of_work::{SqliteUnitOfWork, Unit};
use crate::writer::Writer;

/// What a store consists of; shared by its handles and its units of work.
pub(crate) struct Engine {
    pub(crate) readers: ReaderPool,
    pub(crate) inline: Option<InlineReaders>,
    pub(crate) writer: Writer,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) unit_of_work_timeout: Duration,
    pub(crate) config: SqliteConfig,
    pub(crate) file: Mutex<DatabaseFile>,
    pub(crate) file_identity: FileIdentity,
    sqlite_version: String,
    closed: AtomicBool,
    /// Held by a check, which may take all readers: two at once could wait for each other's.
    pub(crate) checking: tokio::sync::Mutex<()>,
    connections: Arc<Connections>,
}

impl Engine {
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed { what: "the store".to_owned() });
        }
        Ok(())
    }

    /// Completes an error with what only the store knows: how long a lock was waited for, and that a thread
    /// has ended because the store was closed.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if let (Error::Unavailable { source: None, .. }, Err(closed)) = (&error, self.check_open()) {
            return closed;
        }
        with_busy_timeout(error, self.config.busy_timeout)
    }
}

/// The catalogue in one SQLite file.
///
/// Cloning it gives another handle to the same store. When the last handle and the last unit of work are
/// dropped the connections close by themselves; [`close`](Store::close) waits for that.
#[derive(Clone)]
pub struct SqliteStore {
    engine: Arc<Engine>,
    session: Session,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("config", &self.engine.config).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store, and makes or migrates its database if it needs that (and the configuration allows
    /// it). Several processes may do so at the same moment.
    ///
    /// # Errors
    /// [`SchemaMismatch`](Error::SchemaMismatch) if the file is no database of ours, comes from a newer program,
    /// needs a migration that the configuration does not allow, or if SQLite itself is too old: nothing is
    /// changed then. [`Unavailable`](Error::Unavailable) if the file cannot be made or opened,
    /// [`ReadOnly`](Error::ReadOnly) if it would have to be written and cannot be.
    pub async fn open(
        config: SqliteConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Result<Self> {
        let config = config.within_bounds();
        let for_opening = config.clone();
        let Opened { file, identity: file_identity, connection, sqlite_version, .. } =
            blocking(move || open_file(&for_opening, for_opening.migrate)).await?;
        let (connections, metrics) = (Connections::new(), Arc::new(Metrics::new()));
        let (path, settings) = (file.as_text()?, ConnectionSettings::new(&config, true));
        let inline = if config.inline_reads && config.journal_mode == JournalMode::Wal {
            let (path, settings, connections) = (path.clone(), settings.clone(), Arc::clone(&connections));
            Some(blocking(move || InlineReaders::open(&path, &settings, &connections)).await?)
        } else {
            None
        };
        let readers =
            ReaderPool::new(path.clone(), settings, &config, Arc::clone(&connections), Arc::clone(&metrics));
        let writer = Writer::start(
            connection,
            path,
            &config,
            &connections,
            file_identity.clone(),
            Arc::clone(&metrics),
        )?;
        let engine = Arc::new(Engine {
            readers,
            inline,
            writer,
            metrics,
            clock,
            ids,
            unit_of_work_timeout: config.unit_of_work_timeout,
            file: Mutex::new(file),
            file_identity,
            sqlite_version,
            closed: AtomicBool::new(false),
            connections,
            checking: tokio::sync::Mutex::new(()),
            config,
        });
        Ok(Self { session: Session::Store(Arc::clone(&engine)), engine })
    }

    /// The maintenance of this store's database, also of a temporary one, while the store is open.
    pub fn maintenance(&self) -> Maintenance {
        let path = self.engine.file.lock().unwrap_or_else(PoisonError::into_inner).path.clone();
        Maintenance::of(self.engine.config.clone(), path)
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

/// Applies the pending migrations to the configured database, which is made if it is missing, and answers
/// their names, oldest first.
///
/// # Errors
/// As [`SqliteStore::open`].
pub async fn migrate(config: &SqliteConfig) -> Result<Vec<String>> {
    let config = config.clone();
    blocking(move || Ok(open_file(&config, true)?.migrated)).await
}

/// What is applied to the configured database, and what is pending. Changes nothing of an existing one.
///
/// # Errors
/// As [`SqliteStore::open`].
pub async fn migration_status(config: &SqliteConfig) -> Result<MigrationStatus> {
    let config = config.clone();
    blocking(move || {
        migrations::check_sqlite()?;
        let file = DatabaseFile::prepare(&config.location)?;
        migrations::status(&mut open_as_it_is(&config, true, &file)?)
    })
    .await
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let failed = |error| Error::Backend {
        message: "work on the database ended unexpectedly".to_owned(),
        source: Some(Box::new(error)),
    };
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

struct Opened {
    file: DatabaseFile,
    identity: FileIdentity,
    connection: SqliteConnection,
    sqlite_version: String,
    migrated: Vec<String>,
}

/// Opens the connection that will write: looks at the file before anything is changed, then brings it into
/// the configured journal mode and up to date.
fn open_file(config: &SqliteConfig, migrate: bool) -> Result<Opened> {
    let sqlite_version = migrations::check_sqlite()?;
    let file = DatabaseFile::prepare(&config.location)?;
    // Before and after: if another file takes its place in between, it is not known which one was opened.
    let identity = FileIdentity::of(&file.path)?;
    let mut connection = open_as_it_is(config, false, &file)?;
    identity.check()?;
    let pending = migrations::status(&mut connection)?.pending;
    if !pending.is_empty() && !migrate {
        return Err(migrations::needed(&file.path, &pending));
    }
    set_journal_mode(&mut connection, config)?;
    let migrated = if pending.is_empty() { pending } else { migrations::run(&mut connection, &file.path)? };
    if let Some(message) = index_version::settle(&mut connection)? {
        tracing::warn!("{}: {message}", file.path.display());
    }
    Ok(Opened { file, identity, connection, sqlite_version, migrated })
}

/// Opens a connection to a file that is ours, or empty, and changes nothing of any other.
pub(crate) fn open_as_it_is(
    config: &SqliteConfig,
    read_only: bool,
    file: &DatabaseFile,
) -> Result<SqliteConnection> {
    let settings = ConnectionSettings::new(config, read_only);
    probe(&settings, file)?;
    let mut connection = settings.open(&file.as_text()?)?;
    migrations::check_file(&mut connection, &file.path)?;
    Ok(connection)
}

tubeatlas_ports::delegate_repositories!(SqliteStore, session);

#[async_trait]
impl Store for SqliteStore {
    /// The deadline of a unit of work is
    /// [`unit_of_work_timeout`](SqliteConfig::unit_of_work_timeout).
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        self.engine.check_open()?;
        let unit = Unit::begin(Arc::clone(&self.engine), mode).await;
        let unit = unit.map_err(|error| self.engine.explain(error))?;
        Ok(Box::new(SqliteUnitOfWork::new(unit)))
    }

    async fn health(&self) -> Result<Health> {
        self.engine.check_open()?;
        let revision = self
            .engine
            .readers
            .run(Length::Short, Moment::OfEach, |connection| {
                let row: NumberRow = diesel::sql_query("SELECT revision AS value FROM store_state")
                    .get_result(connection)
                    .doing("reading the store's state")?;
                Ok(row.value)
            })
            .await
            .map_err(|error| self.engine.explain(error))?;
        self.engine.file_identity.check()?;
        let (open, idle) = self.engine.readers.status();
        let (path, wal) = {
            let file = self.engine.file.lock().unwrap_or_else(PoisonError::into_inner);
            (file.path.clone(), file.beside("-wal"))
        };
        let bytes = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut health = Health::new("sqlite");
        health.details = BTreeMap::from([
            ("path", path.display().to_string()),
            ("sqlite_version", self.engine.sqlite_version.clone()),
            ("revision", revision.to_string()),
            ("database_bytes", bytes(&path).to_string()),
            ("wal_bytes", bytes(&wal).to_string()),
            ("readers_open", open.to_string()),
            ("readers_idle", idle.to_string()),
            ("readers_max", self.engine.config.pool_size.to_string()),
        ]);
        Ok(health)
    }

    async fn close(&self) -> Result<()> {
        self.engine.closed.store(true, Ordering::Release);
        self.engine.readers.close();
        if let Some(inline) = &self.engine.inline {
            inline.close();
        }
        // The writer last and alone: two connections that close at the same moment each take the other for one
        // that stays, and neither brings the write-ahead log into the database.
        self.engine.connections.at_most_open(1).await;
        self.engine.writer.stop().await;
        self.engine.connections.at_most_open(0).await;
        self.engine.file.lock().unwrap_or_else(PoisonError::into_inner).temporary.take();
        Ok(())
    }
}
