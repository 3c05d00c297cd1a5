//! Logs: on stderr, as text or JSON.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::Subscriber;

use super::Format;
use crate::settings::Settings;

/// Where the adapter logs its statements.
const STATEMENTS: &str = "tubeatlas_adapters_sqlite::statement=debug";

pub(super) fn start(settings: &Settings, serves: bool, format: Format) {
    let mut filter = settings.log.clone().unwrap_or_else(|| if serves { "info" } else { "warn" }.to_owned());
    if settings.database.echo {
        filter = format!("{filter},{STATEMENTS}");
    }
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
    let builder = Subscriber::builder()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(colours);
    // It fails only if a program that embeds this one has set up its logs already, which then hold.
    let _ = match format {
        Format::Text => tracing::subscriber::set_global_default(builder.finish()),
        Format::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    };
}
