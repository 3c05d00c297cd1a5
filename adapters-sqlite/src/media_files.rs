//! Media files.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use tubeatlas_domain::search::tokens;
use tubeatlas_domain::{EntityKind, FrameRate, MediaFile, MediaFileFields, MediaFileId, VideoId};
use tubeatlas_ports::{
    Error, MediaFileFilter, MediaFileOrder, MediaFilePosition, MediaFileRepository, Result, Stored,
    Visibility,
};

use crate::columns::{RowName, json, number, optional_number, small_number};
use crate::error::Context;
use crate::metrics::Call;
use crate::pool::Length;
use crate::schema::{media_file_words, media_files, videos};
use crate::session::{Session, WriteContext};
use crate::statement::{Bind, limited, sql, update};
use crate::table::{Loaded, References, Table, WritableTable};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = media_files, treat_none_as_null = true, treat_none_as_default_value = false)]
struct MediaFileRow {
    id: Vec<u8>,
    video_id: String,
    path: String,
    file_name: String,
    size_bytes: Option<i64>,
    frame_rate_numerator: Option<i32>,
    frame_rate_denominator: Option<i32>,
    frame_count: Option<i64>,
    width: Option<i32>,
    height: Option<i32>,
    video_codec: Option<String>,
    audio_codec: Option<String>,
    thumbnail_path: Option<String>,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

impl MediaFileRow {
    fn new(stored: &Stored<MediaFile>) -> Result<Self> {
        let file = stored.entity.clone().into_fields();
        let rate = file.frame_rate;
        Ok(Self {
            id: key(file.id),
            video_id: file.video_id.into(),
            path: file.path,
            file_name: file.file_name,
            size_bytes: optional_number(file.size_bytes)?,
            frame_rate_numerator: rate.map(|rate| small_number(rate.numerator())).transpose()?,
            frame_rate_denominator: rate.map(|rate| small_number(rate.denominator())).transpose()?,
            frame_count: optional_number(file.frame_count)?,
            width: file.width.map(small_number).transpose()?,
            height: file.height.map(small_number).transpose()?,
            video_codec: file.video_codec,
            audio_codec: file.audio_codec,
            thumbnail_path: file.thumbnail_path,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            revision: number(stored.revision.get())?,
        })
    }

    fn into_stored(self) -> Result<Stored<MediaFile>> {
        let name = self.path.clone();
        let row = RowName { table: "media_files", key: &name };
        let numerator = row.small_number(self.frame_rate_numerator)?;
        let denominator = row.small_number(self.frame_rate_denominator)?;
        let rate = numerator.zip(denominator).map(|(n, d)| FrameRate::new(n, d)).transpose();
        let file = row.check(MediaFile::new(MediaFileFields {
            id: MediaFileId::new(row.uuid(&self.id)?),
            video_id: row.check(VideoId::parse(self.video_id))?,
            path: self.path,
            file_name: self.file_name,
            size_bytes: row.optional_number(self.size_bytes)?,
            frame_rate: row.check(rate)?,
            frame_count: row.optional_number(self.frame_count)?,
            width: row.small_number(self.width)?,
            height: row.small_number(self.height)?,
            video_codec: self.video_codec,
            audio_codec: self.audio_codec,
            thumbnail_path: self.thumbnail_path,
        }))?;
        row.stored(file, self.created_at, self.updated_at, self.revision, None)
    }
}

fn key(id: MediaFileId) -> Vec<u8> {
    id.get().as_bytes().to_vec()
}

fn loaded(found: (MediaFileRow, Option<i64>)) -> Result<Loaded<MediaFile>> {
    let (row, deleted_at) = found;
    let stored = row.into_stored()?;
    let hidden_since = RowName { table: "videos", key: &stored.video_id }.optional_time(deleted_at)?;
    Ok(Loaded { stored, hidden_since })
}

pub(crate) fn words(text: &str) -> BTreeSet<String> {
    tokens(text).into_iter().map(|token| token.text.into_owned()).collect()
}

/// [`MediaFileFilter`] over files joined with their videos.
macro_rules! filtered {
    ($filter:expr) => {{
        let MediaFileFilter { video_id, words: text, visibility } = $filter;
        let mut query = media_files::table.inner_join(videos::table).into_boxed();
        if let Some(video_id) = video_id {
            query = query.filter(media_files::video_id.eq(video_id.as_str()));
        }
        if let Some(text) = text {
            let words = words(text);
            if words.is_empty() {
                query = query.filter(media_files::path.eq("")); // no file has an empty path
            }
            // One condition for any number of words, of which a path may have a thousand.
            let count = i64::try_from(words.len()).unwrap_or(i64::MAX);
            query = query.filter(sql::<Bool>(
                "media_files.id IN (SELECT media_file_id FROM media_file_words
                 WHERE word IN (SELECT value FROM json_each(?1))
                 GROUP BY media_file_id HAVING count(*) = ?2)",
                vec![Bind::Text(Some(json(&words)?)), Bind::Integer(Some(count))],
            ));
        }
        match visibility {
            Visibility::Live => query.filter(videos::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(videos::deleted_at.is_not_null()),
        }
    }};
}

impl Table for MediaFile {
    fn load(connection: &mut SqliteConnection, id: &MediaFileId) -> Result<Option<Loaded<Self>>> {
        let found = media_files::table
            .inner_join(videos::table)
            .filter(media_files::id.eq(key(*id)))
            .select((MediaFileRow::as_select(), videos::deleted_at))
            .get_result(connection)
            .optional()
            .doing("reading a media file")?;
        found.map(loaded).transpose()
    }

