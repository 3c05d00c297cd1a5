//! The import against mocks that share a small world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tubeatlas_domain::{
    Channel, ChannelFields, ChannelId, Cue, Entity, EntityKind, LanguageTag, MediaFile, MediaFileFields,
    MediaFileId, Timestamp, Transcript, TranscriptFields, TranscriptId, TranscriptKind, Video, VideoFields,
    VideoId,
};
use tubeatlas_ports::archive::{ArchivedTranscript, ArchivedVideo};
use tubeatlas_ports::mock::{
    MockArchiveReader, MockArchiveSource, MockIdGenerator, MockStore, MockUnitOfWork,
};
use tubeatlas_ports::{Conflict, Result, Revision, Stored, SystemClock, Upserted};
use uuid::Uuid;

use super::*;

/// What is stored, and how the store behaves.
#[derive(Clone, Default)]
struct World {
    channels: BTreeMap<ChannelId, Channel>,
    videos: BTreeMap<VideoId, Video>,
    transcripts: BTreeMap<TranscriptId, Transcript>,
    media_files: BTreeMap<MediaFileId, MediaFile>,
    deleted: BTreeSet<VideoId>,
    refused: BTreeSet<VideoId>,
    writes: usize,
    commits: usize,
    conflicts: usize,
    fails_after: Option<usize>,
}

type Shared = Arc<Mutex<World>>;

fn stored<E>(entity: E) -> Stored<E> {
    Stored::created(entity, Timestamp::UNIX_EPOCH, Revision::new(1).unwrap())
}

fn upsert<E: Entity>(map: &mut BTreeMap<E::Id, E>, writes: &mut usize, entity: &E) -> Upserted<E> {
    match map.insert(entity.id(), entity.clone()) {
        Some(before) if before == *entity => Upserted::Unchanged(stored(before)),
        before => {
            *writes += 1;
            let stored = stored(entity.clone());
            if before.is_some() { Upserted::Updated(stored) } else { Upserted::Created(stored) }
        }
    }
}

/// A unit of work on a copy of the world, which a commit puts in its place.
fn unit(world: &Shared) -> MockUnitOfWork {
    let copy: Shared = Arc::new(Mutex::new(world.lock().unwrap().clone()));
    let mut unit = MockUnitOfWork::default();
    let at = copy.clone();
    unit.repositories.channels.expect_get_many().returning(move |ids, _| {
        let world = at.lock().unwrap();
        Ok(ids.iter().map(|id| world.channels.get(id).cloned().map(stored)).collect())
    });
    let at = copy.clone();
    unit.repositories.channels.expect_upsert_many().returning(move |channels| {
        let World { channels: map, writes, .. } = &mut *at.lock().unwrap();
        Ok(channels.iter().map(|it| upsert(map, writes, it)).collect())
    });
    let at = copy.clone();
    unit.repositories.videos.expect_upsert_many().returning(move |videos| {
        let World { videos: map, writes, deleted, refused, channels, .. } = &mut *at.lock().unwrap();
        let one = |video: &Video| {
            let known = video.channel_id.as_ref().is_none_or(|id| channels.contains_key(id));
            if refused.contains(&video.id) || !known {
                return Err(Error::MissingReference {
                    entity: EntityKind::Video,
                    key: video.id.to_string(),
                    reference: EntityKind::Channel,
                    reference_key: "UC-none".into(),
                });
            }
            if deleted.contains(&video.id) {
                return Ok(Upserted::LeftDeleted);
            }
            Ok(upsert(map, writes, video))
        };
        videos.iter().map(one).collect()
    });
    let at = copy.clone();
    unit.repositories.videos.expect_get_many().returning(move |ids, visibility| {
        assert_eq!(visibility, tubeatlas_ports::Visibility::WithDeleted);
        let world = at.lock().unwrap();
        Ok(ids.iter().map(|id| world.videos.get(id).cloned().map(stored)).collect())
    });
    let at = copy.clone();
    unit.repositories.transcripts.expect_upsert_many().returning(move |transcripts| {
        let World { transcripts: map, writes, .. } = &mut *at.lock().unwrap();
        Ok(transcripts.iter().map(|it| upsert(map, writes, it)).collect())
    });
    let at = copy.clone();
    unit.repositories.media_files.expect_get_by_path().returning(move |path, visibility| {
        assert_eq!(visibility, tubeatlas_ports::Visibility::WithDeleted);
        let world = at.lock().unwrap();
        Ok(world.media_files.values().find(|it| it.path == path).cloned().map(stored))
    });
    let at = copy.clone();
    unit.repositories.media_files.expect_upsert_many().returning(move |files| {
        let World { media_files: map, writes, deleted, .. } = &mut *at.lock().unwrap();
        let one = |file: &MediaFile| match map.get(&file.id) {
            Some(before) if deleted.contains(&before.video_id) => Upserted::LeftDeleted,
            _ => upsert(map, writes, file),
        };
        Ok(files.iter().map(one).collect())
    });
    let at = world.clone();
    unit.calls.expect_commit().returning(move || {
        let mut world = at.lock().unwrap();
        if world.conflicts > 0 {
            world.conflicts -= 1;
            return Err(Conflict::Serialization.into());
        }
        if world.fails_after == Some(world.commits) {
            return Err(Error::StorageFull { source: None });
        }
        let commits = world.commits + 1;
        *world = copy.lock().unwrap().clone();
        world.commits = commits;
        Ok(())
    });
    unit.calls.expect_rollback().returning(|| Ok(()));
    unit
}

