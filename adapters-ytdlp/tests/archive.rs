//! Whole archives, as folders that each test writes.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that clippy exempts")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tubeatlas_adapters_ytdlp::YtDlpArchive;
use tubeatlas_domain::TranscriptKind;
use tubeatlas_ports::archive::{
    ArchiveEntry, ArchiveSource, ArchivedPlaylist, ArchivedVideo, KnownFiles, Refusal,
};

use support::{Archive, ROLLING, SRT, VTT, everything, items};

impl Archive {
    fn read(&self) -> Reading {
        Reading::of(vec![self.root()], &self.root())
    }
}

/// What a reading gave, with paths from the root of the archive.
#[derive(Debug, PartialEq)]
struct Reading {
    videos: BTreeMap<String, ArchivedVideo>,
    playlists: BTreeMap<String, ArchivedPlaylist>,
    ignored: BTreeMap<String, String>,
    refused: BTreeMap<String, String>,
    /// Every path that an entry names, in the order of the entries.
    named: Vec<String>,
}

impl Reading {
    fn of(paths: Vec<PathBuf>, root: &Path) -> Self {
        let entries = entries(paths).unwrap();
        let local = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_str().unwrap().to_owned();
        let mut it = Self {
            videos: BTreeMap::new(),
            playlists: BTreeMap::new(),
            ignored: BTreeMap::new(),
            refused: BTreeMap::new(),
            named: vec![],
        };
        for entry in entries {
            match entry {
                Err(Refusal { path, reason }) => {
                    it.named.push(local(&path));
                    it.refused.insert(local(&path), reason);
                }
                Ok(ArchiveEntry::Ignored(remark)) => {
                    it.named.push(local(&remark.path));
                    it.ignored.insert(local(&remark.path), remark.reason);
                }
                Ok(ArchiveEntry::Playlist(playlist)) => {
                    let path = local(&playlist.path);
                    it.named.extend(path.contains(playlist.playlist.id.as_str()).then_some(path));
                    it.playlists.insert(playlist.playlist.id.to_string(), *playlist);
                }
                Ok(entry @ (ArchiveEntry::Unchanged(_) | ArchiveEntry::Vanished(_))) => {
                    panic!("nothing was known, and there is {entry:?}")
                }
                Ok(ArchiveEntry::Video(video)) => {
                    it.named.extend((!video.known_by_name).then(|| local(&video.path)));
                    it.named.extend(video.transcripts.iter().map(|transcript| local(&transcript.path)));
                    it.named.extend(video.media_files.iter().map(|file| local(Path::new(&file.path))));
                    let thumbnail = video.media_files.first().and_then(|file| file.thumbnail_path.as_ref());
                    it.named.extend(thumbnail.map(|path| local(Path::new(path))));
                    it.named
                        .extend(video.refused.iter().chain(&video.ignored).map(|remark| local(&remark.path)));
                    for refusal in &video.refused {
                        it.refused.insert(local(&refusal.path), refusal.reason.clone());
                    }
                    for remark in &video.ignored {
                        it.ignored.insert(local(&remark.path), remark.reason.clone());
                    }
                    it.videos.insert(video.video.id.to_string(), *video);
                }
            }
        }
        it
    }

    /// The languages of a video's transcripts, and what is said in the first cue of each.
    fn transcripts(&self, id: &str) -> Vec<(&str, &str)> {
        let transcripts = self.videos[id].transcripts.iter().map(|it| &it.transcript);
        transcripts.map(|it| (it.language.as_str(), it.cues[0].text.as_str())).collect()
    }
}

fn entries(paths: Vec<PathBuf>) -> Result<Vec<Result<ArchiveEntry, Refusal>>, Refusal> {
    Ok(items(paths, KnownFiles::new())?.into_iter().map(|item| item.entry).collect())
}

#[test]
fn every_file_of_a_known_kind_is_named_by_exactly_one_entry() {
    let archive = everything();
    let mut named = archive.read().named;
    named.sort();
    let mut files = Vec::new();
    let mut folders = vec![archive.root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(archive.root()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            }
            let unknown = ["notes.txt", "holiday.jpg", "bad/folder.info.json/nothing.txt"];
            if (path_is_file(&archive, &name) && !unknown.contains(&&*name)) || name.ends_with(".info.json") {
                files.push(name);
            }
        }
    }
    files.sort();
    assert_eq!(named, files);
}

