//! `/api/v1/exports`: the whole catalogue is written into a file on the service's machine by its workers. It lies in the
//! folder that the operator names, and nowhere else.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing;
use tubeatlas_domain::ProcessingTaskId;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::body::JsonBody;
use super::openapi::{Describe, Description, schema_of};
use super::params::Mounted;
use super::{ApiError, Service, tasks};
use crate::job::Job;
use crate::transfer::ExportJob;
use crate::view::TaskView;

async fn enqueue(
    State(service): State<Service>,
    mounted: Mounted,
    JsonBody(job): JsonBody<ExportJob>,
) -> Result<Response, ApiError> {
    let Some(folder) = &service.export_dir else {
        let detail =
            "nothing is exported from this service: whoever runs it has named no folder (--export-dir)";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "not_allowed", detail));
    };
    let place = folder.join(job.file.as_str());
    // So that it is told at once; the worker looks again, in one step with putting the file there.
    if !job.overwrite && tokio::fs::symlink_metadata(&place).await.is_ok() {
        let detail = "there is a file of this name; ask for \"overwrite\": true, or choose another name";
        return Err(ApiError::new(StatusCode::CONFLICT, "already_exists", detail).at("file"));
    }
    let id = ProcessingTaskId::new(service.ids.new_id());
    let task = job.task(id, service.clock.now()).map_err(|error| ApiError::unprocessable(&error))?;
    let stored = service.store.processing_tasks().enqueue(&task).await?;
    tasks::with_location(StatusCode::ACCEPTED, stored, &mounted)
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let enqueue_operation = Description::new(
        "exports",
        "enqueueExport",
        "Write the whole catalogue, as it is at one moment, into a file",
    )
    .body(schema_of::<ExportJob>)
    .created::<TaskView>("202", "The task of it; its events tell how far it is");
    OpenApiRouter::new().describe("/exports", HttpMethod::Post, enqueue_operation, routing::post(enqueue))
}
