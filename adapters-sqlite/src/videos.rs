//! Videos.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use tubeatlas_domain::{ChannelId, EntityKind, Video, VideoFields, VideoId};
use tubeatlas_ports::{
    Result, Revision, Stored, VideoFilter, VideoOrder, VideoPosition, VideoRepository, Visibility,
};

use crate::columns::{RowName, json, number, optional_number, word};
use crate::error::Context;
use crate::metrics::Call;
use crate::passages;
use crate::schema::{knowledge_graphs, transcripts, videos};
use crate::session::{Session, WriteContext};
use crate::statement::{Bind, limited, sql, update};
use crate::table::{self, Loaded, References, Table, WritableTable};

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

/// What the indexes hold.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = videos, treat_none_as_null = true, treat_none_as_default_value = false)]
struct VideoPlace {
    channel_id: Option<String>,
    published_at: Option<i64>,
    deleted_at: Option<i64>,
}

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

type Query<'a> = videos::BoxedQuery<'a, diesel::sqlite::Sqlite>;

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

fn load_page(connection: &mut SqliteConnection, query: Query<'_>, limit: i64) -> Result<Vec<Stored<Video>>> {
    let query = query.select(VideoRow::as_select());
    let rows: Vec<VideoRow> = limited(query, limit).load(connection).doing("listing videos")?;
    rows.into_iter().map(VideoRow::into_stored).collect()
}

/// A page in an order by date: first those that have one, then those that have none. Two queries, because
/// each of them can be answered from an index in order, and one over both cannot.
fn page_by_date(
    connection: &mut SqliteConnection,
    filter: &VideoFilter,
    newest_first: bool,
    after: Option<VideoPosition>,
    limit: i64,
) -> Result<Vec<Stored<Video>>> {
    let mut rows = Vec::new();
    let (after_date, after_id) = match after {
        None => (None, None),
        Some(VideoPosition { published_at, id }) => (published_at, Some(String::from(id))),
    };
    if after_id.is_none() || after_date.is_some() {
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
        rows = load_page(connection, dated, limit)?;
    }
    let left = limit - i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if left > 0 {
        let mut undated = filtered(filter).filter(videos::published_at.is_null());
        undated =
            if newest_first { undated.order(videos::id.desc()) } else { undated.order(videos::id.asc()) };
        if let (None, Some(id)) = (after_date, after_id) {
            undated = if newest_first {
                undated.filter(videos::id.lt(id))
            } else {
                undated.filter(videos::id.gt(id))
            };
        }
        rows.extend(load_page(connection, undated, left)?);
    }
    Ok(rows)
}

impl Table for Video {
    fn load(connection: &mut SqliteConnection, id: &VideoId) -> Result<Option<Loaded<Self>>> {
        let row: Option<VideoRow> = videos::table
            .find(id.as_str())
            .select(VideoRow::as_select())
            .get_result(connection)
            .optional()
            .doing("reading a video")?;
        row.map(VideoRow::into_loaded).transpose()
    }

    fn load_many(connection: &mut SqliteConnection, ids: &[VideoId]) -> Result<Vec<Loaded<Self>>> {
        // One parameter for any number of ids.
        let among = "videos.id IN (SELECT value FROM json_each(?1))";
        let query = videos::table.filter(sql::<Bool>(among, vec![Bind::Text(Some(json(&ids)?))]));
        let rows = query.select(VideoRow::as_select()).load_iter(connection).doing("reading videos")?;
        // Row by row: many of them are much to move twice.
        let mut loaded = Vec::with_capacity(ids.len());
        for row in rows {
            let row: VideoRow = row.doing("reading videos")?;
            loaded.push(row.into_loaded()?);
        }
        Ok(loaded)
    }

    fn page(
        connection: &mut SqliteConnection,
        filter: &VideoFilter,
        order: VideoOrder,
        after: Option<VideoPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        match order {
            VideoOrder::Newest => page_by_date(connection, filter, true, after, limit),
            VideoOrder::Oldest => page_by_date(connection, filter, false, after, limit),
            VideoOrder::Id => {
                let mut query = filtered(filter).order(videos::id.asc());
                if let Some(VideoPosition { published_at: _, id }) = after {
                    query = query.filter(videos::id.gt(String::from(id)));
                }
                load_page(connection, query, limit)
            }
        }
    }

    fn count(connection: &mut SqliteConnection, filter: &VideoFilter) -> Result<i64> {
        filtered(filter).count().get_result(connection).doing("counting videos")
    }
}

impl WritableTable for Video {
    fn references(&self, connection: &mut SqliteConnection) -> Result<References> {
        crate::channels::reference(connection, self.channel_id.as_ref())
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = VideoRow::new(new)?;
        diesel::insert_into(videos::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a video")?;
        passages::insert_metadata(context, &new.entity)
    }

    fn replace(context: &mut WriteContext<'_>, old: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let VideoRow { id, place, content, created_at: _ } = VideoRow::new(new)?;
        let doing = "changing a video";
        let which = videos::id.eq(id);
        // An index whose columns are named in an update is written, whether they change or not.
        let indexed = |it: &Stored<Video>| (it.channel_id.clone(), it.published_at, it.deleted_at);
        if indexed(old) == indexed(new) {
            update(videos::table, content, which).execute(context.connection).doing(doing)?;
        } else {
            update(videos::table, (place, content), which).execute(context.connection).doing(doing)?;
        }
        if (&old.title, &old.description) == (&new.title, &new.description) {
            return Ok(());
        }
        passages::remove(context, &new.entity.id, None)?;
        passages::insert_metadata(context, &new.entity)
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        let deleted = old.deleted(context.now, context.next_revision()?);
        Self::replace(context, old, &deleted)
    }
}

#[async_trait]
impl VideoRepository for Session {
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>> {
        let id = id.clone();
        self.write(Call("restore", EntityKind::Video), move |context| table::restore(context, &id)).await
    }

    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write(Call("purge", EntityKind::Video), move |context| {
            table::load_stored::<Video>(context, &id)?.check_revision(expected)?;
            purge(context, &id)
        })
        .await
    }
}

/// Removes a video and all that hangs on it, leaves first.
fn purge(context: &mut WriteContext<'_>, id: &VideoId) -> Result<()> {
    let key = id.as_str();
    passages::remove_all(context, id)?;
    let connection = &mut *context.connection;
    let doing = "purging a video";
    diesel::delete(transcripts::table.filter(transcripts::video_id.eq(key)))
        .execute(connection)
        .doing(doing)?;
    diesel::delete(knowledge_graphs::table.filter(knowledge_graphs::video_id.eq(key)))
        .execute(connection)
        .doing(doing)?;
    crate::media_files::remove_of_video(connection, id)?;
    diesel::delete(videos::table.find(key)).execute(connection).doing(doing).map(drop)
}

/// Whether the video is there, and not deleted.
pub(crate) fn reference(connection: &mut SqliteConnection, id: &VideoId) -> Result<References> {
    let deleted_at: Option<Option<i64>> = videos::table
        .find(id.as_str())
        .select(videos::deleted_at)
        .get_result(connection)
        .optional()
        .doing("looking for a video")?;
    Ok(match deleted_at {
        Some(None) => References::Fine,
        Some(Some(_)) => References::OfDeletedVideo(id.to_string()),
        None => References::Missing(EntityKind::Video, id.to_string()),
    })
}
