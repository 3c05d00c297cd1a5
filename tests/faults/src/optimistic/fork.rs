//! [`Fork`]: a store in memory of somebody's own, with the time and the revisions that it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tubeatlas_adapters_memory::MemoryStore;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Clock, Result};

/// What a call takes from outside. A call that is made once more is given the same again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) now: Timestamp,
    /// Its revisions follow this one.
    pub(super) last_revision: u64,
}

/// A store in memory that nobody else writes to.
pub(super) struct Fork {
    pub(super) store: MemoryStore,
    now: Arc<Now>,
    last_revision: Arc<AtomicU64>,
}

/// The time of the call that is being made, in microseconds.
#[derive(Default)]
struct Now(AtomicI64);

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

impl Fork {
    /// A fork of what a store holds.
    pub(super) fn of(store: &MemoryStore) -> Result<Self> {
        let (now, last_revision) = (Arc::<Now>::default(), Arc::<AtomicU64>::default());
        let store = store.fork(now.clone(), Some(last_revision.clone()))?;
        Ok(Self { store, now, last_revision })
    }

    /// The stamp of the next call.
    pub(super) fn set(&self, stamp: Stamp) {
        self.now.0.store(stamp.now.unix_micros(), Ordering::SeqCst);
        self.last_revision.store(stamp.last_revision, Ordering::SeqCst);
    }
}
