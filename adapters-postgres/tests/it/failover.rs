//! A standby that takes the place of its primary.

use std::time::{Duration, Instant};

use tubeatlas_postgres_cluster::{Cluster, Options};

use crate::support::{config, open};
use crate::writers::{Writers, lost};

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_is_found_and_has_all_that_was_acknowledged() {
    let primary = Cluster::start(Options { durable: true, standbys: 1, ..Options::default() }).unwrap();
    let standby = tokio::task::block_in_place(|| primary.standby()).unwrap();
    let database = primary.database().unwrap();
    // The standby stands first: it answers, and must not be taken as long as it accepts no writes.
    let host = |url: &str| url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let [of_primary, of_standby] = [&primary, &standby].map(|cluster| host(&cluster.url("")));
    let url = database.url().replace(&of_primary, &format!("{of_standby},{of_primary}"));
    let mut config = config(&url);
    config.application_name = "service".to_owned();
    let store = open(config).await.unwrap();
    let writers = Writers::start(&store);
    writers.write_on(50).await;
    let begun = Instant::now();
    tokio::task::block_in_place(|| primary.stop("immediate")).unwrap();
    tokio::task::block_in_place(|| standby.promote()).unwrap();
    let promoted = Instant::now();
    tokio::time::timeout(Duration::from_secs(5), writers.write_on(1)).await.unwrap();
    let (recovered, in_all) = (promoted.elapsed(), begun.elapsed());
    writers.write_on(20).await;
    let (acknowledged, refused) = writers.end().await;
    assert!(refused > 0, "the failover met nobody");
    assert_eq!(lost(&store, &acknowledged).await, []);
    let found = "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'service'";
    assert_ne!(standby.texts(found).unwrap(), ["0"]);
    println!(
        "failover: {} writes acknowledged, 0 lost, {refused} refused; all writers were back {recovered:.0?} after the \
         promotion, {in_all:.0?} after the primary was stopped",
        acknowledged.len()
    );
}
