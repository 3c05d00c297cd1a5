//! Processing tasks.

use async_trait::async_trait;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use tubeatlas_domain::{
    Claimability, Entity, Lease, LeaseToken, NewTask, ProcessingTask, ProcessingTaskFields, ProcessingTaskId,
    Progress, TaskFailure, TaskKind, TaskStatus, Timestamp, TransitionError, WorkerId,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_EXPIRED_PER_CLAIM, MAX_PAGE_LIMIT, ProcessingTaskFilter,
    ProcessingTaskOrder, ProcessingTaskPosition, ProcessingTaskRepository, Result, Stored, check_adopted,
    check_lease, check_limit,
};

use crate::columns::{RowName, json, number, small_number};
use crate::error::Context;
use crate::metrics::Call;
use crate::schema::processing_tasks;
use crate::session::{Session, WriteContext};
use crate::statement::{Bind, limited, sql, update};
use crate::table::{Loaded, Table};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = processing_tasks, treat_none_as_default_value = false)]
struct TaskRow {
    id: Vec<u8>,
    kind: String,
    target: Option<String>,
    created_at: i64,
    payload: String,
    #[diesel(embed)]
    state: TaskState,
}

/// What a transition changes. The other columns stay, and with them the indexes that hold them.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = processing_tasks, treat_none_as_null = true, treat_none_as_default_value = false)]
struct TaskState {
    status: String,
    progress: i32,
    attempts: i32,
    max_attempts: i32,
    available_at: i64,
    lease_token: Option<Vec<u8>>,
    lease_worker: Option<String>,
    lease_expires_at: Option<i64>,
    error: Option<String>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    updated_at: i64,
    revision: i64,
}

fn key(id: ProcessingTaskId) -> Vec<u8> {
    id.get().as_bytes().to_vec()
}

