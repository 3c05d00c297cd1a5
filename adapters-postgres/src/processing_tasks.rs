//! Processing tasks.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use tubeatlas_domain::{
    Claimability, Entity, Lease, LeaseToken, NewTask, ProcessingTask, ProcessingTaskFields, ProcessingTaskId,
    Progress, TaskFailure, TaskKind, TaskStatus, Timestamp, TransitionError, WorkerId,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_EXPIRED_PER_CLAIM, MAX_PAGE_LIMIT, ProcessingTaskFilter,
    ProcessingTaskOrder, ProcessingTaskPosition, ProcessingTaskRepository, Result, Stored, check_adopted,
    check_lease, check_limit,
};
use uuid::Uuid;

use crate::columns::{RowName, json, number, small_number};
use crate::error::Context;
use crate::schema::processing_tasks;
use crate::session::{Session, Statement, Transaction, changes};
use crate::statement::{Bind, SkipLocked, row_of_columns, sql, update};
use crate::table::{Loaded, Table, insert_rows};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = processing_tasks, treat_none_as_default_value = false)]
struct TaskRow {
    id: Uuid,
    kind: String,
    target: Option<String>,
    created_at: i64,
    payload: String,
    #[diesel(embed)]
    state: TaskState,
}

row_of_columns!(TaskRow: id, kind, target, created_at, payload, state);

/// What a transition changes. The other columns stay, and with them the indexes that hold them.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = processing_tasks, treat_none_as_null = true, treat_none_as_default_value = false)]
struct TaskState {
    status: String,
    progress: i32,
    attempts: i32,
    max_attempts: i32,
    available_at: i64,
    lease_token: Option<Uuid>,
    lease_worker: Option<String>,
    lease_expires_at: Option<i64>,
    error: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    updated_at: i64,
    revision: i64,
}

row_of_columns!(
    TaskState:
    status, progress, attempts, max_attempts, available_at, lease_token, lease_worker, lease_expires_at,
    error, started_at, finished_at, updated_at, revision,
);

impl TaskRow {
    fn new(stored: &Stored<ProcessingTask>) -> Result<Self> {
        let task = stored.entity.clone().into_fields();
        let (lease_token, lease_worker, lease_expires_at) = match task.lease {
            None => (None, None, None),
            Some(Lease { token, worker, expires_at }) => {
                (Some(token.get()), Some(String::from(worker)), Some(expires_at.unix_micros()))
            }
        };
        Ok(Self {
            id: task.id.get(),
            kind: task.kind.into(),
            target: task.target,
            created_at: stored.created_at.unix_micros(),
            payload: json(&task.payload)?,
            state: TaskState {
                status: task.status.as_str().to_owned(),
                progress: i32::from(task.progress.get()),
                attempts: small_number(task.attempts)?,
                max_attempts: small_number(task.max_attempts)?,
                available_at: task.available_at.unix_micros(),
                lease_token,
                lease_worker,
                lease_expires_at,
                error: task.error,
                started_at: task.started_at.map(|at| at.unix_micros()),
                finished_at: task.finished_at.map(|at| at.unix_micros()),
                updated_at: stored.updated_at.unix_micros(),
                revision: number(stored.revision.get())?,
            },
        })
    }

    fn into_stored(self) -> Result<Stored<ProcessingTask>> {
        let id = ProcessingTaskId::new(self.id);
        let row = RowName { table: "processing_tasks", key: &id };
        let state = self.state;
        let lease = match (state.lease_token, state.lease_worker, state.lease_expires_at) {
            (None, None, None) => None,
            (Some(token), Some(worker), Some(expires_at)) => Some(Lease {
                token: LeaseToken::new(token),
                worker: row.check(WorkerId::parse(worker))?,
                expires_at: row.time(expires_at)?,
            }),
            _ => return row.check(Err("has a part of a lease")),
        };
        let task = row.check(ProcessingTask::new(ProcessingTaskFields {
            id,
            kind: row.check(TaskKind::parse(self.kind))?,
            target: self.target,
            payload: row.json(&self.payload)?,
            status: row.word(&state.status)?,
            progress: row.check(Progress::new(row.check(u8::try_from(state.progress))?))?,
            attempts: row.check(u32::try_from(state.attempts))?,
            max_attempts: row.check(u32::try_from(state.max_attempts))?,
            available_at: row.time(state.available_at)?,
            lease,
            error: state.error,
            started_at: row.optional_time(state.started_at)?,
            finished_at: row.optional_time(state.finished_at)?,
        }))?;
        row.stored(task, self.created_at, state.updated_at, state.revision, None)
    }
}

