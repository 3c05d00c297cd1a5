//! The ports of Tubeatlas: what a store of the catalogue must do, as traits. Names no database.
//!
//! For those who **call** a store: everything starts at [`Store`]. It hands out one repository an entity;
//! each call is a transaction of its own. Several calls become one in a unit of work, which [`transact`]
//! opens, commits, rolls back and tries again:
//!
//! ```
//! use tubeatlas_domain::{Video, VideoFields, VideoId};
//! use tubeatlas_ports::{Error, Repositories, Repository, Store, Visibility, WriteRepository};
//!
//! async fn rename(store: &dyn Store, id: &VideoId, title: &str) -> Result<(), Error> {
//!     let Some(stored) = store.videos().get(id, Visibility::Live).await? else { return Ok(()) };
//!     let mut fields = stored.entity.into_fields();
//!     fields.title = title.to_owned();
//!     let renamed = Video::new(fields).map_err(Error::Invalid)?;
//!     // Only if nobody else changed it meanwhile; otherwise `Conflict::Revision`.
//!     store.videos().update(&renamed, Some(stored.revision)).await?;
//!     Ok(())
//! }
//! ```
//!
//! Code that takes `&dyn Repositories` runs on a store and inside a unit of work alike.
//!
//! For those who **implement** a store: each trait and method says under "What an implementor owes" what it
//! must keep; the contract suite (`tubeatlas-contract`) checks it. The error type is [`Error`]; cursors are
//! made and read by [`Cursor`]; `updated_at` is kept by [`Stored::changed`].
//!
//! # How methods are added later
//! A new method comes with a default that answers [`Error::Unsupported`], and rules in the contract suite
//! that an adapter may declare away; so an adapter of another team goes on compiling, and its report shows
//! what it does not have yet. Only a new major version makes a method required, or adds to a filter, a request,
//! an order or [`Visibility`]: an adapter that ignored the new part would answer wrongly, so adapters
//! destructure filters without `..` and match orders without `_`.
//!
//! # Features
//! - `mock`: [mockall] mocks of every port in [`mock`], for unit tests of code that calls them.
//! - `blocking`: a store for callers that are not async, in [`blocking`].
//! - `openapi`: the JSON forms as schemas of OpenAPI 3.1 (`utoipa::ToSchema`).
//!
//! [mockall]: https://docs.rs/mockall

pub mod archive;
#[cfg(feature = "blocking")]
pub mod blocking;
mod channel;
mod check;
mod clock;
mod delegate;
mod error;
mod jitter;
mod knowledge_graph;
mod media_file;
#[cfg(feature = "mock")]
pub mod mock;
#[cfg(feature = "openapi")]
mod openapi;
mod page;
mod playlist;
mod processing_task;
mod repository;
mod source_file;
mod store;
mod stored;
mod transact;
mod transcript;
mod video;

pub use archive::{ArchiveReader, ArchiveSource};
pub use channel::{ChannelFilter, ChannelOrder, ChannelPosition, ChannelRepository};
pub use check::{Check, Schema, SchemaItem, SchemaItemKind, stale_index};
pub use clock::{Clock, IdGenerator, SystemClock, UuidV7Generator};
pub use error::{Conflict, Error, Result, Source};
pub use jitter::jittered;
pub use knowledge_graph::{
    KnowledgeGraphFilter, KnowledgeGraphOrder, KnowledgeGraphPosition, KnowledgeGraphRepository,
};
pub use media_file::{MediaFileFilter, MediaFileOrder, MediaFilePosition, MediaFileRepository};
pub use page::{
    Cursor, CursorScope, DEFAULT_PAGE_LIMIT, MAX_CURSOR_BYTES, MAX_PAGE_LIMIT, Page, PageRequest, check_limit,
};
pub use playlist::{PlaylistFilter, PlaylistOrder, PlaylistPosition, PlaylistRepository};
pub use processing_task::{
    ClaimRequest, MAX_EXPIRED_PER_CLAIM, MAX_LEASE_MS, ProcessingTaskFilter, ProcessingTaskOrder,
    ProcessingTaskPosition, ProcessingTaskRepository, check_lease,
};
pub use repository::{
    Catalogued, MAX_BATCH, Repository, RepositoryExt, WriteRepository, at_places_of, check_adopted,
    check_batch,
};
pub use source_file::{
    SourceFileFilter, SourceFileOrder, SourceFilePosition, SourceFileRepository, behind_prefix,
};
pub use store::{Health, Mode, Repositories, Store, UnitOfWork};
pub use stored::{Revision, Stored, Upserted, Visibility};
pub use transact::{Attempts, RetryPolicy, WorkError, transact};
pub use transcript::{
    DEFAULT_CUES_PER_HIT, DEFAULT_SEARCH_LIMIT, FoundCue, MAX_SEARCH_LIMIT, MIN_COMMON_WORD, SearchHit,
    SearchOrder, SearchPage, SearchPosition, SearchRequest, TranscriptFilter, TranscriptOrder,
    TranscriptRepository,
};
pub use video::{VideoFilter, VideoOrder, VideoPosition, VideoRepository};
