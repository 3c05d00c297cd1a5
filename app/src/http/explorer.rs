//! The OpenAPI document, and an explorer of it (Swagger UI, which the program carries with it).

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use utoipa_swagger_ui::Config;

use super::error::no_such_route;
use super::params::Mounted;
use super::{API_ROOT, Service};

/// The explorer brings styles of its own, and pictures in them; everything else comes from the service.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn routes(document: Value) -> Router<Service> {
    let place = format!("{API_ROOT}/openapi.json");
    let config = Arc::new(Config::new([format!("..{place}")]).validator_url("none"));
    let document = Arc::new(document);
    Router::new()
        .route(&place, get(move |mounted| async move { described(&document, &mounted) }))
        // Relative, as the service may be mounted below a path of another one.
        .route("/docs", get(|| async { Redirect::permanent("docs/") }))
        .route(
            "/docs/",
            get({
                let config = Arc::clone(&config);
                move |uri| async move { file("", config, uri).await }
            }),
        )
        .route(
            "/docs/{*path}",
            get(move |Path(path): Path<String>, uri| async move { file(&path, config, uri).await }),
        )
}

/// The document; its paths are below that at which the service is mounted.
fn described(document: &Value, Mounted(mounted): &Mounted) -> Json<Value> {
    let mut document = document.clone();
    if !mounted.is_empty() {
        document["servers"] = json!([{ "url": mounted }]);
    }
    Json(document)
}

async fn file(path: &str, config: Arc<Config<'static>>, uri: axum::http::Uri) -> Response {
    let file = utoipa_swagger_ui::serve(path, config).ok().flatten();
    match file {
        Some(file) => {
            let media_type = HeaderValue::from_str(&file.content_type)
                .unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, POLICY)];
            (headers, file.bytes.into_owned()).into_response()
        }
        None => no_such_route(uri).await.into_response(),
    }
}
