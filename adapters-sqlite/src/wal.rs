//! The write-ahead log, kept bounded.
//!
//! What is in the log is brought into the database by a thread beside the writer (`checkpointer.rs`). SQLite begins
//! the log anew only when all of it is there; so the writer does the last, small part itself when the log is long
//! enough, and waits for the thread when the log becomes half as long again. Neither can do anything about a reader who
//! still sees what is in the log: it grows by all that is written while the oldest reader lives. And its file does
//! not become smaller by itself; so the writer looks at the file's size now and then, and cuts it to nothing when it
//! is over the limit and no reader is in the way.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tubeatlas_ports::Result;

use crate::checkpointer::{Checkpointer, Mode, Progress, Work};
use crate::config::{JournalMode, SqliteConfig};
use crate::connection::ConnectionSettings;
use crate::error::Context;
use crate::file::FileIdentity;
use crate::metrics::Metrics;

/// How often the writer looks at the file's size at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long it lets those be, at first, that keep the log from being brought into the database.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// How long it lets readers be that kept the log from being cut.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long it waits for them, and all writes with it.
const PATIENCE: Duration = Duration::from_millis(50);

/// The most pages in the log before it is to begin anew: 16 MiB. A page that is changed often is brought into the
/// database once; SQLite's default, a quarter of this, makes bulk writes slower by half.
const MOST_PAGES: u64 = 4_000;

/// So many that with half as many more, when the writer waits, and a long write behind that, the log is still below its
/// limit.
fn most_pages(config: &SqliteConfig) -> u64 {
    (config.wal_limit / 5 * 2 / 4_096).clamp(1, MOST_PAGES)
}

/// The PRAGMAs that go with the limit.
pub(crate) fn pragmas(config: &SqliteConfig) -> String {
    let (limit, pages) = (config.wal_limit, most_pages(config));
    format!("PRAGMA wal_autocheckpoint = {pages}; PRAGMA journal_size_limit = {limit};")
}

/// The log of a database, as the writer sees it.
pub(crate) struct Wal {
    /// None in the other journal modes.
    path: Option<PathBuf>,
    database: String,
    settings: ConnectionSettings,
    file: FileIdentity,
    pages: u64,
    limit: u64,
    busy_timeout: Duration,
    checkpointer: Option<Checkpointer>,
    /// Not before this, for somebody was in the way.
    next_checkpoint: Instant,
    pause: Duration,
    next_look: Instant,
}

impl Wal {
    pub(crate) fn new(database: &str, config: &SqliteConfig, file: FileIdentity) -> Self {
        let path =
            (config.journal_mode == JournalMode::Wal).then(|| PathBuf::from(format!("{database}-wal")));
        Self {
            path,
            database: database.to_owned(),
            settings: ConnectionSettings::new(config, false),
            file,
            pages: most_pages(config),
            limit: config.wal_limit,
            busy_timeout: config.busy_timeout,
            checkpointer: None,
            next_checkpoint: Instant::now(),
            pause: Duration::ZERO,
            next_look: Instant::now(),
        }
    }

    /// Takes it from SQLite to bring the log into the database in a commit.
    pub(crate) fn take_over(&self, connection: &mut SqliteConnection) -> Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        connection.batch_execute("PRAGMA wal_autocheckpoint = 0").doing("taking over the write-ahead log")
    }

    /// Ends what works beside the writer.
    pub(crate) fn stop(&mut self) {
        if let Some(checkpointer) = self.checkpointer.take() {
            checkpointer.stop();
        }
    }

    /// The size of the log's file, in bytes.
    fn bytes(&self) -> u64 {
        let metadata = self.path.as_ref().and_then(|path| std::fs::metadata(path).ok());
        metadata.map_or(0, |metadata| metadata.len())
    }

    /// Sees to it that the log is brought into the database, and begun anew when it is long enough.
    pub(crate) fn checkpoint(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        if self.path.is_none() || Instant::now() < self.next_checkpoint {
            return Ok(());
        }
        let (most, few) = (self.pages, self.pages / 16);
        let progress = Progress::of(connection, Mode::Look)?;
        if progress.left() < most / 2 && progress.log() < most {
            return Ok(());
        }
        if self.checkpointer.is_none() {
            let (path, settings, file) = (self.database.clone(), self.settings.clone(), self.file.clone());
            self.checkpointer = Checkpointer::start(path, settings, file).ok(); // without, the writer does it all
        }
        if let Some(checkpointer) = &self.checkpointer {
            match checkpointer.work() {
                _ if progress.log() >= most * 3 / 2 => checkpointer.wait(),
                Work::Begun => return Ok(()),
                Work::Done if progress.left() <= few => {}
                work => {
                    checkpointer.begin();
                    self.pause(work == Work::Hindered);
                    return Ok(());
                }
            }
        }
        // All that is left, so that the next write begins the log anew.
        let done = Progress::of(connection, Mode::Passive);
        self.pause(done.as_ref().map_or(true, |done| done.is_none_since(&progress)));
        done.map(drop)
    }

    /// Lets the log be for a while if somebody is in the way, longer each time.
    fn pause(&mut self, hindered: bool) {
        self.pause = if hindered { (self.pause * 2).clamp(FIRST_PAUSE, LOOK_EVERY) } else { Duration::ZERO };
        self.next_checkpoint = Instant::now() + self.pause;
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
        if let Some(checkpointer) = &self.checkpointer {
            checkpointer.wait();
        }
        let wait = |connection: &mut SqliteConnection, time: Duration| {
            connection
                .batch_execute(&format!("PRAGMA busy_timeout = {}", time.as_millis()))
                .doing("setting how long a lock is waited for")
        };
        wait(connection, PATIENCE.min(self.busy_timeout))?;
        let done = Progress::of(connection, Mode::Truncate);
        wait(connection, self.busy_timeout)?;
        Ok(!done?.in_the_way())
    }
}
