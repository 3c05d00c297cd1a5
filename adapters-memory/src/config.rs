//! How a store is configured.

use std::time::Duration;

/// How a store is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryConfig {
    /// How long a call waits for the right to write before it answers `Timeout`.
    pub acquire_timeout: Duration,
    /// How long a unit of work may last before it is rolled back.
    pub unit_of_work_timeout: Duration,
}

impl Default for MemoryConfig {
    /// 30 s for either.
    fn default() -> Self {
        Self { acquire_timeout: Duration::from_secs(30), unit_of_work_timeout: Duration::from_secs(30) }
    }
}