fn path_is_file(archive: &Archive, name: &str) -> bool {
    archive.root().join(name).is_file()
}

#[test]
fn a_video_has_all_that_belongs_to_it() {
    let reading = everything().read();
    let video = &reading.videos["aaaaaaaaaaa"];
    assert_eq!(video.channel.as_ref().unwrap().title, "C");
    assert_eq!(
        reading.transcripts("aaaaaaaaaaa"),
        [
            ("de", "from SubRip"),
            ("en", "so hello"),
            ("fr", "from SubRip"),
            ("zh-Hans", "from WebVTT"),
            ("zh-Hant", "from WebVTT"),
        ]
    );
    let kinds: Vec<_> = video.transcripts.iter().map(|it| it.transcript.kind).collect();
    assert_eq!(kinds[..2], [TranscriptKind::Manual, TranscriptKind::Automatic]);
    assert_eq!(video.transcripts[1].transcript.text(), "so hello\nwelcome");
    assert_eq!(video.warnings.len(), 1, "{:?}", video.warnings);

    let [media] = &video.media_files[..] else { panic!("{:?}", video.media_files) };
    assert_eq!((media.size_bytes, media.width, media.height), (Some(5), Some(1920), Some(1080)));
    assert_eq!((media.video_codec.as_deref(), media.audio_codec.as_deref()), (Some("vp9"), Some("opus")));
    assert_eq!(media.frame_rate.map(|rate| (rate.numerator(), rate.denominator())), Some((30_000, 1_001)));
    assert!(media.thumbnail_path.as_ref().unwrap().ends_with("[aaaaaaaaaaa].webp"));
    assert!(Path::new(&media.path).is_absolute());

    let talk = |ending: &str| format!("Channel/A talk v1.2 [aaaaaaaaaaa].{ending}");
    for (file, reason) in [("fr.vtt", "an HTML page, not captions"), ("ja.ass", "not read yet; convert it")] {
        assert!(reading.refused[&talk(file)].contains(reason), "{file}: {:?}", reading.refused);
    }
    for (file, reason) in [
        ("en.srt", "holds the captions in en as well"),
        ("live_chat.json", "live chat"),
        ("f137.mp4", "were merged"),
        ("f251.webm.part", "unfinished download"),
        ("temp.mkv", "unfinished download"),
        ("0.jpg", "is a picture"),
        ("description", "nothing that the document does not"),
    ] {
        assert!(reading.ignored[&talk(file)].contains(reason), "{file}: {:?}", reading.ignored);
    }
}

#[test]
fn files_are_found_by_the_id_in_their_name() {
    let reading = everything().read();
    assert_eq!(reading.transcripts("bbbbbbbbbbb"), [("en", "from WebVTT")]);
    let media = &reading.videos["bbbbbbbbbbb"].media_files;
    assert_eq!(media.len(), 2);
    assert_eq!(reading.transcripts("-ccccccc-c"), [("en", "from SubRip")]);
}

#[test]
fn the_newest_document_of_an_id_is_taken() {
    let reading = everything().read();
    let video = &reading.videos["twice"];
    assert_eq!(video.video.title, "newest");
    for other in ["twice/2.info.json", "twice/3.info.json"] {
        assert!(reading.ignored[other].contains("twice/1.info.json is newer"), "{:?}", reading.ignored);
    }
    // Captions beside the others are the video's too.
    assert_eq!(reading.transcripts("twice"), [("en", "from WebVTT"), ("uk", "from SubRip")]);
    assert!(reading.ignored.contains_key("twice/2.en.srt"));

    // Without an epoch that with more views is newer; if nothing tells, the last by name.
    let archive = Archive::new();
    archive
        .document("a.info.json", "v", json!({"title": "a"}))
        .document("b.info.json", "v", json!({"title": "b"}))
        .document("c.info.json", "w", json!({"title": "c", "view_count": 20}))
        .document("d.info.json", "w", json!({"title": "d", "view_count": 7}))
        .document("e.info.json", "w", json!({"title": "e"}));
    let reading = archive.read();
    assert_eq!(reading.videos["v"].video.title, "b");
    assert_eq!(reading.videos["w"].video.title, "c");
}

