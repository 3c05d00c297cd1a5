//! [`FaultyStore`]: the store in memory behind hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::{CallKind, Capability, Exceptions, Harness, Limits, Setup};
use tubeatlas_domain::{
    LeaseToken, MediaFile, NewTask, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId, Progress,
    SourcePath, TaskFailure, Timestamp, Video, VideoId,
};
use tubeatlas_ports::{
    ChannelRepository, ClaimRequest, Clock, Error, Health, KnowledgeGraphRepository, MediaFileRepository,
    Mode, Page, PageRequest, PlaylistRepository, ProcessingTaskRepository, Repositories, Repository, Result,
    Revision, SearchPage, SearchRequest, SourceFileRepository, Store, Stored, TranscriptRepository,
    UnitOfWork, Upserted, VideoRepository, Visibility, WriteRepository, delegate_repositories,
};

use crate::hooks::{Access, At, Hooks};
use crate::kind::{Kind, WrittenKind};

/// The store in memory, whose calls all go through hooks.
pub struct FaultyStore {
    session: Session,
    begun: AtomicU64,
}

impl FaultyStore {
    /// An empty store with these hooks.
    pub fn new(hooks: Hooks, Setup { clock, ids, limits }: Setup) -> Self {
        let Limits { acquire_timeout, unit_of_work_timeout, connections: _ } = limits;
        let config = MemoryConfig { acquire_timeout, unit_of_work_timeout };
        Self::over(Arc::new(MemoryStore::new(config, clock.clone(), ids)), hooks, clock)
    }

    /// A store whose calls go through hooks to this one, whose clock is `clock`.
    pub fn over(store: Arc<dyn Store>, hooks: Hooks, clock: Arc<dyn Clock>) -> Self {
        let (mode, ended) = (Mode::ReadWrite, AtomicBool::new(false));
        let session = Session { store, unit: None, number: 0, mode, ended, clock, hooks: Arc::new(hooks) };
        Self { session, begun: AtomicU64::new(0) }
    }
}

/// What is declared of the store in memory behind these hooks.
pub(crate) fn exceptions(hooks: &Hooks) -> Exceptions {
    let mut pending = vec![CallKind::Write, CallKind::BeginReadWrite, CallKind::Close];
    pending.extend(&hooks.pending);
    Exceptions::none().at_once(&CallKind::all_but(&pending), "neither the store in memory nor a hook waits")
}

/// Opens stores with the hooks that the function makes, new ones for each store.
pub struct FaultyHarness<F>(pub F);

#[async_trait]
impl<F: Fn() -> Hooks + Send + Sync> Harness for FaultyHarness<F> {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        Ok((Arc::new(FaultyStore::new((self.0)(), setup)), ()))
    }

    fn exceptions(&self) -> Exceptions {
        exceptions(&(self.0)()).without(Capability::Durability, "what it holds lives as long as its process")
    }
}

/// Opens stores with the hooks that the function makes, and declares that they do without a capability (and without
/// durability, which the store in memory never has).
pub struct Declaring<F> {
    /// What is declared absent.
    pub capability: Capability,
    /// Makes the hooks of a store.
    pub hooks: F,
    /// Where, wrongly, a store is said to be found again.
    pub place: Option<&'static str>,
}

#[async_trait]
impl<F: Fn() -> Hooks + Send + Sync> Harness for Declaring<F> {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        Ok((Arc::new(FaultyStore::new((self.hooks)(), setup)), ()))
    }

    fn place(&self, (): &()) -> Option<String> {
        self.place.map(str::to_owned)
    }

    fn exceptions(&self) -> Exceptions {
        let lives_shortly =
            exceptions(&(self.hooks)()).without(Capability::Durability, "it lives as long as its process");
        match self.capability {
            Capability::Durability => lives_shortly,
            other => lives_shortly.without(other, "to see that it can be done without"),
        }
    }
}

/// A unit of work of the store in memory, whose calls all go through hooks.
struct FaultyUnitOfWork {
    session: Session,
}

/// Where the repositories are: the inner store, or an inner unit of work.
struct Session {
    store: Arc<dyn Store>,
    unit: Option<Box<dyn UnitOfWork>>,
    /// That of the unit of work; 0 for the store.
    number: u64,
    mode: Mode,
    /// Whether the dropping of a call has ended it.
    ended: AtomicBool,
    clock: Arc<dyn Clock>,
    hooks: Arc<Hooks>,
}

impl Session {
    fn at(&self) -> At<'_> {
        let inner: &dyn Repositories = match &self.unit {
            Some(unit) => &**unit,
            None => &*self.store,
        };
        let unit = self.unit.is_some().then_some(self.number);
        At { inner, store: &self.store, unit, mode: self.mode, clock: &*self.clock }
    }

    async fn enter(&self, access: Access) -> Result<At<'_>> {
        let at = self.at();
        let unit = at.unit;
        self.check_open()?;
        self.hooks.store.before(&at).await?;
        if unit.is_some() && self.hooks.slow_in_units {
            let mut call = PendingCall { session: self, at, access, answered: false };
            tokio::task::yield_now().await;
            call.answered = true;
            self.check_open()?;
        }
        if unit.is_none() && self.hooks.slow_calls {
            tokio::task::yield_now().await;
        }
        if unit.is_none()
            && let Some(delays) = &self.hooks.delays
        {
            delays.let_others_go_first().await;
        }
        Ok(at)
    }

    /// That no dropped call has ended the unit of work.
    fn check_open(&self) -> Result<()> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(Error::Closed { what: "the unit of work, of which a call was dropped,".to_owned() });
        }
        Ok(())
    }
}

