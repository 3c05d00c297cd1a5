//! Picking fields out of a large JSON object, without building the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What is wanted of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Its value.
    Value,
    /// Whether it is there and not null, as `true`; its value may be large.
    Presence,
    /// The names in it, as a list, if it is an object.
    Names,
    /// The ids of the objects in it, as a list of texts, if it is a list; what else it is, as `true`.
    Ids,
}

/// The wanted fields of the object that the file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picked {
    /// The fields. Null is the same as absent; of several fields of one name the last counts, as in Python.
    pub(crate) map: Map<String, Value>,
    /// Whether the file had to be mended to be JSON.
    pub(crate) mended: bool,
    /// The fields whose values are left out, because they cannot be read: too large a number, too deep a list.
    pub(crate) malformed: Vec<String>,
}

/// Reads the wanted fields. What Python writes though it is no JSON is mended: `NaN` and `Infinity` are null, and
/// halves of characters, bytes that are no UTF-8 and control characters are U+FFFD.
///
/// # Errors
/// If the file is no JSON object.
pub(crate) fn pick(bytes: &[u8], wanted: &[(&str, Want)]) -> Result<Picked, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty; download it again (yt-dlp --write-info-json --skip-download)".to_owned());
    }
    let read = |bytes: &[u8]| {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        Pick(wanted).deserialize(&mut reader).and_then(|picked| reader.end().map(|()| picked))
    };
    let error = match read(bytes) {
        Ok(picked) => return Ok(picked),
        Err(error) => error,
    };
    if !error.is_eof()
        && let Ok(picked) = read(mend(&String::from_utf8_lossy(bytes)).as_bytes())
    {
        return Ok(Picked { mended: true, ..picked });
    }
    let cut = if error.is_eof() { ", so the file is cut off" } else { "" };
    Err(format!(
        "is no JSON object that can be read: {error}{cut}; download it again (yt-dlp --write-info-json --skip-download)"
    ))
}

/// The text as JSON, as far as [`pick`] promises.
fn mend(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        let mut replacement = None;
        if !in_string {
            in_string = c == '"';
            let number = ["NaN", "Infinity", "-Infinity"].into_iter().find(|it| rest.starts_with(it));
            (length, replacement) = number.map_or((length, None), |it| (it.len(), Some("null")));
        } else if c == '"' {
            in_string = false;
        } else if c == '\\' {
            length = match surrogates(rest) {
                Some(Ok(length)) => length,
                Some(Err(length)) => {
                    replacement = Some("\u{fffd}");
                    length
                }
                None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            };
        } else if c.is_ascii_control() {
            replacement = Some("\u{fffd}");
        }
        mended.push_str(replacement.unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    mended
}

/// Whether the text begins with escaped halves of a character, both (`Ok`) or one alone; and their length.
fn surrogates(text: &str) -> Option<Result<usize, usize>> {
    const ESCAPE: usize = "\\uD83D".len();
    let half = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    match half(text)? {
        0xD800..=0xDBFF => match text.get(ESCAPE..).and_then(half) {
            Some(0xDC00..=0xDFFF) => Some(Ok(2 * ESCAPE)),
            _ => Some(Err(ESCAPE)),
        },
        0xDC00..=0xDFFF => Some(Err(ESCAPE)),
        _ => None,
    }
}

struct Pick<'a>(&'a [(&'a str, Want)]);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Picked;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Picked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = Picked::default();
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let want = self.0.iter().find(|(wanted, _)| *wanted == name).map(|(_, want)| *want);
            let value = match want {
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some(Want::Value) => picked.value(&name, map.next_value::<&RawValue>()?.get()),
                Some(Want::Presence) => match map.next_value::<Option<IgnoredAny>>()? {
                    Some(_) => Value::Bool(true),
                    None => Value::Null,
                },
                Some(Want::Names) => map.next_value_seed(Names)?,
                Some(Want::Ids) => ids(map.next_value::<&RawValue>()?.get()),
            };
            match value {
                Value::Null => picked.map.remove(name.as_ref()),
                value => picked.map.insert(name.into_owned(), value),
            };
        }
        Ok(picked)
    }
}

impl Picked {
    /// The value of one field, which may be malformed though the file is JSON.
    fn value(&mut self, name: &str, raw: &str) -> Value {
        serde_json::from_str(raw).unwrap_or_else(|_| match serde_json::from_str(&mend(raw)) {
            Ok(value) => {
                self.mended = true;
                value
            }
            Err(_) => {
                self.malformed.push(name.to_owned());
                Value::Null
            }
        })
    }
}

