//! What a client is told when something is wrong. What only an operator may know goes to the log.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tubeatlas_domain::ValidationError;
use tubeatlas_ports::{Conflict, Error, WorkError};
use utoipa::ToSchema;

use crate::error::chain;
use crate::graphs::GraphError;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)): what is wrong with a request, or with the
/// service.
///
/// | code | status | when |
/// |---|---|---|
/// | `invalid` | 400 | a parameter, header or id is not allowed, there is no such parameter, or the body is no JSON |
/// | `invalid` | 422 | the body is JSON, and a field of it is not allowed |
/// | `unauthorized`, `forbidden` | 401, 403 | no token, or one whose scope does not cover this |
/// | `not_allowed` | 403 | the operator of the service does not allow it |
/// | `not_found` | 404 | there is nothing under this id or address |
/// | `method_not_allowed` | 405 | there is something, and not for this method |
/// | `not_acceptable` | 406 | it cannot be given in the media types that were asked for |
/// | `already_exists`, `missing_reference`, `still_referenced`, `deleted`, `transition`, `nothing_to_merge` | 409 | it does not fit what is in the catalogue |
/// | `conflict` | 409 | others were in the way again and again; `Retry-After` says when to try again |
/// | `revision` | 412 | it is not at the revision that `If-Match` names, or is there although `If-None-Match: *` |
/// | `too_large` | 413 | the body is larger than the service takes |
/// | `unsupported_media_type` | 415 | the body is of another media type |
/// | `precondition_required` | 428 | a change needs `If-Match` |
/// | `rate_limited` | 429 | too many requests that failed; `Retry-After` says when to try again |
/// | `internal` | 500 | a fault of this program |
/// | `unsupported` | 501 | the store cannot do this |
/// | `timeout`, `unavailable`, `closed`, `storage_full`, `corrupt`, `schema_mismatch`, `read_only`, `backend`, `overloaded` | 503 | trouble with the database, or too much to do; `Retry-After` says when to try again |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:tubeatlas:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:tubeatlas:problem:not_found")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Not Found", value_type = String)]
    pub title: &'static str,
    /// The status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong, where, and what to do, in a sentence.
    pub detail: String,
    /// Which sort of problem it is; stable.
    #[schema(example = "not_found", value_type = String)]
    pub code: &'static str,
    /// The parameter, header or field of the body that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
    /// The id of the request, by which the service's log tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
}

/// What is wrong with a request, or with the service. Answered as a [`Problem`].
#[derive(Debug, Clone)]
pub struct ApiError {
    problem: Box<Problem>,
    status: StatusCode,
    /// In seconds.
    retry_after: Option<u32>,
    /// The store's error that this was made of, if running the work again can help.
    is_serialization: bool,
}

/// When a client that met database trouble should try again, in seconds.
const RETRY_TROUBLE: u32 = 5;

/// When a client that met a conflict should try again, in seconds.
const RETRY_CONFLICT: u32 = 1;

impl ApiError {
    /// A problem with this status, stable code and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let problem = Box::new(Problem {
            kind: format!("urn:tubeatlas:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            field: None,
            request_id: None,
        });
        Self { problem, status, retry_after: None, is_serialization: false }
    }

    /// A parameter, header or id that is not allowed, or a body that cannot be read: 400.
    pub fn invalid(field: Option<&str>, detail: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid", detail);
        error.problem.field = field.map(str::to_owned);
        error
    }

    /// A body that was read, and is not allowed: 422.
    pub fn unprocessable(error: &ValidationError) -> Self {
        let mut shown = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.problem().to_string());
        shown.problem.field = Some(error.field().to_owned());
        shown
    }

    /// A fault of this program: 500. What it was has to be in the log.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service has a fault; its log says more")
    }

    /// With the parameter, header or field that is at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.problem.field = Some(field.into());
        self
    }

    /// With the place in the body in which its field stands.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.problem.field = Some(match self.problem.field.take() {
            Some(field) => format!("{place}.{field}"),
            None => place.to_owned(),
        });
        self
    }

    /// With the number of seconds after which trying again may help.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document that it is answered with.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    fn trouble(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_TROUBLE)
    }
}