fn store(world: &Shared) -> MockStore {
    let world = world.clone();
    let mut store = MockStore::default();
    let no_tasks = |_: &_, _: &_| Err(Error::Unsupported { what: "tasks" });
    store.repositories.processing_tasks.expect_list().returning(no_tasks);
    store.calls.expect_begin().returning(move |mode| {
        assert_eq!(mode, Mode::ReadWrite);
        Ok(unit(&world))
    });
    store
}

type Entry = Result<ArchiveEntry, Refusal>;

fn source(entries: Vec<Entry>) -> MockArchiveSource {
    let mut source = MockArchiveSource::new();
    source.expect_prefixes().returning(|| Ok(vec![]));
    source.expect_open().returning(move |_| {
        let mut entries = VecDeque::from(entries.clone());
        let mut reader = MockArchiveReader::new();
        let item = |entry| ArchiveItem { entry, files: vec![] };
        reader.expect_next().returning(move || entries.pop_front().map(item));
        Ok(Box::new(reader))
    });
    source
}

fn ids() -> MockIdGenerator {
    let last = Mutex::new(0);
    let mut ids = MockIdGenerator::new();
    ids.expect_new_id().returning(move || {
        let mut last = last.lock().unwrap();
        *last += 1;
        Uuid::from_u128(*last)
    });
    ids
}

async fn run(world: &Shared, entries: &[Entry]) -> Result<ImportReport, ImportError> {
    run_from(&source(entries.to_vec()), world, &|_| {}).await
}

async fn run_from(
    source: &MockArchiveSource,
    world: &Shared,
    observer: Observer<'_>,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions::new(WorkerId::parse("test").unwrap(), "the archive");
    import(source, &store(world), (&ids(), &SystemClock), &options, observer).await
}

fn channel(id: &str, title: &str, handle: Option<&str>) -> Channel {
    let id = ChannelId::parse(id).unwrap();
    Channel::new(ChannelFields { id, title: title.into(), handle: handle.map(Into::into), url: None })
        .unwrap()
}

