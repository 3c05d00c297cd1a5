//! The videos.

use std::sync::Arc;

use async_trait::async_trait;
use imbl::OrdSet;
use tubeatlas_domain::search::metadata_passages;
use tubeatlas_domain::{
    Channel, ChannelId, EntityKind, GraphOwner, KnowledgeGraph, MediaFile, Timestamp, Transcript, Video,
    VideoId,
};
use tubeatlas_ports::{
    Error, Result, Revision, Stored, VideoFilter, VideoOrder, VideoPosition, VideoRepository,
};

use crate::repository::{Kept, Rows, Written, find, put, restore, take};
use crate::search::DocumentKey;
use crate::session::Session;
use crate::state::{Groups, Stamp, State, Table, behind, between, rekey};

/// When a video was published, and its id. A key without an id is never stored: it is the bound before all
/// videos of its date.
type DateKey = (Option<Timestamp>, Option<Arc<VideoId>>);

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Videos {
    pub(crate) by_id: Table<Video>,
    by_date: OrdSet<DateKey>,
    pub(crate) by_channel: Groups<Arc<ChannelId>, Arc<VideoId>>,
    by_channel_and_date: Groups<Arc<ChannelId>, DateKey>,
}

impl Videos {
    /// When a video was deleted, if it was; something that hangs on it asks.
    pub(crate) fn deleted_at(&self, id: &VideoId) -> Option<Timestamp> {
        self.by_id.get(id).and_then(|video| video.deleted_at)
    }
}

/// Refuses an entity that hangs on a video that is not there or deleted.
pub(crate) fn check_video<E: Kept>(state: &State, entity: &E, id: &VideoId) -> Result<()> {
    match state.videos.by_id.get(id) {
        Some(video) if video.deleted_at.is_none() => Ok(()),
        _ => Err(Error::missing_reference(entity, EntityKind::Video, id)),
    }
}

/// Refuses an entity that refers to a channel that is not there.
pub(crate) fn check_channel<E: Kept>(state: &State, entity: &E, id: &ChannelId) -> Result<()> {
    match Channel::table(state).contains_key(id) {
        true => Ok(()),
        false => Err(Error::missing_reference(entity, EntityKind::Channel, id)),
    }
}

impl Kept for Video {
    fn table(state: &State) -> &Table<Self> {
        &state.videos.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.videos.by_id
    }

    fn reindex(state: &mut State, id: &Arc<VideoId>, old: Option<&Stored<Self>>, new: Option<&Stored<Self>>) {
        let videos = &mut state.videos;
        let date = |video: &Stored<Self>| (video.published_at, Some(id.clone()));
        rekey(&mut videos.by_date, old.map(date), new.map(date));
        let channel = |video: &Stored<Self>| video.channel_id.clone().map(Arc::new);
        let in_channel = |video: &Stored<Self>| Some((channel(video)?, id.clone()));
        videos.by_channel.rekey(old.and_then(in_channel), new.and_then(in_channel));
        let in_channel = |video: &Stored<Self>| Some((channel(video)?, date(video)));
        videos.by_channel_and_date.rekey(old.and_then(in_channel), new.and_then(in_channel));

        fn text(video: &Stored<Video>) -> (&str, Option<&str>) {
            (&video.title, video.description.as_deref())
        }
        if old.map(text) != new.map(text) {
            let passages = new.map(text).map(|(title, description)| metadata_passages(title, description));
            let key = DocumentKey { video_id: VideoId::clone(id), language: None };
            state.index.replace(key, passages.unwrap_or_default());
        }
    }

    fn deleted_at(_: &State, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.deleted_at
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a VideoFilter,
        order: VideoOrder,
        after: Option<VideoPosition>,
    ) -> Rows<'a, Self> {
        let VideoFilter { channel_id, published_from, published_before, visibility } = filter;
        let Videos { by_id, by_date, by_channel, by_channel_and_date } = &state.videos;
        let ids: Box<dyn Iterator<Item = &'a Arc<VideoId>> + 'a> = match order {
            VideoOrder::Newest | VideoOrder::Oldest => {
                let keys = match channel_id {
                    Some(channel) => by_channel_and_date.of(channel),
                    None => Some(by_date),
                };
                by_dates(keys, order == VideoOrder::Newest, *published_from, *published_before, after)
            }
            VideoOrder::Id => {
                let after = after.as_ref().map(|after| &after.id);
                match channel_id {
                    Some(channel) => Box::new(between(by_channel.of(channel), after, None)),
                    None => Box::new(by_id.range::<_, VideoId>(behind(after)).map(|(id, _)| id)),
                }
            }
        };
        let in_time = |video: &Video| {
            published_from.is_none_or(|from| video.published_at.is_some_and(|at| from <= at))
                && published_before.is_none_or(|before| video.published_at.is_some_and(|at| at < before))
        };
        let rows = ids.filter_map(|id| by_id.get(id));
        Box::new(rows.filter(move |row| visibility.shows(row.deleted_at) && in_time(row)))
    }
}

/// The ids of those published from one time until before another, by date. Without these times, those without
/// a date come last.
fn by_dates<'a>(
    keys: Option<&'a OrdSet<DateKey>>,
    newest_first: bool,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
    after: Option<VideoPosition>,
) -> Box<dyn Iterator<Item = &'a Arc<VideoId>> + 'a> {
    let start_of = |at: Timestamp| -> DateKey { (Some(at), None) };
    let after: Option<DateKey> = after.map(|after| (after.published_at, Some(Arc::new(after.id))));
    let first_dated = start_of(from.unwrap_or(Timestamp::MIN));
    let before_key = before.map(start_of);
    let with_undated = from.is_none() && before.is_none();
    let id_of = |(_, id): &'a DateKey| id.as_ref();
    if newest_first {
        let low = Some(&first_dated).filter(|_| !with_undated);
        let high = [before_key, after].into_iter().flatten().min();
        return Box::new(between(keys, low, high.as_ref()).rev().filter_map(id_of));
    }
    let in_dated = after.as_ref().is_none_or(|(at, _)| at.is_some());
    let low = after.as_ref().filter(|_| in_dated).map_or(&first_dated, |after| after.max(&first_dated));
    let dated = between(keys.filter(|_| in_dated), Some(low), before_key.as_ref());
    let low = after.as_ref().filter(|_| !in_dated);
    let undated = between(keys.filter(|_| with_undated), low, Some(&first_dated));
    Box::new(dated.chain(undated).filter_map(id_of))
}

impl Written for Video {
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
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        self.write(Ok(()), |state, stamp, ()| restore(state, stamp, id)).await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |state, _, ()| {
            let stored = find::<Video>(state, id)?;
            stored.check_revision(expected)?;
            let transcripts = state.transcripts.by_video.of(id).cloned();
            for id in transcripts.into_iter().flatten() {
                take(state, &*find::<Transcript>(state, &id)?);
            }
            let graphs = state.knowledge_graphs.by_owner.of(&GraphOwner::Video(id.clone())).cloned();
            for (_, id) in graphs.into_iter().flatten() {
                take(state, &*find::<KnowledgeGraph>(state, &id)?);
            }
            let files = state.media_files.by_video.of(id).cloned();
            for path in files.into_iter().flatten() {
                if let Some(file) = state.media_files.at(&path).cloned() {
                    take::<MediaFile>(state, &file);
                }
            }
            take(state, &*stored);
            Ok(())
        })
        .await
    }
}