impl TaskRow {
    fn new(stored: &Stored<ProcessingTask>) -> Result<Self> {
        let task = stored.entity.clone().into_fields();
        let (lease_token, lease_worker, lease_expires_at) = match task.lease {
            None => (None, None, None),
            Some(Lease { token, worker, expires_at }) => (
                Some(token.get().as_bytes().to_vec()),
                Some(String::from(worker)),
                Some(expires_at.unix_micros()),
            ),
        };
        Ok(Self {
            id: key(task.id),
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
        let unnamed = RowName { table: "processing_tasks", key: &"with an id that is no UUID" };
        let id = ProcessingTaskId::new(unnamed.uuid(&self.id)?);
        let row = RowName { table: "processing_tasks", key: &id };
        let state = self.state;
        let lease = match (state.lease_token, state.lease_worker, state.lease_expires_at) {
            (None, None, None) => None,
            (Some(token), Some(worker), Some(expires_at)) => Some(Lease {
                token: LeaseToken::new(row.uuid(&token)?),
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

type Query<'a> = processing_tasks::BoxedQuery<'a, diesel::sqlite::Sqlite>;

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
        query = query.filter(processing_tasks::target.eq(target.as_str()));
    }
    query
}

fn load_rows(
    connection: &mut SqliteConnection,
    query: Query<'_>,
    limit: i64,
) -> Result<Vec<Stored<ProcessingTask>>> {
    let query = query.select(TaskRow::as_select());
    let rows: Vec<TaskRow> = limited(query, limit).load(connection).doing("reading processing tasks")?;
    rows.into_iter().map(TaskRow::into_stored).collect()
}

impl Table for ProcessingTask {
    fn load(connection: &mut SqliteConnection, id: &ProcessingTaskId) -> Result<Option<Loaded<Self>>> {
        let row: Option<TaskRow> = processing_tasks::table
            .find(key(*id))
            .select(TaskRow::as_select())
            .get_result(connection)
            .optional()
            .doing("reading a processing task")?;
        row.map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).transpose()
    }

    fn page(
        connection: &mut SqliteConnection,
        filter: &ProcessingTaskFilter,
        order: ProcessingTaskOrder,
        after: Option<ProcessingTaskPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        use processing_tasks::{created_at, id as task_id};
        let after = after
            .map(|position: ProcessingTaskPosition| (position.created_at.unix_micros(), key(position.id)));
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
        load_rows(connection, query, limit)
    }

    fn count(connection: &mut SqliteConnection, filter: &ProcessingTaskFilter) -> Result<i64> {
        filtered(filter).count().get_result(connection).doing("counting processing tasks")
    }
}

/// The oldest tasks of those that may be claimed, in a status.
fn oldest(status: TaskStatus, request: &ClaimRequest) -> Result<Query<'_>> {
    let mut query = processing_tasks::table
        .filter(processing_tasks::status.eq(status.as_str()))
        .order((processing_tasks::created_at, processing_tasks::id))
        .into_boxed();
    if let Some(only) = request.only {
        query = query.filter(processing_tasks::id.eq(key(only)));
    }
    if let Some(kinds) = &request.kinds {
        // One parameter for any number of kinds.
        query = query.filter(sql::<Bool>(
            "processing_tasks.kind IN (SELECT value FROM json_each(?1))",
            vec![Bind::Text(Some(json(&kinds)?))],
        ));
    }
    Ok(query)
}

fn expire_exhausted(context: &mut WriteContext<'_>, request: &ClaimRequest) -> Result<()> {
    let query = oldest(TaskStatus::Running, request)?
        .filter(processing_tasks::lease_expires_at.le(context.now.unix_micros()))
        .filter(processing_tasks::attempts.ge(processing_tasks::max_attempts));
    for old in load_rows(context.connection, query, i64::from(MAX_EXPIRED_PER_CLAIM))? {
        let now = context.now;
        change(context, &old, |task| task.expire(now))?;
    }
    Ok(())
}

fn claim(context: &mut WriteContext<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
    let now = context.now;
    // The oldest task is the older of the oldest one that waits and the oldest one that was left behind; each
    // of them is found in an index. To look for those left behind among all that run is dear, and seldom needed.
    let expired: bool = select(exists(
        processing_tasks::table.filter(processing_tasks::lease_expires_at.le(now.unix_micros())),
    ))
    .get_result(context.connection)
    .doing("looking for expired leases")?;
    if expired {
        expire_exhausted(context, request)?;
    }
    let waiting =
        oldest(TaskStatus::Pending, request)?.filter(processing_tasks::available_at.le(now.unix_micros()));
    let mut found = load_rows(context.connection, waiting, 1)?;
    if expired {
        let left_behind = oldest(TaskStatus::Running, request)?
            .filter(processing_tasks::lease_expires_at.le(now.unix_micros()))
            .filter(processing_tasks::attempts.lt(processing_tasks::max_attempts));
        found.extend(load_rows(context.connection, left_behind, 1)?);
    }
    let oldest = found
        .into_iter()
        .filter(|task| task.claimability(now) == Claimability::Yes)
        .min_by_key(|task| (task.created_at, task.entity.id));
    let Some(old) = oldest else { return Ok(None) };
    let lease = Lease {
        token: LeaseToken::new(context.ids.new_id()),
        worker: request.worker.clone(),
        expires_at: now.saturating_add_millis(request.lease_ms),
    };
    change(context, &old, |task| task.claim(lease, now)).map(Some)
}

fn enqueue(context: &mut WriteContext<'_>, new: NewTask) -> Result<Stored<ProcessingTask>> {
    let task = ProcessingTask::enqueue(new).map_err(Error::Invalid)?;
    if ProcessingTask::load(context.connection, &task.id())?.is_some() {
        return Err(Error::already_exists::<ProcessingTask>("id", task.id()));
    }
    let stored = Stored::created(task, context.now, context.next_revision()?);
    insert(context, &stored)?;
    Ok(stored)
}

fn adopt(context: &mut WriteContext<'_>, item: &Stored<ProcessingTask>) -> Result<()> {
    let id = item.entity.id;
    if ProcessingTask::load(context.connection, &id)?.is_some() {
        return Err(Error::already_exists::<ProcessingTask>("id", id));
    }
    let adopted = Stored { revision: context.next_revision()?, ..item.clone() };
    insert(context, &adopted)
}

fn insert(context: &mut WriteContext<'_>, new: &Stored<ProcessingTask>) -> Result<()> {
    diesel::insert_into(processing_tasks::table)
        .values(&TaskRow::new(new)?)
        .execute(context.connection)
        .doing("enqueueing a processing task")
        .map(drop)
}

fn change(
    context: &mut WriteContext<'_>,
    old: &Stored<ProcessingTask>,
    transition: impl FnOnce(&ProcessingTask) -> Result<ProcessingTask, TransitionError>,
) -> Result<Stored<ProcessingTask>> {
    let task = transition(&old.entity)
        .map_err(|error| Error::Conflict(Conflict::Transition { key: old.entity.id.to_string(), error }))?;
    let new = old.changed(task, context.now, context.next_revision()?);
    let row = TaskRow::new(&new)?;
    update(processing_tasks::table, &row.state, processing_tasks::id.eq(&row.id))
        .execute(context.connection)
        .doing("changing a processing task")?;
    Ok(new)
}

impl Session {
    async fn transition(
        &self,
        id: ProcessingTaskId,
        transition: impl FnOnce(&ProcessingTask, Timestamp) -> Result<ProcessingTask, TransitionError>
        + Send
        + 'static,
    ) -> Result<Stored<ProcessingTask>> {
        self.write(Call("transition", ProcessingTask::KIND), move |context| {
            let old = ProcessingTask::load(context.connection, &id)?
                .ok_or_else(|| Error::not_found::<ProcessingTask>(&id))?;
            let now = context.now;
            change(context, &old.stored, |task| transition(task, now))
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
        self.write(Call("enqueue", ProcessingTask::KIND), move |context| enqueue(context, task)).await
    }

    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        self.check_usable()?;
        check_adopted(items)?;
        self.write_many(Call("adopt_many", ProcessingTask::KIND), items, adopt).await.map(drop)
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        self.check_usable()?;
        self.check_not_in_unit("claiming a task inside a unit of work")?;
        check_lease(request.lease_ms)?;
        let request = request.clone();
        self.write(Call("claim", ProcessingTask::KIND), move |context| claim(context, &request)).await
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
        self.write(Call("remove_finished", ProcessingTask::KIND), move |context| {
            let finished = processing_tasks::table
                .filter(processing_tasks::finished_at.lt(before.unix_micros()))
                .order((processing_tasks::finished_at, processing_tasks::id))
                .select(processing_tasks::id);
            let ids: Vec<Vec<u8>> = limited(finished, i64::from(limit))
                .load(context.connection)
                .doing("looking for finished tasks")?;
            for id in &ids {
                diesel::delete(processing_tasks::table.find(id))
                    .execute(context.connection)
                    .doing("removing a finished task")?;
            }
            Ok(ids.len() as u64)
        })
        .await
    }
}
