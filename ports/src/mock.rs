//! [mockall] mocks of every port.
//!
//! A mock repository is expected upon as any mockall mock; [`MockStore`] and [`MockUnitOfWork`] hand out
//! repositories, so they take the mocks to hand out:
//!
//! ```
//! use tubeatlas_domain::VideoId;
//! use tubeatlas_ports::mock::{MockRepositories, MockVideos};
//! use tubeatlas_ports::{Repositories, Repository, Visibility};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let mut videos = MockVideos::new();
//! videos.expect_exists().returning(|_, _| Ok(true));
//! let repositories = MockRepositories { videos, ..MockRepositories::default() };
//! let id = VideoId::parse("dQw4w9WgXcQ").unwrap();
//! assert!(repositories.videos().exists(&id, Visibility::Live).await.unwrap());
//! # });
//! ```
//!
//! [mockall]: https://docs.rs/mockall

// The expectations that mockall generates have no documentation of their own.
#![allow(missing_docs)]

use async_trait::async_trait;
use mockall::mock;
use tubeatlas_domain::{
    Channel, ChannelId, KnowledgeGraph, KnowledgeGraphId, KnowledgeGraphSummary, LeaseToken, MediaFile,
    MediaFileId, NewTask, Playlist, PlaylistId, PlaylistSummary, ProcessingTask, ProcessingTaskId, Progress,
    SourceFile, SourcePath, TaskFailure, Timestamp, Transcript, TranscriptId, TranscriptSummary, Video,
    VideoId,
};
use uuid::Uuid;

use crate::archive::{ArchiveItem, ArchiveReader, ArchiveSource, KnownFiles, Refusal};
use crate::*;

// Eight times the same core, spelled out: `#[async_trait]` inside `mock!` does not survive a `macro_rules!`.