#[test]
fn what_cannot_be_taken_in_is_refused_with_the_reason() {
    let reading = everything().read();
    for (file, reason) in [
        ("bad/cut.info.json", "cut off"),
        ("bad/cut.en.srt", "belongs to "),
        ("bad/empty.info.json", "is empty"),
        ("bad/no id.info.json", "has no id"),
        ("bad/no title.info.json", "has no title"),
        ("bad/folder.info.json", "is a folder"),
        ("bad/Nobody [Remastered].en.vtt", "no *.info.json has its name"),
        ("bad/Page [xXpage0000-].en.vtt", "an HTML page"),
        ("two platforms/b.info.json", "another platform (twitchclips, not youtube)"),
        ("two platforms/b.en.srt", "which was refused"),
        ("Playlist [PL1].en.srt", "which describes no video"),
    ] {
        assert!(reading.refused[file].contains(reason), "{file}: {:?}", reading.refused);
    }
    for (file, reason) in [
        ("Playlist [PL1].jpg", "which describes no video"),
        ("bad/Nobody [Remastered].mp4", "belongs to no video"),
        ("bad/Page [xXpage0000-].mp4", "its captions were refused"),
        ("bad/half.mp4.part", "unfinished download"),
        ("archive.txt", "list of what was downloaded"),
    ] {
        assert!(reading.ignored[file].contains(reason), "{file}: {:?}", reading.ignored);
    }
    assert_eq!((reading.videos.len(), reading.playlists.len()), (6, 1));
}

#[test]
fn captions_without_a_document_are_a_video_known_by_name() {
    let archive = everything();
    archive.document("Channel/other.info.json", "-w4w9WgXc-Q", json!({"title": "has a document"}));
    archive.write("Glued-dQw4w9WgXcQ.en.srt", SRT).write("Known--w4w9WgXc-Q.en.srt", SRT);
    let reading = archive.read();
    let video = &reading.videos["xXname0000-"];
    assert!(video.known_by_name);
    assert_eq!(video.video.title, "What: now?");
    assert_eq!(video.video.url.as_deref(), Some("https://www.youtube.com/watch?v=xXname0000-"));
    assert_eq!(video.video.extra.get("known_by_name"), Some(&json!(true)));
    assert_eq!(reading.transcripts("xXname0000-"), [("en", "from WebVTT"), ("uk", "from SubRip")]);
    assert_eq!(video.media_files.len(), 1);
    assert!(video.warnings[0].reason.contains("has no *.info.json"), "{:?}", video.warnings);
    assert!(video.path.ends_with("What： now？ [xXname0000-].en.vtt"));
    assert_eq!(reading.videos["dQw4w9WgXcQ"].video.title, "Glued");
    assert!(!reading.videos["-w4w9WgXc-Q"].known_by_name);
}

#[test]
fn names_are_compared_whatever_wrote_them() {
    let archive = Archive::new();
    archive
        .document("Cafe\u{301}： a？.info.json", "decomposed", json!({}))
        .write("Café： a？.en.srt", SRT)
        .document("Why? \"so\".info.json", "replaced", json!({}))
        .write("Why？ ＂so＂.en.srt", SRT)
        .document("info/A talk.info.json", "apart", json!({"title": "A talk"}))
        .write("subs/A talk.en.srt", SRT)
        .write("videos/A talk.mp4", "1")
        // `video` is no title, so that it does not tell whose these are.
        .document("x/one/video.info.json", "one", json!({"title": "First"}))
        .write("x/two/video.en.srt", SRT);
    let reading = archive.read();
    for id in ["decomposed", "replaced", "apart"] {
        assert_eq!(reading.transcripts(id), [("en", "from SubRip")], "{id}");
    }
    assert_eq!(reading.videos["apart"].media_files.len(), 1);
    assert!(reading.refused["x/two/video.en.srt"].contains("belongs to no video"), "{:?}", reading.refused);
}

#[test]
fn of_several_videos_of_one_title_the_folders_decide() {
    let intro = json!({"title": "Introduction"});
    let archive = Archive::new();
    archive
        .document("info/Ann/Introduction.info.json", "ann", intro.clone())
        .document("info/Bob/Introduction.info.json", "bob", intro)
        .write("subs/Ann/Introduction.en.srt", SRT)
        .write("subs/Bob/Introduction.en.srt", SRT)
        .write("subs/Introduction.en.srt", SRT);
    let reading = archive.read();
    for (id, file) in [("ann", "subs/Ann/Introduction.en.srt"), ("bob", "subs/Bob/Introduction.en.srt")] {
        assert!(reading.videos[id].transcripts[0].path.ends_with(file));
    }
    let reason = &reading.refused["subs/Introduction.en.srt"];
    assert!(
        reason.contains("may belong to") && reason.contains("info/Bob/Introduction.info.json"),
        "{reason}"
    );
}

