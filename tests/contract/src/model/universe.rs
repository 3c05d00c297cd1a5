//! The little world in which sequences happen: few ids, so that calls meet; few texts, so that they are found.

use proptest::prelude::*;
use proptest::sample::select;
use tubeatlas_domain::{
    Channel, ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphId, LanguageTag, MediaFile, MediaFileId,
    NewTask, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId, SourceFile, SourcePath, SourceVerdict,
    TaskKind, TaskStatus, Timestamp, Transcript, TranscriptId, TranscriptKind, Video, VideoId,
};
use tubeatlas_ports::{
    ChannelFilter, KnowledgeGraphFilter, MediaFileFilter, PlaylistFilter, ProcessingTaskFilter,
    SourceFileFilter, TranscriptFilter, VideoFilter, Visibility,
};

use super::call::{Call, On, Read, Write};
use super::catalogue::{Free, Kept};
use crate::fixtures::*;
use crate::rules::subject::with_verdict;

/// What a value is drawn from.
pub(super) type Drawn<T> = BoxedStrategy<T>;

// Ids. Some differ in the case of a letter alone.

pub(super) const CHANNELS: [&str; 3] = ["ch", "CH", "ch%"];
pub(super) const VIDEOS: [&str; 4] = ["vid", "VID", "vi_", "日本"];
const LANGUAGES: [&str; 4] = ["en", "EN", "en-US", "de"];
pub(super) const GRAPHS: u32 = 1_000;
pub(super) const TASKS: u32 = 2_000;
pub(super) const FILES: u32 = 3_000;
/// How many graphs, and how many files, there may be.
const NUMBERED: u32 = 4;
/// How many tasks there may be.
const NUMBERED_TASKS: u32 = 3;

fn a_channel_id() -> Drawn<ChannelId> {
    select(&CHANNELS).prop_map(channel_id).boxed()
}

fn a_video_id() -> Drawn<VideoId> {
    select(&VIDEOS).prop_map(video_id).boxed()
}

/// The channel that something refers to: mostly one that is there from the beginning.
pub(super) fn of_channel() -> Drawn<ChannelId> {
    prop_oneof![5 => select(&CHANNELS[..2]), 1 => select(&CHANNELS)].prop_map(channel_id).boxed()
}

/// The video that something hangs on: mostly one of two, so that much hangs on them.
pub(super) fn of_video() -> Drawn<VideoId> {
    prop_oneof![3 => select(&VIDEOS[..2]), 1 => select(&VIDEOS)].prop_map(video_id).boxed()
}

pub(super) fn a_language() -> Drawn<LanguageTag> {
    select(&LANGUAGES).prop_map(language).boxed()
}

fn a_transcript_id() -> Drawn<TranscriptId> {
    (of_video(), a_language()).prop_map(|(video_id, language)| TranscriptId { video_id, language }).boxed()
}

fn a_graph_id() -> Drawn<KnowledgeGraphId> {
    (GRAPHS..GRAPHS + NUMBERED).prop_map(|n| KnowledgeGraphId::new(uuid(n))).boxed()
}

pub(super) fn a_task_id() -> Drawn<ProcessingTaskId> {
    (TASKS..TASKS + NUMBERED_TASKS).prop_map(|n| ProcessingTaskId::new(uuid(n))).boxed()
}

fn a_file_id() -> Drawn<MediaFileId> {
    (FILES..FILES + NUMBERED).prop_map(|n| MediaFileId::new(uuid(n))).boxed()
}

