//! Dropping futures at each of their awaits, on both flavours of runtime.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tubeatlas_domain::VideoId;
use tubeatlas_ports::{Mode, Repositories, Store, Visibility};

use crate::support::{id, temporary, video};

/// Polls the future until it is pending for the `nth` time and drops it then; its answer if it was ready
/// before.
async fn drop_at_pending<T>(nth: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut pending = 0;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => {
            pending += 1;
            if pending == nth { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Drops what `start` begins at its first, second, … pending poll until it completes, and after each drop has
/// `check` look at what became of it. Answers how many pending polls there were.
///
/// A connection's thread may answer so fast that a future is never pending, which would show nothing: then it
/// is begun again.
async fn at_each_pending<T, F, C>(start: impl Fn(usize) -> F, check: impl Fn(usize) -> C) -> usize
where
    F: Future<Output = T>,
    C: Future<Output = ()>,
{
    let mut pending = 0;
    for round in 0..1_000 {
        let completed = drop_at_pending(pending + 1, start(round)).await.is_some();
        check(round).await;
        match completed {
            false => pending += 1,
            true if pending > 0 => return pending,
            true => {}
        }
    }
    panic!("it was never pending, or never completed")
}

/// The whole table: each case is dropped at each of its pending polls; then the next write must not wait, and
/// what was begun is there wholly or not at all.
async fn all_cases(runtime: &str) {
    // A caller that has to wait for something left behind fails within this time.
    let store = temporary(Duration::from_secs(5)).await;
    let store = &store;
    let next_write = |name: String| async move {
        store.videos().create(&video(&name)).await.expect("the next write is not kept waiting");
    };

    let polls = at_each_pending(
        |nth| async move { store.videos().create(&video(&format!("single-{nth}"))).await.unwrap() },
        |nth| next_write(format!("after-single-{nth}")),
    )
    .await;
    println!("{runtime}: single write: {polls} pending polls");

    // The same while somebody else has the right to write, so that the write waits in the queue.
    for nth in 1..=3 {
        let unit = store.begin(Mode::ReadWrite).await.unwrap();
        let name = format!("queued-{nth}");
        let queued = drop_at_pending(1, store.videos().create(&video(&name))).await;
        assert!(queued.is_none(), "a write is pending while a unit of work is open");
        unit.rollback().await.unwrap();
        next_write(format!("after-queued-{nth}")).await;
        let applied = store.videos().exists(&id(&name), Visibility::Live).await.unwrap();
        assert!(!applied, "a write that was dropped before it began is taken back");
    }

    let unit_of_work = |nth: usize| async move {
        let unit = store.begin(Mode::ReadWrite).await?;
        unit.videos().create(&video(&format!("unit-{nth}-a"))).await?;
        unit.videos().exists(&id(&format!("unit-{nth}-a")), Visibility::Live).await?;
        unit.videos().create(&video(&format!("unit-{nth}-b"))).await?;
        unit.commit().await
    };
    let whole_or_nothing = |nth: usize| async move {
        store.videos().create(&video(&format!("after-unit-{nth}"))).await.expect("the next write");
        let names: [VideoId; 2] = [id(&format!("unit-{nth}-a")), id(&format!("unit-{nth}-b"))];
        let found = store.videos().get_many(&names, Visibility::WithDeleted).await.unwrap();
        let found = found.iter().flatten().count();
        assert!(found == 0 || found == 2, "half of a unit of work is there");
    };
    let polls = at_each_pending(unit_of_work, whole_or_nothing).await;
    println!("{runtime}: unit of work: {polls} pending polls");

    let polls = at_each_pending(
        |nth| async move {
            let unit = store.begin(Mode::ReadOnly).await?;
            unit.videos().get(&id(&format!("unit-{nth}-a")), Visibility::Live).await?;
            unit.rollback().await
        },
        |nth| next_write(format!("after-read-{nth}")),
    )
    .await;
    println!("{runtime}: read-only unit of work: {polls} pending polls");

    let polls = at_each_pending(
        |_| store.videos().get(&VIDEO, Visibility::Live),
        |nth| next_write(format!("after-get-{nth}")),
    )
    .await;
    println!("{runtime}: single read: {polls} pending polls");
    store.close().await.unwrap();
}

static VIDEO: std::sync::LazyLock<VideoId> = std::sync::LazyLock::new(|| id("nothing"));

#[tokio::test(flavor = "current_thread")]
async fn on_a_current_thread_runtime_nothing_is_left_behind() {
    all_cases("current_thread").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_thread_runtime_nothing_is_left_behind() {
    all_cases("multi_thread").await;
}

/// A thousand callers go away at whatever moment it happens to be; no lock is left, nothing is half there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cancelled_writers_leave_nothing_behind() {
    let store = std::sync::Arc::new(temporary(Duration::from_secs(20)).await);
    let mut tasks = Vec::new();
    for n in 0..1_000 {
        let store = std::sync::Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let videos = [video(&format!("{n}-a")), video(&format!("{n}-b"))];
            if n % 2 == 0 {
                store.videos().create_many(&videos).await.map(drop)
            } else {
                let unit = store.begin(Mode::ReadWrite).await?;
                unit.videos().create(&videos[0]).await?;
                unit.videos().create(&videos[1]).await?;
                unit.commit().await
            }
        }));
        if n % 7 == 0 {
            tokio::task::yield_now().await;
        }
        if let Some(task) = tasks.get(n / 2) {
            task.abort();
        }
    }
    for task in tasks {
        if let Ok(result) = task.await {
            result.unwrap();
        }
    }
    store.videos().create(&video("next")).await.unwrap();
    for n in 0..1_000 {
        let pair = [id(&format!("{n}-a")), id(&format!("{n}-b"))];
        let found = store.videos().get_many(&pair, Visibility::WithDeleted).await.unwrap();
        let found = found.iter().flatten().count();
        assert!(found != 1, "half of write {n} is there");
    }
}
