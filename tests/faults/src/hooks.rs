//! The hooks: what stands between a caller and the store in memory. Each method passes its call on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tubeatlas_contract::CallKind;
use tubeatlas_domain::{
    LeaseToken, MediaFile, NewTask, Playlist, ProcessingTask, ProcessingTaskId, Progress, SourceFile,
    SourcePath, TaskFailure, Timestamp, Video,
};
use tubeatlas_ports::{
    ClaimRequest, Clock, Health, Mode, Page, PageRequest, Repositories, Repository, Result, Revision,
    SearchPage, SearchRequest, Store, Stored, UnitOfWork, Upserted, Visibility, WriteRepository,
};

use crate::kind::{Kind, SoftKind, WrittenKind};

/// Where a call goes to.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The repositories of the inner store, or of the inner unit of work.
    pub inner: &'a dyn Repositories,
    /// The inner store, also inside a unit of work.
    pub store: &'a Arc<dyn Store>,
    /// The number of the unit of work in which it is called, from 1 in the order of beginning.
    pub unit: Option<u64>,
    /// That of the unit of work; of the store, reading and writing.
    pub mode: Mode,
    /// The store's clock.
    pub clock: &'a dyn Clock,
}

impl<'a> At<'a> {
    /// The inner repository, to read.
    pub fn reads<E: Kind>(&self) -> &'a dyn Repository<E> {
        E::reads(self.inner)
    }

    /// The inner repository, to write.
    pub fn writes<E: WrittenKind>(&self) -> &'a dyn WriteRepository<E> {
        E::writes(self.inner)
    }
}

/// What a call of a repository does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It reads.
    Read,
    /// It writes.
    Write,
}

/// The reads of one kind of entity.
#[async_trait]
pub trait ReadHook<E: Kind>: Send + Sync {
    /// [`Repository::get`]
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        at.reads::<E>().get(id, visibility).await
    }

    /// [`Repository::get_many`]
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[E::Id],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<E>>>> {
        at.reads::<E>().get_many(ids, visibility).await
    }

    /// [`Repository::exists`]
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        at.reads::<E>().exists(id, visibility).await
    }

    /// [`Repository::list`]
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        at.reads::<E>().list(filter, page).await
    }

    /// [`Repository::count`]
    async fn count(&self, at: &At<'_>, filter: &E::Filter) -> Result<u64> {
        at.reads::<E>().count(filter).await
    }
}

/// The writes of one kind of entity whose state is free.
#[async_trait]
pub trait WriteHook<E: WrittenKind>: Send + Sync {
    /// Comes when [`create`](Self::create) is called, before it is polled; an answer is the call's.
    fn called_to_create(&self, _: &At<'_>, _: &E) -> Option<Result<Stored<E>>> {
        None
    }

    /// [`WriteRepository::create`]
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        at.writes::<E>().create(entity).await
    }

    /// [`WriteRepository::create_many`]
    async fn create_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        at.writes::<E>().create_many(entities).await
    }

    /// [`WriteRepository::update`]
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        at.writes::<E>().update(entity, expected).await
    }

    /// [`WriteRepository::update_many`]
    async fn update_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        at.writes::<E>().update_many(entities).await
    }

    /// [`WriteRepository::upsert`]
    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        at.writes::<E>().upsert(entity).await
    }

    /// [`WriteRepository::upsert_many`]
    async fn upsert_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        at.writes::<E>().upsert_many(entities).await
    }

    /// [`WriteRepository::delete`]
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        at.writes::<E>().delete(id, expected).await
    }

    /// [`WriteRepository::delete_many`]
    async fn delete_many(&self, at: &At<'_>, ids: &[E::Id]) -> Result<()> {
        at.writes::<E>().delete_many(ids).await
    }

    /// [`WriteRepository::adopt_many`]
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<E>]) -> Result<()> {
        at.writes::<E>().adopt_many(items).await
    }
}

