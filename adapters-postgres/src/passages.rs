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

pub(crate) async fn insert_metadata(transaction: &mut Transaction, video: &Video) -> Result<()> {
    insert(transaction, &video.id, None, metadata_passages(&video.title, video.description.as_deref())).await
}

pub(crate) async fn insert_transcript(transaction: &mut Transaction, transcript: &Transcript) -> Result<()> {
    let language = Some(transcript.language.as_str());
    insert(transaction, &transcript.video_id, language, transcript_passages(&transcript.cues)).await
}

async fn insert(
    transaction: &mut Transaction,
    video_id: &VideoId,
    language: Option<&str>,
    found: Vec<Passage>,
) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let binds = vec![
        Bind::Text(Some(video_id.to_string())),
        Bind::Text(language.map(str::to_owned)),
        Bind::Integers(found.iter().map(|passage| i64::from(passage.ordinal)).collect()),
        Bind::Texts(found.iter().map(literal).collect()),
        Bind::Texts(found.into_iter().map(|passage| passage.text).collect()),
    ];
    sql::<Untyped>(
        "INSERT INTO passages (video_id, language, ordinal, words, tokens)
         SELECT ?1, ?2, ordinal, words::tsvector, tokens
         FROM unnest(?3, ?4, ?5) AS found (ordinal, words, tokens) ORDER BY ordinal",
        binds,
    )
    .execute(transaction.connection())
    .await
    .doing("writing passages")
    .map(drop)
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
