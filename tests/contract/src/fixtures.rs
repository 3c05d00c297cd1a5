//! Ready-made entities, for the suite and for the tests of whoever embeds Tubeatlas.
//!
//! Each is the same in every run. `a_video()` gives one as simple as it can be; `a_video_with(…)` lets the test
//! say what matters to it, and nothing else; `a_full_video()` has every field set, to its extremes.
//!
//! ```
//! use tubeatlas_contract::fixtures::{a_channel, a_media_file, a_video, a_video_with, at, video_id};
//!
//! let talk = a_video_with(|v| {
//!     v.id = video_id("talk-1");
//!     v.channel_id = Some(a_channel().id.clone());
//!     v.published_at = Some(at(60));
//! });
//! assert_eq!(talk.title, a_video().title);
//! // What hangs on a video hangs on `a_video()`, unless the test says otherwise.
//! assert_eq!(a_media_file().video_id, a_video().id);
//! ```
//!
//! # Panics
//! What the domain refuses is a mistake of the test that asks for it: the functions here panic then, and name
//! the field.

use serde_json::{Value, json};
use tubeatlas_domain::{
    Availability, Channel, ChannelFields, ChannelId, Chapter, ContentHash, Cue, EntityKind, FrameRate,
    GraphEntity, GraphOwner, GraphRelation, JsonObject, KnowledgeGraph, KnowledgeGraphFields,
    KnowledgeGraphId, LanguageTag, LiveStatus, MAX_ATTEMPTS, MAX_CHANNEL_TITLE_BYTES, MAX_DESCRIPTION_BYTES,
    MAX_HANDLE_BYTES, MAX_LABEL_BYTES, MAX_NUMBER, MAX_PATH_BYTES, MAX_PIXELS, MAX_PLAYLIST_VIDEOS,
    MAX_SOURCE_KEY_BYTES, MAX_SOURCE_MEMO_BYTES, MAX_SOURCE_NOTE_BYTES, MAX_TARGET_BYTES, MAX_TEXT_ID_BYTES,
    MAX_TITLE_BYTES, MediaFile, MediaFileFields, MediaFileId, NewTask, Playlist, PlaylistFields, PlaylistId,
    ProcessingTaskId, SourceFile, SourceFileFields, SourceOutcome, SourcePath, SourceYield, TaskKind,
    Timestamp, Transcript, TranscriptFields, TranscriptKind, ValidationError, Video, VideoFields, VideoId,
    WorkerId,
};
use uuid::Uuid;

/// Noon of a day in 2026, in seconds since 1970: where [`TestClock`](crate::TestClock) begins.
pub const NOON: i64 = 1_772_366_400;

/// Text that stores like to spoil: accents composed and combining, writing from right to left with a mark for
/// it, letters beyond the first plane, an emoji of several characters, quotes, wildcards, escapes, line ends.
pub const TRICKY: &str = "Grüße e\u{301} ﬁ İi שלום \u{202e}عربى\u{202c} 日本が か\u{3099} 👩‍👩‍👧 \u{1F600} \u{10FFFD} \
                          '\"`;-- %_\\ \\u0000 $1 {} <b>&amp;\r\n\t\u{7f}\u{85}\u{feff}";

/// [`NOON`] as a time.
pub fn noon() -> Timestamp {
    at(NOON)
}

/// This many seconds after 1970 began, or before it.
pub fn at(seconds: i64) -> Timestamp {
    built(Timestamp::from_unix_micros(seconds.saturating_mul(1_000_000)))
}

/// A video's id.
pub fn video_id(text: &str) -> VideoId {
    built(VideoId::parse(text))
}

/// A channel's id.
pub fn channel_id(text: &str) -> ChannelId {
    built(ChannelId::parse(text))
}

/// A language.
pub fn language(tag: &str) -> LanguageTag {
    built(LanguageTag::parse(tag))
}