impl From<ValidationError> for ApiError {
    fn from(error: ValidationError) -> Self {
        Self::invalid(Some(error.field()), error.problem().to_string())
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, error.to_string());
        let shown = match &error {
            Error::Invalid(invalid) => return invalid.clone().into(),
            Error::NotFound { .. } => {
                return Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string());
            }
            Error::AlreadyExists { field, .. } => return conflict("already_exists").at(*field),
            Error::MissingReference { reference, .. } => {
                return conflict("missing_reference").at(format!("{}_id", reference.as_str()));
            }
            Error::StillReferenced { .. } => return conflict("still_referenced"),
            Error::Conflict(Conflict::Transition { .. }) => return conflict("transition"),
            Error::Conflict(Conflict::Revision { .. }) => {
                return Self::new(StatusCode::PRECONDITION_FAILED, "revision", error.to_string());
            }
            Error::Conflict(_) => {
                let detail = "others were in the way again and again; nothing was changed";
                let mut shown =
                    Self::new(StatusCode::CONFLICT, "conflict", detail).retry_after(RETRY_CONFLICT);
                shown.is_serialization = true;
                return shown;
            }
            Error::Unsupported { what } => {
                return Self::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "unsupported",
                    format!("not supported: {what}"),
                );
            }
            Error::Timeout { .. } => Self::trouble("timeout", "the database did not answer in time"),
            Error::Unavailable { .. } => Self::trouble("unavailable", "the database cannot be reached"),
            Error::Closed { .. } => Self::trouble("closed", "the service is shutting down"),
            Error::StorageFull { .. } => Self::trouble("storage_full", "the database has no room left"),
            Error::Corrupt { .. } => Self::trouble("corrupt", "the database is damaged"),
            Error::SchemaMismatch { .. } => {
                Self::trouble("schema_mismatch", "the database has another schema than this service")
            }
            Error::ReadOnly { .. } => Self::trouble("read_only", "the database only answers reads"),
            _ => Self::trouble("backend", "the database failed"),
        };
        tracing::error!(code = shown.problem.code, error = chain(&error), "the store failed");
        shown
    }
}

impl From<GraphError> for ApiError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::NoEntity { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not_found", error.to_string()).at("entity")
            }
            GraphError::NothingToMerge(_) => {
                Self::new(StatusCode::CONFLICT, "nothing_to_merge", error.to_string())
            }
            GraphError::NothingTaken => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.to_string())
            }
            GraphError::Invalid(error) => Self::unprocessable(&error),
            GraphError::Store(error) => error.into(),
        }
    }
}

/// So that work of handlers can be run by [`transact`](tubeatlas_ports::transact).
impl WorkError for ApiError {
    fn as_port_error(&self) -> Option<&Error> {
        const SERIALIZATION: &Error = &Error::Conflict(Conflict::Serialization);
        self.is_serialization.then_some(SERIALIZATION)
    }
}

impl Problem {
    /// The document as it is sent.
    pub(super) fn body(&self) -> Vec<u8> {
        // A struct of texts and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for ApiError {
    /// The [`Problem`] is in the response's extensions too, for a layer that knows the request's id.
    fn into_response(self) -> Response {
        let mut response = (self.status, self.problem.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(*self.problem);
        response
    }
}

pub(super) async fn no_such_route(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {}; /docs lists what there is", shortened(uri.path()));
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
}

pub(super) async fn no_such_method(uri: Uri) -> ApiError {
    let message =
        format!("{} does not take this method; Allow lists those that it takes", shortened(uri.path()));
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

/// What is long is not worth repeating.
fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 200;
    match text.len() > SHOWN {
        true => format!("{}…", &text[..text.floor_char_boundary(SHOWN)]).into(),
        false => text.into(),
    }
}
