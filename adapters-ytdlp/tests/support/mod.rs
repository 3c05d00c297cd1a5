//! Archives that tests write.

#![allow(dead_code, unreachable_pub, reason = "each file of tests uses a part of it")]

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tubeatlas_adapters_ytdlp::YtDlpArchive;
use tubeatlas_ports::archive::{ArchiveItem, ArchiveSource, KnownFiles, Refusal};

pub const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nfrom SubRip\n";
pub const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nfrom WebVTT\n";
pub const ROLLING: &str = "WEBVTT\nKind: captions\nLanguage: en\n\n\
    00:00:01.000 --> 00:00:02.000 align:start position:0%\n \nso<00:00:01.500><c> hello</c>\n\n\
    00:00:02.000 --> 00:00:02.010 align:start position:0%\nso hello\n \n\n\
    00:00:02.010 --> 00:00:03.000 align:start position:0%\nso hello\nwelcome\n\n\
    00:00:03.000 --> 00:00:03.010 align:start position:0%\nwelcome\n \n\n";

pub struct Archive(TempDir);

impl Archive {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn root(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Writes the document of a video with this id, and these fields beside.
    pub fn document(&self, name: &str, id: &str, fields: Value) -> &Self {
        let mut document = json!({"id": id, "title": format!("title of {id}")});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.write(name, document.to_string())
    }
}

pub fn items(paths: Vec<PathBuf>, known: KnownFiles) -> Result<Vec<ArchiveItem>, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut reader = YtDlpArchive::new(paths).open(known).await?;
        let mut entries = Vec::new();
        while let Some(item) = reader.next().await {
            entries.push(item);
        }
        assert_eq!(reader.expected_entries(), Some(entries.len() as u64));
        assert!(reader.next().await.is_none());
        Ok(entries)
    })
}

/// An archive in which everything occurs.
pub fn everything() -> Archive {
    let archive = Archive::new();
    archive
        .document(
            "Channel/A talk v1.2 [aaaaaaaaaaa].info.json",
            "aaaaaaaaaaa",
            json!({"extractor": "youtube", "channel_id": "UC1", "channel": "C", "width": 1920, "height": 1080, "fps": 29.97,
                "vcodec": "vp9", "acodec": "opus", "subtitles": {"de": []}, "automatic_captions": {"en": [], "de": []},
                "view_count": "many", "language": "en"}),
        )
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].en.vtt", ROLLING)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].en.srt", SRT)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].de.srt", SRT)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].zh-Hans.vtt", VTT)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].zh-Hant.vtt", VTT)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].fr.vtt", "<!DOCTYPE html><html>429")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].fr.srt", SRT)
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].ja.ass", "{}")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].live_chat.json", "{}\n{}")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].mkv", "12345")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].f137.mp4", "12")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].f251.webm.part", "1")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].temp.mkv", "1")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].webp", "1")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].0.jpg", "1")
        .write("Channel/A talk v1.2 [aaaaaaaaaaa].description", "words")
        .write("Channel/._A talk v1.2 [aaaaaaaaaaa].info.json", "\0\u{5}\u{16}")
        .document("Playlist [PL1].info.json", "PL1", json!({"_type": "playlist", "entries": []}))
        .write("Playlist [PL1].jpg", "1")
        .write("Playlist [PL1].en.srt", SRT)
        .document("by-kind/info/Kinds [bbbbbbbbbbb].info.json", "bbbbbbbbbbb", json!({}))
        .write("by-kind/subs/Kinds [bbbbbbbbbbb].en.vtt", VTT)
        .write("by-kind/videos/Kinds [bbbbbbbbbbb].mp4", "1")
        .write("by-kind/videos/Kinds - 001 Intro [bbbbbbbbbbb].mp4", "1")
        .document("old/Old-style--ccccccc-c.info.json", "-ccccccc-c", json!({}))
        .write("old/subs/Old-style--ccccccc-c.en.srt", SRT)
        .document("twice/1.info.json", "twice", json!({"epoch": 2, "title": "newest"}))
        .document("twice/2.info.json", "twice", json!({"epoch": 1}))
        .document("twice/3.info.json", "twice", json!({}))
        .write("twice/1.en.srt", VTT)
        .write("twice/2.en.srt", SRT)
        .write("twice/3.uk.srt", SRT)
        .document("two platforms/a.info.json", "7777777", json!({"extractor_key": "Youtube"}))
        .document("two platforms/b.info.json", "7777777", json!({"extractor_key": "TwitchClips"}))
        .write("two platforms/b.en.srt", SRT)
        .write("bad/cut.info.json", r#"{"id": "cut", "title": "#)
        .write("bad/cut.en.srt", SRT)
        .write("bad/cut.mp4", "1")
        .write("bad/empty.info.json", "")
        .write("bad/no id.info.json", r#"{"title": "t"}"#)
        .write("bad/no title.info.json", r#"{"id": "no title", "title": null}"#)
        .write("bad/folder.info.json/nothing.txt", "")
        .write("bad/Nobody [Remastered].en.vtt", VTT)
        .write("bad/Nobody [Remastered].mp4", "1")
        .write("bad/Page [xXpage0000-].en.vtt", "<!DOCTYPE html>")
        .write("bad/Page [xXpage0000-].mp4", "1")
        .write("by name/What： now？ [xXname0000-].en.vtt", VTT)
        .write("by name/What： now？ [xXname0000-].uk.srt", SRT)
        .write("by name/What： now？ [xXname0000-].webm", "1")
        .write("by name/What： now？ [xXname0000-].webp", "1")
        .write("bad/half.mp4.part", "")
        .write("archive.txt", "youtube aaaaaaaaaaa\n")
        .write("notes.txt", "not ours")
        .write("holiday.jpg", "not ours");
    archive
}
