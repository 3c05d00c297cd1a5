//! Writers that go on whatever becomes of the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tubeatlas_adapters_postgres::PostgresStore;
use tubeatlas_domain::VideoId;
use tubeatlas_ports::{Conflict, Error, MAX_BATCH, Mode, Repositories, Result, Store, Visibility};

use crate::support::video;

const WRITERS: usize = 4;

/// Writers that remember what was acknowledged.
pub(crate) struct Writers {
    ended: Arc<AtomicBool>,
    /// How many writes of each were acknowledged.
    done: Arc<[AtomicU32; WRITERS]>,
    tasks: Vec<tokio::task::JoinHandle<(Vec<VideoId>, u32)>>,
}

impl Writers {
    pub(crate) fn start(store: &PostgresStore) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let done = Arc::new([const { AtomicU32::new(0) }; WRITERS]);
        let tasks = (0..WRITERS).map(|writer| {
            let (store, ended, done) = (store.clone(), Arc::clone(&ended), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut acknowledged, mut refused) = (Vec::new(), 0);
                while !ended.load(Ordering::Relaxed) {
                    let video = video(&format!("{writer}-{}-{refused}", acknowledged.len()), "a title");
                    // Half of them by single calls, half by units of work.
                    let written: Result<()> = async {
                        if writer % 2 == 0 {
                            return store.videos().create(&video).await.map(drop);
                        }
                        let unit = store.begin(Mode::ReadWrite).await?;
                        unit.videos().create(&video).await?;
                        unit.commit().await
                    }
                    .await;
                    match written {
                        Ok(()) => {
                            acknowledged.push(video.id.clone());
                            done[writer].fetch_add(1, Ordering::Relaxed);
                        }
                        Err(Error::Unavailable { .. }) => {
                            refused += 1;
                            // No faster than a service would ask: the server needs the processors as well.
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                        Err(Error::Conflict(Conflict::Serialization)) => {} // with another writer
                        Err(other) => panic!("{other:?}"),
                    }
                }
                (acknowledged, refused)
            })
        });
        let tasks = tasks.collect();
        Self { ended, done, tasks }
    }

    /// Waits until each has had so many more writes acknowledged.
    pub(crate) async fn write_on(&self, writes: u32) {
        let before = self.done.each_ref().map(|done| done.load(Ordering::Relaxed));
        let so_far = |writer: usize| self.done[writer].load(Ordering::Relaxed) - before[writer];
        while (0..WRITERS).any(|writer| so_far(writer) < writes) {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a writer has failed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends them; all that was acknowledged, and how many calls were refused.
    pub(crate) async fn end(self) -> (Vec<VideoId>, u32) {
        self.ended.store(true, Ordering::Relaxed);
        let mut sum = (Vec::new(), 0);
        for task in self.tasks {
            let (acknowledged, refused) = task.await.unwrap();
            sum.0.extend(acknowledged);
            sum.1 += refused;
        }
        sum
    }
}

/// Those of the videos that are not there.
pub(crate) async fn lost(store: &PostgresStore, videos: &[VideoId]) -> Vec<VideoId> {
    let mut lost = Vec::new();
    for ids in videos.chunks(MAX_BATCH) {
        let found = store.videos().get_many(ids, Visibility::Live).await.unwrap();
        lost.extend(ids.iter().zip(found).filter(|(_, found)| found.is_none()).map(|(id, _)| id.clone()));
    }
    lost
}
