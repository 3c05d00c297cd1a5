//! Many at once.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tokio::task::JoinSet;
use tubeatlas_adapters_sqlite::{Location, SqliteConfig};
use tubeatlas_ports::{Error, Mode, Repositories, Store, VideoFilter, Visibility};

use crate::support::{config, id, open_with, temporary, video};

/// 50 tasks, each of which begins a unit of work, reads, writes and commits.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_commit_a_unit_of_work_each_without_an_error() {
    let store = Arc::new(temporary(Duration::from_secs(30)).await);
    for round in 0..4 {
        let mut tasks = JoinSet::new();
        for n in 0..50 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                let unit = store.begin(Mode::ReadWrite).await?;
                unit.videos().count(&VideoFilter::default()).await?;
                unit.videos().create(&video(&format!("{round}-{n}"))).await?;
                unit.commit().await
            });
        }
        for result in tasks.join_all().await {
            result.unwrap();
        }
    }
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 200);
}

/// Writes that share a commit succeed and fail each for itself.
#[tokio::test(flavor = "multi_thread")]
async fn writes_of_one_commit_are_answered_one_by_one() {
    let store = Arc::new(temporary(Duration::from_secs(30)).await);
    // While the unit holds the writer, all of them gather in the queue.
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let store = Arc::clone(&store);
        // Each id is written three times: once it is created, twice it is there already.
        tasks.spawn(async move { store.videos().create(&video(&format!("v{}", n % 20))).await });
    }
    unit.commit().await.unwrap();
    let (created, refused): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((created.len(), refused.len()), (20, 40));
    for error in refused {
        assert!(matches!(error, Err(Error::AlreadyExists { .. })), "{error:?}");
    }
    let mut revisions: Vec<_> = created.into_iter().map(|stored| stored.unwrap().revision).collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len(), 20, "no two changes share a revision");
}

/// Another process that does not give its lock back is waited for as long as `busy_timeout` says, and no
/// longer; readers do not wait at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_process_is_a_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked.db");
    let config = SqliteConfig { busy_timeout: Duration::from_millis(50), ..config(&path) };
    let store = open_with(config).await.unwrap();
    let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let begun = store.begin(Mode::ReadWrite).await.map(drop);
    for refused in [store.videos().create(&video("v")).await.map(drop), begun] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::Timeout { waited_ms: 50, .. }), "{error:?}");
        assert!(error.to_string().contains("another process"), "{error}");
    }
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 0);
    other.batch_execute("ROLLBACK").unwrap();
    store.videos().create(&video("v")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_a_unit_of_work_rolls_it_back_and_frees_the_writer() {
    let store = Arc::new(temporary(Duration::from_secs(30)).await);
    let owner = Arc::clone(&store);
    let task = tokio::spawn(async move {
        let unit = owner.begin(Mode::ReadWrite).await.unwrap();
        unit.videos().create(&video("lost")).await.unwrap();
        panic!("the owner of a unit of work panics");
    });
    assert!(task.await.unwrap_err().is_panic());
    store.videos().create(&video("kept")).await.unwrap();
    assert!(!store.videos().exists(&id("lost"), Visibility::WithDeleted).await.unwrap());
}

/// A read on the caller's thread needs no connection of the pool, and none of its awaits waits; it sees what was
/// committed, lets others run, and ends with the store.
#[tokio::test]
async fn inline_reads_answer_at_once_and_let_others_run() {
    let mut config = SqliteConfig::new(Location::Temporary);
    (config.inline_reads, config.pool_size) = (true, 1);
    let store = open_with(config).await.unwrap();
    let wanted = id("v");
    assert!(store.videos().get(&wanted, Visibility::Live).await.unwrap().is_none());
    store.videos().create(&video("v")).await.unwrap();
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    let mut read = pin!(store.videos().get(&wanted, Visibility::Live));
    let first = std::future::poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await;
    assert!(
        matches!(first, Poll::Ready(Ok(Some(_)))),
        "the only reader of the pool is taken, and not needed"
    );
    unit.rollback().await.unwrap();

    let others = tokio::spawn(async {});
    let mut reads = 0;
    while !others.is_finished() {
        reads += 1;
        assert!(reads < 10_000, "a loop of reads lets other tasks run");
        assert!(store.videos().exists(&wanted, Visibility::Live).await.unwrap());
    }
    store.close().await.unwrap();
    assert!(matches!(store.videos().get(&wanted, Visibility::Live).await, Err(Error::Closed { .. })));
}
