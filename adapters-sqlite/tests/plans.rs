//! How SQLite answers every query of the adapter: from an index, in its order.
//!
//! Each repository's methods are called with each filter and order, on first and later pages, and all statements
//! that reach SQLite are written down by Diesel's instrumentation. `plans.txt` has them with their plans; after a
//! change, look at the difference, and run the test with `UPDATE_PLANS=1` to write it down.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::*;
use tubeatlas_ports::*;
use uuid::Uuid;

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn recorder() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let text = text.split(" -- binds:").next().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            STATEMENTS.lock().unwrap().insert(words.join(" "));
        }
    }))
}

/// A clock that goes on by a second whenever it is read, so that short leases have expired by the next call.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.fetch_add(1_000_000, Ordering::Relaxed)).unwrap()
    }
}

/// Lists with this filter in this order: two pages, and the count.
async fn list<E: Catalogued>(repository: &(impl Repository<E> + ?Sized), filter: E::Filter, order: E::Order) {
    let mut request = PageRequest { order, limit: 1, after: None };
    let page = repository.list(&filter, &request).await.unwrap();
    assert!(page.next.is_some(), "{filter:?} finds more than one page");
    request.after = page.next;
    repository.list(&filter, &request).await.unwrap();
    repository.count(&filter).await.unwrap();
}

const VISIBILITIES: [Visibility; 2] = [Visibility::Live, Visibility::WithDeleted];

fn id(n: u32) -> VideoId {
    VideoId::parse(format!("v{n}")).unwrap()
}

fn video(n: u32) -> Video {
    let mut fields = VideoFields::new(id(n), format!("title {n}"));
    fields.channel_id = Some(ChannelId::parse("c").unwrap());
    fields.description = Some("words".into());
    fields.published_at = (n > 2).then(|| Timestamp::from_unix_micros(i64::from(n)).unwrap());
    Video::new(fields).unwrap()
}

fn channel(id: &str) -> Channel {
    let id = ChannelId::parse(id).unwrap();
    Channel::new(ChannelFields { title: format!("Channel {id}"), id, handle: None, url: None }).unwrap()
}

async fn channels(store: &SqliteStore) {
    let channels = store.channels();
    channels.create_many(&[channel("c"), channel("d"), channel("e")]).await.unwrap();
    let mut fields = channel("d").into_fields();
    fields.title = "another".into();
    channels.update(&Channel::new(fields).unwrap(), None).await.unwrap();
    channels.upsert(&channel("d")).await.unwrap();
    channels.get(&channel("c").id, Visibility::Live).await.unwrap();
    for order in [ChannelOrder::Title, ChannelOrder::Id] {
        list(channels, ChannelFilter::default(), order).await;
    }
    channels.delete(&channel("e").id, None).await.unwrap();
}

async fn videos(store: &SqliteStore) {
    let videos = store.videos();
    videos.create_many(&(1..=6).map(video).collect::<Vec<_>>()).await.unwrap();
    let mut fields = video(6).into_fields();
    fields.title = "another".into();
    videos.update(&Video::new(fields).unwrap(), None).await.unwrap();
    let mut fields = video(6).into_fields();
    fields.channel_id = Some(ChannelId::parse("d").unwrap());
    videos.upsert(&Video::new(fields).unwrap()).await.unwrap();
    videos.upsert(&video(6)).await.unwrap();
    videos.get_many(&[id(1), id(2)], Visibility::Live).await.unwrap();
    let at = |micros| Some(Timestamp::from_unix_micros(micros).unwrap());
    for channel_id in [None, Some(ChannelId::parse("c").unwrap())] {
        for (published_from, published_before) in [(None, None), (at(0), None), (None, at(9)), (at(0), at(9))]
        {
            for visibility in VISIBILITIES {
                for order in [VideoOrder::Newest, VideoOrder::Oldest, VideoOrder::Id] {
                    let channel_id = channel_id.clone();
                    let filter = VideoFilter { channel_id, published_from, published_before, visibility };
                    list(videos, filter, order).await;
                }
            }
        }
    }
    videos.delete(&id(6), None).await.unwrap();
    videos.restore(&id(6)).await.unwrap();
}

