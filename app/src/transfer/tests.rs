use std::sync::Arc;

use futures::stream;
use proptest::prelude::*;
use tubeatlas_contract::fixtures::*;
use tubeatlas_domain::{Entity, GraphOwner, KnowledgeGraphId, MediaFileId, ProcessingTaskId};
use tubeatlas_ports::ClaimRequest;

use super::*;
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::wiring::{self, Missing};

/// What is watched is nobody's business here.
fn unwatched(_: Step) {}

async fn opened(url: DatabaseUrl) -> Arc<dyn Store> {
    let settings = DatabaseSettings { url, ..DatabaseSettings::default() };
    Arc::clone(wiring::open(&settings, Missing::Create).await.unwrap().store())
}

async fn in_memory() -> Arc<dyn Store> {
    opened(DatabaseUrl::Memory).await
}

async fn in_sqlite() -> Arc<dyn Store> {
    opened(DatabaseUrl::SqliteTemporary).await
}

async fn exported(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    let write = |line: &[u8]| {
        bytes.extend_from_slice(line);
        Ok(())
    };
    export(store, &unwatched, write).await.unwrap();
    bytes
}

struct InBytes<'a>(&'a [u8]);

impl Source for InBytes<'_> {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        Ok(stream::iter(entries(self.0)?))
    }
}

async fn filled(store: &dyn Store, bytes: &[u8], merge: bool) -> Result<Filled, TransferError> {
    fill(store, &InBytes(bytes), merge, &unwatched).await.map(|(filled, _)| filled)
}

/// A catalogue with something of every kind, deleted videos with all that hangs on them, and tasks in several states.
async fn fill_with_fixtures(store: &dyn Store, many: u32) {
    store.channels().create_many(&[a_channel(), a_full_channel()]).await.unwrap();
    store.videos().create_many(&[a_video(), a_full_video()]).await.unwrap();
    store.transcripts().create_many(&[a_transcript(), a_full_transcript()]).await.unwrap();
    store.knowledge_graphs().create_many(&[a_knowledge_graph(), a_full_knowledge_graph()]).await.unwrap();
    store.media_files().create_many(&[a_media_file(), a_full_media_file()]).await.unwrap();
    store.source_files().create_many(&[a_source_file(), a_full_source_file()]).await.unwrap();
    store.playlists().create_many(&[a_playlist(), a_full_playlist()]).await.unwrap();
    store.playlists().delete(&a_playlist().id, None).await.unwrap();
    for n in 0..many {
        let id = video_id(&format!("many-{n}"));
        let video = a_video_with(|v| {
            v.id = id.clone();
            v.channel_id = (n % 3 > 0).then(|| a_channel().id.clone());
        });
        store.videos().create(&video).await.unwrap();
        let transcript = a_transcript_with(|t| {
            t.video_id = id.clone();
            t.cues = cues(&["a word", &format!("and {n}")]);
        });
        store.transcripts().create(&transcript).await.unwrap();
        let graph = a_knowledge_graph_with(|g| {
            g.id = KnowledgeGraphId::new(uuid(100_000 + n));
            g.owner = match n % 2 {
                0 => GraphOwner::Video(id.clone()),
                _ => GraphOwner::Channel(a_channel().id.clone()),
            };
        });
        store.knowledge_graphs().create(&graph).await.unwrap();
        let file = a_media_file_with(|m| {
            m.id = MediaFileId::new(uuid(200_000 + n));
            m.video_id = id.clone();
            m.path = format!("/many/{n}.mp4");
        });
        store.media_files().create(&file).await.unwrap();
        let playlist =
            a_playlist_with(|p| (p.id, p.title) = (playlist_id(&format!("many-{n}")), format!("{n}")));
        store.playlists().create(&playlist).await.unwrap();
        let source = a_source_file_with(|s| s.path = source_path(&format!("/many/{n}.json")));
        store.source_files().create(&source).await.unwrap();
        let task = a_task_with(|t| {
            t.id = ProcessingTaskId::new(uuid(300_000 + n));
            t.available_at = noon();
        });
        store.processing_tasks().enqueue(&task).await.unwrap();
        if n % 4 == 0 {
            let changed = a_video_with(|v| {
                *v = video.into_fields();
                v.title = format!("changed {n}");
            });
            store.videos().update(&changed, None).await.unwrap();
            store.videos().delete(&id, None).await.unwrap();
            let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 60_000, only: None };
            let claimed = store.processing_tasks().claim(&request).await.unwrap().unwrap();
            if n % 8 == 0 {
                let token = claimed.lease.as_ref().unwrap().token;
                store.processing_tasks().complete(claimed.entity.id, token).await.unwrap();
            }
        }
    }
    store.videos().delete(&a_full_video().id, None).await.unwrap();
}

