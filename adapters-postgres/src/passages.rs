//! What is searched: the passages of transcripts, and of titles and descriptions.

use diesel::prelude::*;
use diesel::sql_types::Untyped;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tubeatlas_domain::search::{Passage, metadata_passages, transcript_passages};
use tubeatlas_domain::{Transcript, Video, VideoId};

use crate::schema::passages;
use crate::session::{Statement, changes};
use crate::statement::{Bind, sql};

/// How many passages one statement inserts at most.
const PASSAGES_OF_A_STATEMENT: usize = 1_000;

const WRITING: &str = "writing passages";
const REMOVING: &str = "removing passages";

/// A text that is searched: a transcript, or a title with its description (no language).
pub(crate) struct Text<'t> {
    video_id: &'t VideoId,
    language: Option<&'t str>,
    passages: Vec<Passage>,
}

/// A passage of a video's text in a language.
type Row<'t> = (&'t VideoId, Option<&'t str>, Passage);

impl<'t> Text<'t> {
    pub(crate) fn of_video(video: &'t Video) -> Self {
        Self::of_metadata(&video.id, &video.title, video.description.as_deref())
    }

    pub(crate) fn of_metadata(video_id: &'t VideoId, title: &str, description: Option<&str>) -> Self {
        Self { video_id, language: None, passages: metadata_passages(title, description) }
    }

    pub(crate) fn of_transcript(transcript: &'t Transcript) -> Self {
        let language = Some(transcript.language.as_str());
        Self { video_id: &transcript.video_id, language, passages: transcript_passages(&transcript.cues) }
    }

    fn into_rows(self) -> impl Iterator<Item = Row<'t>> {
        self.passages.into_iter().map(move |passage| (self.video_id, self.language, passage))
    }
}

const INSERT: &str = "INSERT INTO passages (video_id, language, ordinal, words, tokens)
     SELECT video_id, nullif(language, ''), ordinal, words::tsvector, tokens
     FROM unnest(?1::text[], ?2::text[], ?3::bigint[], ?4::text[], ?5::text[])
         AS found (video_id, language, ordinal, words, tokens)";

/// What [`INSERT`] inserts.
fn binds(rows: &[Row<'_>]) -> Vec<Bind> {
    vec![
        Bind::Texts(rows.iter().map(|(video_id, ..)| video_id.to_string()).collect()),
        // No tag is empty.
        Bind::Texts(rows.iter().map(|(_, language, _)| language.unwrap_or_default().to_owned()).collect()),
        Bind::Integers(rows.iter().map(|(.., passage)| i64::from(passage.ordinal)).collect()),
        Bind::Texts(rows.iter().map(|(.., passage)| literal(passage)).collect()),
        Bind::Texts(rows.iter().map(|(.., passage)| passage.text.clone()).collect()),
    ]
}

/// What writes the passages of new texts.
pub(crate) fn insert<'c, 't>(
    connection: &'c AsyncPgConnection,
    texts: impl IntoIterator<Item = Text<'t>>,
) -> Vec<Statement<'c>> {
    let rows: Vec<Row<'_>> = texts.into_iter().flat_map(Text::into_rows).collect();
    insert_rows(connection, &rows)
}

fn insert_rows<'c>(mut connection: &'c AsyncPgConnection, rows: &[Row<'_>]) -> Vec<Statement<'c>> {
    let mut insert = |rows| sql::<Untyped>(INSERT, binds(rows)).execute(&mut connection);
    rows.chunks(PASSAGES_OF_A_STATEMENT).map(|rows| changes(insert(rows), WRITING)).collect()
}

/// What writes the passages of a text in the place of those that it had.
pub(crate) fn replace<'c>(mut connection: &'c AsyncPgConnection, text: Text<'_>) -> Vec<Statement<'c>> {
    let (video_id, language) = (text.video_id, text.language);
    let rows: Vec<_> = text.into_rows().collect();
    if rows.len() > PASSAGES_OF_A_STATEMENT {
        let removed = remove(connection, video_id, language);
        return std::iter::once(removed).chain(insert_rows(connection, &rows)).collect();
    }
    let mut binds = binds(&rows);
    binds.extend([Bind::Text(Some(video_id.to_string())), Bind::Text(language.map(str::to_owned))]);
    let removed = "DELETE FROM passages WHERE video_id = ?6::text AND language IS NOT DISTINCT FROM ?7::text";
    let replace = sql::<Untyped>(format!("WITH removed AS ({removed}) {INSERT}"), binds);
    vec![changes(replace.execute(&mut connection), WRITING)]
}

/// The tokens with their positions, as Postgres reads a `tsvector`. A passage has fewer than the 255 positions of
/// a word, and the 16,383 of a text, that a `tsvector` keeps.
fn literal(passage: &Passage) -> String {
    let mut literal = String::with_capacity(passage.text.len() * 2);
    for (position, token) in (1..).zip(passage.tokens()) {
        literal.push_str(&quoted(token));
        literal.push_str(&format!(":{position} "));
    }
    literal
}

/// A word as it stands in the text of a `tsvector` or a `tsquery`.
pub(crate) fn quoted(token: &str) -> String {
    format!("'{}'", token.replace('\\', "\\\\").replace('\'', "''"))
}

/// What removes the passages of a transcript, or of title and description (`None`).
pub(crate) fn remove<'c>(
    mut connection: &'c AsyncPgConnection,
    video_id: &VideoId,
    language: Option<&str>,
) -> Statement<'c> {
    let of_text = passages::table
        .filter(passages::video_id.eq(video_id.as_str()))
        .filter(passages::language.is_not_distinct_from(language));
    changes(diesel::delete(of_text).execute(&mut connection), REMOVING)
}

/// What removes all passages of a video.
pub(crate) fn remove_all<'c>(mut connection: &'c AsyncPgConnection, video_id: &VideoId) -> Statement<'c> {
    let of_video = passages::table.filter(passages::video_id.eq(video_id.as_str()));
    changes(diesel::delete(of_video).execute(&mut connection), REMOVING)
}
