//! The model as a store: the catalogue behind the ports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tubeatlas_domain::{
    LeaseToken, MediaFile, NewTask, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId, Progress,
    SourcePath, TaskFailure, Timestamp, TransitionError, Video, VideoId,
};
use tubeatlas_ports::{
    ChannelRepository, ClaimRequest, Clock, Error, Health, IdGenerator, KnowledgeGraphRepository,
    MAX_PAGE_LIMIT, MediaFileRepository, Mode, Page, PageRequest, PlaylistRepository,
    ProcessingTaskRepository, Repository, Result, Revision, SearchPage, SearchRequest, SourceFileRepository,
    Store, Stored, TranscriptRepository, UnitOfWork, Upserted, VideoRepository, Visibility, WriteRepository,
    check_batch, check_lease, check_limit, delegate_repositories,
};

use super::catalogue::{Catalogue, Free, Kept};

/// The model as a store, for one caller: nothing is ever waited for, and the last commit wins.
pub(super) struct ModelStore {
    session: Session,
}

/// A unit of work on a copy of the catalogue.
struct ModelUnit {
    session: Session,
    store: Session,
}

/// The repositories of a store or of a unit of work.
#[derive(Clone)]
struct Session {
    /// Of a unit of work, what it is for.
    unit: Option<Mode>,
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

struct State {
    catalogue: Catalogue,
    ended: bool,
}

delegate_repositories!(ModelStore, session);
delegate_repositories!(ModelUnit, session);

impl ModelStore {
    pub(super) fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        let state = State { catalogue: Catalogue::default(), ended: false };
        Self { session: Session { unit: None, state: Arc::new(Mutex::new(state)), clock, ids } }
    }
}

#[async_trait]
impl Store for ModelStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let catalogue = self.session.read(|catalogue| Ok(catalogue.clone()))?;
        let state = Arc::new(Mutex::new(State { catalogue, ended: false }));
        let session = Session { unit: Some(mode), state, ..self.session.clone() };
        Ok(Box::new(ModelUnit { session, store: self.session.clone() }))
    }

    async fn health(&self) -> Result<Health> {
        self.session.read(|_| Ok(Health::new("model")))
    }

    async fn close(&self) -> Result<()> {
        self.session.state().ended = true;
        Ok(())
    }
}

#[async_trait]
impl UnitOfWork for ModelUnit {
    async fn commit(self: Box<Self>) -> Result<()> {
        let catalogue = self.session.read(|catalogue| Ok(catalogue.clone()))?;
        if self.session.unit == Some(Mode::ReadWrite) {
            self.store.state().catalogue = catalogue;
        }
        Ok(())
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call, unless it has ended; an error that ends a unit of work does so.
    fn call<T>(&self, call: impl FnOnce(&mut Catalogue) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        if state.ended {
            return Err(Error::Closed { what: "the model".to_owned() });
        }
        let answer = call(&mut state.catalogue);
        state.ended = self.unit.is_some() && answer.as_ref().is_err_and(|error| !error.keeps_unit_of_work());
        answer
    }

    fn read<T>(&self, read: impl FnOnce(&Catalogue) -> Result<T>) -> Result<T> {
        self.call(|catalogue| read(catalogue))
    }

    /// A write: of a valid request, where there is a right to write; wholly or not at all.
    fn write<V, T>(
        &self,
        valid: Result<V>,
        write: impl FnOnce(&mut Catalogue, Timestamp, V) -> Result<T>,
    ) -> Result<T> {
        self.call(|catalogue| {
            let valid = valid?;
            if self.unit == Some(Mode::ReadOnly) {
                return Err(Error::ReadOnly { what: "the model".to_owned() });
            }
            let mut changed = catalogue.clone();
            let answer = write(&mut changed, self.clock.now(), valid)?;
            *catalogue = changed;
            Ok(answer)
        })
    }

    fn transition<V>(
        &self,
        id: ProcessingTaskId,
        valid: Result<V>,
        change: impl FnOnce(&ProcessingTask, Timestamp) -> Result<ProcessingTask, TransitionError>,
    ) -> Result<Stored<ProcessingTask>> {
        self.write(valid, |catalogue, now, _| catalogue.transition(id, now, |task| change(task, now)))
    }
}

#[async_trait]
impl<E: Kept> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        self.read(|catalogue| Ok(catalogue.get(id, visibility).cloned()))
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        self.read(|catalogue| {
            check_batch(ids)?;
            Ok(ids.iter().map(|id| catalogue.get(id, visibility).cloned()).collect())
        })
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        self.read(|catalogue| Ok(catalogue.get::<E>(id, visibility).is_some()))
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        self.read(|catalogue| catalogue.list::<E>(filter, page))
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        self.read(|catalogue| Ok(catalogue.count::<E>(filter)))
    }
}

#[async_trait]
impl<E: Free> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.create(entity, now))
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(check_batch(entities), |catalogue, now, ()| {
            entities.iter().map(|entity| catalogue.create(entity, now)).collect()
        })
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.update(entity, expected, now))
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(check_batch(entities), |catalogue, now, ()| {
            entities.iter().map(|entity| catalogue.update(entity, None, now)).collect()
        })
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.upsert(entity, now))
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write(check_batch(entities), |catalogue, now, ()| {
            entities.iter().map(|entity| catalogue.upsert(entity, now)).collect()
        })
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.delete::<E>(id, expected, now))
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write(check_batch(ids), |catalogue, now, ()| {
            ids.iter().try_for_each(|id| catalogue.delete::<E>(id, None, now))
        })
    }
}

impl ChannelRepository for Session {}

impl KnowledgeGraphRepository for Session {}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.restore(id, now))
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |catalogue, _, ()| catalogue.purge(id, expected))
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        self.read(|catalogue| catalogue.search(request))
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        self.read(|catalogue| Ok(catalogue.file_at(path, visibility).cloned()))
    }
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        self.write(check_batch(paths), |catalogue, _, ()| Ok(catalogue.remove_sources(paths)))
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        self.write(Ok(()), |catalogue, now, ()| catalogue.restore(id, now))
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |catalogue, _, ()| catalogue.purge_playlist(id, expected))
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        let task = ProcessingTask::enqueue(task.clone()).map_err(Error::Invalid);
        self.write(task, |catalogue, now, task| catalogue.enqueue(task, now))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let alone = match self.unit {
            None => check_lease(request.lease_ms),
            Some(_) => Err(Error::Unsupported { what: "claiming in a unit of work" }),
        };
        let new_token = || LeaseToken::new(self.ids.new_id());
        self.write(alone, |catalogue, now, ()| catalogue.claim(request, now, new_token))
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, check_lease(lease_ms), |task, now| {
            task.heartbeat(token, now.saturating_add_millis(lease_ms))
        })
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, _| task.report(token, progress))
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now| task.complete(token, now))
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now| task.fail(token, failure, now))
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now| task.retry(now))
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now| task.cancel(now))
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.write(check_limit(limit, MAX_PAGE_LIMIT), |catalogue, _, ()| {
            Ok(catalogue.remove_finished(before, limit))
        })
    }
}
