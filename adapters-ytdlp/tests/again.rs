//! Reading an archive again, with what was noted of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that clippy exempts")]

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::json;
use support::{Archive, SRT, VTT, everything, items};
use tubeatlas_adapters_ytdlp::YtDlpArchive;
use tubeatlas_domain::{SourceOutcome, SourceVerdict};
use tubeatlas_ports::archive::{
    ArchiveEntry, ArchiveItem, ArchiveSource, ArchivedPlaylist, ArchivedVideo, KnownFiles,
};

/// A reading, and what an import would have noted after it.
struct Again {
    known: KnownFiles,
    items: Vec<ArchiveItem>,
}

impl Again {
    fn new() -> Self {
        Self { known: KnownFiles::new(), items: Vec::new() }
    }

    fn read(&mut self, roots: Vec<PathBuf>) -> &Self {
        self.items = items(roots, self.known.clone()).unwrap();
        for file in self.items.iter().flat_map(|item| &item.files) {
            self.known.insert(file.path.clone(), file.clone());
        }
        self
    }

    /// The videos that were read.
    fn videos(&self) -> Vec<&ArchivedVideo> {
        self.items
            .iter()
            .filter_map(|item| match &item.entry {
                Ok(ArchiveEntry::Video(video)) => Some(&**video),
                _ => None,
            })
            .collect()
    }

    fn ids(&self) -> Vec<&str> {
        self.videos().iter().map(|video| video.video.id.as_str()).collect()
    }

    fn playlists(&self) -> Vec<&ArchivedPlaylist> {
        self.items
            .iter()
            .filter_map(|item| match &item.entry {
                Ok(ArchiveEntry::Playlist(playlist)) => Some(&**playlist),
                _ => None,
            })
            .collect()
    }

    /// What is not read again: how many files, and the names of those that were refused and ignored.
    fn unchanged(&self) -> (u64, usize, usize) {
        let (mut files, mut refused, mut ignored) = (0, 0, 0);
        for item in &self.items {
            if let Ok(ArchiveEntry::Unchanged(unchanged)) = &item.entry {
                files += unchanged.files;
                refused += unchanged.refused.len();
                ignored += unchanged.ignored.len();
            }
        }
        (files, refused, ignored)
    }

    fn noted(&self) -> usize {
        self.items.iter().map(|item| item.files.len()).sum()
    }

    fn vanished(&self) -> Vec<&str> {
        self.items
            .iter()
            .filter_map(|item| match &item.entry {
                Ok(ArchiveEntry::Vanished(path)) => path.as_str().rsplit('/').next(),
                _ => None,
            })
            .collect()
    }
}

/// How many entries, and files in them, are refused and ignored.
fn told(items: &[ArchiveItem]) -> (usize, usize) {
    let mut counts = (0, 0);
    for item in items {
        let (refused, ignored) = match &item.entry {
            Ok(ArchiveEntry::Video(video)) => (video.refused.len(), video.ignored.len()),
            Ok(ArchiveEntry::Unchanged(unchanged)) => (unchanged.refused.len(), unchanged.ignored.len()),
            Ok(ArchiveEntry::Ignored(_)) => (0, 1),
            Ok(ArchiveEntry::Playlist(_) | ArchiveEntry::Vanished(_)) => (0, 0),
            Err(_) => (1, 0),
        };
        counts = (counts.0 + refused, counts.1 + ignored);
    }
    counts
}

