//! Faults of videos.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{Channel, Entity, ProcessingTask, Timestamp, Video, VideoFields, VideoId};
use tubeatlas_ports::{
    Conflict, Error, MAX_PAGE_LIMIT, PageRequest, ProcessingTaskFilter, Result, Revision, Stored, Upserted,
    VideoFilter, Visibility,
};

use super::lists::{self, Notes};
use super::{core, owned};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, VideoHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

/// What else notices the faults that all kinds share, and why: other areas try what they promise on videos.
const ALSO: [(&str, &str, &str, &[&str]); 7] = [
    (
        "VID-C-002",
        "CON-N-005",
        "it has sixteen callers create the very same video",
        &["how many have created it: 1", "observed: 16"],
    ),
    (
        "VID-C-004",
        "UOW-E-002",
        "its batch in a unit of work holds a taken id",
        &["the count in the unit of work: 1", "observed: 2"],
    ),
    (
        "VID-D-001",
        "VID-R-004",
        "its catalogue holds deleted videos",
        &["get_many with Live", "None", "observed: "],
    ),
    (
        "VID-R-002",
        "SEA-X-002",
        "it searches for the words of a title that became empty",
        &["no words: 0", "observed: 1"],
    ),
    (
        "VID-R-005",
        "VID-S-005",
        "it looks for a restored video among the deleted",
        &["no longer deleted: false", "observed: true"],
    ),
    (
        "VID-U-004",
        "UOW-E-005",
        "it tries an update to the same in a read-only unit of work",
        &["ReadOnly", "observed: Ok(Stored"],
    ),
    (
        "VID-U-005",
        "UOW-E-002",
        "its batch in a unit of work holds something missing",
        &["the titles: [Some(\"before\")", "observed: [Some(\"batch\")"],
    ),
];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = core::faults::<Video>();
    // What is deleted is hidden, and keeps its id.
    faults.retain(|fault| fault.rule != "VID-D-002");
    faults.extend(lists::written::<Video>());
    faults.extend([
        core::lost_by_create::<Video>("create stores an empty category name as none", |video| {
            let name = video.category_name.clone().filter(|name| !name.is_empty());
            rebuilt(video, |fields| fields.category_name = name)
        }),
        core::kept_by_update::<Video>("update keeps the old title if the new one is empty", |old, new| {
            rebuilt(new, |fields| {
                if fields.title.is_empty() {
                    fields.title.clone_from(&old.title);
                }
            })
        }),
        core::folded_by_get::<Video>("get takes two blanks in an id for one", |id| {
            VideoId::parse(id.as_str().replace("  ", " ")).unwrap_or_else(|_| id.clone())
        }),
    ]);
    for (rule, companion, reason, says) in ALSO {
        super::also(&mut faults, rule, companion, reason, says);
    }
    faults.extend(soft_deletion());
    faults.extend(purge());
    faults.extend([
        Fault::new(
            "VID-X-001",
            "update looks for the channel before it looks at the revision",
            &["Conflict(Revision", "observed: Err(MissingReference"],
            || Hooks::new().writes::<Video>(ChannelIsToldFirst),
        ),
        Fault::new(
            "VID-X-002",
            "upsert_many keeps what comes before an orphan",
            &["their number: 0", "observed: 1"],
            || Hooks::new().writes::<Video>(UpsertManyKeepsTheFirst),
        ),
    ]);
    faults
}

/// The faults of the rules S-001 to S-008.
fn soft_deletion() -> Vec<Fault> {
    vec![
        Fault::new(
            "VID-S-001",
            "a deletion leaves updated_at as it was",
            &["the deleted video", "updated_at"],
            || Hooks::new().both::<Video>(DeletionLeavesUpdatedAt::default()),
        ),
        Fault::new(
            "VID-S-002",
            "create replaces a deleted video",
            &["AlreadyExists", "field: \"id\"", "observed: Ok(Stored"],
            || Hooks::new().writes::<Video>(CreateReplacesADeleted),
        ),
        Fault::new(
            "VID-S-003",
            "an upsert of the same answers Unchanged, be it deleted",
            &["upsert: LeftDeleted", "observed: Unchanged("],
            || Hooks::new().writes::<Video>(owned::UpsertOfTheSameDeletedIsUnchanged),
        ),
        Fault::new(
            "VID-S-004",
            "an update to the same succeeds, be it deleted",
            &["NotFound", "observed: Ok(Stored"],
            || Hooks::new().writes::<Video>(UpdateOfTheSameDeletedSucceeds),
        ),
        Fault::new(
            "VID-S-005",
            "restore leaves updated_at as it was",
            &["the restored video", "updated_at"],
            || Hooks::new().videos(RestoreLeavesUpdatedAt),
        ),
        Fault::new(
            "VID-S-006",
            "restore stamps a live video",
            &["restore: Stored", "updated_at", "observed: "],
            || Hooks::new().videos(RestoreStampsTheLive),
        ),
        Fault::new(
            "VID-S-007",
            "restore of what is missing takes the store for damaged",
            &["NotFound", "observed: Err(Corrupt", "no row was restored"],
            || Hooks::new().videos(RestoreOfTheMissingIsCorrupt),
        )
        .also(
            "VID-P-001",
            "what was purged is missing, too",
            &["NotFound", "observed: Err(Corrupt", "no row was restored"],
        ),
        Fault::new(
            "VID-S-008",
            "deleted_at is never before updated_at",
            &["deleted_at: Some(Timestamp("],
            || Hooks::new().reads::<Video>(DeletedAtDoesNotGoBack),
        ),
    ]
}

