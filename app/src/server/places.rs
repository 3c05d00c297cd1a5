//! The places for connections, of which there are so many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::activity::Activity;

/// How often it is looked whether a connection can give way when none could before.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

const GAUGE: &str = "tubeatlas_http_connections";

type Taken = Arc<Mutex<HashMap<u64, Arc<Activity>>>>;

/// The places for connections.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Taken,
    next: AtomicU64,
}

/// A place that a connection has; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    taken: Taken,
    pub(super) activity: Arc<Activity>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        metrics::describe_gauge!(GAUGE, metrics::Unit::Count, "How many connections are open");
        metrics::gauge!(GAUGE).set(0.0);
        Self { free: Arc::new(Semaphore::new(count)), taken: Taken::default(), next: AtomicU64::new(0) }
    }

    /// A place; if there is none, that of the connection which has been without a request for the longest, or the
    /// first that becomes free.
    pub(super) async fn take(&self) -> Place {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => loop {
                self.make_room();
                // The semaphore is never closed.
                if let Ok(Ok(permit)) = timeout(LOOK_AGAIN, Arc::clone(&self.free).acquire_owned()).await {
                    break permit;
                }
            },
        };
        let activity = Arc::new(Activity::new());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&activity));
        metrics::gauge!(GAUGE).increment(1.0);
        Place { number, taken: Arc::clone(&self.taken), activity, _permit: permit }
    }

    /// Has the connection give way that has been without a request for the longest, if there is one.
    pub(super) fn make_room(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // One that gives way may need a moment; that is no reason for another one to do so.
        if taken.values().any(|activity| activity.gives_way()) {
            return;
        }
        let ranked = taken.values().filter_map(|activity| Some((activity.rank()?, activity)));
        if let Some((_, activity)) = ranked.min_by_key(|(rank, _)| *rank) {
            activity.dismiss();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        metrics::gauge!(GAUGE).decrement(1.0);
    }
}
