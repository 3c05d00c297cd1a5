//! The port of archives: where an import comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use tubeatlas_domain::{Channel, MediaFileFields, Playlist, SourceFile, SourcePath, Transcript, Video};

/// What earlier imports have noted of the files of an archive, by their paths.
pub type KnownFiles = BTreeMap<SourcePath, SourceFile>;

/// An archive of videos, which an import reads once from beginning to end.
#[async_trait]
pub trait ArchiveSource: Send + Sync {
    /// With what the paths begin under which its files are noted: of a folder its path with a separator behind it, of
    /// a single file its whole path.
    ///
    /// # Errors
    /// If it cannot be read at all.
    async fn prefixes(&self) -> Result<Vec<String>, Refusal>;

    /// Opens the archive for one reading. What has not changed since it was noted in `known` need not be read again.
    ///
    /// # Errors
    /// If it cannot be read at all; what is wrong with a single file is told by the reader.
    async fn open(&self, known: KnownFiles) -> Result<Box<dyn ArchiveReader>, Refusal>;
}

/// One reading of an archive.
///
/// # What an implementor owes
/// - It only reads. It accounts for every file that it meets and knows the kind of: exactly one of the
///   entries names or counts it.
/// - One bad file never ends the reading.
/// - It gives each video (by its id) at most once, and each playlist; playlists come before videos.
/// - The same archive gives the same entries in the same order, but that what is known and has not changed is
///   [`Unchanged`](ArchiveEntry::Unchanged).
/// - What it tells of a channel or playlist is made of all documents of the archive, those that did not change
///   included: it does not depend on what an earlier import has taken in.
/// - What it holds in memory does not grow with the archive's contents, only with the number of its files.
#[async_trait]
pub trait ArchiveReader: Send {
    /// The next entry, or `None` when all was read.
    async fn next(&mut self) -> Option<ArchiveItem>;

    /// How many entries there are, as far as it is known; for a progress bar.
    fn expected_entries(&self) -> Option<u64> {
        None
    }
}

/// An entry, and what is to be noted of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveItem {
    /// The entry. An error refuses one file, which is named in it; the reading goes on after it.
    pub entry: Result<ArchiveEntry, Refusal>,
    /// What is to be noted of its files as soon as it is taken in, where it differs from what was known. A file that
    /// could not be read for a reason that may pass is not noted, so that the next import tries it again.
    pub files: Vec<SourceFile>,
}

/// A file that cannot be taken in, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file, or the archive itself.
    pub path: PathBuf,
    /// What is wrong with it, and what to do if something can be done.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for Refusal {}

/// Something about a file that does not keep it from being taken in: a field that was left out, say. The
/// same shape as a [`Refusal`], and another verdict.
pub type Remark = Refusal;

/// What an archive holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ArchiveEntry {
    /// A video with all that belongs to it.
    Video(Box<ArchivedVideo>),
    /// A playlist, whose videos may be in the archive or not.
    Playlist(Box<ArchivedPlaylist>),
    /// A file that is not a video's and not an error: a leftover of a download.
    Ignored(Remark),
    /// Files that have not changed since an earlier import, and were not read.
    Unchanged(UnchangedFiles),
    /// A file of the archive that an earlier import has noted, and that is not there any more.
    Vanished(SourcePath),
}

/// The files of one entry that have not changed since an earlier import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnchangedFiles {
    /// How many they are.
    pub files: u64,
    /// Those of them that could not be taken in then, and cannot be now.
    pub refused: Vec<Refusal>,
    /// Those of them that were of no use then.
    pub ignored: Vec<Remark>,
}

/// A playlist as an archive knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivedPlaylist {
    /// Its document; if it is known by its videos alone, the document of one of them.
    pub path: PathBuf,
    /// The channel that keeps it, if the archive names one; the playlist refers to it.
    pub channel: Option<Channel>,
    /// The playlist.
    pub playlist: Playlist,
}

/// A video as an archive holds it, with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivedVideo {
    /// The document from which the video was read; if it is known by name alone, its first caption file.
    pub path: PathBuf,
    /// Its channel, if the archive names one; the video refers to it.
    pub channel: Option<Channel>,
    /// The video.
    pub video: Video,
    /// Whether the archive holds no document of the video, and knows nothing of it but what its files are
    /// named. An importer takes it in if it is new, and never lets it replace what is known of it.
    pub known_by_name: bool,
    /// What was said in it, each language once.
    pub transcripts: Vec<ArchivedTranscript>,
    /// Its media files; an importer replaces each nil id by the one under which the path is known, or a new
    /// one.
    pub media_files: Vec<MediaFileFields>,
    /// Files of it that cannot be taken in.
    pub refused: Vec<Refusal>,
    /// Files of it that are of no use: older documents of the same id, a leftover of a download.
    pub ignored: Vec<Remark>,
    /// Fields and files that were taken in, but not as they are.
    pub warnings: Vec<Remark>,
}

/// A transcript as an archive holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivedTranscript {
    /// The file from which it was read.
    pub path: PathBuf,
    /// The transcript.
    pub transcript: Transcript,
}
