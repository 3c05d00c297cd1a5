//! Building what is searched anew from what it follows from.

use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tubeatlas_domain::search::{metadata_passages, transcript_passages};
use tubeatlas_domain::{MediaFile, Playlist, Transcript, Video};
use tubeatlas_ports::{
    Catalogued, MediaFileFilter, MediaFileOrder, PlaylistFilter, PlaylistOrder, Result, TranscriptFilter,
    TranscriptOrder, VideoFilter, VideoOrder, Visibility,
};

use super::Maintenance;
use super::rows::each;
use super::space::checkpoint;
use crate::check::number;
use crate::error::Context;
use crate::index_version;
use crate::media_files;
use crate::migrations;
use crate::passages::{self, IndexChanges};
use crate::playlists;
use crate::table::Table;

/// What was indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// How many videos' titles and descriptions.
    pub videos: u64,
    /// How many transcripts.
    pub transcripts: u64,
    /// How many passages they have.
    pub passages: u64,
    /// How many media files' paths.
    pub media_files: u64,
    /// How many playlists' videos.
    pub playlists: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Maintenance {
    /// Builds the full-text index, that of the words in media files' paths and that of the videos in
    /// playlists anew: all of it or nothing. Others can read and search meanwhile, and see the old index
    /// until it is done; writers wait, and time out if it takes longer than they are ready to.
    ///
    /// # Errors
    /// [`SchemaMismatch`](tubeatlas_ports::Error::SchemaMismatch) also if the database needs migrations.
    pub async fn reindex(&self) -> Result<Reindexed> {
        self.run(|connection, file| {
            let begun = Instant::now();
            let pending = migrations::status(connection)?.pending;
            if !pending.is_empty() {
                return Err(migrations::needed(&file.path, &pending));
            }
            connection.batch_execute("BEGIN IMMEDIATE").doing("beginning a transaction")?;
            let mut reindexed = reindex(connection)?; // an error closes the connection, which rolls back
            index_version::write(connection)?;
            connection.batch_execute("COMMIT").doing("committing the index")?;
            checkpoint(connection)?; // the log has the whole index now
            reindexed.elapsed = begun.elapsed();
            Ok(reindexed)
        })
        .await
    }
}

fn reindex(connection: &mut SqliteConnection) -> Result<Reindexed> {
    connection
        .batch_execute(
            "DELETE FROM passages; INSERT INTO passages_fts (passages_fts) VALUES ('delete-all');
             DELETE FROM media_file_words; DELETE FROM playlist_videos;",
        )
        .doing("emptying the index")?;
    let visibility = Visibility::WithDeleted;
    let filter = VideoFilter { visibility, ..VideoFilter::default() };
    let videos = each::<Video>(connection, &filter, VideoOrder::Newest, |connection, video| {
        let found = metadata_passages(&video.title, video.description.as_deref());
        let mut index = IndexChanges::default();
        passages::insert(connection, &mut index, &video.id, None, found)?;
        index.apply(connection)
    })?;
    let filter = TranscriptFilter { visibility, ..TranscriptFilter::default() };
    let transcripts = each::<Transcript>(connection, &filter, TranscriptOrder::Id, |connection, summary| {
        let Some(transcript) = Transcript::load(connection, &Transcript::position(&summary))? else {
            return Ok(());
        };
        let transcript = transcript.stored.entity;
        let (found, language) = (transcript_passages(&transcript.cues), transcript.language.as_str());
        let mut index = IndexChanges::default();
        passages::insert(connection, &mut index, &transcript.video_id, Some(language), found)?;
        index.apply(connection)
    })?;
    let filter = MediaFileFilter { visibility, ..MediaFileFilter::default() };
    let media_files = each::<MediaFile>(connection, &filter, MediaFileOrder::Path, |connection, file| {
        media_files::insert_words(connection, &file.entity)
    })?;
    let filter = PlaylistFilter { visibility, ..PlaylistFilter::default() };
    let playlists = each::<Playlist>(connection, &filter, PlaylistOrder::Id, |connection, summary| {
        let Some(playlist) = Playlist::load(connection, &summary.entity.id)? else { return Ok(()) };
        playlists::insert_videos(connection, &summary.entity.id, &playlists::videos_of(&playlist.stored))
    })?;
    let passages = number(connection, "SELECT count(*) AS value FROM passages")?;
    let passages = u64::try_from(passages).unwrap_or(0);
    Ok(Reindexed { videos, transcripts, passages, media_files, playlists, elapsed: Duration::ZERO })
}
