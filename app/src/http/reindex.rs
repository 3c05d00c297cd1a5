//! `/api/v1/reindex`: the full-text index is built anew by a worker.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing;
use tubeatlas_domain::ProcessingTaskId;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description};
use super::params::Mounted;
use super::{ApiError, Service, tasks};
use crate::job::Job;
use crate::view::TaskView;
use crate::worker::ReindexJob;

async fn enqueue(State(service): State<Service>, mounted: Mounted) -> Result<Response, ApiError> {
    if !service.reindexes {
        let detail = "the store of this service keeps no index that could be built anew";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, "unsupported", detail));
    }
    let id = ProcessingTaskId::new(service.ids.new_id());
    let task =
        ReindexJob {}.task(id, service.clock.now()).map_err(|error| ApiError::unprocessable(&error))?;
    let stored = service.store.processing_tasks().enqueue(&task).await?;
    tasks::with_location(StatusCode::ACCEPTED, stored, &mounted)
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let enqueue_operation = Description::new(
        "reindex",
        "enqueueReindex",
        "Build the full-text index anew from titles, descriptions and transcripts",
    )
    .created::<TaskView>("202", "The task of it; its events tell when it is done");
    OpenApiRouter::new().describe("/reindex", HttpMethod::Post, enqueue_operation, routing::post(enqueue))
}
