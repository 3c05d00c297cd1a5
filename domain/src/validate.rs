//! The checks that the parsing constructors share. The field's name is written only when something is wrong with it, so
//! that lists of thousands cost no texts (`format_args!("video.tags[{i}]")`).

use std::fmt::Display;

use crate::error::{Problem, ValidationError};

/// The largest count, duration or size that the catalogue holds: what a signed 64-bit column can hold.
///
/// SQLite's INTEGER and Postgres' BIGINT end there; what one store cannot hold, the domain refuses for all.
pub const MAX_NUMBER: u64 = i64::MAX as u64;

fn refused(field: impl Display, problem: Problem) -> ValidationError {
    ValidationError::new(field.to_string(), problem)
}

/// A text of at most `max_bytes` bytes without NUL.
///
/// NUL is refused everywhere: Postgres cannot store it in a text, and SQLite's own functions and its
/// full-text index end the text there.
pub(crate) fn text(field: impl Display, value: &str, max_bytes: usize) -> Result<(), ValidationError> {
    if value.len() > max_bytes {
        let problem = Problem::TooLong { max_bytes, actual_bytes: value.len() };
        return Err(refused(field, problem));
    }
    match value.find('\0') {
        None => Ok(()),
        Some(byte) => Err(refused(field, Problem::ForbiddenCharacter { character: '\0', byte })),
    }
}

/// [`text`] for a value that may be absent.
pub(crate) fn optional_text(
    field: impl Display,
    value: Option<&str>,
    max_bytes: usize,
) -> Result<(), ValidationError> {
    value.map_or(Ok(()), |value| text(field, value, max_bytes))
}

/// [`text`] for a value that must not be empty.
pub(crate) fn non_empty_text(
    field: impl Display,
    value: &str,
    max_bytes: usize,
) -> Result<(), ValidationError> {
    if value.is_empty() {
        return Err(refused(field, Problem::Empty));
    }
    text(field, value, max_bytes)
}

/// A key: 1 to `max_bytes` bytes, no control characters, no white space at either end.
pub(crate) fn key(field: impl Display, value: &str, max_bytes: usize) -> Result<(), ValidationError> {
    non_empty_text(&field, value, max_bytes)?;
    if let Some((byte, character)) = value.char_indices().find(|(_, c)| c.is_control()) {
        return Err(refused(field, Problem::ForbiddenCharacter { character, byte }));
    }
    if value.trim() != value {
        let message = "begins or ends with white space; remove it".to_owned();
        return Err(refused(field, Problem::Malformed(message)));
    }
    Ok(())
}

/// A list of at most `max` members.
pub(crate) fn count_of<T>(field: impl Display, list: &[T], max: usize) -> Result<(), ValidationError> {
    if list.len() > max {
        return Err(refused(field, Problem::TooMany { max, actual: list.len() }));
    }
    Ok(())
}

/// A number of at most [`MAX_NUMBER`].
pub(crate) fn number(field: impl Display, value: Option<u64>) -> Result<(), ValidationError> {
    match value {
        Some(value) if value > MAX_NUMBER => {
            let problem = Problem::OutOfRange { min: 0, max: i64::MAX, actual: value.to_string() };
            Err(refused(field, problem))
        }
        _ => Ok(()),
    }
}

/// A web address: bounded, `http` or `https`, without white space or control characters.
pub(crate) fn url(field: impl Display, value: Option<&str>) -> Result<(), ValidationError> {
    let Some(value) = value else { return Ok(()) };
    text(&field, value, MAX_URL_BYTES)?;
    if let Some((byte, character)) = value.char_indices().find(|(_, c)| c.is_control() || c.is_whitespace()) {
        return Err(refused(field, Problem::ForbiddenCharacter { character, byte }));
    }
    if !(value.starts_with("https://") || value.starts_with("http://")) {
        let message = "is no web address; it must begin with https:// or http://".to_owned();
        return Err(refused(field, Problem::Malformed(message)));
    }
    Ok(())
}

/// The longest web address, in bytes: what browsers and proxies commonly accept.
pub const MAX_URL_BYTES: usize = 8_192;
