//! A task that this process holds under a lease: what it says of it while it works, and how it learns that somebody else
//! has ended it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tubeatlas_domain::{
    LeaseToken, MAX_TASK_ERROR_BYTES, ProcessingTask, ProcessingTaskId, Progress, TaskFailure,
};
use tubeatlas_ports::{Conflict, Error, Repositories, Result, Store, Stored};

use crate::wiring::milliseconds;

/// How long whoever holds a task is taken to be alive after it was last heard of, unless it says otherwise.
pub const LEASE: Duration = Duration::from_secs(30);

/// A task, and the right to speak for it.
#[derive(Debug)]
pub struct Claimed {
    id: ProcessingTaskId,
    token: LeaseToken,
    lease: Duration,
    reported: AtomicU8,
}

impl Claimed {
    /// The task with this token, which is said to be alive for so long each time.
    pub fn new(id: ProcessingTaskId, token: LeaseToken, lease: Duration) -> Self {
        Self { id, token, lease, reported: AtomicU8::new(0) }
    }

    /// A task as it was claimed; `None` if nobody holds it.
    pub fn of(task: &Stored<ProcessingTask>, lease: Duration) -> Option<Self> {
        let token = task.entity.lease.as_ref().map(|lease| lease.token)?;
        Some(Self::new(task.entity.id, token, lease))
    }

    /// Which task it is.
    pub fn id(&self) -> ProcessingTaskId {
        self.id
    }

    /// The right to speak for it.
    pub fn token(&self) -> LeaseToken {
        self.token
    }

    /// Says that the work is alive.
    ///
    /// # Errors
    /// Those of the store; see [`is_end`].
    pub async fn heartbeat(&self, store: &dyn Store) -> Result<()> {
        store.processing_tasks().heartbeat(self.id, self.token, milliseconds(self.lease)).await.map(drop)
    }

    /// Says again and again that the work is alive. Ends only when somebody has ended the task.
    pub async fn keep_alive(&self, store: &dyn Store) -> Error {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            match self.heartbeat(store).await {
                // What keeps a store from answering for a while ends no work.
                Err(error) if is_end(&error) => return error,
                Ok(()) | Err(_) => (),
            }
        }
    }

    /// Notes how much is done, in whole per cent, if that is not what was noted last.
    ///
    /// # Errors
    /// Those of the store; see [`is_end`].
    pub async fn report(&self, to: &dyn Repositories, done: u64, of: u64) -> Result<()> {
        // The last per cent is for what follows: the end of the work, and that it is noted.
        let percent = u8::try_from(done.saturating_mul(100) / of.max(1)).unwrap_or(99).min(99);
        if self.reported.swap(percent, Ordering::Relaxed) == percent {
            return Ok(());
        }
        let progress = Progress::new(percent).map_err(Error::Invalid)?;
        to.processing_tasks().report(self.id, self.token, progress).await.map(drop)
    }

    /// Notes that the work is done.
    ///
    /// # Errors
    /// Those of the store; see [`is_end`].
    pub async fn complete(&self, store: &dyn Store) -> Result<()> {
        store.processing_tasks().complete(self.id, self.token).await.map(drop)
    }

    /// Notes why the work failed, and after how long it may be tried again, if it may.
    ///
    /// # Errors
    /// Those of the store; see [`is_end`].
    pub async fn fail(&self, to: &dyn Repositories, reason: &str, again: Option<Duration>) -> Result<()> {
        let reason = reason.replace('\0', "");
        let reason = &reason[..reason.floor_char_boundary(MAX_TASK_ERROR_BYTES)];
        let failure = TaskFailure::new(reason, again.map(milliseconds)).map_err(Error::Invalid)?;
        to.processing_tasks().fail(self.id, self.token, &failure).await.map(drop)
    }
}

/// Whether the task is not ours any more: it was cancelled, removed, or taken over.
pub fn is_end(error: &Error) -> bool {
    matches!(error, Error::Conflict(Conflict::Transition { .. }) | Error::NotFound { .. })
}
