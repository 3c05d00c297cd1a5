//! Transcripts. Search stands in `search.rs`.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tubeatlas_domain::{LanguageTag, Transcript, TranscriptFields, TranscriptId, TranscriptSummary, VideoId};
use tubeatlas_ports::{Result, Stored, TranscriptFilter, TranscriptOrder, Visibility};

use crate::columns::{RowName, json, number, word};
use crate::error::Context;
use crate::passages;
use crate::schema::{transcripts, videos};
use crate::session::{Statement, changes};
use crate::statement::{Bind, row_of_columns, sql, update};
use crate::table::{Loaded, References, Table, WritableTable, insert_rows};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = transcripts, primary_key(video_id, language))]
struct TranscriptRow {
    video_id: String,
    language: String,
    kind: String,
    cue_count: i64,
    text_bytes: i64,
    created_at: i64,
    updated_at: i64,
    revision: i64,
    cues: String,
}

row_of_columns!(
    TranscriptRow:
    video_id, language, kind, cue_count, text_bytes, created_at, updated_at, revision, cues,
);

/// A row without its content.
#[derive(Queryable, Selectable)]
#[diesel(table_name = transcripts)]
struct SummaryRow {
    video_id: String,
    language: String,
    kind: String,
    cue_count: i64,
    text_bytes: i64,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

impl TranscriptRow {
    fn new(stored: &Stored<Transcript>) -> Result<Self> {
        let summary = stored.entity.summary();
        Ok(Self {
            video_id: summary.video_id.into(),
            language: summary.language.into(),
            kind: word(&summary.kind)?,
            cue_count: number(summary.cue_count)?,
            text_bytes: number(summary.text_bytes)?,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            revision: number(stored.revision.get())?,
            cues: json(&stored.cues)?,
        })
    }

