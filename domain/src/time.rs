//! [`Timestamp`]: an instant in UTC, in whole microseconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};

/// An instant in UTC, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// Microseconds are what every store can hold without rounding (Postgres' own resolution; an `i64` in
/// SQLite), so a value read back equals the value written. The years 0000 to 9999 fit, so that the RFC 3339
/// form always has a year of four digits and sorts as text.
///
/// ```
/// use tubeatlas_domain::Timestamp;
///
/// let t: Timestamp = "2021-11-11T10:00:00.5+01:00".parse()?;
/// assert_eq!(t.to_string(), "2021-11-11T09:00:00.500000Z");
/// # Ok::<(), tubeatlas_domain::ValidationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// 9999-12-30T21:59:59.999999Z: the last whole second that has a year of four digits in every time zone.
    pub const MAX: Self = Self(253_402_207_199_999_999);
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// The instant `micros` microseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// If it lies outside [`Timestamp::MIN`] to [`Timestamp::MAX`].
    pub fn from_unix_micros(micros: i64) -> Result<Self, ValidationError> {
        if (Self::MIN.0..=Self::MAX.0).contains(&micros) {
            return Ok(Self(micros));
        }
        let problem = Problem::OutOfRange { min: Self::MIN.0, max: Self::MAX.0, actual: micros.to_string() };
        Err(ValidationError::new("timestamp (unix microseconds)", problem))
    }

    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    pub fn unix_micros(self) -> i64 {
        self.0
    }

    /// This instant `millis` milliseconds later, or [`Timestamp::MAX`] if that is past it.
    #[must_use]
    pub fn saturating_add_millis(self, millis: u64) -> Self {
        let micros = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self(self.0.saturating_add(micros).min(Self::MAX.0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six digits of the second, so that texts of equal length sort as the instants do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant:.6}"),
            Err(_) => write!(f, "{} µs", self.0), // cannot be: the range is inside jiff's
        }
    }
}

impl FromStr for Timestamp {
    type Err = ValidationError;

    /// Reads RFC 3339 with any offset; finer digits than microseconds are cut off (towards the past).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| {
            let message = format!("{text:?} is no RFC 3339 time such as 2021-11-11T09:00:00Z: {error}");
            ValidationError::new("timestamp", Problem::Malformed(message))
        })?;
        let micros = instant.as_nanosecond().div_euclid(1_000);
        Self::from_unix_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_range_is_what_its_documentation_says() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T21:59:59.999999Z");
        assert!(Timestamp::from_unix_micros(Timestamp::MAX.0 + 1).is_err());
        assert!(Timestamp::from_unix_micros(Timestamp::MIN.0 - 1).is_err());
    }

    #[test]
    fn finer_digits_are_cut_towards_the_past() {
        let before_epoch: Timestamp = "1969-12-31T23:59:59.9999999Z".parse().unwrap();
        assert_eq!(before_epoch.unix_micros(), -1);
    }

    #[test]
    fn adding_saturates() {
        assert_eq!(Timestamp::MAX.saturating_add_millis(1), Timestamp::MAX);
        assert_eq!(Timestamp::UNIX_EPOCH.saturating_add_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::UNIX_EPOCH.saturating_add_millis(2).unix_micros(), 2_000);
    }

    #[test]
    fn malformed_text_is_named() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("\"yesterday\""), "{error}");
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts(a in Timestamp::MIN.0..=Timestamp::MAX.0, b in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let (a, b) = (Timestamp(a), Timestamp(b));
            prop_assert_eq!(a.to_string().parse::<Timestamp>().unwrap(), a);
            prop_assert_eq!(a.to_string().cmp(&b.to_string()), a.cmp(&b));
        }
    }
}
