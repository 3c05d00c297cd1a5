//! The write-ahead log stays bounded, whatever readers do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_domain::{Video, VideoFields};
use tubeatlas_ports::{Error, Mode, Repositories, Store, VideoFilter};

use crate::support::{id, open_with, video};

const MIB: u64 = 1024 * 1024;

async fn wal_bytes(store: &SqliteStore) -> u64 {
    store.health().await.unwrap().details["wal_bytes"].parse().unwrap()
}

/// A video of some pages.
fn large(number: u64) -> Video {
    let mut fields = VideoFields::new(id(&format!("v{number}")), "Large");
    fields.description = Some(format!("{number} ").repeat(2_000));
    Video::new(fields).unwrap()
}

#[tokio::test]
async fn the_log_is_cut_when_the_reader_that_was_in_the_way_is_gone() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.wal_limit = MIB;
    let store = open_with(config).await.unwrap();
    store.videos().create(&video("first")).await.unwrap();
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    let mut number = 0;
    while wal_bytes(&store).await <= 2 * MIB {
        number += 1;
        assert!(number < 1_000, "a reader that keeps its snapshot makes the log grow");
        store.videos().create(&large(number)).await.unwrap();
    }
    assert_eq!(unit.videos().count(&VideoFilter::default()).await.unwrap(), 1, "it has its snapshot still");
    unit.commit().await.unwrap();
    // Nobody writes any more: the end of the reader is what has it cut.
    let cut = async { while wal_bytes(&store).await > MIB {} };
    tokio::time::timeout(Duration::from_secs(60), cut).await.expect("the log is cut");
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), number + 1);
}

#[tokio::test]
async fn without_readers_in_the_way_the_log_stays_below_its_limit() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.wal_limit = MIB;
    let store = open_with(config).await.unwrap();
    for number in 0..200 {
        store.videos().create(&large(number)).await.unwrap();
        let bytes = wal_bytes(&store).await;
        assert!(bytes <= MIB, "{bytes} bytes after {number} videos");
    }
}

/// At its deadline a unit of work that reads ends, says so, and gives its snapshot back.
#[tokio::test]
async fn a_reader_expires_and_says_so() {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.unit_of_work_timeout = Duration::ZERO;
    let store = open_with(config).await.unwrap();
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    let expired = async {
        loop {
            if let Err(error) = unit.videos().count(&VideoFilter::default()).await {
                break error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(60), expired).await.expect("it expires");
    assert!(matches!(&error, Error::Closed { .. }), "{error:?}");
    assert!(error.to_string().contains("deadline has passed"), "{error}");
}

/// `cargo test -p tubeatlas-adapters-sqlite --release --test it -- --ignored --nocapture a_reader_of_a_minute`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes more than a minute: see the command above it"]
async fn a_reader_of_a_minute_under_full_write_speed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = SqliteConfig::new(Location::File(folder.path().join("catalogue.db")));
    config.unit_of_work_timeout = Duration::from_secs(120);
    let store = Arc::new(open_with(config).await.unwrap());
    store.videos().create(&video("first")).await.unwrap();
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..50_u64 {
        let (store, stop, written) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&written));
        writers.spawn(async move {
            let mut longest = Duration::ZERO;
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let begun = Instant::now();
                store.videos().create(&video(&format!("v{writer}-{number}"))).await.expect("no writer fails");
                longest = longest.max(begun.elapsed());
                written.fetch_add(1, Ordering::Relaxed);
            }
            longest
        });
    }
    let (begun, mut most) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(60) {
        assert_eq!(unit.videos().count(&VideoFilter::default()).await.unwrap(), 1, "it keeps its snapshot");
        most = most.max(wal_bytes(&store).await);
        tokio::time::sleep(Duration::from_millis(100)).await; // how often it is measured
    }
    unit.commit().await.unwrap();
    let (ended, written_before) = (Instant::now(), written.load(Ordering::Relaxed));
    while wal_bytes(&store).await > 64 * MIB {
        assert!(ended.elapsed() < Duration::from_secs(60), "the log is cut");
        tokio::task::yield_now().await;
    }
    let cut_after = ended.elapsed();
    let mut later = 0;
    while ended.elapsed() < Duration::from_secs(5) {
        later = later.max(wal_bytes(&store).await);
    }
    stop.store(true, Ordering::Relaxed);
    let longest = writers.join_all().await.into_iter().max().unwrap();
    println!(
        "log of at most {} MiB, below 64 MiB {cut_after:?} after the reader, at most {} KiB then; {written_before} \
         writes, and {} in the 5 s after the reader; the longest took {longest:?}",
        most / MIB,
        later / 1024,
        written.load(Ordering::Relaxed) - written_before,
    );
    assert!(cut_after < Duration::from_secs(5), "{cut_after:?}");
    assert!(later < 64 * MIB, "{later}");
}
