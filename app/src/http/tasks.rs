//! `/api/v1/tasks`: the queue, for who asks for work, and for workers in any language.

use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, routing};
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{
    JsonObject, LeaseToken, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskFailure, TaskKind,
    TaskStatus, Timestamp, WorkerId,
};
use tubeatlas_ports::{
    ClaimRequest, Cursor, MAX_LEASE_MS, Page, ProcessingTaskFilter, ProcessingTaskOrder,
    Result as StoreResult, Stored,
};
use utoipa::openapi::HttpMethod;
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::body::JsonBody;
use super::conditions::Conditions;
use super::openapi::{Describe, Description, schema_of};
use super::params::{Mounted, Params, Segments, page};
use super::resource::{Tagged, find, listed, not_modified};
use super::{ApiError, Service};
use crate::import::ImportJob;
use crate::job::Job;
use crate::transfer::ExportJob;
use crate::view::TaskView;
use crate::worker::ReindexJob;

const COLLECTION: &str = "/tasks";
const ITEM: &str = "/tasks/{id}";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// `pending`, `running`, `succeeded`, `failed` or `cancelled`.
    status: Option<TaskStatus>,
    /// Of this sort of work.
    kind: Option<TaskKind>,
    /// About exactly this.
    target: Option<String>,
    /// `newest` or `oldest`.
    order: Option<ProcessingTaskOrder>,
    /// How many; 50 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<Cursor>,
}

async fn list(
    State(service): State<Service>,
    uri: OriginalUri,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let filter = ProcessingTaskFilter { status: params.status, kind: params.kind, target: params.target };
    let page = page(params.order, params.limit, params.cursor);
    let Page { items, next } = service.store.processing_tasks().list(&filter, &page).await?;
    let items = items.into_iter().map(|task| task.map(TaskView::from)).collect();
    Ok(listed(&uri, Page { items, next }))
}

async fn one(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let stored = find(service.store.processing_tasks(), &id.parse()?).await?;
    Ok(match conditions.has(stored.revision) {
        true => not_modified(stored.revision),
        false => Tagged(stored.map(TaskView::from)).into_response(),
    })
}

/// Work that is to be done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskRequest {
    /// What sort of work it is; workers claim by kind.
    kind: TaskKind,
    /// What it is about, for people and filters.
    #[schema(max_length = 4200)]
    target: Option<String>,
    /// What the worker needs to know.
    #[serde(default)]
    payload: JsonObject,
    /// How often it may be tried; 1 if absent.
    #[schema(minimum = 1, maximum = 2147483647)]
    max_attempts: Option<u32>,
    /// From when on it may be claimed; now if absent.
    available_at: Option<Timestamp>,
}

async fn enqueue(
    State(service): State<Service>,
    mounted: Mounted,
    JsonBody(request): JsonBody<TaskRequest>,
) -> Result<Response, ApiError> {
    if let Some(place) = own_collection(&request.kind) {
        let detail = format!("is work of this service; ask for it by POST {}{place}", super::API_ROOT);
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at("kind"));
    }
    let task = NewTask {
        id: ProcessingTaskId::new(service.ids.new_id()),
        kind: request.kind,
        target: request.target,
        payload: request.payload,
        max_attempts: request.max_attempts.unwrap_or(1),
        available_at: request.available_at.unwrap_or_else(|| service.clock.now()),
    };
    // Checked here too, so that what is wrong is told as a fault of the body.
    ProcessingTask::enqueue(task.clone()).map_err(|error| ApiError::unprocessable(&error))?;
    let stored = service.store.processing_tasks().enqueue(&task).await?;
    with_location(StatusCode::CREATED, stored, &mounted)
}

/// Where work of this kind is asked for, if the program's own workers do it: what it may be is looked at there.
fn own_collection(kind: &TaskKind) -> Option<&'static str> {
    match kind.as_str() {
        ImportJob::KIND => Some("/imports"),
        ExportJob::KIND => Some("/exports"),
        ReindexJob::KIND => Some("/reindex"),
        _ => None,
    }
}

/// A task that was made, and where it is.
pub(super) fn with_location(
    status: StatusCode,
    stored: Stored<ProcessingTask>,
    mounted: &Mounted,
) -> Result<Response, ApiError> {
    let location = mounted.location(&format!("{COLLECTION}/{}", stored.entity.id))?;
    Ok((status, [(header::LOCATION, location)], Tagged(stored.map(TaskView::from))).into_response())
}

async fn cancel(
    State(service): State<Service>,
    Segments(id): Segments<String>,
) -> Result<Tagged<TaskView>, ApiError> {
    shown(service.store.processing_tasks().cancel(id.parse()?).await)
}

async fn retry(
    State(service): State<Service>,
    Segments(id): Segments<String>,
) -> Result<Tagged<TaskView>, ApiError> {
    shown(service.store.processing_tasks().retry(id.parse()?).await)
}

fn shown(stored: StoreResult<Stored<ProcessingTask>>) -> Result<Tagged<TaskView>, ApiError> {
    Ok(Tagged(stored?.map(TaskView::from)))
}

/// A worker asks for work.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// Who asks, for people.
    worker: WorkerId,
    /// Which sorts of work it can do; all if absent.
    kinds: Option<Vec<TaskKind>>,
    /// For how long it is taken to be alive without a word, in milliseconds.
    #[schema(minimum = 1, maximum = 604800000)]
    lease_ms: u64,
}

