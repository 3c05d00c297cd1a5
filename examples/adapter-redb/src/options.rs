//! [`Options`].

use std::time::Duration;

/// How long callers may have to wait, and how long a unit of work may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How long a caller waits for the right to write until it is told
    /// [`Timeout`](tubeatlas_ports::Error::Timeout).
    pub acquire_timeout: Duration,
    /// After which time a unit of work is rolled back by itself, be it for reading or for writing.
    pub unit_of_work_timeout: Duration,
}

impl Options {
    /// With these times.
    pub fn new(acquire_timeout: Duration, unit_of_work_timeout: Duration) -> Self {
        Self { acquire_timeout, unit_of_work_timeout }
    }
}

impl Default for Options {
    /// Five seconds to wait, thirty for a unit of work.
    fn default() -> Self {
        Self { acquire_timeout: Duration::from_secs(5), unit_of_work_timeout: Duration::from_secs(30) }
    }
}
