//! The videos, and what it means for all that hangs on one that it is deleted.

use async_trait::async_trait;
use tubeatlas_domain::{Channel, ChannelId, Entity, EntityKind, GraphOwner, Timestamp, Video, VideoId};
use tubeatlas_ports::{
    Error, Result, Revision, Stored, VideoFilter, VideoOrder, VideoPosition, VideoRepository,
};

use crate::draft::{Draft, encode};
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written, find, replace};
use crate::keys::{joined, text_key, time_key};
use crate::session::Session;
use crate::{channel, knowledge_graph, media_file, search, transcript};

pub(crate) const TABLE: Table = "videos";
/// Scope, date, id; the scope is a channel, or empty for all videos.
const BY_DATE: Table = "videos_by_date";
/// When each of those that are deleted was.
const DELETED: Table = "videos_deleted";
pub(crate) const TABLES: &[Table] = &[TABLE, BY_DATE, DELETED];

/// Begins the keys of the videos of a channel, or of all.
fn scope(channel: Option<&ChannelId>) -> Vec<u8> {
    text_key(&[channel.map_or("", ChannelId::as_str)])
}

/// Begins the keys, within a scope, of what has a date or what has none.
fn dated(is_dated: bool) -> [u8; 1] {
    [u8::from(!is_dated)]
}

fn date_key(scope: &[u8], published_at: Option<Timestamp>, id: &VideoId) -> Vec<u8> {
    let time = published_at.map(time_key);
    let time = time.as_ref().map_or(&[][..], |time| time);
    [scope, &dated(published_at.is_some()), time, &Video::key(id)].concat()
}

/// When the video was deleted, if it was; one that is not there was not.
pub(crate) fn deleted_at(draft: &Draft<'_>, id: &VideoId) -> Result<Option<Timestamp>> {
    draft.read(DELETED, &Video::key(id))
}

/// That something can be attached to the video: `MissingReference` if it is not there or deleted.
pub(crate) fn check_live<E: Entity>(draft: &Draft<'_>, entity: &E, id: &VideoId) -> Result<()> {
    let key = Video::key(id);
    if draft.has(TABLE, &key)? && !draft.has(DELETED, &key)? {
        return Ok(());
    }
    Err(Error::missing_reference(entity, EntityKind::Video, id))
}

/// Whether a video refers to the channel, be it a deleted one.
pub(crate) fn any_of_channel(draft: &Draft<'_>, id: &ChannelId) -> Result<bool> {
    draft.any(BY_DATE, scope(Some(id)))
}

impl Kept for Video {
    const TABLE: Table = TABLE;

    fn key(id: &VideoId) -> Vec<u8> {
        id.as_str().into()
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let id = &stored.entity.id;
        let mut rows = search::rows_of_video(&stored.entity);
        let scopes = [Some(scope(None)), stored.channel_id.as_ref().map(|channel| scope(Some(channel)))];
        for scope in scopes.iter().flatten() {
            rows.push((BY_DATE, date_key(scope, stored.published_at, id), Self::key(id)));
        }
        if let Some(deleted_at) = stored.deleted_at {
            rows.push((DELETED, Self::key(id), encode(&deleted_at)?));
        }
        Ok(rows)
    }

    fn walk(filter: &VideoFilter, order: VideoOrder, after: Option<&VideoPosition>) -> Walk {
        let scope = scope(filter.channel_id.as_ref());
        let behind = after.map(|after| date_key(&scope, after.published_at, &after.id));
        let spans = match order {
            VideoOrder::Id => {
                let after = after.map(|after| Self::key(&after.id));
                return Walk { table: TABLE, spans: vec![Span::prefix(Vec::new()).behind_if(after)] };
            }
            VideoOrder::Oldest => vec![Span::prefix(scope).behind_if(behind)],
            // The undated ones come last here too, so they are read backwards by themselves.
            VideoOrder::Newest => {
                let part = |is_dated| Span::prefix(joined(&scope, &dated(is_dated))).backwards();
                match after {
                    Some(after) if after.published_at.is_none() => vec![part(false).behind_if(behind)],
                    _ => vec![part(true).behind_if(behind), part(false)],
                }
            }
        };
        Walk { table: BY_DATE, spans }
    }

    fn takes_in(_: &Draft<'_>, filter: &VideoFilter, row: &Stored<Self>) -> Result<bool> {
        let VideoFilter { channel_id, published_from, published_before, visibility } = filter;
        let at = row.published_at;
        Ok(visibility.shows(row.deleted_at)
            && channel_id.as_ref().is_none_or(|wanted| row.channel_id.as_ref() == Some(wanted))
            && published_from.is_none_or(|from| at.is_some_and(|at| from <= at))
            && published_before.is_none_or(|before| at.is_some_and(|at| at < before)))
    }
}

impl Written for Video {
    fn check_references(&self, draft: &Draft<'_>) -> Result<()> {
        match &self.channel_id {
            Some(id) if !draft.has(channel::TABLE, &Channel::key(id))? => {
                Err(Error::missing_reference(self, EntityKind::Channel, id))
            }
            _ => Ok(()),
        }
    }

    fn remove(draft: &mut Draft<'_>, stored: &Stored<Self>, now: Timestamp) -> Result<()> {
        let revision = draft.next_revision()?;
        replace(draft, Some(stored), Some(&stored.deleted(now, revision)))
    }
}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        self.write(Ok(id.clone()), |draft, now, id| {
            let old = find::<Video>(draft, &id)?.ok_or_else(|| Error::not_found::<Video>(&id))?;
            if old.deleted_at.is_none() {
                return Ok(old);
            }
            let restored = old.restored(now, draft.next_revision()?);
            replace(draft, Some(&old), Some(&restored))?;
            Ok(restored)
        })
        .await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(id.clone()), move |draft, _, id| {
            let old = find::<Video>(draft, &id)?.ok_or_else(|| Error::not_found::<Video>(&id))?;
            old.check_revision(expected)?;
            for transcript in transcript::of_video(draft, &id)? {
                replace(draft, Some(&transcript), None)?;
            }
            for graph in knowledge_graph::of_owner(draft, &GraphOwner::Video(id.clone()))? {
                replace(draft, Some(&graph), None)?;
            }
            for file in media_file::of_video(draft, &id)? {
                replace(draft, Some(&file), None)?;
            }
            replace(draft, Some(&old), None)
        })
        .await
    }
}
