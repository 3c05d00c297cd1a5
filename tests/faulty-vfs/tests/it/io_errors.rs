//! A call of the disk fails, each in its turn: every error is one that callers can branch on, nothing acknowledged is
//! lost, nothing is half there, and the same open store works again when the disk does.

use std::collections::BTreeMap;
use std::path::Path;

use tubeatlas_adapters_sqlite::{SqliteStore, Synchronous};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{
    Cue, JsonObject, LanguageTag, NewTask, ProcessingTaskId, TaskKind, Timestamp, Transcript,
    TranscriptFields, TranscriptId, TranscriptKind, Video, WorkerId,
};
use tubeatlas_faulty_vfs::{Disk, Fault, Random};
use tubeatlas_ports::{
    ClaimRequest, Error, Mode, PageRequest, Repositories, Result, SearchRequest, Store, VideoFilter,
    Visibility,
};

use crate::support::{are_there, config, damage, every_call, id, open, seed, video};

/// How many operations the workload has.
const OPERATIONS: u64 = 20;

/// The operation that searches, with hits.
const SEARCH: u64 = 6;

/// Videos that are there from the beginning.
const BEFORE: u64 = 100;

fn new_video(number: u64) -> Video {
    video(number, &mut Random::new(number))
}

fn renamed(number: u64) -> Video {
    let mut fields = new_video(number).into_fields();
    fields.title = "Renamed".to_owned();
    Video::new(fields).unwrap()
}

fn transcript(number: u64) -> Transcript {
    let cue =
        |n: u64| Cue { start_ms: n * 1_000, end_ms: n * 1_000 + 900, text: format!("cue {n} of many words") };
    Transcript::new(TranscriptFields {
        video_id: id(number),
        language: LanguageTag::parse("en").unwrap(),
        kind: TranscriptKind::Manual,
        cues: (0..500).map(cue).collect(),
    })
    .unwrap()
}

fn transcript_id(number: u64) -> TranscriptId {
    TranscriptId { video_id: id(number), language: LanguageTag::parse("en").unwrap() }
}

fn task_id(number: u64) -> ProcessingTaskId {
    format!("00000000-0000-7000-8000-{number:012}").parse().map(ProcessingTaskId::new).unwrap()
}

fn task(number: u64) -> NewTask {
    NewTask {
        id: task_id(number),
        kind: TaskKind::parse("import").unwrap(),
        target: None,
        payload: JsonObject::default(),
        max_attempts: 3,
        available_at: Timestamp::from_unix_micros(0).unwrap(),
    }
}

/// The numbers of the videos that the operation creates, all or none.
fn creates(operation: u64) -> Vec<u64> {
    let first = 1_000 * (operation + 1);
    match operation {
        3 | 14 => vec![first, first + 1],
        11 => (first..first + 100).collect(),
        0 | 1 | 7 | 12 | 19 => vec![first],
        _ => Vec::new(),
    }
}

/// One operation of the workload.
async fn operate(store: &SqliteStore, operation: u64) -> Result<()> {
    let videos = store.videos();
    match operation {
        2 => videos.update(&renamed(1), None).await.map(drop),
        3 | 14 => {
            let unit = store.begin(Mode::ReadWrite).await?;
            for number in creates(operation) {
                unit.videos().create(&new_video(number)).await?;
            }
            unit.videos().get(&id(5), Visibility::Live).await?;
            unit.commit().await
        }
        4 => videos.get(&id(50), Visibility::Live).await.map(drop),
        5 => store.transcripts().upsert(&transcript(2)).await.map(drop),
        SEARCH => {
            let query = SearchQuery::parse("word7* title").unwrap();
            store.transcripts().search(&SearchRequest::new(query)).await.map(drop)
        }
        8 => videos.delete(&id(3), None).await,
        9 => videos.purge(&id(4), None).await,
        10 => videos.list(&VideoFilter::default(), &PageRequest::default()).await.map(drop),
        11 => {
            let many: Vec<Video> = creates(operation).into_iter().map(new_video).collect();
            videos.create_many(&many).await.map(drop)
        }
        13 => store.processing_tasks().enqueue(&task(1)).await.map(drop),
        15 => {
            let worker = WorkerId::parse("worker").unwrap();
            store
                .processing_tasks()
                .claim(&ClaimRequest { worker, kinds: None, lease_ms: 1_000, only: None })
                .await
                .map(drop)
        }
        16 => {
            let unit = store.begin(Mode::ReadOnly).await?;
            unit.videos().count(&VideoFilter::default()).await?;
            unit.videos().get_many(&[id(6), id(7)], Visibility::Live).await?;
            unit.commit().await
        }
        17 => videos.upsert(&renamed(8)).await.map(drop),
        18 => videos.count(&VideoFilter::default()).await.map(drop),
        _ => videos.create(&new_video(creates(operation)[0])).await.map(drop),
    }
}

