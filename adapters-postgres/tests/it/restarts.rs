//! Crashes of the server while it is written to.

use std::time::{Duration, Instant};

use tubeatlas_postgres_cluster::{Cluster, Options};

use crate::support::{config, open};
use crate::writers::{Writers, lost};

/// How long after the server is back each writer must have written again.
const RECOVERY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_by_crashes_of_the_server() {
    let restarts = std::env::var("TUBEATLAS_RESTARTS").map_or(3, |number| number.parse().unwrap());
    let cluster = Cluster::start(Options { durable: true, ..Options::default() }).unwrap();
    let database = cluster.database().unwrap();
    let store = open(config(database.url())).await.unwrap();
    let writers = Writers::start(&store);
    let mut slowest = Duration::ZERO;
    for _ in 0..restarts {
        writers.write_on(20).await;
        tokio::task::block_in_place(|| cluster.crash_and_restart()).unwrap();
        let up = Instant::now();
        tokio::time::timeout(RECOVERY, writers.write_on(1)).await.unwrap();
        slowest = slowest.max(up.elapsed());
    }
    let (acknowledged, refused) = writers.end().await;
    assert!(refused > 0, "the crashes met nobody");
    assert_eq!(lost(&store, &acknowledged).await, []);
    println!(
        "{restarts} crashes under load: {} writes acknowledged, 0 lost, {refused} refused; all writers were back \
         {slowest:.0?} after the server at the latest",
        acknowledged.len()
    );
}
