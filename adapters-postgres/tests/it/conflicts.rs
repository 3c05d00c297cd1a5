//! Units of work that get in each other's way, on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use tokio::sync::Barrier;
use tubeatlas_adapters_postgres::PostgresStore;
use tubeatlas_domain::Video;
use tubeatlas_ports::{
    Conflict, Error, Mode, Repositories, Result, RetryPolicy, UnitOfWork, Visibility, transact,
};
use tubeatlas_postgres_cluster::Database;

use crate::support::{config, database, open, video};

const WRITERS: u64 = 32;

async fn store() -> (PostgresStore, Database) {
    let database = database();
    let mut config = config(database.url());
    config.pool_size = 40; // all of them at once, and some more
    (open(config).await.unwrap(), database)
}

/// Adds one to the views of a video. `wait` is done between reading and writing.
async fn add_view(unit: &dyn UnitOfWork, video: &Video, wait: impl Future<Output = ()>) -> Result<()> {
    let seen = unit.videos().get(&video.id, Visibility::Live).await;
    wait.await; // also if it had to give way: others wait for it
    let mut fields = seen?.unwrap().entity.into_fields();
    fields.view_count = Some(fields.view_count.unwrap_or(0) + 1);
    unit.videos().update(&Video::new(fields).unwrap(), None).await.map(drop)
}

async fn views(store: &PostgresStore, video: &Video) -> u64 {
    store.videos().get(&video.id, Visibility::Live).await.unwrap().unwrap().view_count.unwrap_or(0)
}

/// Tells successes from conflicts; anything else is a failure.
fn succeeded(result: &Result<()>) -> bool {
    match result {
        Ok(()) => true,
        Err(Error::Conflict(Conflict::Serialization)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_that_read_the_same_each_succeeds_or_is_told() {
    let (store, _database) = store().await;
    let counter = video("v", "counter");
    store.videos().create(&counter).await.unwrap();
    let policy = RetryPolicy::default();
    // All have read before one writes: so at the first attempt one of them succeeds at most.
    let all_have_read = Arc::new(Barrier::new(usize::try_from(WRITERS).unwrap()));
    let writers = (0..WRITERS).map(|_| {
        let (store, counter, all_have_read) = (store.clone(), counter.clone(), Arc::clone(&all_have_read));
        tokio::spawn(async move {
            let attempts = AtomicU32::new(0);
            let result: Result<()> = transact(&store, Mode::ReadWrite, policy, |unit| {
                let first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
                let (counter, all_have_read) = (&counter, &all_have_read);
                async move {
                    let wait = async {
                        if first {
                            all_have_read.wait().await;
                        }
                    };
                    add_view(unit, counter, wait).await
                }
                .boxed()
            })
            .await;
            let attempts = attempts.into_inner();
            assert!(attempts <= policy.max_attempts, "{attempts}");
            (succeeded(&result), attempts)
        })
    });
    let (mut successes, mut attempts) = (0, 0);
    for writer in writers.collect::<Vec<_>>() {
        let (succeeded, of_it) = writer.await.unwrap();
        successes += u64::from(succeeded);
        attempts += u64::from(of_it);
    }
    println!("{WRITERS} writers of one row: {successes} succeeded, {} conflicts", attempts - successes);
    assert!(attempts >= 2 * WRITERS - 1, "{attempts}");
    assert!(successes > 0);
    assert_eq!(views(&store, &counter).await, successes);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_wait_for_each_other_one_is_told() {
    let (store, _database) = store().await;
    let pairs = (0..WRITERS / 2).map(|pair| {
        let store = store.clone();
        tokio::spawn(async move {
            let videos = ["a", "b"].map(|side| video(&format!("{side}{pair}"), "counter"));
            store.videos().create_many(&videos).await.unwrap();
            let both_hold_one = Barrier::new(2);
            let conflicts = AtomicU32::new(0);
            let writers = [(0, 1), (1, 0)].map(|(first, second)| {
                let (store, videos) = (&store, &videos);
                let (both_hold_one, conflicts) = (&both_hold_one, &conflicts);
                async move {
                    let attempts = AtomicU32::new(0);
                    let result: Result<()> =
                        transact(store, Mode::ReadWrite, RetryPolicy::default(), |unit| {
                            let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
                            async move {
                                let held = add_view(unit, &videos[first], async {}).await;
                                if is_first {
                                    both_hold_one.wait().await;
                                }
                                let result = match held {
                                    Ok(()) => add_view(unit, &videos[second], async {}).await,
                                    gave_way => gave_way,
                                };
                                conflicts.fetch_add(u32::from(result.is_err()), Ordering::Relaxed);
                                result
                            }
                            .boxed()
                        })
                        .await;
                    assert!(succeeded(&result), "two of them can take turns");
                }
            });
            futures::future::join_all(writers).await;
            for video in &videos {
                assert_eq!(views(&store, video).await, 2);
            }
            let conflicts = conflicts.into_inner();
            assert!(conflicts >= 1, "one of them had to give way");
            conflicts
        })
    });
    let mut conflicts = 0;
    for pair in pairs.collect::<Vec<_>>() {
        conflicts += pair.await.unwrap();
    }
    println!("{} pairs in each other's way: {conflicts} conflicts, all succeeded in the end", WRITERS / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_writes_in_the_way_of_each_other_are_made_again_inside() {
    let (store, _database) = store().await;
    let writers = (0..WRITERS).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            // Two videos in opposite orders: batches that wait for each other.
            let mut videos = [video("a", &format!("by {n}")), video("b", &format!("by {n}"))];
            if n % 2 == 1 {
                videos.reverse();
            }
            for _ in 0..5 {
                store.videos().upsert_many(&videos).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let [a, b] = [video("a", ""), video("b", "")].map(|video| {
        let store = &store;
        async move { store.videos().get(&video.id, Visibility::Live).await.unwrap().unwrap().entity }
    });
    assert_eq!(a.await.title, b.await.title, "each batch is whole");
}