/// A task for the worker that claimed it.
#[derive(Serialize, ToSchema)]
struct Claimed {
    /// What the worker must show to speak for the task.
    token: LeaseToken,
    /// The task.
    task: TaskView,
}

async fn claim(
    State(service): State<Service>,
    JsonBody(claim): JsonBody<Claim>,
) -> Result<Response, ApiError> {
    let Claim { worker, kinds, lease_ms } = claim;
    check_lease(lease_ms)?;
    let request = ClaimRequest { worker, kinds, lease_ms, only: None };
    let Some(stored) = service.store.processing_tasks().claim(&request).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let token = stored.lease.as_ref().ok_or_else(ApiError::internal)?.token;
    Ok(Json(Claimed { token, task: stored.entity.into() }).into_response())
}

fn check_lease(lease_ms: u64) -> Result<(), ApiError> {
    if (1..=MAX_LEASE_MS).contains(&lease_ms) {
        return Ok(());
    }
    let detail = format!("is {lease_ms}, and can be 1 to {MAX_LEASE_MS}");
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at("lease_ms"))
}

/// The worker is still at it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Heartbeat {
    /// What it was given with the task.
    token: LeaseToken,
    /// For how long it is taken to be alive without a word, in milliseconds.
    #[schema(minimum = 1, maximum = 604800000)]
    lease_ms: u64,
}

async fn heartbeat(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    JsonBody(Heartbeat { token, lease_ms }): JsonBody<Heartbeat>,
) -> Result<Tagged<TaskView>, ApiError> {
    check_lease(lease_ms)?;
    shown(service.store.processing_tasks().heartbeat(id.parse()?, token, lease_ms).await)
}

/// How far the worker is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Report {
    /// What it was given with the task.
    token: LeaseToken,
    /// How much is done.
    progress: Progress,
}

async fn report(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    JsonBody(Report { token, progress }): JsonBody<Report>,
) -> Result<Tagged<TaskView>, ApiError> {
    shown(service.store.processing_tasks().report(id.parse()?, token, progress).await)
}

/// The worker is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Complete {
    /// What it was given with the task.
    token: LeaseToken,
}

async fn complete(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    JsonBody(Complete { token }): JsonBody<Complete>,
) -> Result<Tagged<TaskView>, ApiError> {
    shown(service.store.processing_tasks().complete(id.parse()?, token).await)
}

/// The worker could not do it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Failure {
    /// What it was given with the task.
    token: LeaseToken,
    /// Why.
    #[schema(min_length = 1, max_length = 16384)]
    error: String,
    /// After how many milliseconds it may be tried again; never if absent.
    retry_after_ms: Option<u64>,
}

async fn fail(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    JsonBody(Failure { token, error, retry_after_ms }): JsonBody<Failure>,
) -> Result<Tagged<TaskView>, ApiError> {
    let failure = TaskFailure::new(error, retry_after_ms).map_err(|error| ApiError::unprocessable(&error))?;
    shown(service.store.processing_tasks().fail(id.parse()?, token, &failure).await)
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let describe =
        |id: &str, summary: &str| Description::new("tasks", id, summary).with_id(ProcessingTaskId::schema);
    let list_operation =
        describe("listTask", "The tasks").query::<ListParams>().page::<TaskView>("A page of them");
    let get_operation = describe("getTask", "A task").one::<TaskView>(&[]);
    let enqueue_operation = describe("enqueueTask", "Ask for work to be done")
        .body(schema_of::<TaskRequest>)
        .created::<TaskView>("201", "It waits for a worker");
    let claim_operation = describe("claimTask", "A worker takes the task that has waited longest")
        .body(schema_of::<Claim>)
        .json("200", "The task, and the token to speak for it", schema_of::<Claimed>)
        .empty("204", "There is nothing to do");
    let router = OpenApiRouter::new()
        .describe(COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
        .describe(ITEM, HttpMethod::Get, get_operation, routing::get(one))
        .describe(COLLECTION, HttpMethod::Post, enqueue_operation, routing::post(enqueue))
        .describe("/tasks/_claim", HttpMethod::Post, claim_operation, routing::post(claim));
    let transition =
        |id: &str, summary: &str| describe(id, summary).stored::<TaskView>("200", "As it is now");
    let cancelled = transition("cancelTask", "It is not wanted any more");
    let retried = transition("retryTask", "Try it again, after it failed or was cancelled");
    let beaten = transition("heartbeatTask", "The worker is still at it").body(schema_of::<Heartbeat>);
    let reported = transition("reportTask", "The worker notes its progress").body(schema_of::<Report>);
    let completed = transition("completeTask", "The worker is done").body(schema_of::<Complete>);
    let failed = transition("failTask", "The worker could not do it").body(schema_of::<Failure>);
    [
        ("cancel", cancelled, routing::post(cancel)),
        ("retry", retried, routing::post(retry)),
        ("heartbeat", beaten, routing::post(heartbeat)),
        ("report", reported, routing::post(report)),
        ("complete", completed, routing::post(complete)),
        ("fail", failed, routing::post(fail)),
    ]
    .into_iter()
    .fold(router, |router, (verb, operation, handler)| {
        router.describe(&format!("{ITEM}/{verb}"), HttpMethod::Post, operation, handler)
    })
}