/// What only repositories have of which things are deleted softly.
#[async_trait]
pub trait SoftHook<E: SoftKind>: Send + Sync {
    /// [`VideoRepository::restore`](tubeatlas_ports::VideoRepository::restore), or that of playlists.
    async fn restore(&self, at: &At<'_>, id: &E::Id) -> Result<Stored<E>> {
        E::restore(at.inner, id).await
    }

    /// [`VideoRepository::purge`](tubeatlas_ports::VideoRepository::purge), or that of playlists.
    async fn purge(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        E::purge(at.inner, id, expected).await
    }
}

/// What only transcripts have.
#[async_trait]
pub trait TranscriptHook: Send + Sync {
    /// [`TranscriptRepository::search`](tubeatlas_ports::TranscriptRepository::search)
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        at.inner.transcripts().search(request).await
    }
}

/// What only media files have.
#[async_trait]
pub trait MediaFileHook: Send + Sync {
    /// [`MediaFileRepository::get_by_path`](tubeatlas_ports::MediaFileRepository::get_by_path)
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        at.inner.media_files().get_by_path(path, visibility).await
    }
}

/// What only source files have.
#[async_trait]
pub trait SourceFileHook: Send + Sync {
    /// [`SourceFileRepository::remove_many`](tubeatlas_ports::SourceFileRepository::remove_many)
    async fn remove_many(&self, at: &At<'_>, paths: &[SourcePath]) -> Result<u64> {
        at.inner.source_files().remove_many(paths).await
    }
}

/// The queue: each method is that of the same name of
/// [`ProcessingTaskRepository`](tubeatlas_ports::ProcessingTaskRepository).
#[async_trait]
#[expect(missing_docs, reason = "named after the methods of the port")]
pub trait TaskHook: Send + Sync {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().enqueue(task).await
    }

    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        at.inner.processing_tasks().claim(request).await
    }

    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().heartbeat(id, token, lease_ms).await
    }

    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().report(id, token, progress).await
    }

    async fn complete(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
    ) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().complete(id, token).await
    }

    async fn fail(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().fail(id, token, failure).await
    }

    async fn retry(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().retry(id).await
    }

    async fn cancel(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        at.inner.processing_tasks().cancel(id).await
    }

    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        at.inner.processing_tasks().remove_finished(before, limit).await
    }

    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<ProcessingTask>]) -> Result<()> {
        at.inner.processing_tasks().adopt_many(items).await
    }
}

/// The store as a whole, and its units of work.
#[async_trait]
pub trait StoreHook: Send + Sync {
    /// Comes before each call of each repository; its error is the call's.
    async fn before(&self, _: &At<'_>) -> Result<()> {
        Ok(())
    }

    /// A call inside a unit of work was dropped while it was pending, which only
    /// [slow](Hooks::slow_in_units) ones are. Answers whether the unit of work has ended by it.
    fn call_dropped(&self, _: &At<'_>, _: Access) -> bool {
        true
    }

    /// [`Store::begin`]; `unit` is the number that the unit of work will have.
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _unit: u64) -> Result<Box<dyn UnitOfWork>> {
        store.begin(mode).await
    }

    /// [`Store::health`]
    async fn health(&self, store: &Arc<dyn Store>) -> Result<Health> {
        store.health().await
    }

    /// [`Store::close`]
    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        store.close().await
    }

    /// [`UnitOfWork::commit`] of the unit with this number.
    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _unit: u64) -> Result<()> {
        inner.commit().await
    }

    /// [`UnitOfWork::rollback`] of the unit with this number.
    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _unit: u64) -> Result<()> {
        inner.rollback().await
    }

    /// The unit of work with this number was dropped, neither committed nor rolled back.
    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _unit: u64) {
        drop(inner);
    }
}

/// Passes everything on.
pub(crate) struct Faithful;

