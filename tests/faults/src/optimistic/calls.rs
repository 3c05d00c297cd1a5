//! [`Session`]: the repositories, which are where each call is taken apart into what it writes and what it does.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{
    EntityKind, LeaseToken, MediaFile, NewTask, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId,
    Progress, SourceFile, SourcePath, TaskFailure, Timestamp, Video, VideoId,
};
use tubeatlas_ports::{
    ChannelRepository, ClaimRequest, KnowledgeGraphRepository, MediaFileRepository, Page, PageRequest,
    PlaylistRepository, ProcessingTaskRepository, Repositories, Repository, Result, Revision, SearchPage,
    SearchRequest, SourceFileRepository, Stored, TranscriptRepository, Upserted, VideoRepository, Visibility,
    WriteRepository,
};

use super::unit_of_work::Unit;
use super::{Key, Shared, any, now};
use crate::kind::{Kind, WrittenKind};

/// Where the repositories read and write.
pub(super) enum Session {
    /// Each call is a transaction of its own.
    Store(Arc<Shared>),
    /// All calls are one transaction.
    Unit(Unit),
}

impl Session {
    fn read<T: Debug>(
        &self,
        method: &'static str,
        about: Vec<Key>,
        call: impl Fn(&dyn Repositories) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(shared) => shared.read(method, call),
            Self::Unit(unit) => unit.read(method, about, call),
        }
    }

    fn write<T: Debug>(
        &self,
        method: &'static str,
        about: Vec<Key>,
        call: impl Fn(&dyn Repositories) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(shared) => shared.write(method, about, call),
            Self::Unit(unit) => unit.write(method, about, call),
        }
    }

    /// A transition of a task.
    fn transition(
        &self,
        method: &'static str,
        id: ProcessingTaskId,
        call: impl Fn(&dyn ProcessingTaskRepository) -> Result<Stored<ProcessingTask>> + Send + Sync + 'static,
    ) -> Result<Stored<ProcessingTask>> {
        self.write(method, vec![task_key(id)], move |to| call(to.processing_tasks()))
    }
}

fn key<E: Kind>(id: &E::Id) -> Key {
    (E::KIND, id.to_string())
}

fn keys<E: Kind>(entities: &[E]) -> Vec<Key> {
    entities.iter().map(|entity| key::<E>(&entity.id())).collect()
}

fn task_key(id: ProcessingTaskId) -> Key {
    key::<ProcessingTask>(&id)
}

#[async_trait]
impl<E: Kind> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let id = id.clone();
        self.read("get", vec![key::<E>(&id)], move |from| now(E::reads(from).get(&id, visibility)))
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        let ids = ids.to_vec();
        self.read("get_many", Vec::new(), move |from| now(E::reads(from).get_many(&ids, visibility)))
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let id = id.clone();
        self.read("exists", Vec::new(), move |from| now(E::reads(from).exists(&id, visibility)))
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read("list", Vec::new(), move |from| now(E::reads(from).list(&filter, &page)))
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        let filter = filter.clone();
        self.read("count", Vec::new(), move |from| now(E::reads(from).count(&filter)))
    }
}

#[async_trait]
impl<E: WrittenKind> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        let entity = entity.clone();
        self.write("create", vec![key::<E>(&entity.id())], move |to| now(E::writes(to).create(&entity)))
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let entities = entities.to_vec();
        self.write("create_many", keys(&entities), move |to| now(E::writes(to).create_many(&entities)))
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let entity = entity.clone();
        let keys = vec![key::<E>(&entity.id())];
        self.write("update", keys, move |to| now(E::writes(to).update(&entity, expected)))
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let entities = entities.to_vec();
        self.write("update_many", keys(&entities), move |to| now(E::writes(to).update_many(&entities)))
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        let entity = entity.clone();
        self.write("upsert", vec![key::<E>(&entity.id())], move |to| now(E::writes(to).upsert(&entity)))
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        let entities = entities.to_vec();
        self.write("upsert_many", keys(&entities), move |to| now(E::writes(to).upsert_many(&entities)))
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write("delete", vec![key::<E>(&id)], move |to| now(E::writes(to).delete(&id, expected)))
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        let ids = ids.to_vec();
        let keys = ids.iter().map(key::<E>).collect();
        self.write("delete_many", keys, move |to| now(E::writes(to).delete_many(&ids)))
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        let items = items.to_vec();
        let keys = items.iter().map(|item| key::<E>(&item.entity.id())).collect();
        self.write("adopt_many", keys, move |to| now(E::writes(to).adopt_many(&items)))
    }
}

impl ChannelRepository for Session {}
impl KnowledgeGraphRepository for Session {}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        let id = id.clone();
        self.write("restore", vec![key::<Video>(&id)], move |to| now(to.videos().restore(&id)))
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write("purge", vec![key::<Video>(&id)], move |to| now(to.videos().purge(&id, expected)))
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        let id = id.clone();
        self.write("restore", vec![key::<Playlist>(&id)], move |to| now(to.playlists().restore(&id)))
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write("purge", vec![key::<Playlist>(&id)], move |to| now(to.playlists().purge(&id, expected)))
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        let request = request.clone();
        self.read("search", Vec::new(), move |from| now(from.transcripts().search(&request)))
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        let path = path.to_owned();
        self.read("get_by_path", Vec::new(), move |from| {
            now(from.media_files().get_by_path(&path, visibility))
        })
    }
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        let paths = paths.to_vec();
        let keys = paths.iter().map(key::<SourceFile>).collect();
        self.write("remove_many", keys, move |to| now(to.source_files().remove_many(&paths)))
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        let task = task.clone();
        self.transition("enqueue", task.id, move |tasks| now(tasks.enqueue(&task)))
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let request = request.clone();
        self.write("claim", vec![any(EntityKind::ProcessingTask)], move |to| {
            now(to.processing_tasks().claim(&request))
        })
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition("heartbeat", id, move |tasks| now(tasks.heartbeat(id, token, lease_ms)))
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition("report", id, move |tasks| now(tasks.report(id, token, progress)))
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.transition("complete", id, move |tasks| now(tasks.complete(id, token)))
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        let failure = failure.clone();
        self.transition("fail", id, move |tasks| now(tasks.fail(id, token, &failure)))
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition("retry", id, move |tasks| now(tasks.retry(id)))
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition("cancel", id, move |tasks| now(tasks.cancel(id)))
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let remove = move |to: &dyn Repositories| now(to.processing_tasks().remove_finished(before, limit));
        self.write("remove_finished", vec![any(EntityKind::ProcessingTask)], remove)
    }

    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        let items = items.to_vec();
        let keys = items.iter().map(|item| task_key(item.entity.id)).collect();
        self.write("adopt_many", keys, move |to| now(to.processing_tasks().adopt_many(&items)))
    }
}