async fn transcripts(store: &SqliteStore) {
    let transcripts = store.transcripts();
    let transcript = |n, text: &str| {
        let cues = vec![Cue { start_ms: 0, end_ms: 1, text: text.to_owned() }];
        let (language, kind) = (LanguageTag::parse("en").unwrap(), TranscriptKind::Manual);
        Transcript::new(TranscriptFields { video_id: id(n), language, kind, cues }).unwrap()
    };
    transcripts.create_many(&[transcript(1, "words"), transcript(2, "words")]).await.unwrap();
    let mut german = transcript(1, "words").into_fields();
    german.language = LanguageTag::parse("en-GB").unwrap();
    transcripts.create(&Transcript::new(german).unwrap()).await.unwrap();
    transcripts.upsert(&transcript(1, "other words")).await.unwrap();
    for video_id in [None, Some(id(1))] {
        for language in [None, Some(LanguageTag::parse("en").unwrap())] {
            for visibility in VISIBILITIES {
                let (video_id, language) = (video_id.clone(), language.clone());
                let filter = TranscriptFilter { video_id, language, visibility };
                list(transcripts, filter, TranscriptOrder::Id).await;
            }
        }
    }
    for order in [SearchOrder::Relevance, SearchOrder::Newest, SearchOrder::Oldest] {
        for visibility in VISIBILITIES {
            let mut request = SearchRequest::new(SearchQuery::parse("words").unwrap());
            (request.order, request.visibility, request.limit) = (order, visibility, 1);
            request.after = transcripts.search(&request).await.unwrap().next;
            assert!(request.after.is_some());
            transcripts.search(&request).await.unwrap();
        }
    }
    let (video_id, language) = (id(2), LanguageTag::parse("en").unwrap());
    transcripts.delete(&TranscriptId { video_id, language }, None).await.unwrap();
}

async fn knowledge_graphs(store: &SqliteStore) {
    let graphs = store.knowledge_graphs();
    let graph = |n: u128, owner: GraphOwner| {
        let id = KnowledgeGraphId::new(Uuid::from_u128(n));
        let (model, entities, relations) = (Some("model".to_owned()), Vec::new(), Vec::new());
        let (processing_time_ms, version) = (None, 1);
        let fields =
            KnowledgeGraphFields { id, owner, model, processing_time_ms, version, entities, relations };
        KnowledgeGraph::new(fields).unwrap()
    };
    let owners = [GraphOwner::Video(id(1)), GraphOwner::Channel(ChannelId::parse("c").unwrap())];
    for (n, owner) in (1..).zip(owners.iter().cycle().take(6)) {
        graphs.create(&graph(n, owner.clone())).await.unwrap();
    }
    let mut fields = graph(1, owners[0].clone()).into_fields();
    fields.version = 2;
    graphs.upsert(&KnowledgeGraph::new(fields).unwrap()).await.unwrap();
    for owner in [None, Some(owners[0].clone()), Some(owners[1].clone())] {
        for visibility in VISIBILITIES {
            for order in [KnowledgeGraphOrder::Newest, KnowledgeGraphOrder::Oldest] {
                list(graphs, KnowledgeGraphFilter { owner: owner.clone(), visibility }, order).await;
            }
        }
    }
    graphs.delete(&KnowledgeGraphId::new(Uuid::from_u128(1)), None).await.unwrap();
}

async fn processing_tasks(store: &SqliteStore) {
    let tasks = store.processing_tasks();
    for n in 1..=6 {
        let new = NewTask {
            id: ProcessingTaskId::new(Uuid::from_u128(n)),
            kind: TaskKind::parse("kind").unwrap(),
            target: Some("target".into()),
            payload: JsonObject::default(),
            max_attempts: 3,
            available_at: Timestamp::from_unix_micros(0).unwrap(),
        };
        tasks.enqueue(&new).await.unwrap();
    }
    let status = [None, Some(TaskStatus::Pending)];
    for (status, kind, target) in status.into_iter().flat_map(|status| {
        let kinds = [None, Some(TaskKind::parse("kind").unwrap())];
        kinds.into_iter().flat_map(move |kind| {
            [None, Some("target".to_owned())].map(|target| (status, kind.clone(), target))
        })
    }) {
        for order in [ProcessingTaskOrder::Newest, ProcessingTaskOrder::Oldest] {
            let filter = ProcessingTaskFilter { status, kind: kind.clone(), target: target.clone() };
            list(tasks, filter, order).await;
        }
    }
    let claim = |kinds, lease_ms| {
        let worker = WorkerId::parse("worker").unwrap();
        async move { tasks.claim(&ClaimRequest { worker, kinds, lease_ms }).await.unwrap().unwrap() }
    };
    claim(None, 1).await;
    claim(None, 60_000).await;
    let task = claim(Some(vec![TaskKind::parse("kind").unwrap()]), 60_000).await;
    let token = task.lease.as_ref().unwrap().token;
    tasks.complete(task.entity.id, token).await.unwrap();
    tasks.remove_finished(Timestamp::MAX, 10).await.unwrap();
}

