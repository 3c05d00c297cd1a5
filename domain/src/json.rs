//! [`JsonObject`]: bounded JSON for what has no field of its own.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Problem, ValidationError};

/// The largest JSON object, in bytes of its compact form. What is kept of an archive's document has a few
/// kilobytes once expiring addresses and format lists are gone; 256 KiB leaves room without letting one row
/// outweigh a transcript.
pub const MAX_JSON_BYTES: usize = 256 * 1024;

/// The deepest nesting of a JSON object; half of what serde_json itself reads, so that an object can be
/// wrapped and still be read.
pub const MAX_JSON_DEPTH: usize = 64;

/// A JSON object of bounded size and depth, without NUL in any text.
///
/// A store gives it back equal, and 1 and 1.0 are not equal: a column type that turns the one into the other
/// (as Postgres' `jsonb` does with 1e2 and 100) cannot hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// Checks a map.
    ///
    /// # Errors
    /// If it is larger than [`MAX_JSON_BYTES`], deeper than [`MAX_JSON_DEPTH`], or a key or text of it holds
    /// NUL (Postgres' JSON refuses it).
    pub fn new(map: Map<String, Value>) -> Result<Self, ValidationError> {
        const FIELD: &str = "json";
        for (key, value) in &map {
            no_nul(key)?;
            check(value, 2)?;
        }
        let actual_bytes = serde_json::to_vec(&map)
            .map_err(|error| ValidationError::new(FIELD, Problem::Malformed(error.to_string())))?
            .len();
        if actual_bytes > MAX_JSON_BYTES {
            let problem = Problem::TooLong { max_bytes: MAX_JSON_BYTES, actual_bytes };
            return Err(ValidationError::new(FIELD, problem));
        }
        Ok(Self(map))
    }

    /// The map, to change it and build a new object.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

fn no_nul(text: &str) -> Result<(), ValidationError> {
    match text.find('\0') {
        None => Ok(()),
        Some(byte) => {
            Err(ValidationError::new("json", Problem::ForbiddenCharacter { character: '\0', byte }))
        }
    }
}

fn check(value: &Value, depth: usize) -> Result<(), ValidationError> {
    let container = matches!(value, Value::Array(_) | Value::Object(_));
    if container && depth > MAX_JSON_DEPTH {
        let message = format!("is nested deeper than {MAX_JSON_DEPTH} levels");
        return Err(ValidationError::new("json", Problem::Malformed(message)));
    }
    match value {
        Value::String(text) => no_nul(text),
        Value::Array(items) => items.iter().try_for_each(|item| check(item, depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            no_nul(key)?;
            check(value, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

impl Deref for JsonObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl TryFrom<Map<String, Value>> for JsonObject {
    type Error = ValidationError;

    fn try_from(map: Map<String, Value>) -> Result<Self, Self::Error> {
        Self::new(map)
    }
}

impl From<JsonObject> for Map<String, Value> {
    fn from(object: JsonObject) -> Self {
        object.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Result<JsonObject, ValidationError> {
        let Value::Object(map) = value else { panic!("not an object") };
        JsonObject::new(map)
    }

    #[test]
    fn nul_is_refused_in_keys_and_texts_at_any_depth() {
        assert!(object(json!({"a": [{"b": "x\0"}]})).is_err());
        assert!(object(json!({"a": {"b\0": 1}})).is_err());
        assert!(object(json!({"a\0": 1})).is_err());
        assert!(object(json!({"a": "\\0"})).is_ok());
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let overhead = r#"{"a":""}"#.len();
        assert!(object(json!({"a": "x".repeat(MAX_JSON_BYTES - overhead)})).is_ok());
        assert!(object(json!({"a": "x".repeat(MAX_JSON_BYTES - overhead + 1)})).is_err());
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
        assert!(object(nested(MAX_JSON_DEPTH)).is_ok());
        assert!(object(nested(MAX_JSON_DEPTH + 1)).is_err());
    }
}
