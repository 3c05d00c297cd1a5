//! What goes into one unit of work, and how it is written.

use std::collections::HashMap;
use std::path::PathBuf;

use tubeatlas_domain::{
    Channel, MediaFile, MediaFileFields, MediaFileId, Playlist, SourceFile, SourceOutcome, Transcript, Video,
    VideoId,
};
use tubeatlas_ports::archive::{ArchivedPlaylist, ArchivedVideo};
use tubeatlas_ports::{Error, IdGenerator, MAX_BATCH, Repositories, Result, Upserted, Visibility};

use super::ledger::{Heard, Ledger};
use super::report::{Counts, Note};

/// The most videos of a batch: enough to make the cost of a commit small.
const MAX_ITEMS: usize = 50;

/// The most text of a batch, in bytes, unless a single video has more: what a store indexes in well under a
/// second, so that others who want to write need not wait long.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// What is to be written of one entry.
#[derive(Debug)]
pub(super) struct Item {
    /// The file that stands for it.
    pub(super) path: PathBuf,
    channel: Option<Channel>,
    subject: Subject,
    /// What is to be noted of its files.
    files: Vec<SourceFile>,
}

#[derive(Debug)]
enum Subject {
    Video(Box<VideoItem>),
    Playlist(Playlist),
    /// Its files are noted, and that is all.
    Nothing,
}

#[derive(Debug)]
struct VideoItem {
    video: Video,
    known_by_name: bool,
    transcripts: Vec<Transcript>,
    media_files: Vec<MediaFileFields>,
}

impl Item {
    /// What is to be written of a video, and the media files that the domain refuses.
    pub(super) fn video(archived: ArchivedVideo, mut files: Vec<SourceFile>) -> (Self, Vec<Note>) {
        let mut refused = Vec::new();
        let mut media_files = archived.media_files;
        media_files.retain(|file| match MediaFile::new(file.clone()) {
            Ok(_) => true,
            Err(error) => {
                refused.push(Note { path: file.path.clone(), reason: error.to_string() });
                false
            }
        });
        for note in &refused {
            note_as_refused(&mut files, note);
        }
        let transcripts = archived.transcripts.into_iter().map(|it| it.transcript).collect();
        let (path, channel, video) = (archived.path, archived.channel, archived.video);
        let known_by_name = archived.known_by_name;
        let video = VideoItem { video, known_by_name, transcripts, media_files };
        (Self { path, channel, subject: Subject::Video(Box::new(video)), files }, refused)
    }

    pub(super) fn playlist(archived: ArchivedPlaylist, files: Vec<SourceFile>) -> Self {
        let ArchivedPlaylist { path, channel, playlist } = archived;
        Self { path, channel, subject: Subject::Playlist(playlist), files }
    }

    /// What is to be noted of files, if anything is.
    pub(super) fn notes(files: Vec<SourceFile>) -> Option<Self> {
        let path = PathBuf::from(files.first()?.path.as_str());
        Some(Self { path, channel: None, subject: Subject::Nothing, files })
    }

    fn as_video(&self) -> Option<&VideoItem> {
        match &self.subject {
            Subject::Video(video) => Some(video),
            Subject::Playlist(_) | Subject::Nothing => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.subject {
            Subject::Video(item) => {
                let cues = item.transcripts.iter().flat_map(|transcript| &transcript.cues);
                cues.map(|cue| cue.text.len()).sum::<usize>()
                    + item.video.description.as_ref().map_or(0, String::len)
            }
            Subject::Playlist(playlist) => playlist.videos.iter().map(|id| id.as_str().len()).sum(),
            Subject::Nothing => 0,
        }
    }
}

fn note_as_refused(files: &mut [SourceFile], note: &Note) {
    for file in files.iter_mut().filter(|file| file.path.as_str() == note.path) {
        let mut fields = file.clone().into_fields();
        fields.outcome = SourceOutcome::Refused(note.reason.clone());
        if let Ok(refused) = SourceFile::new(fields) {
            *file = refused;
        }
    }
}

/// Items that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Batch {
    items: Vec<Item>,
    bytes: usize,
}

impl Batch {
    pub(super) fn has_room_for(&self, item: &Item) -> bool {
        self.items.is_empty() || (self.items.len() < MAX_ITEMS && self.bytes + item.bytes() <= MAX_BYTES)
    }

    pub(super) fn push(&mut self, item: Item) {
        self.bytes += item.bytes();
        self.items.push(item);
    }

    pub(super) fn take(&mut self) -> Vec<Item> {
        std::mem::take(self).items
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) channels: Vec<Heard>,
    pub(super) videos: Counts,
    pub(super) transcripts: Counts,
    pub(super) media_files: Counts,
    pub(super) playlists: Counts,
    pub(super) left_deleted: Vec<VideoId>,
    pub(super) warnings: Vec<Note>,
}