/// Everything that may be stored, deleted or not.
pub(super) fn reads_of_everything() -> Vec<Call> {
    let videos = VIDEOS.map(video_id);
    let transcripts = videos.iter().flat_map(|video| {
        LANGUAGES.map(|tag| TranscriptId { video_id: video.clone(), language: language(tag) })
    });
    let numbered = |first: u32, count: u32| (first..first + count).map(uuid);
    let seen = Visibility::WithDeleted;
    vec![
        Call::Channels(On::Read(Read::GetMany(CHANNELS.map(channel_id).to_vec(), seen))),
        Call::Videos(On::Read(Read::GetMany(videos.to_vec(), seen))),
        Call::Transcripts(On::Read(Read::GetMany(transcripts.collect(), seen))),
        Call::KnowledgeGraphs(On::Read(Read::GetMany(
            numbered(GRAPHS, NUMBERED).map(KnowledgeGraphId::new).collect(),
            seen,
        ))),
        Call::MediaFiles(On::Read(Read::GetMany(
            numbered(FILES, NUMBERED).map(MediaFileId::new).collect(),
            seen,
        ))),
        Call::Playlists(On::Read(Read::GetMany(PLAYLISTS.map(playlist_id).to_vec(), seen))),
        Call::SourceFiles(On::Read(Read::GetMany(SOURCES.map(source_path).to_vec(), seen))),
        Call::ProcessingTasks(Read::GetMany(
            numbered(TASKS, NUMBERED_TASKS).map(ProcessingTaskId::new).collect(),
            seen,
        )),
    ]
}

// Fields

const TEXTS: [&str; 8] = [
    "",
    "star",
    "Stars and starlight",
    "black hole",
    "the black star",
    "Köln am Rhein",
    "東京タワー",
    "hole OR star, \"black\"",
];

fn a_text() -> Drawn<String> {
    select(&TEXTS).prop_map(str::to_owned).boxed()
}

/// Times around noon, some of them the same.
fn a_time() -> Drawn<Timestamp> {
    select(&[0_i64, -5, 1, 10, 3_600]).prop_map(|seconds| at(NOON + seconds)).boxed()
}

/// Nothing as often as something.
pub(super) fn perhaps<T: Clone + std::fmt::Debug + 'static>(some: Drawn<T>) -> Drawn<Option<T>> {
    prop_oneof![Just(None), some.prop_map(Some)].boxed()
}

pub(super) fn a_visibility() -> Drawn<Visibility> {
    prop_oneof![
        3 => Just(Visibility::Live),
        2 => Just(Visibility::WithDeleted),
        1 => Just(Visibility::OnlyDeleted),
    ]
    .boxed()
}

/// A kind of entity, as sequences use it.
pub(super) trait Inhabitant: Kept {
    fn ids() -> Drawn<Self::Id>;
    fn filters() -> Drawn<Self::Filter>;
    fn on(read: Read<Self>) -> Call;
}

/// A kind of entity that sequences write.
pub(super) trait Written: Inhabitant + Free {
    /// Entities with such ids.
    fn described(ids: Drawn<Self::Id>) -> Drawn<Self>;

    fn write(write: Write<Self>) -> Call;
}

impl Inhabitant for Channel {
    fn ids() -> Drawn<ChannelId> {
        a_channel_id()
    }

    fn filters() -> Drawn<ChannelFilter> {
        Just(ChannelFilter {}).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::Channels(On::Read(read))
    }
}

impl Written for Channel {
    fn described(ids: Drawn<ChannelId>) -> Drawn<Self> {
        let channel = |(id, title, handle): (ChannelId, String, Option<String>)| {
            a_channel_with(|c| {
                c.id = id;
                c.title = title;
                c.handle = handle;
            })
        };
        (ids, a_text(), perhaps(a_text())).prop_map(channel).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::Channels(On::Write(write))
    }
}

impl Inhabitant for Video {
    fn ids() -> Drawn<VideoId> {
        a_video_id()
    }

    fn filters() -> Drawn<VideoFilter> {
        let filter = |(channel_id, published_from, published_before, visibility)| VideoFilter {
            channel_id,
            published_from,
            published_before,
            visibility,
        };
        let time = || prop_oneof![3 => Just(None), 1 => a_time().prop_map(Some)];
        (perhaps(of_channel()), time(), time(), a_visibility()).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::Videos(On::Read(read))
    }
}

