//! What stands around every request: a line in the log, headers for browsers, and a panic that stays in its
//! request.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::{debug, error};

use super::ApiError;

pub(super) async fn shield(request: Request, next: Next) -> Response {
    // The path alone: what people search for is nobody's business.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // A handler shares nothing with others but the store, which promises to stand a panic.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|_| {
        error!(%method, path, "a handler panicked");
        ApiError::internal().into_response()
    });
    debug!(%method, path, status = response.status().as_u16(), "answered");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    response
}
