//! Videos.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use tubeatlas_domain::{ChannelId, EntityKind, Video, VideoFields, VideoId};
use tubeatlas_ports::{
    Result, Revision, Stored, VideoFilter, VideoOrder, VideoPosition, VideoRepository, Visibility,
};

use crate::columns::{RowName, json, number, optional_number, word};
use crate::error::Context;
use crate::passages;
use crate::schema::{knowledge_graphs, media_files, transcripts, videos};
use crate::session::{Session, Statement, changes};
use crate::statement::{InTurn, row_of_columns, update};
use crate::table::{self, Loaded, References, Table, WritableTable, insert_rows};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = videos)]
struct VideoRow {
    id: String,
    created_at: i64,
    #[diesel(embed)]
    place: VideoPlace,
    #[diesel(embed)]
    content: VideoContent,
}

row_of_columns!(VideoRow: id, created_at, place, content);

/// What the indexes hold.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = videos, treat_none_as_null = true, treat_none_as_default_value = false)]
struct VideoPlace {
    channel_id: Option<String>,
    published_at: Option<i64>,
    deleted_at: Option<i64>,
}

row_of_columns!(VideoPlace: channel_id, published_at, deleted_at);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = videos, treat_none_as_null = true, treat_none_as_default_value = false)]
struct VideoContent {
    title: String,
    url: Option<String>,
    duration_ms: Option<i64>,
    view_count: Option<i64>,
    like_count: Option<i64>,
    dislike_count: Option<i64>,
    comment_count: Option<i64>,
    category_id: Option<String>,
    category_name: Option<String>,
    thumbnail_url: Option<String>,
    live_status: Option<String>,
    availability: Option<String>,
    updated_at: i64,
    revision: i64,
    tags: String,
    chapters: String,
    extra: String,
    description: Option<String>,
}

row_of_columns!(
    VideoContent:
    title, url, duration_ms, view_count, like_count, dislike_count, comment_count, category_id,
    category_name, thumbnail_url, live_status, availability, updated_at, revision, tags, chapters, extra,
    description,
);

impl VideoRow {
    fn new(stored: &Stored<Video>) -> Result<Self> {
        let video = stored.entity.clone().into_fields();
        Ok(Self {
            id: video.id.into(),
            created_at: stored.created_at.unix_micros(),
            place: VideoPlace {
                channel_id: video.channel_id.map(String::from),
                published_at: video.published_at.map(|at| at.unix_micros()),
                deleted_at: stored.deleted_at.map(|at| at.unix_micros()),
            },
            content: VideoContent {
                title: video.title,
                url: video.url,
                duration_ms: optional_number(video.duration_ms)?,
                view_count: optional_number(video.view_count)?,
                like_count: optional_number(video.like_count)?,
                dislike_count: optional_number(video.dislike_count)?,
                comment_count: optional_number(video.comment_count)?,
                category_id: video.category_id,
                category_name: video.category_name,
                thumbnail_url: video.thumbnail_url,
                live_status: video.live_status.map(|status| word(&status)).transpose()?,
                availability: video.availability.map(|availability| word(&availability)).transpose()?,
                updated_at: stored.updated_at.unix_micros(),
                revision: number(stored.revision.get())?,
                tags: json(&video.tags)?,
                chapters: json(&video.chapters)?,
                extra: json(&video.extra)?,
                description: video.description,
            },
        })
    }

    fn into_loaded(self) -> Result<Loaded<Video>> {
        let stored = self.into_stored()?;
        Ok(Loaded { hidden_since: stored.deleted_at, stored })
    }

    fn into_stored(self) -> Result<Stored<Video>> {
        let key = self.id.clone();
        let row = RowName { table: "videos", key: &key };
        let (place, content) = (self.place, self.content);
        let video = row.check(Video::new(VideoFields {
            id: row.check(VideoId::parse(self.id))?,
            channel_id: row.check(place.channel_id.map(ChannelId::parse).transpose())?,
            title: content.title,
            description: content.description,
            url: content.url,
            published_at: row.optional_time(place.published_at)?,
            duration_ms: row.optional_number(content.duration_ms)?,
            view_count: row.optional_number(content.view_count)?,
            like_count: row.optional_number(content.like_count)?,
            dislike_count: row.optional_number(content.dislike_count)?,
            comment_count: row.optional_number(content.comment_count)?,
            category_id: content.category_id,
            category_name: content.category_name,
            tags: row.json(&content.tags)?,
            thumbnail_url: content.thumbnail_url,
            live_status: content.live_status.map(|status| row.word(&status)).transpose()?,
            availability: content.availability.map(|availability| row.word(&availability)).transpose()?,
            chapters: row.json(&content.chapters)?,
            extra: row.json(&content.extra)?,
        }))?;
        row.stored(video, self.created_at, content.updated_at, content.revision, place.deleted_at)
    }
}

