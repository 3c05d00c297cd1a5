//! From spans to the collector. The SDK reads the variables of the standard: where the collector is and what it is sent
//! besides (`OTEL_EXPORTER_OTLP_…`), the service's name and attributes, the sampler, the bounds of spans and of the queue.

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::warn;
use tracing_subscriber::Layer;

use super::client::Client;
use super::{AnyLayer, filter};

/// What the program is called.
const NAME: &str = "tubeatlas";

/// Collects spans, and hands them over beside the service: whoever ends a span waits for nobody, and what does not fit
/// into the queue is left out.
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    pub(super) fn start(runtime: &Handle) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(Client::new(runtime.clone())?)
            .build()?;
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource());
        Ok(Self(provider.build()))
    }

    pub(super) fn layer(&self) -> AnyLayer {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(NAME))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter::told())
            .boxed()
    }

    pub(super) fn end(self, patience: Duration) {
        // Of other trouble the client has told.
        if let Err(OTelSdkError::Timeout(_)) = self.0.shutdown_with_timeout(patience) {
            warn!("the last traces were not handed over to the collector within {patience:?}");
        }
    }
}

/// What the collector is told of the program, by the variables first.
fn resource() -> Resource {
    let given = Resource::builder().build();
    // So the SDK calls a service without a name.
    let is_named = |name: opentelemetry::Value| !name.as_str().starts_with("unknown_service");
    let builder =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    match given.get(&Key::from_static_str("service.name")).is_some_and(is_named) {
        true => builder.build(),
        false => builder.with_service_name(NAME).build(),
    }
}
