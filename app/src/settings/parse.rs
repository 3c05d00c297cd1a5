//! Reading the values of settings. Each error says what is wrong and what is allowed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest time that a setting may give, in seconds: a day.
const MAX_SECONDS: u32 = 86_400;

pub(super) fn whole_number(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("{text:?} is not allowed; give a whole number from {} to {}", range.start(), range.end())
    })
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds >= 0.001 && *seconds <= f64::from(MAX_SECONDS));
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("{text:?} is not allowed; give seconds, from 0.001 to {MAX_SECONDS}"))
}

pub(super) fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = whole_number(text, 0..=u64::from(MAX_SECONDS) * 1_000);
    number.map(Duration::from_millis).map_err(|problem| format!("{problem} (milliseconds)"))
}

/// What Postgres shows whole: it cuts a longer one, and replaces other characters.
pub(super) fn application_name(text: &str) -> Result<String, String> {
    if text.len() <= 63 && text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not allowed; give up to 63 printable characters of ASCII"))
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("{text:?} is not allowed; give on or off")),
    }
}

/// One of several words, in any case of letters.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("{text:?} is not allowed; give one of {}", words.join(", "))
    })
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not allowed; give an IP address and a port, as 127.0.0.1:8080 or [::1]:8080")
    })
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("{text:?} is not allowed ({error}); give a filter as info or tubeatlas=debug,warn"))
        }
    }
}
