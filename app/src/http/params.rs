//! Reading what a client sends: the parts of the path, and the query. What is wrong is told as [`ApiError`].

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tubeatlas_ports::{Cursor, DEFAULT_PAGE_LIMIT, PageRequest};

use super::ApiError;

/// The parts of the path that vary, percent-decoded.
pub(super) struct Segments<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(segments) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| ApiError::invalid(Some("path"), error.body_text()))?;
        Ok(Self(segments))
    }
}

/// The query; its type refuses parameters that it does not know.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(params) = Query::from_request_parts(parts, state).await.map_err(|error| {
            let text = error.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            match text.split_once(": ") {
                Some((field, problem)) if field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                    ApiError::invalid(Some(field), problem)
                }
                _ => ApiError::invalid(None, text),
            }
        })?;
        Ok(Self(params))
    }
}

pub(super) fn page<O: Default>(
    order: Option<O>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
) -> PageRequest<O> {
    PageRequest {
        order: order.unwrap_or_default(),
        limit: limit.unwrap_or(DEFAULT_PAGE_LIMIT),
        after: cursor,
    }
}