/// A kind of task.
pub fn task_kind(text: &str) -> TaskKind {
    built(TaskKind::parse(text))
}

/// A worker's name.
pub fn worker(text: &str) -> WorkerId {
    built(WorkerId::parse(text))
}

/// The `n`th UUID of the fixtures; the order of the numbers is that of the UUIDs.
pub fn uuid(n: u32) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n))
}

/// A cue of two seconds that begins at `seconds`.
pub fn cue(seconds: u64, text: &str) -> Cue {
    Cue { start_ms: seconds * 1_000, end_ms: seconds * 1_000 + 2_000, text: text.into() }
}

/// Cues that follow each other.
pub fn cues(texts: &[&str]) -> Vec<Cue> {
    texts.iter().zip(0..).map(|(text, n)| cue(2 * n, text)).collect()
}

/// A JSON object.
pub fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(map) => built(JsonObject::new(map)),
        other => refuse(&format!("{other} is no JSON object")),
    }
}

/// A channel.
pub fn a_channel() -> Channel {
    a_channel_with(|_| {})
}

/// A channel of which the test says something.
pub fn a_channel_with(change: impl FnOnce(&mut ChannelFields)) -> Channel {
    let mut fields =
        ChannelFields { id: channel_id("UC-a-channel"), title: "A channel".into(), handle: None, url: None };
    change(&mut fields);
    built(Channel::new(fields))
}

/// A channel with every field set, to its extremes.
pub fn a_full_channel() -> Channel {
    a_channel_with(|c| {
        c.id = channel_id(&fill("UC-full %_'\"\\日本😀", MAX_TEXT_ID_BYTES));
        c.title = fill(TRICKY, MAX_CHANNEL_TITLE_BYTES);
        c.handle = Some(fill("@ünïcødé ", MAX_HANDLE_BYTES));
        c.url = Some("https://example.org/%C3%BC?q='a'&b=\"%_\"#日本".into());
    })
}

/// A video that names no channel, so that it can be stored alone.
pub fn a_video() -> Video {
    a_video_with(|_| {})
}

/// A video of which the test says something.
pub fn a_video_with(change: impl FnOnce(&mut VideoFields)) -> Video {
    let mut fields = VideoFields::new(video_id("a-video"), "A video");
    change(&mut fields);
    built(Video::new(fields))
}

/// A video of [`a_full_channel`] with every field set, to its extremes.
pub fn a_full_video() -> Video {
    a_video_with(|v| {
        v.id = video_id(&fill("full %_'\"\\ü日本😀", MAX_TEXT_ID_BYTES));
        v.channel_id = Some(a_full_channel().id.clone());
        v.title = fill(TRICKY, MAX_TITLE_BYTES);
        v.description = Some(fill(&format!("{TRICKY}\n"), MAX_DESCRIPTION_BYTES));
        v.url = Some("https://example.org/watch?v=%00&t=1s#日本".into());
        v.published_at = Timestamp::from_unix_micros(-1).ok();
        v.duration_ms = Some(MAX_NUMBER);
        v.view_count = Some(MAX_NUMBER - 1);
        v.like_count = Some(MAX_NUMBER - 2);
        v.dislike_count = Some(0);
        v.comment_count = Some(u64::from(u32::MAX) + 1);
        v.category_id = Some(fill("27", MAX_LABEL_BYTES));
        v.category_name = Some(fill("Bildung ü ", MAX_LABEL_BYTES));
        v.tags = vec!["z".into(), String::new(), "a".into(), "a".into(), ",".into(), TRICKY.into()];
        v.thumbnail_url = Some("http://example.org/a,b;c.webp".into());
        v.live_status = Some(LiveStatus::WasLive);
        v.availability = Some(Availability::SubscriberOnly);
        v.chapters = vec![
            Chapter { start_ms: 5, end_ms: None, title: TRICKY.into() },
            Chapter { start_ms: 0, end_ms: Some(MAX_NUMBER), title: String::new() },
            Chapter { start_ms: MAX_NUMBER, end_ms: Some(MAX_NUMBER), title: "end".into() },
        ];
        v.extra = an_extra();
    })
}

