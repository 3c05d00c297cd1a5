//! Two processes on one database, of which one is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use futures::TryStreamExt;
use tubeatlas_adapters_postgres::PostgresStore;
use tubeatlas_contract::{TestClock, fixtures};
use tubeatlas_domain::{ProcessingTask, ProcessingTaskId, TaskStatus, WorkerId};
use tubeatlas_ports::{
    ClaimRequest, ProcessingTaskFilter, ProcessingTaskOrder, Repositories, RepositoryExt, Stored,
    UuidV7Generator,
};
use uuid::Uuid;

use crate::support::{config, database};

/// How the other process is told where the database is.
const URL: &str = "TUBEATLAS_TEST_DATABASE_URL";

const WORKERS_OF_A_PROCESS: usize = 4;
const LEASE_MS: u64 = 60_000;

/// A store by a clock of this process; both clocks begin at noon, and stand still.
async fn store(url: &str) -> (PostgresStore, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new());
    let store = PostgresStore::open(config(url), clock.clone(), Arc::new(UuidV7Generator)).await.unwrap();
    (store, clock)
}

async fn claim(store: &PostgresStore) -> Option<Stored<ProcessingTask>> {
    let worker = WorkerId::parse(std::process::id().to_string()).unwrap();
    let request = ClaimRequest { worker, kinds: None, lease_ms: LEASE_MS, only: None };
    store.processing_tasks().claim(&request).await.unwrap()
}

/// Works until there is nothing to do; what was done.
async fn work(store: PostgresStore) -> Vec<Stored<ProcessingTask>> {
    let mut done = Vec::new();
    while let Some(task) = claim(&store).await {
        let token = task.lease.as_ref().unwrap().token;
        done.push(store.processing_tasks().complete(task.entity.id, token).await.unwrap());
    }
    done
}

async fn work_with_all(store: &PostgresStore) -> Vec<Stored<ProcessingTask>> {
    let workers = (0..WORKERS_OF_A_PROCESS).map(|_| tokio::spawn(work(store.clone())));
    let done = futures::future::join_all(workers.collect::<Vec<_>>()).await;
    done.into_iter().flat_map(Result::unwrap).collect()
}

/// The process that is killed. Its first worker holds its tenth task until then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of another test, which starts it"]
async fn process_that_is_killed() {
    let (store, _) = store(&std::env::var(URL).unwrap()).await;
    let others: Vec<_> = (1..WORKERS_OF_A_PROCESS).map(|_| tokio::spawn(work(store.clone()))).collect();
    for n in 0..10 {
        let task = claim(&store).await.unwrap();
        if n == 0 {
            println!("begun");
        }
        if n == 9 {
            println!("holds: {}", task.entity.id);
            break;
        }
        let token = task.lease.as_ref().unwrap().token;
        store.processing_tasks().complete(task.entity.id, token).await.unwrap();
    }
    std::future::pending::<()>().await;
    drop(others);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_every_task_once_although_one_is_killed() {
    let tasks = std::env::var("TUBEATLAS_TASKS").map_or(600, |number| number.parse().unwrap());
    let database = database();
    let (store, clock) = store(database.url()).await;
    let ids: Vec<ProcessingTaskId> =
        (0..tasks).map(|n| ProcessingTaskId::new(Uuid::from_u128(n + 1))).collect();
    let queue = store.processing_tasks();
    let enqueuing = ids.chunks(ids.len().div_ceil(8)).map(|ids| async move {
        for &id in ids {
            queue.enqueue(&fixtures::a_task_with(|task| task.id = id)).await.unwrap();
        }
    });
    futures::future::join_all(enqueuing).await;

    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "two_processes::process_that_is_killed", "--nocapture"])
        .env(URL, database.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(other.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut wait_for = |what: &str| {
        let found =
            tokio::task::block_in_place(|| said.find_map(|line| Some(line.split_once(what)?.1.to_owned())));
        found.unwrap_or_else(|| panic!("the other process ended before it said {what:?}"))
    };
    wait_for("begun");
    let ours = tokio::spawn({
        let store = store.clone();
        async move { work_with_all(&store).await }
    });
    let held = ProcessingTaskId::new(wait_for("holds: ").trim().parse().unwrap());
    other.kill().unwrap();
    other.wait().unwrap();
    let mut done = ours.await.unwrap();

    // What the other process held is nobody's until its leases expire.
    let all_tasks = |status| {
        let filter = ProcessingTaskFilter { status, ..ProcessingTaskFilter::default() };
        let store = &store;
        async move {
            let all = store.processing_tasks().list_all(&filter, ProcessingTaskOrder::Oldest, 1_000);
            all.try_collect::<Vec<Stored<ProcessingTask>>>().await.unwrap()
        }
    };
    let left: Vec<ProcessingTaskId> =
        all_tasks(Some(TaskStatus::Running)).await.iter().map(|task| task.entity.id).collect();
    assert!(left.contains(&held) && left.len() <= WORKERS_OF_A_PROCESS, "{left:?}");
    assert_eq!(all_tasks(Some(TaskStatus::Pending)).await.len(), 0);
    clock.move_by_ms(i64::try_from(LEASE_MS).unwrap());
    let done_again = work_with_all(&store).await;
    assert_eq!(done_again.len(), left.len());

    // None lost, and none twice but what was left behind.
    let all = all_tasks(None).await;
    assert_eq!(all.iter().map(|task| task.entity.id).collect::<Vec<_>>(), ids);
    assert!(all.iter().all(|task| task.status == TaskStatus::Succeeded));
    for task in &all {
        assert_eq!(task.attempts, if left.contains(&task.entity.id) { 2 } else { 1 }, "{task:?}");
    }
    done.extend(done_again);
    let mut times = BTreeMap::new();
    for task in &done {
        *times.entry(task.entity.id).or_insert(0) += 1;
    }
    assert!(times.values().all(|&times| times == 1), "{times:?}");
    println!(
        "{tasks} tasks: {} done by this process, {} by the one that was killed, {} left behind by it and done again; \
         none twice, none lost",
        done.len() - left.len(),
        all.len() - done.len(),
        left.len()
    );
}
