//! Connections that read on the caller's thread: no hop at all, for what finds one row.
//!
//! A page that is in memory is read in a few microseconds, less than any hop takes. What could keep the thread
//! waiting is kept away as far as it can be: there is nothing to be dropped half way, because there is no await; a
//! lock is not waited for; when no connection is free the caller goes to the pool. What is left is a page that has to
//! come from a disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use diesel::SqliteConnection;
use tubeatlas_ports::Result;

use crate::connection::{ConnectionSettings, Connections, Counted, catching};
use crate::error::taints_connection;

/// The connections; none of them once they are closed.
pub(crate) struct InlineReaders(Vec<Mutex<Option<(SqliteConnection, Counted)>>>);

impl InlineReaders {
    /// Opens one connection for each thread that may want one at the same moment.
    pub(crate) fn open(
        path: &str,
        settings: &ConnectionSettings,
        connections: &Arc<Connections>,
    ) -> Result<Self> {
        let settings = settings.clone().without_waiting();
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let open = |_| {
            let counted = Counted::new(connections);
            Ok(Mutex::new(Some((settings.open(path)?, counted))))
        };
        (0..count).map(open).collect::<Result<_>>().map(Self)
    }

    /// The answer, if it could be had without waiting; an error is for the pool to try again, which may wait.
    pub(crate) fn run<T>(&self, work: impl Fn(&mut SqliteConnection) -> Result<T>) -> Option<T> {
        let mut connection = self.0.iter().filter_map(free).find(|connection| connection.is_some())?;
        let (open, _) = connection.as_mut()?;
        let result = catching(|| work(open));
        if result.as_ref().is_err_and(taints_connection) {
            *connection = None;
        }
        result.ok()
    }

    pub(crate) fn close(&self) {
        for connection in &self.0 {
            connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// What is in the slot, if nobody else is at it.
fn free<T>(slot: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match slot.try_lock() {
        Ok(free) => Some(free),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