type Query<'a> = processing_tasks::BoxedQuery<'a, diesel::pg::Pg>;

/// The tasks that a filter takes in.
fn filtered(filter: &ProcessingTaskFilter) -> Query<'_> {
    let ProcessingTaskFilter { status, kind, target } = filter;
    let mut query = processing_tasks::table.into_boxed();
    if let Some(status) = status {
        query = query.filter(processing_tasks::status.eq(status.as_str()));
    }
    if let Some(kind) = kind {
        query = query.filter(processing_tasks::kind.eq(kind.as_str()));
    }
    if let Some(target) = target {
        query = if target.contains('\0') {
            query.filter(sql::<Bool>("FALSE", Vec::new())) // Postgres holds no such text, and refuses the question
        } else {
            query.filter(processing_tasks::target.eq(target.as_str()))
        };
    }
    query
}

async fn load_rows(
    mut connection: &AsyncPgConnection,
    query: Query<'_>,
    limit: i64,
) -> Result<Vec<Stored<ProcessingTask>>> {
    let query = query.select(TaskRow::as_select());
    let rows: Vec<TaskRow> =
        query.limit(limit).load(&mut connection).await.doing("reading processing tasks")?;
    rows.into_iter().map(TaskRow::into_stored).collect()
}

#[async_trait]
impl Table for ProcessingTask {
    async fn load_many(
        mut connection: &AsyncPgConnection,
        ids: &[ProcessingTaskId],
    ) -> Result<Vec<Loaded<Self>>> {
        let rows: Vec<TaskRow> = processing_tasks::table
            .filter(processing_tasks::id.eq_any(ids.iter().map(|id| id.get())))
            .select(TaskRow::as_select())
            .load(&mut connection)
            .await
            .doing("reading processing tasks")?;
        rows.into_iter().map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).collect()
    }

    async fn load_one(
        mut connection: &AsyncPgConnection,
        id: &ProcessingTaskId,
    ) -> Result<Option<Loaded<Self>>> {
        let query = processing_tasks::table.find(id.get()).select(TaskRow::as_select());
        let row: Option<TaskRow> =
            query.get_result(&mut connection).await.optional().doing("reading a processing task")?;
        row.map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).transpose()
    }

    async fn page(
        connection: &AsyncPgConnection,
        filter: &ProcessingTaskFilter,
        order: ProcessingTaskOrder,
        after: Option<ProcessingTaskPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        use processing_tasks::{created_at, id as task_id};
        let after = after
            .map(|position: ProcessingTaskPosition| (position.created_at.unix_micros(), position.id.get()));
        let mut query = filtered(filter);
        // The first filter behind a position is what the index is searched by.
        match order {
            ProcessingTaskOrder::Newest => {
                query = query.order((created_at.desc(), task_id.desc()));
                if let Some((at, id)) = after {
                    query = query.filter(created_at.le(at)).filter(created_at.lt(at).or(task_id.lt(id)));
                }
            }
            ProcessingTaskOrder::Oldest => {
                query = query.order((created_at.asc(), task_id.asc()));
                if let Some((at, id)) = after {
                    query = query.filter(created_at.ge(at)).filter(created_at.gt(at).or(task_id.gt(id)));
                }
            }
        }
        load_rows(connection, query, limit).await
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &ProcessingTaskFilter) -> Result<i64> {
        filtered(filter).count().get_result(&mut connection).await.doing("counting processing tasks")
    }
}

/// The tasks that may be claimed, oldest first.
fn oldest(request: &ClaimRequest) -> Query<'static> {
    let mut query =
        processing_tasks::table.order((processing_tasks::created_at, processing_tasks::id)).into_boxed();
    if let Some(only) = request.only {
        query = query.filter(processing_tasks::id.eq(only.get()));
    }
    if let Some(kinds) = &request.kinds {
        let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        query = query.filter(processing_tasks::kind.eq_any(kinds));
    }
    query
}

/// Reads tasks that this transaction is to change, and holds them. What others hold is passed over; what others have
/// just changed is looked at as it is now. Each with a revision for the change.
async fn lock_rows(
    mut connection: &AsyncPgConnection,
    query: Query<'static>,
    limit: i64,
) -> Result<Vec<(Stored<ProcessingTask>, i64)>> {
    let statement = SkipLocked(query.select(TaskRow::as_select()).limit(limit));
    let rows: Vec<(TaskRow, i64)> =
        statement.load(&mut connection).await.doing("reading processing tasks")?;
    rows.into_iter().map(|(row, revision)| Ok((row.into_stored()?, revision))).collect()
}

