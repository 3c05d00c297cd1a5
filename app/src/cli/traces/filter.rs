//! What of spans and events may leave the process.

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::FilterFn;

use crate::http::TRACED;

/// The fields of events that may be told. Paths, addresses of clients and names of tokens are not among them: an event
/// that has one of these is for the log alone.
const FIELDS: [&str; 4] = ["message", "code", "error", "id"];

/// The spans of requests, and what the program logs in them.
pub(super) fn told() -> FilterFn {
    FilterFn::new(is_told as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::INFO)
}

fn is_told(it: &Metadata<'_>) -> bool {
    if it.is_span() {
        return it.target() == TRACED;
    }
    *it.level() <= LevelFilter::INFO
        && it.target().starts_with("tubeatlas")
        && it.fields().iter().all(|field| FIELDS.contains(&field.name()))
}
