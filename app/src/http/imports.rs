//! `/api/v1/imports`: archives on the service's machine are taken in by its workers. Only what lies below a folder that
//! the operator names can be asked for.

use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Json, routing};
use serde::{Deserialize, Serialize};
use tubeatlas_domain::ProcessingTaskId;
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::body::JsonBody;
use super::openapi::{Describe, Description, schema_of};
use super::params::Mounted;
use super::{ApiError, Service, tasks};
use crate::import::ImportJob;
use crate::job::Job;
use crate::view::TaskView;

/// An import that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportRequest {
    /// Folders that yt-dlp left, or files of one, on the service's machine; at least one.
    #[schema(min_items = 1, max_items = 100)]
    paths: Vec<String>,
    /// Read also the files that have not changed since an earlier import.
    #[serde(default)]
    reread: bool,
    /// Forget the files that are gone; what they gave stays in the catalogue.
    #[serde(default)]
    forget_vanished: bool,
}

/// Where archives may lie.
#[derive(Serialize, ToSchema)]
struct ImportRoots {
    /// Folders on the service's machine; none if no imports can be asked for.
    roots: Vec<String>,
}

async fn enqueue(
    State(service): State<Service>,
    mounted: Mounted,
    JsonBody(request): JsonBody<ImportRequest>,
) -> Result<Response, ApiError> {
    if request.paths.is_empty() {
        let detail = "is empty; name at least one folder";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at("paths"));
    }
    let mut paths = Vec::with_capacity(request.paths.len());
    for (n, path) in request.paths.into_iter().enumerate() {
        let allowed = allowed(&service.import_roots, path.into()).await;
        paths.push(allowed.map_err(|error| error.at(format!("paths[{n}]")))?);
    }
    let job = ImportJob { paths, reread: request.reread, forget_vanished: request.forget_vanished };
    let id = ProcessingTaskId::new(service.ids.new_id());
    let task = job.task(id, service.clock.now()).map_err(|error| ApiError::unprocessable(&error))?;
    let stored = service.store.processing_tasks().enqueue(&task).await?;
    tasks::with_location(StatusCode::ACCEPTED, stored, &mounted)
}

/// The path as it is, if it lies below one of the roots. That it is not there, and that it lies elsewhere, are told alike,
/// so that nobody can look around.
async fn allowed(roots: &[PathBuf], path: PathBuf) -> Result<PathBuf, ApiError> {
    let refused = || {
        let detail = "is not below a folder from which the service imports, or not there";
        ApiError::new(StatusCode::FORBIDDEN, "not_allowed", detail)
    };
    if !path.is_absolute() {
        return Err(refused());
    }
    let whole = tokio::fs::canonicalize(&path).await.map_err(|_| refused())?;
    match roots.iter().any(|root| is_below(&whole, root)) {
        true => Ok(whole),
        false => Err(refused()),
    }
}

fn is_below(path: &Path, root: &Path) -> bool {
    path.starts_with(root)
}

async fn roots(State(service): State<Service>) -> Json<ImportRoots> {
    Json(ImportRoots { roots: service.import_roots.iter().map(|root| root.display().to_string()).collect() })
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let enqueue_operation =
        Description::new("imports", "enqueueImport", "Take an archive into the catalogue")
            .body(schema_of::<ImportRequest>)
            .created::<TaskView>("202", "The task of it; its events tell how far it is");
    let roots_operation = Description::new(
        "imports",
        "getImportRoots",
        "Where archives may lie that can be taken in",
    )
    .json("200", "The folders", schema_of::<ImportRoots>);
    OpenApiRouter::new()
        .describe("/imports", HttpMethod::Post, enqueue_operation, routing::post(enqueue))
        .describe("/imports/roots", HttpMethod::Get, roots_operation, routing::get(roots))
}