    fn page(
        connection: &mut SqliteConnection,
        filter: &MediaFileFilter,
        order: MediaFileOrder,
        after: Option<MediaFilePosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        let mut query = match order {
            MediaFileOrder::Path => filtered!(filter).order(media_files::path),
        };
        if let Some(MediaFilePosition { path }) = after {
            query = query.filter(media_files::path.gt(path));
        }
        let rows: Vec<MediaFileRow> = limited(query.select(MediaFileRow::as_select()), limit)
            .load(connection)
            .doing("listing media files")?;
        rows.into_iter().map(MediaFileRow::into_stored).collect()
    }

    fn count(connection: &mut SqliteConnection, filter: &MediaFileFilter) -> Result<i64> {
        filtered!(filter).count().get_result(connection).doing("counting media files")
    }
}

pub(crate) fn insert_words(connection: &mut SqliteConnection, file: &MediaFile) -> Result<()> {
    let id = key(file.id);
    for word in words(&file.path) {
        diesel::insert_into(media_file_words::table)
            .values((media_file_words::word.eq(word), media_file_words::media_file_id.eq(&id)))
            .execute(connection)
            .doing("indexing a media file's path")?;
    }
    Ok(())
}

fn remove_words(connection: &mut SqliteConnection, id: MediaFileId) -> Result<()> {
    diesel::delete(media_file_words::table.filter(media_file_words::media_file_id.eq(key(id))))
        .execute(connection)
        .doing("removing a media file's path from the index")
        .map(drop)
}

/// Removes the media files of a video.
pub(crate) fn remove_of_video(connection: &mut SqliteConnection, id: &VideoId) -> Result<()> {
    let of_video = media_files::table.filter(media_files::video_id.eq(id.as_str()));
    let ids = of_video.select(media_files::id);
    diesel::delete(media_file_words::table.filter(media_file_words::media_file_id.eq_any(ids)))
        .execute(connection)
        .doing("removing a video's media files from the index")?;
    diesel::delete(of_video).execute(connection).doing("removing a video's media files").map(drop)
}

impl WritableTable for MediaFile {
    fn references(&self, connection: &mut SqliteConnection) -> Result<References> {
        crate::videos::reference(connection, &self.video_id)
    }

    fn check_unique(&self, connection: &mut SqliteConnection) -> Result<()> {
        let other: Option<Vec<u8>> = media_files::table
            .filter(media_files::path.eq(&self.path))
            .select(media_files::id)
            .get_result(connection)
            .optional()
            .doing("looking for a media file's path")?;
        match other {
            Some(id) if id != key(self.id) => Err(Error::already_exists::<Self>("path", &self.path)),
            _ => Ok(()),
        }
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = MediaFileRow::new(new)?;
        diesel::insert_into(media_files::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a media file")?;
        insert_words(context.connection, &new.entity)
    }

    fn replace(context: &mut WriteContext<'_>, old: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let row = MediaFileRow::new(new)?;
        update(media_files::table, &row, media_files::id.eq(&row.id))
            .execute(context.connection)
            .doing("changing a media file")?;
        if old.path == new.path {
            return Ok(());
        }
        remove_words(context.connection, new.entity.id)?;
        insert_words(context.connection, &new.entity)
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        remove_words(context.connection, old.entity.id)?;
        diesel::delete(media_files::table.find(key(old.entity.id)))
            .execute(context.connection)
            .doing("deleting a media file")
            .map(drop)
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        let path = path.to_owned();
        self.read_once(Call("words", EntityKind::MediaFile), Length::Short, move |connection| {
            let found = media_files::table
                .inner_join(videos::table)
                .filter(media_files::path.eq(path))
                .select((MediaFileRow::as_select(), videos::deleted_at))
                .get_result(connection)
                .optional()
                .doing("looking for a media file's path")?;
            let found = found.map(loaded).transpose()?;
            Ok(found.filter(|row| visibility.shows(row.hidden_since)).map(|row| row.stored))
        })
        .await
    }
}
