//! How a store is configured.

use std::path::PathBuf;
use std::time::Duration;

use tubeatlas_ports::MIN_COMMON_WORD;

/// Where the database lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file, which is made if it is missing.
    File(PathBuf),
    /// In a private temporary file that is gone when the store is closed. (Not SQLite's own `:memory:`: there
    /// each connection has a database of its own, and a shared one refuses WAL, so readers block the writer.)
    Temporary,
}

/// SQLite's `journal_mode`. Only with [`Wal`](Self::Wal) does the store keep the promise that reads do not
/// wait for a unit of work; the others are for file systems on which WAL does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// Write-ahead log: readers and the writer do not wait for each other.
    Wal,
    /// Rollback journal, deleted after each transaction.
    Delete,
    /// Rollback journal, cut to nothing after each transaction.
    Truncate,
    /// Rollback journal, overwritten.
    Persist,
}

impl JournalMode {
    /// The mode as SQLite spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Persist => "persist",
        }
    }
}

/// SQLite's `synchronous`: what survives a loss of power. What was acknowledged survives the end of the
/// process in every mode. (`tests/faulty-vfs` cuts the power of a simulated disk in each.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Nothing is promised after a loss of power, not even that the file is whole.
    Off,
    /// With WAL the file stays whole after a loss of power; the last commits may be lost.
    Normal,
    /// With WAL every acknowledged commit survives a loss of power.
    Full,
    /// Like `Full`; with a rollback journal also the deletion of the journal is made durable.
    Extra,
}

impl Synchronous {
    /// The mode as SQLite numbers it.
    pub fn as_number(self) -> i32 {
        match self {
            Self::Off => 0,
            Self::Normal => 1,
            Self::Full => 2,
            Self::Extra => 3,
        }
    }
}

/// How a store is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// Where the database lies.
    pub location: Location,
    /// How many connections read at most, from 1. They are made when they are needed.
    pub pool_size: usize,
    /// How long a call waits for a connection, or for the right to write, before it answers `Timeout`.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process that holds the database's lock (`busy_timeout`).
    pub busy_timeout: Duration,
    /// `journal_mode`.
    pub journal_mode: JournalMode,
    /// `synchronous`.
    pub synchronous: Synchronous,
    /// `foreign_keys`. The store checks references itself, with or without; this is a second lock on the door.
    pub foreign_keys: bool,
    /// Whether each connection is asked for a sign of life before it is used.
    pub pre_ping: bool,
    /// Whether each statement is logged (target `tubeatlas_adapters_sqlite::statement`, level DEBUG).
    pub echo: bool,
    /// Whether `get` and `exists` of the store read on the calling thread, without a hop, where they can (in WAL
    /// mode, and when one of a few connections is free). That is several times faster while the pages that are
    /// read are in memory; a page that is not, on a slow disk, keeps a thread of the runtime waiting with all its
    /// tasks. These connections come on top of `pool_size`.
    pub inline_reads: bool,
    /// How long a unit of work may last, in either mode, before it is rolled back; its later calls answer
    /// [`Closed`](tubeatlas_ports::Error::Closed) and say why. A statement of it that has begun runs to its end first,
    /// for SQLite could only be made to stop by means that Diesel does not offer; so does a read outside of a unit of
    /// work. All of them are bounded by an index and a limit, save that a count looks at each row,
    /// and a search that excludes a beginning of words reads all of these words' entries.
    pub unit_of_work_timeout: Duration,
    /// How large the write-ahead log may stay, in bytes. It is brought into the database before that, but grows beyond
    /// it by what is written while a reader keeps its snapshot (at most for `unit_of_work_timeout`); then it is cut as
    /// soon as that reader is gone.
    pub wal_limit: u64,
    /// What a search takes into account at most, in passages, where all of its words are common, which is to say that
    /// each is held by more passages than this (at least [`MIN_COMMON_WORD`](tubeatlas_ports::MIN_COMMON_WORD)): those
    /// that match among the 25 times as many passages that were stored last. Such a search says so
    /// ([`among_latest`](tubeatlas_ports::SearchPage::among_latest)). All others search everything; in the order of
    /// relevance a common word beside rarer ones weighs nothing.
    pub search_bound: u64,
    /// Whether opening applies pending migrations; without, a database that needs some is refused.
    pub migrate: bool,
}

/// The longest time-out, a year: what is longer is as good as for ever, and would overflow the system's clocks.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl SqliteConfig {
    /// The same with at least one reader, and no time-out longer than a year.
    pub(crate) fn within_bounds(mut self) -> Self {
        self.pool_size = self.pool_size.max(1);
        for timeout in [&mut self.acquire_timeout, &mut self.busy_timeout, &mut self.unit_of_work_timeout] {
            *timeout = LONGEST.min(*timeout);
        }
        self.wal_limit = self.wal_limit.min(i64::MAX.unsigned_abs()); // SQLite takes no larger number
        self.search_bound = self.search_bound.clamp(MIN_COMMON_WORD, u32::MAX.into());
        self.busy_timeout = self.busy_timeout.min(Duration::from_millis(i32::MAX.unsigned_abs().into()));
        self
    }

    /// The defaults, for this location: 20 readers, 30 s to acquire, 5 s busy, WAL, NORMAL, foreign keys on,
    /// pre-ping, no echo, no inline reads, units of work of at most 30 s, a log of 32 MiB,
    /// searches of 20,000 passages with common words, migrations applied.
    pub fn new(location: Location) -> Self {
        Self {
            location,
            pool_size: 20,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            journal_mode: JournalMode::Wal,
            synchronous: Synchronous::Normal,
            foreign_keys: true,
            pre_ping: true,
            echo: false,
            inline_reads: false,
            unit_of_work_timeout: Duration::from_secs(30),
            wal_limit: 32 * 1024 * 1024,
            search_bound: 20_000,
            migrate: true,
        }
    }
}
