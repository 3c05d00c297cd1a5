//! How large bodies may be, and how long they may take to come.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::super::ApiError;

/// How many bodies of the largest size may be held at once, or smaller ones of that size together.
const BODIES: usize = 16;

/// Reads bodies before anybody works with them: what is not read is not bounded, and a client that sends slowly would
/// hold what the work holds.
#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    time: Duration,
    /// The bytes that may still be held.
    free: Arc<Semaphore>,
}

/// The bytes of a body that are held; to be dropped when the body is no longer needed.
pub(super) type Held = Option<OwnedSemaphorePermit>;

impl Bodies {
    pub(super) fn new(most: usize, time: Duration) -> Self {
        Self {
            most,
            time,
            free: Arc::new(Semaphore::new(most.saturating_mul(BODIES).min(Semaphore::MAX_PERMITS))),
        }
    }

    /// The request with its body in memory.
    ///
    /// # Errors
    /// If the body is too large, whether it says so or not; if it takes too long to come; if too much is held already.
    pub(super) async fn read(&self, request: Request) -> Result<(Request, Held), ApiError> {
        let (parts, body) = request.into_parts();
        if body.is_end_stream() {
            return Ok((Request::from_parts(parts, body), None));
        }
        if body.size_hint().lower() > u64::try_from(self.most).unwrap_or(u64::MAX) {
            return Err(self.too_large());
        }
        let (bytes, held) = timeout(self.time, self.collect(body)).await.unwrap_or_else(|_| {
            let detail = format!("the body did not come within {:?}", self.time);
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail))
        })?;
        Ok((Request::from_parts(parts, Body::from(bytes)), held))
    }

    async fn collect(&self, body: Body) -> Result<(Vec<u8>, Held), ApiError> {
        let mut stream = body.into_data_stream();
        let (mut bytes, mut held) = (Vec::new(), None::<OwnedSemaphorePermit>);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk
                .map_err(|_| ApiError::invalid(None, "the body ends too early, or is not as HTTP has it"))?;
            if chunk.len() > self.most - bytes.len() {
                return Err(self.too_large());
            }
            let more = u32::try_from(chunk.len()).map_err(|_| self.too_large())?;
            let more = Arc::clone(&self.free).try_acquire_many_owned(more).map_err(|_| overloaded())?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((bytes, held))
    }

    fn too_large(&self) -> ApiError {
        let detail = format!("the body is larger than {} bytes", self.most);
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }
}

fn overloaded() -> ApiError {
    let detail = "too many large bodies at once; try again later";
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(1)
}