/// JSON that stores like to spoil: numbers that are not exact in binary, or beyond what fits a double, empty
/// containers, nesting, odd keys.
pub fn an_extra() -> JsonObject {
    object(json!({
        "": "empty key",
        "tricky": TRICKY,
        TRICKY: "tricky key",
        "fractions": [0.1, 0.2, 0.30000000000000004, 1e16, 1e300, 5e-324, -1.5],
        "not the same": [1, 1.0, "1", true, null],
        "integers": [0, -1, i64::MIN, i64::MAX, u64::MAX],
        "nested": {"list": [[], {}, [[{"deep": [1, {"er": null}]}]]], "empty": {}},
    }))
}

/// A transcript of [`a_video`].
pub fn a_transcript() -> Transcript {
    a_transcript_with(|_| {})
}

/// A transcript of which the test says something.
pub fn a_transcript_with(change: impl FnOnce(&mut TranscriptFields)) -> Transcript {
    let mut fields = TranscriptFields {
        video_id: video_id("a-video"),
        language: language("en"),
        kind: TranscriptKind::Manual,
        cues: cues(&["Hello and welcome", "to the first lesson."]),
    };
    change(&mut fields);
    built(Transcript::new(fields))
}

/// A transcript of [`a_video`] with cues as real files have them: out of order, overlapping, without length,
/// empty, at the end of time.
pub fn a_full_transcript() -> Transcript {
    a_transcript_with(|t| {
        t.language = language("zh-Hant-TW_x-1");
        t.kind = TranscriptKind::Translated;
        t.cues = vec![
            Cue { start_ms: 9_000, end_ms: 9_000, text: TRICKY.into() },
            Cue { start_ms: 0, end_ms: MAX_NUMBER, text: String::new() },
            Cue { start_ms: 0, end_ms: MAX_NUMBER, text: String::new() },
            Cue { start_ms: MAX_NUMBER, end_ms: MAX_NUMBER, text: "two\nlines \n".into() },
            Cue { start_ms: 1, end_ms: 2, text: fill("long ü ", 60_000) },
        ];
    })
}

/// A graph of [`a_video`].
pub fn a_knowledge_graph() -> KnowledgeGraph {
    a_knowledge_graph_with(|_| {})
}

/// A graph of which the test says something.
pub fn a_knowledge_graph_with(change: impl FnOnce(&mut KnowledgeGraphFields)) -> KnowledgeGraph {
    let entity = |name: &str| GraphEntity { name: name.into(), kind: None };
    let mut fields = KnowledgeGraphFields {
        id: KnowledgeGraphId::new(uuid(1_000)),
        owner: GraphOwner::Video(video_id("a-video")),
        model: None,
        processing_time_ms: None,
        version: 1,
        entities: vec![entity("Ada"), entity("engine")],
        relations: vec![GraphRelation {
            subject: "Ada".into(),
            predicate: "programs".into(),
            object: "engine".into(),
        }],
    };
    change(&mut fields);
    built(KnowledgeGraph::new(fields))
}

/// A graph of [`a_video`] with every field set, to its extremes.
pub fn a_full_knowledge_graph() -> KnowledgeGraph {
    a_knowledge_graph_with(|g| {
        g.id = KnowledgeGraphId::new(Uuid::max());
        g.model = Some(fill("modèle-", MAX_LABEL_BYTES));
        g.processing_time_ms = Some(MAX_NUMBER);
        g.version = i32::MAX.unsigned_abs();
        g.entities = vec![
            GraphEntity { name: "z".into(), kind: Some(String::new()) },
            GraphEntity { name: TRICKY.into(), kind: Some(TRICKY.into()) },
            GraphEntity { name: "Z".into(), kind: None },
            GraphEntity { name: " ".into(), kind: Some("space".into()) },
        ];
        let relation = |subject: &str, predicate: &str, object: &str| GraphRelation {
            subject: subject.into(),
            predicate: predicate.into(),
            object: object.into(),
        };
        g.relations = vec![relation("z", "is", "z"), relation(TRICKY, TRICKY, "Z"), relation("z", "is", "z")];
    })
}

