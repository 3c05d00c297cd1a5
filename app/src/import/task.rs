//! An import as a processing task: what others see of it, and how they end it.

use std::time::Duration;

use tubeatlas_domain::{
    JsonObject, LeaseToken, MAX_TARGET_BYTES, NewTask, ProcessingTaskId, TaskKind, TaskStatus, Timestamp,
    WorkerId,
};
use tubeatlas_ports::{
    ClaimRequest, Error, IdGenerator, Mode, PageRequest, ProcessingTaskFilter, ProcessingTaskOrder, Result,
    Store,
};

use super::ImportOptions;
use crate::claimed::{Claimed, LEASE, is_end};
use crate::wiring::milliseconds;

/// The kind of the task.
pub const TASK_KIND: &str = "import";

/// How often it may be taken up again after it was killed.
const MAX_ATTEMPTS: u32 = 100;

/// Takes up the task of an earlier import of the same, which was killed, or else enqueues one and claims it. `None`
/// if the store keeps no tasks.
pub(super) async fn start(
    store: &dyn Store,
    ids: &dyn IdGenerator,
    options: &ImportOptions,
    now: Timestamp,
) -> Result<Option<Claimed>> {
    match try_start(store, ids, options, now).await {
        Err(Error::Unsupported { .. }) => Ok(None),
        started => started,
    }
}

async fn try_start(
    store: &dyn Store,
    ids: &dyn IdGenerator,
    options: &ImportOptions,
    now: Timestamp,
) -> Result<Option<Claimed>> {
    let kind = TaskKind::parse(TASK_KIND).map_err(Error::Invalid)?;
    let target = options.target[..options.target.floor_char_boundary(MAX_TARGET_BYTES)].to_owned();
    if let Some(task) = left_behind(store, options, (&kind, &target), now).await? {
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
    claim(store, &options.worker, id).await
}

/// Takes up a task of this kind and target that its worker has left behind: one that stands as running while the worker
/// is gone, or was not heard of for long, or one that was never claimed. If there are several, the others are ended.
async fn left_behind(
    store: &dyn Store,
    options: &ImportOptions,
    (kind, target): (&TaskKind, &str),
    now: Timestamp,
) -> Result<Option<Claimed>> {
    let tasks = store.processing_tasks();
    let page = PageRequest { order: ProcessingTaskOrder::Newest, limit: 100, ..PageRequest::default() };
    let mut taken_up: Option<Claimed> = None;
    for status in [TaskStatus::Running, TaskStatus::Pending] {
        let (status, kind, target) = (Some(status), Some(kind.clone()), Some(target.to_owned()));
        let filter = ProcessingTaskFilter { status, kind, target };
        for found in tasks.list(&filter, &page).await?.items {
            let id = found.entity.id;
            match &found.entity.lease {
                Some(lease) if (options.is_gone)(&lease.worker) => free(store, id, lease.token).await?,
                Some(_) => (),
                // Its worker may be about to claim it.
                None if found.created_at.saturating_add_millis(milliseconds(LEASE)) > now => continue,
                None => (),
            }
            let Some(task) = claim(store, &options.worker, id).await? else { continue };
            match &taken_up {
                Some(first) => {
                    let reason =
                        format!("its process was killed; the task {} goes on from there", first.id());
                    cancel(&task, store, &reason).await;
                }
                None => taken_up = Some(task),
            }
        }
    }
    Ok(taken_up)
}

async fn claim(store: &dyn Store, worker: &WorkerId, id: ProcessingTaskId) -> Result<Option<Claimed>> {
    let request =
        ClaimRequest { worker: worker.clone(), kinds: None, lease_ms: milliseconds(LEASE), only: Some(id) };
    let Some(task) = store.processing_tasks().claim(&request).await? else { return Ok(None) };
    Ok(Claimed::of(&task, LEASE))
}

/// Gives the task up, and notes why. If the store does not take that, its lease will tell.
pub(super) async fn cancel(task: &Claimed, store: &dyn Store, reason: &str) {
    // A task that is cancelled has no reason of its own, but keeps that of its last attempt.
    if let Ok(unit) = store.begin(Mode::ReadWrite).await
        && task.fail(unit.as_ref(), reason, Some(Duration::ZERO)).await.is_ok()
    {
        // At the last attempt it has failed by that.
        let _ = unit.processing_tasks().cancel(task.id()).await;
        let _ = unit.commit().await;
    }
}

/// Ends the attempt of a worker that is gone, so that the end of its lease need not be waited for.
async fn free(store: &dyn Store, id: ProcessingTaskId, token: LeaseToken) -> Result<()> {
    let gone = Claimed::new(id, token, LEASE);
    match gone.fail(store, "the process that imported it was killed", Some(Duration::ZERO)).await {
        Err(error) if !is_end(&error) => Err(error),
        _ => Ok(()), // or somebody else was faster
    }
}
