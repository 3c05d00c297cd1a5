//! What is searched: the passages of transcripts, and of titles and descriptions, in the full-text index.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use tubeatlas_domain::search::{Passage, metadata_passages, transcript_passages};
use tubeatlas_domain::{Transcript, Video, VideoId};
use tubeatlas_ports::Result;

use crate::error::Context;
use crate::schema::passages;

pub(crate) fn insert_metadata(connection: &mut SqliteConnection, video: &Video) -> Result<()> {
    insert(connection, &video.id, None, &metadata_passages(&video.title, video.description.as_deref()))
}

pub(crate) fn insert_transcript(connection: &mut SqliteConnection, transcript: &Transcript) -> Result<()> {
    let language = Some(transcript.language.as_str());
    insert(connection, &transcript.video_id, language, &transcript_passages(&transcript.cues))
}

fn insert(
    connection: &mut SqliteConnection,
    video_id: &VideoId,
    language: Option<&str>,
    found: &[Passage],
) -> Result<()> {
    for passage in found {
        let id: i64 = diesel::insert_into(passages::table)
            .values((
                passages::video_id.eq(video_id.as_str()),
                passages::language.eq(language),
                passages::ordinal.eq(i32::try_from(passage.ordinal).unwrap_or(i32::MAX)),
            ))
            .returning(passages::id)
            .get_result(connection)
            .doing("writing a passage")?;
        diesel::sql_query("INSERT INTO passages_fts (rowid, tokens) VALUES (?, ?)")
            .bind::<BigInt, _>(id)
            .bind::<Text, _>(&passage.text)
            .execute(connection)
            .doing("indexing a passage")?;
    }
    Ok(())
}

/// Removes the passages of a transcript, or of title and description (`None`).
pub(crate) fn remove(
    connection: &mut SqliteConnection,
    video_id: &VideoId,
    language: Option<&str>,
) -> Result<()> {
    let of_video = passages::table.filter(passages::video_id.eq(video_id.as_str())).into_boxed();
    let found = match language {
        Some(language) => of_video.filter(passages::language.eq(language)),
        None => of_video.filter(passages::language.is_null()),
    };
    let ids = found.select(passages::id).load(connection).doing("looking for passages")?;
    remove_ids(connection, &ids)
}

/// Removes all passages of a video.
pub(crate) fn remove_all(connection: &mut SqliteConnection, video_id: &VideoId) -> Result<()> {
    let ids = passages::table
        .filter(passages::video_id.eq(video_id.as_str()))
        .select(passages::id)
        .load(connection)
        .doing("looking for passages")?;
    remove_ids(connection, &ids)
}

fn remove_ids(connection: &mut SqliteConnection, ids: &[i64]) -> Result<()> {
    for id in ids {
        diesel::sql_query("DELETE FROM passages_fts WHERE rowid = ?")
            .bind::<BigInt, _>(id)
            .execute(connection)
            .doing("removing a passage from the index")?;
        diesel::delete(passages::table.find(id)).execute(connection).doing("removing a passage")?;
    }
    Ok(())
}
