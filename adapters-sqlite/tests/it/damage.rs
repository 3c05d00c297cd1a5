//! A damaged file: each call says so, and the same open store works again when the file does.

use std::path::Path;

use tubeatlas_adapters_sqlite::SqliteStore;
use tubeatlas_contract::fixtures::{a_task, a_transcript, a_video, task_kind, worker};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{
    ClaimRequest, Error, Mode, PageRequest, Repositories, Result, SearchRequest, Store, VideoFilter,
    Visibility,
};

use crate::support::{config, id, open_with, video};

/// A call of each sort, by name.
async fn calls(store: &SqliteStore) -> Vec<(&'static str, Result<()>)> {
    let (wanted, changed) = (id("v500"), video("v501"));
    let query = SearchRequest::new(SearchQuery::parse("title").unwrap());
    let claim = ClaimRequest {
        worker: worker("w"),
        kinds: Some(vec![task_kind("import")]),
        lease_ms: 1_000,
        only: None,
    };
    let unit = async |mode| {
        let unit = store.begin(mode).await?;
        unit.videos().get(&wanted, Visibility::Live).await?;
        unit.commit().await
    };
    vec![
        ("get", store.videos().get(&wanted, Visibility::Live).await.map(drop)),
        ("get_many", store.videos().get_many(&[wanted.clone(), id("v9")], Visibility::Live).await.map(drop)),
        ("exists", store.videos().exists(&wanted, Visibility::Live).await.map(drop)),
        ("list", store.videos().list(&VideoFilter::default(), &PageRequest::default()).await.map(drop)),
        ("count", store.videos().count(&VideoFilter::default()).await.map(drop)),
        ("search", store.transcripts().search(&query).await.map(drop)),
        ("health", store.health().await.map(drop)),
        ("upsert", store.videos().upsert(&changed).await.map(drop)),
        ("enqueue", store.processing_tasks().enqueue(&a_task()).await.map(drop)),
        ("claim", store.processing_tasks().claim(&claim).await.map(drop)),
        ("delete", store.videos().delete(&id("v502"), None).await),
        ("unit of work", unit(Mode::ReadWrite).await),
        ("read-only unit of work", unit(Mode::ReadOnly).await),
    ]
}

/// Writes nonsense where each page but the first says what it is.
fn damage(path: &Path) {
    let mut content = std::fs::read(path).unwrap();
    for page in content.chunks_mut(4_096).skip(1) {
        page[0] = 0xff;
    }
    std::fs::write(path, content).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_says_that_the_file_is_damaged_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.db");
    let store = open_with(config(&path)).await.unwrap();
    let videos: Vec<_> = (0..1_000).map(|n| video(&format!("v{n}"))).collect();
    store.videos().create_many(&videos).await.unwrap();
    store.videos().create(&a_video()).await.unwrap();
    store.transcripts().create(&a_transcript()).await.unwrap();
    store.close().await.unwrap();

    let sound = std::fs::read(&path).unwrap();
    let store = open_with(config(&path)).await.unwrap();
    damage(&path);
    for (call, answer) in calls(&store).await {
        assert!(matches!(answer, Err(Error::Corrupt { .. })), "{call}: {answer:?}");
    }
    std::fs::write(&path, sound).unwrap();
    for (call, answer) in calls(&store).await {
        assert!(answer.is_ok(), "{call}, mended: {answer:?}");
    }
    store.close().await.unwrap();
    let store = open_with(config(&path)).await.unwrap();
    assert!(store.check().await.unwrap().iter().all(|check| check.ok), "nothing of the damage was kept");
}
