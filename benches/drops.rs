//! Callers that go away at any point, while others read and write: how long the drop of a call takes, and whether any
//! lock is left by those who were cancelled.
//!
//! `cargo bench -p tubeatlas-benches --bench drops -- [DROPS]` (default 20,000, of each kind)

#![allow(clippy::print_stdout)] // its output is what it is for

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tubeatlas_adapters_sqlite::{Location, Maintenance, SqliteConfig, SqliteStore};
use tubeatlas_benches::{CHANNELS, Numbers, Result, channel_id, fill, open, percentile, video, video_id};
use tubeatlas_ports::{Error, Mode, PageRequest, Repositories, Store, VideoFilter, Visibility};

/// What is in the catalogue before; what is created has higher numbers.
const VIDEOS: u32 = 20_000;
const BUSY_CALLERS: u32 = 4;
const CANCELLED: u32 = 1_000;
/// No call has so many awaits: beyond it completes.
const MOST_POLLS: u32 = 12;

type Call = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;
/// Begins the `n`th call of a kind.
type Kind = fn(&SqliteStore, u32) -> Result<Call>;

const KINDS: [(&str, Kind); 4] = [
    ("get", |store, n| {
        let (store, id) = (store.clone(), video_id(n % VIDEOS)?);
        Ok(Box::pin(async move { store.videos().get(&id, Visibility::Live).await.map(drop) }))
    }),
    ("list", |store, n| {
        let channel_id = Some(channel_id(n % CHANNELS)?);
        let (store, filter) = (store.clone(), VideoFilter { channel_id, ..VideoFilter::default() });
        Ok(Box::pin(async move { store.videos().list(&filter, &PageRequest::default()).await.map(drop) }))
    }),
    ("create", |store, n| {
        let (store, video) = (store.clone(), video(n)?);
        Ok(Box::pin(async move { store.videos().create(&video).await.map(drop) }))
    }),
    ("unit of work", |store, n| {
        let (store, id, video) = (store.clone(), video_id(n)?, video(n)?);
        Ok(Box::pin(async move {
            let unit = store.begin(Mode::ReadWrite).await?;
            unit.videos().exists(&id, Visibility::Live).await?;
            unit.videos().create(&video).await?;
            unit.commit().await
        }))
    }),
];

#[tokio::main]
async fn main() -> Result<()> {
    let drops: u32 =
        std::env::args().skip(1).find(|it| it != "--bench").map_or(Ok(20_000), |it| it.parse())?;
    let folder = std::env::temp_dir().join(format!("tubeatlas-drops-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let file = folder.join("drops.db");
    let measured = measure(Location::File(file), drops).await;
    std::fs::remove_dir_all(&folder)?;
    measured
}

async fn measure(location: Location, drops: u32) -> Result<()> {
    let store = open(location.clone()).await?;
    fill(&store, VIDEOS).await?;
    let next = Arc::new(AtomicU32::new(VIDEOS));
    let stop = Arc::new(AtomicBool::new(false));
    let mut busy = JoinSet::new();
    for caller in 0..BUSY_CALLERS {
        busy.spawn(keep_busy(store.clone(), caller, Arc::clone(&next), Arc::clone(&stop)));
    }
    let mut numbers = Numbers::new(1);
    for (name, kind) in KINDS {
        let (mut latencies, mut completed) = (Vec::new(), 0);
        while latencies.len() < usize::try_from(drops)? {
            let call = kind(&store, next.fetch_add(1, Ordering::Relaxed))?;
            match drop_after(call, 1 + numbers.below(MOST_POLLS)).await {
                Some(latency) => latencies.push(latency),
                None => completed += 1, // before so many polls
            }
        }
        let slow = latencies.iter().filter(|it| **it > Duration::from_millis(1)).count();
        println!(
            "{name:<14} {drops} dropped while pending ({completed} completed): p50 {:.1?}, p99 {:.1?}, longest {:.1?}, above 1 ms: {slow}",
            percentile(&mut latencies, 50),
            percentile(&mut latencies, 99),
            percentile(&mut latencies, 100),
        );
    }
    stop.store(true, Ordering::Relaxed);
    for result in busy.join_all().await {
        result.map_err(|error| error.to_string())?;
    }
    cancel_writers(&store, &next).await?;

    let begun = Instant::now();
    let unit = store.begin(Mode::ReadWrite).await?;
    println!("the right to write was got {:.1?} after the last of them", begun.elapsed());
    unit.rollback().await?;
    // It is complete only if nobody reads an older state, nor writes.
    let checkpoint = Maintenance::new(SqliteConfig::new(location))?.checkpoint().await?;
    println!("locks left: {}", if checkpoint.complete { "none" } else { "SOME" });
    store.close().await?;
    if checkpoint.complete { Ok(()) } else { Err("a lock was left".into()) }
}

/// Polls the call so often, and answers how long its drop took; nothing if it completed.
async fn drop_after(mut call: Call, polls: u32) -> Option<Duration> {
    let mut seen = 0;
    let pending = std::future::poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(false),
        Poll::Pending => {
            seen += 1;
            if seen == polls { Poll::Ready(true) } else { Poll::Pending }
        }
    })
    .await;
    let begun = Instant::now();
    drop(call);
    pending.then(|| begun.elapsed())
}

async fn keep_busy(
    store: SqliteStore,
    caller: u32,
    next: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut n = caller;
    while !stop.load(Ordering::Relaxed) {
        n = n.wrapping_add(7_919);
        store.videos().get(&video_id(n % VIDEOS)?, Visibility::Live).await?;
        store.videos().create(&video(next.fetch_add(1, Ordering::Relaxed))?).await?;
    }
    Ok(())
}

/// A thousand tasks that write, each aborted at whatever moment it happens to be in.
async fn cancel_writers(store: &SqliteStore, next: &AtomicU32) -> Result<()> {
    let mut tasks = Vec::new();
    for n in 0..CANCELLED {
        let (_, kind) = KINDS[2 + usize::try_from(n % 2)?];
        tasks.push(tokio::spawn(kind(store, next.fetch_add(1, Ordering::Relaxed))?));
        if n % 7 == 0 {
            tokio::task::yield_now().await;
        }
        if let Some(task) = tasks.get(usize::try_from(n / 2)?) {
            task.abort();
        }
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let (mut cancelled, mut wrote, mut failed) = (0, 0, 0);
    for task in tasks {
        match task.await {
            Ok(Ok(())) => wrote += 1,
            Ok(Err(_)) => failed += 1,
            Err(_) => cancelled += 1,
        }
    }
    println!("{CANCELLED} writers: {cancelled} cancelled, {wrote} had written before, {failed} failed");
    Ok(())
}
