//! The processing tasks: a queue that several workers share.

use async_trait::async_trait;
use tubeatlas_domain::{
    Claimability, Lease, LeaseToken, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskFailure,
    TaskKind, TaskStatus, Timestamp, TransitionError,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_EXPIRED_PER_CLAIM, MAX_PAGE_LIMIT, ProcessingTaskFilter,
    ProcessingTaskOrder, ProcessingTaskPosition, ProcessingTaskRepository, Result, Stored, check_adopted,
    check_lease, check_limit,
};

use crate::draft::Draft;
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, find, replace};
use crate::keys::{joined, text_key, time_key};
use crate::session::Session;

const TABLE: Table = "processing_tasks";
/// Scope, time of creation, id; for the scopes see [`scope`].
const BY_CREATION: Table = "processing_tasks_by_creation";
/// Time of the end, id.
const FINISHED: Table = "processing_tasks_finished";
pub(crate) const TABLES: &[Table] = &[TABLE, BY_CREATION, FINISHED];

type Task = Stored<ProcessingTask>;

/// Begins the keys of the tasks that stand so, and perhaps are of this kind, or of all.
fn scope(status: Option<TaskStatus>, kind: Option<&TaskKind>) -> Vec<u8> {
    match (status, kind) {
        (None, _) => text_key(&["all"]),
        (Some(status), None) => text_key(&["status", status.as_str()]),
        (Some(status), Some(kind)) => text_key(&["kind", status.as_str(), kind.as_str()]),
    }
}

fn creation_key(scope: &[u8], created_at: Timestamp, id: &ProcessingTaskId) -> Vec<u8> {
    [scope, &time_key(created_at), id.get().as_bytes()].concat()
}

/// The order of the queue.
fn place(task: &Task) -> (Timestamp, ProcessingTaskId) {
    (task.created_at, task.entity.id)
}

impl Kept for ProcessingTask {
    const TABLE: Table = TABLE;

    fn key(id: &ProcessingTaskId) -> Vec<u8> {
        id.get().as_bytes().into()
    }

    fn index(stored: &Task) -> Result<Vec<TableRow>> {
        let (id, status) = (&stored.entity.id, Some(stored.status));
        let scopes = [scope(None, None), scope(status, None), scope(status, Some(&stored.kind))];
        let by_creation =
            |scope: Vec<u8>| (BY_CREATION, creation_key(&scope, stored.created_at, id), Self::key(id));
        let mut rows = Vec::from(scopes.map(by_creation));
        if let Some(finished_at) = stored.finished_at {
            rows.push((FINISHED, joined(&time_key(finished_at), id.get().as_bytes()), Self::key(id)));
        }
        Ok(rows)
    }

    fn walk(
        filter: &ProcessingTaskFilter,
        order: ProcessingTaskOrder,
        after: Option<&ProcessingTaskPosition>,
    ) -> Walk {
        let scope = scope(filter.status, filter.kind.as_ref());
        let after = after.map(|after| creation_key(&scope, after.created_at, &after.id));
        let span = match order {
            ProcessingTaskOrder::Newest => Span::prefix(scope).backwards(),
            ProcessingTaskOrder::Oldest => Span::prefix(scope),
        };
        Walk { table: BY_CREATION, spans: vec![span.behind_if(after)] }
    }

    fn takes_in(_: &Draft<'_>, filter: &ProcessingTaskFilter, row: &Task) -> Result<bool> {
        let ProcessingTaskFilter { status, kind, target } = filter;
        Ok(status.is_none_or(|wanted| row.status == wanted)
            && kind.as_ref().is_none_or(|wanted| row.kind == *wanted)
            && target.as_ref().is_none_or(|wanted| row.target.as_ref() == Some(wanted)))
    }
}

/// Changes a task, with a new revision, also if it is the same afterwards.
fn change(
    draft: &mut Draft<'_>,
    old: &Task,
    now: Timestamp,
    changed: Result<ProcessingTask, TransitionError>,
) -> Result<Task> {
    let key = || old.entity.id.to_string();
    let task = changed.map_err(|error| Conflict::Transition { key: key(), error })?;
    let new = old.changed(task, now, draft.next_revision()?);
    replace(draft, Some(old), Some(&new))?;
    Ok(new)
}

/// The kinds that are asked for, and the one task.
type Sought<'a> = (Option<&'a [TaskKind]>, Option<ProcessingTaskId>);

/// The tasks that stand so and are sought, each kind in the order of the queue.
fn queue<'a>(
    draft: &'a Draft<'_>,
    status: TaskStatus,
    (kinds, only): Sought<'a>,
) -> Vec<impl Iterator<Item = Result<Task>> + 'a> {
    let scopes: Vec<_> = match kinds {
        None => vec![scope(Some(status), None)],
        Some(kinds) => kinds.iter().map(|kind| scope(Some(status), Some(kind))).collect(),
    };
    let tasks = |scope| {
        let rows = draft.scan(BY_CREATION, Span::prefix(scope));
        let tasks = rows.filter_map(|row| row.and_then(|(_, key)| draft.read(TABLE, &key)).transpose());
        tasks.filter(move |task: &Result<Task>| {
            only.is_none_or(|only| task.as_ref().map_or(true, |task| task.entity.id == only))
        })
    };
    scopes.into_iter().map(tasks).collect()
}