    fn into_stored(self) -> Result<Stored<Transcript>> {
        let key = format!("{}/{}", self.video_id, self.language);
        let row = RowName { table: "transcripts", key: &key };
        let transcript = row.check(Transcript::new(TranscriptFields {
            video_id: row.check(VideoId::parse(self.video_id))?,
            language: row.check(LanguageTag::parse(self.language))?,
            kind: row.word(&self.kind)?,
            cues: row.json(&self.cues)?,
        }))?;
        row.stored(transcript, self.created_at, self.updated_at, self.revision, None)
    }
}

impl SummaryRow {
    fn into_stored(self) -> Result<Stored<TranscriptSummary>> {
        let key = format!("{}/{}", self.video_id, self.language);
        let row = RowName { table: "transcripts", key: &key };
        let summary = TranscriptSummary {
            video_id: row.check(VideoId::parse(self.video_id))?,
            language: row.check(LanguageTag::parse(self.language))?,
            kind: row.word(&self.kind)?,
            cue_count: row.number(self.cue_count)?,
            text_bytes: row.number(self.text_bytes)?,
        };
        row.stored(summary, self.created_at, self.updated_at, self.revision, None)
    }
}

diesel::define_sql_function! {
    /// ASCII letters in lower case, others as they are.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

diesel::define_sql_function! {
    /// `length` characters from the first (1) on.
    fn substr(
        text: diesel::sql_types::Text,
        from: diesel::sql_types::Integer,
        length: diesel::sql_types::Integer,
    ) -> diesel::sql_types::Text;
}

/// [`TranscriptFilter`] over transcripts joined with their videos.
macro_rules! filtered {
    ($filter:expr) => {{
        let TranscriptFilter { video_id, language, visibility } = $filter;
        let mut query = transcripts::table.inner_join(videos::table).into_boxed();
        if let Some(video_id) = video_id {
            query = query.filter(transcripts::video_id.eq(video_id.as_str()));
        }
        if let Some(language) = language {
            let tag = language.as_str().to_ascii_lowercase();
            let subtags = format!("{tag}-");
            let length = i32::try_from(subtags.len()).unwrap_or(i32::MAX);
            query = query.filter(
                lower(transcripts::language)
                    .eq(tag)
                    .or(substr(lower(transcripts::language), 1, length).eq(subtags)),
            );
        }
        match visibility {
            Visibility::Live => query.filter(videos::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(videos::deleted_at.is_not_null()),
        }
    }};
}

#[async_trait]
impl Table for Transcript {
    async fn load_many(
        mut connection: &AsyncPgConnection,
        ids: &[TranscriptId],
    ) -> Result<Vec<Loaded<Self>>> {
        // One text for any number of ids.
        let among = sql::<Bool>(
            "(transcripts.video_id, transcripts.language) IN (SELECT * FROM unnest(?1::text[], ?2::text[]))",
            vec![
                Bind::Texts(ids.iter().map(|id| id.video_id.to_string()).collect()),
                Bind::Texts(ids.iter().map(|id| id.language.to_string()).collect()),
            ],
        );
        let found: Vec<(TranscriptRow, Option<i64>)> = transcripts::table
            .inner_join(videos::table)
            .filter(among)
            .select((TranscriptRow::as_select(), videos::deleted_at))
            .load(&mut connection)
            .await
            .doing("reading transcripts")?;
        let loaded = found.into_iter().map(|(row, deleted_at)| {
            let video_id = row.video_id.clone();
            let hidden_since = RowName { table: "videos", key: &video_id }.optional_time(deleted_at)?;
            Ok(Loaded { stored: row.into_stored()?, hidden_since })
        });
        loaded.collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
        filter: &TranscriptFilter,
        order: TranscriptOrder,
        after: Option<TranscriptId>,
        limit: i64,
    ) -> Result<Vec<Stored<TranscriptSummary>>> {
        let mut query = match order {
            TranscriptOrder::Id => filtered!(filter).order((transcripts::video_id, transcripts::language)),
        };
        if let Some(TranscriptId { video_id, language }) = after {
            let (video_id, language) = (String::from(video_id), String::from(language));
            // The first filter is what the index is searched by.
            query = query
                .filter(transcripts::video_id.ge(video_id.clone()))
                .filter(transcripts::video_id.gt(video_id).or(transcripts::language.gt(language)));
        }
        let rows: Vec<SummaryRow> = query
            .select(SummaryRow::as_select())
            .limit(limit)
            .load(&mut connection)
            .await
            .doing("listing transcripts")?;
        rows.into_iter().map(SummaryRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &TranscriptFilter) -> Result<i64> {
        filtered!(filter).count().get_result(&mut connection).await.doing("counting transcripts")
    }
}

#[async_trait]
impl WritableTable for Transcript {
    async fn references(connection: &AsyncPgConnection, transcripts: &[Self]) -> Result<Vec<References>> {
        let ids: Vec<_> = transcripts.iter().map(|transcript| Some(&transcript.video_id)).collect();
        crate::videos::references_to(connection, &ids).await
    }

    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(TranscriptRow::new).collect::<Result<Vec<_>>>()?;
        let texts = new.iter().map(|transcript| passages::Text::of_transcript(&transcript.entity));
        let mut statements = vec![insert_rows!(connection, transcripts, rows, "creating transcripts")];
        statements.extend(passages::insert(connection, texts));
        Ok(statements)
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = TranscriptRow::new(new)?;
        let which = transcripts::video_id.eq(&row.video_id).and(transcripts::language.eq(&row.language));
        let change = update(transcripts::table, &row, which).execute(&mut connection);
        let mut statements = vec![changes(change, "changing a transcript")];
        if old.cues != new.cues {
            statements.extend(passages::replace(connection, passages::Text::of_transcript(&new.entity)));
        }
        Ok(statements)
    }

    fn remove<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        _: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let (video_id, language) = (old.video_id.as_str(), old.language.as_str());
        let delete = diesel::delete(transcripts::table.find((video_id, language))).execute(&mut connection);
        let passages = passages::remove(connection, &old.video_id, Some(language));
        Ok(vec![passages, changes(delete, "deleting a transcript")])
    }
}
