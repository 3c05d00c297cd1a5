//! Faults of channels.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{
    Channel, ChannelFields, ChannelId, Entity, EntityKind, GraphOwner, KnowledgeGraph, Playlist, PlaylistId,
    Video,
};
use tubeatlas_ports::{
    Conflict, Error, KnowledgeGraphFilter, MAX_PAGE_LIMIT, PageRequest, PlaylistFilter, Result, Revision,
    Stored, VideoFilter, Visibility,
};

use super::core::{self, note_and_delete};
use super::lists::{self, Notes};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = core::faults::<Channel>();
    faults.extend(lists::written::<Channel>());
    faults.extend([
        core::lost_by_create::<Channel>("create stores an empty handle as none", |channel| {
            let handle = channel.handle.clone().filter(|handle| !handle.is_empty());
            rebuilt(channel, |fields| fields.handle = handle)
        }),
        core::kept_by_update::<Channel>("update keeps the old title if the new one is empty", |old, new| {
            rebuilt(new, |fields| {
                if fields.title.is_empty() {
                    fields.title.clone_from(&old.title);
                }
            })
        }),
        core::folded_by_get::<Channel>("ids that are numbers are compared as numbers", |id| {
            let number = id.as_str().parse::<f64>().ok().map(|number| number.to_string());
            number.and_then(|number| ChannelId::parse(number).ok()).unwrap_or_else(|| id.clone())
        }),
        Fault::new(
            "CHN-X-001",
            "exists is told of a deletion before it is refused",
            &["the channel is there: true", "observed: false"],
            || Hooks::new().both::<Channel>(ExistsBelievesARefusedDeletion::default()),
        ),
        Fault::new(
            "CHN-X-002",
            "delete removes deleted videos with their channel",
            &["StillReferenced", "by: Video", "observed: Ok(())"],
            || Hooks::new().writes::<Channel>(DeletedVideosGoWithTheirChannel),
        ),
        Fault::new(
            "CHN-X-003",
            "delete removes graphs with their channel",
            &["StillReferenced", "by: KnowledgeGraph", "observed: Ok(())"],
            || Hooks::new().writes::<Channel>(GraphsGoWithTheirChannel),
        )
        .also(
            "CHN-X-010",
            "its channel has a graph and a playlist, which is named when the graph is gone",
            &["by: KnowledgeGraph", "observed: Err(StillReferenced", "by: Playlist"],
        ),
        Fault::new(
            "CHN-X-004",
            "delete looks for graphs before it looks for videos",
            &["by: Video", "observed: Err(StillReferenced", "by: KnowledgeGraph"],
            || Hooks::new().writes::<Channel>(GraphsAreNamedFirst),
        ),
        Fault::new(
            "CHN-X-005",
            "a channel that a video has left counts as its channel",
            &["the call succeeds", "cannot be deleted: a video still refers to it"],
            || {
                let left = LeftChannels::default();
                Hooks::new().writes::<Video>(left.clone()).writes::<Channel>(left)
            },
        ),
        Fault::new(
            "CHN-X-006",
            "delete looks for videos before it looks at the revision",
            &["Conflict(Revision", "observed: Err(StillReferenced"],
            || Hooks::new().writes::<Channel>(ReferencesAreToldFirst),
        ),
        Fault::new(
            "CHN-X-007",
            "delete_many deletes what comes before a referenced channel",
            &["the free one is still there: true", "observed: false"],
            || Hooks::new().writes::<Channel>(DeleteManyDeletesTheFirst),
        ),
        Fault::new(
            "CHN-X-009",
            "delete removes deleted playlists with their channel",
            &["StillReferenced", "by: Playlist", "observed: Ok(())"],
            || Hooks::new().writes::<Channel>(DeletedPlaylistsGoWithTheirChannel),
        ),
        Fault::new(
            "CHN-X-010",
            "delete looks for playlists before it looks for graphs",
            &["by: KnowledgeGraph", "observed: Err(StillReferenced", "by: Playlist"],
            || Hooks::new().writes::<Channel>(PlaylistsAreNamedFirst),
        ),
        Fault::new(
            "CHN-X-008",
            "a video brings its deleted channel back",
            &["MissingReference", "observed: Ok(Stored"],
            || {
                let gone = GoneChannels::default();
                Hooks::new().writes::<Video>(gone.clone()).writes::<Channel>(gone)
            },
        ),
    ]);
    faults
}

