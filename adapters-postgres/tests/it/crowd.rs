//! More callers than connections.

use std::collections::BTreeSet;
use std::time::Duration;

use tubeatlas_ports::{Error, Mode, Repositories, Store};

use crate::support::{config, database, open, video};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tasks_share_ten_connections() {
    let database = database();
    // The server itself refuses an eleventh connection. (It lets superusers in always.)
    let (cluster, role) = (database.cluster(), format!("crowd_{}", database.name()));
    cluster.execute(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 10")).unwrap();
    cluster.execute(&format!("ALTER DATABASE {} OWNER TO {role}", database.name())).unwrap();
    let mut config = config(&database.url().replace("postgres@", &format!("{role}@")));
    (config.pool_size, config.max_overflow) = (10, 0);
    let store = open(config).await.unwrap();
    let backends = || {
        let found = format!("SELECT pid::text FROM pg_stat_activity WHERE usename = '{role}'");
        BTreeSet::from_iter(cluster.texts(&found).unwrap())
    };
    let tasks = (0..100).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            for call in 0..5 {
                store.videos().create(&video(&format!("v{n}-{call}"), "t")).await.unwrap();
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut seen = backends();
    while !tasks.iter().all(tokio::task::JoinHandle::is_finished) {
        let now = tokio::task::block_in_place(backends);
        assert!(now.len() <= 10, "{now:?}");
        seen.extend(now);
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.videos().count(&Default::default()).await.unwrap(), 500);
    // The same ten from the first call to the last.
    assert_eq!(backends().len(), 10);
    assert!(seen.is_subset(&backends()), "{seen:?}");
    println!("500 calls of 100 tasks over the backends {}", Vec::from_iter(seen).join(", "));
    store.close().await.unwrap();
    drop(database);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_overflows_the_pool_is_closed_when_it_comes_back() {
    let database = database();
    let mut config = config(database.url());
    (config.pool_size, config.max_overflow) = (6, 4);
    config.application_name = "overflow".to_owned();
    let store = open(config).await.unwrap();
    let open = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'overflow'";
    let open = || database.cluster().texts(open).unwrap().concat().parse::<u32>().unwrap();
    let mut units = Vec::new();
    for _ in 0..10 {
        units.push(store.begin(Mode::ReadOnly).await.unwrap());
    }
    assert_eq!(open(), 10);
    for unit in units {
        unit.rollback().await.unwrap();
    }
    while open() != 6 {
        tokio::task::yield_now().await; // the server ends them in its own time
    }
    let health = store.health().await.unwrap();
    assert_eq!(health.details["connections_open"], "6");
}

#[tokio::test]
async fn who_gets_no_connection_in_time_is_told_so() {
    let database = database();
    let mut config = config(database.url());
    (config.pool_size, config.max_overflow) = (1, 1);
    config.acquire_timeout = Duration::from_millis(120);
    let store = open(config).await.unwrap();
    let units = (store.begin(Mode::ReadOnly).await.unwrap(), store.begin(Mode::ReadOnly).await.unwrap());
    let late = store.videos().count(&Default::default()).await.unwrap_err();
    assert!(matches!(late, Error::Timeout { waited_for: "a connection", waited_ms: 120 }), "{late:?}");
    let late = store.begin(Mode::ReadWrite).await.err().unwrap();
    assert!(matches!(late, Error::Timeout { waited_for: "a connection", waited_ms: 120 }), "{late:?}");
    units.0.rollback().await.unwrap();
    assert_eq!(store.videos().count(&Default::default()).await.unwrap(), 0);
}