#[test]
fn what_a_document_tells_of_the_picture_is_kept_with_the_right_file() {
    let archive = Archive::new();
    let size = json!({"width": 1920, "height": 1080, "ext": "mp4", "vcodec": "vp9", "acodec": "opus"});
    archive
        .document("T [aaaaaaaaaaa].info.json", "aaaaaaaaaaa", size.clone())
        .write("T [aaaaaaaaaaa].mp4", "1")
        .write("T [aaaaaaaaaaa].m4a", "1")
        .write("T - 001 Intro [aaaaaaaaaaa].mp4", "1")
        .write("T - 002 End [aaaaaaaaaaa].mp4", "1")
        .document("U.info.json", "merged", size)
        .write("U.mkv", "1")
        .document(
            "V.info.json",
            "unmerged",
            json!({"width": 640, "formats": [{"format_id": "137", "width": 1280, "vcodec": "avc1", "acodec": "none"}, {"format_id": "140", "acodec": "mp4a", "width": null}]}),
        )
        .write("V.f137.mp4", "1")
        .write("V.f140.m4a", "1")
        .write("V.f999.mp4", "1");
    let reading = archive.read();
    let media = |id: &str| -> Vec<(String, Option<u32>, Option<String>)> {
        let files = reading.videos[id].media_files.iter();
        files.map(|file| (file.file_name.clone(), file.width, file.audio_codec.clone())).collect()
    };
    let file = |name: &str, width, codec: Option<&str>| (name.to_owned(), width, codec.map(str::to_owned));
    assert_eq!(
        media("aaaaaaaaaaa"),
        [
            file("T - 001 Intro [aaaaaaaaaaa].mp4", None, None),
            file("T - 002 End [aaaaaaaaaaa].mp4", None, None),
            file("T [aaaaaaaaaaa].m4a", None, None),
            file("T [aaaaaaaaaaa].mp4", Some(1920), Some("opus")),
        ]
    );
    assert_eq!(media("merged"), [file("U.mkv", Some(1920), Some("opus"))]);
    assert_eq!(
        media("unmerged"),
        [
            file("V.f137.mp4", Some(1280), None),
            file("V.f140.m4a", None, Some("mp4a")),
            file("V.f999.mp4", None, None)
        ]
    );
}

#[test]
fn pages_that_are_on_no_platform_do_not_share_their_ids() {
    let page = |address: &str| json!({"extractor_key": "Generic", "webpage_url": address});
    let archive = Archive::new();
    archive
        .document("a.info.json", "index", page("https://e.com/talks/index?session=1"))
        .document("b.info.json", "index", page("https://e.com/talks/index?session=2"))
        .document("c.info.json", "index", page("https://e.com/songs/index"))
        .write("c.en.srt", SRT);
    let reading = archive.read();
    assert!(reading.ignored["a.info.json"].contains("as well"), "{:?}", reading.ignored);
    assert!(reading.refused["c.info.json"].contains("another page"), "{:?}", reading.refused);
    assert!(reading.refused.contains_key("c.en.srt") && reading.videos["index"].transcripts.is_empty());
}

#[test]
fn the_language_is_looked_for_in_name_header_and_document() {
    let archive = Archive::new();
    archive
        .document("Talk v1.2.info.json", "talk", json!({"language": "uk"}))
        .write("Talk v1.2.vtt", "WEBVTT\nLanguage: pt-BR\n\n00:01.000 --> 00:02.000\nheader\n")
        .write("Talk v1.2.srt", SRT)
        .write("Talk v1.2.English.srt", SRT)
        .document("Mute.info.json", "mute", json!({}))
        .write("Mute.srt", SRT)
        .document("x/Odd [ddddddddddd].info.json", "ddddddddddd", json!({"language": "uk"}))
        .write("y/Odd [ddddddddddd].en.manual.srt", SRT)
        .write("y/Odd [ddddddddddd].pt_BR.srt", SRT);
    let reading = archive.read();
    assert_eq!(
        reading.transcripts("talk"),
        [("English", "from SubRip"), ("pt-BR", "header"), ("uk", "from SubRip")]
    );
    assert_eq!(reading.transcripts("ddddddddddd"), [("pt_BR", "from SubRip")]);
    assert!(reading.refused["Mute.srt"].contains("tells its language neither in its name nor inside"));
    assert!(
        reading.refused["y/Odd [ddddddddddd].en.manual.srt"].contains("language"),
        "{:?}",
        reading.refused
    );
}