async fn expire_exhausted(transaction: &mut Transaction, request: &ClaimRequest) -> Result<()> {
    let now = transaction.now;
    let query = oldest(request)
        .filter(processing_tasks::status.eq(TaskStatus::Running.as_str()))
        .filter(processing_tasks::lease_expires_at.le(now.unix_micros()))
        .filter(processing_tasks::attempts.ge(processing_tasks::max_attempts));
    let expired = lock_rows(transaction.connection().await?, query, i64::from(MAX_EXPIRED_PER_CLAIM)).await?;
    for (old, revision) in expired {
        transaction.drew(revision);
        change(transaction, false, &old, |task| task.expire(now)).await?;
    }
    Ok(())
}

async fn claim(
    transaction: &mut Transaction,
    request: &ClaimRequest,
) -> Result<Option<Stored<ProcessingTask>>> {
    let now = transaction.now;
    let waits = || {
        let pending = processing_tasks::status.eq(TaskStatus::Pending.as_str());
        pending.and(processing_tasks::available_at.le(now.unix_micros()))
    };
    // The oldest task that waits is found in an index. To look among those that run as well, for one that was left
    // behind, is dear, and seldom needed. Either way no task is held but the one that is taken: others would pass over
    // it, and nobody would change it.
    let none_expired = sql::<Bool>(
        "NOT (SELECT EXISTS (SELECT FROM processing_tasks WHERE lease_expires_at <= ?1))",
        vec![Bind::Integer(Some(now.unix_micros()))],
    );
    let waiting = oldest(request).filter(waits()).filter(none_expired);
    let mut found = transaction.run(|connection| lock_rows(connection, waiting, 1).boxed()).await?;
    if found.is_empty() {
        let expired =
            processing_tasks::table.filter(processing_tasks::lease_expires_at.le(now.unix_micros()));
        let expired = select(exists(expired)).get_result(&mut transaction.connection().await?).await;
        if expired.doing("looking for expired leases")? {
            expire_exhausted(transaction, request).await?;
            let left_behind = processing_tasks::status
                .eq(TaskStatus::Running.as_str())
                .and(processing_tasks::lease_expires_at.assume_not_null().le(now.unix_micros()))
                .and(processing_tasks::attempts.lt(processing_tasks::max_attempts));
            let claimable = oldest(request).filter(waits().or(left_behind));
            found = lock_rows(transaction.connection().await?, claimable, 1).await?;
        }
    }
    let oldest = found.into_iter().find(|(task, _)| task.claimability(now) == Claimability::Yes);
    let Some((old, revision)) = oldest else { return Ok(None) };
    transaction.drew(revision);
    let lease = Lease {
        token: LeaseToken::new(transaction.ids.new_id()),
        worker: request.worker.clone(),
        expires_at: now.saturating_add_millis(request.lease_ms),
    };
    change(transaction, true, &old, |task| task.claim(lease, now)).await.map(Some)
}

fn insert_tasks(connection: &AsyncPgConnection, rows: Vec<TaskRow>) -> Statement<'_> {
    insert_rows!(connection, processing_tasks, rows, "creating processing tasks")
}

async fn enqueue(transaction: &mut Transaction, new: NewTask) -> Result<Stored<ProcessingTask>> {
    let task = ProcessingTask::enqueue(new).map_err(Error::Invalid)?;
    let id = task.id();
    let there = transaction.read_and_draw(async |connection| ProcessingTask::load_one(connection, &id).await);
    if there.await?.is_some() {
        return Err(Error::already_exists::<ProcessingTask>("id", id));
    }
    let stored = Stored::created(task, transaction.now, transaction.next_revision().await?);
    let rows = vec![TaskRow::new(&stored)?];
    transaction.write_last(|connection| Ok(vec![insert_tasks(connection, rows)])).await?;
    Ok(stored)
}

