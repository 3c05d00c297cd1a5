//! What an import tells when it is done.

use std::ops::AddAssign;
use std::path::Path;

use serde::Serialize;
use tubeatlas_domain::{SourcePath, VideoId};
use tubeatlas_ports::Upserted;
use tubeatlas_ports::archive::Refusal;

/// How many were created, updated and left as they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Were not there.
    pub created: u64,
    /// Were there and differed.
    pub updated: u64,
    /// Were there and equal.
    pub unchanged: u64,
}

impl Counts {
    /// All together.
    pub fn total(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }

    /// Counts what became of an upsert; `false` if it was left deleted.
    pub(super) fn count<E>(&mut self, upserted: &Upserted<E>) -> bool {
        match upserted {
            Upserted::Created(_) => self.created += 1,
            Upserted::Updated(_) => self.updated += 1,
            Upserted::Unchanged(_) => self.unchanged += 1,
            Upserted::LeftDeleted => return false,
        }
        true
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }
}

/// A file, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file. What is not UTF-8 in its name is shown as U+FFFD.
    pub path: String,
    /// What there is to say.
    pub reason: String,
}

impl Note {
    pub(super) fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.display().to_string(), reason: reason.into() }
    }
}

impl From<Refusal> for Note {
    fn from(refusal: Refusal) -> Self {
        Self::new(&refusal.path, refusal.reason)
    }
}

/// What an import did. Its JSON form is stable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// What became of the videos.
    pub videos: Counts,
    /// What became of the transcripts.
    pub transcripts: Counts,
    /// What became of the channels; each is counted once, however many of its videos there are.
    pub channels: Counts,
    /// What became of the media files.
    pub media_files: Counts,
    /// What became of the playlists.
    pub playlists: Counts,
    /// How many files were not read, because they have not changed since an earlier import.
    pub unchanged_files: u64,
    /// The videos that are in the archive, but were deleted from the catalogue, and stay so.
    pub left_deleted: Vec<VideoId>,
    /// The files that an earlier import has met and that are gone. What they gave stays in the catalogue.
    pub vanished: Vec<SourcePath>,
    /// The files that cannot be taken in, those included that an earlier import has refused and that did not change.
    pub refused: Vec<Note>,
    /// The files that are of no use: an older document of the same video, a leftover of a download.
    pub ignored: Vec<Note>,
    /// The fields and files that were taken in now, but not as they are.
    pub warnings: Vec<Note>,
}

impl ImportReport {
    /// Whether the archive held nothing that could have been taken in.
    pub fn is_empty(&self) -> bool {
        self.videos.total() == 0
            && self.left_deleted.is_empty()
            && self.playlists.total() == 0
            && self.unchanged_files == 0
            && self.refused.is_empty()
            && self.ignored.is_empty()
    }
}