#[test]
fn of_one_track_in_several_formats_the_first_that_can_be_read_is_taken() {
    let srv3 = r#"<timedtext format="3"><body><p t="1000" d="1000">from srv3</p></body></timedtext>"#;
    let archive = Archive::new();
    archive
        .document("T.info.json", "v", json!({}))
        .write("T.en.json3", "{")
        .write("T.en.srv3", srv3)
        .write("T.en.vtt", VTT)
        .write("T.en.ttml", "<tt/>")
        .write("T.en.srt", SRT)
        .write("T.de.vtt", VTT)
        .write("T.de.srt", SRT);
    let reading = archive.read();
    assert_eq!(reading.transcripts("v"), [("de", "from WebVTT"), ("en", "from srv3")]);
    assert!(reading.refused["T.en.json3"].contains("is no JSON"), "{:?}", reading.refused);
    for other in ["T.en.vtt", "T.en.ttml", "T.en.srt"] {
        assert!(reading.ignored[other].contains("T.en.srv3 was taken"), "{other}: {:?}", reading.ignored);
    }
}

#[test]
fn what_speech_recognition_heard_is_one_voice() {
    let document = json!({"subtitles": {"de": []}, "automatic_captions": {"en": [], "en-orig": [], "de": [], "de-orig": []}});
    let archive = Archive::new();
    archive
        .document("T.info.json", "v", document)
        .write("T.en-orig.srt", SRT)
        .write("T.en.srt", SRT)
        .write("T.de-orig.srt", SRT)
        .write("T.de.srt", SRT)
        .document("only.info.json", "only", json!({}))
        .write("only.en-orig.vtt", ROLLING);
    let reading = archive.read();
    // What people wrote in German is not what was heard, so both are there.
    let kinds: Vec<_> = reading.videos["v"]
        .transcripts
        .iter()
        .map(|it| (it.transcript.language.as_str(), it.transcript.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("de", TranscriptKind::Manual),
            ("de-orig", TranscriptKind::Automatic),
            ("en", TranscriptKind::Automatic)
        ]
    );
    assert!(
        reading.ignored["T.en-orig.srt"].contains("what speech recognition heard"),
        "{:?}",
        reading.ignored
    );
    assert_eq!(reading.transcripts("only"), [("en-orig", "so hello")]);
}

#[test]
fn unmerged_formats_are_media_if_nothing_else_is() {
    let archive = Archive::new();
    archive
        .document("T.info.json", "v", json!({"width": 640}))
        .write("T.f137.mp4", "1")
        .write("T.f140.m4a", "1")
        .write("T.jpg", "1");
    let reading = archive.read();
    let media = &reading.videos["v"].media_files;
    assert_eq!(
        media.iter().map(|file| file.file_name.as_str()).collect::<Vec<_>>(),
        ["T.f137.mp4", "T.f140.m4a"]
    );
    assert!(media.iter().all(|file| file.width.is_none() && file.thumbnail_path.is_some()));
}

#[test]
fn the_same_archive_is_read_in_the_same_way() {
    let archive = everything();
    let first = archive.read();
    assert_eq!(archive.read(), first);
    let again = vec![archive.root(), archive.root().join("twice"), archive.root()];
    assert_eq!(Reading::of(again, &archive.root()), first);
}

#[test]
fn single_files_can_be_named() {
    let archive = everything();
    let document = archive.root().join("twice/1.info.json");
    let reading = Reading::of(vec![document, archive.root().join("notes.txt")], &archive.root());
    assert_eq!(reading.videos.len(), 1);
    assert!(reading.videos["twice"].transcripts.is_empty());
    assert!(reading.refused["notes.txt"].contains("is no file that yt-dlp leaves"));
}

