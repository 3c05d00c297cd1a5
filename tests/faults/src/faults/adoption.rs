//! Faults of taking in what another store has stored.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{
    Channel, Entity, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Transcript,
    TranscriptId, Video,
};
use tubeatlas_ports::{Error, Result, SearchPage, SearchRequest, Stored};

use super::lists::Notes;
use crate::fault::Fault;
use crate::hooks::{At, Hooks, TaskHook, TranscriptHook, WriteHook};
use crate::kind::{SoftKind, WrittenKind};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

const STAMPED: &str = "what is taken in is stamped with the time of taking it in";

fn stamped<E: WrittenKind>(rule: &str) -> Fault {
    Fault::new(rule, STAMPED, &["what is read back", "created_at"], || {
        Hooks::new().writes::<E>(StampsTheClock)
    })
}

pub(super) fn faults() -> Vec<Fault> {
    vec![
        stamped::<Channel>("ADO-C-001"),
        stamped::<Video>("ADO-C-002"),
        stamped::<Transcript>("ADO-C-003").also(
            "ADO-D-001",
            "it compares the times of the transcript of a deleted video",
            &["its transcript, restored", "created_at"],
        ),
        stamped::<KnowledgeGraph>("ADO-C-004"),
        stamped::<MediaFile>("ADO-C-005"),
        stamped::<SourceFile>("ADO-C-007"),
        stamped::<Playlist>("ADO-C-008").also(
            "ADO-D-002",
            "it compares the times of a deleted playlist",
            &["the deleted playlist", "created_at"],
        ),
        Fault::new(
            "ADO-D-002",
            "a playlist that was deleted elsewhere lives here",
            &["the deleted playlist to who sees what lives: false", "true"],
            || Hooks::new().writes::<Playlist>(DeletedOnesLive),
        ),
        Fault::new("ADO-C-006", STAMPED, &["the task that is read back", "created_at"], || {
            Hooks::new().tasks(StampsTheClock)
        }),
        Fault::new(
            "ADO-D-001",
            "a video that was deleted elsewhere lives here",
            &["the deleted video to who sees what lives: false", "true"],
            || Hooks::new().writes::<Video>(DeletedOnesLive),
        ),
        Fault::new(
            "ADO-R-001",
            "what stands before something that is there stays taken in",
            &["nothing is taken in beside what is refused", "Some(Stored"],
            || Hooks::new().writes::<Channel>(OneByOne),
        ),
        Fault::new(
            "ADO-R-002",
            "a video is taken in without its channel if that is missing",
            &["MissingReference", "Ok(())"],
            || Hooks::new().writes::<Video>(WithoutItsChannel),
        ),
        Fault::new(
            "ADO-R-003",
            "a time of change before that of creation is put right",
            &["channel.updated_at", "Ok(())"],
            || Hooks::new().writes::<Channel>(PutsTimesRight),
        ),
        Fault::new(
            "ADO-S-001",
            "what is said in a transcript that was taken in is not found",
            &["the number of hits, of the title and of the transcript: 2", "observed: 1"],
            || {
                let hook = LeavesTheIndexAsItIs::default();
                Hooks::new().writes::<Transcript>(hook.clone()).transcripts(hook)
            },
        ),
    ]
}

struct StampsTheClock;

fn stamp<E: Clone>(at: &At<'_>, items: &[Stored<E>]) -> Vec<Stored<E>> {
    let now = at.clock.now();
    items.iter().map(|item| Stored { created_at: now, updated_at: now, ..item.clone() }).collect()
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for StampsTheClock {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<E>]) -> Result<()> {
        tubeatlas_ports::check_adopted(items)?;
        at.writes::<E>().adopt_many(&stamp(at, items)).await
    }
}

#[async_trait]
impl TaskHook for StampsTheClock {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<ProcessingTask>]) -> Result<()> {
        tubeatlas_ports::check_adopted(items)?;
        at.inner.processing_tasks().adopt_many(&stamp(at, items)).await
    }
}

struct DeletedOnesLive;

#[async_trait]
impl<E: SoftKind> WriteHook<E> for DeletedOnesLive {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<E>]) -> Result<()> {
        tubeatlas_ports::check_adopted(items)?;
        let items: Vec<_> = items.iter().map(|item| Stored { deleted_at: None, ..item.clone() }).collect();
        at.writes::<E>().adopt_many(&items).await
    }
}

struct OneByOne;

#[async_trait]
impl WriteHook<Channel> for OneByOne {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<Channel>]) -> Result<()> {
        tubeatlas_ports::check_adopted(items)?;
        for item in items {
            at.writes::<Channel>().adopt_many(std::slice::from_ref(item)).await?;
        }
        Ok(())
    }
}

struct WithoutItsChannel;

#[async_trait]
impl WriteHook<Video> for WithoutItsChannel {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<Video>]) -> Result<()> {
        match at.writes::<Video>().adopt_many(items).await {
            Err(Error::MissingReference { .. }) => {
                let without = |item: &Stored<Video>| {
                    let mut fields = item.entity.clone().into_fields();
                    fields.channel_id = None;
                    let entity = Video::new(fields).map_err(Error::Invalid)?;
                    Ok(Stored { entity, ..item.clone() })
                };
                let items: Result<Vec<_>> = items.iter().map(without).collect();
                at.writes::<Video>().adopt_many(&items?).await
            }
            answer => answer,
        }
    }
}

struct PutsTimesRight;

#[async_trait]
impl WriteHook<Channel> for PutsTimesRight {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<Channel>]) -> Result<()> {
        let right = |item: &Stored<Channel>| {
            let updated_at = item.updated_at.max(item.created_at);
            Stored { updated_at, ..item.clone() }
        };
        let items: Vec<_> = items.iter().map(right).collect();
        at.writes::<Channel>().adopt_many(&items).await
    }
}

/// The transcripts that were taken in.
#[derive(Clone, Default)]
struct LeavesTheIndexAsItIs(Arc<Notes<TranscriptId, ()>>);

#[async_trait]
impl WriteHook<Transcript> for LeavesTheIndexAsItIs {
    async fn adopt_many(&self, at: &At<'_>, items: &[Stored<Transcript>]) -> Result<()> {
        at.writes::<Transcript>().adopt_many(items).await?;
        items.iter().for_each(|item| self.0.note(item.entity.id(), ()));
        Ok(())
    }
}

#[async_trait]
impl TranscriptHook for LeavesTheIndexAsItIs {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = at.inner.transcripts().search(request).await?;
        page.items.retain(|hit| {
            let id = hit
                .language
                .clone()
                .map(|language| TranscriptId { video_id: hit.video_id.clone(), language });
            id.is_none_or(|id| self.0.of(&id).is_none())
        });
        Ok(page)
    }
}
