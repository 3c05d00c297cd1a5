//! `GET /`: the web interface, and the files that it is made of under `/web/`. All of them are parts of the program: the
//! page needs no other host, and nothing has to be built for it.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::ApiError;
use super::params::Segments;

/// What a browser lets the page do: nothing but with this service, and nothing that stands in the page itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A browser asks each time whether what it has is still right: after an upgrade, no file meets one of another version.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

const PAGE: &str = "index.html";

/// The files, by name.
const FILES: [(&str, &str); 18] = [
    (PAGE, include_str!("../../web/index.html")),
    ("api.js", include_str!("../../web/api.js")),
    ("channels.js", include_str!("../../web/channels.js")),
    ("dom.js", include_str!("../../web/dom.js")),
    ("format.js", include_str!("../../web/format.js")),
    ("health.js", include_str!("../../web/health.js")),
    ("icon.svg", include_str!("../../web/icon.svg")),
    ("imports.js", include_str!("../../web/imports.js")),
    ("main.js", include_str!("../../web/main.js")),
    ("parts.js", include_str!("../../web/parts.js")),
    ("player.js", include_str!("../../web/player.js")),
    ("playlists.js", include_str!("../../web/playlists.js")),
    ("route.js", include_str!("../../web/route.js")),
    ("search.js", include_str!("../../web/search.js")),
    ("style.css", include_str!("../../web/style.css")),
    ("tasks.js", include_str!("../../web/tasks.js")),
    ("transcript.js", include_str!("../../web/transcript.js")),
    ("video.js", include_str!("../../web/video.js")),
];

/// The tags of [`FILES`]: what was hashed is the content.
static ETAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
    let etag = |content: &str| {
        let digest = Sha256::digest(content);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        HeaderValue::from_str(&format!("\"{hex}\"")).ok()
    };
    FILES.iter().filter_map(|(_, content)| etag(content)).collect()
});

/// The page and its files, for a router of any state.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(page)).route("/web/{name}", get(file))
}

async fn page(headers: HeaderMap) -> Result<Response, ApiError> {
    answer(PAGE, &headers)
}

async fn file(Segments(name): Segments<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    answer(&name, &headers)
}

fn answer(name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let found = FILES.iter().zip(ETAGS.iter()).find(|((known, _), _)| *known == name);
    let Some(((_, content), etag)) = found else {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "the page has no such file"));
    };
    let always = [
        (header::CACHE_CONTROL, REVALIDATE),
        (header::ETAG, etag.clone()),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|given| has(given, etag)) {
        return Ok((StatusCode::NOT_MODIFIED, always).into_response());
    }
    let media_type = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)))];
    Ok((always, media_type, *content).into_response())
}

/// Whether a list of tags, as `If-None-Match` has it, has this one.
fn has(given: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(given), Ok(etag)) = (given.to_str(), etag.to_str()) else { return false };
    given.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn get(uri: &str, if_none_match: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().uri(uri);
        if let Some(etag) = if_none_match {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let response = routes().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn every_file_is_served_as_what_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let there =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let known: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there.collect::<BTreeSet<String>>(), known);
        for (name, content) in FILES {
            let (status, headers, body) = get(&format!("/web/{name}"), None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, content), "{name}");
            assert_ne!(headers["content-type"], "application/octet-stream", "{name}");
            assert_eq!(headers["cache-control"], "no-cache");
        }
        assert_eq!(get("/web/Cargo.toml", None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(get("/web/..%2Findex.html", None).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let (_, headers, page) = get("/", None).await;
        assert!(headers["content-type"] == "text/html; charset=utf-8" && page.starts_with("<!DOCTYPE html>"));
        let etag = headers["etag"].to_str().unwrap();
        for known in [etag.to_owned(), format!("\"old\", W/{etag}"), "*".to_owned()] {
            let (status, headers, body) = get("/", Some(&known)).await;
            assert_eq!(
                (status, body.as_str(), &headers["etag"]),
                (StatusCode::NOT_MODIFIED, "", &headers["etag"])
            );
        }
        assert_eq!(get("/", Some("\"old\"")).await.0, StatusCode::OK);
        assert_ne!(get("/web/main.js", None).await.1["etag"], etag);
    }

    /// The policy forbids it; here it is found without a browser.
    #[test]
    fn nothing_stands_in_the_page_itself_and_nothing_comes_from_elsewhere() {
        for (name, content) in FILES {
            for forbidden in
                ["<style", "style=", " onclick=", "javascript:", "innerHTML", "insertAdjacentHTML", "eval("]
            {
                assert!(!content.contains(forbidden), "{name} has {forbidden}");
            }
            // The name of SVG is no address that anything is fetched from.
            let addresses = content.replace("http://www.w3.org/2000/svg", "");
            assert!(!addresses.contains("://"), "{name} names another host");
        }
        let page = FILES[0].1;
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script type=\"module\" src=\"web/").count()
        );
    }
}
