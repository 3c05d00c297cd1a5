//! An export that is asked for, to be done by a worker.

use serde::{Deserialize, Serialize};
use tubeatlas_domain::{Problem, ValidationError};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::job::Job;

/// The longest name of a file that is exported into, in characters, of whatever script: file systems take 255 bytes.
const MAX_NAME_CHARS: usize = 63;

/// How the name of a file that is exported into may end, so that nothing of another sort is overwritten.
const ENDINGS: [&str; 2] = [".ndjson", ".ndjson.zst"];

/// The rule of [`FileName`] as a regular expression.
const PATTERN: &str = r"^[^./\\\u0000-\u001f\u007f-\u009f][^/\\\u0000-\u001f\u007f-\u009f]*\.ndjson(\.zst)?$";

/// The name of a file that is exported into: one in the folder of exports, and no path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// The name that is written so.
    ///
    /// # Errors
    /// If it is a path, hidden, too long, or does not end as a catalogue's file does.
    pub fn parse(name: impl Into<String>) -> Result<Self, ValidationError> {
        let name = name.into();
        let malformed =
            |problem: &str| Err(ValidationError::new("file", Problem::Malformed(problem.to_owned())));
        let chars = name.chars().count();
        if chars > MAX_NAME_CHARS {
            return malformed(&format!("has {chars} characters, and may have {MAX_NAME_CHARS}"));
        }
        if name.contains(['/', '\\']) {
            return malformed("is a path; give the name of a file, which is made in the folder of exports");
        }
        if name.chars().any(char::is_control) {
            return malformed("has a control character in it");
        }
        if name.starts_with('.') || !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return malformed("is to end in .ndjson or .ndjson.zst, and not to begin with a dot");
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = ValidationError;

    fn try_from(name: String) -> Result<Self, ValidationError> {
        Self::parse(name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl PartialSchema for FileName {
    fn schema() -> RefOr<Schema> {
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN));
        name.max_length(Some(MAX_NAME_CHARS)).into()
    }
}

impl ToSchema for FileName {}

/// What is to be exported: what the payload of the task holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportJob {
    /// The name of the file, in the folder of exports of the worker's machine; compressed if it ends in `.zst`.
    pub file: FileName,
    /// Overwrite the file if it is there.
    #[serde(default)]
    pub overwrite: bool,
}

impl Job for ExportJob {
    const KIND: &'static str = "export";

    fn target(&self) -> Option<String> {
        Some(self.file.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_and_no_path() {
        let longest = format!("{}.ndjson", "説".repeat(MAX_NAME_CHARS - 7));
        for name in ["all.ndjson", "a b.ndjson.zst", "2026-11-22 ü.ndjson"] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
        FileName::parse(longest.clone()).unwrap();
        for name in [
            "",
            ".",
            "..",
            "../all.ndjson",
            "/all.ndjson",
            "a/../all.ndjson",
            "a\\all.ndjson",
            ".ndjson",
            ".all.ndjson",
            "all.zst",
            "tubeatlas.db",
            "all.ndjson/",
            "all\0.ndjson",
            "all\n.ndjson",
            "all.ndjson.gz",
            &format!("x{longest}"),
        ] {
            assert!(FileName::parse(name).is_err(), "{name:?}");
            let payload = serde_json::json!({"file": name});
            assert!(serde_json::from_value::<ExportJob>(payload).is_err(), "{name:?}");
        }
    }
}
