//! Faults of what hangs on a video: transcripts, graphs and media files.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{Entity, GraphOwner, KnowledgeGraph, MediaFile, Transcript, Video, VideoId};
use tubeatlas_ports::{Error, Result, Revision, Stored, Upserted, Visibility};

use super::core;
use super::lists::{self, Notes};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, SoftHook, WriteHook};
use crate::kind::{Kind, WrittenKind};

/// A kind of entity that hangs on a video.
pub(super) trait OfVideo: WrittenKind {
    /// Its video; none if it is a channel's.
    fn video(&self) -> Option<&VideoId>;
}

impl OfVideo for Transcript {
    fn video(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }
}

impl OfVideo for KnowledgeGraph {
    fn video(&self) -> Option<&VideoId> {
        match &self.owner {
            GraphOwner::Video(id) => Some(id),
            GraphOwner::Channel(_) => None,
        }
    }
}

impl OfVideo for MediaFile {
    fn video(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }
}

/// The faults of all the rules of something written, and of H-001 to H-005, but.
pub(super) fn faults<E: OfVideo>() -> Vec<Fault> {
    let mut faults = core::faults::<E>();
    faults.extend(lists::written::<E>());
    for (companion, reason) in [
        ("H-001", "it looks for what is live among the deleted"),
        ("H-002", "it looks for what was restored among the deleted"),
        ("H-003", "it looks among the deleted for what is left"),
    ] {
        let says = &["exists, OnlyDeleted: false", "observed: true"];
        super::also(&mut faults, &E::rule("R-005"), &E::rule(companion), reason, says);
    }
    faults.extend(hidden::<E>());
    faults
}

/// The faults of the rules H-001 to H-005.
fn hidden<E: OfVideo>() -> Vec<Fault> {
    let rule = E::rule;
    vec![
        Fault::new(
            rule("H-001"),
            "exists takes WithDeleted for Live",
            &["exists, WithDeleted: true", "observed: false"],
            || Hooks::new().reads::<E>(ExistsSeesTheLiveAlone),
        )
        .also(
            rule("R-005"),
            "it asks for what is hidden, too",
            &["exists of ", "with WithDeleted: true", "observed: false"],
        ),
        Fault::new(
            rule("H-002"),
            "what hangs on a restored video goes on to exist among the deleted",
            &["exists, OnlyDeleted: false", "observed: true"],
            || {
                let hook = RestoredStaysAmongTheDeleted::default();
                Hooks::new().soft::<Video>(hook.clone()).reads::<E>(hook)
            },
        ),
        Fault::new(
            rule("H-003"),
            "what hung on a purged video comes back with the next one of its id",
            &["get_many, WithDeleted", "None", "observed: ", "Some(Stored"],
            || {
                let hook = PurgedComesBack::<E>::default();
                Hooks::new().writes::<E>(hook.clone()).writes::<Video>(hook)
            },
        ),
        Fault::new(
            rule("H-004"),
            "an upsert of the same under a deleted video answers Unchanged",
            &["upsert: LeftDeleted", "observed: Unchanged("],
            || Hooks::new().writes::<E>(UpsertOfTheSameDeletedIsUnchanged),
        ),
        Fault::new(
            rule("H-005"),
            "update looks for the video before it looks for the entity",
            &["NotFound", "observed: Err(MissingReference"],
            || Hooks::new().writes::<E>(UpdateNamesTheVideoFirst),
        ),
    ]
}

/// The faults of the rules H-006 to H-008, of what can be given another video.
pub(super) fn moved<E: OfVideo>() -> Vec<Fault> {
    let rule = E::rule;
    vec![
        Fault::new(
            rule("H-006"),
            "what was moved is purged with its old video",
            &["get_many, Live: [Some(Stored", "observed: [None]"],
            || {
                let hook = MovedFollowsItsOldVideo::<E>::default();
                Hooks::new().writes::<E>(hook.clone()).soft::<Video>(hook)
            },
        ),
        Fault::new(
            rule("H-007"),
            "an upsert that moves something to a deleted video leaves it alone",
            &["MissingReference", "observed: Ok(LeftDeleted)"],
            || Hooks::new().writes::<E>(UpsertLeavesWhatWouldMoveToADeleted),
        ),
        Fault::new(
            rule("H-008"),
            "update moves what is hidden to a live video",
            &["NotFound", "observed: Ok(Stored"],
            || Hooks::new().writes::<E>(HiddenIsMoved),
        ),
    ]
}

struct ExistsSeesTheLiveAlone;

#[async_trait]
impl<E: Kind> ReadHook<E> for ExistsSeesTheLiveAlone {
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let visibility = match visibility {
            Visibility::WithDeleted => Visibility::Live,
            visibility => visibility,
        };
        at.reads::<E>().exists(id, visibility).await
    }
}

/// The videos that were restored.
#[derive(Clone, Default)]
struct RestoredStaysAmongTheDeleted(Arc<Notes<VideoId, ()>>);