fn touch(path: PathBuf, seconds: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn what_has_not_changed_is_not_read_again_and_told_as_before() {
    let archive = everything();
    let mut again = Again::new();
    let first = told(&again.read(vec![archive.root()]).items);
    assert!(again.ids().len() == 6 && again.noted() > 20 && first.0 > 5 && first.1 > 5, "{first:?}");

    again.read(vec![archive.root()]);
    assert_eq!((again.ids(), again.playlists().len(), again.noted()), (vec![], 0, 0));
    assert_eq!(told(&again.items), first);
    // However the archive is named.
    again.read(vec![archive.root().join("bad/.."), archive.root().join("bad")]);
    assert_eq!((again.ids(), again.vanished()), (vec![], vec![]));
}

#[test]
fn contents_tell_when_only_times_have_changed() {
    let archive = Archive::new();
    archive.document("a [a].info.json", "a", json!({})).write("a [a].en.vtt", VTT).write("a [a].mp4", "1");
    archive.document("b [b].info.json", "b", json!({}));
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    touch(archive.root().join("a [a].info.json"), 1_000);
    touch(archive.root().join("a [a].en.vtt"), 1_000);
    again.read(vec![archive.root()]);
    assert_eq!((again.ids(), again.noted(), again.unchanged()), (vec![], 2, (4, 0, 0)));
    assert_eq!(again.read(vec![archive.root()]).noted(), 0);
    // A media file is not read, so its time is all that there is.
    touch(archive.root().join("a [a].mp4"), 1_000);
    assert_eq!(again.read(vec![archive.root()]).ids(), ["a"]);
    // Other contents of the same length.
    archive.write("a [a].en.vtt", VTT.replace("WebVTT", "wEBvtt"));
    touch(archive.root().join("a [a].en.vtt"), 2_000);
    assert_eq!(again.read(vec![archive.root()]).ids(), ["a"]);
    assert_eq!(again.videos()[0].transcripts[0].transcript.cues[0].text, "from wEBvtt");
}

#[test]
fn a_file_that_comes_or_changes_has_its_video_read_again_and_no_other() {
    let archive = Archive::new();
    for id in ["aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc"] {
        archive.document(&format!("{id}.info.json"), id, json!({}));
        archive.write(&format!("{id}.en.srt"), SRT);
    }
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    archive.write("elsewhere/[bbbbbbbbbbb].de.srt", SRT);
    assert_eq!(again.read(vec![archive.root()]).ids(), ["bbbbbbbbbbb"]);
    assert_eq!(again.videos()[0].transcripts.len(), 2);
    archive.document("ccccccccccc.info.json", "ccccccccccc", json!({"view_count": 5}));
    assert_eq!(again.read(vec![archive.root()]).ids(), ["ccccccccccc"]);
    archive.document("new.info.json", "new", json!({}));
    assert_eq!(again.read(vec![archive.root()]).ids(), ["new"]);
    // A file that was refused, because nothing told whose it is, is taken in when something does.
    archive.write("late.en.srt", SRT);
    again.read(vec![archive.root()]);
    assert!(again.items.iter().any(|item| item.entry.is_err()));
    archive.document("late.info.json", "late", json!({}));
    assert_eq!(again.read(vec![archive.root()]).ids(), ["late"]);
    assert_eq!(again.videos()[0].transcripts.len(), 1);
    assert_eq!(again.read(vec![archive.root()]).unchanged().0, 10);
}

#[test]
fn a_file_that_has_not_changed_is_read_with_the_video_to_which_it_now_belongs() {
    let archive = Archive::new();
    archive.document("info/Talk.info.json", "a", json!({"title": "Talk"})).write("subs/Talk.en.srt", SRT);
    archive.document("subs/Talk.info.json", "b", json!({"title": "Talk"}));
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    fs::remove_file(archive.root().join("subs/Talk.info.json")).unwrap();
    assert_eq!(again.read(vec![archive.root()]).ids(), ["a"]);
    assert_eq!(again.videos()[0].transcripts.len(), 1);
}

#[test]
fn what_has_vanished_is_told_and_changes_nothing() {
    let archive = Archive::new();
    archive.document("old/v.info.json", "v", json!({"epoch": 1})).document(
        "new/v.info.json",
        "v",
        json!({"epoch": 2}),
    );
    archive.document("w.info.json", "w", json!({})).write("w.en.srt", SRT);
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    for name in ["new/v.info.json", "w.en.srt"] {
        fs::remove_file(archive.root().join(name)).unwrap();
    }
    for _ in 0..2 {
        again.read(vec![archive.root()]);
        assert_eq!((again.ids(), again.vanished()), (vec![], vec!["v.info.json", "w.en.srt"]));
    }
    // Of another part of the archive nothing is said.
    assert_eq!(again.read(vec![archive.root().join("old")]).vanished(), [""; 0]);
    let one = again.read(vec![archive.root().join("w.info.json")]);
    assert_eq!((one.vanished(), one.unchanged().0), (vec![], 1));
}

#[test]
fn another_version_of_the_reader_reads_all_again() {
    let archive = Archive::new();
    archive.document("v.info.json", "v", json!({}));
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    for file in again.known.values_mut() {
        let mut fields = file.clone().into_fields();
        fields.reader_version += 1;
        *file = tubeatlas_domain::SourceFile::new(fields).unwrap();
    }
    assert_eq!(again.read(vec![archive.root()]).ids(), ["v"]);
    assert_eq!(again.read(vec![archive.root()]).unchanged().0, 1);
}

#[test]
fn a_playlist_is_made_of_its_document_and_of_those_of_its_videos() {
    let archive = Archive::new();
    let place =
        |index: u32| json!({"playlist_id": "PL1", "playlist_title": "old title", "playlist_index": index});
    archive.document("a.info.json", "a", place(2)).document("b.info.json", "b", place(1));
    archive.document(
        "c.info.json",
        "c",
        json!({"playlist_id": "UCx", "channel_id": "UCx", "playlist_index": 1}),
    );
    let list = json!({"_type": "playlist", "title": "Talks", "description": "All", "channel_id": "UCx", "channel": "X"});
    let mut again = Again::new();
    {
        let alone = again.read(vec![archive.root()]).playlists();
        assert_eq!(alone.len(), 1);
        assert_eq!((&*alone[0].playlist.title, &alone[0].channel), ("old title", &None));
    }
    archive.document("Talks [PL1].info.json", "PL1", list.clone());
    {
        let lists = again.read(vec![archive.root()]).playlists();
        let playlist = &lists[0].playlist;
        let videos: Vec<_> = playlist.videos.iter().map(|id| id.as_str()).collect();
        assert_eq!(
            (&*playlist.title, playlist.description.as_deref(), videos),
            ("Talks", Some("All"), vec!["b", "a"])
        );
        assert_eq!(lists[0].channel.as_ref().unwrap().title, "X");
    }
    assert_eq!(again.ids(), [""; 0], "no video has changed");
    assert_eq!(again.read(vec![archive.root()]).playlists().len(), 0);
    // One more video, and one that vanished: its place is kept.
    fs::remove_file(archive.root().join("b.info.json")).unwrap();
    archive.document("d.info.json", "d", place(3));
    let again = again.read(vec![archive.root()]);
    let videos: Vec<_> = again.playlists()[0].playlist.videos.iter().map(|id| id.as_str()).collect();
    assert_eq!((videos, again.ids()), (vec!["b", "a", "d"], vec!["d"]));
    // A list that the document itself gives.
    let archive = Archive::new();
    let mut whole = list;
    whole["entries"] = json!([{"id": "y", "formats": [1]}, {"id": 7}, null, {"id": "x"}, {"id": "y"}]);
    archive.document("PL2.info.json", "PL2", whole).document(
        "x.info.json",
        "x",
        json!({"playlist_id": "PL2"}),
    );
    let mut again = Again::new();
    let lists = again.read(vec![archive.root()]).playlists();
    let videos: Vec<_> = lists[0].playlist.videos.iter().map(|id| id.as_str()).collect();
    assert_eq!(videos, ["y", "x", "y"]);
}

#[test]
fn a_channel_is_what_its_newest_document_says_whichever_is_read() {
    let archive = Archive::new();
    let of = |epoch: u32, title: &str| json!({"channel_id": "UC1", "channel": title, "epoch": epoch});
    let mut newest = of(3, "Newest");
    newest["uploader_id"] = json!("@handle");
    archive.document("a.info.json", "a", of(1, "Oldest"));
    archive.document("b.info.json", "b", newest);
    archive.document(
        "c.info.json",
        "c",
        json!({"channel_id": "UC1", "channel_url": "https://e.com/c", "epoch": 2}),
    );
    let mut again = Again::new();
    for round in 0..2 {
        again.read(vec![archive.root()]);
        for video in again.videos() {
            let channel = video.channel.as_ref().unwrap();
            let fields = (&*channel.title, channel.handle.as_deref(), channel.url.as_deref());
            assert_eq!(fields, ("Newest", Some("@handle"), Some("https://e.com/c")), "round {round}");
        }
        // Then only the oldest is read.
        archive.document("a.info.json", "a", of(1, "Oldest of all"));
    }
    assert_eq!(again.ids(), ["a"]);
}

#[test]
fn a_file_that_could_not_be_read_is_not_noted() {
    let archive = Archive::new();
    archive.document("v.info.json", "v", json!({})).write("v.en.vtt", "<!DOCTYPE html>");
    archive.write("broken.info.json", "{");
    let mut again = Again::new();
    again.read(vec![archive.root()]);
    let refused = again.known.values().filter(|file| file.outcome.verdict() == SourceVerdict::Refused);
    assert_eq!(refused.count(), 2, "what is in these files is noted");
    let outcome = |name: &str| {
        let file = again.known.values().find(|file| file.path.as_str().ends_with(name));
        file.map(|file| file.outcome.clone())
    };
    assert_eq!(outcome("v.info.json"), Some(SourceOutcome::Imported));
    // One that goes between the listing and the reading.
    archive.document("w.info.json", "w", json!({})).write("w.en.srt", SRT);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let noted: Vec<_> = runtime.block_on(async {
        let mut reader = YtDlpArchive::new(vec![archive.root()]).open(again.known.clone()).await.unwrap();
        fs::remove_file(archive.root().join("w.en.srt")).unwrap();
        let mut noted = Vec::new();
        while let Some(item) = reader.next().await {
            noted.extend(item.files.iter().map(|file| file.path.clone()));
        }
        noted
    });
    let names: Vec<_> = noted.iter().filter_map(|path| path.as_str().rsplit('/').next()).collect();
    assert_eq!(names, ["w.info.json"]);
}