/// A call inside a unit of work, which ends it when it is dropped before it was answered.
struct PendingCall<'a> {
    session: &'a Session,
    at: At<'a>,
    access: Access,
    answered: bool,
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        let Self { session, at, access, answered } = self;
        if !*answered && session.hooks.store.call_dropped(at, *access) {
            session.ended.store(true, Ordering::SeqCst);
        }
    }
}

delegate_repositories!(FaultyStore, session);
delegate_repositories!(FaultyUnitOfWork, session);

#[async_trait]
impl Store for FaultyStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let Session { store, clock, hooks, .. } = &self.session;
        if let Some(delays) = &hooks.delays {
            delays.let_others_go_first().await;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let unit = Some(hooks.store.begin(store, mode, number).await?);
        let (store, clock, hooks) = (store.clone(), clock.clone(), hooks.clone());
        Ok(Box::new(FaultyUnitOfWork {
            session: Session { store, unit, number, mode, ended: AtomicBool::new(false), clock, hooks },
        }))
    }

    async fn health(&self) -> Result<Health> {
        self.session.hooks.store.health(&self.session.store).await
    }

    async fn close(&self) -> Result<()> {
        self.session.hooks.store.close(&self.session.store).await
    }
}

#[async_trait]
impl UnitOfWork for FaultyUnitOfWork {
    async fn commit(mut self: Box<Self>) -> Result<()> {
        let unit = self.session.unit.take();
        self.session.check_open()?;
        let Session { store, number, hooks, .. } = &self.session;
        match unit {
            Some(unit) => hooks.store.commit(store, unit, *number).await,
            None => Ok(()), // cannot be: only what consumes it takes it out
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        let unit = self.session.unit.take();
        let Session { store, number, hooks, .. } = &self.session;
        match unit {
            Some(unit) => hooks.store.rollback(store, unit, *number).await,
            None => Ok(()), // as above
        }
    }
}

impl Drop for FaultyUnitOfWork {
    fn drop(&mut self) {
        if let Some(unit) = self.session.unit.take() {
            let Session { store, number, hooks, .. } = &self.session;
            hooks.store.dropped(store, unit, *number);
        }
    }
}

#[async_trait]
impl<E: Kind> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        E::read_hook(&self.hooks).get(&self.enter(Access::Read).await?, id, visibility).await
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        E::read_hook(&self.hooks).get_many(&self.enter(Access::Read).await?, ids, visibility).await
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        E::read_hook(&self.hooks).exists(&self.enter(Access::Read).await?, id, visibility).await
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        E::read_hook(&self.hooks).list(&self.enter(Access::Read).await?, filter, page).await
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        E::read_hook(&self.hooks).count(&self.enter(Access::Read).await?, filter).await
    }
}

#[async_trait]
impl<E: WrittenKind> WriteRepository<E> for Session {
    // As `async fn`, but something may happen before it is polled.
    fn create<'s, 'e, 'c>(&'s self, entity: &'e E) -> BoxFuture<'c, Result<Stored<E>>>
    where
        's: 'c,
        'e: 'c,
        Self: 'c,
    {
        let hook = E::write_hook(&self.hooks);
        let answer = hook.called_to_create(&self.at(), entity);
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => hook.create(&self.enter(Access::Write).await?, entity).await,
            }
        })
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        E::write_hook(&self.hooks).create_many(&self.enter(Access::Write).await?, entities).await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        E::write_hook(&self.hooks).update(&self.enter(Access::Write).await?, entity, expected).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        E::write_hook(&self.hooks).update_many(&self.enter(Access::Write).await?, entities).await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        E::write_hook(&self.hooks).upsert(&self.enter(Access::Write).await?, entity).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        E::write_hook(&self.hooks).upsert_many(&self.enter(Access::Write).await?, entities).await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        E::write_hook(&self.hooks).delete(&self.enter(Access::Write).await?, id, expected).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        E::write_hook(&self.hooks).delete_many(&self.enter(Access::Write).await?, ids).await
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        E::write_hook(&self.hooks).adopt_many(&self.enter(Access::Write).await?, items).await
    }
}

impl ChannelRepository for Session {}
impl KnowledgeGraphRepository for Session {}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        self.hooks.videos.restore(&self.enter(Access::Write).await?, id).await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.hooks.videos.purge(&self.enter(Access::Write).await?, id, expected).await
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        self.hooks.playlists.restore(&self.enter(Access::Write).await?, id).await
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        self.hooks.playlists.purge(&self.enter(Access::Write).await?, id, expected).await
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        self.hooks.transcripts.search(&self.enter(Access::Read).await?, request).await
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        self.hooks.media_files.get_by_path(&self.enter(Access::Read).await?, path, visibility).await
    }
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        self.hooks.source_files.remove_many(&self.enter(Access::Write).await?, paths).await
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.enqueue(&self.enter(Access::Write).await?, task).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        self.hooks.tasks.claim(&self.enter(Access::Write).await?, request).await
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.heartbeat(&self.enter(Access::Write).await?, id, token, lease_ms).await
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.report(&self.enter(Access::Write).await?, id, token, progress).await
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.complete(&self.enter(Access::Write).await?, id, token).await
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.fail(&self.enter(Access::Write).await?, id, token, failure).await
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.retry(&self.enter(Access::Write).await?, id).await
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.cancel(&self.enter(Access::Write).await?, id).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.hooks.tasks.remove_finished(&self.enter(Access::Write).await?, before, limit).await
    }

    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        self.hooks.tasks.adopt_many(&self.enter(Access::Write).await?, items).await
    }
}
