//! [`FaultyStore`]: the store in memory behind hooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::{Capability, Exceptions, Harness, Limits, Setup};
use tubeatlas_domain::{
    LeaseToken, MediaFile, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskFailure, Timestamp,
    Video, VideoId,
};
use tubeatlas_ports::{
    ChannelRepository, ClaimRequest, Clock, Health, KnowledgeGraphRepository, MediaFileRepository, Mode,
    Page, PageRequest, ProcessingTaskRepository, Repositories, Repository, Result, Revision, SearchHit,
    SearchRequest, Store, Stored, TranscriptRepository, UnitOfWork, Upserted, VideoRepository, Visibility,
    WriteRepository, delegate_repositories,
};

use crate::hooks::{At, Hooks};
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
        let session = Session { store, unit: None, number: 0, clock, hooks: Arc::new(hooks) };
        Self { session, begun: AtomicU64::new(0) }
    }
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
        Exceptions::none().without(Capability::Durability, "what it holds lives as long as its process")
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
            Exceptions::none().without(Capability::Durability, "it lives as long as its process");
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
    clock: Arc<dyn Clock>,
    hooks: Arc<Hooks>,
}

impl Session {
    async fn enter(&self) -> Result<At<'_>> {
        let inner: &dyn Repositories = match &self.unit {
            Some(unit) => &**unit,
            None => &*self.store,
        };
        let unit = self.unit.is_some().then_some(self.number);
        let at = At { inner, store: &self.store, unit, clock: &*self.clock };
        self.hooks.store.before(&at).await?;
        Ok(at)
    }
}

delegate_repositories!(FaultyStore, session);
delegate_repositories!(FaultyUnitOfWork, session);

#[async_trait]
impl Store for FaultyStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let Session { store, clock, hooks, .. } = &self.session;
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let unit = Some(hooks.store.begin(store, mode, number).await?);
        let (store, clock, hooks) = (store.clone(), clock.clone(), hooks.clone());
        Ok(Box::new(FaultyUnitOfWork { session: Session { store, unit, number, clock, hooks } }))
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
        E::read_hook(&self.hooks).get(&self.enter().await?, id, visibility).await
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        E::read_hook(&self.hooks).get_many(&self.enter().await?, ids, visibility).await
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        E::read_hook(&self.hooks).exists(&self.enter().await?, id, visibility).await
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        E::read_hook(&self.hooks).list(&self.enter().await?, filter, page).await
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        E::read_hook(&self.hooks).count(&self.enter().await?, filter).await
    }
}

#[async_trait]
impl<E: WrittenKind> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        E::write_hook(&self.hooks).create(&self.enter().await?, entity).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        E::write_hook(&self.hooks).create_many(&self.enter().await?, entities).await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        E::write_hook(&self.hooks).update(&self.enter().await?, entity, expected).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        E::write_hook(&self.hooks).update_many(&self.enter().await?, entities).await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        E::write_hook(&self.hooks).upsert(&self.enter().await?, entity).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        E::write_hook(&self.hooks).upsert_many(&self.enter().await?, entities).await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        E::write_hook(&self.hooks).delete(&self.enter().await?, id, expected).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        E::write_hook(&self.hooks).delete_many(&self.enter().await?, ids).await
    }
}

impl ChannelRepository for Session {}
impl KnowledgeGraphRepository for Session {}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        self.hooks.videos.restore(&self.enter().await?, id).await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.hooks.videos.purge(&self.enter().await?, id, expected).await
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<Page<SearchHit>> {
        self.hooks.transcripts.search(&self.enter().await?, request).await
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        self.hooks.media_files.get_by_path(&self.enter().await?, path, visibility).await
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.enqueue(&self.enter().await?, task).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        self.hooks.tasks.claim(&self.enter().await?, request).await
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.heartbeat(&self.enter().await?, id, token, lease_ms).await
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.report(&self.enter().await?, id, token, progress).await
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.complete(&self.enter().await?, id, token).await
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.fail(&self.enter().await?, id, token, failure).await
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.retry(&self.enter().await?, id).await
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.hooks.tasks.cancel(&self.enter().await?, id).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.hooks.tasks.remove_finished(&self.enter().await?, before, limit).await
    }
}