impl Written for Video {
    fn described(ids: Drawn<VideoId>) -> Drawn<Self> {
        // Most videos name no channel: those that do are refused until it is there.
        let channel = prop_oneof![2 => Just(None), 1 => of_channel().prop_map(Some)];
        let video = |(id, channel_id, title, description, published_at)| {
            a_video_with(|v| {
                v.id = id;
                v.channel_id = channel_id;
                v.title = title;
                v.description = description;
                v.published_at = published_at;
            })
        };
        (ids, channel, a_text(), perhaps(a_text()), perhaps(a_time())).prop_map(video).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::Videos(On::Write(write))
    }
}

impl Inhabitant for Transcript {
    fn ids() -> Drawn<TranscriptId> {
        a_transcript_id()
    }

    fn filters() -> Drawn<TranscriptFilter> {
        let filter = |(video_id, language, visibility)| TranscriptFilter { video_id, language, visibility };
        (perhaps(of_video()), perhaps(a_language()), a_visibility()).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::Transcripts(On::Read(read))
    }
}

impl Written for Transcript {
    fn described(ids: Drawn<TranscriptId>) -> Drawn<Self> {
        let kind = select(&[TranscriptKind::Manual, TranscriptKind::Automatic]);
        let transcript = |(id, kind, texts): (TranscriptId, TranscriptKind, Vec<&str>)| {
            a_transcript_with(|t| {
                t.video_id = id.video_id;
                t.language = id.language;
                t.kind = kind;
                t.cues = cues(&texts);
            })
        };
        (ids, kind, prop::collection::vec(select(&TEXTS), 0..4)).prop_map(transcript).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::Transcripts(On::Write(write))
    }
}

fn an_owner() -> Drawn<GraphOwner> {
    prop_oneof![
        3 => of_video().prop_map(GraphOwner::Video),
        1 => of_channel().prop_map(GraphOwner::Channel),
    ]
    .boxed()
}

impl Inhabitant for KnowledgeGraph {
    fn ids() -> Drawn<KnowledgeGraphId> {
        a_graph_id()
    }

    fn filters() -> Drawn<KnowledgeGraphFilter> {
        let filter = |(owner, visibility)| KnowledgeGraphFilter { owner, visibility };
        (perhaps(an_owner()), a_visibility()).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::KnowledgeGraphs(On::Read(read))
    }
}

impl Written for KnowledgeGraph {
    fn described(ids: Drawn<KnowledgeGraphId>) -> Drawn<Self> {
        let graph = |(id, owner, version)| {
            a_knowledge_graph_with(|g| {
                g.id = id;
                g.owner = owner;
                g.version = version;
            })
        };
        (ids, an_owner(), 1..3_u32).prop_map(graph).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::KnowledgeGraphs(On::Write(write))
    }
}

pub(super) const PATHS: [&str; 5] = ["/a/star.mp4", "/a/Star.mp4", "/a/black hole.mkv", "/b/%.mp4", "/b"];

impl Inhabitant for MediaFile {
    fn ids() -> Drawn<MediaFileId> {
        a_file_id()
    }

    fn filters() -> Drawn<MediaFileFilter> {
        let words = select(&["star", "mp4 a", "hole", ""]).prop_map(str::to_owned).boxed();
        let filter = |(video_id, words, visibility)| MediaFileFilter { video_id, words, visibility };
        (perhaps(of_video()), perhaps(words), a_visibility()).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::MediaFiles(On::Read(read))
    }
}

impl Written for MediaFile {
    fn described(ids: Drawn<MediaFileId>) -> Drawn<Self> {
        let file = |(id, video_id, path, size_bytes): (MediaFileId, VideoId, &str, Option<u64>)| {
            a_media_file_with(|m| {
                m.id = id;
                m.video_id = video_id;
                m.path = path.to_owned();
                m.size_bytes = size_bytes;
            })
        };
        (ids, of_video(), select(&PATHS), perhaps(Just(1).boxed())).prop_map(file).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::MediaFiles(On::Write(write))
    }
}

pub(super) const PLAYLISTS: [&str; 3] = ["pl", "PL", "pl%"];

impl Inhabitant for Playlist {
    fn ids() -> Drawn<PlaylistId> {
        select(&PLAYLISTS).prop_map(playlist_id).boxed()
    }