fn archived(id: &str, channel: Option<Channel>) -> ArchivedVideo {
    let video_id = VideoId::parse(id).unwrap();
    let mut fields = VideoFields::new(video_id.clone(), format!("Video {id}"));
    fields.channel_id = channel.as_ref().map(|channel| channel.id.clone());
    let transcript = Transcript::new(TranscriptFields {
        video_id: video_id.clone(),
        language: LanguageTag::parse("en").unwrap(),
        kind: TranscriptKind::Manual,
        cues: vec![Cue { start_ms: 0, end_ms: 1, text: "hello".into() }],
    });
    ArchivedVideo {
        path: PathBuf::from(format!("{id}.info.json")),
        channel,
        video: Video::new(fields).unwrap(),
        known_by_name: false,
        transcripts: vec![ArchivedTranscript {
            path: format!("{id}.en.vtt").into(),
            transcript: transcript.unwrap(),
        }],
        media_files: vec![a_file(&format!("/{id}.mp4"), &video_id)],
        refused: vec![],
        ignored: vec![],
        warnings: vec![],
    }
}

fn a_file(path: &str, video_id: &VideoId) -> MediaFileFields {
    MediaFileFields::new(MediaFileId::new(Uuid::nil()), video_id.clone(), path)
}

fn video(id: &str, channel: Option<Channel>) -> Entry {
    Ok(ArchiveEntry::Video(Box::new(archived(id, channel))))
}

fn refusal(path: &str) -> Refusal {
    Refusal { path: path.into(), reason: "is cut off".into() }
}

fn counts(created: u64, updated: u64, unchanged: u64) -> Counts {
    Counts { created, updated, unchanged }
}

#[tokio::test]
async fn the_report_has_the_promised_json() {
    let mut spoilt = archived("v1", Some(channel("UC1", "One", None)));
    spoilt.refused.push(refusal("v1.de.vtt"));
    spoilt.ignored.push(refusal("v1.part"));
    spoilt.warnings.push(refusal("v1.info.json"));
    spoilt.media_files.push(a_file("/nul\0", &VideoId::parse("v1").unwrap()));
    let entries = [
        Ok(ArchiveEntry::Video(Box::new(spoilt))),
        Err(refusal("bad.info.json")),
        Ok(ArchiveEntry::Ignored(refusal("list.info.json"))),
    ];
    let report = run(&Shared::default(), &entries).await.unwrap();
    let one = json!({"created": 1, "updated": 0, "unchanged": 0});
    let note = |path: &str| json!({"path": path, "reason": "is cut off"});
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["refused"][1]["path"], "/nul\0");
    assert!(json["refused"][1]["reason"].as_str().unwrap().contains("media_file.path"), "{json}");
    assert_eq!(
        json,
        json!({
            "videos": one, "transcripts": one, "channels": one, "media_files": one, "left_deleted": [],
            "playlists": {"created": 0, "updated": 0, "unchanged": 0}, "unchanged_files": 0, "vanished": [],
            "refused": [note("v1.de.vtt"), json["refused"][1], note("bad.info.json")],
            "ignored": [note("v1.part"), note("list.info.json")],
            "warnings": [note("v1.info.json")],
        })
    );
}

#[tokio::test]
async fn a_second_run_finds_everything_unchanged_and_writes_nothing() {
    let world = Shared::default();
    // Each document knows something else of the same channel, and two contradict each other.
    let entries = [
        video("v1", Some(channel("UC1", "", None))),
        video("v2", Some(channel("UC1", "Old name", None))),
        video("v3", Some(channel("UC1", "New name", Some("@new")))),
        video("v4", Some(channel("UC1", "Old name", Some("@old")))),
        video("v5", None),
    ];
    let first = run(&world, &entries).await.unwrap();
    assert_eq!((first.videos, first.channels), (counts(5, 0, 0), counts(1, 0, 0)));
    let channel = world.lock().unwrap().channels.values().next().cloned().unwrap();
    assert_eq!((channel.title.as_str(), channel.handle.as_deref()), ("Old name", Some("@new")));

    world.lock().unwrap().writes = 0;
    let second = run(&world, &entries).await.unwrap();
    let all = [second.videos, second.transcripts, second.channels, second.media_files];
    assert_eq!(all, [counts(0, 0, 5), counts(0, 0, 5), counts(0, 0, 1), counts(0, 0, 5)]);
    assert_eq!(world.lock().unwrap().writes, 0);
}

