//! A clock that tests set, and ids that tests foresee.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Clock, IdGenerator};
use uuid::Uuid;

use crate::fixtures;

/// A clock that stands still until a test moves it, forwards or back. It begins at [`fixtures::NOON`].
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock at [`fixtures::NOON`].
    pub fn new() -> Self {
        Self(AtomicI64::new(fixtures::noon().unix_micros()))
    }

    /// Sets it to this time, be it later or earlier.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_micros(), Ordering::SeqCst);
    }

    /// Moves it on by this many milliseconds, or back by a negative number, and says what it shows then.
    pub fn move_by_ms(&self, millis: i64) -> Timestamp {
        let micros = self.0.load(Ordering::SeqCst).saturating_add(millis.saturating_mul(1_000));
        let now = Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MAX);
        self.set(now);
        now
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

/// Gives UUIDs of version 7 that count up: the same ones in the same order in every run.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    /// A generator that begins at its first id.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many ids were taken.
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl IdGenerator for SequentialIds {
    fn new_id(&self) -> Uuid {
        const FIRST: u128 = 0x019b_0000_0000_7000_8000_0000_0000_0001;
        Uuid::from_u128(FIRST + u128::from(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_where_it_is_told() {
        let clock = TestClock::new();
        assert_eq!((clock.now(), clock.now()), (fixtures::noon(), fixtures::noon()));
        clock.move_by_ms(-5);
        assert_eq!(clock.now().unix_micros(), fixtures::noon().unix_micros() - 5_000);
    }

    #[test]
    fn ids_are_of_version_7_and_count_up() {
        let ids = SequentialIds::new();
        let (first, second) = (ids.new_id(), ids.new_id());
        assert!(first < second && first.get_version_num() == 7);
        assert_eq!(ids.taken(), 2);
    }
}
