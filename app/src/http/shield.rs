//! What stands around every request: its id, a line in the log, headers for browsers, and a panic that stays in its
//! request.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::{Instrument, error, info, info_span};
use tubeatlas_ports::IdGenerator;

use super::ApiError;
use super::error::Problem;

/// The header by which a client, or a proxy before the service, names a request; and by which it is answered.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a request that is taken over.
const MAX_REQUEST_ID_BYTES: usize = 64;

pub(super) async fn shield(
    State(ids): State<Arc<dyn IdGenerator>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    // The path alone: what people search for is nobody's business.
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = given_id(request.headers()).unwrap_or_else(|| ids.new_id().to_string());
    let span = info_span!("request", id);
    async move {
        // A handler shares nothing with others but the store, which promises to stand a panic.
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let mut response = answer.unwrap_or_else(|_| {
            error!(%method, path, "a handler panicked");
            ApiError::internal().into_response()
        });
        let status = response.status().as_u16();
        info!(%method, path, status, ms = begun.elapsed().as_secs_f64() * 1e3, "answered");
        if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
            problem.request_id = Some(id.clone());
            let body = problem.body();
            // That of the document without the id.
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(body);
        }
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
        response
    }
    .instrument(span)
    .await
}

/// The id that the request came with, if it can be written to a log as it is.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    ((1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(is_plain)).then(|| id.to_owned())
}
