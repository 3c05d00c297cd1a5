//! A span around each request, for traces by OpenTelemetry. Whoever embeds the service and has a layer of
//! `tracing-opentelemetry` gets it too.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument, Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::metrics::name;
use super::shield::REQUEST_ID;

/// The target of the spans.
pub(crate) const TRACED: &str = "tubeatlas::traced";

/// The request in a span of its own, which belongs to the trace that its `traceparent` names. What clients make up is not
/// in it, but for that and the request's id: no path, no query, no header, no address.
pub(super) async fn trace(request: Request, next: Next) -> Response {
    let span = span(&request);
    if span.is_disabled() {
        return next.run(request).await;
    }
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
    // It fails only where no layer makes traces of spans.
    let _ = span.set_parent(caller);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if let Some(id) = response.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()) {
        span.record("tubeatlas.request_id", id);
    }
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
    response
}

/// Named as the semantic conventions have it.
fn span(request: &Request) -> Span {
    let method = name(request.method());
    let (method, shown) = if method == "other" { ("_OTHER", "HTTP") } else { (method, method) };
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let name = route.map_or_else(|| shown.to_owned(), |route| format!("{shown} {route}"));
    info_span!(
        target: TRACED,
        "http",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        "error.type" = field::Empty,
        tubeatlas.request_id = field::Empty,
    )
}
