//! Reading the values of settings. Each error says what is wrong and what is allowed.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::http::access::Token;

/// The longest time that a setting may give, in seconds: a day.
const MAX_SECONDS: u32 = 86_400;

pub(super) fn whole_number(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("{text:?} is not allowed; give a whole number from {} to {}", range.start(), range.end())
    })
}

pub(super) fn count(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("{text:?} is not allowed; give a whole number from {} to {}", range.start(), range.end())
    })
}

/// A count of what is rare.
pub(super) fn small(text: &str) -> Result<u32, String> {
    let number = whole_number(text, 1..=1_000_000)?;
    u32::try_from(number).map_err(|error| error.to_string())
}

/// Things with commas between them, which are none of their own.
pub(super) fn list<T: FromStr<Err = String>>(text: &str) -> Result<Vec<T>, String> {
    text.split(',').map(|item| item.trim().parse()).collect()
}

/// As [`list`]; no two of them may have the same name.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let tokens: Vec<Token> = list(text)?;
    for (n, token) in tokens.iter().enumerate() {
        if tokens[..n].iter().any(|earlier| earlier.name() == token.name()) {
            return Err(format!("there are two tokens of the name {:?}", token.name()));
        }
    }
    Ok(tokens)
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    match text.starts_with('~') {
        true => Err(format!("{text:?} begins with ~, which only a shell understands; write the folder out")),
        false => Ok(PathBuf::from(text)),
    }
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

pub(super) fn folders(text: &str) -> Result<Vec<PathBuf>, String> {
    let folders: Vec<PathBuf> = std::env::split_paths(text).collect();
    if folders.iter().any(|folder| folder.as_os_str().is_empty()) {
        return Err(format!("{text:?} is not allowed; give paths of folders, with a colon between them"));
    }
    Ok(folders)
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("{text:?} is not allowed ({error}); give a filter as info or tubeatlas=debug,warn"))
        }
    }
}
