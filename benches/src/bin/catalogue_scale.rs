//! Point reads and pages of a large catalogue of videos against a small one; and what it takes to import it.
//!
//! `cargo run --release -p tubeatlas-benches --bin catalogue_scale -- FOLDER [VIDEOS]` (default 10,000,000)
//!
//! Imports 100,000 videos into one file in FOLDER and VIDEOS into another, by `create_many`, a thousand a transaction;
//! then reads them in turn. The files, of some 600 bytes a video, are kept; the next run goes on with them.

#![allow(clippy::print_stdout)] // its output is what it is for

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tubeatlas_adapters_sqlite::{Location, SqliteStore};
use tubeatlas_benches::{
    CHANNELS, Numbers, Result, channel_id, fill_with, open, percentile, process, short_video, video_id,
};
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{PageRequest, Repositories, Store, VideoFilter, Visibility};

const SMALL: u32 = 100_000;
const ROUNDS: u32 = 5;
const READS: u32 = 400;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Get,
    ChannelPage,
    DatePage,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("FOLDER is missing")?);
    let large: u32 = args.next().map_or(Ok(10_000_000), |text| text.parse())?;
    let files = [folder.join("small.sqlite"), folder.join("large.sqlite")];
    let stores = [import(&files[0], SMALL).await?, import(&files[1], large).await?];
    println!("peak memory of both imports: {} MB", process::peak_memory()? / 1_000_000);
    for kind in [Kind::Get, Kind::ChannelPage, Kind::DatePage] {
        let mut medians = [Vec::new(), Vec::new()];
        let mut numbers = Numbers::new(7);
        for _ in 0..ROUNDS {
            for ((store, videos), medians) in stores.iter().zip([SMALL, large]).zip(&mut medians) {
                let mut latencies = Vec::new();
                for _ in 0..READS {
                    latencies.push(read(store, kind, videos, &mut numbers).await?);
                }
                medians.push(percentile(&mut latencies, 50));
            }
        }
        let [small, large] = medians.map(|mut medians| percentile(&mut medians, 50).as_secs_f64() * 1e6);
        println!("{kind:?}: p50 {small:.0} µs, {large:.0} µs, ratio {:.2}", large / small);
    }
    for store in stores {
        store.close().await?;
    }
    Ok(())
}

async fn import(file: &Path, videos: u32) -> Result<SqliteStore> {
    let store = open(Location::File(file.to_owned())).await?;
    let there = u32::try_from(store.videos().count(&VideoFilter::default()).await?)?;
    let begun = Instant::now();
    fill_with(&store, there..videos, short_video).await?;
    let rate = f64::from(videos.saturating_sub(there)) / begun.elapsed().as_secs_f64();
    store.close().await?;
    let bytes = std::fs::metadata(file)?.len();
    println!(
        "{videos} videos, {there} of them there already: {rate:.0} a second, {} MB, {} bytes a video",
        bytes / 1_000_000,
        bytes / u64::from(videos.max(1))
    );
    Ok(open(Location::File(file.to_owned())).await?)
}

/// How long one read of this kind takes. A page has 20 videos.
async fn read(store: &SqliteStore, kind: Kind, videos: u32, numbers: &mut Numbers) -> Result<Duration> {
    let mut filter = VideoFilter::default();
    let page = PageRequest { limit: 20, ..PageRequest::default() };
    let id = video_id(numbers.below(videos))?;
    match kind {
        Kind::Get => {}
        Kind::ChannelPage => filter.channel_id = Some(channel_id(numbers.below(CHANNELS))?),
        Kind::DatePage => {
            let day = 16_000 + i64::from(numbers.below(3_000));
            filter.published_before = Some(Timestamp::from_unix_micros(day * 86_400_000_000)?);
        }
    }
    let begun = Instant::now();
    match kind {
        Kind::Get => drop(store.videos().get(&id, Visibility::Live).await?.ok_or("a video is missing")?),
        Kind::ChannelPage | Kind::DatePage => drop(store.videos().list(&filter, &page).await?),
    }
    Ok(begun.elapsed())
}