#[async_trait]
impl SoftHook<Video> for RestoredStaysAmongTheDeleted {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let restored = at.inner.videos().restore(id).await?;
        self.0.note(id.clone(), ());
        Ok(restored)
    }
}

#[async_trait]
impl<E: OfVideo> ReadHook<E> for RestoredStaysAmongTheDeleted {
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        if visibility == Visibility::OnlyDeleted
            && let Some(stored) = at.reads::<E>().get(id, Visibility::Live).await?
            && stored.entity.video().is_some_and(|video| self.0.of(video).is_some())
        {
            return Ok(true);
        }
        at.reads::<E>().exists(id, visibility).await
    }
}

/// The last one that was created under each video.
struct PurgedComesBack<E>(Arc<Notes<VideoId, E>>);

impl<E> Default for PurgedComesBack<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E> Clone for PurgedComesBack<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[async_trait]
impl<E: OfVideo> WriteHook<E> for PurgedComesBack<E> {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let created = at.writes::<E>().create(entity).await?;
        if let Some(video) = entity.video() {
            self.0.note(video.clone(), entity.clone());
        }
        Ok(created)
    }
}

#[async_trait]
impl<E: OfVideo> WriteHook<Video> for PurgedComesBack<E> {
    async fn create_many(&self, at: &At<'_>, videos: &[Video]) -> Result<Vec<Stored<Video>>> {
        let created = at.writes::<Video>().create_many(videos).await?;
        for left in videos.iter().filter_map(|video| self.0.of(&video.id)) {
            at.writes::<E>().create(&left).await?;
        }
        Ok(created)
    }
}

/// Of whatever is deleted, or its video.
pub(super) struct UpsertOfTheSameDeletedIsUnchanged;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpsertOfTheSameDeletedIsUnchanged {
    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        match at.reads::<E>().get(&entity.id(), Visibility::OnlyDeleted).await? {
            Some(stored) if stored.entity == *entity => Ok(Upserted::Unchanged(stored)),
            _ => at.writes::<E>().upsert(entity).await,
        }
    }
}

struct UpdateNamesTheVideoFirst;

#[async_trait]
impl<E: OfVideo> WriteHook<E> for UpdateNamesTheVideoFirst {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let answer = at.writes::<E>().update(entity, expected).await;
        if matches!(answer, Err(Error::NotFound { .. }))
            && !at.reads::<E>().exists(&entity.id(), Visibility::WithDeleted).await?
            && let Some(video) = entity.video()
            && !at.reads::<Video>().exists(video, Visibility::WithDeleted).await?
        {
            return Err(Error::MissingReference {
                entity: E::KIND,
                key: entity.id().to_string(),
                reference: Video::KIND,
                reference_key: video.to_string(),
            });
        }
        answer
    }
}

/// What has left a video, by that video.
struct MovedFollowsItsOldVideo<E: Entity>(Arc<Notes<VideoId, E::Id>>);

impl<E: Entity> Default for MovedFollowsItsOldVideo<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E: Entity> Clone for MovedFollowsItsOldVideo<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[async_trait]
impl<E: OfVideo> WriteHook<E> for MovedFollowsItsOldVideo<E> {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let before = at.reads::<E>().get(&entity.id(), Visibility::Live).await?;
        let updated = at.writes::<E>().update(entity, expected).await?;
        if let Some(left) = before.as_ref().and_then(|before| before.entity.video())
            && entity.video() != Some(left)
        {
            self.0.note(left.clone(), entity.id());
        }
        Ok(updated)
    }
}

#[async_trait]
impl<E: OfVideo> SoftHook<Video> for MovedFollowsItsOldVideo<E> {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        match self.0.of(id) {
            Some(moved) => at.writes::<E>().delete(&moved, None).await,
            None => Ok(()),
        }
    }
}

struct UpsertLeavesWhatWouldMoveToADeleted;

#[async_trait]
impl<E: OfVideo> WriteHook<E> for UpsertLeavesWhatWouldMoveToADeleted {
    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        let answer = at.writes::<E>().upsert(entity).await;
        if matches!(answer, Err(Error::MissingReference { .. }))
            && let Some(video) = entity.video()
            && at.reads::<Video>().exists(video, Visibility::OnlyDeleted).await?
        {
            return Ok(Upserted::LeftDeleted);
        }
        answer
    }
}

struct HiddenIsMoved;

#[async_trait]
impl<E: OfVideo> WriteHook<E> for HiddenIsMoved {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let answer = at.writes::<E>().update(entity, expected).await;
        if matches!(answer, Err(Error::NotFound { .. }))
            && let Some(hidden) = at.reads::<E>().get(&entity.id(), Visibility::OnlyDeleted).await?
            && let (Some(from), Some(to)) = (hidden.entity.video(), entity.video())
            && at.reads::<Video>().exists(to, Visibility::Live).await?
        {
            at.inner.videos().restore(from).await?;
            let moved = at.writes::<E>().update(entity, expected).await;
            at.writes::<Video>().delete(from, None).await?;
            return moved;
        }
        answer
    }
}