/// The faults of the rules P-001 to P-005.
fn purge() -> Vec<Fault> {
    vec![
        Fault::new(
            "VID-P-001",
            "a purged video goes on to exist among the deleted",
            &["exists: false", "observed: true"],
            || {
                let hook = PurgedStaysAmongTheDeleted::default();
                Hooks::new().videos(hook.clone()).reads::<Video>(hook)
            },
        ),
        Fault::new(
            "VID-P-002",
            "purge does not look at the revision",
            &["Conflict(Revision", "observed: Ok(())"],
            || Hooks::new().videos(PurgeIgnoresTheRevision),
        ),
        Fault::new(
            "VID-P-003",
            "what takes the id of a purged video takes its created_at as well",
            &["created_at: Timestamp("],
            || {
                let hook = PurgedLeavesItsCreatedAt::default();
                Hooks::new().videos(hook.clone()).writes::<Video>(hook)
            },
        ),
        Fault::new(
            "VID-P-004",
            "purge cancels the tasks that name the video",
            &["the task: ", "Pending", "observed: ", "Cancelled"],
            || Hooks::new().videos(PurgeCancelsTasks),
        ),
        Fault::new(
            "VID-P-005",
            "purge takes ids that differ in case for the same",
            &["the other video: Some(Stored", "observed: None"],
            || Hooks::new().videos(PurgeIgnoresCase),
        )
        .also(
            "SEA-P-002",
            "it purges one of two videos whose ids differ in case between two pages",
            &["what was there throughout", "VideoId(\"b\")", "observed: "],
        ),
    ]
}

/// The video with other fields; as it is, if the domain refuses them.
fn rebuilt(video: &Video, change: impl FnOnce(&mut VideoFields)) -> Video {
    let mut fields = video.clone().into_fields();
    change(&mut fields);
    Video::new(fields).unwrap_or_else(|_| video.clone())
}

struct ChannelIsToldFirst;

#[async_trait]
impl WriteHook<Video> for ChannelIsToldFirst {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        let answer = at.writes::<Video>().update(video, expected).await;
        if matches!(answer, Err(Error::Conflict(Conflict::Revision { .. })))
            && let Some(channel) = &video.channel_id
            && !at.reads::<Channel>().exists(channel, Visibility::Live).await?
        {
            return Err(Error::MissingReference {
                entity: Video::KIND,
                key: video.id.to_string(),
                reference: Channel::KIND,
                reference_key: channel.to_string(),
            });
        }
        answer
    }
}

struct UpsertManyKeepsTheFirst;

#[async_trait]
impl WriteHook<Video> for UpsertManyKeepsTheFirst {
    async fn upsert_many(&self, at: &At<'_>, videos: &[Video]) -> Result<Vec<Upserted<Video>>> {
        let answer = at.writes::<Video>().upsert_many(videos).await;
        if let Err(Error::MissingReference { .. }) = answer {
            for video in videos {
                at.writes::<Video>().upsert(video).await?;
            }
        }
        answer
    }
}

/// When each video that was deleted was changed before.
#[derive(Default)]
struct DeletionLeavesUpdatedAt(Notes<VideoId, Timestamp>);

#[async_trait]
impl WriteHook<Video> for DeletionLeavesUpdatedAt {
    async fn delete(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let before = at.reads::<Video>().get(id, Visibility::Live).await?;
        at.writes::<Video>().delete(id, expected).await?;
        if let Some(before) = before {
            self.0.note(id.clone(), before.updated_at);
        }
        Ok(())
    }
}

#[async_trait]
impl ReadHook<Video> for DeletionLeavesUpdatedAt {
    async fn get(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<Option<Stored<Video>>> {
        let mut video = at.reads::<Video>().get(id, visibility).await?;
        if let Some(video) = &mut video
            && video.deleted_at.is_some()
            && let Some(before) = self.0.of(id)
        {
            video.updated_at = before;
        }
        Ok(video)
    }
}

struct CreateReplacesADeleted;

#[async_trait]
impl WriteHook<Video> for CreateReplacesADeleted {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        if at.reads::<Video>().exists(&video.id, Visibility::OnlyDeleted).await? {
            at.inner.videos().purge(&video.id, None).await?;
        }
        at.writes::<Video>().create(video).await
    }
}