/// The channel with other fields; as it is, if the domain refuses them.
fn rebuilt(channel: &Channel, change: impl FnOnce(&mut ChannelFields)) -> Channel {
    let mut fields = channel.clone().into_fields();
    change(&mut fields);
    Channel::new(fields).unwrap_or_else(|_| channel.clone())
}

fn still_referenced(id: &ChannelId, by: EntityKind) -> Error {
    Error::StillReferenced { entity: Channel::KIND, key: id.to_string(), by }
}

/// The videos of a channel.
async fn videos_of(at: &At<'_>, id: &ChannelId, visibility: Visibility) -> Result<Vec<Stored<Video>>> {
    let filter = VideoFilter { channel_id: Some(id.clone()), visibility, ..VideoFilter::default() };
    let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
    Ok(at.reads::<Video>().list(&filter, &page).await?.items)
}

/// The filter that takes in the graphs of a channel.
fn graphs_of(id: &ChannelId) -> KnowledgeGraphFilter {
    KnowledgeGraphFilter { owner: Some(GraphOwner::Channel(id.clone())), ..KnowledgeGraphFilter::default() }
}

#[derive(Default)]
struct ExistsBelievesARefusedDeletion(Notes<ChannelId, ()>);

#[async_trait]
impl WriteHook<Channel> for ExistsBelievesARefusedDeletion {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        self.0.note(id.clone(), ());
        at.writes::<Channel>().delete(id, expected).await
    }
}

#[async_trait]
impl ReadHook<Channel> for ExistsBelievesARefusedDeletion {
    async fn exists(&self, at: &At<'_>, id: &ChannelId, visibility: Visibility) -> Result<bool> {
        Ok(self.0.of(id).is_none() && at.reads::<Channel>().exists(id, visibility).await?)
    }
}

struct DeletedVideosGoWithTheirChannel;

#[async_trait]
impl WriteHook<Channel> for DeletedVideosGoWithTheirChannel {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        if videos_of(at, id, Visibility::Live).await?.is_empty() {
            for video in videos_of(at, id, Visibility::OnlyDeleted).await? {
                at.inner.videos().purge(&video.entity.id, None).await?;
            }
        }
        at.writes::<Channel>().delete(id, expected).await
    }
}

/// The playlists of a channel.
async fn playlists_of(at: &At<'_>, id: &ChannelId, visibility: Visibility) -> Result<Vec<PlaylistId>> {
    let filter = PlaylistFilter { channel_id: Some(id.clone()), visibility, ..PlaylistFilter::default() };
    let found = at.reads::<Playlist>().list(&filter, &PageRequest::default()).await?.items;
    Ok(found.into_iter().map(|playlist| playlist.entity.id).collect())
}

struct DeletedPlaylistsGoWithTheirChannel;

#[async_trait]
impl WriteHook<Channel> for DeletedPlaylistsGoWithTheirChannel {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        if playlists_of(at, id, Visibility::Live).await?.is_empty() {
            for playlist in playlists_of(at, id, Visibility::OnlyDeleted).await? {
                at.inner.playlists().purge(&playlist, None).await?;
            }
        }
        at.writes::<Channel>().delete(id, expected).await
    }
}

struct PlaylistsAreNamedFirst;