/// What of the operation's changes is there: all or none of it should be.
async fn changes(store: &SqliteStore, operation: u64) -> Result<Vec<bool>> {
    let title = async |number: u64| {
        let found = store.videos().get(&id(number), Visibility::Live).await?;
        Ok::<_, Error>(found.is_some_and(|stored| stored.title == "Renamed"))
    };
    Ok(match operation {
        2 => vec![title(1).await?],
        5 => vec![store.transcripts().exists(&transcript_id(2), Visibility::Live).await?],
        8 => vec![!store.videos().exists(&id(3), Visibility::Live).await?],
        9 => vec![!store.videos().exists(&id(4), Visibility::WithDeleted).await?],
        13 => vec![store.processing_tasks().exists(&task_id(1), Visibility::Live).await?],
        17 => vec![title(8).await?],
        _ => {
            let ids: Vec<_> = creates(operation).into_iter().map(id).collect();
            are_there(store, &ids).await?
        }
    })
}

/// A database with some videos, closed.
async fn template(folder: &Path) {
    let store = open(config(&folder.join("catalogue.db"), Synchronous::Full)).await.unwrap();
    let videos: Vec<Video> = (0..BEFORE).map(new_video).collect();
    store.videos().create_many(&videos).await.unwrap();
    store.close().await.unwrap();
}

/// A disk with a copy of the template.
fn copy(template: &Path) -> (tempfile::TempDir, std::sync::Arc<Disk>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(template.join("catalogue.db"), folder.path().join("catalogue.db")).unwrap();
    let disk = Disk::under(folder.path()).unwrap();
    (folder, disk)
}

/// The calls that are made to fail: each, or some that the seed chooses.
fn points(calls: u64, some: u64, random: &mut Random) -> Vec<u64> {
    if every_call() {
        return (1..=calls).collect();
    }
    (0..some).map(|_| 1 + random.below(calls)).collect()
}