#[tokio::test]
async fn what_the_store_knows_of_a_channel_is_kept_where_the_archive_is_silent() {
    let world = Shared::default();
    run(&world, &[video("v1", Some(channel("UC1", "Name", Some("@handle"))))]).await.unwrap();
    let report = run(&world, &[video("v1", Some(channel("UC1", "Renamed", None)))]).await.unwrap();
    assert_eq!(report.channels, counts(0, 1, 0));
    let channel = world.lock().unwrap().channels.values().next().cloned().unwrap();
    assert_eq!((channel.title.as_str(), channel.handle.as_deref()), ("Renamed", Some("@handle")));
}

#[tokio::test]
async fn channels_are_remembered_across_batches() {
    let world = Shared::default();
    let title = |i: usize| if i == 0 { "First" } else { "Other" };
    let entries: Vec<Entry> =
        (0..120).map(|i| video(&format!("v{i}"), Some(channel("UC1", title(i), None)))).collect();
    let report = run(&world, &entries).await.unwrap();
    assert_eq!((report.videos, report.channels), (counts(120, 0, 0), counts(1, 0, 0)));
    assert_eq!(world.lock().unwrap().commits, 3);
    assert_eq!(world.lock().unwrap().channels.values().next().unwrap().title, "First");
}

#[tokio::test]
async fn a_batch_is_bounded_by_its_text() {
    let world = Shared::default();
    let entries: Vec<Entry> = (0..4)
        .map(|i| {
            let mut archived = archived(&format!("v{i}"), None);
            let mut fields = archived.transcripts[0].transcript.clone().into_fields();
            fields.cues = vec![Cue { start_ms: 0, end_ms: 1, text: "x".repeat(60 * 1024) }; 20];
            archived.transcripts[0].transcript = Transcript::new(fields).unwrap();
            Ok(ArchiveEntry::Video(Box::new(archived)))
        })
        .collect();
    run(&world, &entries).await.unwrap();
    assert_eq!(world.lock().unwrap().commits, 4);
}

#[tokio::test]
async fn a_deleted_video_stays_so_and_is_named() {
    let world = Shared::default();
    world.lock().unwrap().deleted.insert(VideoId::parse("v1").unwrap());
    let report = run(&world, &[video("v1", None), video("v2", None)]).await.unwrap();
    assert_eq!(report.left_deleted, [VideoId::parse("v1").unwrap()]);
    assert_eq!((report.videos, report.transcripts), (counts(1, 0, 0), counts(1, 0, 0)));
}

#[tokio::test]
async fn a_file_of_a_deleted_video_is_left_to_it_with_a_warning() {
    let world = Shared::default();
    run(&world, &[video("v1", None)]).await.unwrap();
    world.lock().unwrap().deleted.insert(VideoId::parse("v1").unwrap());
    let mut other = archived("v2", None);
    other.media_files[0].path = "/v1.mp4".into();
    let report = run(&world, &[Ok(ArchiveEntry::Video(Box::new(other)))]).await.unwrap();
    assert_eq!((report.media_files, report.warnings[0].path.as_str()), (counts(0, 0, 0), "/v1.mp4"));
}

