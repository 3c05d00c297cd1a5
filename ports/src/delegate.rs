//! [`delegate_repositories!`](crate::delegate_repositories).

/// Implements [`Repositories`](crate::Repositories) for a type by handing out one of its fields, which implements
/// all the repositories; stores and units of work are usually made so.
///
/// `delegate_repositories!(MyStore, session)` hands out the field `session` of `MyStore`.
#[macro_export]
macro_rules! delegate_repositories {
    ($type:ty, $field:ident) => {
        impl $crate::Repositories for $type {
            fn channels(&self) -> &dyn $crate::ChannelRepository {
                &self.$field
            }

            fn videos(&self) -> &dyn $crate::VideoRepository {
                &self.$field
            }

            fn transcripts(&self) -> &dyn $crate::TranscriptRepository {
                &self.$field
            }

            fn knowledge_graphs(&self) -> &dyn $crate::KnowledgeGraphRepository {
                &self.$field
            }

            fn processing_tasks(&self) -> &dyn $crate::ProcessingTaskRepository {
                &self.$field
            }

            fn media_files(&self) -> &dyn $crate::MediaFileRepository {
                &self.$field
            }

            fn source_files(&self) -> &dyn $crate::SourceFileRepository {
                &self.$field
            }

            fn playlists(&self) -> &dyn $crate::PlaylistRepository {
                &self.$field
            }
        }
    };
}
