use async_trait::async_trait;
use tubeatlas_domain::{
    LeaseToken, MediaFile, NewTask, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId, Progress, SourcePath,
    TaskFailure, Timestamp, Video, VideoId,
};
use tubeatlas_ports::*;

/// A repository that is not written yet.
pub struct NotYet;

fn not_yet<T>() -> Result<T> {
    Err(Error::Unsupported { what: "this repository is not written yet" })
}

#[async_trait]
impl<E: Catalogued> Repository<E> for NotYet {
    async fn get(&self, _: &E::Id, _: Visibility) -> Result<Option<Stored<E>>> {
        not_yet()
    }
    async fn get_many(&self, _: &[E::Id], _: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        not_yet()
    }
    async fn exists(&self, _: &E::Id, _: Visibility) -> Result<bool> {
        not_yet()
    }
    async fn list(&self, _: &E::Filter, _: &PageRequest<E::Order>) -> Result<Page<Stored<E::Listed>>> {
        not_yet()
    }
    async fn count(&self, _: &E::Filter) -> Result<u64> {
        not_yet()
    }
}

#[async_trait]
impl<E: Catalogued> WriteRepository<E> for NotYet {
    async fn create(&self, _: &E) -> Result<Stored<E>> {
        not_yet()
    }
    async fn create_many(&self, _: &[E]) -> Result<Vec<Stored<E>>> {
        not_yet()
    }
    async fn update(&self, _: &E, _: Option<Revision>) -> Result<Stored<E>> {
        not_yet()
    }
    async fn update_many(&self, _: &[E]) -> Result<Vec<Stored<E>>> {
        not_yet()
    }
    async fn upsert(&self, _: &E) -> Result<Upserted<E>> {
        not_yet()
    }
    async fn upsert_many(&self, _: &[E]) -> Result<Vec<Upserted<E>>> {
        not_yet()
    }
    async fn delete(&self, _: &E::Id, _: Option<Revision>) -> Result<()> {
        not_yet()
    }
    async fn delete_many(&self, _: &[E::Id]) -> Result<()> {
        not_yet()
    }
}

impl ChannelRepository for NotYet {}
impl KnowledgeGraphRepository for NotYet {}

#[async_trait]
impl VideoRepository for NotYet {
    async fn restore(&self, _: &VideoId) -> Result<Stored<Video>> {
        not_yet()
    }
    async fn purge(&self, _: &VideoId, _: Option<Revision>) -> Result<()> {
        not_yet()
    }
}

#[async_trait]
impl TranscriptRepository for NotYet {
    async fn search(&self, _: &SearchRequest) -> Result<SearchPage> {
        not_yet()
    }
}

#[async_trait]
impl MediaFileRepository for NotYet {
    async fn get_by_path(&self, _: &str, _: Visibility) -> Result<Option<Stored<MediaFile>>> {
        not_yet()
    }
}

#[async_trait]
impl SourceFileRepository for NotYet {
    async fn remove_many(&self, _: &[SourcePath]) -> Result<u64> {
        not_yet()
    }
}

#[async_trait]
impl PlaylistRepository for NotYet {
    async fn restore(&self, _: &PlaylistId) -> Result<Stored<Playlist>> {
        not_yet()
    }
    async fn purge(&self, _: &PlaylistId, _: Option<Revision>) -> Result<()> {
        not_yet()
    }
}

type Task = Stored<ProcessingTask>;

#[async_trait]
impl ProcessingTaskRepository for NotYet {
    async fn enqueue(&self, _: &NewTask) -> Result<Task> {
        not_yet()
    }
    async fn claim(&self, _: &ClaimRequest) -> Result<Option<Task>> {
        not_yet()
    }
    async fn heartbeat(&self, _: ProcessingTaskId, _: LeaseToken, _: u64) -> Result<Task> {
        not_yet()
    }
    async fn report(&self, _: ProcessingTaskId, _: LeaseToken, _: Progress) -> Result<Task> {
        not_yet()
    }
    async fn complete(&self, _: ProcessingTaskId, _: LeaseToken) -> Result<Task> {
        not_yet()
    }
    async fn fail(&self, _: ProcessingTaskId, _: LeaseToken, _: &TaskFailure) -> Result<Task> {
        not_yet()
    }
    async fn retry(&self, _: ProcessingTaskId) -> Result<Task> {
        not_yet()
    }
    async fn cancel(&self, _: ProcessingTaskId) -> Result<Task> {
        not_yet()
    }
    async fn remove_finished(&self, _: Timestamp, _: u32) -> Result<u64> {
        not_yet()
    }
}