mock! {
    pub Channels {}

    #[async_trait]
    impl Repository<Channel> for Channels {
        async fn get(&self, id: &ChannelId, visibility: Visibility) -> Result<Option<Stored<Channel>>>;
        async fn get_many(&self, ids: &[ChannelId], visibility: Visibility) -> Result<Vec<Option<Stored<Channel>>>>;
        async fn exists(&self, id: &ChannelId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &ChannelFilter, page: &PageRequest<ChannelOrder>) -> Result<Page<Stored<Channel>>>;
        async fn count(&self, filter: &ChannelFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<Channel> for Channels {
        async fn create(&self, entity: &Channel) -> Result<Stored<Channel>>;
        async fn create_many(&self, entities: &[Channel]) -> Result<Vec<Stored<Channel>>>;
        async fn update(&self, entity: &Channel, expected: Option<Revision>) -> Result<Stored<Channel>>;
        async fn update_many(&self, entities: &[Channel]) -> Result<Vec<Stored<Channel>>>;
        async fn upsert(&self, entity: &Channel) -> Result<Upserted<Channel>>;
        async fn upsert_many(&self, entities: &[Channel]) -> Result<Vec<Upserted<Channel>>>;
        async fn delete(&self, id: &ChannelId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[ChannelId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<Channel>]) -> Result<()>;
    }
}

mock! {
    pub Videos {}

    #[async_trait]
    impl Repository<Video> for Videos {
        async fn get(&self, id: &VideoId, visibility: Visibility) -> Result<Option<Stored<Video>>>;
        async fn get_many(&self, ids: &[VideoId], visibility: Visibility) -> Result<Vec<Option<Stored<Video>>>>;
        async fn exists(&self, id: &VideoId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &VideoFilter, page: &PageRequest<VideoOrder>) -> Result<Page<Stored<Video>>>;
        async fn count(&self, filter: &VideoFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<Video> for Videos {
        async fn create(&self, entity: &Video) -> Result<Stored<Video>>;
        async fn create_many(&self, entities: &[Video]) -> Result<Vec<Stored<Video>>>;
        async fn update(&self, entity: &Video, expected: Option<Revision>) -> Result<Stored<Video>>;
        async fn update_many(&self, entities: &[Video]) -> Result<Vec<Stored<Video>>>;
        async fn upsert(&self, entity: &Video) -> Result<Upserted<Video>>;
        async fn upsert_many(&self, entities: &[Video]) -> Result<Vec<Upserted<Video>>>;
        async fn delete(&self, id: &VideoId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[VideoId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<Video>]) -> Result<()>;
    }

    #[async_trait]
    impl VideoRepository for Videos {
        async fn restore(&self, id: &VideoId) -> Result<Stored<Video>>;
        async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()>;
    }
}

mock! {
    pub Transcripts {}

    #[async_trait]
    impl Repository<Transcript> for Transcripts {
        async fn get(&self, id: &TranscriptId, visibility: Visibility) -> Result<Option<Stored<Transcript>>>;
        async fn get_many(&self, ids: &[TranscriptId], visibility: Visibility) -> Result<Vec<Option<Stored<Transcript>>>>;
        async fn exists(&self, id: &TranscriptId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &TranscriptFilter, page: &PageRequest<TranscriptOrder>) -> Result<Page<Stored<TranscriptSummary>>>;
        async fn count(&self, filter: &TranscriptFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<Transcript> for Transcripts {
        async fn create(&self, entity: &Transcript) -> Result<Stored<Transcript>>;
        async fn create_many(&self, entities: &[Transcript]) -> Result<Vec<Stored<Transcript>>>;
        async fn update(&self, entity: &Transcript, expected: Option<Revision>) -> Result<Stored<Transcript>>;
        async fn update_many(&self, entities: &[Transcript]) -> Result<Vec<Stored<Transcript>>>;
        async fn upsert(&self, entity: &Transcript) -> Result<Upserted<Transcript>>;
        async fn upsert_many(&self, entities: &[Transcript]) -> Result<Vec<Upserted<Transcript>>>;
        async fn delete(&self, id: &TranscriptId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[TranscriptId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<Transcript>]) -> Result<()>;
    }

    #[async_trait]
    impl TranscriptRepository for Transcripts {
        async fn search(&self, request: &SearchRequest) -> Result<SearchPage>;
    }
}

mock! {
    pub KnowledgeGraphs {}

    #[async_trait]
    impl Repository<KnowledgeGraph> for KnowledgeGraphs {
        async fn get(&self, id: &KnowledgeGraphId, visibility: Visibility) -> Result<Option<Stored<KnowledgeGraph>>>;
        async fn get_many(&self, ids: &[KnowledgeGraphId], visibility: Visibility) -> Result<Vec<Option<Stored<KnowledgeGraph>>>>;
        async fn exists(&self, id: &KnowledgeGraphId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &KnowledgeGraphFilter, page: &PageRequest<KnowledgeGraphOrder>) -> Result<Page<Stored<KnowledgeGraphSummary>>>;
        async fn count(&self, filter: &KnowledgeGraphFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<KnowledgeGraph> for KnowledgeGraphs {
        async fn create(&self, entity: &KnowledgeGraph) -> Result<Stored<KnowledgeGraph>>;
        async fn create_many(&self, entities: &[KnowledgeGraph]) -> Result<Vec<Stored<KnowledgeGraph>>>;
        async fn update(&self, entity: &KnowledgeGraph, expected: Option<Revision>) -> Result<Stored<KnowledgeGraph>>;
        async fn update_many(&self, entities: &[KnowledgeGraph]) -> Result<Vec<Stored<KnowledgeGraph>>>;
        async fn upsert(&self, entity: &KnowledgeGraph) -> Result<Upserted<KnowledgeGraph>>;
        async fn upsert_many(&self, entities: &[KnowledgeGraph]) -> Result<Vec<Upserted<KnowledgeGraph>>>;
        async fn delete(&self, id: &KnowledgeGraphId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[KnowledgeGraphId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<KnowledgeGraph>]) -> Result<()>;
    }
}

mock! {
    pub MediaFiles {}

    #[async_trait]
    impl Repository<MediaFile> for MediaFiles {
        async fn get(&self, id: &MediaFileId, visibility: Visibility) -> Result<Option<Stored<MediaFile>>>;
        async fn get_many(&self, ids: &[MediaFileId], visibility: Visibility) -> Result<Vec<Option<Stored<MediaFile>>>>;
        async fn exists(&self, id: &MediaFileId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &MediaFileFilter, page: &PageRequest<MediaFileOrder>) -> Result<Page<Stored<MediaFile>>>;
        async fn count(&self, filter: &MediaFileFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<MediaFile> for MediaFiles {
        async fn create(&self, entity: &MediaFile) -> Result<Stored<MediaFile>>;
        async fn create_many(&self, entities: &[MediaFile]) -> Result<Vec<Stored<MediaFile>>>;
        async fn update(&self, entity: &MediaFile, expected: Option<Revision>) -> Result<Stored<MediaFile>>;
        async fn update_many(&self, entities: &[MediaFile]) -> Result<Vec<Stored<MediaFile>>>;
        async fn upsert(&self, entity: &MediaFile) -> Result<Upserted<MediaFile>>;
        async fn upsert_many(&self, entities: &[MediaFile]) -> Result<Vec<Upserted<MediaFile>>>;
        async fn delete(&self, id: &MediaFileId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[MediaFileId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<MediaFile>]) -> Result<()>;
    }

    #[async_trait]
    impl MediaFileRepository for MediaFiles {
        async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>>;
    }
}

mock! {
    pub SourceFiles {}

    #[async_trait]
    impl Repository<SourceFile> for SourceFiles {
        async fn get(&self, id: &SourcePath, visibility: Visibility) -> Result<Option<Stored<SourceFile>>>;
        async fn get_many(&self, ids: &[SourcePath], visibility: Visibility) -> Result<Vec<Option<Stored<SourceFile>>>>;
        async fn exists(&self, id: &SourcePath, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &SourceFileFilter, page: &PageRequest<SourceFileOrder>) -> Result<Page<Stored<SourceFile>>>;
        async fn count(&self, filter: &SourceFileFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<SourceFile> for SourceFiles {
        async fn create(&self, entity: &SourceFile) -> Result<Stored<SourceFile>>;
        async fn create_many(&self, entities: &[SourceFile]) -> Result<Vec<Stored<SourceFile>>>;
        async fn update(&self, entity: &SourceFile, expected: Option<Revision>) -> Result<Stored<SourceFile>>;
        async fn update_many(&self, entities: &[SourceFile]) -> Result<Vec<Stored<SourceFile>>>;
        async fn upsert(&self, entity: &SourceFile) -> Result<Upserted<SourceFile>>;
        async fn upsert_many(&self, entities: &[SourceFile]) -> Result<Vec<Upserted<SourceFile>>>;
        async fn delete(&self, id: &SourcePath, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[SourcePath]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<SourceFile>]) -> Result<()>;
    }

    #[async_trait]
    impl SourceFileRepository for SourceFiles {
        async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64>;
    }
}

mock! {
    pub Playlists {}

    #[async_trait]
    impl Repository<Playlist> for Playlists {
        async fn get(&self, id: &PlaylistId, visibility: Visibility) -> Result<Option<Stored<Playlist>>>;
        async fn get_many(&self, ids: &[PlaylistId], visibility: Visibility) -> Result<Vec<Option<Stored<Playlist>>>>;
        async fn exists(&self, id: &PlaylistId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &PlaylistFilter, page: &PageRequest<PlaylistOrder>) -> Result<Page<Stored<PlaylistSummary>>>;
        async fn count(&self, filter: &PlaylistFilter) -> Result<u64>;
    }

    #[async_trait]
    impl WriteRepository<Playlist> for Playlists {
        async fn create(&self, entity: &Playlist) -> Result<Stored<Playlist>>;
        async fn create_many(&self, entities: &[Playlist]) -> Result<Vec<Stored<Playlist>>>;
        async fn update(&self, entity: &Playlist, expected: Option<Revision>) -> Result<Stored<Playlist>>;
        async fn update_many(&self, entities: &[Playlist]) -> Result<Vec<Stored<Playlist>>>;
        async fn upsert(&self, entity: &Playlist) -> Result<Upserted<Playlist>>;
        async fn upsert_many(&self, entities: &[Playlist]) -> Result<Vec<Upserted<Playlist>>>;
        async fn delete(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()>;
        async fn delete_many(&self, ids: &[PlaylistId]) -> Result<()>;
        async fn adopt_many(&self, items: &[Stored<Playlist>]) -> Result<()>;
    }

    #[async_trait]
    impl PlaylistRepository for Playlists {
        async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>>;
        async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()>;
    }
}

mock! {
    pub ProcessingTasks {}

    #[async_trait]
    impl Repository<ProcessingTask> for ProcessingTasks {
        async fn get(&self, id: &ProcessingTaskId, visibility: Visibility) -> Result<Option<Stored<ProcessingTask>>>;
        async fn get_many(&self, ids: &[ProcessingTaskId], visibility: Visibility) -> Result<Vec<Option<Stored<ProcessingTask>>>>;
        async fn exists(&self, id: &ProcessingTaskId, visibility: Visibility) -> Result<bool>;
        async fn list(&self, filter: &ProcessingTaskFilter, page: &PageRequest<ProcessingTaskOrder>) -> Result<Page<Stored<ProcessingTask>>>;
        async fn count(&self, filter: &ProcessingTaskFilter) -> Result<u64>;
    }

    #[async_trait]
    impl ProcessingTaskRepository for ProcessingTasks {
        async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>>;
        async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>>;
        async fn heartbeat(&self, id: ProcessingTaskId, token: LeaseToken, lease_ms: u64) -> Result<Stored<ProcessingTask>>;
        async fn report(&self, id: ProcessingTaskId, token: LeaseToken, progress: Progress) -> Result<Stored<ProcessingTask>>;
        async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>>;
        async fn fail(&self, id: ProcessingTaskId, token: LeaseToken, failure: &TaskFailure) -> Result<Stored<ProcessingTask>>;
        async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>>;
        async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>>;
        async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64>;
        async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()>;
    }
}

impl ChannelRepository for MockChannels {}

impl KnowledgeGraphRepository for MockKnowledgeGraphs {}

/// Mock repositories, handed out as a store or a unit of work does.
#[derive(Default)]
pub struct MockRepositories {
    pub channels: MockChannels,
    pub videos: MockVideos,
    pub transcripts: MockTranscripts,
    pub knowledge_graphs: MockKnowledgeGraphs,
    pub processing_tasks: MockProcessingTasks,
    pub media_files: MockMediaFiles,
    pub source_files: MockSourceFiles,
    pub playlists: MockPlaylists,
}

impl Repositories for MockRepositories {
    fn channels(&self) -> &dyn ChannelRepository {
        &self.channels
    }

    fn videos(&self) -> &dyn VideoRepository {
        &self.videos
    }

    fn transcripts(&self) -> &dyn TranscriptRepository {
        &self.transcripts
    }

    fn knowledge_graphs(&self) -> &dyn KnowledgeGraphRepository {
        &self.knowledge_graphs
    }

    fn processing_tasks(&self) -> &dyn ProcessingTaskRepository {
        &self.processing_tasks
    }

    fn media_files(&self) -> &dyn MediaFileRepository {
        &self.media_files
    }

    fn source_files(&self) -> &dyn SourceFileRepository {
        &self.source_files
    }

    fn playlists(&self) -> &dyn PlaylistRepository {
        &self.playlists
    }
}

/// A type that hands out [`MockRepositories`], and expectations on its other methods.
macro_rules! mock_with_repositories {
    ($(#[$doc:meta])* $name:ident, $calls:ident) => {
        $(#[$doc])*
        #[derive(Default)]
        pub struct $name {
            /// What it hands out.
            pub repositories: MockRepositories,
            /// What is expected of its own methods.
            pub calls: $calls,
        }

        impl Repositories for $name {
            fn channels(&self) -> &dyn ChannelRepository {
                self.repositories.channels()
            }

            fn videos(&self) -> &dyn VideoRepository {
                self.repositories.videos()
            }

            fn transcripts(&self) -> &dyn TranscriptRepository {
                self.repositories.transcripts()
            }

            fn knowledge_graphs(&self) -> &dyn KnowledgeGraphRepository {
                self.repositories.knowledge_graphs()
            }

            fn processing_tasks(&self) -> &dyn ProcessingTaskRepository {
                self.repositories.processing_tasks()
            }

            fn media_files(&self) -> &dyn MediaFileRepository {
                self.repositories.media_files()
            }

            fn source_files(&self) -> &dyn SourceFileRepository {
                self.repositories.source_files()
            }

            fn playlists(&self) -> &dyn PlaylistRepository {
                self.repositories.playlists()
            }
        }
    };
}

mock! {
    /// Expectations on the methods of a [`Store`].
    pub StoreCalls {
        pub fn begin(&self, mode: Mode) -> Result<MockUnitOfWork>;
        pub fn health(&self) -> Result<Health>;
        pub fn close(&self) -> Result<()>;
    }
}

mock! {
    /// Expectations on the methods of a [`UnitOfWork`].
    pub UnitOfWorkCalls {
        pub fn commit(&self) -> Result<()>;
        pub fn rollback(&self) -> Result<()>;
    }
}

mock_with_repositories!(
    /// A mock of a [`Store`].
    MockStore,
    MockStoreCalls
);
mock_with_repositories!(
    /// A mock of a [`UnitOfWork`]. Dropping it without an expected commit is a rollback, as everywhere.
    MockUnitOfWork,
    MockUnitOfWorkCalls
);

#[async_trait]
impl Store for MockStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        self.calls.begin(mode).map(|unit| Box::new(unit) as Box<dyn UnitOfWork>)
    }

    async fn health(&self) -> Result<Health> {
        self.calls.health()
    }

    async fn close(&self) -> Result<()> {
        self.calls.close()
    }
}

#[async_trait]
impl UnitOfWork for MockUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.calls.commit()
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        self.calls.rollback()
    }
}

mock! {
    pub Clock {}

    impl Clock for Clock {
        fn now(&self) -> Timestamp;
    }
}

mock! {
    pub IdGenerator {}

    impl IdGenerator for IdGenerator {
        fn new_id(&self) -> Uuid;
    }
}

mock! {
    pub ArchiveSource {}

    #[async_trait]
    impl ArchiveSource for ArchiveSource {
        async fn prefixes(&self) -> Result<Vec<String>, Refusal>;
        async fn open(&self, known: KnownFiles) -> Result<Box<dyn ArchiveReader>, Refusal>;
    }
}

mock! {
    pub ArchiveReader {}

    #[async_trait]
    impl ArchiveReader for ArchiveReader {
        async fn next(&mut self) -> Option<ArchiveItem>;
    }
}
