//! Indexed look-ups in SQLite, one caller: p50 and p99 of get by id, a channel's page, a page by date.
//!
//! `cargo bench -p tubeatlas-benches --bench lookups -- [VIDEOS]` (default 100,000)

#![allow(clippy::print_stdout)] // its output is what it is for

use std::time::{Duration, Instant};

use tubeatlas_adapters_sqlite::Location;
use tubeatlas_benches::{CHANNELS, Numbers, Result, channel_id, fill, open, percentile, video_id};
use tubeatlas_ports::{PageRequest, Repositories, Store, VideoFilter, VideoOrder, Visibility};

const CALLS: usize = 5_000;

fn report(what: &str, mut latencies: Vec<Duration>) {
    let (p50, p99) = (percentile(&mut latencies, 50), percentile(&mut latencies, 99));
    println!("{what:<32} p50 {p50:>10.1?}   p99 {p99:>10.1?}   ({} calls)", latencies.len());
}

#[tokio::main]
async fn main() -> Result<()> {
    let videos: u32 =
        std::env::args().skip(1).find(|it| it != "--bench").map_or(Ok(100_000), |text| text.parse())?;
    let store = open(Location::Temporary).await?;
    let begun = Instant::now();
    fill(&store, videos).await?;
    let rate = f64::from(videos) / begun.elapsed().as_secs_f64();
    println!("{videos} videos written in {:.1?} ({rate:.0} a second), index included", begun.elapsed());

    let mut numbers = Numbers::new(1);
    let mut latencies = Vec::new();
    for _ in 0..CALLS {
        let id = video_id(numbers.below(videos))?;
        let begun = Instant::now();
        let found = store.videos().get(&id, Visibility::Live).await?;
        latencies.push(begun.elapsed());
        assert!(found.is_some(), "{id} is there");
    }
    report("get by id", latencies);

    let mut latencies = Vec::new();
    for _ in 0..CALLS {
        let channel_id = Some(channel_id(numbers.below(CHANNELS))?);
        let filter = VideoFilter { channel_id, ..VideoFilter::default() };
        let begun = Instant::now();
        let page = store.videos().list(&filter, &PageRequest::default()).await?;
        latencies.push(begun.elapsed());
        assert!(!page.items.is_empty(), "each channel has videos");
    }
    report("a channel's first 50", latencies);

    // From the newest to the oldest, page after page, again and again.
    let mut latencies = Vec::new();
    let mut request = PageRequest { order: VideoOrder::Newest, ..PageRequest::default() };
    for _ in 0..CALLS {
        let begun = Instant::now();
        let page = store.videos().list(&VideoFilter::default(), &request).await?;
        latencies.push(begun.elapsed());
        assert!(!page.items.is_empty(), "each page has videos");
        request.after = page.next;
    }
    report("50 by date, wherever", latencies);
    store.close().await?;
    Ok(())
}
