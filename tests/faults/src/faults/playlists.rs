//! Faults of playlists.

use async_trait::async_trait;
use tubeatlas_domain::{Channel, Entity, Playlist, PlaylistFields, PlaylistId, Video, VideoId};
use tubeatlas_ports::{
    Conflict, Error, PageRequest, PlaylistFilter, Result, Revision, Stored, Upserted, Visibility,
};

use super::{core, lists, soft};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, SoftHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = core::faults::<Playlist>();
    // What is deleted is hidden, and keeps its id.
    faults.retain(|fault| fault.rule != "PLA-D-002");
    faults.extend(lists::written::<Playlist>());
    faults.extend([
        core::lost_by_create::<Playlist>("create stores an empty description as none", |playlist| {
            let description = playlist.description.clone().filter(|text| !text.is_empty());
            rebuilt(playlist, |fields| fields.description = description)
        }),
        core::kept_by_update::<Playlist>(
            "update keeps the old videos if there are no new ones",
            |old, new| {
                rebuilt(new, |fields| {
                    if fields.videos.is_empty() {
                        fields.videos.clone_from(&old.videos);
                    }
                })
            },
        ),
        core::folded_by_get::<Playlist>("get takes two blanks in an id for one", |id| {
            PlaylistId::parse(id.as_str().replace("  ", " ")).unwrap_or_else(|_| id.clone())
        }),
    ]);
    super::also(
        &mut faults,
        "PLA-D-001",
        "PLA-R-004",
        "its catalogue holds deleted playlists",
        &["get_many with Live", "None", "observed: "],
    );
    super::also(
        &mut faults,
        "PLA-R-005",
        "PLA-S-005",
        "it looks for a restored playlist among the deleted",
        &["no longer deleted: false", "observed: true"],
    );
    faults.extend(soft::faults::<Playlist>());
    faults.extend([
        Fault::new(
            "PLA-X-001",
            "update looks for the channel before it looks at the revision",
            &["Conflict(Revision", "observed: Err(MissingReference"],
            || Hooks::new().writes::<Playlist>(ChannelIsToldFirst),
        ),
        Fault::new(
            "PLA-X-002",
            "upsert_many keeps what comes before an orphan",
            &["their number: 0", "observed: 1"],
            || Hooks::new().writes::<Playlist>(UpsertManyKeepsTheFirst),
        ),
        Fault::new(
            "PLA-X-003",
            "a purged video goes out of its playlists",
            &["the playlist: Stored", "observed: Stored"],
            || Hooks::new().soft::<Video>(PurgedVideosGoOut),
        ),
    ]);
    faults
}

/// The playlist with other fields; as it is, if the domain refuses them.
fn rebuilt(playlist: &Playlist, change: impl FnOnce(&mut PlaylistFields)) -> Playlist {
    let mut fields = playlist.clone().into_fields();
    change(&mut fields);
    Playlist::new(fields).unwrap_or_else(|_| playlist.clone())
}

struct ChannelIsToldFirst;

#[async_trait]
impl WriteHook<Playlist> for ChannelIsToldFirst {
    async fn update(
        &self,
        at: &At<'_>,
        playlist: &Playlist,
        expected: Option<Revision>,
    ) -> Result<Stored<Playlist>> {
        let answer = at.writes::<Playlist>().update(playlist, expected).await;
        if matches!(answer, Err(Error::Conflict(Conflict::Revision { .. })))
            && let Some(channel) = &playlist.channel_id
            && !at.reads::<Channel>().exists(channel, Visibility::Live).await?
        {
            return Err(Error::missing_reference(playlist, Channel::KIND, channel));
        }
        answer
    }
}

struct UpsertManyKeepsTheFirst;

#[async_trait]
impl WriteHook<Playlist> for UpsertManyKeepsTheFirst {
    async fn upsert_many(&self, at: &At<'_>, playlists: &[Playlist]) -> Result<Vec<Upserted<Playlist>>> {
        let answer = at.writes::<Playlist>().upsert_many(playlists).await;
        if let Err(Error::MissingReference { .. }) = answer {
            for playlist in playlists {
                at.writes::<Playlist>().upsert(playlist).await?;
            }
        }
        answer
    }
}

struct PurgedVideosGoOut;

#[async_trait]
impl SoftHook<Video> for PurgedVideosGoOut {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        let filter = PlaylistFilter { video_id: Some(id.clone()), ..PlaylistFilter::default() };
        for listed in at.reads::<Playlist>().list(&filter, &PageRequest::default()).await?.items {
            let found = at.reads::<Playlist>().get(&listed.entity.id, Visibility::Live).await?;
            if let Some(playlist) = found {
                let without = rebuilt(&playlist.entity, |fields| fields.videos.retain(|video| video != id));
                at.writes::<Playlist>().update(&without, None).await?;
            }
        }
        Ok(())
    }
}
