//! Adapters that do without a part of the ports and say so: benign, if they refuse it as they should.

use async_trait::async_trait;
use tubeatlas_contract::Capability;
use tubeatlas_domain::{
    Channel, KnowledgeGraph, LeaseToken, MediaFile, NewTask, Playlist, ProcessingTask, ProcessingTaskId,
    Progress, SourceFile, SourcePath, TaskFailure, Timestamp, Transcript, Video,
};
use tubeatlas_ports::{
    ClaimRequest, Error, Mode, Page, PageRequest, Result, Revision, SearchPage, SearchRequest, Store, Stored,
    UnitOfWork, Upserted, Visibility,
};

use std::sync::Arc;

use crate::hooks::{
    At, Hooks, MediaFileHook, ReadHook, SoftHook, SourceFileHook, StoreHook, TaskHook, TranscriptHook,
    WriteHook,
};
use crate::kind::{Kind, SoftKind, WrittenKind};

/// Hooks that refuse all that belongs to this capability.
pub fn lacking(capability: Capability) -> Hooks {
    let hooks = Hooks::new();
    match capability {
        Capability::Search => hooks.transcripts(Refusing),
        Capability::UnitsOfWork => hooks.store(Refusing),
        Capability::KnowledgeGraphs => hooks.both::<KnowledgeGraph>(Refusing),
        Capability::MediaFiles => hooks.both::<MediaFile>(Refusing).media_files(Refusing),
        Capability::Playlists => hooks.both::<Playlist>(Refusing).soft::<Playlist>(Refusing),
        Capability::SourceFiles => hooks.both::<SourceFile>(Refusing).source_files(Refusing),
        Capability::ProcessingTasks => hooks.reads::<ProcessingTask>(Refusing).tasks(Refusing),
        Capability::Adoption => hooks
            .writes::<Channel>(NotAdopting)
            .writes::<Video>(NotAdopting)
            .writes::<Transcript>(NotAdopting)
            .writes::<KnowledgeGraph>(NotAdopting)
            .writes::<MediaFile>(NotAdopting)
            .writes::<SourceFile>(NotAdopting)
            .writes::<Playlist>(NotAdopting)
            .tasks(NotAdopting),
        // The store in memory has no other.
        _ => hooks,
    }
}

/// Refuses every call; one on what is closed or has ended in the way that comes first.
pub(crate) struct Refusing;

/// The refusal of a call.
async fn refused<T>(at: &At<'_>) -> Result<T> {
    at.inner.channels().count(&Default::default()).await?;
    Err(Error::Unsupported { what: "this part of the ports" })
}

/// Refuses to take in what another store has stored, in the same way.
struct NotAdopting;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for NotAdopting {
    async fn adopt_many(&self, at: &At<'_>, _: &[Stored<E>]) -> Result<()> {
        refused(at).await
    }
}

#[async_trait]
impl TaskHook for NotAdopting {
    async fn adopt_many(&self, at: &At<'_>, _: &[Stored<ProcessingTask>]) -> Result<()> {
        refused(at).await
    }
}

#[async_trait]
impl<E: Kind> ReadHook<E> for Refusing {
    async fn get(&self, at: &At<'_>, _: &E::Id, _: Visibility) -> Result<Option<Stored<E>>> {
        refused(at).await
    }

    async fn get_many(&self, at: &At<'_>, _: &[E::Id], _: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        refused(at).await
    }

    async fn exists(&self, at: &At<'_>, _: &E::Id, _: Visibility) -> Result<bool> {
        refused(at).await
    }

    async fn list(
        &self,
        at: &At<'_>,
        _: &E::Filter,
        _: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        refused(at).await
    }

    async fn count(&self, at: &At<'_>, _: &E::Filter) -> Result<u64> {
        refused(at).await
    }
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for Refusing {
    async fn create(&self, at: &At<'_>, _: &E) -> Result<Stored<E>> {
        refused(at).await
    }

    async fn create_many(&self, at: &At<'_>, _: &[E]) -> Result<Vec<Stored<E>>> {
        refused(at).await
    }

    async fn update(&self, at: &At<'_>, _: &E, _: Option<Revision>) -> Result<Stored<E>> {
        refused(at).await
    }

    async fn update_many(&self, at: &At<'_>, _: &[E]) -> Result<Vec<Stored<E>>> {
        refused(at).await
    }

    async fn upsert(&self, at: &At<'_>, _: &E) -> Result<Upserted<E>> {
        refused(at).await
    }

    async fn upsert_many(&self, at: &At<'_>, _: &[E]) -> Result<Vec<Upserted<E>>> {
        refused(at).await
    }

    async fn delete(&self, at: &At<'_>, _: &E::Id, _: Option<Revision>) -> Result<()> {
        refused(at).await
    }

    async fn delete_many(&self, at: &At<'_>, _: &[E::Id]) -> Result<()> {
        refused(at).await
    }

    async fn adopt_many(&self, at: &At<'_>, _: &[Stored<E>]) -> Result<()> {
        refused(at).await
    }
}

#[async_trait]
impl TranscriptHook for Refusing {
    async fn search(&self, at: &At<'_>, _: &SearchRequest) -> Result<SearchPage> {
        refused(at).await
    }
}

#[async_trait]
impl MediaFileHook for Refusing {
    async fn get_by_path(&self, at: &At<'_>, _: &str, _: Visibility) -> Result<Option<Stored<MediaFile>>> {
        refused(at).await
    }
}

#[async_trait]
impl<E: SoftKind> SoftHook<E> for Refusing {
    async fn restore(&self, at: &At<'_>, _: &E::Id) -> Result<Stored<E>> {
        refused(at).await
    }

    async fn purge(&self, at: &At<'_>, _: &E::Id, _: Option<Revision>) -> Result<()> {
        refused(at).await
    }
}

#[async_trait]
impl SourceFileHook for Refusing {
    async fn remove_many(&self, at: &At<'_>, _: &[SourcePath]) -> Result<u64> {
        refused(at).await
    }
}

#[async_trait]
impl TaskHook for Refusing {
    async fn enqueue(&self, at: &At<'_>, _: &NewTask) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn claim(&self, at: &At<'_>, _: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        refused(at).await
    }

    async fn heartbeat(
        &self,
        at: &At<'_>,
        _: ProcessingTaskId,
        _: LeaseToken,
        _: u64,
    ) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn report(
        &self,
        at: &At<'_>,
        _: ProcessingTaskId,
        _: LeaseToken,
        _: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn complete(
        &self,
        at: &At<'_>,
        _: ProcessingTaskId,
        _: LeaseToken,
    ) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn fail(
        &self,
        at: &At<'_>,
        _: ProcessingTaskId,
        _: LeaseToken,
        _: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn retry(&self, at: &At<'_>, _: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn cancel(&self, at: &At<'_>, _: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        refused(at).await
    }

    async fn remove_finished(&self, at: &At<'_>, _: Timestamp, _: u32) -> Result<u64> {
        refused(at).await
    }

    async fn adopt_many(&self, at: &At<'_>, _: &[Stored<ProcessingTask>]) -> Result<()> {
        refused(at).await
    }
}

#[async_trait]
impl StoreHook for Refusing {
    async fn begin(&self, store: &Arc<dyn Store>, _: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        store.health().await?;
        Err(Error::Unsupported { what: "a unit of work" })
    }
}
