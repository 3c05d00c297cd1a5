//! What is measured of a store, by name. A test of its own, because a process has one recorder.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::fixtures::{a_task, a_transcript, a_video, worker};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{
    ClaimRequest, Mode, PageRequest, Repositories, SearchRequest, Store, SystemClock, UuidV7Generator,
    VideoFilter, Visibility,
};

#[tokio::test]
async fn every_metric_is_recorded_under_its_documented_name() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let config = SqliteConfig::new(Location::Temporary);
    let store = SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await.unwrap();

    let video = a_video();
    store.videos().create(&video).await.unwrap();
    store.videos().get(&video.id, Visibility::Live).await.unwrap();
    store.videos().get(&video.id, Visibility::Live).await.unwrap();
    store.videos().get_many(std::slice::from_ref(&video.id), Visibility::Live).await.unwrap();
    store.videos().list(&VideoFilter::default(), &PageRequest::default()).await.unwrap();
    store.videos().count(&VideoFilter::default()).await.unwrap();
    store.videos().upsert_many(std::slice::from_ref(&video)).await.unwrap();
    store.transcripts().create(&a_transcript()).await.unwrap();
    let query = SearchQuery::parse("word").unwrap();
    store.transcripts().search(&SearchRequest::new(query)).await.unwrap();
    store.processing_tasks().enqueue(&a_task()).await.unwrap();
    let claim = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 1_000, only: None };
    store.processing_tasks().claim(&claim).await.unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    unit.videos().delete(&video.id, None).await.unwrap();
    unit.videos().restore(&video.id).await.unwrap();
    unit.commit().await.unwrap();
    store.close().await.unwrap();

    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        let samples = match value {
            DebugValue::Histogram(samples) => {
                assert!(
                    samples.iter().all(|sample| **sample >= 0.0 && **sample < 600.0),
                    "{name}: {samples:?}"
                );
                samples.len()
            }
            DebugValue::Gauge(value) => {
                assert!(*value >= 0.0, "{name}: {value}");
                1
            }
            DebugValue::Counter(_) => panic!("{name} is no counter"),
        };
        seen.insert(name.trim_end().to_owned(), samples);
    }
    let call = |operation: &str, entity: &str| format!("tubeatlas_sqlite_call_seconds {operation} {entity}");
    for (name, samples) in [
        (call("create", "video"), 1),
        (call("get", "video"), 2),
        (call("get_many", "video"), 1),
        (call("list", "video"), 1),
        (call("count", "video"), 1),
        (call("upsert_many", "video"), 1),
        (call("create", "transcript"), 1),
        (call("search", "transcript"), 1),
        (call("enqueue", "processing_task"), 1),
        (call("claim", "processing_task"), 1),
        (call("delete", "video"), 1),
        (call("restore", "video"), 1),
        ("tubeatlas_sqlite_pool_wait_seconds".to_owned(), 6),
        ("tubeatlas_sqlite_commit_seconds".to_owned(), 5),
        ("tubeatlas_sqlite_commit_group_size".to_owned(), 5),
        ("tubeatlas_sqlite_write_queue_depth".to_owned(), 1),
        ("tubeatlas_sqlite_wal_bytes".to_owned(), 1),
    ] {
        assert_eq!(seen.remove(&name), Some(samples), "{name}; beside it: {seen:?}");
    }
    assert!(seen.is_empty(), "undocumented: {seen:?}");
}
