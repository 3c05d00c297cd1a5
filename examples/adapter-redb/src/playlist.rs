//! The playlists.

use async_trait::async_trait;
use std::collections::BTreeSet;
use tubeatlas_domain::{ChannelId, EntityKind, Playlist, PlaylistId, PlaylistSummary, Timestamp};
use tubeatlas_ports::{
    Error, PlaylistFilter, PlaylistOrder, PlaylistPosition, PlaylistRepository, Result, Revision, Stored,
};

use crate::channel;
use crate::draft::{Draft, encode};
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written, find, replace, restore};
use crate::keys::{joined, text_key};
use crate::session::Session;

const TABLE: Table = "playlists";
/// Those without their videos.
const LISTED: Table = "playlist_summaries";
/// Kind of scope, scope, title, id; the scope is a channel, a video, or empty for all.
const BY_TITLE: Table = "playlists_by_title";
/// The same without the title.
const BY_ID: Table = "playlists_by_id";
pub(crate) const TABLES: &[Table] = &[TABLE, LISTED, BY_TITLE, BY_ID];

/// Begins the keys of all playlists, those of a channel, or those with a video.
fn scope(kind: &str, id: &str) -> Vec<u8> {
    text_key(&[kind, id])
}

/// Whether a channel has any, deleted ones too.
pub(crate) fn any_of_channel(draft: &Draft<'_>, id: &ChannelId) -> Result<bool> {
    draft.any(BY_ID, scope("channel", id.as_str()))
}

fn title_key(scope: &[u8], title: &str, id: &PlaylistId) -> Vec<u8> {
    joined(&joined(scope, &text_key(&[title])), id.as_str().as_bytes())
}

impl Kept for Playlist {
    const TABLE: Table = TABLE;
    const LISTED: Table = LISTED;

    fn key(id: &PlaylistId) -> Vec<u8> {
        id.as_str().into()
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let (id, key) = (&stored.entity.id, Self::key(&stored.entity.id));
        let mut scopes = BTreeSet::from([scope("", "")]);
        scopes.extend(stored.channel_id.iter().map(|channel| scope("channel", channel.as_str())));
        scopes.extend(stored.videos.iter().map(|video| scope("video", video.as_str())));
        let mut rows = vec![(LISTED, key.clone(), encode(&stored.listed())?)];
        for scope in scopes {
            rows.push((BY_TITLE, title_key(&scope, &stored.title, id), key.clone()));
            rows.push((BY_ID, joined(&scope, &key), key.clone()));
        }
        Ok(rows)
    }

    fn walk(filter: &PlaylistFilter, order: PlaylistOrder, after: Option<&PlaylistPosition>) -> Walk {
        let scope = match (&filter.video_id, &filter.channel_id) {
            (Some(video), _) => scope("video", video.as_str()),
            (None, Some(channel)) => scope("channel", channel.as_str()),
            (None, None) => scope("", ""),
        };
        let (table, after) = match order {
            PlaylistOrder::Title => (BY_TITLE, after.map(|after| title_key(&scope, &after.title, &after.id))),
            PlaylistOrder::Id => (BY_ID, after.map(|after| joined(&scope, &Self::key(&after.id)))),
        };
        Walk { table, spans: vec![Span::prefix(scope).behind_if(after)] }
    }

    fn takes_in(_: &Draft<'_>, filter: &PlaylistFilter, row: &Stored<PlaylistSummary>) -> Result<bool> {
        // The walk has only those with the video.
        let PlaylistFilter { channel_id, video_id: _, visibility } = filter;
        Ok(channel_id.as_ref().is_none_or(|wanted| row.channel_id.as_ref() == Some(wanted))
            && visibility.shows(row.deleted_at))
    }
}

impl Written for Playlist {
    fn check_references(&self, draft: &Draft<'_>) -> Result<()> {
        match &self.channel_id {
            Some(id) if !draft.has(channel::TABLE, id.as_str().as_bytes())? => {
                Err(Error::missing_reference(self, EntityKind::Channel, id))
            }
            _ => Ok(()),
        }
    }

    fn remove(draft: &mut Draft<'_>, stored: &Stored<Self>, now: Timestamp) -> Result<()> {
        let deleted = stored.deleted(now, draft.next_revision()?);
        replace(draft, Some(stored), Some(&deleted))
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        self.write(Ok(id.clone()), |draft, now, id| restore(draft, now, &id)).await
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(id.clone()), move |draft, _, id| {
            let playlist = find::<Playlist>(draft, &id)?.ok_or_else(|| Error::not_found::<Playlist>(&id))?;
            playlist.check_revision(expected)?;
            replace(draft, Some(&playlist), None)
        })
        .await
    }
}
