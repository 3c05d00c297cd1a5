//! What is searched: the passages of transcripts, and of titles and descriptions.

use diesel::prelude::*;
use diesel::sql_types::Untyped;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tubeatlas_domain::search::{Passage, metadata_passages, transcript_passages};
use tubeatlas_domain::{Transcript, Video, VideoId};
use tubeatlas_ports::Result;

use crate::error::Context;
use crate::schema::passages;
use crate::session::Transaction;
use crate::statement::{Bind, sql};

/// How many passages one statement inserts at most.
const PASSAGES_OF_A_STATEMENT: usize = 1_000;

/// A text that is searched: a transcript, or a title with its description (no language).
pub(crate) struct Text<'t> {
    video_id: &'t VideoId,
    language: Option<&'t str>,
    passages: Vec<Passage>,
}

impl<'t> Text<'t> {
    pub(crate) fn of_video(video: &'t Video) -> Self {
        let passages = metadata_passages(&video.title, video.description.as_deref());
        Self { video_id: &video.id, language: None, passages }
    }

    pub(crate) fn of_transcript(transcript: &'t Transcript) -> Self {
        let language = Some(transcript.language.as_str());
        Self { video_id: &transcript.video_id, language, passages: transcript_passages(&transcript.cues) }
    }
}

pub(crate) async fn insert(
    transaction: &mut Transaction,
    texts: impl IntoIterator<Item = Text<'_>>,
) -> Result<()> {
    let rows: Vec<(&VideoId, Option<&str>, Passage)> = texts
        .into_iter()
        .flat_map(|text| {
            text.passages.into_iter().map(move |passage| (text.video_id, text.language, passage))
        })
        .collect();
    for rows in rows.chunks(PASSAGES_OF_A_STATEMENT) {
        let binds = vec![
            Bind::Texts(rows.iter().map(|(video_id, ..)| video_id.to_string()).collect()),
            // No tag is empty.
            Bind::Texts(
                rows.iter().map(|(_, language, _)| language.unwrap_or_default().to_owned()).collect(),
            ),
            Bind::Integers(rows.iter().map(|(.., passage)| i64::from(passage.ordinal)).collect()),
            Bind::Texts(rows.iter().map(|(.., passage)| literal(passage)).collect()),
            Bind::Texts(rows.iter().map(|(.., passage)| passage.text.clone()).collect()),
        ];
        sql::<Untyped>(
            "INSERT INTO passages (video_id, language, ordinal, words, tokens)
             SELECT video_id, nullif(language, ''), ordinal, words::tsvector, tokens
             FROM unnest(?1::text[], ?2::text[], ?3::bigint[], ?4::text[], ?5::text[])
                 AS found (video_id, language, ordinal, words, tokens)",
            binds,
        )
        .execute(transaction.connection())
        .await
        .doing("writing passages")?;
    }
    Ok(())
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

/// Removes the passages of a transcript, or of title and description (`None`).
pub(crate) async fn remove(
    transaction: &mut Transaction,
    video_id: &VideoId,
    language: Option<&str>,
) -> Result<()> {
    let of_text = passages::table
        .filter(passages::video_id.eq(video_id.as_str()))
        .filter(passages::language.is_not_distinct_from(language));
    diesel::delete(of_text).execute(transaction.connection()).await.doing("removing passages").map(drop)
}

/// Removes all passages of a video.
pub(crate) async fn remove_all(connection: &mut AsyncPgConnection, video_id: &VideoId) -> Result<()> {
    diesel::delete(passages::table.filter(passages::video_id.eq(video_id.as_str())))
        .execute(connection)
        .await
        .doing("removing passages")
        .map(drop)
}