/// A task that can be tried three times, and at once by a clock at [`NOON`].
pub fn a_task() -> NewTask {
    a_task_with(|_| {})
}

/// A task of which the test says something.
pub fn a_task_with(change: impl FnOnce(&mut NewTask)) -> NewTask {
    let mut task = NewTask {
        id: ProcessingTaskId::new(uuid(2_000)),
        kind: task_kind("transcribe"),
        target: None,
        payload: JsonObject::default(),
        max_attempts: 3,
        available_at: noon(),
    };
    change(&mut task);
    task
}

/// A task with every field set, to its extremes.
pub fn a_full_task() -> NewTask {
    a_task_with(|t| {
        t.id = ProcessingTaskId::new(Uuid::max());
        t.kind = task_kind(&fill("kind %_'\"\\日本😀", MAX_TEXT_ID_BYTES));
        t.target = Some(fill(TRICKY, MAX_TARGET_BYTES));
        t.payload = an_extra();
        t.max_attempts = MAX_ATTEMPTS;
        t.available_at = Timestamp::MIN;
    })
}

/// A media file of [`a_video`].
pub fn a_media_file() -> MediaFile {
    a_media_file_with(|_| {})
}

/// A media file of which the test says something.
pub fn a_media_file_with(change: impl FnOnce(&mut MediaFileFields)) -> MediaFile {
    let mut fields =
        MediaFileFields::new(MediaFileId::new(uuid(3_000)), video_id("a-video"), "/media/a-video.mp4");
    change(&mut fields);
    built(MediaFile::new(fields))
}

/// A media file of [`a_video`] with every field set, to its extremes.
pub fn a_full_media_file() -> MediaFile {
    a_media_file_with(|m| {
        m.id = MediaFileId::new(Uuid::nil());
        m.path = fill(&format!("/mnt/{TRICKY}/"), MAX_PATH_BYTES);
        m.file_name = fill(TRICKY, MAX_PATH_BYTES);
        m.size_bytes = Some(MAX_NUMBER);
        m.frame_rate = Some(built(FrameRate::new(30_000, 1_001)));
        m.frame_count = Some(0);
        m.width = Some(MAX_PIXELS);
        m.height = Some(0);
        m.video_codec = Some(fill("av01.", MAX_LABEL_BYTES));
        m.audio_codec = Some(String::new());
        m.thumbnail_path = Some(fill("/thumbs/ü/", MAX_PATH_BYTES));
    })
}

/// A playlist that holds the video of [`a_video`], and another one twice.
pub fn a_playlist() -> Playlist {
    a_playlist_with(|_| {})
}

/// A playlist of which the test says something.
pub fn a_playlist_with(change: impl FnOnce(&mut PlaylistFields)) -> Playlist {
    let mut fields = PlaylistFields::new(playlist_id("a-playlist"), "A playlist");
    fields.videos = ["another", "a-video", "another"].map(video_id).to_vec();
    change(&mut fields);
    built(Playlist::new(fields))
}

