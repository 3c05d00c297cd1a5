//! An import as a processing task: what others see of it, and how they end it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tubeatlas_domain::{
    JsonObject, LeaseToken, MAX_TARGET_BYTES, MAX_TASK_ERROR_BYTES, NewTask, ProcessingTaskId, Progress,
    TaskFailure, TaskKind, TaskStatus, Timestamp, WorkerId,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, IdGenerator, Mode, PageRequest, ProcessingTaskFilter, ProcessingTaskOrder,
    Repositories, Result, Store,
};

use super::ImportOptions;

/// The kind of the task.
pub const TASK_KIND: &str = "import";

/// How long the import is taken to be alive after it was last heard of.
const LEASE: Duration = Duration::from_secs(30);

/// How often it may be taken up again after it was killed.
const MAX_ATTEMPTS: u32 = 100;

/// The task of an import that is under way.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: ProcessingTaskId,
    token: LeaseToken,
    reported: AtomicU8,
}

impl Task {
    /// A task that a worker has claimed.
    pub(super) fn claimed(id: ProcessingTaskId, token: LeaseToken) -> Self {
        Self { id, token, reported: AtomicU8::new(0) }
    }

    /// Takes up the task of an earlier import of the same, which was killed, or else enqueues one and claims it. `None`
    /// if the store keeps no tasks.
    pub(super) async fn start(
        store: &dyn Store,
        ids: &dyn IdGenerator,
        options: &ImportOptions,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        match Self::try_start(store, ids, options, now).await {
            Err(Error::Unsupported { .. }) => Ok(None),
            started => started,
        }
    }

    async fn try_start(
        store: &dyn Store,
        ids: &dyn IdGenerator,
        options: &ImportOptions,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let kind = TaskKind::parse(TASK_KIND).map_err(Error::Invalid)?;
        let target = options.target[..options.target.floor_char_boundary(MAX_TARGET_BYTES)].to_owned();
        if let Some(task) = Self::left_behind(store, options, (&kind, &target), now).await? {
            return Ok(Some(task));
        }
        let task = NewTask {
            id: ProcessingTaskId::new(ids.new_id()),
            kind,
            target: Some(target),
            payload: JsonObject::default(),
            max_attempts: MAX_ATTEMPTS,
            available_at: now,
        };
        let id = store.processing_tasks().enqueue(&task).await?.entity.id;
        Self::claim(store, &options.worker, id).await
    }

    /// Takes up a task of this kind and target that its worker has left behind: one that stands as running while the worker
    /// is gone, or was not heard of for long, or one that was never claimed. If there are several, the others are ended.
    async fn left_behind(
        store: &dyn Store,
        options: &ImportOptions,
        (kind, target): (&TaskKind, &str),
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let tasks = store.processing_tasks();
        let page = PageRequest { order: ProcessingTaskOrder::Newest, limit: 100, ..PageRequest::default() };
        let mut taken_up: Option<Self> = None;
        for status in [TaskStatus::Running, TaskStatus::Pending] {
            let (status, kind, target) = (Some(status), Some(kind.clone()), Some(target.to_owned()));
            let filter = ProcessingTaskFilter { status, kind, target };
            for found in tasks.list(&filter, &page).await?.items {
                let id = found.entity.id;
                match &found.entity.lease {
                    Some(lease) if (options.is_gone)(&lease.worker) => free(store, id, lease.token).await?,
                    Some(_) => (),
                    // Its worker may be about to claim it.
                    None if found.created_at.saturating_add_millis(lease_ms()) > now => continue,
                    None => (),
                }
                let Some(task) = Self::claim(store, &options.worker, id).await? else { continue };
                match &taken_up {
                    Some(first) => {
                        let reason =
                            format!("its process was killed; the task {} goes on from there", first.id);
                        task.cancel(store, &reason).await;
                    }
                    None => taken_up = Some(task),
                }
            }
        }
        Ok(taken_up)
    }

    async fn claim(store: &dyn Store, worker: &WorkerId, id: ProcessingTaskId) -> Result<Option<Self>> {
        let request =
            ClaimRequest { worker: worker.clone(), kinds: None, lease_ms: lease_ms(), only: Some(id) };
        let Some(task) = store.processing_tasks().claim(&request).await? else { return Ok(None) };
        let token = task.lease.as_ref().map(|lease| lease.token);
        Ok(token.map(|token| Self::claimed(id, token)))
    }

    /// Says again and again that the import is alive. Ends only when somebody has ended the task.
    pub(super) async fn keep_alive(&self, store: &dyn Store) -> Error {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            let beat = store.processing_tasks().heartbeat(self.id, self.token, lease_ms()).await;
            match beat {
                // What keeps a store from answering for a while ends no import.
                Err(error) if is_end(&error) => return error,
                Ok(_) | Err(_) => (),
            }
        }
    }

    /// Notes how much is done, with what is written in the same unit of work.
    pub(super) async fn report(&self, unit: &dyn Repositories, done: u64, of: u64) -> Result<()> {
        // The last per cent is for what follows the last batch.
        let percent = u8::try_from(done.saturating_mul(100) / of.max(1)).unwrap_or(99).min(99);
        if self.reported.swap(percent, Ordering::Relaxed) == percent {
            return Ok(());
        }
        let progress = Progress::new(percent).map_err(Error::Invalid)?;
        unit.processing_tasks().report(self.id, self.token, progress).await.map(drop)
    }

    pub(super) async fn complete(&self, store: &dyn Store) -> Result<()> {
        store.processing_tasks().complete(self.id, self.token).await.map(drop)
    }

    /// Notes why the import has failed. If the store does not take that either, its lease will tell.
    pub(super) async fn fail(&self, store: &dyn Store, reason: &str) {
        if let Some(failure) = failure(reason, None) {
            let _ = store.processing_tasks().fail(self.id, self.token, &failure).await;
        }
    }

    /// Gives the task up, and notes why. If the store does not take that, its lease will tell.
    pub(super) async fn cancel(&self, store: &dyn Store, reason: &str) {
        // A task that is cancelled has no reason of its own, but keeps that of its last attempt.
        if let Some(failure) = failure(reason, Some(0))
            && let Ok(unit) = store.begin(Mode::ReadWrite).await
            && unit.processing_tasks().fail(self.id, self.token, &failure).await.is_ok()
        {
            // At the last attempt it has failed by that.
            let _ = unit.processing_tasks().cancel(self.id).await;
            let _ = unit.commit().await;
        }
    }
}

/// Ends the attempt of a worker that is gone, so that the end of its lease need not be waited for.
async fn free(store: &dyn Store, id: ProcessingTaskId, token: LeaseToken) -> Result<()> {
    let Some(failure) = failure("the process that imported it was killed", Some(0)) else { return Ok(()) };
    match store.processing_tasks().fail(id, token, &failure).await {
        Err(error) if !is_end(&error) => Err(error),
        _ => Ok(()), // or somebody else was faster
    }
}

fn failure(reason: &str, retry_after_ms: Option<u64>) -> Option<TaskFailure> {
    let reason = reason.replace('\0', "");
    let reason = &reason[..reason.floor_char_boundary(MAX_TASK_ERROR_BYTES)];
    TaskFailure::new(reason, retry_after_ms).ok()
}

/// Whether the task is not this import's any more: it was cancelled, removed, or taken over.
pub(super) fn is_end(error: &Error) -> bool {
    matches!(error, Error::Conflict(Conflict::Transition { .. }) | Error::NotFound { .. })
}

fn lease_ms() -> u64 {
    u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX)
}
