//! What is searched: the passages of transcripts, and of titles and descriptions, in the full-text index.

use diesel::prelude::*;
use tubeatlas_domain::search::{Passage, metadata_passages, transcript_passages};
use tubeatlas_domain::{Transcript, Video, VideoId};
use tubeatlas_ports::Result;

use crate::error::Context;
use crate::schema::{passages, passages_fts};
use crate::session::WriteContext;

/// What is to be done to the full-text index, in this order.
///
/// FTS5 gathers what it is given in memory, and writes it as one sorted segment. But it does so at each savepoint:
/// a group of writes with a savepoint each would leave a segment for each, to be merged later. So the index is
/// changed after the last savepoint of a transaction, for all of its writes at once.
#[derive(Default)]
pub(crate) struct IndexChanges(Vec<IndexChange>);

enum IndexChange {
    Insert { id: i64, tokens: String },
    Remove { id: i64 },
}

impl IndexChanges {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets those behind the first `len`, because the write that wanted them was undone.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub(crate) fn apply(&mut self, connection: &mut SqliteConnection) -> Result<()> {
        for change in self.0.drain(..) {
            match change {
                IndexChange::Insert { id, tokens } => diesel::insert_into(passages_fts::table)
                    .values((passages_fts::rowid.eq(id), passages_fts::tokens.eq(tokens)))
                    .execute(connection)
                    .doing("indexing a passage")?,
                IndexChange::Remove { id } => diesel::delete(passages_fts::table.find(id))
                    .execute(connection)
                    .doing("removing a passage from the index")?,
            };
        }
        Ok(())
    }
}

pub(crate) fn insert_metadata(context: &mut WriteContext<'_>, video: &Video) -> Result<()> {
    let found = metadata_passages(&video.title, video.description.as_deref());
    insert(context.connection, context.index, &video.id, None, found)
}

pub(crate) fn insert_transcript(context: &mut WriteContext<'_>, transcript: &Transcript) -> Result<()> {
    let language = Some(transcript.language.as_str());
    let found = transcript_passages(&transcript.cues);
    insert(context.connection, context.index, &transcript.video_id, language, found)
}

pub(crate) fn insert(
    connection: &mut SqliteConnection,
    index: &mut IndexChanges,
    video_id: &VideoId,
    language: Option<&str>,
    found: Vec<Passage>,
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
        index.0.push(IndexChange::Insert { id, tokens: passage.text });
    }
    Ok(())
}

/// Removes the passages of a transcript, or of title and description (`None`).
pub(crate) fn remove(
    context: &mut WriteContext<'_>,
    video_id: &VideoId,
    language: Option<&str>,
) -> Result<()> {
    let of_video = passages::table.filter(passages::video_id.eq(video_id.as_str())).into_boxed();
    let found = match language {
        Some(language) => of_video.filter(passages::language.eq(language)),
        None => of_video.filter(passages::language.is_null()),
    };
    let ids = found.select(passages::id).load(context.connection).doing("looking for passages")?;
    remove_ids(context, ids)
}

/// Removes all passages of a video.
pub(crate) fn remove_all(context: &mut WriteContext<'_>, video_id: &VideoId) -> Result<()> {
    let ids = passages::table
        .filter(passages::video_id.eq(video_id.as_str()))
        .select(passages::id)
        .load(context.connection)
        .doing("looking for passages")?;
    remove_ids(context, ids)
}

fn remove_ids(context: &mut WriteContext<'_>, ids: Vec<i64>) -> Result<()> {
    for id in ids {
        diesel::delete(passages::table.find(id)).execute(context.connection).doing("removing a passage")?;
        context.index.0.push(IndexChange::Remove { id });
    }
    Ok(())
}
