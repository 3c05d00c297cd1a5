//! Transcripts. Search stands in `search.rs`.

use diesel::prelude::*;
use tubeatlas_domain::{LanguageTag, Transcript, TranscriptFields, TranscriptId, TranscriptSummary, VideoId};
use tubeatlas_ports::{Result, Stored, TranscriptFilter, TranscriptOrder, Visibility};

use crate::columns::{RowName, number, word};
use crate::cues;
use crate::error::Context;
use crate::passages;
use crate::schema::{transcripts, videos};
use crate::session::WriteContext;
use crate::statement::{limited, update};
use crate::table::{Loaded, References, Table, WritableTable};

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
    cues: Vec<u8>,
}

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
            cues: cues::encode(&stored.cues),
        })
    }

    fn into_stored(self) -> Result<Stored<Transcript>> {
        let key = format!("{}/{}", self.video_id, self.language);
        let row = RowName { table: "transcripts", key: &key };
        let transcript = row.check(Transcript::new(TranscriptFields {
            video_id: row.check(VideoId::parse(self.video_id))?,
            language: row.check(LanguageTag::parse(self.language))?,
            kind: row.word(&self.kind)?,
            cues: row.check(cues::decode(&self.cues))?,
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

impl Table for Transcript {
    fn load(connection: &mut SqliteConnection, id: &TranscriptId) -> Result<Option<Loaded<Self>>> {
        let found: Option<(TranscriptRow, Option<i64>)> = transcripts::table
            .inner_join(videos::table)
            .filter(transcripts::video_id.eq(id.video_id.as_str()))
            .filter(transcripts::language.eq(id.language.as_str()))
            .select((TranscriptRow::as_select(), videos::deleted_at))
            .get_result(connection)
            .optional()
            .doing("reading a transcript")?;
        let Some((row, deleted_at)) = found else { return Ok(None) };
        let name = RowName { table: "videos", key: &id.video_id };
        Ok(Some(Loaded { stored: row.into_stored()?, hidden_since: name.optional_time(deleted_at)? }))
    }

    fn page(
        connection: &mut SqliteConnection,
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
        let rows: Vec<SummaryRow> = limited(query.select(SummaryRow::as_select()), limit)
            .load(connection)
            .doing("listing transcripts")?;
        rows.into_iter().map(SummaryRow::into_stored).collect()
    }

    fn count(connection: &mut SqliteConnection, filter: &TranscriptFilter) -> Result<i64> {
        filtered!(filter).count().get_result(connection).doing("counting transcripts")
    }
}

impl WritableTable for Transcript {
    fn references(&self, connection: &mut SqliteConnection) -> Result<References> {
        crate::videos::reference(connection, &self.video_id)
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = TranscriptRow::new(new)?;
        diesel::insert_into(transcripts::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a transcript")?;
        passages::insert_transcript(context, &new.entity)
    }

    fn replace(context: &mut WriteContext<'_>, old: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let row = TranscriptRow::new(new)?;
        let which = transcripts::video_id.eq(&row.video_id).and(transcripts::language.eq(&row.language));
        update(transcripts::table, &row, which).execute(context.connection).doing("changing a transcript")?;
        if old.cues == new.cues {
            return Ok(());
        }
        passages::remove(context, &new.video_id, Some(&row.language))?;
        passages::insert_transcript(context, &new.entity)
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        let (video_id, language) = (old.video_id.as_str(), old.language.as_str());
        passages::remove(context, &old.video_id, Some(language))?;
        diesel::delete(transcripts::table.find((video_id, language)))
            .execute(context.connection)
            .doing("deleting a transcript")
            .map(drop)
    }
}
