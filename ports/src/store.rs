//! [`Store`] and [`UnitOfWork`]: what an adapter is as a whole.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    ChannelRepository, KnowledgeGraphRepository, MediaFileRepository, PlaylistRepository,
    ProcessingTaskRepository, Result, SourceFileRepository, TranscriptRepository, VideoRepository,
};

/// The repositories. A store hands them out, and so does a unit of work: code that takes `&dyn Repositories`
/// runs on either.
pub trait Repositories: Send + Sync {
    /// The channels.
    fn channels(&self) -> &dyn ChannelRepository;
    /// The videos.
    fn videos(&self) -> &dyn VideoRepository;
    /// The transcripts, and search.
    fn transcripts(&self) -> &dyn TranscriptRepository;
    /// The knowledge graphs.
    fn knowledge_graphs(&self) -> &dyn KnowledgeGraphRepository;
    /// The processing tasks.
    fn processing_tasks(&self) -> &dyn ProcessingTaskRepository;
    /// The media files.
    fn media_files(&self) -> &dyn MediaFileRepository;
    /// The files that an import has met.
    fn source_files(&self) -> &dyn SourceFileRepository;
    /// The playlists.
    fn playlists(&self) -> &dyn PlaylistRepository;
}

/// What a unit of work is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads and writes.
    ReadWrite,
    /// Reads of one moment; every write is [`ReadOnly`](crate::Error::ReadOnly).
    ReadOnly,
}

/// A store of the catalogue.
///
/// Used directly, each call of its repositories is a transaction of its own, and conflicts with others are
/// retried inside, within a bound. Several calls become one transaction in a unit of work.
///
/// # What an implementor owes
/// - **Serializable.** Single calls and committed units of work behave as if they had run one after the
///   other, in an order in which what was acknowledged before something began comes before it. To get there
///   an adapter may let a caller wait, or answer [`Conflict::Serialization`](crate::Conflict::Serialization)
///   to a unit of work. Reads do not wait for a unit of work that is open.
/// - **Bounded.** Nothing waits forever: a pool that is exhausted, a writer that is held or a server that
///   stalls is answered as [`Timeout`](crate::Error::Timeout) or
///   [`Unavailable`](crate::Error::Unavailable) within the configured time.
/// - **Cancellable.** Dropping any future never blocks and never panics, on either flavour of tokio runtime,
///   and leaves nothing behind that a later caller could meet. Work that had begun may go on to its end; until
///   then it holds what it needs, and whoever waits for that waits for it.
/// - **Released.** A store that is dropped without [`close`](Self::close) gives back what it held, its files
///   too, as soon as the last call whose future was dropped while it ran has ended.
#[async_trait]
pub trait Store: Repositories {
    /// Opens a unit of work.
    ///
    /// # Errors
    /// [`Timeout`](crate::Error::Timeout) if the right to write, or a connection, did not become free in
    /// time; [`Closed`](crate::Error::Closed); [`ReadOnly`](crate::Error::ReadOnly) for
    /// [`Mode::ReadWrite`] on a store that can only be read.
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>>;

    /// Asks the store whether it works: whether it answers a read. It does not wait for the right to write.
    ///
    /// # Errors
    /// What stands in the way.
    async fn health(&self) -> Result<Health>;

    /// Closes the store. From then on new single calls, `begin` and `health` answer
    /// [`Closed`](crate::Error::Closed) at once. Calls that had begun are answered, or run to their end if their
    /// future was dropped; units of work that are open go on, commit included, until they end or their deadline
    /// rolls them back. Then everything that was held is released, and `close` answers. Dropping its future does
    /// not open the store again; another `close` waits for the rest.
    async fn close(&self) -> Result<()>;
}

/// Several calls as one transaction: all of it happens at once at [`commit`](Self::commit), or nothing.
///
/// It is short, and nothing slow is awaited inside it: it may hold the only right to write.
///
/// # What an implementor owes
/// - It reads what it wrote. Apart from that it sees the state of one moment, which lies before `begin`
///   answers: every commit acknowledged before `begin` was called is in it, and none that begins after `begin`
///   answered.
/// - Nobody else sees anything of it before `commit` was called, and everybody sees all of it once `commit` has
///   been acknowledged; in between it becomes visible at one moment.
/// - Errors that leave the data as it was ([`Error::keeps_unit_of_work`](crate::Error::keeps_unit_of_work))
///   leave it usable, with all that was done before; any other error of a call ends it.
/// - If the future of one of its calls is dropped after its first poll and before it is ready, it ends as
///   well; one that was never polled has not happened. Calls that are polled at the same time run one after
///   the other, in some order.
/// - It has a deadline, which the adapter documents, in either mode, measured by a monotonic clock (not by the
///   [`Clock`](crate::Clock) port) from when `begin` answers; then it ends, is rolled back, and gives back
///   what it holds, without anybody calling it. A commit that has begun is not subject to it.
/// - When it has ended, each of its calls, and commit, fails with [`Closed`](crate::Error::Closed), or again
///   with [`Conflict::Serialization`](crate::Conflict::Serialization) if that ended it; rollback succeeds.
/// - Dropping it rolls it back, also during a panic or when the future that owns it is cancelled. Whoever
///   waits for what it holds does not wait longer than that takes.
#[async_trait]
pub trait UnitOfWork: Repositories {
    /// Makes all that was done durable and visible.
    ///
    /// # Errors
    /// [`Conflict::Serialization`](crate::Conflict::Serialization) if it has to give way to another one;
    /// [`Closed`](crate::Error::Closed) if it has ended; [`StorageFull`](crate::Error::StorageFull). Nothing is kept
    /// then. After [`Unavailable`](crate::Error::Unavailable), [`Corrupt`](crate::Error::Corrupt) or
    /// [`Backend`](crate::Error::Backend) all of it or nothing was kept.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Forgets all that was done.
    ///
    /// # Errors
    /// Only what keeps the store from working; nothing is kept then either.
    async fn rollback(self: Box<Self>) -> Result<()>;
}

/// What a store says of itself when it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The adapter: `sqlite`, `memory`, …
    pub adapter: &'static str,
    /// What an operator wants to know (versions, sizes, connections), by name; never a credential.
    pub details: BTreeMap<&'static str, String>,
}

impl Health {
    /// The health of an adapter of this name, of which nothing more is known.
    pub fn new(adapter: &'static str) -> Self {
        Self { adapter, details: BTreeMap::new() }
    }
}
