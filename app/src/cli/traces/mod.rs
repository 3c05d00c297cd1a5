//! Traces of requests, by OpenTelemetry: if the environment names a collector, and the program has the feature `otel`.

#[cfg(feature = "otel")]
mod client;
#[cfg(feature = "otel")]
mod exporter;
#[cfg(feature = "otel")]
mod filter;

use std::time::Duration;

use tokio::runtime::Handle;
use tracing::warn;
use tracing_subscriber::{Layer, Registry};

/// The variables that name a collector; the first that is set counts.
const COLLECTORS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Something that is done with spans and events.
pub(super) type AnyLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What hands over the traces.
#[derive(Default)]
pub(super) struct Traces {
    #[cfg(feature = "otel")]
    exporter: Option<exporter::Exporter>,
    /// What is to be said when there is a log.
    trouble: Option<String>,
}

impl Traces {
    /// Hands over traces on this runtime, if the environment asks for it. What is wrong with what it asks is no reason not
    /// to serve, and said in the log.
    #[cfg(feature = "otel")]
    pub(super) fn start(runtime: &Handle) -> Self {
        if collector().is_none() || is_off() {
            return Self::default();
        }
        match exporter::Exporter::start(runtime) {
            Ok(exporter) => Self { exporter: Some(exporter), trouble: None },
            Err(error) => Self { exporter: None, trouble: Some(format!("there are no traces: {error}")) },
        }
    }

    /// Without the feature there are none.
    #[cfg(not(feature = "otel"))]
    pub(super) fn start(_: &Handle) -> Self {
        let trouble =
            |name| format!("{name} is set, but this program was built without the feature otel: no traces");
        Self { trouble: collector().filter(|_| !is_off()).map(trouble) }
    }

    /// What makes traces of spans.
    pub(super) fn layer(&self) -> Option<AnyLayer> {
        #[cfg(feature = "otel")]
        {
            self.exporter.as_ref().map(exporter::Exporter::layer)
        }
        #[cfg(not(feature = "otel"))]
        {
            None
        }
    }

    /// Says in the log what is to be said.
    pub(super) fn announce(&self) {
        if let Some(trouble) = &self.trouble {
            warn!("{trouble}");
        }
        #[cfg(feature = "otel")]
        if self.exporter.is_some() {
            tracing::info!("traces are handed over to a collector");
        }
    }

    /// Hands over what is left, for so long at most.
    pub(super) fn end(self, patience: Duration) {
        #[cfg(feature = "otel")]
        if let Some(exporter) = self.exporter {
            exporter.end(patience);
        }
        #[cfg(not(feature = "otel"))]
        let _ = patience;
    }
}

/// The variable that names a collector.
fn collector() -> Option<&'static str> {
    COLLECTORS.into_iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether traces are turned off by the other variables that can do so.
fn is_off() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|it| it.eq_ignore_ascii_case(value));
    is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none")
}
