//! Reading what a client sends: the parts of the path, and the query. What is wrong is told as [`ApiError`].

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri, Path, Query};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tubeatlas_ports::{Cursor, DEFAULT_PAGE_LIMIT, PageRequest};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use super::{API_ROOT, ApiError};

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

/// The path below which the service is mounted in another one; empty if it is not.
pub(super) struct Mounted(pub(super) String);

impl Mounted {
    /// Where this path of the API is, as `Location`.
    pub(super) fn location(&self, path: &str) -> Result<HeaderValue, ApiError> {
        HeaderValue::from_str(&format!("{}{API_ROOT}{path}", self.0)).map_err(|_| ApiError::internal())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Mounted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        // The last one: the segments of an id cannot hold a slash, and the path of the other service may hold anything.
        let end = uri.path().rfind(&format!("{API_ROOT}/")).unwrap_or_default();
        Ok(Self(uri.path().get(..end).unwrap_or_default().to_owned()))
    }
}

/// The query; its type refuses parameters that it does not know.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Some(field) = parts.uri.query().and_then(field_with_nul) {
            return Err(ApiError::invalid(
                Some(&field),
                "holds U+0000 (NUL), which nothing in the catalogue does",
            ));
        }
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

/// The parameter of a query that holds NUL, which no store finds.
fn field_with_nul(query: &str) -> Option<String> {
    let (field, _) = query.split('&').find(|pair| pair.contains("%00"))?.split_once('=')?;
    Some(field.to_owned())
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

/// What stands in a segment of a path as it is (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text as a segment of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A day or a time; see [`date_or_time`](crate::dates::date_or_time).
pub(super) fn date_schema() -> RefOr<Schema> {
    let text = |format| {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
    };
    OneOfBuilder::new().item(text(KnownFormat::Date)).item(text(KnownFormat::DateTime)).into()
}