fn number_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[tokio::test]
async fn a_catalogue_is_the_same_through_every_store() {
    let first = in_memory().await;
    fill_with_fixtures(first.as_ref(), 450).await; // more than a page, and more than a batch, of each kind
    let bytes = exported(first.as_ref()).await;
    let (second, third) = (in_sqlite().await, in_memory().await);
    let entities = number_of_lines(&bytes) as u64 - 2;
    let created = Filled { created: entities, ..Filled::default() };
    assert_eq!(filled(second.as_ref(), &bytes, false).await.unwrap(), created);
    assert!(exported(second.as_ref()).await == bytes);
    let moment = Moment::of(second.as_ref()).await.unwrap();
    let (copied, summary) = fill(third.as_ref(), &moment, false, &unwatched).await.unwrap();
    assert_eq!((copied, summary.total()), (created, entities));
    assert!(exported(third.as_ref()).await == bytes);
    // A second time there is nothing to do.
    let unchanged = Filled { unchanged: entities, ..Filled::default() };
    assert_eq!(filled(third.as_ref(), &bytes, false).await.unwrap(), unchanged);
    // What was moved lives on.
    let restored = second.videos().restore(&a_full_video().id).await.unwrap();
    assert!(restored.deleted_at.is_none());
    assert!(second.transcripts().get(&a_full_transcript().id(), Visibility::Live).await.unwrap().is_some());
}

/// As the program wrote it that knew no source files.
const OLDER: &str = r#"{"tubeatlas_catalogue":{"version":1}}
{"end":{"counts":{"channel":0,"knowledge_graph":0,"media_file":0,"processing_task":0,"transcript":0,"video":0},"sha256":"bf4c9b9ddbc20801d8bc102846a5dddf7c8f16b77791a083942c106dd5016d19"}}
"#;

#[tokio::test]
async fn what_older_programs_wrote_is_read_and_written_the_same() {
    let store = in_memory().await;
    assert_eq!(filled(store.as_ref(), OLDER.as_bytes(), false).await.unwrap(), Filled::default());
    assert_eq!(String::from_utf8(exported(store.as_ref()).await).unwrap(), OLDER);
}

/// Catalogues that proptest shrinks: ids, times and texts as they come.
fn videos() -> impl Strategy<Value = Vec<Stored<Video>>> {
    let video = ("[a-zA-Z0-9_-]{1,12}", "\\PC{0,40}", 0..2_000_000_i64, 0..1_000_i64, any::<bool>());
    let video = video.prop_map(|(id, title, created, later, deleted)| {
        let entity = a_video_with(|v| {
            v.id = video_id(&id);
            v.title = title;
        });
        let (created_at, updated_at) = (at(created), at(created + later));
        let deleted_at = deleted.then_some(updated_at);
        Stored {
            entity,
            created_at,
            updated_at,
            revision: tubeatlas_ports::Revision::new(1).unwrap(),
            deleted_at,
        }
    });
    prop::collection::btree_map("[a-z]{1,3}", video, 0..30).prop_map(|by_id| {
        let named = by_id.into_iter().map(|(id, mut stored)| {
            stored.entity = a_video_with(|v| {
                *v = stored.entity.into_fields();
                v.id = video_id(&id);
            });
            stored
        });
        named.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn generated_catalogues_are_the_same_through_memory_sqlite_memory(videos in videos()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let first = in_memory().await;
            first.videos().adopt_many(&videos).await.unwrap();
            let bytes = exported(first.as_ref()).await;
            let (second, third) = (in_sqlite().await, in_memory().await);
            filled(second.as_ref(), &bytes, false).await.unwrap();
            let through = exported(second.as_ref()).await;
            assert!(through == bytes);
            filled(third.as_ref(), &through, false).await.unwrap();
            assert!(exported(third.as_ref()).await == bytes);
        });
    }
}

/// A small file, of which every line is of another sort.
async fn small() -> Vec<u8> {
    let store = in_memory().await;
    fill_with_fixtures(store.as_ref(), 1).await;
    exported(store.as_ref()).await
}

async fn is_empty(store: &dyn Store) -> bool {
    number_of_lines(&exported(store).await) == 2
}

