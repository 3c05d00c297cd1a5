//! [`Kind`]: what generic faults must know about each kind of entity.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{
    Channel, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Transcript, Video,
};
use tubeatlas_ports::{Catalogued, Repositories, Repository, Result, Revision, Stored, WriteRepository};

use crate::hooks::{Hooks, ReadHook, SoftHook, WriteHook};

/// A kind of entity that can be read.
pub trait Kind: Catalogued {
    /// With what the ids of its rules begin: `CHN`.
    const AREA: &'static str;

    /// Its repository.
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self>;

    /// The hook of its reads.
    fn read_hook(hooks: &Hooks) -> &dyn ReadHook<Self>;

    /// Where the hook of its reads is set.
    fn read_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn ReadHook<Self>>;

    /// The id of one of its rules: `CHN-U-003` of `U-003`.
    fn rule(rest: &str) -> String {
        format!("{}-{rest}", Self::AREA)
    }
}

/// A kind of entity whose state is free.
pub trait WrittenKind: Kind {
    /// Its repository.
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self>;

    /// The hook of its writes.
    fn write_hook(hooks: &Hooks) -> &dyn WriteHook<Self>;

    /// Where the hook of its writes is set.
    fn write_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn WriteHook<Self>>;
}

/// A kind of entity that is deleted softly.
#[async_trait]
pub trait SoftKind: WrittenKind {
    /// The hook of its restore and purge.
    fn soft_hook(hooks: &Hooks) -> &dyn SoftHook<Self>;

    /// Where this hook is set.
    fn soft_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn SoftHook<Self>>;

    /// That of its repository.
    async fn restore(to: &dyn Repositories, id: &Self::Id) -> Result<Stored<Self>>;

    /// That of its repository.
    async fn purge(to: &dyn Repositories, id: &Self::Id, expected: Option<Revision>) -> Result<()>;
}

macro_rules! soft_kinds {
    ($($entity:ident $repository:ident;)*) => {$(
        #[async_trait]
        impl SoftKind for $entity {
            fn soft_hook(hooks: &Hooks) -> &dyn SoftHook<Self> {
                &*hooks.$repository
            }

            fn soft_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn SoftHook<Self>> {
                &mut hooks.$repository
            }

            async fn restore(to: &dyn Repositories, id: &Self::Id) -> Result<Stored<Self>> {
                to.$repository().restore(id).await
            }

            async fn purge(to: &dyn Repositories, id: &Self::Id, expected: Option<Revision>) -> Result<()> {
                to.$repository().purge(id, expected).await
            }
        }
    )*};
}

soft_kinds! {
    Video videos;
    Playlist playlists;
}

macro_rules! kinds {
    ($($entity:ident $area:literal $repository:ident $reads:ident $($writes:ident)?;)*) => {$(
        impl Kind for $entity {
            const AREA: &'static str = $area;

            fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
                from.$repository()
            }

            fn read_hook(hooks: &Hooks) -> &dyn ReadHook<Self> {
                &*hooks.$reads
            }

            fn read_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn ReadHook<Self>> {
                &mut hooks.$reads
            }
        }

        $(impl WrittenKind for $entity {
            fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
                to.$repository()
            }

            fn write_hook(hooks: &Hooks) -> &dyn WriteHook<Self> {
                &*hooks.$writes
            }

            fn write_hook_mut(hooks: &mut Hooks) -> &mut Arc<dyn WriteHook<Self>> {
                &mut hooks.$writes
            }
        })?
    )*};
}

kinds! {
    Channel "CHN" channels channel_reads channel_writes;
    Video "VID" videos video_reads video_writes;
    Transcript "TRN" transcripts transcript_reads transcript_writes;
    KnowledgeGraph "GRA" knowledge_graphs knowledge_graph_reads knowledge_graph_writes;
    MediaFile "MED" media_files media_file_reads media_file_writes;
    SourceFile "SRC" source_files source_file_reads source_file_writes;
    Playlist "PLA" playlists playlist_reads playlist_writes;
    ProcessingTask "TSK" processing_tasks task_reads;
}
