//! Connections: how they are opened and set up, and what runs on their threads.
//!
//! A connection lives on a thread of its own. Whoever wants something from it sends a job and awaits the answer. So
//! a caller never owns what runs on the connection: dropping the caller neither interrupts nor blocks anything,
//! and a job, once begun, always runs to its end. (diesel-async's wrapper, in contrast, waits in `drop` for the
//! statement to end, and panics there on a current-thread runtime.) A thread of its own is also the cheapest hop
//! that keeps this promise: `spawn_blocking` costs about half as much again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::{Connection, ConnectionError, RunQueryDsl, SqliteConnection};
use tokio::sync::watch;
use tubeatlas_ports::{Error, Result};

use crate::config::{JournalMode, SqliteConfig};
use crate::error::{Context, taints_connection};
use crate::wal;

/// The connections of a store: how many are open.
#[derive(Debug)]
pub(crate) struct Connections {
    open: watch::Sender<usize>,
}

impl Connections {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { open: watch::Sender::new(0) })
    }

    /// Waits until no more than `most` are open.
    pub(crate) async fn at_most_open(&self, most: usize) {
        // An error would mean that the sender is gone, which is in `self`.
        let _ = self.open.subscribe().wait_for(|open| *open <= most).await;
    }
}

/// Counts a connection as long as it lives.
pub(crate) struct Counted(Arc<Connections>);

impl Counted {
    pub(crate) fn new(connections: &Arc<Connections>) -> Self {
        connections.open.send_modify(|open| *open += 1);
        Self(Arc::clone(connections))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

/// Notes that a connection must not be used on; see [`taints_connection`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Taint(Arc<AtomicBool>);

impl Taint {
    /// Looks at what a statement answered.
    pub(crate) fn look_at<T>(&self, result: &Result<T>) {
        if result.as_ref().is_err_and(taints_connection) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there was a reason since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// How long a thread looks for what it waits for before it goes to sleep: about as long as it takes to be woken.
const LOOK: Duration = Duration::from_micros(30);

/// Looks for something that will probably come soon. In between it lets others run, who may be the ones that bring
/// it.
pub(crate) fn look<T>(mut find: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return Some(found);
        }
        if begun.elapsed() > LOOK {
            return None;
        }
        std::thread::yield_now();
    }
}

/// Runs a job. Jobs catch the panics of what they run; should one panic all the same, the connection is freed
/// of what it left open, and goes on.
pub(crate) fn run_job(connection: &mut SqliteConnection, job: impl FnOnce(&mut SqliteConnection)) {
    if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
        let _ = connection.batch_execute("ROLLBACK"); // fails if nothing is open, which is as well
    }
}

/// What is said where SQLite cannot even open a file.
pub(crate) fn cannot_open(path: &Path, error: ConnectionError) -> Error {
    let path = path.display();
    Error::Unavailable {
        message: format!("cannot open the database {path}; check its permissions, and those of its folder"),
        source: Some(Box::new(error)),
    }
}

/// A panic inside a job, as an error. The connection itself is used on: whoever runs jobs inside a transaction
/// rolls it back after an error.
pub(crate) fn catching<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::Backend { message: format!("a statement panicked: {text}"), source: None })
    })
}

pub(crate) fn thread_ended() -> Error {
    Error::Unavailable { message: "the connection's thread has ended".to_owned(), source: None }
}

/// What a reader keeps of the file in memory, in KiB: the inner pages of the indexes that a point read needs, of ten
/// million rows. There may be many readers.
const READER_CACHE_KIB: u32 = 16_000;

/// What the writer keeps of the file in memory, in KiB: the inner pages of all indexes of some million rows.
const WRITER_CACHE_KIB: u32 = 32_000;

/// The PRAGMAs that every connection gets, and whether it may write.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionSettings {
    busy_timeout: Duration,
    synchronous: i32,
    foreign_keys: bool,
    echo: bool,
    read_only: bool,
    wal: String,
}

impl ConnectionSettings {
    pub(crate) fn new(config: &SqliteConfig, read_only: bool) -> Self {
        Self {
            busy_timeout: config.busy_timeout,
            synchronous: config.synchronous.as_number(),
            foreign_keys: config.foreign_keys,
            echo: config.echo,
            read_only,
            wal: wal::pragmas(config),
        }
    }

    /// The same for a connection that waits for no lock.
    pub(crate) fn without_waiting(self) -> Self {
        Self { busy_timeout: Duration::ZERO, ..self }
    }

