//! Reading single fields of a document with patience: what is malformed is left out and told, once.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tubeatlas_domain::{MAX_NUMBER, MAX_URL_BYTES};
use tubeatlas_ports::archive::Remark;

use crate::address;

/// The fields of one document, and what was found wrong with them.
#[derive(Debug)]
pub(crate) struct Fields {
    path: PathBuf,
    map: Map<String, Value>,
    warnings: Vec<Remark>,
}

/// What to do with a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLong {
    /// Keep what fits.
    Cut,
    /// Leave it out.
    LeaveOut,
}

impl Fields {
    pub(crate) fn new(path: &Path, map: Map<String, Value>) -> Self {
        Self { path: path.to_owned(), map, warnings: Vec::new() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    pub(crate) fn into_warnings(self) -> Vec<Remark> {
        self.warnings
    }

    /// Tells what is wrong; the same thing only once, though a field may be read twice.
    pub(crate) fn warn(&mut self, reason: impl Into<String>) {
        let warning = Remark { path: self.path.clone(), reason: reason.into() };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Tells that a field is left out.
    pub(crate) fn leave_out(&mut self, name: &str, what: &str) {
        let shown = self.map.get(name).map(show).unwrap_or_default();
        self.warn(format!("{name}: {shown} {what}; left out"));
    }

    /// A text of at most `max_bytes` bytes.
    pub(crate) fn text(&mut self, name: &str, max_bytes: usize, too_long: TooLong) -> Option<String> {
        match self.map.get(name)? {
            Value::String(text) => {
                let text = text.clone();
                self.fitted(name, text, max_bytes, too_long)
            }
            _ => {
                self.leave_out(name, "is no text");
                None
            }
        }
    }

    /// The text without NUL and of at most `max_bytes` bytes.
    pub(crate) fn fitted(
        &mut self,
        name: &str,
        mut text: String,
        max_bytes: usize,
        too_long: TooLong,
    ) -> Option<String> {
        if text.contains('\0') {
            text = text.replace('\0', "");
            self.warn(format!("{name}: holds U+0000 (NUL); removed"));
        }
        if text.len() > max_bytes {
            let length = text.len();
            match too_long {
                TooLong::Cut => {
                    text.truncate(text.floor_char_boundary(max_bytes));
                    self.warn(format!("{name}: has {length} bytes; cut to {max_bytes}"));
                }
                TooLong::LeaveOut => {
                    self.warn(format!("{name}: has {length} bytes, more than {max_bytes}; left out"));
                    return None;
                }
            }
        }
        Some(text)
    }

    /// A whole number that is not negative; `12.0` is one.
    pub(crate) fn count(&mut self, name: &str) -> Option<u64> {
        let count = whole(self.map.get(name)?);
        if count.is_none() {
            self.leave_out(name, "is no count");
        }
        count
    }

    /// A whole number that may be negative.
    pub(crate) fn integer(&mut self, name: &str) -> Option<i64> {
        let integer = self.map.get(name)?.as_i64();
        if integer.is_none() {
            self.leave_out(name, "is no whole number");
        }
        integer
    }

    /// A truth value.
    pub(crate) fn truth(&mut self, name: &str) -> Option<bool> {
        let truth = self.map.get(name)?.as_bool();
        if truth.is_none() {
            self.leave_out(name, "is neither true nor false");
        }
        truth
    }

    /// Seconds, whole or not, as milliseconds.
    pub(crate) fn millis(&mut self, name: &str) -> Option<u64> {
        let millis = millis(self.map.get(name)?);
        if millis.is_none() {
            self.leave_out(name, "is no number of seconds");
        }
        millis
    }

    /// A web address that names no client and does not expire.
    pub(crate) fn url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name, MAX_URL_BYTES, TooLong::LeaveOut)?;
        if url.is_empty() {
            return None;
        }
        let spaced = url.contains(|c: char| c.is_whitespace() || c.is_control());
        if spaced || !(url.starts_with("https://") || url.starts_with("http://")) {
            self.leave_out(name, "is no web address");
            return None;
        }
        if let Some(part) = address::private_part(&url) {
            self.warn(format!("{name}: its address expires or names a client ({part}); left out"));
            return None;
        }
        Some(url)
    }

    /// A list; its members are for the caller to check.
    pub(crate) fn list(&mut self, name: &str) -> Vec<Value> {
        match self.map.get_mut(name) {
            None => Vec::new(),
            Some(Value::Array(list)) => std::mem::take(list),
            Some(_) => {
                self.leave_out(name, "is no list");
                Vec::new()
            }
        }
    }

    /// The names in an object (see [`crate::json::Want::Names`]).
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let names = self.map.get(name).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
    }
}