/// The oldest task that can be claimed.
fn claimable(draft: &Draft<'_>, sought: Sought<'_>, now: Timestamp) -> Result<Option<Task>> {
    let mut oldest: Option<Task> = None;
    for status in [TaskStatus::Pending, TaskStatus::Running] {
        for mut tasks in queue(draft, status, sought) {
            let is_claimable = |task: &Result<Task>| {
                task.as_ref().map_or(true, |task| task.claimability(now) == Claimability::Yes)
            };
            let Some(task) = tasks.find(is_claimable).transpose()? else { continue };
            if oldest.as_ref().is_none_or(|oldest| place(&task) < place(oldest)) {
                oldest = Some(task);
            }
        }
    }
    Ok(oldest)
}

/// Expires the oldest of the tasks whose last lease has run out.
fn expire(draft: &mut Draft<'_>, sought: Sought<'_>, now: Timestamp) -> Result<()> {
    let mut exhausted = Vec::new();
    for tasks in queue(draft, TaskStatus::Running, sought) {
        for task in tasks {
            let task = task?;
            if task.claimability(now) == Claimability::Exhausted {
                exhausted.push(task);
            }
        }
    }
    exhausted.sort_by_key(place);
    exhausted.dedup_by_key(|task| task.entity.id); // a kind may be asked for twice
    exhausted.truncate(usize::try_from(MAX_EXPIRED_PER_CLAIM).unwrap_or(usize::MAX));
    for task in exhausted {
        change(draft, &task, now, task.expire(now))?;
    }
    Ok(())
}

impl Session {
    /// One transition of one task. `valid` is what was found of the request alone.
    async fn transition(
        &self,
        id: ProcessingTaskId,
        valid: Result<()>,
        transition: impl FnOnce(&ProcessingTask, Timestamp) -> Result<ProcessingTask, TransitionError>
        + Send
        + 'static,
    ) -> Result<Task> {
        self.write(valid, move |draft, now, ()| {
            let old = find(draft, &id)?.ok_or_else(|| Error::not_found::<ProcessingTask>(&id))?;
            change(draft, &old, now, transition(&old.entity, now))
        })
        .await
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Task> {
        let valid = ProcessingTask::enqueue(task.clone()).map_err(Error::Invalid);
        self.write(valid, |draft, now, task| {
            if draft.has(TABLE, &ProcessingTask::key(&task.id))? {
                return Err(Error::already_exists::<ProcessingTask>("id", task.id));
            }
            let stored = Stored::created(task, now, draft.next_revision()?);
            replace(draft, None, Some(&stored))?;
            Ok(stored)
        })
        .await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Task>> {
        let valid = match self {
            Self::Store(store) => {
                check_lease(request.lease_ms).map(|()| (request.clone(), store.ids.clone()))
            }
            Self::Unit(_) => Err(Error::Unsupported { what: "to claim a task inside a unit of work" }),
        };
        self.write(valid, |draft, now, (request, ids)| {
            let ClaimRequest { worker, kinds, lease_ms, only } = request;
            let sought = (kinds.as_deref(), only);
            expire(draft, sought, now)?;
            let Some(task) = claimable(draft, sought, now)? else { return Ok(None) };
            let token = LeaseToken::new(ids.new_id());
            let lease = Lease { token, worker, expires_at: now.saturating_add_millis(lease_ms) };
            change(draft, &task, now, task.claim(lease, now)).map(Some)
        })
        .await
    }

    async fn heartbeat(&self, id: ProcessingTaskId, token: LeaseToken, lease_ms: u64) -> Result<Task> {
        self.transition(id, check_lease(lease_ms), move |task, now| {
            task.heartbeat(token, now.saturating_add_millis(lease_ms))
        })
        .await
    }

    async fn report(&self, id: ProcessingTaskId, token: LeaseToken, progress: Progress) -> Result<Task> {
        self.transition(id, Ok(()), move |task, _| task.report(token, progress)).await
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Task> {
        self.transition(id, Ok(()), move |task, now| task.complete(token, now)).await
    }

    async fn fail(&self, id: ProcessingTaskId, token: LeaseToken, failure: &TaskFailure) -> Result<Task> {
        let failure = failure.clone();
        self.transition(id, Ok(()), move |task, now| task.fail(token, &failure, now)).await
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Task> {
        self.transition(id, Ok(()), ProcessingTask::retry).await
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Task> {
        self.transition(id, Ok(()), ProcessingTask::cancel).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.write(check_limit(limit, MAX_PAGE_LIMIT), move |draft, _, ()| {
            let mut end = Span::prefix(Vec::new());
            end.to = std::ops::Bound::Excluded(time_key(before).into());
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let rows = draft.scan(FINISHED, end).take(limit).collect::<Result<Vec<_>>>()?;
            let mut removed = 0;
            for (_, key) in rows {
                if let Some(task) = draft.read::<Task>(TABLE, &key)? {
                    replace(draft, Some(&task), None)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }

    async fn adopt_many(&self, items: &[Task]) -> Result<()> {
        let items = check_adopted(items).map(|()| items.to_vec());
        self.write(items, |draft, _, items| {
            for item in items {
                if draft.has(TABLE, &ProcessingTask::key(&item.entity.id))? {
                    return Err(Error::already_exists::<ProcessingTask>("id", item.entity.id));
                }
                let revision = draft.next_revision()?;
                replace(draft, None, Some(&Stored { revision, ..item }))?;
            }
            Ok(())
        })
        .await
    }
}