type Query<'a> = videos::BoxedQuery<'a, diesel::pg::Pg>;

/// The videos that a filter takes in.
fn filtered(filter: &VideoFilter) -> Query<'_> {
    let VideoFilter { channel_id, published_from, published_before, visibility } = filter;
    let mut query = videos::table.into_boxed();
    if let Some(channel_id) = channel_id {
        query = query.filter(videos::channel_id.eq(channel_id.as_str()));
    }
    if let Some(from) = published_from {
        query = query.filter(videos::published_at.ge(from.unix_micros()));
    }
    if let Some(before) = published_before {
        query = query.filter(videos::published_at.lt(before.unix_micros()));
    }
    match visibility {
        Visibility::Live => query.filter(videos::deleted_at.is_null()),
        Visibility::WithDeleted => query,
        Visibility::OnlyDeleted => query.filter(videos::deleted_at.is_not_null()),
    }
}

async fn load_page(
    mut connection: &AsyncPgConnection,
    query: Query<'_>,
    limit: i64,
) -> Result<Vec<Stored<Video>>> {
    let query = query.select(VideoRow::as_select());
    let rows: Vec<VideoRow> = query.limit(limit).load(&mut connection).await.doing("listing videos")?;
    rows.into_iter().map(VideoRow::into_stored).collect()
}

/// A page in an order by date: first those that have one, then those that have none. Two queries in one statement,
/// because each of them can be answered from an index in order, and one over both cannot.
async fn page_by_date(
    mut connection: &AsyncPgConnection,
    filter: &VideoFilter,
    newest_first: bool,
    after: Option<VideoPosition>,
    limit: i64,
) -> Result<Vec<Stored<Video>>> {
    let (after_date, after_id) = match after {
        None => (None, None),
        Some(VideoPosition { published_at, id }) => (published_at, Some(String::from(id))),
    };
    let dated = (after_id.is_none() || after_date.is_some()).then(|| {
        let mut dated = filtered(filter).filter(videos::published_at.is_not_null());
        dated = if newest_first {
            dated.order((videos::published_at.desc(), videos::id.desc()))
        } else {
            dated.order((videos::published_at.asc(), videos::id.asc()))
        };
        if let (Some(date), Some(id)) = (after_date, after_id.clone()) {
            let date = date.unix_micros();
            // The first filter of each is what the index is searched by.
            dated = if newest_first {
                dated
                    .filter(videos::published_at.le(date))
                    .filter(videos::published_at.lt(date).or(videos::id.nullable().lt(id)))
            } else {
                dated
                    .filter(videos::published_at.ge(date))
                    .filter(videos::published_at.gt(date).or(videos::id.nullable().gt(id)))
            };
        }
        dated
    });
    let mut undated = filtered(filter).filter(videos::published_at.is_null());
    // All have the same date, none; but Postgres takes the order from an index only if the date is named.
    undated = if newest_first {
        undated.order((videos::published_at.desc(), videos::id.desc()))
    } else {
        undated.order((videos::published_at.asc(), videos::id.asc()))
    };
    if let (None, Some(id)) = (after_date, after_id) {
        undated =
            if newest_first { undated.filter(videos::id.lt(id)) } else { undated.filter(videos::id.gt(id)) };
    }
    let Some(dated) = dated else { return load_page(connection, undated, limit).await };
    let (dated, undated) = (dated.select(VideoRow::as_select()), undated.select(VideoRow::as_select()));
    let page = InTurn { first: dated.limit(limit), then: undated.limit(limit), limit };
    let rows: Vec<VideoRow> = page.load(&mut connection).await.doing("listing videos")?;
    rows.into_iter().map(VideoRow::into_stored).collect()
}

#[async_trait]
impl Table for Video {
    async fn load_many(mut connection: &AsyncPgConnection, ids: &[VideoId]) -> Result<Vec<Loaded<Self>>> {
        let rows: Vec<VideoRow> = videos::table
            .filter(videos::id.eq_any(ids.iter().map(VideoId::as_str)))
            .select(VideoRow::as_select())
            .load(&mut connection)
            .await
            .doing("reading videos")?;
        rows.into_iter().map(VideoRow::into_loaded).collect()
    }

    async fn load_one(mut connection: &AsyncPgConnection, id: &VideoId) -> Result<Option<Loaded<Self>>> {
        let query = videos::table.find(id.as_str()).select(VideoRow::as_select());
        let row = query.get_result(&mut connection).await.optional().doing("reading a video")?;
        row.map(VideoRow::into_loaded).transpose()
    }

