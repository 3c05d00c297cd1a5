//! What goes into one unit of work, and how it is written.

use std::path::PathBuf;

use tubeatlas_domain::{Channel, MediaFile, MediaFileFields, MediaFileId, Transcript, Video, VideoId};
use tubeatlas_ports::archive::ArchivedVideo;
use tubeatlas_ports::{Error, IdGenerator, MAX_BATCH, Repositories, Result, Upserted, Visibility};

use super::ledger::{Heard, Ledger};
use super::report::{Counts, Note};

/// The most videos of a batch: enough to make the cost of a commit small.
const MAX_ITEMS: usize = 50;

/// The most text of a batch, in bytes, unless a single video has more: what a store indexes in well under a
/// second, so that others who want to write need not wait long.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// What is to be written of one video.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    channel: Option<Channel>,
    video: Video,
    known_by_name: bool,
    transcripts: Vec<Transcript>,
    media_files: Vec<MediaFileFields>,
}

impl Item {
    /// What is to be written, and the media files that the domain refuses.
    pub(super) fn new(archived: ArchivedVideo) -> (Self, Vec<Note>) {
        let mut refused = Vec::new();
        let mut media_files = archived.media_files;
        media_files.retain(|file| match MediaFile::new(file.clone()) {
            Ok(_) => true,
            Err(error) => {
                refused.push(Note { path: file.path.clone(), reason: error.to_string() });
                false
            }
        });
        let transcripts = archived.transcripts.into_iter().map(|it| it.transcript).collect();
        let (path, channel, video) = (archived.path, archived.channel, archived.video);
        let known_by_name = archived.known_by_name;
        (Self { path, channel, video, known_by_name, transcripts, media_files }, refused)
    }

    fn bytes(&self) -> usize {
        let cues = self.transcripts.iter().flat_map(|transcript| &transcript.cues);
        cues.map(|cue| cue.text.len()).sum::<usize>() + self.video.description.as_ref().map_or(0, String::len)
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
    pub(super) left_deleted: Vec<VideoId>,
    pub(super) warnings: Vec<Note>,
}

/// Writes the items: first the channels, then the videos, then what hangs on them.
pub(super) async fn write(
    unit: &dyn Repositories,
    ids: &dyn IdGenerator,
    ledger: &Ledger,
    items: &[Item],
) -> Result<Written> {
    let channels = ledger.write(unit, items.iter().filter_map(|item| item.channel.as_ref())).await?;
    let mut written = Written { channels, ..Written::default() };
    let videos = unit.videos().upsert_many(&videos(unit, items).await?).await?;
    for (item, video) in items.iter().zip(&videos) {
        if !written.videos.count(video) {
            // What hangs on a deleted video is hidden with it, and left as it is.
            written.left_deleted.push(item.video.id.clone());
            continue;
        }
        for transcripts in item.transcripts.chunks(MAX_BATCH) {
            for upserted in unit.transcripts().upsert_many(transcripts).await? {
                written.transcripts.count(&upserted);
            }
        }
        let files = with_ids(unit, ids, &item.media_files).await?;
        for files in files.chunks(MAX_BATCH) {
            let upserted = unit.media_files().upsert_many(files).await?;
            for (file, upserted) in files.iter().zip(&upserted) {
                count_file(&mut written, file, upserted);
            }
        }
    }
    Ok(written)
}

/// The videos to be written. One that is known by name alone is written as the store has it, if it has it.
async fn videos(unit: &dyn Repositories, items: &[Item]) -> Result<Vec<Video>> {
    let by_name = items.iter().filter(|item| item.known_by_name);
    let ids: Vec<VideoId> = by_name.map(|item| item.video.id.clone()).collect();
    let mut stored = match ids.is_empty() {
        true => Vec::new(),
        false => unit.videos().get_many(&ids, Visibility::WithDeleted).await?,
    }
    .into_iter();
    let video = |item: &Item| match item.known_by_name {
        true => stored.next().flatten().map_or_else(|| item.video.clone(), |stored| stored.entity),
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
