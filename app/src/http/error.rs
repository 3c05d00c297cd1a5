//! What a client is told when something is wrong. What only an operator may know goes to the log.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tubeatlas_domain::ValidationError;
use tubeatlas_ports::Error;

use crate::error::chain;

/// What is wrong with a request, or with the service: a status, and as JSON
/// `{"error":{"code","message","field"?}}`.
///
/// | code | status | when |
/// |---|---|---|
/// | `invalid` | 400 | a parameter or id is not allowed, or there is no such parameter |
/// | `not_found` | 404 | there is nothing under this id or address |
/// | `method_not_allowed` | 405 | only GET and HEAD are |
/// | `internal` | 500 | a fault of this program |
/// | `timeout`, `unavailable`, `closed`, `storage_full`, `corrupt`, `schema_mismatch`, `backend`, … | 503 | trouble with the database; `Retry-After` says when to try again |
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Serialize)]
struct Body {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

/// When a client that met database trouble should try again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, body: Body { code, message: message.into(), field: None } }
    }

    pub(super) fn invalid(field: Option<&str>, message: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid", message);
        error.body.field = field.map(str::to_owned);
        error
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service has a fault; its log says more")
    }

    fn trouble(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }
}

impl From<ValidationError> for ApiError {
    fn from(error: ValidationError) -> Self {
        Self::invalid(Some(error.field()), error.problem().to_string())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let shown = match &error {
            Error::Invalid(invalid) => return invalid.clone().into(),
            Error::NotFound { .. } => {
                return Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string());
            }
            Error::Timeout { .. } => Self::trouble("timeout", "the database did not answer in time"),
            Error::Unavailable { .. } => Self::trouble("unavailable", "the database cannot be reached"),
            Error::Closed { .. } => Self::trouble("closed", "the service is shutting down"),
            Error::StorageFull { .. } => Self::trouble("storage_full", "the database has no room left"),
            Error::Corrupt { .. } => Self::trouble("corrupt", "the database is damaged"),
            Error::SchemaMismatch { .. } => {
                Self::trouble("schema_mismatch", "the database has another schema than this service")
            }
            Error::Conflict(_) => Self::trouble("conflict", "others were in the way"),
            Error::ReadOnly { .. } => Self::trouble("read_only", "the database only answers reads"),
            Error::Unsupported { .. } => Self::trouble("unsupported", "the database cannot do this"),
            _ => Self::trouble("backend", "the database failed"),
        };
        tracing::error!(code = shown.body.code, error = chain(&error), "the store failed");
        shown
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Envelope {
            error: Body,
        }
        let mut response = (self.status, Json(Envelope { error: self.body })).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

pub(super) async fn no_such_route(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {}; GET / lists what there is", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
}

pub(super) async fn no_such_method() -> ApiError {
    let message = "the service is only read: use GET";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
