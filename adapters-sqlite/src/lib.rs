//! The Tubeatlas store in one SQLite file: the embedded default.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
//! use tubeatlas_domain::{Video, VideoFields, VideoId};
//! use tubeatlas_ports::{Repositories, Store, SystemClock, UuidV7Generator, Visibility};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SqliteConfig::new(Location::Temporary); // or Location::File("catalogue.db".into())
//! let store = SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await?;
//! let id = VideoId::parse("dQw4w9WgXcQ")?;
//! store.videos().create(&Video::new(VideoFields::new(id.clone(), "Never Gonna Give You Up"))?).await?;
//! assert!(store.videos().exists(&id, Visibility::Live).await?);
//! store.close().await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(example())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//! Each connection lives on a thread of its own, and callers send it what is to be done: one hop a call, and
//! a caller that goes away neither interrupts nor blocks anything. Reads go to a queue from which the threads of
//! read-only connections take them, writes to the one connection that writes, where single writes that arrive
//! together share a commit. With [`inline_reads`](SqliteConfig::inline_reads) a `get` needs no hop. A unit of work
//! holds a connection until it ends. In WAL mode readers and the writer do not wait for each other, and the log stays
//! below [`wal_limit`](SqliteConfig::wal_limit) but for what is written while a unit of work reads. A connection that reads
//! keeps up to 16 MB of the file in memory, the one that writes up to 32 MB.
//!
//! # How SQLite is compiled
//! SQLite comes with the crate `libsqlite3-sys`, which compiles it. As it does so by itself, all connections of a process
//! wait for one lock at each page and each allocation; this in the `.cargo/config.toml` of *your* workspace takes both
//! away, and has several readers list a third more pages a second on two cores:
//!
//! ```toml
//! [env]
//! LIBSQLITE3_FLAGS = "-USQLITE_ENABLE_MEMORY_MANAGEMENT -DSQLITE_DEFAULT_MEMSTATUS=0"
//! ```
//!
//! # What it promises
//! What was acknowledged survives the end of the process in any way, and a loss of power with
//! [`Synchronous::Full`]. The file stays whole after a loss of power unless `synchronous` is
//! [`Off`](Synchronous::Off).
//!
//! # What can be measured
//! Through the facade of the crate `metrics`; install its recorder before the store is opened.
//!
//! | Name | Kind, unit | What |
//! |---|---|---|
//! | `tubeatlas_sqlite_pool_wait_seconds` | histogram, s | how long a read waited for a connection |
//! | `tubeatlas_sqlite_call_seconds` | histogram, s | how long the statements of a call took, without waiting; labels `operation` (`get`, `list`, `upsert_many`, `search`, …) and `entity` (`video`, …) |
//! | `tubeatlas_sqlite_write_queue_depth` | gauge | how many requests waited for the writer when a commit's first write began |
//! | `tubeatlas_sqlite_commit_group_size` | histogram | how many single writes shared a commit |
//! | `tubeatlas_sqlite_commit_seconds` | histogram, s | how long their `COMMIT` took |
//! | `tubeatlas_sqlite_wal_bytes` | gauge, bytes | how large the write-ahead log is, rounded down to KiB; looked at ten times a second at most, after writes |
//!
//! # When something goes wrong
//! Each error says what it is, and the same open store works again when the cause is gone: connections that an error
//! leaves in doubt are closed and opened anew.
//!
//! | What | Answer |
//! |---|---|
//! | the disk is full | [`StorageFull`](tubeatlas_ports::Error::StorageFull); reads go on |
//! | the disk answers an error | [`Unavailable`](tubeatlas_ports::Error::Unavailable) |
//! | the file may not be written | [`ReadOnly`](tubeatlas_ports::Error::ReadOnly); reads go on |
//! | pages or rows are damaged | [`Corrupt`](tubeatlas_ports::Error::Corrupt) from the calls that meet them |
//! | the file was moved, deleted or replaced | [`Unavailable`](tubeatlas_ports::Error::Unavailable) from every write, before it is acknowledged, and from `health` |
//! | another process holds the lock for longer than `busy_timeout` | [`Timeout`](tubeatlas_ports::Error::Timeout) |

mod channels;
mod check;
mod checkpointer;
mod columns;
mod common_words;
mod config;
mod connection;
mod cues;
mod error;
mod file;
mod index_version;
mod inline;
mod knowledge_graphs;
mod live_schema;
mod maintenance;
mod media_files;
mod metrics;
mod migrations;
mod passages;
mod playlists;
mod pool;
mod probe;
mod processing_tasks;
mod schema;
mod search;
mod session;
mod source_files;
mod statement;
mod store;
mod table;
mod ticket;
mod transcripts;
mod unit_of_work;
mod videos;
mod wal;
mod writer;

pub use check::PoolCheck;
pub use config::{JournalMode, Location, SqliteConfig, Synchronous};
pub use maintenance::{
    Backup, Checkpoint, Maintenance, Reindexed, Restored, Reverted, Stats, TableStats, Vacuumed,
};
pub use migrations::MigrationStatus;
pub use store::{SqliteStore, migrate, migration_status};