fn name(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

/// That the error says what happened, and not merely that something did.
fn assert_typed(fault: Fault, error: &Error, context: &str) {
    let typed = match fault {
        Fault::Full => matches!(error, Error::StorageFull { .. }),
        _ => matches!(error, Error::Unavailable { .. }),
    };
    assert!(typed, "{context}: {error:?}");
}

async fn fail_at(template: &Path, call: u64, fault: Fault, tally: &mut BTreeMap<String, u64>) {
    let context = format!("{fault:?} at call {call}");
    let (folder, disk) = copy(template);
    let config = config(&folder.path().join("catalogue.db"), Synchronous::Full);
    let store = open(config.clone()).await.unwrap();
    disk.break_at(call, fault);
    let mut results = Vec::new();
    for operation in 0..OPERATIONS {
        results.push(operate(&store, operation).await);
    }
    disk.mend();

    // It works again, at once and without being opened again.
    let after = new_video(500);
    store.videos().create(&after).await.unwrap_or_else(|error| panic!("{context}, mended: {error:?}"));
    let found = store.videos().get(&id(500), Visibility::Live).await;
    assert!(matches!(found, Ok(Some(_))), "{context}, mended: {found:?}");
    store.close().await.unwrap();

    let store = open(config).await.unwrap_or_else(|error| panic!("{context}, opened again: {error:?}"));
    assert_eq!(damage(&store).await.unwrap(), Vec::<String>::new(), "{context}");
    // The relevance of hits needs the totals of the index, at which no check of SQLite's looks.
    operate(&store, SEARCH).await.unwrap_or_else(|error| panic!("{context}, searched: {error:?}"));
    for (operation, result) in (0..).zip(&results) {
        let context = format!("{context}, operation {operation}");
        let changes = changes(&store, operation).await.unwrap();
        assert!(changes.iter().all(|change| *change == changes[0]), "{context}: half of it is there");
        let applied = changes.first().copied();
        match result {
            Ok(()) => assert_ne!(applied, Some(false), "{context}: it was acknowledged, and is lost"),
            Err(error) => {
                assert_typed(fault, error, &context);
                let known = !matches!(error, Error::Unavailable { .. });
                assert!(!(known && applied == Some(true)), "{context}: {error:?}, and it is there");
                let outcome = if applied == Some(true) { "applied" } else { "not applied" };
                *tally.entry(format!("{} ({outcome})", name(error))).or_default() += 1;
            }
        }
    }
    store.close().await.unwrap();
}

async fn calls_of_the_workload(template: &Path) -> u64 {
    let (folder, disk) = copy(template);
    let store = open(config(&folder.path().join("catalogue.db"), Synchronous::Full)).await.unwrap();
    disk.mend();
    for operation in 0..OPERATIONS {
        operate(&store, operation).await.unwrap_or_else(|error| panic!("operation {operation}: {error:?}"));
    }
    for operation in 0..OPERATIONS {
        let changes = changes(&store, operation).await.unwrap();
        assert!(changes.iter().all(|change| *change), "operation {operation} does what is looked for");
    }
    let calls = disk.calls();
    store.close().await.unwrap();
    calls
}

#[tokio::test]
async fn the_disk_fails_at_a_call_of_the_workload() {
    let mut random = Random::new(seed("workload"));
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let calls = calls_of_the_workload(folder.path()).await;
    for fault in [Fault::IoErrorOnce, Fault::IoErrors, Fault::Full] {
        let mut tally = BTreeMap::new();
        let points = points(calls, 12, &mut random);
        for call in &points {
            fail_at(folder.path(), *call, fault, &mut tally).await;
        }
        println!("{fault:?}: {} of {calls} calls: {tally:?}", points.len());
        assert!(!tally.is_empty(), "{fault:?}: nobody noticed");
    }
}

#[tokio::test]
async fn the_disk_fails_while_the_store_is_opened() {
    let mut random = Random::new(seed("opening"));
    let template_folder = tempfile::tempdir().unwrap();
    template(template_folder.path()).await;
    for is_new in [false, true] {
        let prepare = || {
            let (folder, disk) = copy(template_folder.path());
            if is_new {
                std::fs::remove_file(folder.path().join("catalogue.db")).unwrap();
            }
            let config = config(&folder.path().join("catalogue.db"), Synchronous::Full);
            (folder, disk, config)
        };
        let (_folder, disk, config) = prepare();
        open(config).await.unwrap();
        let calls = disk.calls();
        for fault in [Fault::IoErrorOnce, Fault::IoErrors, Fault::Full] {
            let (mut refused, points) = (0, points(calls, 8, &mut random));
            for call in &points {
                let context = format!("{fault:?} at call {call}, new: {is_new}");
                let (_folder, disk, config) = prepare();
                disk.break_at(*call, fault);
                match open(config.clone()).await {
                    Ok(store) => {
                        disk.mend();
                        store.close().await.unwrap();
                    }
                    Err(error) => {
                        refused += 1;
                        assert_typed(fault, &error, &context);
                    }
                }
                disk.mend();
                let store = open(config).await.unwrap_or_else(|error| panic!("{context}, mended: {error:?}"));
                assert_eq!(damage(&store).await.unwrap(), Vec::<String>::new(), "{context}");
                store.close().await.unwrap();
            }
            println!(
                "opening, new: {is_new}, {fault:?}: {} of {calls} calls: {refused} refused",
                points.len()
            );
        }
    }
}