/// A playlist of [`a_channel`] with every field set, to its extremes.
pub fn a_full_playlist() -> Playlist {
    a_playlist_with(|p| {
        p.id = playlist_id(&fill("PL %_'\"\\日本😀", MAX_TEXT_ID_BYTES));
        p.channel_id = Some(a_channel().id.clone());
        p.title = fill(TRICKY, MAX_TITLE_BYTES);
        p.description = Some(fill(TRICKY, MAX_DESCRIPTION_BYTES));
        p.url = Some("https://example.org/playlist?list=a%20b".into());
        // Backwards, some of them again and again.
        let nth = |n: usize| video_id(&format!("{}", (MAX_PLAYLIST_VIDEOS - n) / 3));
        p.videos = (0..MAX_PLAYLIST_VIDEOS).map(nth).collect();
        p.videos[7] = video_id(&fill("%_'\"\\日本😀", MAX_TEXT_ID_BYTES));
    })
}

/// The id with this text.
pub fn playlist_id(text: &str) -> PlaylistId {
    built(PlaylistId::parse(text))
}

/// A source file, of which little is known.
pub fn a_source_file() -> SourceFile {
    a_source_file_with(|_| {})
}

/// A source file of which the test says something.
pub fn a_source_file_with(change: impl FnOnce(&mut SourceFileFields)) -> SourceFile {
    let mut fields = SourceFileFields::new(source_path("/archive/a-video.info.json"), 1_000, at(NOON), 1);
    change(&mut fields);
    built(SourceFile::new(fields))
}

/// A source file with every field set, to its extremes.
pub fn a_full_source_file() -> SourceFile {
    a_source_file_with(|s| {
        s.path = source_path(&fill(&format!("/mnt/{TRICKY}/"), MAX_PATH_BYTES));
        s.size = MAX_NUMBER;
        s.modified_at = Timestamp::MIN;
        s.hash = Some(ContentHash::new([0xA5; 32]));
        s.reader_version = u32::MAX;
        s.outcome = SourceOutcome::Refused(fill(TRICKY, MAX_SOURCE_NOTE_BYTES));
        s.gives = Some(SourceYield { kind: EntityKind::MediaFile, key: fill(TRICKY, MAX_SOURCE_KEY_BYTES) });
        s.memo = Some(fill(TRICKY, MAX_SOURCE_MEMO_BYTES));
    })
}

/// The path with this text.
pub fn source_path(text: &str) -> SourcePath {
    built(SourcePath::parse(text))
}

/// `pattern` again and again, exactly `bytes` long; what is left at the end is filled with `x`.
fn fill(pattern: &str, bytes: usize) -> String {
    let mut text = pattern.repeat(bytes / pattern.len() + 1);
    text.truncate(text.floor_char_boundary(bytes));
    while text.ends_with(char::is_whitespace) {
        text.pop();
    }
    let missing = bytes - text.len();
    text + &"x".repeat(missing)
}

#[track_caller]
fn built<T>(result: Result<T, ValidationError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => refuse(&error.to_string()),
    }
}

#[track_caller]
#[expect(
    clippy::panic,
    reason = "a fixture that the domain refuses is a mistake of the test that asks for it"
)]
fn refuse(reason: &str) -> ! {
    panic!("the domain refuses this fixture: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_accepts_all_of_them() {
        assert_eq!(a_full_video().title.len(), MAX_TITLE_BYTES);
        assert_eq!(a_full_channel().id.as_str().len(), MAX_TEXT_ID_BYTES);
        assert_eq!(a_full_media_file().path.len(), MAX_PATH_BYTES);
        assert_eq!(a_full_source_file().path.as_str().len(), MAX_PATH_BYTES);
        assert_eq!(a_full_playlist().videos.len(), MAX_PLAYLIST_VIDEOS);
        assert_eq!(a_full_transcript().cues.len(), 5);
        assert_eq!(a_full_knowledge_graph().relations.len(), 3);
        assert!(tubeatlas_domain::ProcessingTask::enqueue(a_full_task()).is_ok());
        assert!(tubeatlas_domain::ProcessingTask::enqueue(a_task()).is_ok());
    }

    #[test]
    #[should_panic(expected = "video.title: holds U+0000")]
    fn a_mistake_is_named() {
        a_video_with(|v| v.title = "\0".into());
    }
}