/// A whole number that is not negative.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    let number = value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and to fit"
        )]
        (float.fract() == 0.0 && (0.0..=9e15).contains(&float)).then_some(float as u64)
    })?;
    (number <= MAX_NUMBER).then_some(number)
}

/// Seconds as milliseconds.
pub(crate) fn millis(value: &Value) -> Option<u64> {
    if let Some(seconds) = value.as_u64() {
        return seconds.checked_mul(1_000).filter(|millis| *millis <= MAX_NUMBER);
    }
    let millis = (value.as_f64()? * 1_000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..=9e15).contains(&millis).then_some(millis as u64)
}

/// A value for a message: short, and nothing that may hold a private address.
fn show(value: &Value) -> String {
    const MAX_CHARS: usize = 40;
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if address::is_in(text) => "an address".to_owned(),
        Value::String(text) => {
            let cut: String = text.chars().take(MAX_CHARS).collect();
            let more = if cut.len() < text.len() { "…" } else { "" };
            format!("{cut:?}{more}")
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        let Value::Object(map) = json!({ "x": value }) else { unreachable!() };
        Fields::new(Path::new("d"), map)
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        for (value, count) in [
            (json!(12), Some(12)),
            (json!(12.0), Some(12)),
            (json!(12.5), None),
            (json!(-1), None),
            (json!("12"), None),
            (json!(u64::MAX), None),
            (json!(1e300), None),
        ] {
            let mut fields = fields(value.clone());
            assert_eq!(fields.count("x"), count, "{value}");
            assert_eq!(fields.into_warnings().len(), usize::from(count.is_none()), "{value}");
        }
    }

    #[test]
    fn seconds_become_milliseconds() {
        for (value, expected) in [
            (json!(212), Some(212_000)),
            (json!(161.0), Some(161_000)),
            (json!(0.0015), Some(2)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!(u64::MAX), None),
            (json!("1:20"), None),
        ] {
            assert_eq!(fields(value.clone()).millis("x"), expected, "{value}");
        }
    }

    #[test]
    fn a_warning_names_field_and_value_and_is_short() {
        let mut malformed = fields(json!("many".repeat(100)));
        assert_eq!(malformed.count("x"), None);
        let warnings = malformed.into_warnings();
        assert!(warnings[0].reason.starts_with("x: \"manymany"), "{warnings:?}");
        assert!(warnings[0].reason.len() < 100, "{warnings:?}");
        let mut private = fields(json!("https://e.com/?ip=203.0.113.7"));
        assert_eq!(private.count("x"), None);
        assert!(!private.into_warnings()[0].reason.contains("203"));
    }

    #[test]
    fn texts_are_cut_between_characters_or_left_out() {
        let mut fields = fields(json!("aé\0"));
        assert_eq!(fields.text("x", 2, TooLong::Cut).as_deref(), Some("a"));
        assert_eq!(fields.text("x", 2, TooLong::LeaveOut), None);
        assert_eq!(fields.text("x", 3, TooLong::LeaveOut).as_deref(), Some("aé"));
        assert_eq!(fields.into_warnings().len(), 3);
    }
}
