//! Requests to the collector, over HTTP or HTTPS.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::ExporterBuildError;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tracing::{info, warn};

use crate::error::chain;

/// How long a request may take if no variable says it: the standard's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The variables that say it, in milliseconds; the first that is set counts.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

/// The longest answer of a collector that is read. There is little in it.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

type Http = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// Asks the collector, and says in the log when it begins to fail and when it no longer does.
#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    runtime: Handle,
    timeout: Duration,
    fails: AtomicBool,
}

impl Client {
    /// Its requests are made on this runtime: the thread of the exporter has none.
    pub(super) fn new(runtime: Handle) -> Result<Self, ExporterBuildError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ExporterBuildError::InternalFailure(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        let timeout = TIMEOUTS.into_iter().find_map(|name| std::env::var(name).ok()?.parse().ok());
        let timeout = timeout.map_or(TIMEOUT, Duration::from_millis);
        Ok(Self { http, runtime, timeout, fails: AtomicBool::new(false) })
    }

    fn note(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let trouble = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(chain(error.as_ref())),
        };
        match (trouble, self.fails.load(Ordering::Relaxed)) {
            (Some(error), false) => {
                self.fails.store(true, Ordering::Relaxed);
                warn!(error, "the collector does not take traces; they are lost until it does");
            }
            (None, true) => {
                self.fails.store(false, Ordering::Relaxed);
                info!("the collector takes traces again");
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (http, timeout) = (self.http.clone(), self.timeout);
        let asked = self.runtime.spawn(async move {
            let answer = tokio::time::timeout(timeout, exchange(&http, request)).await;
            answer.unwrap_or_else(|_| Err(format!("it did not answer within {timeout:?}").into()))
        });
        let answer = asked.await.unwrap_or_else(|ended| Err(ended.into()));
        self.note(&answer);
        answer
    }
}

async fn exchange(http: &Http, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = http.request(request.map(Body::from)).await?.into_parts();
    Ok(Response::from_parts(head, to_bytes(Body::new(body), MAX_ANSWER_BYTES).await?))
}
