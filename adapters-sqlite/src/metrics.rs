//! What can be measured of a store while it works, through the facade of the crate `metrics`.
//!
//! The handles are got once: all but those of the calls when the store is opened, and each of those at the first call
//! of its name. So the recorder has to be there before; and where there is none, what is left is reading a clock.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::{Gauge, Histogram, Unit, describe_gauge, describe_histogram, gauge, histogram};
use tubeatlas_domain::EntityKind;

const POOL_WAIT: &str = "tubeatlas_sqlite_pool_wait_seconds";
const QUEUE_DEPTH: &str = "tubeatlas_sqlite_write_queue_depth";
const GROUP_SIZE: &str = "tubeatlas_sqlite_commit_group_size";
const COMMIT: &str = "tubeatlas_sqlite_commit_seconds";
const WAL_BYTES: &str = "tubeatlas_sqlite_wal_bytes";
const CALL: &str = "tubeatlas_sqlite_call_seconds";

/// What a call does, and to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Call(pub(crate) &'static str, pub(crate) EntityKind);

const OPERATIONS: [&str; 21] = [
    "get",
    "get_many",
    "list",
    "count",
    "create",
    "update",
    "upsert",
    "delete",
    "create_many",
    "update_many",
    "upsert_many",
    "delete_many",
    "restore",
    "purge",
    "search",
    "words",
    "enqueue",
    "claim",
    "transition",
    "remove_finished",
    "adopt_many",
];

const KINDS: [EntityKind; 8] = [
    EntityKind::Channel,
    EntityKind::Video,
    EntityKind::Transcript,
    EntityKind::KnowledgeGraph,
    EntityKind::ProcessingTask,
    EntityKind::MediaFile,
    EntityKind::SourceFile,
    EntityKind::Playlist,
];

/// The handles of a store.
pub(crate) struct Metrics {
    pool_wait: Histogram,
    queue_depth: Gauge,
    group_size: Histogram,
    commit: Histogram,
    wal_bytes: Gauge,
    calls: HashMap<Call, OnceLock<Histogram>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe_histogram!(POOL_WAIT, Unit::Seconds, "How long a read waited for a connection");
        describe_gauge!(QUEUE_DEPTH, Unit::Count, "How many writes waited when a commit began");
        describe_histogram!(GROUP_SIZE, Unit::Count, "How many writes shared a commit");
        describe_histogram!(COMMIT, Unit::Seconds, "How long COMMIT took");
        describe_gauge!(WAL_BYTES, Unit::Bytes, "How large the write-ahead log is");
        describe_histogram!(CALL, Unit::Seconds, "How long the statements of a call took");
        let calls =
            KINDS.into_iter().flat_map(|kind| OPERATIONS.map(|name| (Call(name, kind), OnceLock::new())));
        Self {
            pool_wait: histogram!(POOL_WAIT),
            queue_depth: gauge!(QUEUE_DEPTH),
            group_size: histogram!(GROUP_SIZE),
            commit: histogram!(COMMIT),
            wal_bytes: gauge!(WAL_BYTES),
            calls: calls.collect(),
        }
    }

    pub(crate) fn pool_wait(&self, time: Duration) {
        self.pool_wait.record(time);
    }

    pub(crate) fn queue_depth(&self, writes: usize) {
        self.queue_depth.set(u32::try_from(writes).unwrap_or(u32::MAX));
    }

    pub(crate) fn commit(&self, group: usize, time: Duration) {
        self.group_size.record(u32::try_from(group).unwrap_or(u32::MAX));
        self.commit.record(time);
    }

    pub(crate) fn wal_bytes(&self, bytes: u64) {
        self.wal_bytes.set(u32::try_from(bytes / 1_024).map_or(f64::MAX, |kib| f64::from(kib) * 1_024.0));
    }

    /// Does what a call does, and notes how long that took.
    pub(crate) fn time<T>(&self, call: Call, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.call(call, begun.elapsed());
        result
    }

    fn call(&self, call: Call, time: Duration) {
        let handle = self.calls.get(&call);
        debug_assert!(handle.is_some(), "{call:?} is in no list");
        let new = || histogram!(CALL, "operation" => call.0, "entity" => call.1.as_str());
        if let Some(handle) = handle {
            handle.get_or_init(new).record(time);
        }
    }
}