#[tokio::test]
async fn one_video_that_the_store_refuses_does_not_take_its_batch_along() {
    let world = Shared::default();
    world.lock().unwrap().refused.insert(VideoId::parse("v2").unwrap());
    let entries = [video("v1", None), video("v2", Some(channel("UC2", "", None))), video("v3", None)];
    let report = run(&world, &entries).await.unwrap();
    assert_eq!(report.videos, counts(2, 0, 0));
    assert_eq!(report.refused.len(), 1);
    assert_eq!(report.refused[0].path, "v2.info.json");
    assert!(report.refused[0].reason.contains("refers to channel"), "{}", report.refused[0].reason);
    // Nothing of the refused one is in, and nothing of it is counted.
    assert_eq!((report.channels, world.lock().unwrap().channels.len()), (counts(0, 0, 0), 0));
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let world = Shared::default();
    world.lock().unwrap().conflicts = 2;
    let report = run(&world, &[video("v1", Some(channel("UC1", "", None)))]).await.unwrap();
    assert_eq!((report.videos, report.channels), (counts(1, 0, 0), counts(1, 0, 0)));
}

#[tokio::test]
async fn a_store_that_fails_stops_the_import_and_says_what_is_in() {
    let world = Shared::default();
    world.lock().unwrap().fails_after = Some(1);
    let entries: Vec<Entry> = (0..60).map(|i| video(&format!("v{i}"), None)).collect();
    let error = run(&world, &entries).await.unwrap_err();
    let text = crate::error::chain(&error);
    assert!(text.contains("50 of the videos") && text.contains("goes on from there"), "{text}");
    assert!(text.ends_with("the storage is full; free some space and try again"), "{text}");
    world.lock().unwrap().fails_after = None;
    let report = run(&world, &entries).await.unwrap();
    assert_eq!(report.videos, counts(10, 0, 50));
}

#[tokio::test]
async fn an_archive_that_cannot_be_opened_changes_nothing() {
    let mut source = MockArchiveSource::new();
    source.expect_prefixes().returning(|| Err(refusal("/nowhere")));
    let error = run_from(&source, &Shared::default(), &|_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the archive /nowhere: is cut off");
}

#[tokio::test]
async fn the_observer_hears_of_each_entry_and_each_refusal() {
    let heard = Mutex::new((0, Vec::new()));
    let entries = vec![video("v1", None), Err(refusal("bad.info.json"))];
    let observer = |event: ImportEvent<'_>| {
        let mut heard = heard.lock().unwrap();
        match event {
            ImportEvent::Read { .. } => heard.0 += 1,
            ImportEvent::Refused(note) => heard.1.push(note.path.clone()),
            ImportEvent::Started { task } => assert_eq!(task, None),
        }
    };
    run_from(&source(entries), &Shared::default(), &observer).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), (2, vec!["bad.info.json".to_owned()]));
}

#[tokio::test]
async fn a_video_known_by_name_replaces_nothing_that_is_known() {
    let by_name = |id: &str, title: &str| {
        let mut archived = archived(id, None);
        let mut fields = archived.video.into_fields();
        fields.title = title.to_owned();
        archived.video = Video::new(fields).unwrap();
        archived.known_by_name = true;
        Ok(ArchiveEntry::Video(Box::new(archived)))
    };
    let world = Shared::default();
    run(&world, &[video("b", None), video("gone", None)]).await.unwrap();
    world.lock().unwrap().deleted.insert(VideoId::parse("gone").unwrap());
    let entries = [by_name("a", "A"), video("c", None), by_name("b", "B"), by_name("gone", "G")];
    let report = run(&world, &entries).await.unwrap();
    assert_eq!(report.videos, Counts { created: 2, updated: 0, unchanged: 1 });
    assert_eq!(report.left_deleted, [VideoId::parse("gone").unwrap()]);
    let titles: Vec<String> =
        world.lock().unwrap().videos.values().map(|video| video.title.clone()).collect();
    assert_eq!(titles, ["A", "Video b", "Video c", "Video gone"]);
    // A document that turns up later does replace the name.
    let report = run(&world, &[video("a", None)]).await.unwrap();
    assert_eq!(report.videos, Counts { created: 0, updated: 1, unchanged: 0 });
}