impl<E: Kind> ReadHook<E> for Faithful {}
impl<E: WrittenKind> WriteHook<E> for Faithful {}
impl<E: SoftKind> SoftHook<E> for Faithful {}
impl TranscriptHook for Faithful {}
impl MediaFileHook for Faithful {}
impl SourceFileHook for Faithful {}
impl TaskHook for Faithful {}
impl StoreHook for Faithful {}

/// How often calls are pending, from a seed.
pub(crate) struct Delays(AtomicU64);

impl Delays {
    /// Lets others go first, up to seven times.
    pub(crate) async fn let_others_go_first(&self) {
        // The steps of a linear congruential generator (Knuth, MMIX); its upper bits are the random ones.
        let step = |state: u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let drawn = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap_or_default() >> 61;
        for _ in 0..drawn {
            tokio::task::yield_now().await;
        }
    }
}

/// The hooks of one store.
pub struct Hooks {
    /// What may be pending, beyond what waits for the right to write.
    pub(crate) pending: Vec<CallKind>,
    pub(crate) slow_calls: bool,
    pub(crate) slow_in_units: bool,
    pub(crate) delays: Option<Delays>,
    pub(crate) store: Arc<dyn StoreHook>,
    pub(crate) channel_reads: Arc<dyn ReadHook<tubeatlas_domain::Channel>>,
    pub(crate) channel_writes: Arc<dyn WriteHook<tubeatlas_domain::Channel>>,
    pub(crate) video_reads: Arc<dyn ReadHook<Video>>,
    pub(crate) video_writes: Arc<dyn WriteHook<Video>>,
    pub(crate) videos: Arc<dyn SoftHook<Video>>,
    pub(crate) transcript_reads: Arc<dyn ReadHook<tubeatlas_domain::Transcript>>,
    pub(crate) transcript_writes: Arc<dyn WriteHook<tubeatlas_domain::Transcript>>,
    pub(crate) transcripts: Arc<dyn TranscriptHook>,
    pub(crate) knowledge_graph_reads: Arc<dyn ReadHook<tubeatlas_domain::KnowledgeGraph>>,
    pub(crate) knowledge_graph_writes: Arc<dyn WriteHook<tubeatlas_domain::KnowledgeGraph>>,
    pub(crate) media_file_reads: Arc<dyn ReadHook<MediaFile>>,
    pub(crate) media_file_writes: Arc<dyn WriteHook<MediaFile>>,
    pub(crate) media_files: Arc<dyn MediaFileHook>,
    pub(crate) source_file_reads: Arc<dyn ReadHook<SourceFile>>,
    pub(crate) source_file_writes: Arc<dyn WriteHook<SourceFile>>,
    pub(crate) source_files: Arc<dyn SourceFileHook>,
    pub(crate) playlist_reads: Arc<dyn ReadHook<Playlist>>,
    pub(crate) playlist_writes: Arc<dyn WriteHook<Playlist>>,
    pub(crate) playlists: Arc<dyn SoftHook<Playlist>>,
    pub(crate) task_reads: Arc<dyn ReadHook<ProcessingTask>>,
    pub(crate) tasks: Arc<dyn TaskHook>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self::new()
    }
}

/// A hook that stands in several places, and keeps one state for all of them, is given to each as a clone that
/// shares it.
impl Hooks {
    /// Hooks that pass everything on.
    pub fn new() -> Self {
        Self {
            pending: Vec::new(),
            slow_calls: false,
            slow_in_units: false,
            delays: None,
            store: Arc::new(Faithful),
            channel_reads: Arc::new(Faithful),
            channel_writes: Arc::new(Faithful),
            video_reads: Arc::new(Faithful),
            video_writes: Arc::new(Faithful),
            videos: Arc::new(Faithful),
            transcript_reads: Arc::new(Faithful),
            transcript_writes: Arc::new(Faithful),
            transcripts: Arc::new(Faithful),
            knowledge_graph_reads: Arc::new(Faithful),
            knowledge_graph_writes: Arc::new(Faithful),
            media_file_reads: Arc::new(Faithful),
            media_file_writes: Arc::new(Faithful),
            media_files: Arc::new(Faithful),
            source_file_reads: Arc::new(Faithful),
            source_file_writes: Arc::new(Faithful),
            source_files: Arc::new(Faithful),
            playlist_reads: Arc::new(Faithful),
            playlist_writes: Arc::new(Faithful),
            playlists: Arc::new(Faithful),
            task_reads: Arc::new(Faithful),
            tasks: Arc::new(Faithful),
        }
    }

