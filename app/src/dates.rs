//! Reading a point in time that a person wrote.

use tubeatlas_domain::{Timestamp, ValidationError};

/// Reads a date (its first moment, in UTC) or an RFC 3339 time.
///
/// # Errors
/// If it is neither.
pub fn date_or_time(text: &str) -> Result<Timestamp, ValidationError> {
    let is_date = text.len() == 10 && !text.contains('T');
    if is_date && let Ok(time) = format!("{text}T00:00:00Z").parse() {
        return Ok(time);
    }
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::date_or_time;

    #[test]
    fn a_date_is_its_first_moment() {
        for (text, time) in [
            ("2021-11-11", "2021-11-11T00:00:00.000000Z"),
            ("2021-11-11T10:00:00+01:00", "2021-11-11T09:00:00.000000Z"),
        ] {
            assert_eq!(date_or_time(text).unwrap().to_string(), time);
        }
        for text in ["", "2021-11", "2021-13-01", "yesterday", "ten bytes."] {
            assert!(date_or_time(text).unwrap_err().to_string().contains("2021-11-11"), "{text}");
        }
    }
}
