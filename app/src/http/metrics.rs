//! What is measured of the service and its store, for Prometheus.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "tubeatlas_http_requests_total";
const SECONDS: &str = "tubeatlas_http_request_seconds";
const IN_FLIGHT: &str = "tubeatlas_http_requests_in_flight";

/// The bounds of the buckets of what takes time, in seconds.
const BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How often what was measured is added up. Until then each measurement takes up memory.
const UPKEEP: Duration = Duration::from_secs(5);

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What collects all that the process measures.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects what the process measures from now on; so it comes before the store is opened.
    ///
    /// # Errors
    /// If something collects it already.
    pub fn install() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?;
        let handle = builder.install_recorder()?;
        describe_counter!(REQUESTS, Unit::Count, "How many requests were answered");
        describe_histogram!(SECONDS, Unit::Seconds, "How long it took until an answer began");
        describe_gauge!(IN_FLIGHT, Unit::Count, "How many requests have no answer yet");
        Ok(Self(handle))
    }

    /// Adds up what was measured, again and again; to be run beside the service.
    pub async fn upkeep(self) {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            self.0.run_upkeep();
        }
    }

    /// `GET /metrics`.
    pub(super) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let handle = self.0.clone();
        let render = move || {
            let handle = handle.clone();
            async move { ([(header::CONTENT_TYPE, CONTENT_TYPE)], handle.render()) }
        };
        Router::new().route("/metrics", get(render))
    }
}

/// Measures each request. There are as many series as routes, methods and statuses; what clients make up is in none of
/// them.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    struct InFlight;
    impl Drop for InFlight {
        fn drop(&mut self) {
            gauge!(IN_FLIGHT).decrement(1.0);
        }
    }
    let begun = Instant::now();
    gauge!(IN_FLIGHT).increment(1.0);
    let _in_flight = InFlight;
    let method = name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let status = response.status().as_u16().to_string();
    histogram!(SECONDS, "method" => method, "route" => route.clone()).record(begun.elapsed());
    counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
    response
}

/// The method's name, if it is one that there is.
pub(super) fn name(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("other", |n| NAMES[n])
}
