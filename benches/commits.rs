//! Fifty tasks that each begin a unit of work, read, write and commit, again and again: no error may occur.
//!
//! `cargo bench -p tubeatlas-benches --bench commits -- [ROUNDS]` (default 200)

#![allow(clippy::print_stdout)] // its output is what it is for

use std::time::Instant;

use tokio::task::JoinSet;
use tubeatlas_adapters_sqlite::Location;
use tubeatlas_benches::{Result, fill, open, percentile, video, video_id};
use tubeatlas_ports::{Mode, Store, Visibility};

const TASKS: u32 = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let rounds: u32 =
        std::env::args().skip(1).find(|it| it != "--bench").map_or(Ok(200), |text| text.parse())?;
    let store = open(Location::Temporary).await?;
    fill(&store, 0).await?;
    let begun = Instant::now();
    let (mut errors, mut latencies) = (0, Vec::new());
    for round in 0..rounds {
        let mut tasks = JoinSet::new();
        for n in 0..TASKS {
            let (store, number) = (store.clone(), round * TASKS + n);
            let (id, video) = (video_id(number)?, video(number)?);
            tasks.spawn(async move {
                let begun = Instant::now();
                let unit = store.begin(Mode::ReadWrite).await?;
                unit.videos().get(&id, Visibility::Live).await?;
                unit.videos().create(&video).await?;
                unit.commit().await.map(|()| begun.elapsed())
            });
        }
        for result in tasks.join_all().await {
            match result {
                Ok(latency) => latencies.push(latency),
                Err(error) => {
                    errors += 1;
                    println!("{}", error.chain());
                }
            }
        }
    }
    let rate = f64::from(rounds * TASKS) / begun.elapsed().as_secs_f64();
    println!(
        "{TASKS} tasks x {rounds} rounds: {errors} errors, {rate:.0} commits a second, p50 {:.1?}, p99 {:.1?}",
        percentile(&mut latencies, 50),
        percentile(&mut latencies, 99)
    );
    store.close().await?;
    Ok(())
}
