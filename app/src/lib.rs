//! Tubeatlas as one program, and its parts for a service that wants to embed them: the use cases
//! ([`import`], [`search`], [`graphs`], [`captions`]), the service ([`http`]), the command line ([`cli`]).
//!
//! The use cases work on any store (`tubeatlas-ports`), and any archive:
//!
//! ```
//! use std::path::PathBuf;
//!
//! use tubeatlas::import::{ImportOptions, import};
//! use tubeatlas::search::{parse_query, search};
//! use tubeatlas::wiring;
//! use tubeatlas_domain::WorkerId;
//! use tubeatlas_ports::{SearchRequest, Store};
//!
//! async fn take_in_and_ask(store: &dyn Store, folder: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
//!     let archive = wiring::archive(vec![folder]);
//!     let options = ImportOptions::new(WorkerId::parse("my-service")?, "the archive");
//!     let (ids, clock) = (wiring::ids(), wiring::clock());
//!     let report = import(&archive, store, (ids.as_ref(), clock.as_ref()), &options, &|_| {}).await?;
//!     println!("{} videos, {} files refused", report.videos.total(), report.refused.len());
//!
//!     let request = SearchRequest::new(parse_query("\"high level API\" -python")?);
//!     for hit in search(store, &request).await?.hits {
//!         println!("{}: {}", hit.title, hit.url.unwrap_or_default());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A store is opened by its adapter, or as the program does it: [`wiring::open`] with the
//! [`settings`]. [`http::router`] over it is a service that can be nested into another, which then sees to who may ask and
//! how much; [`http::Service::guarded`] and a [`server`] see to it themselves.

pub mod captions;
pub mod claimed;
pub mod cli;
pub mod dates;
pub mod download_archive;
pub mod error;
pub mod excerpt;
pub mod graphs;
pub mod http;
pub mod import;
pub mod job;
pub mod link;
pub mod redact;
pub mod search;
pub mod server;
pub mod settings;
pub mod transfer;
pub mod view;
pub mod wiring;
pub mod worker;
