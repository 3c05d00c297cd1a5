//! Faults of knowledge graphs.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{
    ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId, Video, VideoId,
};
use tubeatlas_ports::{Error, Result, Revision, Stored, Upserted, Visibility};

use super::lists::Notes;
use super::{core, owned};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = owned::faults::<KnowledgeGraph>();
    super::also(
        &mut faults,
        "GRA-U-004",
        "UOW-E-005",
        "it tries an update to the same in a read-only unit of work",
        &["ReadOnly", "observed: Ok(Stored"],
    );
    faults.extend(owned::moved::<KnowledgeGraph>());
    faults.extend([
        core::lost_by_create::<KnowledgeGraph>("create stores an empty model as none", |graph| {
            let model = graph.model.clone().filter(|model| !model.is_empty());
            rebuilt(graph, |fields| fields.model = model)
        }),
        core::kept_by_update::<KnowledgeGraph>(
            "update keeps the version of a channel's graph",
            |old, new| {
                rebuilt(new, |fields| {
                    if matches!(fields.owner, GraphOwner::Channel(_)) {
                        fields.version = old.version;
                    }
                })
            },
        ),
        Fault::new(
            "GRA-R-003",
            "get compares only the last byte of ids",
            &["the entity with exactly this id"],
            || Hooks::new().both::<KnowledgeGraph>(GetComparesTheLastByte::default()),
        ),
        Fault::new(
            "GRA-X-001",
            "an upsert under a missing channel answers LeftDeleted",
            &["MissingReference", "reference: Channel", "observed: Ok(LeftDeleted)"],
            || Hooks::new().writes::<KnowledgeGraph>(MissingChannelIsTakenForDeleted),
        ),
        Fault::new(
            "GRA-X-002",
            "the channel of a new graph is looked for among the videos, too",
            &["MissingReference", "reference: Channel", "observed: Ok(Stored"],
            || Hooks::new().writes::<KnowledgeGraph>(VideoIsTakenForAChannel),
        ),
        Fault::new(
            "GRA-X-003",
            "get hides the graph of a channel when a video of the channel is deleted",
            &["after the deletion: Some(Stored", "observed: None"],
            || {
                let hook = ChannelIsHiddenWithAVideo::default();
                Hooks::new().writes::<Video>(hook.clone()).reads::<KnowledgeGraph>(hook)
            },
        ),
    ]);
    faults
}

/// The graph with other fields; as it is, if the domain refuses them.
fn rebuilt(graph: &KnowledgeGraph, change: impl FnOnce(&mut KnowledgeGraphFields)) -> KnowledgeGraph {
    let mut fields = graph.clone().into_fields();
    change(&mut fields);
    KnowledgeGraph::new(fields).unwrap_or_else(|_| graph.clone())
}

/// The graph that `create` stored last, by the last byte of its id.
#[derive(Default)]
struct GetComparesTheLastByte(Notes<u8, KnowledgeGraphId>);

fn last_byte(id: &KnowledgeGraphId) -> u8 {
    id.get().as_bytes()[15]
}

#[async_trait]
impl WriteHook<KnowledgeGraph> for GetComparesTheLastByte {
    async fn create(&self, at: &At<'_>, graph: &KnowledgeGraph) -> Result<Stored<KnowledgeGraph>> {
        let created = at.writes::<KnowledgeGraph>().create(graph).await?;
        self.0.note(last_byte(&graph.id), graph.id);
        Ok(created)
    }
}

#[async_trait]
impl ReadHook<KnowledgeGraph> for GetComparesTheLastByte {
    async fn get(
        &self,
        at: &At<'_>,
        id: &KnowledgeGraphId,
        visibility: Visibility,
    ) -> Result<Option<Stored<KnowledgeGraph>>> {
        let found = self.0.of(&last_byte(id)).unwrap_or(*id);
        at.reads::<KnowledgeGraph>().get(&found, visibility).await
    }
}

struct MissingChannelIsTakenForDeleted;

#[async_trait]
impl WriteHook<KnowledgeGraph> for MissingChannelIsTakenForDeleted {
    async fn upsert(&self, at: &At<'_>, graph: &KnowledgeGraph) -> Result<Upserted<KnowledgeGraph>> {
        let answer = at.writes::<KnowledgeGraph>().upsert(graph).await;
        match (&answer, &graph.owner) {
            (Err(Error::MissingReference { .. }), GraphOwner::Channel(_)) => Ok(Upserted::LeftDeleted),
            _ => answer,
        }
    }
}

struct VideoIsTakenForAChannel;

#[async_trait]
impl WriteHook<KnowledgeGraph> for VideoIsTakenForAChannel {
    async fn create(&self, at: &At<'_>, graph: &KnowledgeGraph) -> Result<Stored<KnowledgeGraph>> {
        let answer = at.writes::<KnowledgeGraph>().create(graph).await;
        if let (Err(Error::MissingReference { .. }), GraphOwner::Channel(channel)) = (&answer, &graph.owner)
            && let Ok(video) = VideoId::parse(channel.as_str())
            && at.reads::<Video>().exists(&video, Visibility::Live).await?
        {
            let of_video = rebuilt(graph, |fields| fields.owner = GraphOwner::Video(video));
            return at.writes::<KnowledgeGraph>().create(&of_video).await;
        }
        answer
    }
}

/// The channels of which a video was deleted.
#[derive(Clone, Default)]
struct ChannelIsHiddenWithAVideo(Arc<Notes<ChannelId, ()>>);

#[async_trait]
impl WriteHook<Video> for ChannelIsHiddenWithAVideo {
    async fn delete(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let video = at.reads::<Video>().get(id, Visibility::Live).await?;
        at.writes::<Video>().delete(id, expected).await?;
        if let Some(channel) = video.and_then(|video| video.channel_id.clone()) {
            self.0.note(channel, ());
        }
        Ok(())
    }
}

#[async_trait]
impl ReadHook<KnowledgeGraph> for ChannelIsHiddenWithAVideo {
    async fn get(
        &self,
        at: &At<'_>,
        id: &KnowledgeGraphId,
        visibility: Visibility,
    ) -> Result<Option<Stored<KnowledgeGraph>>> {
        let graph = at.reads::<KnowledgeGraph>().get(id, visibility).await?;
        Ok(graph.filter(|graph| match &graph.owner {
            GraphOwner::Channel(channel) => visibility != Visibility::Live || self.0.of(channel).is_none(),
            GraphOwner::Video(_) => true,
        }))
    }
}
