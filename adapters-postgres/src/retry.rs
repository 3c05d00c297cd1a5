//! Trying again after giving way to others.

use std::time::Duration;

use tokio::time::Instant;
use tubeatlas_ports::{Result, jittered};

use crate::error::timeout;

/// The longest pause before the first retry; it doubles with each one.
const FIRST: Duration = Duration::from_millis(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_millis(50);

/// How long a call may go on trying, with pauses that grow and differ: those who ran into each other once should not
/// do so again.
pub(crate) struct Retries {
    begun: Instant,
    within: Duration,
    pause: Duration,
}

impl Retries {
    pub(crate) fn new(within: Duration) -> Self {
        Self { begun: Instant::now(), within, pause: FIRST }
    }

    /// Pauses before the next attempt.
    pub(crate) async fn next(&mut self) -> Result<()> {
        if self.begun.elapsed() >= self.within {
            return Err(timeout("other transactions, to which it gave way", self.begun.elapsed()));
        }
        tokio::time::sleep(jittered(self.pause)).await;
        self.pause = LONGEST.min(self.pause * 2);
        Ok(())
    }
}