    /// With calls of these sorts that may be pending, because of what the hooks do.
    #[must_use]
    pub fn pending(mut self, kinds: &[CallKind]) -> Self {
        self.pending.extend(kinds);
        self
    }

    /// With single calls that are pending once before they are passed on.
    #[must_use]
    pub fn slow_calls(self) -> Self {
        Self { slow_calls: true, ..self.pending(&[CallKind::Read, CallKind::Search]) }
    }

    /// With calls inside units of work that are pending once before they are passed on.
    #[must_use]
    pub fn slow_in_units(self) -> Self {
        use CallKind::{ReadInUnit, SearchInUnit, WriteInUnit};
        Self { slow_in_units: true, ..self.pending(&[ReadInUnit, SearchInUnit, WriteInUnit]) }
    }

    /// With single calls, and beginnings of units of work, that let later ones overtake them: before it is passed on, each
    /// is pending as often as is drawn from this seed.
    #[must_use]
    pub fn reordering(self, seed: u64) -> Self {
        use CallKind::{BeginReadOnly, Read, Search};
        Self { delays: Some(Delays(AtomicU64::new(seed))), ..self.pending(&[Read, Search, BeginReadOnly]) }
    }

    /// With this hook for the reads of `E`.
    #[must_use]
    pub fn reads<E: Kind>(mut self, hook: impl ReadHook<E> + 'static) -> Self {
        *E::read_hook_mut(&mut self) = Arc::new(hook);
        self
    }

    /// With this hook for the writes of `E`.
    #[must_use]
    pub fn writes<E: WrittenKind>(mut self, hook: impl WriteHook<E> + 'static) -> Self {
        *E::write_hook_mut(&mut self) = Arc::new(hook);
        self
    }

    /// With this one hook for the reads and the writes of `E`.
    #[must_use]
    pub fn both<E: WrittenKind>(mut self, hook: impl ReadHook<E> + WriteHook<E> + 'static) -> Self {
        let hook = Arc::new(hook);
        *E::read_hook_mut(&mut self) = hook.clone();
        *E::write_hook_mut(&mut self) = hook;
        self
    }

    /// With this hook for the restore and purge of `E`.
    #[must_use]
    pub fn soft<E: SoftKind>(mut self, hook: impl SoftHook<E> + 'static) -> Self {
        *E::soft_hook_mut(&mut self) = Arc::new(hook);
        self
    }

    /// With this hook for what only transcripts have.
    #[must_use]
    pub fn transcripts(self, hook: impl TranscriptHook + 'static) -> Self {
        Self { transcripts: Arc::new(hook), ..self }
    }

    /// With this hook for what only media files have.
    #[must_use]
    pub fn media_files(self, hook: impl MediaFileHook + 'static) -> Self {
        Self { media_files: Arc::new(hook), ..self }
    }

    /// With this hook for what only source files have.
    #[must_use]
    pub fn source_files(self, hook: impl SourceFileHook + 'static) -> Self {
        Self { source_files: Arc::new(hook), ..self }
    }

    /// With this hook for the queue.
    #[must_use]
    pub fn tasks(self, hook: impl TaskHook + 'static) -> Self {
        Self { tasks: Arc::new(hook), ..self }
    }

    /// With this hook for the store as a whole.
    #[must_use]
    pub fn store(self, hook: impl StoreHook + 'static) -> Self {
        Self { store: Arc::new(hook), ..self }
    }
}
