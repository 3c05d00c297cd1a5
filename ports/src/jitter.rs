//! Pauses that differ.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A part of a pause, by chance from half of it to all of it: those who ran into each other once and try again after
/// the same time would do so again.
#[must_use]
pub fn jittered(pause: Duration) -> Duration {
    // The keys of a hasher are the chance that the standard library has.
    let chance = RandomState::new().build_hasher().finish() % 1_001;
    pause / 2 + pause / 2_000 * u32::try_from(chance).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_within_their_bounds() {
        let pause = Duration::from_secs(2);
        let pauses: Vec<Duration> = (0..100).map(|_| jittered(pause)).collect();
        assert!(pauses.iter().all(|some| (pause / 2..=pause).contains(some)), "{pauses:?}");
        assert!(pauses.iter().any(|some| *some != pauses[0]));
        assert_eq!(jittered(Duration::ZERO), Duration::ZERO);
        let _ = jittered(Duration::MAX); // does not overflow
    }
}