    fn filters() -> Drawn<PlaylistFilter> {
        let filter = |(channel_id, video_id, visibility)| PlaylistFilter { channel_id, video_id, visibility };
        (perhaps(of_channel()), perhaps(a_video_id()), a_visibility()).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::Playlists(On::Read(read))
    }
}

impl Written for Playlist {
    fn described(ids: Drawn<PlaylistId>) -> Drawn<Self> {
        // Also one that seldom has videos or graphs, which would be named first when it is deleted.
        let channel = prop_oneof![1 => Just(None), 2 => a_channel_id().prop_map(Some)];
        let playlist = |(id, channel_id, title, videos)| {
            a_playlist_with(|p| {
                p.id = id;
                p.channel_id = channel_id;
                p.title = title;
                p.videos = videos;
            })
        };
        (ids, channel, a_text(), prop::collection::vec(a_video_id(), 0..4)).prop_map(playlist).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::Playlists(On::Write(write))
    }
}

/// Some are prefixes of others.
pub(super) const SOURCES: [&str; 4] = ["/s", "/s/a", "/s/A", "/t%"];

impl Inhabitant for SourceFile {
    fn ids() -> Drawn<SourcePath> {
        select(&SOURCES).prop_map(source_path).boxed()
    }

    fn filters() -> Drawn<SourceFileFilter> {
        let prefix = select(&["/s", "/s/", "/t%", "/%", ""]).prop_map(str::to_owned).boxed();
        let filter = |(prefix, verdict)| SourceFileFilter { prefix, verdict };
        (perhaps(prefix), perhaps(select(&SourceVerdict::ALL).boxed())).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::SourceFiles(On::Read(read))
    }
}

impl Written for SourceFile {
    fn described(ids: Drawn<SourcePath>) -> Drawn<Self> {
        let file = |(path, verdict, size): (SourcePath, SourceVerdict, u64)| {
            let mut fields = with_verdict(path.as_str(), verdict).into_fields();
            fields.size = size;
            a_source_file_with(|s| *s = fields)
        };
        (ids, select(&SourceVerdict::ALL), 0..2_u64).prop_map(file).boxed()
    }

    fn write(write: Write<Self>) -> Call {
        Call::SourceFiles(On::Write(write))
    }
}

pub(super) fn a_kind_of_task() -> Drawn<TaskKind> {
    select(&["import", "Import"]).prop_map(task_kind).boxed()
}

fn a_target() -> Drawn<String> {
    select(&["video/vid", "video/VID"]).prop_map(str::to_owned).boxed()
}

impl Inhabitant for ProcessingTask {
    fn ids() -> Drawn<ProcessingTaskId> {
        a_task_id()
    }

    fn filters() -> Drawn<ProcessingTaskFilter> {
        let status = perhaps(select(&TaskStatus::ALL).boxed());
        let filter = |(status, kind, target)| ProcessingTaskFilter { status, kind, target };
        (status, perhaps(a_kind_of_task()), perhaps(a_target())).prop_map(filter).boxed()
    }

    fn on(read: Read<Self>) -> Call {
        Call::ProcessingTasks(read)
    }
}

pub(super) fn entities<E: Written>() -> Drawn<E> {
    E::described(E::ids())
}

pub(super) fn new_tasks(ids: Drawn<ProcessingTaskId>) -> Drawn<NewTask> {
    let task = |(id, kind, target, max_attempts, available_at)| {
        a_task_with(|t| {
            t.id = id;
            t.kind = kind;
            t.target = target;
            t.max_attempts = max_attempts;
            t.available_at = available_at;
        })
    };
    let attempts = prop_oneof![8 => 1..4_u32, 1 => Just(0)];
    // Most can be claimed at once.
    let times = prop_oneof![3 => select(&[0_i64, -5]), 1 => select(&[1_i64, 10, 3_600])];
    let times = times.prop_map(|seconds| at(NOON + seconds));
    (ids, a_kind_of_task(), perhaps(a_target()), attempts, times).prop_map(task).boxed()
}
