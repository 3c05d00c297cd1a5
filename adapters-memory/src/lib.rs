//! The Tubeatlas store in memory: all promises of the ports over persistent maps, and nothing on disk.
//!
//! For tests, for trying things out, and for catalogues that live only as long as their process.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
//! use tubeatlas_domain::{Video, VideoFields, VideoId};
//! use tubeatlas_ports::{
//!     Error, Mode, Repositories, Repository, Store, SystemClock, UuidV7Generator, Visibility, WriteRepository,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let store = MemoryStore::new(MemoryConfig::default(), Arc::new(SystemClock), Arc::new(UuidV7Generator));
//! let id = VideoId::parse("dQw4w9WgXcQ").map_err(Error::Invalid)?;
//! let video = Video::new(VideoFields::new(id.clone(), "Never Gonna Give You Up")).map_err(Error::Invalid)?;
//!
//! let unit = store.begin(Mode::ReadWrite).await?;
//! unit.videos().create(&video).await?;
//! assert!(!store.videos().exists(&id, Visibility::Live).await?); // nobody else sees it yet
//! unit.commit().await?;
//!
//! assert_eq!(store.videos().get(&id, Visibility::Live).await?.unwrap().title, "Never Gonna Give You Up");
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//! A state of the catalogue is a handful of persistent maps ([imbl]); to copy it is to copy some pointers. Each
//! read takes the pointer to the state that is published at that moment, and keeps it as long as it needs: it
//! waits for nobody, and nobody for it. There is one right to write. Whoever has it changes a copy of the
//! state, and publishes it if all went well; a unit of work keeps its copy to itself until it is committed.
//! So an error, a rollback, a panic or a cancelled future have nothing to undo.
//!
//! Calls do their work at once, on the thread that polls them; only the right to write is waited for, and
//! only as long as [`MemoryConfig::acquire_timeout`] allows.
//!
//! [imbl]: https://docs.rs/imbl

mod channels;
mod config;
mod knowledge_graphs;
mod media_files;
mod playlists;
mod processing_tasks;
mod repository;
mod search;
mod session;
mod source_files;
mod state;
mod store;
mod transcripts;
mod unit_of_work;
mod videos;

pub use config::MemoryConfig;
pub use store::MemoryStore;