struct UpdateOfTheSameDeletedSucceeds;

#[async_trait]
impl WriteHook<Video> for UpdateOfTheSameDeletedSucceeds {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        match at.reads::<Video>().get(&video.id, Visibility::OnlyDeleted).await? {
            Some(stored) if stored.entity == *video => Ok(stored),
            _ => at.writes::<Video>().update(video, expected).await,
        }
    }
}

struct RestoreLeavesUpdatedAt;

#[async_trait]
impl VideoHook for RestoreLeavesUpdatedAt {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let before = at.reads::<Video>().get(id, Visibility::OnlyDeleted).await?;
        let restored = at.inner.videos().restore(id).await?;
        Ok(match before {
            Some(before) => Stored { updated_at: before.updated_at, ..restored },
            None => restored,
        })
    }
}

struct RestoreStampsTheLive;

#[async_trait]
impl VideoHook for RestoreStampsTheLive {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let restored = at.inner.videos().restore(id).await?;
        Ok(Stored { updated_at: restored.updated_at.max(at.clock.now()), ..restored })
    }
}

struct RestoreOfTheMissingIsCorrupt;

#[async_trait]
impl VideoHook for RestoreOfTheMissingIsCorrupt {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        match at.inner.videos().restore(id).await {
            Err(Error::NotFound { .. }) => {
                Err(Error::Corrupt { message: "no row was restored".into(), source: None })
            }
            answer => answer,
        }
    }
}

struct DeletedAtDoesNotGoBack;

#[async_trait]
impl ReadHook<Video> for DeletedAtDoesNotGoBack {
    async fn get(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<Option<Stored<Video>>> {
        let video = at.reads::<Video>().get(id, visibility).await?;
        Ok(video
            .map(|video| Stored { deleted_at: video.deleted_at.map(|at| at.max(video.updated_at)), ..video }))
    }
}

/// The videos that were purged.
#[derive(Clone, Default)]
struct PurgedStaysAmongTheDeleted(Arc<Notes<VideoId, ()>>);

#[async_trait]
impl VideoHook for PurgedStaysAmongTheDeleted {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        self.0.note(id.clone(), ());
        Ok(())
    }
}

#[async_trait]
impl ReadHook<Video> for PurgedStaysAmongTheDeleted {
    async fn exists(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<bool> {
        let purged = visibility == Visibility::OnlyDeleted && self.0.of(id).is_some();
        Ok(purged || at.reads::<Video>().exists(id, visibility).await?)
    }
}

struct PurgeIgnoresTheRevision;

#[async_trait]
impl VideoHook for PurgeIgnoresTheRevision {
    async fn purge(&self, at: &At<'_>, id: &VideoId, _: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, None).await
    }
}

/// When the videos that were purged had been created.
#[derive(Clone, Default)]
struct PurgedLeavesItsCreatedAt(Arc<Notes<VideoId, Timestamp>>);

#[async_trait]
impl VideoHook for PurgedLeavesItsCreatedAt {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let video = at.reads::<Video>().get(id, Visibility::WithDeleted).await?;
        at.inner.videos().purge(id, expected).await?;
        if let Some(video) = video {
            self.0.note(id.clone(), video.created_at);
        }
        Ok(())
    }
}

#[async_trait]
impl WriteHook<Video> for PurgedLeavesItsCreatedAt {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await?;
        Ok(Stored { created_at: self.0.of(&video.id).unwrap_or(created.created_at), ..created })
    }
}

struct PurgeCancelsTasks;

#[async_trait]
impl VideoHook for PurgeCancelsTasks {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        let target = Some(format!("video/{id}"));
        let filter = ProcessingTaskFilter { target, ..ProcessingTaskFilter::default() };
        for task in at.reads::<ProcessingTask>().list(&filter, &PageRequest::default()).await?.items {
            at.inner.processing_tasks().cancel(task.entity.id).await?;
        }
        Ok(())
    }
}

struct PurgeIgnoresCase;

#[async_trait]
impl VideoHook for PurgeIgnoresCase {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        let all = VideoFilter { visibility: Visibility::WithDeleted, ..VideoFilter::default() };
        let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
        for other in at.reads::<Video>().list(&all, &page).await?.items {
            if other.entity.id.as_str().eq_ignore_ascii_case(id.as_str()) {
                at.inner.videos().purge(&other.entity.id, None).await?;
            }
        }
        Ok(())
    }
}
