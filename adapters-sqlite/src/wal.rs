//! The write-ahead log, kept bounded.
//!
//! SQLite brings the log into the database whenever it has grown by some pages, and then begins it anew. It cannot
//! while a reader still sees what is in it, so the log grows by all that is written while the oldest reader lives;
//! and its file does not become smaller by itself. So the writer looks at the file's size now and then, and when it
//! is over the limit, brings all of it into the database and cuts it to nothing as soon as no reader is in the way.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::Result;

use crate::config::{JournalMode, SqliteConfig};
use crate::error::Context;
use crate::metrics::Metrics;

/// How often the writer looks at the file's size at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long it lets readers be that were in the way.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long it waits for them, and all writes with it.
const PATIENCE: Duration = Duration::from_millis(50);

/// The most pages in the log before it is brought into the database: 16 MiB. A page that is changed often is brought
/// over once; SQLite's default, a quarter of this, makes bulk writes slower by half.
const MOST_PAGES: u64 = 4_000;

/// What `PRAGMA wal_checkpoint` answers.
#[derive(QueryableByName)]
struct Checkpoint {
    /// 1 if somebody was in the way.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// The PRAGMAs that go with the limit.
pub(crate) fn pragmas(config: &SqliteConfig) -> String {
    let limit = config.wal_limit;
    let pages = (limit / 2 / 4_096).clamp(1, MOST_PAGES);
    format!("PRAGMA wal_autocheckpoint = {pages}; PRAGMA journal_size_limit = {limit};")
}

/// The log of a database, as the writer sees it.
pub(crate) struct Wal {
    /// None in the other journal modes.
    path: Option<PathBuf>,
    limit: u64,
    busy_timeout: Duration,
    next_look: Instant,
}

impl Wal {
    pub(crate) fn new(database: &str, config: &SqliteConfig) -> Self {
        let path =
            (config.journal_mode == JournalMode::Wal).then(|| PathBuf::from(format!("{database}-wal")));
        Self { path, limit: config.wal_limit, busy_timeout: config.busy_timeout, next_look: Instant::now() }
    }

    /// The size of the log's file, in bytes.
    fn bytes(&self) -> u64 {
        let metadata = self.path.as_ref().and_then(|path| std::fs::metadata(path).ok());
        metadata.map_or(0, |metadata| metadata.len())
    }

    /// Cuts the log if it is over the limit and nobody is in the way; looks only now and then, or `at_once`.
    pub(crate) fn bound(
        &mut self,
        connection: &mut SqliteConnection,
        at_once: bool,
        metrics: &Metrics,
    ) -> Result<()> {
        let now = Instant::now();
        if now < self.next_look && !at_once {
            return Ok(());
        }
        self.next_look = now + LOOK_EVERY;
        let bytes = self.bytes();
        metrics.wal_bytes(bytes);
        if bytes <= self.limit {
            return Ok(());
        }
        let cut = self.cut(connection);
        if !matches!(cut, Ok(true)) {
            tracing::debug!(bytes, "the write-ahead log could not be cut; a reader is in the way");
            self.next_look = now + TRY_AGAIN_AFTER;
        }
        metrics.wal_bytes(self.bytes());
        cut.map(drop)
    }

    /// Brings all of the log into the database, and answers whether it could be cut then.
    fn cut(&self, connection: &mut SqliteConnection) -> Result<bool> {
        let wait = |connection: &mut SqliteConnection, time: Duration| {
            connection
                .batch_execute(&format!("PRAGMA busy_timeout = {}", time.as_millis()))
                .doing("setting how long a lock is waited for")
        };
        wait(connection, PATIENCE.min(self.busy_timeout))?;
        let done: Result<Checkpoint> = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)")
            .get_result(connection)
            .doing("cutting the write-ahead log");
        wait(connection, self.busy_timeout)?;
        Ok(done?.busy == 0)
    }
}
