//! The processing tasks.

use std::sync::Arc;

use async_trait::async_trait;
use imbl::OrdSet;
use tubeatlas_domain::{
    Claimability, Entity, Lease, LeaseToken, NewTask, ProcessingTask, ProcessingTaskId, Progress,
    TaskFailure, TaskStatus, Timestamp, TransitionError,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_EXPIRED_PER_CLAIM, MAX_PAGE_LIMIT, ProcessingTaskFilter,
    ProcessingTaskOrder, ProcessingTaskPosition, ProcessingTaskRepository, Result, Stored, check_adopted,
    check_lease, check_limit,
};

use crate::repository::{Kept, Rows, find, put, take};
use crate::session::Session;
use crate::state::{CreationKey, Groups, Stamp, State, Table, between, by_creation, rekey};

type Key = CreationKey<ProcessingTaskId>;

#[derive(Clone, Default, PartialEq)]
pub(crate) struct ProcessingTasks {
    pub(crate) by_id: Table<ProcessingTask>,
    by_creation: OrdSet<Key>,
    by_status: Groups<TaskStatus, Key>,
    /// Those that are finished, by when.
    by_end: OrdSet<(Timestamp, Option<ProcessingTaskId>)>,
}

impl Kept for ProcessingTask {
    fn table(state: &State) -> &Table<Self> {
        &state.processing_tasks.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.processing_tasks.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<ProcessingTaskId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let tasks = &mut state.processing_tasks;
        let key = |task: &Stored<Self>| (task.created_at, **id);
        rekey(&mut tasks.by_creation, old.map(key), new.map(key));
        let of_status = |task: &Stored<Self>| (task.status, key(task));
        tasks.by_status.rekey(old.map(of_status), new.map(of_status));
        let end = |task: &Stored<Self>| Some((task.finished_at?, Some(**id)));
        rekey(&mut tasks.by_end, old.and_then(end), new.and_then(end));
    }

    fn deleted_at(_: &State, _: &Stored<Self>) -> Option<Timestamp> {
        None
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a ProcessingTaskFilter,
        order: ProcessingTaskOrder,
        after: Option<ProcessingTaskPosition>,
    ) -> Rows<'a, Self> {
        let ProcessingTaskFilter { status, kind, target } = filter;
        let tasks = &state.processing_tasks;
        let keys = match status {
            Some(status) => tasks.by_status.of(status),
            None => Some(&tasks.by_creation),
        };
        let newest_first = match order {
            ProcessingTaskOrder::Newest => true,
            ProcessingTaskOrder::Oldest => false,
        };
        let keys = by_creation(keys, newest_first, after.map(|after| (after.created_at, after.id)));
        let rows = keys.filter_map(|(_, id)| tasks.by_id.get(id));
        Box::new(rows.filter(move |row| {
            kind.as_ref().is_none_or(|kind| row.kind == *kind)
                && target.as_ref().is_none_or(|target| row.target.as_ref() == Some(target))
        }))
    }
}

/// Stores a task after a transition.
fn store(
    state: &mut State,
    stamp: &Stamp<'_>,
    old: &Stored<ProcessingTask>,
    changed: Result<ProcessingTask, TransitionError>,
) -> Result<Stored<ProcessingTask>> {
    let task = changed.map_err(|error| Conflict::Transition { key: old.entity.id().to_string(), error })?;
    let stored = old.changed(task, stamp.now, state.next_revision()?);
    put(state, stored.clone());
    Ok(stored)
}

/// Tasks of these kinds that are claimable, or exhausted, at this time, oldest first.
fn in_queue<'a>(
    state: &'a State,
    request: &'a ClaimRequest,
    status: TaskStatus,
    wanted: Claimability,
    now: Timestamp,
) -> impl Iterator<Item = &'a Arc<Stored<ProcessingTask>>> {
    let tasks = &state.processing_tasks;
    by_creation(tasks.by_status.of(&status), false, None).filter_map(|(_, id)| tasks.by_id.get(id)).filter(
        move |task| {
            request.kinds.as_ref().is_none_or(|kinds| kinds.contains(&task.kind))
                && request.only.is_none_or(|only| task.id == only)
                && task.claimability(now) == wanted
        },
    )
}

impl Session {
    async fn transition<V>(
        &self,
        id: ProcessingTaskId,
        valid: Result<V>,
        change: impl FnOnce(&ProcessingTask, Timestamp, V) -> Result<ProcessingTask, TransitionError>,
    ) -> Result<Stored<ProcessingTask>> {
        self.write(valid, |state, stamp, valid| {
            let old = find::<ProcessingTask>(state, &id)?;
            store(state, stamp, &old, change(&old.entity, stamp.now, valid))
        })
        .await
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        let task = ProcessingTask::enqueue(task.clone()).map_err(Error::Invalid);
        self.write(task, |state, stamp, task| {
            if ProcessingTask::table(state).contains_key(&task.id) {
                return Err(Error::already_exists::<ProcessingTask>("id", task.id));
            }
            let stored = Stored::created(task, stamp.now, state.next_revision()?);
            put(state, stored.clone());
            Ok(stored)
        })
        .await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        self.check_alone("claiming a task inside a unit of work")?;
        self.write(check_lease(request.lease_ms), |state, stamp, ()| {
            let now = stamp.now;
            let most = usize::try_from(MAX_EXPIRED_PER_CLAIM).unwrap_or(usize::MAX);
            let exhausted = in_queue(state, request, TaskStatus::Running, Claimability::Exhausted, now);
            for task in exhausted.take(most).cloned().collect::<Vec<_>>() {
                store(state, stamp, &task, task.expire(now))?;
            }
            let oldest = [TaskStatus::Pending, TaskStatus::Running]
                .into_iter()
                .filter_map(|status| in_queue(state, request, status, Claimability::Yes, now).next())
                .min_by_key(|task| (task.created_at, task.entity.id))
                .cloned();
            let Some(task) = oldest else { return Ok(None) };
            let lease = Lease {
                token: LeaseToken::new(stamp.ids.new_id()),
                worker: request.worker.clone(),
                expires_at: now.saturating_add_millis(request.lease_ms),
            };
            store(state, stamp, &task, task.claim(lease, now)).map(Some)
        })
        .await
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, check_lease(lease_ms), |task, now, ()| {
            task.heartbeat(token, now.saturating_add_millis(lease_ms))
        })
        .await
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, _, ()| task.report(token, progress)).await
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now, ()| task.complete(token, now)).await
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now, ()| task.fail(token, failure, now)).await
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now, ()| task.retry(now)).await
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, Ok(()), |task, now, ()| task.cancel(now)).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.write(check_limit(limit, MAX_PAGE_LIMIT), |state, _, ()| {
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            let ended = between(Some(&state.processing_tasks.by_end), None, Some(&(before, None)));
            let ids: Vec<_> = ended.filter_map(|(_, id)| *id).take(most).collect();
            for id in &ids {
                take(state, &*find::<ProcessingTask>(state, id)?);
            }
            Ok(ids.len() as u64)
        })
        .await
    }

    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        self.write(check_adopted(items), |state, _, ()| {
            for item in items {
                if ProcessingTask::table(state).contains_key(&item.entity.id) {
                    return Err(Error::already_exists::<ProcessingTask>("id", item.entity.id));
                }
                let revision = state.next_revision()?;
                put(state, Stored { revision, ..item.clone() });
            }
            Ok(())
        })
        .await
    }
}