async fn media_files(store: &SqliteStore) {
    let files = store.media_files();
    let file = |n: u128, path: String| {
        MediaFile::new(MediaFileFields::new(MediaFileId::new(Uuid::from_u128(n)), id(1), path)).unwrap()
    };
    for n in 1..=3 {
        files.create(&file(n, format!("/word/{n}"))).await.unwrap();
    }
    files.upsert(&file(3, "/word/other".into())).await.unwrap();
    files.get_by_path("/word/1", Visibility::Live).await.unwrap();
    for video_id in [None, Some(id(1))] {
        for words in [None, Some("word".to_owned())] {
            for visibility in VISIBILITIES {
                let (video_id, words) = (video_id.clone(), words.clone());
                list(files, MediaFileFilter { video_id, words, visibility }, MediaFileOrder::Path).await;
            }
        }
    }
    files.delete(&MediaFileId::new(Uuid::from_u128(2)), None).await.unwrap();
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What a plan may not have, unless it stands in [`EXCEPTIONS`].
fn objection(statement: &str, step: &str) -> Option<&'static str> {
    let ordered_page = statement.contains(" LIMIT ?");
    let count = statement.starts_with("SELECT COUNT(*)");
    if let Some(scanned) = step.strip_prefix("SCAN ") {
        let virtual_table = scanned.contains("VIRTUAL TABLE") || scanned == "CONSTANT ROW";
        let from_index = scanned.contains("USING");
        return match (virtual_table, from_index) {
            (true, _) => None,
            (_, true) if ordered_page || count => None, // a page ends after its rows, a count reads all there is
            _ => Some("reads a whole table"),
        };
    }
    (step.starts_with("USE TEMP B-TREE")).then_some("sorts what no index has in order")
}

/// A part of a statement, a part of the step, and why it is as it must be.
const EXCEPTIONS: [(&str, &str, &str); 6] = [
    ("passages_fts MATCH", "SCAN f", "what the full-text index has found, once"),
    ("passages_fts MATCH", "TEMP B-TREE", "found passages are grouped by transcript, and ranked"),
    ("media_file_words", "FOR GROUP BY", "of the files that have one of the words, those that have all"),
    ("media_file_words", "FOR ORDER BY", "these files, which no index has in the order of their paths"),
    (
        "`published_at`",
        "FOR ORDER BY",
        "a range of dates in the order of ids: one index can have one of them",
    ),
    ("store_state", "SCAN store_state", "has one row"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_answered_from_an_index() {
    set_default_instrumentation(recorder).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plans.db");
    let config = SqliteConfig::new(Location::File(path.clone()));
    let store = SqliteStore::open(config, Arc::new(Ticking(AtomicI64::new(0))), Arc::new(UuidV7Generator))
        .await
        .unwrap();
    STATEMENTS.lock().unwrap().clear(); // what only opening does
    channels(&store).await;
    videos(&store).await;
    transcripts(&store).await;
    knowledge_graphs(&store).await;
    processing_tasks(&store).await;
    media_files(&store).await;
    store.videos().purge(&id(1), None).await.unwrap();
    store.health().await.unwrap();
    store.close().await.unwrap();

    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let (mut found, mut objections, mut needed) = (String::new(), String::new(), BTreeSet::new());
    for statement in statements {
        if statement.contains("pragma_") {
            continue; // what only the opening of a connection does
        }
        if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| statement.starts_with(verb)) {
            continue; // transactions
        }
        let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<Step> = explain.load(&mut connection).unwrap();
        writeln!(found, "{statement}").unwrap();
        for Step { detail } in steps {
            writeln!(found, "    {detail}").unwrap();
            if let Some(objection) = objection(&statement, &detail) {
                let excepts = |(s, d, _): &(&str, &str, &str)| statement.contains(s) && detail.contains(d);
                match EXCEPTIONS.iter().position(excepts) {
                    Some(exception) => drop(needed.insert(exception)),
                    None => writeln!(objections, "{objection}: {detail}\n    {statement}").unwrap(),
                }
            }
        }
        assert!(!statement.contains("OFFSET"), "pages go on behind a key: {statement}");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans.txt");
    if std::env::var_os("UPDATE_PLANS").is_some() {
        std::fs::write(file, &found).unwrap();
    }
    assert!(objections.is_empty(), "{objections}");
    assert_eq!(needed.len(), EXCEPTIONS.len(), "an exception that nothing needs is none");
    assert_eq!(found, std::fs::read_to_string(file).unwrap());
}
