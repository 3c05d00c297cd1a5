//! Media files.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use tubeatlas_domain::search::tokens;
use tubeatlas_domain::{FrameRate, MediaFile, MediaFileFields, MediaFileId, VideoId};
use tubeatlas_ports::{
    MediaFileFilter, MediaFileOrder, MediaFilePosition, MediaFileRepository, Result, Stored, Visibility,
};
use uuid::Uuid;

use crate::columns::{RowName, number, optional_number, small_number};
use crate::error::Context;
use crate::schema::{media_file_words, media_files, videos};
use crate::session::{Session, Statement, changes};
use crate::statement::{Bind, row_of_columns, sql, update};
use crate::table::{Loaded, References, Table, WritableTable, insert_rows};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = media_files, treat_none_as_null = true, treat_none_as_default_value = false)]
struct MediaFileRow {
    id: Uuid,
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

row_of_columns!(
    MediaFileRow:
    id, video_id, path, file_name, size_bytes, frame_rate_numerator, frame_rate_denominator, frame_count,
    width, height, video_codec, audio_codec, thumbnail_path, created_at, updated_at, revision,
);

impl MediaFileRow {
    fn new(stored: &Stored<MediaFile>) -> Result<Self> {
        let file = stored.entity.clone().into_fields();
        let rate = file.frame_rate;
        Ok(Self {
            id: file.id.get(),
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
            id: MediaFileId::new(self.id),
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

fn loaded(found: (MediaFileRow, Option<i64>)) -> Result<Loaded<MediaFile>> {
    let (row, deleted_at) = found;
    let stored = row.into_stored()?;
    let hidden_since = RowName { table: "videos", key: &stored.video_id }.optional_time(deleted_at)?;
    Ok(Loaded { stored, hidden_since })
}

fn words(text: &str) -> BTreeSet<String> {
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
                 WHERE word = ANY(?1) GROUP BY media_file_id HAVING count(*) = ?2)",
                vec![Bind::Texts(words.into_iter().collect()), Bind::Integer(Some(count))],
            ));
        }
        match visibility {
            Visibility::Live => query.filter(videos::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(videos::deleted_at.is_not_null()),
        }
    }};
}

#[async_trait]
impl Table for MediaFile {
    async fn load_many(mut connection: &AsyncPgConnection, ids: &[MediaFileId]) -> Result<Vec<Loaded<Self>>> {
        let found: Vec<(MediaFileRow, Option<i64>)> = media_files::table
            .inner_join(videos::table)
            .filter(media_files::id.eq_any(ids.iter().map(|id| id.get())))
            .select((MediaFileRow::as_select(), videos::deleted_at))
            .load(&mut connection)
            .await
            .doing("reading media files")?;
        found.into_iter().map(loaded).collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
        filter: &MediaFileFilter,
        order: MediaFileOrder,
        after: Option<MediaFilePosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        let mut query = match order {
            MediaFileOrder::Path => {
                // The index holds the first characters; see the migration.
                filtered!(filter)
                    .order((sql::<Text>("left(media_files.path, 500)", Vec::new()), media_files::path))
            }
        };
        if let Some(MediaFilePosition { path }) = after {
            let behind = "left(media_files.path, 500) >= left(?1, 500) AND media_files.path > ?1";
            query = query.filter(sql::<Bool>(behind, vec![Bind::Text(Some(path))]));
        }
        let rows: Vec<MediaFileRow> = query
            .select(MediaFileRow::as_select())
            .limit(limit)
            .load(&mut connection)
            .await
            .doing("listing media files")?;
        rows.into_iter().map(MediaFileRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &MediaFileFilter) -> Result<i64> {
        filtered!(filter).count().get_result(&mut connection).await.doing("counting media files")
    }
}

#[derive(Insertable)]
#[diesel(table_name = media_file_words)]
struct WordRow {
    word: String,
    media_file_id: Uuid,
}

row_of_columns!(WordRow: word, media_file_id);

fn insert_words<'c>(connection: &'c AsyncPgConnection, files: &[&MediaFile]) -> Statement<'c> {
    let of_file = |file: &&MediaFile| {
        let media_file_id = file.id.get();
        words(&file.path).into_iter().map(move |word| WordRow { word, media_file_id })
    };
    let rows: Vec<WordRow> = files.iter().flat_map(of_file).collect();
    insert_rows!(connection, media_file_words, rows, "indexing media files' paths")
}

fn remove_words(mut connection: &AsyncPgConnection, id: MediaFileId) -> Statement<'_> {
    let of_file = media_file_words::table.filter(media_file_words::media_file_id.eq(id.get()));
    let delete = diesel::delete(of_file).execute(&mut connection);
    changes(delete, "removing a media file's path from the index")
}

#[async_trait]
impl WritableTable for MediaFile {
    async fn references(connection: &AsyncPgConnection, files: &[Self]) -> Result<Vec<References>> {
        let ids: Vec<_> = files.iter().map(|file| Some(&file.video_id)).collect();
        crate::videos::references_to(connection, &ids).await
    }

    fn unique(&self) -> Option<(&'static str, &str)> {
        Some(("path", &self.path))
    }

    async fn taken(
        mut connection: &AsyncPgConnection,
        paths: Vec<String>,
    ) -> Result<HashMap<String, MediaFileId>> {
        let found: Vec<(String, Uuid)> = media_files::table
            .filter(media_files::path.eq_any(paths))
            .select((media_files::path, media_files::id))
            .load(&mut connection)
            .await
            .doing("looking for media files' paths")?;
        Ok(found.into_iter().map(|(path, id)| (path, MediaFileId::new(id))).collect())
    }

    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(MediaFileRow::new).collect::<Result<Vec<_>>>()?;
        let files: Vec<&Self> = new.iter().map(|file| &file.entity).collect();
        let inserted = insert_rows!(connection, media_files, rows, "creating media files");
        Ok(vec![inserted, insert_words(connection, &files)])
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = MediaFileRow::new(new)?;
        let change = update(media_files::table, &row, media_files::id.eq(&row.id)).execute(&mut connection);
        let mut statements = vec![changes(change, "changing a media file")];
        if old.path != new.path {
            statements.push(remove_words(connection, new.entity.id));
            statements.push(insert_words(connection, &[&new.entity]));
        }
        Ok(statements)
    }

    fn remove<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        _: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let delete = diesel::delete(media_files::table.find(old.entity.id.get())).execute(&mut connection);
        Ok(vec![changes(delete, "deleting a media file")])
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        let path = path.to_owned();
        self.read_once(move |mut connection| {
            async move {
                if path.contains('\0') {
                    return Ok(None); // Postgres holds no such text, and refuses the question
                }
                let found = media_files::table
                    .inner_join(videos::table)
                    .filter(media_files::path.eq(path))
                    .select((MediaFileRow::as_select(), videos::deleted_at))
                    .get_result(&mut connection)
                    .await
                    .optional()
                    .doing("looking for a media file's path")?;
                let found = found.map(loaded).transpose()?;
                Ok(found.filter(|row| visibility.shows(row.hidden_since)).map(|row| row.stored))
            }
            .boxed()
        })
        .await
    }
}
