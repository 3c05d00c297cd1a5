//! The playlists.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use imbl::OrdSet;
use tubeatlas_domain::{ChannelId, Playlist, PlaylistId, Timestamp, VideoId};
use tubeatlas_ports::{
    PlaylistFilter, PlaylistOrder, PlaylistPosition, PlaylistRepository, Result, Revision, Stored,
};

use crate::repository::{Kept, Rows, Written, find, put, restore, take};
use crate::session::Session;
use crate::state::{Groups, Stamp, State, Table, behind, between, rekey};
use crate::videos::check_channel;

type TitleKey = (Arc<str>, Arc<PlaylistId>);

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Playlists {
    pub(crate) by_id: Table<Playlist>,
    by_title: OrdSet<TitleKey>,
    pub(crate) by_channel: Groups<Arc<ChannelId>, TitleKey>,
    by_video: Groups<VideoId, TitleKey>,
}

fn title_key(playlist: &Playlist, id: &Arc<PlaylistId>) -> TitleKey {
    (playlist.title.as_str().into(), id.clone())
}

/// The videos that it holds, each once.
fn videos_of(playlist: Option<&Stored<Playlist>>) -> BTreeSet<&VideoId> {
    playlist.into_iter().flat_map(|playlist| &playlist.videos).collect()
}

impl Kept for Playlist {
    fn table(state: &State) -> &Table<Self> {
        &state.playlists.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.playlists.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<PlaylistId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let playlists = &mut state.playlists;
        let key = |playlist: &Stored<Self>| title_key(playlist, id);
        rekey(&mut playlists.by_title, old.map(key), new.map(key));
        let in_channel =
            |playlist: &Stored<Self>| Some((playlist.channel_id.clone().map(Arc::new)?, key(playlist)));
        playlists.by_channel.rekey(old.and_then(in_channel), new.and_then(in_channel));
        let (old_videos, new_videos) = (videos_of(old), videos_of(new));
        let same_key = old.map(key) == new.map(key);
        if let Some(old) = old {
            for video in old_videos.iter().filter(|video| !same_key || !new_videos.contains(*video)) {
                playlists.by_video.remove(*video, &key(old));
            }
        }
        if let Some(new) = new {
            for video in new_videos.iter().filter(|video| !same_key || !old_videos.contains(*video)) {
                playlists.by_video.insert(VideoId::clone(video), key(new));
            }
        }
    }

    fn deleted_at(_: &State, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.deleted_at
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a PlaylistFilter,
        order: PlaylistOrder,
        after: Option<PlaylistPosition>,
    ) -> Rows<'a, Self> {
        let PlaylistFilter { channel_id, video_id, visibility } = filter;
        let Playlists { by_id, by_title, by_channel, by_video } = &state.playlists;
        let rows: Rows<'a, Self> = match order {
            PlaylistOrder::Title => {
                let keys = match (video_id, channel_id) {
                    (Some(video), _) => by_video.of(video),
                    (None, Some(channel)) => by_channel.of(channel),
                    (None, None) => Some(by_title),
                };
                let after: Option<TitleKey> = after.map(|after| (after.title.into(), Arc::new(after.id)));
                Box::new(between(keys, after.as_ref(), None).filter_map(|(_, id)| by_id.get(id)))
            }
            PlaylistOrder::Id => {
                let rows = by_id.range::<_, PlaylistId>(behind(after.as_ref().map(|after| &after.id)));
                Box::new(rows.map(|(_, row)| row))
            }
        };
        Box::new(rows.filter(move |row| {
            visibility.shows(row.deleted_at)
                && channel_id.as_ref().is_none_or(|wanted| row.channel_id.as_ref() == Some(wanted))
                && video_id.as_ref().is_none_or(|wanted| row.videos.contains(wanted))
        }))
    }
}

impl Written for Playlist {
    fn check_references(&self, state: &State) -> Result<()> {
        self.channel_id.as_ref().map_or(Ok(()), |channel| check_channel(state, self, channel))
    }

    fn delete(state: &mut State, stamp: &Stamp<'_>, stored: &Stored<Self>) -> Result<()> {
        let revision = state.next_revision()?;
        put(state, stored.deleted(stamp.now, revision));
        Ok(())
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        self.write(Ok(()), |state, stamp, ()| restore(state, stamp, id)).await
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |state, _, ()| {
            let stored = find::<Playlist>(state, id)?;
            stored.check_revision(expected)?;
            take(state, &*stored);
            Ok(())
        })
        .await
    }
}
