//! Logs: on stderr, as text or JSON.

use std::io::{self, IsTerminal};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::Format;
use super::traces::AnyLayer;
use crate::settings::Settings;

/// Where the adapter logs its statements.
const STATEMENTS: &str = "tubeatlas_adapters_sqlite::statement=debug";

/// Begins to log; `traces` is given spans and events beside the log, whatever of them is logged.
pub(super) fn start(settings: &Settings, serves: bool, format: Format, traces: Option<AnyLayer>) {
    let mut filter = settings.log.clone().unwrap_or_else(|| if serves { "info" } else { "warn" }.to_owned());
    if settings.database.echo {
        filter = format!("{filter},{STATEMENTS}");
    }
    // Its lines stand in a span of their own already.
    #[cfg(feature = "otel")]
    {
        filter = format!("{filter},{}=off", crate::http::TRACED);
    }
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(colours);
    let lines: AnyLayer = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    let mut layers = vec![lines.with_filter(EnvFilter::new(filter)).boxed()];
    layers.extend(traces);
    // It fails only if a program that embeds this one has set up its logs already, which then hold.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(layers));
}