#[tokio::test]
async fn damage_at_any_line_is_named_and_nothing_is_written() {
    let bytes = small().await;
    let store = in_memory().await;
    let mut begin = 0;
    for (line, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = line as u64 + 1;
        let end = begin + text.len();
        // A digit, letter or sign in the middle, and what the line begins with.
        for place in [begin, begin + text.len() / 2, end - 2] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            let error = filled(store.as_ref(), &damaged, false).await.unwrap_err();
            // What is still JSON, and an entity, is told by the digest at the end.
            let last = number_of_lines(&bytes) as u64;
            match error {
                TransferError::Damaged { line, .. } => {
                    assert!(line == number || line == last, "{line} {number}")
                }
                TransferError::Version { .. } => assert_eq!(number, 1),
                other => panic!("{other}"),
            }
        }
        // Cut off within the line, before it, and the line left out or there twice.
        let without = [&bytes[..begin], &bytes[end..]].concat();
        let twice = [&bytes[..end], &bytes[begin..]].concat();
        for damaged in [&bytes[..begin], &bytes[..end - 1], &without, &twice] {
            let error = filled(store.as_ref(), damaged, false).await.unwrap_err();
            assert!(matches!(error, TransferError::Damaged { .. }), "{number}: {error}");
        }
        begin = end;
    }
    assert!(is_empty(store.as_ref()).await);
    assert!(filled(store.as_ref(), &bytes, false).await.is_ok());
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_by_its_version() {
    let bytes = small().await;
    let newer = String::from_utf8(bytes).unwrap().replacen("\"version\":1", "\"version\":2,\"new\":{}", 1);
    let store = in_memory().await;
    let error = filled(store.as_ref(), newer.as_bytes(), false).await.unwrap_err();
    assert!(matches!(error, TransferError::Version { found: 2 }), "{error}");
    for text in ["", "\n", "{}\n", "{\"tubeatlas_catalogue\":{\"version\":1}\n", "not JSON\n"] {
        let error = filled(store.as_ref(), text.as_bytes(), false).await.unwrap_err();
        assert!(matches!(error, TransferError::Damaged { line: 1, .. }), "{text:?}: {error}");
    }
}

/// Breaks off at this entity of the second reading, as a process that is killed does.
struct BreaksOff<'a>(&'a [u8], std::sync::atomic::AtomicU32, usize);

impl Source for BreaksOff<'_> {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        let first = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        let broken = || TransferError::Store(StoreError::Closed { what: "it".to_owned() });
        let all = entries(self.0)?.enumerate();
        Ok(stream::iter(all.map(move |(n, entry)| if !first && n == self.2 { Err(broken()) } else { entry })))
    }
}

#[tokio::test]
async fn an_interrupted_import_is_completed_by_the_next_one() {
    let first = in_memory().await;
    fill_with_fixtures(first.as_ref(), 60).await;
    let bytes = exported(first.as_ref()).await;
    let entities = number_of_lines(&bytes) - 2;
    for at in [0, 1, entities / 3, entities / 2, entities - 1] {
        let store = in_sqlite().await;
        let source = BreaksOff(&bytes, 0.into(), at);
        let error = fill(store.as_ref(), &source, false, &unwatched).await.unwrap_err();
        assert!(matches!(error, TransferError::Store(StoreError::Closed { .. })), "{error}");
        let done = filled(store.as_ref(), &bytes, false).await.unwrap();
        assert_eq!((done.created + done.unchanged, done.left), (entities as u64, 0), "{at}: {done:?}");
        assert!(done.unchanged > 0 || at < 60, "{at}: {done:?}");
        assert!(exported(store.as_ref()).await == bytes);
    }
}

#[tokio::test]
async fn what_holds_something_else_is_filled_only_if_that_was_asked_for() {
    let bytes = small().await;
    let other = in_memory().await;
    // One that is in the file, but not so, and one that is not.
    let renamed = a_channel_with(|c| c.title = "Another title".into());
    other.channels().create(&renamed).await.unwrap();
    other.videos().create(&a_video_with(|v| v.id = video_id("of our own"))).await.unwrap();
    let before = exported(other.as_ref()).await;
    let error = filled(other.as_ref(), &bytes, false).await.unwrap_err();
    assert!(
        matches!(&error, TransferError::HoldsOther(what) if what.contains("channel UC-a-channel")),
        "{error}"
    );
    assert!(exported(other.as_ref()).await == before, "nothing was written");
    let entities = number_of_lines(&bytes) as u64 - 2;
    let merged = filled(other.as_ref(), &bytes, true).await.unwrap();
    assert_eq!(merged, Filled { created: entities - 1, unchanged: 0, left: 1 });
    let kept = other.channels().get(&renamed.id, Visibility::Live).await.unwrap().unwrap();
    assert_eq!(kept.entity, renamed);
}