    async fn page(
        connection: &AsyncPgConnection,
        filter: &VideoFilter,
        order: VideoOrder,
        after: Option<VideoPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        match order {
            VideoOrder::Newest => page_by_date(connection, filter, true, after, limit).await,
            VideoOrder::Oldest => page_by_date(connection, filter, false, after, limit).await,
            VideoOrder::Id => {
                let mut query = filtered(filter).order(videos::id.asc());
                if let Some(VideoPosition { published_at: _, id }) = after {
                    query = query.filter(videos::id.gt(String::from(id)));
                }
                load_page(connection, query, limit).await
            }
        }
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &VideoFilter) -> Result<i64> {
        filtered(filter).count().get_result(&mut connection).await.doing("counting videos")
    }
}

#[async_trait]
impl WritableTable for Video {
    async fn references(connection: &AsyncPgConnection, videos: &[Self]) -> Result<Vec<References>> {
        let ids: Vec<_> = videos.iter().map(|video| video.channel_id.as_ref()).collect();
        crate::channels::references_to(connection, &ids).await
    }

    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(VideoRow::new).collect::<Result<Vec<_>>>()?;
        let texts = new.iter().map(|video| passages::Text::of_video(&video.entity));
        let mut statements = vec![insert_rows!(connection, videos, rows, "creating videos")];
        statements.extend(passages::insert(connection, texts));
        Ok(statements)
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let VideoRow { id, place, content, created_at: _ } = VideoRow::new(new)?;
        let which = videos::id.eq(id);
        // An index whose columns are named in an update is written, whether they change or not.
        let indexed = |it: &Stored<Video>| (it.channel_id.clone(), it.published_at, it.deleted_at);
        let change = if indexed(old) == indexed(new) {
            update(videos::table, content, which).execute(&mut connection)
        } else {
            update(videos::table, (place, content), which).execute(&mut connection)
        };
        let mut statements = vec![changes(change, "changing a video")];
        if (&old.title, &old.description) != (&new.title, &new.description) {
            statements.extend(passages::replace(connection, passages::Text::of_video(&new.entity)));
        }
        Ok(statements)
    }

    fn remove<'c>(
        connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        deleted: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        Self::replace(connection, old, deleted)
    }
}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        let id = id.clone();
        self.write(move |transaction| async move { table::restore(transaction, &id).await }.boxed()).await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write(move |transaction| {
            async move {
                table::load_stored::<Video>(transaction, &id).await?.check_revision(expected)?;
                transaction.write_last(|connection| Ok(purge(connection, &id))).await
            }
            .boxed()
        })
        .await
    }
}

/// What removes a video and all that hangs on it, leaves first. (The words of media files go with these.)
fn purge<'c>(mut connection: &'c AsyncPgConnection, id: &VideoId) -> Vec<Statement<'c>> {
    let (key, doing) = (id.as_str(), "purging a video");
    let of_video = transcripts::table.filter(transcripts::video_id.eq(key));
    let transcripts = diesel::delete(of_video).execute(&mut connection);
    let of_video = knowledge_graphs::table.filter(knowledge_graphs::video_id.eq(key));
    let graphs = diesel::delete(of_video).execute(&mut connection);
    let of_video = media_files::table.filter(media_files::video_id.eq(key));
    let files = diesel::delete(of_video).execute(&mut connection);
    let video = diesel::delete(videos::table.find(key)).execute(&mut connection);
    let rows = [transcripts, graphs, files, video].map(|delete| changes(delete, doing));
    std::iter::once(passages::remove_all(connection, id)).chain(rows).collect()
}

/// What becomes of the references to these videos; one statement.
pub(crate) async fn references_to(
    mut connection: &AsyncPgConnection,
    ids: &[Option<&VideoId>],
) -> Result<Vec<References>> {
    let wanted: Vec<&str> = ids.iter().flatten().map(|id| id.as_str()).collect();
    if wanted.is_empty() {
        return Ok(vec![References::Fine; ids.len()]);
    }
    let columns = (videos::id, videos::deleted_at);
    let found = match *wanted {
        [id] => videos::table.find(id).select(columns).load(&mut connection),
        _ => videos::table.filter(videos::id.eq_any(wanted)).select(columns).load(&mut connection),
    };
    let found: Vec<(String, Option<i64>)> = found.await.doing("looking for videos")?;
    let found: HashMap<&str, Option<i64>> = found.iter().map(|(id, at)| (id.as_str(), *at)).collect();
    let reference = |id: &Option<&VideoId>| match id {
        None => References::Fine,
        Some(id) => match found.get(id.as_str()) {
            Some(None) => References::Fine,
            Some(Some(_)) => References::OfDeletedVideo(id.to_string()),
            None => References::Missing(EntityKind::Video, id.to_string()),
        },
    };
    Ok(ids.iter().map(reference).collect())
}
