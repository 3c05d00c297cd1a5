//! How many requests are answered at once, and how long each may take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::super::ApiError;
use crate::server::Kept;

/// The requests that are answered at the moment.
#[derive(Debug)]
pub(super) struct Flight {
    free: Arc<Semaphore>,
    time: Duration,
}

impl Flight {
    pub(super) fn new(most: usize, time: Duration) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), time }
    }

    /// Has the request answered. It counts until its answer was sent, because that takes up memory; but for streams of
    /// events, which have no end, and are bounded as connections are.
    ///
    /// # Errors
    /// If too many are answered already, or it takes too long until the answer begins; then the work is given up.
    pub(super) async fn run(&self, request: Request, next: Next) -> Result<Response, ApiError> {
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            let detail = "too many requests at once; try again later";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1));
        };
        let Ok(response) = timeout(self.time, next.run(request)).await else {
            let detail =
                "it took too long, and was given up; if it was to change something, look whether it did";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).retry_after(5));
        };
        if is_stream_of_events(response.headers()) {
            return Ok(response);
        }
        Ok(response.map(|body| Body::new(Kept::new(body, permit))))
    }
}

fn is_stream_of_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}