async fn adopt(transaction: &mut Transaction, items: &[Stored<ProcessingTask>]) -> Result<Vec<()>> {
    let ids: Vec<ProcessingTaskId> = items.iter().map(|item| item.entity.id).collect();
    let there = transaction
        .read_and_draw(async |connection| ProcessingTask::load_many(connection, &ids).await)
        .await?;
    let mut taken: HashSet<ProcessingTaskId> = there.iter().map(|row| row.stored.entity.id).collect();
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        if !taken.insert(item.entity.id) {
            return Err(Error::already_exists::<ProcessingTask>("id", item.entity.id));
        }
        rows.push(TaskRow::new(&Stored { revision: transaction.next_revision().await?, ..item.clone() })?);
    }
    transaction.write_last(|connection| Ok(vec![insert_tasks(connection, rows)])).await?;
    Ok(vec![(); items.len()])
}

fn change_row<'c>(mut connection: &'c AsyncPgConnection, row: &TaskRow) -> Statement<'c> {
    let change = update(processing_tasks::table, &row.state, processing_tasks::id.eq(row.id));
    changes(change.execute(&mut connection), "changing a processing task")
}

async fn change(
    transaction: &mut Transaction,
    last: bool,
    old: &Stored<ProcessingTask>,
    transition: impl FnOnce(&ProcessingTask) -> Result<ProcessingTask, TransitionError>,
) -> Result<Stored<ProcessingTask>> {
    let task = transition(&old.entity)
        .map_err(|error| Error::Conflict(Conflict::Transition { key: old.entity.id.to_string(), error }))?;
    let new = old.changed(task, transaction.now, transaction.next_revision().await?);
    let row = TaskRow::new(&new)?;
    if last {
        transaction.write_last(|connection| Ok(vec![change_row(connection, &row)])).await?;
    } else {
        transaction.write(|connection| Ok(vec![change_row(connection, &row)])).await?;
    }
    Ok(new)
}

impl Session {
    async fn transition(
        &self,
        id: ProcessingTaskId,
        transition: impl FnOnce(&ProcessingTask, Timestamp) -> Result<ProcessingTask, TransitionError>
        + Clone
        + Send
        + 'static,
    ) -> Result<Stored<ProcessingTask>> {
        self.write(move |transaction| {
            async move {
                let old = transaction
                    .read_and_draw(async |connection| ProcessingTask::load_one(connection, &id).await)
                    .await?
                    .ok_or_else(|| Error::not_found::<ProcessingTask>(&id))?;
                let now = transaction.now;
                change(transaction, true, &old.stored, |task| transition(task, now)).await
            }
            .boxed()
        })
        .await
    }
}

#[async_trait]
impl ProcessingTaskRepository for Session {
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        self.check_usable()?;
        ProcessingTask::enqueue(task.clone()).map_err(Error::Invalid)?;
        let task = task.clone();
        self.write(move |transaction| enqueue(transaction, task).boxed()).await
    }

    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        self.check_usable()?;
        check_adopted(items)?;
        self.write_many(items, |transaction, items| adopt(transaction, items).boxed()).await.map(drop)
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        self.check_usable()?;
        self.check_not_in_unit("claiming a task inside a unit of work")?;
        check_lease(request.lease_ms)?;
        let request = request.clone();
        self.claim("a claim", move |transaction| async move { claim(transaction, &request).await }.boxed())
            .await
    }

    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        self.check_usable()?;
        check_lease(lease_ms)?;
        self.transition(id, move |task, now| task.heartbeat(token, now.saturating_add_millis(lease_ms))).await
    }

    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        self.transition(id, move |task, _| task.report(token, progress)).await
    }

    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>> {
        self.transition(id, move |task, now| task.complete(token, now)).await
    }

    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        let failure = failure.clone();
        self.transition(id, move |task, now| task.fail(token, &failure, now)).await
    }

    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, |task, now| task.retry(now)).await
    }

    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        self.transition(id, |task, now| task.cancel(now)).await
    }

    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.check_usable()?;
        check_limit(limit, MAX_PAGE_LIMIT)?;
        self.write(move |transaction| {
            async move {
                let finished = processing_tasks::table
                    .filter(processing_tasks::finished_at.lt(before.unix_micros()))
                    .order((processing_tasks::finished_at, processing_tasks::id))
                    .select(processing_tasks::id)
                    .limit(i64::from(limit));
                let ids: Vec<Uuid> = finished
                    .load(&mut transaction.connection().await?)
                    .await
                    .doing("looking for finished tasks")?;
                diesel::delete(processing_tasks::table.filter(processing_tasks::id.eq_any(&ids)))
                    .execute(&mut transaction.connection().await?)
                    .await
                    .doing("removing finished tasks")?;
                Ok(ids.len() as u64)
            }
            .boxed()
        })
        .await
    }
}
