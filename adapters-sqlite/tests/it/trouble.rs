//! Trouble: what fails in the middle, and what is left of it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tokio::task::JoinSet;
use tubeatlas_adapters_sqlite::{Location, SqliteConfig};
use tubeatlas_domain::{MediaFile, MediaFileFields, MediaFileId, Video};
use tubeatlas_ports::{
    Error, MediaFileFilter, Mode, PageRequest, Repositories, Revision, Store, VideoFilter, Visibility,
};
use uuid::Uuid;

use crate::support::{config, id, open_with, temporary, video};

/// What was queued behind a call that ended the unit of work must not run: SQLite may have rolled back, and the
/// statement would be a transaction of its own.
#[tokio::test]
async fn what_is_queued_behind_the_end_of_a_unit_of_work_does_not_run() {
    let store = temporary(Duration::from_secs(10)).await;
    let stored = store.videos().create(&video("v")).await.unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    let stale = Some(Revision::new(stored.revision.get() + 100).unwrap());
    let changed = Video::new({
        let mut fields = stored.entity.clone().into_fields();
        fields.title.push('!');
        fields
    })
    .unwrap();
    let leaked = video("leaked");
    let (ended, behind) = tokio::join!(unit.videos().update(&changed, stale), unit.videos().create(&leaked));
    assert!(matches!(ended, Err(Error::Conflict(_))), "{ended:?}");
    assert!(matches!(behind, Err(Error::Closed { .. })), "{behind:?}");
    assert!(matches!(unit.commit().await, Err(Error::Closed { .. })));
    assert!(!store.videos().exists(&id("leaked"), Visibility::WithDeleted).await.unwrap());
}

#[tokio::test]
async fn a_filter_may_have_any_number_of_words() {
    let store = temporary(Duration::from_secs(10)).await;
    store.videos().create(&video("v")).await.unwrap();
    let path: String = (0..900).map(|n| format!("/{n:03}")).collect();
    let fields = MediaFileFields::new(MediaFileId::new(Uuid::from_u128(1)), id("v"), path.clone());
    let file = MediaFile::new(fields).unwrap();
    store.media_files().create(&file).await.unwrap();
    let found = async |words: String| {
        let filter = MediaFileFilter { words: Some(words), ..MediaFileFilter::default() };
        store.media_files().list(&filter, &PageRequest::default()).await.unwrap().items.len()
    };
    assert_eq!(found(path.clone()).await, 1, "each word of the path");
    assert_eq!(found(format!("{path} another")).await, 0);
    assert_eq!(found((0..20_000).map(|n| format!("{n} ")).collect()).await, 0);
}

/// A read that was begun and is not polled any more keeps nobody from closing the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_future_that_nobody_polls_does_not_keep_the_store_open() {
    let store = temporary(Duration::from_secs(2)).await;
    for _ in 0..50 {
        let wanted = id("v");
        let mut parked = pin!(store.videos().get(&wanted, Visibility::Live));
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(parked.as_mut().poll(context))).await;
        if first.is_pending() {
            tokio::time::timeout(Duration::from_secs(20), store.close()).await.unwrap().unwrap();
            return;
        }
    }
    panic!("a read was never pending");
}

/// One write fails with an error that is not its caller's; the others of the same commit do not notice.
#[tokio::test(flavor = "multi_thread")]
async fn one_failing_write_of_a_commit_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poisoned.db");
    let store = Arc::new(open_with(config(&path)).await.unwrap());
    store.videos().create(&video("poisoned")).await.unwrap();
    let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    other.batch_execute("UPDATE videos SET tags = 'no JSON'").unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let store = Arc::clone(&store);
        let name = if n == 20 { "poisoned".to_owned() } else { format!("v{n}") };
        tasks.spawn(async move { store.videos().upsert(&video(&name)).await.map(drop) });
    }
    while tasks.len() < 60 {
        tokio::task::yield_now().await;
    }
    unit.rollback().await.unwrap();
    let failed: Vec<Error> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(matches!(&failed[0], Error::Corrupt { .. }), "{failed:?}");
    assert!(failed[0].to_string().contains("table videos, row poisoned"), "{}", failed[0]);
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_close_answers_the_file_is_whole_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let path = folder.path().join(format!("{n}.db"));
        let store = open_with(config(&path)).await.unwrap();
        store.videos().create(&video("v")).await.unwrap();
        store.videos().exists(&id("v"), Visibility::Live).await.unwrap();
        store.close().await.unwrap();
        assert!(!folder.path().join(format!("{n}.db-wal")).exists(), "round {n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_does_not_need_the_writer_and_takes_no_reader_from_others() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.acquire_timeout = Duration::from_millis(200);
    config.pool_size = 2;
    let store = open_with(config).await.unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    let (one, two) = tokio::join!(store.check(), store.check());
    for checks in [one.unwrap(), two.unwrap()] {
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        assert!(checks.iter().any(|check| check.detail.contains("writer: busy")), "{checks:?}");
    }
    unit.commit().await.unwrap();
}

#[tokio::test]
async fn time_outs_may_be_as_long_as_one_likes() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.acquire_timeout = Duration::MAX;
    config.unit_of_work_timeout = Duration::MAX;
    config.busy_timeout = Duration::MAX;
    config.pool_size = 0;
    let store = open_with(config).await.unwrap();
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let unit = store.begin(mode).await.unwrap();
        unit.videos().count(&VideoFilter::default()).await.unwrap();
        unit.commit().await.unwrap();
    }
    store.videos().create(&video("v")).await.unwrap();
    store.close().await.unwrap();
}

/// A read that waits for a reader when the store is closed had begun, and is answered.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_reader_is_answered_before_the_store_closes() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.pool_size = 1;
    let store = open_with(config).await.unwrap();
    store.videos().create(&video("v")).await.unwrap();
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    let wanted = id("v");
    let mut waiting = pin!(store.videos().exists(&wanted, Visibility::Live));
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(waiting.as_mut().poll(context))).await;
    assert!(first.is_pending(), "the only reader is taken");
    let (answer, closed, rolled_back) = tokio::join!(waiting, store.close(), unit.rollback());
    assert!(answer.unwrap(), "it is found");
    closed.unwrap();
    rolled_back.unwrap();
    assert!(matches!(store.videos().exists(&wanted, Visibility::Live).await, Err(Error::Closed { .. })));
}

/// Another file at the same path, made while the store is open, is not harmed; and nothing more is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_is_noticed_and_its_successor_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replaced.db");
    let old = open_with(config(&path)).await.unwrap();
    old.videos().create(&video("old")).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let new = open_with(config(&path)).await.unwrap();
    new.videos().create(&video("new")).await.unwrap();

    for refused in [
        old.videos().create(&video("lost")).await.map(drop),
        async {
            let unit = old.begin(Mode::ReadWrite).await?;
            unit.videos().create(&video("lost")).await?;
            unit.commit().await
        }
        .await,
        old.health().await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("moved, deleted or replaced"), "{error}");
    }
    old.close().await.unwrap();
    new.videos().create(&video("newer")).await.unwrap();
    new.close().await.unwrap();
    let store = open_with(config(&path)).await.unwrap();
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 2);
}

#[tokio::test]
async fn damage_is_called_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.db");
    let store = open_with(config(&path)).await.unwrap();
    let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    other.batch_execute("DELETE FROM store_state").unwrap();
    let error = store.videos().create(&video("v")).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("store_state"), "{error}");
}
