//! Faults of videos.

use async_trait::async_trait;
use tubeatlas_domain::{Channel, Entity, ProcessingTask, Video, VideoFields, VideoId};
use tubeatlas_ports::{
    Conflict, Error, MAX_PAGE_LIMIT, PageRequest, ProcessingTaskFilter, Result, Revision, Stored, Upserted,
    VideoFilter, Visibility,
};

use super::{core, lists, soft};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, SoftHook, WriteHook};

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
    faults.extend(soft::faults::<Video>());
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

/// The faults of the rules P-004 and P-005.
fn purge() -> Vec<Fault> {
    vec![
        Fault::new(
            "VID-P-004",
            "purge cancels the tasks that name the video",
            &["the task: ", "Pending", "observed: ", "Cancelled"],
            || Hooks::new().soft::<Video>(PurgeCancelsTasks),
        ),
        Fault::new(
            "VID-P-005",
            "purge takes ids that differ in case for the same",
            &["the other video: Some(Stored", "observed: None"],
            || Hooks::new().soft::<Video>(PurgeIgnoresCase),
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

struct PurgeCancelsTasks;

#[async_trait]
impl SoftHook<Video> for PurgeCancelsTasks {
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
impl SoftHook<Video> for PurgeIgnoresCase {
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