/// Writes the items: first the channels, then what refers to them, then what hangs on the videos, then what is noted of
/// the files.
pub(super) async fn write(
    unit: &dyn Repositories,
    ids: &dyn IdGenerator,
    ledger: &Ledger,
    items: &[Item],
) -> Result<Written> {
    let channels = ledger.write(unit, items.iter().filter_map(|item| item.channel.as_ref())).await?;
    let mut written = Written { channels, ..Written::default() };
    write_playlists(unit, items, &mut written).await?;
    let video_items: Vec<&VideoItem> = items.iter().filter_map(Item::as_video).collect();
    let upserted = match video_items.is_empty() {
        true => Vec::new(),
        false => unit.videos().upsert_many(&videos(unit, &video_items).await?).await?,
    };
    let mut upserted = upserted.iter();
    let mut files = Vec::new();
    for item in items {
        if let Some(video) = item.as_video() {
            if !upserted.next().is_some_and(|upserted| written.videos.count(upserted)) {
                // What hangs on a deleted video is hidden with it, and left as it is. Its files are not noted, so that
                // they are read when it is there again.
                written.left_deleted.push(video.video.id.clone());
                continue;
            }
            write_parts(unit, ids, video, &mut written).await?;
        }
        files.extend(item.files.iter().cloned());
    }
    for files in files.chunks(MAX_BATCH) {
        unit.source_files().upsert_many(files).await?;
    }
    Ok(written)
}

async fn write_playlists(unit: &dyn Repositories, items: &[Item], written: &mut Written) -> Result<()> {
    let playlist = |item: &Item| match &item.subject {
        Subject::Playlist(playlist) => Some(playlist.clone()),
        Subject::Video(_) | Subject::Nothing => None,
    };
    let playlists: Vec<Playlist> = items.iter().filter_map(playlist).collect();
    if !playlists.is_empty() {
        for upserted in unit.playlists().upsert_many(&playlists).await? {
            written.playlists.count(&upserted);
        }
    }
    Ok(())
}

/// Writes what hangs on a video.
async fn write_parts(
    unit: &dyn Repositories,
    ids: &dyn IdGenerator,
    item: &VideoItem,
    written: &mut Written,
) -> Result<()> {
    for transcripts in item.transcripts.chunks(MAX_BATCH) {
        for upserted in unit.transcripts().upsert_many(transcripts).await? {
            written.transcripts.count(&upserted);
        }
    }
    let files = with_ids(unit, ids, &item.media_files).await?;
    for files in files.chunks(MAX_BATCH) {
        let upserted = unit.media_files().upsert_many(files).await?;
        for (file, upserted) in files.iter().zip(&upserted) {
            count_file(written, file, upserted);
        }
    }
    Ok(())
}

/// The videos to be written. One that is known by name alone is written as the store has it, if it has it.
async fn videos(unit: &dyn Repositories, items: &[&VideoItem]) -> Result<Vec<Video>> {
    let by_name = items.iter().filter(|item| item.known_by_name);
    let ids: Vec<VideoId> = by_name.map(|item| item.video.id.clone()).collect();
    let stored = match ids.is_empty() {
        true => Vec::new(),
        false => unit.videos().get_many(&ids, Visibility::WithDeleted).await?,
    };
    let mut stored: HashMap<VideoId, Video> =
        stored.into_iter().flatten().map(|stored| (stored.id.clone(), stored.entity)).collect();
    let video = |item: &&VideoItem| match item.known_by_name {
        true => stored.remove(&item.video.id).unwrap_or_else(|| item.video.clone()),
        false => item.video.clone(),
    };
    Ok(items.iter().map(video).collect())
}

/// The media files, each with the id under which its path is known, or a new one.
async fn with_ids(
    unit: &dyn Repositories,
    ids: &dyn IdGenerator,
    files: &[MediaFileFields],
) -> Result<Vec<MediaFile>> {
    let mut media_files = Vec::with_capacity(files.len());
    for fields in files {
        let mut fields = fields.clone();
        if fields.id.get().is_nil() {
            let known = unit.media_files().get_by_path(&fields.path, Visibility::WithDeleted).await?;
            fields.id = known.map_or_else(|| MediaFileId::new(ids.new_id()), |known| known.entity.id);
        }
        media_files.push(MediaFile::new(fields).map_err(Error::Invalid)?);
    }
    Ok(media_files)
}

fn count_file(written: &mut Written, file: &MediaFile, upserted: &Upserted<MediaFile>) {
    if !written.media_files.count(upserted) {
        let reason =
            "is known as a file of a video that was deleted, and left there; purge that video to free it";
        written.warnings.push(Note { path: file.path.clone(), reason: reason.to_owned() });
    }
}