#[async_trait]
impl WriteHook<Channel> for PlaylistsAreNamedFirst {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        let answer = at.writes::<Channel>().delete(id, expected).await;
        if matches!(answer, Err(Error::StillReferenced { by: EntityKind::KnowledgeGraph, .. }))
            && !playlists_of(at, id, Visibility::Live).await?.is_empty()
        {
            return Err(still_referenced(id, EntityKind::Playlist));
        }
        answer
    }
}

struct GraphsGoWithTheirChannel;

#[async_trait]
impl WriteHook<Channel> for GraphsGoWithTheirChannel {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        let answer = at.writes::<Channel>().delete(id, expected).await;
        if !matches!(answer, Err(Error::StillReferenced { by: EntityKind::KnowledgeGraph, .. })) {
            return answer;
        }
        for graph in at.reads::<KnowledgeGraph>().list(&graphs_of(id), &PageRequest::default()).await?.items {
            at.writes::<KnowledgeGraph>().delete(&graph.entity.id, None).await?;
        }
        at.writes::<Channel>().delete(id, expected).await
    }
}

struct GraphsAreNamedFirst;

#[async_trait]
impl WriteHook<Channel> for GraphsAreNamedFirst {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        let answer = at.writes::<Channel>().delete(id, expected).await;
        if matches!(answer, Err(Error::StillReferenced { .. }))
            && at.reads::<KnowledgeGraph>().count(&graphs_of(id)).await? > 0
        {
            return Err(still_referenced(id, EntityKind::KnowledgeGraph));
        }
        answer
    }
}

/// The channels that videos have left.
#[derive(Clone, Default)]
struct LeftChannels(Arc<Notes<ChannelId, ()>>);

#[async_trait]
impl WriteHook<Video> for LeftChannels {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        let before = at.reads::<Video>().get(&video.id, Visibility::Live).await?;
        let updated = at.writes::<Video>().update(video, expected).await?;
        if let Some(left) = before.and_then(|before| before.channel_id.clone())
            && video.channel_id.as_ref() != Some(&left)
        {
            self.0.note(left, ());
        }
        Ok(updated)
    }
}

#[async_trait]
impl WriteHook<Channel> for LeftChannels {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        match self.0.of(id) {
            Some(()) => Err(still_referenced(id, EntityKind::Video)),
            None => at.writes::<Channel>().delete(id, expected).await,
        }
    }
}

struct ReferencesAreToldFirst;

#[async_trait]
impl WriteHook<Channel> for ReferencesAreToldFirst {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        let answer = at.writes::<Channel>().delete(id, expected).await;
        if matches!(answer, Err(Error::Conflict(Conflict::Revision { .. })))
            && !videos_of(at, id, Visibility::WithDeleted).await?.is_empty()
        {
            return Err(still_referenced(id, EntityKind::Video));
        }
        answer
    }
}

struct DeleteManyDeletesTheFirst;

#[async_trait]
impl WriteHook<Channel> for DeleteManyDeletesTheFirst {
    async fn delete_many(&self, at: &At<'_>, ids: &[ChannelId]) -> Result<()> {
        let answer = at.writes::<Channel>().delete_many(ids).await;
        if matches!(answer, Err(Error::StillReferenced { .. })) {
            for id in ids {
                at.writes::<Channel>().delete(id, None).await?;
            }
        }
        answer
    }
}

/// The channels that were deleted.
#[derive(Clone, Default)]
struct GoneChannels(Arc<Notes<ChannelId, Stored<Channel>>>);

#[async_trait]
impl WriteHook<Channel> for GoneChannels {
    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        note_and_delete(&self.0, at, id, expected).await
    }
}

#[async_trait]
impl WriteHook<Video> for GoneChannels {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let answer = at.writes::<Video>().create(video).await;
        if matches!(answer, Err(Error::MissingReference { .. }))
            && let Some(gone) = video.channel_id.as_ref().and_then(|id| self.0.of(id))
        {
            at.writes::<Channel>().create(&gone.entity).await?;
            return at.writes::<Video>().create(video).await;
        }
        answer
    }
}
