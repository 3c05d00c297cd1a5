//! Servers that go away, statements that take too long, callers that leave.

use std::time::Duration;

use tubeatlas_ports::{Error, Mode, Repositories, Store, Visibility};
use tubeatlas_postgres_cluster::Cluster;

use crate::support::{config, database, open, video};

/// The states of the connections of an application, but for those that are idle.
fn at_work(cluster: &Cluster, application: &str) -> Vec<String> {
    let at_work = format!(
        "SELECT state FROM pg_stat_activity WHERE application_name = '{application}' AND state <> 'idle'"
    );
    cluster.texts(&at_work).unwrap()
}

#[tokio::test]
async fn connections_that_were_ended_are_replaced() {
    let database = database();
    let mut config = config(database.url());
    config.application_name = "ended".to_owned();
    config.pre_ping = false; // so that the call itself meets the end
    let store = open(config).await.unwrap();
    let video = video("v", "a title");
    store.videos().create(&video).await.unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    unit.videos().delete(&video.id, None).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = 'ended'";
    assert!(!database.cluster().texts(end).unwrap().is_empty());
    let lost = unit.videos().exists(&video.id, Visibility::Live).await.unwrap_err();
    assert!(matches!(lost, Error::Unavailable { .. }), "{lost:?}");
    assert!(matches!(unit.commit().await, Err(Error::Closed { .. })));
    // Each broken connection costs one call at most, and there were two.
    let mut refused = 0;
    while let Err(error) = store.videos().exists(&video.id, Visibility::Live).await {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        refused += 1;
    }
    assert!(refused <= 2, "{refused}");
    assert!(store.videos().exists(&video.id, Visibility::Live).await.unwrap());
}

#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_left() {
    let database = database();
    let mut config = config(database.url());
    config.pre_ping = false;
    let store = open(config).await.unwrap();
    let read_only = |on: &str| {
        let alter = format!("ALTER DATABASE {} SET default_transaction_read_only = {on}", database.name());
        database.cluster().execute(&alter).unwrap();
    };
    // What a demoted primary looks like: connections that live and answer, and take no writes.
    read_only("on");
    let end = format!(
        "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = '{}'",
        database.name()
    );
    database.cluster().texts(&end).unwrap();
    let refused = store.videos().create(&video("v", "t")).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused:?}");
    read_only("off");
    while let Err(error) = store.videos().create(&video("v", "t")).await {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_write_that_meets_a_lock_times_out_and_says_so() {
    let database = database();
    let mut config = config(database.url());
    config.acquire_timeout = Duration::from_millis(150);
    let store = open(config).await.unwrap();
    store.videos().create(&video("v", "before")).await.unwrap();
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    unit.videos().update(&video("v", "held"), None).await.unwrap();
    let late = store.videos().update(&video("v", "late"), None).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { waited_ms: 150, .. }), "{late:?}");
    unit.commit().await.unwrap();
    let stored = store.videos().get(&video("v", "").id, Visibility::Live).await;
    assert_eq!(stored.unwrap().unwrap().title, "held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_caller_leaves_no_transaction_open() {
    let database = database();
    let mut config = config(database.url());
    config.application_name = "dropped".to_owned();
    let store = open(config).await.unwrap();
    store.videos().create(&video("v", "before")).await.unwrap();
    let holder = store.begin(Mode::ReadWrite).await.unwrap();
    holder.videos().update(&video("v", "held"), None).await.unwrap();
    // A single write and a unit of work that wait for the lock, and whose callers give up.
    let other = store.begin(Mode::ReadWrite).await.unwrap();
    let changed = video("v", "never");
    {
        let mut single = store.videos().update(&changed, None);
        let mut in_unit = other.videos().update(&changed, None);
        while at_work(database.cluster(), "dropped").iter().filter(|state| *state == "active").count() < 2 {
            assert!(futures::poll!(&mut single).is_pending() && futures::poll!(&mut in_unit).is_pending());
            tokio::task::yield_now().await;
        }
    }
    // They are stopped, although what they wait for is held on.
    while at_work(database.cluster(), "dropped") != ["idle in transaction"] {
        tokio::task::yield_now().await;
    }
    holder.commit().await.unwrap();
    drop(other);
    let stored = store.videos().get(&changed.id, Visibility::Live).await;
    assert_eq!(stored.unwrap().unwrap().title, "held");
    while !at_work(database.cluster(), "dropped").is_empty() {
        tokio::task::yield_now().await;
    }
}