    /// Opens a connection and sets it up; what was set is read back, because SQLite ignores a PRAGMA that it
    /// does not like.
    pub(crate) fn open(&self, path: &str) -> Result<SqliteConnection> {
        let mut connection =
            SqliteConnection::establish(path).map_err(|error| cannot_open(Path::new(path), error))?;
        if self.echo {
            connection.set_instrumentation(|event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    tracing::debug!(target: "tubeatlas_adapters_sqlite::statement", "{query}");
                }
            });
        }
        // busy_timeout comes first, for the others may have to wait for a lock. What a foreign hand wrote
        // into the file must not run code or map memory: trusted_schema, cell_size_check and mmap_size are
        // what SQLite advises for files from elsewhere (https://sqlite.org/security.html). SQLITE_DBCONFIG_DEFENSIVE,
        // which it advises too, can only be set through its C interface; it guards against SQL of others, and none
        // of that is run here.
        let pragmas = format!(
            "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = {}; PRAGMA synchronous = {};
             PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
             PRAGMA cache_size = -{}; {} PRAGMA query_only = {}; {}",
            self.busy_timeout.as_millis(),
            i32::from(self.foreign_keys),
            self.synchronous,
            if self.read_only { READER_CACHE_KIB } else { WRITER_CACHE_KIB },
            crate::common_words::VOCABULARY,
            i32::from(self.read_only),
            self.wal,
        );
        connection.batch_execute(&pragmas).doing("setting a connection up")?;
        crate::search::register_weight(&mut connection).doing("setting a connection up")?;
        self.verify(&mut connection)?;
        Ok(connection)
    }

    /// Checks that the connection has the settings, and answers them by name.
    pub(crate) fn verify(&self, connection: &mut SqliteConnection) -> Result<Vec<(&'static str, i64)>> {
        let wanted = [
            ("busy_timeout", i64::try_from(self.busy_timeout.as_millis()).unwrap_or(i64::MAX)),
            ("foreign_keys", i64::from(self.foreign_keys)),
            ("synchronous", i64::from(self.synchronous)),
            ("query_only", i64::from(self.read_only)),
            ("trusted_schema", 0),
            ("cell_size_check", 1),
        ];
        for (name, wanted) in wanted {
            let actual = pragma(connection, name)?;
            if actual != wanted {
                let message = format!("PRAGMA {name} is {actual} where {wanted} was set");
                return Err(Error::Backend { message, source: None });
            }
        }
        Ok(wanted.to_vec())
    }
}

/// Sets the journal mode, which is a property of the file and stays. SQLite does not wait for other
/// connections here, whatever busy_timeout says (it would be a deadlock if two did), so we do.
pub(crate) fn set_journal_mode(connection: &mut SqliteConnection, config: &SqliteConfig) -> Result<()> {
    let wanted = config.journal_mode;
    let deadline = Instant::now() + config.busy_timeout;
    loop {
        match journal_mode(connection, wanted) {
            Ok(mode) if mode == wanted.as_str() => return Ok(()),
            Ok(mode) => {
                let message = format!(
                    "the journal mode is {mode} and could not be made {}; the file system may not allow it",
                    wanted.as_str()
                );
                return Err(Error::Unavailable { message, source: None });
            }
            Err(Error::Timeout { .. }) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

fn journal_mode(connection: &mut SqliteConnection, wanted: JournalMode) -> Result<String> {
    let row: TextRow = diesel::sql_query("SELECT journal_mode AS value FROM pragma_journal_mode")
        .get_result(connection)
        .doing("reading the journal mode")?;
    if row.value == wanted.as_str() {
        return Ok(row.value);
    }
    connection
        .batch_execute(&format!("PRAGMA journal_mode = {}", wanted.as_str()))
        .doing("setting the journal mode")?;
    let row: TextRow = diesel::sql_query("SELECT journal_mode AS value FROM pragma_journal_mode")
        .get_result(connection)
        .doing("reading the journal mode")?;
    Ok(row.value)
}

/// The number that a PRAGMA answers.
pub(crate) fn pragma(connection: &mut SqliteConnection, name: &str) -> Result<i64> {
    // The table-valued form gives its column the PRAGMA's own name, except busy_timeout, which is `timeout`.
    let column = if name == "busy_timeout" { "timeout" } else { name };
    let sql = format!("SELECT {column} AS value FROM pragma_{name}");
    let row: NumberRow = diesel::sql_query(sql).get_result(connection).doing("reading a PRAGMA")?;
    Ok(row.value)
}

#[derive(diesel::QueryableByName)]
pub(crate) struct NumberRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub(crate) value: i64,
}

#[derive(diesel::QueryableByName)]
pub(crate) struct TextRow {
    #[diesel(sql_type = diesel::sql_types::Text)]
    pub(crate) value: String,
}