#[test]
fn a_path_that_is_missing_is_refused_at_once() {
    let error = entries(vec![PathBuf::from("/no/such/archive")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/no/such/archive: does not exist; name the folder in which the archive lies"
    );
    assert!(entries(vec![]).is_err());
}

#[test]
fn a_document_too_large_is_refused_unread() {
    let archive = Archive::new();
    archive.document("good.info.json", "good", json!({}));
    let file = fs::File::create(archive.root().join("large.info.json")).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    let reading = archive.read();
    assert!(reading.refused["large.info.json"].contains("at most 67108864"), "{:?}", reading.refused);
    assert!(reading.videos.contains_key("good"));
}

#[test]
#[cfg(unix)]
fn links_pipes_and_strange_names_end_nothing() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    let archive = Archive::new();
    let root = archive.root();
    archive.document("elsewhere/T.info.json", "v", json!({}));
    symlink(root.join("elsewhere/nothing"), root.join("elsewhere/T.mp4")).unwrap();
    symlink(root.join("elsewhere/nothing"), root.join("elsewhere/B.info.json")).unwrap();
    symlink(&root, root.join("elsewhere/loop")).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"caf\xe9.info.json")), "{}").unwrap();
    let socket = std::os::unix::net::UnixListener::bind(root.join("s.info.json")).unwrap();

    let mut reasons = BTreeMap::new();
    for entry in entries(vec![root.clone()]).unwrap() {
        match entry {
            Err(it) | Ok(ArchiveEntry::Ignored(it)) => {
                let name = it.path.file_name().unwrap().to_string_lossy().into_owned();
                reasons.insert(name, it.reason);
            }
            Ok(ArchiveEntry::Video(video)) => assert!(video.media_files.is_empty()),
            Ok(entry) => panic!("{entry:?}"),
        }
    }
    drop(socket);
    for (name, reason) in [
        ("B.info.json", "link to a file that does not exist"),
        ("T.mp4", "link to a file that does not exist"),
        ("loop", "link to a folder"),
        ("caf\u{fffd}.info.json", "not UTF-8"),
        ("s.info.json", "no regular file"),
    ] {
        assert!(reasons[name].contains(reason), "{name}: {reasons:?}");
    }
    assert_eq!(reasons.len(), 5, "{reasons:?}");
}

#[test]
#[cfg(unix)]
fn what_may_not_be_read_is_refused_by_name() {
    use std::os::unix::fs::PermissionsExt;

    let archive = everything();
    let closed = archive.root().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let may_read_anyway = fs::read_dir(&closed).is_ok(); // as root
    let reading = archive.read();
    let root_error = entries(vec![closed.clone()]);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    if !may_read_anyway {
        assert!(reading.refused["closed"].contains("give the permission"), "{:?}", reading.refused);
        assert!(root_error.unwrap_err().reason.contains("give the permission"));
    }
    assert_eq!(reading.videos.len(), 6);
}

#[test]
fn a_file_that_is_gone_meanwhile_is_refused_and_the_rest_is_read() {
    let archive = everything();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let named = runtime.block_on(async {
        let mut reader = YtDlpArchive::new(vec![archive.root()]).open(KnownFiles::new()).await.unwrap();
        let gone = archive.root().join("Channel/A talk v1.2 [aaaaaaaaaaa].info.json");
        fs::remove_file(&gone).unwrap();
        let (mut videos, mut entries, mut refused) = (0, 0, Vec::new());
        while let Some(item) = reader.next().await {
            entries += 1;
            match item.entry {
                Ok(ArchiveEntry::Video(_)) => videos += 1,
                Ok(_) => (),
                Err(refusal) => refused.push(refusal),
            }
        }
        assert_eq!(videos, 5);
        assert_eq!(reader.expected_entries(), Some(entries));
        let it = refused.iter().find(|refusal| refusal.path == gone).unwrap();
        assert!(it.reason.contains("is gone"), "{it}");
        refused.iter().filter(|refusal| refusal.reason.contains("whose document was refused")).count()
    });
    assert_eq!(named, 7, "its captions are accounted for");
}

#[test]
fn a_next_that_is_dropped_loses_no_entry() {
    use std::task::{Context, Poll, Waker};

    let archive = everything();
    let whole = archive.read().named.len();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (entries, dropped) = runtime.block_on(async {
        let mut reader = YtDlpArchive::new(vec![archive.root()]).open(KnownFiles::new()).await.unwrap();
        let (mut entries, mut dropped) = (Vec::new(), 0);
        loop {
            let polled = {
                let mut next = reader.next();
                next.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            };
            match polled {
                Poll::Ready(None) => break (entries, dropped),
                Poll::Ready(Some(item)) => entries.push(item.entry),
                Poll::Pending => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    assert!(dropped > 0 && whole > entries.len());
    assert_eq!(entries, self::entries(vec![archive.root()]).unwrap());
}
