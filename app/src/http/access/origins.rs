//! From which sites' pages the service may be asked: its own, and those that were allowed.
//!
//! That an answer is not shown to another site's page is seen to by browsers. But the request is made all the same, and
//! one without a body, as to cancel a task, needs no leave. So requests of other sites are refused, whatever they are.

use std::str::FromStr;
use std::time::Duration;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::super::ApiError;

/// How long a browser may remember what is allowed.
const MAX_AGE: Duration = Duration::from_secs(600);

/// A site, as `https://atlas.example` or `http://localhost:3000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let is_origin = text.parse::<Uri>().is_ok_and(|uri| {
            let (scheme, authority) = (uri.scheme_str().unwrap_or(""), uri.authority());
            matches!(scheme, "http" | "https")
                && authority
                    .is_some_and(|it| text == format!("{scheme}://{it}") && !it.as_str().contains('@'))
        });
        match HeaderValue::from_str(&text) {
            Ok(value) if is_origin => Ok(Self(value)),
            _ => {
                Err(format!("{text:?} is not allowed; give a site as https://atlas.example, without a path"))
            }
        }
    }
}

/// The sites whose pages may ask.
#[derive(Debug)]
pub(super) struct Origins(Vec<Origin>);

impl Origins {
    pub(super) fn new(allowed: Vec<Origin>) -> Self {
        Self(allowed)
    }

    /// # Errors
    /// If the request comes from the page of a site that is neither the service's own nor allowed.
    pub(super) fn check(&self, headers: &HeaderMap, host: &Authority) -> Result<(), ApiError> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        if is_own(origin, host) || self.0.iter().any(|allowed| allowed.0 == origin) {
            return Ok(());
        }
        let detail =
            "pages of this site may not ask; the service's operator can allow it by serve.allowed_origins";
        Err(ApiError::new(StatusCode::FORBIDDEN, "not_allowed", detail).at("Origin"))
    }

    /// What tells browsers that these sites are allowed; `None` if there are none.
    pub(super) fn layer(&self) -> Option<CorsLayer> {
        use header::{
            ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
        };
        if self.0.is_empty() {
            return None;
        }
        let origins = self.0.iter().map(|origin| origin.0.clone());
        Some(
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins))
                .allow_methods([
                    Method::GET,
                    Method::HEAD,
                    Method::POST,
                    Method::PUT,
                    Method::PATCH,
                    Method::DELETE,
                ])
                .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH])
                .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER])
                .max_age(MAX_AGE),
        )
    }
}

/// Whether the page came from where the request goes to. A proxy that speaks TLS changes the scheme, so it is left out.
fn is_own(origin: &HeaderValue, host: &Authority) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let Some((scheme, origin)) = origin.split_once("://") else { return false };
    let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let plain = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    plain(origin) == plain(host.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_sites_may_not_ask() {
        let origins = Origins::new(vec!["https://Atlas.example".parse().unwrap()]);
        let check = |origin: &str, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            origins.check(&headers, &host.parse().unwrap()).is_ok()
        };
        assert!(origins.check(&HeaderMap::new(), &Authority::from_static("localhost")).is_ok());
        for (origin, host) in [
            ("http://localhost:8080", "localhost:8080"),
            ("http://LOCALHOST:8080", "localhost:8080"),
            ("http://localhost", "localhost:80"),
            ("https://own.example", "own.example"),
            ("https://own.example", "own.example:443"),
            ("https://atlas.example", "localhost:8080"),
        ] {
            assert!(check(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "localhost"),
            ("http://localhost:3000", "localhost:8080"),
            ("http://localhost", "localhost:8080"),
            ("http://atlas.example", "localhost:8080"),
            ("https://atlas.example.evil", "localhost:8080"),
            ("localhost", "localhost"),
        ] {
            assert!(!check(origin, host), "{origin} {host}");
        }
        for text in ["*", "null", "atlas.example", "https://atlas.example/", "https://a@b", "ftp://x", ""] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
