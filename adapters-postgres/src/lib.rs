//! The Tubeatlas store on Postgres: the same catalogue for many machines.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig, PostgresStore};
//! use tubeatlas_domain::{Video, VideoFields, VideoId};
//! use tubeatlas_ports::{Repositories, Store, SystemClock, UuidV7Generator, Visibility};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url = DatabaseUrl::parse("postgres://tubeatlas:secret@db.example.org/tubeatlas?sslmode=verify-full")?;
//! let config = PostgresConfig::new(url);
//! let store = PostgresStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await?;
//! let id = VideoId::parse("dQw4w9WgXcQ")?;
//! store.videos().create(&Video::new(VideoFields::new(id.clone(), "Never Gonna Give You Up"))?).await?;
//! assert!(store.videos().exists(&id, Visibility::Live).await?);
//! store.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//! Connections come from a pool, and each runs its transactions at the level serializable. A call of the store that has
//! to give way to others is made again, with growing pauses, as long as a call may wait; a unit of work answers
//! [`Conflict::Serialization`](tubeatlas_ports::Conflict::Serialization) instead, and [`transact`](tubeatlas_ports::transact)
//! runs it again. Claims of tasks alone are read committed, and pass over what others are claiming.
//!
//! What runs on a connection runs in a task of its own. Whoever drops a call, or a unit of work, leaves that task
//! behind, which goes on to its end, or has the server stop what takes long; in either case no transaction stays open,
//! and whoever comes next gets a clean connection.
//!
//! It speaks the Postgres protocol and plain SQL, without extensions, to Postgres 13 and newer.
//!
//! # What it promises
//! What was acknowledged survives the end of this process, and of the server, as the server's `fsync` and
//! `synchronous_commit` promise. After a connection was lost during a commit nobody knows whether it was kept: that is
//! [`Unavailable`](tubeatlas_ports::Error::Unavailable).
//!
//! # How large the pool should be
//! A server does no more at once than it has processors and disks: some `2 × processors + disks` connections in use
//! keep it busy, and more only wait inside it, with their locks held. All processes together must stay below its
//! `max_connections`; so with `n` processes, `pool_size + max_overflow` of each is at most
//! `(max_connections − 10) / n`, the ten being for administrators, backups and migrations.

mod channels;
mod check;
mod columns;
mod config;
mod engine;
mod error;
mod index_version;
mod knowledge_graphs;
mod media_files;
mod migrations;
mod passages;
mod playlists;
mod pool;
mod processing_tasks;
mod reindex;
mod retry;
mod schema;
mod search;
mod session;
mod source_files;
mod statement;
mod store;
mod table;
mod tls;
mod transcripts;
mod unit_of_work;
mod videos;

pub use config::{DatabaseUrl, PostgresConfig};
pub use migrations::MigrationStatus;
pub use reindex::Reindexed;
pub use store::{PostgresStore, migrate, migration_status};