/// The ids of the objects in a list, of which the rest may be large.
fn ids(raw: &str) -> Value {
    #[derive(serde::Deserialize)]
    struct Entry {
        id: String,
    }
    match serde_json::from_str::<Option<Vec<&RawValue>>>(raw) {
        Ok(None) => Value::Null,
        Ok(Some(entries)) => {
            let id = |entry: &RawValue| {
                serde_json::from_str(entry.get()).ok().map(|Entry { id }| Value::String(id))
            };
            entries.into_iter().filter_map(id).collect()
        }
        Err(_) => Value::Bool(true),
    }
}

/// The names in an object as a list of texts; anything else as null.
struct Names;

impl<'de> DeserializeSeed<'de> for Names {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut names = Vec::new();
        while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
            names.push(Value::String(name));
        }
        Ok(Value::Array(names))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const WANTED: &[(&str, Want)] =
        &[("a", Want::Value), ("b", Want::Presence), ("c", Want::Names), ("d", Want::Value)];

    fn picked(text: &str) -> Value {
        Value::Object(pick(text.as_bytes(), WANTED).unwrap().map)
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let text =
            r#"{"x": [1, {"a": 2}], "a": "\u00e9", "b": [1, 2], "c": {"en": [], "de": null}, "d": null}"#;
        assert_eq!(picked(text), json!({"a": "é", "b": true, "c": ["en", "de"]}));
    }

    #[test]
    fn null_is_absent_and_the_last_of_a_name_counts() {
        assert_eq!(picked(r#"{"b": null, "a": 1, "a": 2, "d": 3, "d": null}"#), json!({"a": 2}));
        for other in ["null", "true", "1", "-1", "1.5", "\"x\"", "[{\"a\": 1}]"] {
            assert_eq!(picked(&format!("{{\"c\": {other}}}")), json!({}), "{other}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(picked("\u{feff}{\"a\": 1}\n"), json!({"a": 1}));
    }

    #[test]
    fn what_is_no_object_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "is empty"),
            (" \n", "is empty"),
            (r#"{"a": "x"#, "so the file is cut off"),
            (r#"{"a": 1"#, "so the file is cut off"),
            ("[]", "expected an object"),
            ("12", "expected an object"),
            (r#"{"a": 1} {"a": 2}"#, "trailing characters"),
            (r#"{"a": NoN}"#, "line 1 column 7"),
            (r#"{"a": "\x"}"#, "invalid escape"),
            (r#"{"a": "\u12g4"}"#, "invalid escape"),
        ] {
            let error = pick(text.as_bytes(), WANTED).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_field_that_cannot_be_read_leaves_the_others() {
        let picked = pick(br#"{"a": 1e999, "d": [1, {"x": -1e999}], "b": 7}"#, WANTED).unwrap();
        assert_eq!(picked.malformed, ["a", "d"]);
        assert_eq!(Value::Object(picked.map), json!({"b": true}));
    }

    #[test]
    fn what_python_writes_is_mended() {
        for (bytes, expected) in [
            (&br#"{"a": NaN, "d": "NaN"}"#[..], json!({"d": "NaN"})),
            (br#"{"x": [Infinity, -Infinity], "a": "\\", "d": 1}"#, json!({"a": "\\", "d": 1})),
            (
                br#"{"a": "x\ud83d", "d": "\ude00\ud83d\ude00"}"#,
                json!({"a": "x\u{fffd}", "d": "\u{fffd}\u{1f600}"}),
            ),
            (br#"{"a": "\ud83d\u0041\"\ud83d"}"#, json!({"a": "\u{fffd}A\"\u{fffd}"})),
            (b"{\"a\": \"caf\xe9\", \"d\": \"a\nb\"}", json!({"a": "caf\u{fffd}", "d": "a\u{fffd}b"})),
        ] {
            let picked = pick(bytes, WANTED).unwrap();
            assert_eq!((Value::Object(picked.map), picked.mended), (expected, true));
        }
        let whole = pick(br#"{"a": "\ud83d\ude00"}"#, WANTED).unwrap();
        assert!(!whole.mended && whole.map["a"] == "\u{1f600}");
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let deep = |name: &str| format!("{{\"{name}\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(picked(&deep("x")), json!({}));
        assert_eq!(pick(deep("a").as_bytes(), WANTED).unwrap().malformed, ["a"]);
        let _ = pick(deep("c").as_bytes(), WANTED);
        let _ = pick(deep("b").as_bytes(), WANTED);
    }
}
