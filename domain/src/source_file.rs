//! [`SourceFile`]: what an import has found out about one file.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::media_file::MAX_PATH_BYTES;
use crate::{EntityKind, Timestamp, validate};

/// The longest note on what became of a file, in bytes.
pub const MAX_SOURCE_NOTE_BYTES: usize = 2_000;

/// The longest key of what a file became, in bytes: the longest that any entity has is a path.
pub const MAX_SOURCE_KEY_BYTES: usize = MAX_PATH_BYTES;

/// The longest memo of a reader, in bytes.
pub const MAX_SOURCE_MEMO_BYTES: usize = 16_384;

/// The path of a file that an import has met: what identifies a [`SourceFile`].
///
/// 1 to [`MAX_PATH_BYTES`] bytes without NUL; compared byte by byte, and never normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourcePath(String);

impl SourcePath {
    /// Parses a path.
    ///
    /// # Errors
    /// If the text is empty, too long, or holds NUL.
    pub fn parse(text: impl Into<String>) -> Result<Self, ValidationError> {
        let text = text.into();
        validate::non_empty_text("source_file.path", &text, MAX_PATH_BYTES)?;
        Ok(Self(text))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourcePath {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl From<SourcePath> for String {
    fn from(path: SourcePath) -> Self {
        path.0
    }
}

impl FromStr for SourcePath {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a file's contents. As text it is 64 hexadecimal digits, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for ContentHash {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digit = |sign: u8| match sign {
            b'0'..=b'9' => Some(sign - b'0'),
            b'a'..=b'f' => Some(sign - b'a' + 10),
            _ => None,
        };
        let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            let message = format!("{text:?} is not 64 hexadecimal digits in lower case");
            ValidationError::new("source_file.hash", Problem::Malformed(message))
        })
    }
}

impl TryFrom<String> for ContentHash {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// What became of a file, without the note that says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceVerdict {
    /// It was taken in.
    Imported,
    /// It could not be taken in.
    Refused,
    /// There was nothing in it to take in.
    Ignored,
}

impl SourceVerdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Imported, Self::Refused, Self::Ignored];

    /// The verdict in snake case, as JSON and stores spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Refused => "refused",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for SourceVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a file, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "note", rename_all = "snake_case")]
pub enum SourceOutcome {
    /// It was taken in.
    Imported,
    /// It could not be taken in; says what is wrong with it.
    Refused(String),
    /// There was nothing in it to take in; says why.
    Ignored(String),
}

impl SourceOutcome {
    /// The outcome with this verdict and note.
    ///
    /// # Errors
    /// If a file was imported and there is a note, or it was not and there is none.
    pub fn new(verdict: SourceVerdict, note: Option<String>) -> Result<Self, ValidationError> {
        match (verdict, note) {
            (SourceVerdict::Imported, None) => Ok(Self::Imported),
            (SourceVerdict::Refused, Some(note)) => Ok(Self::Refused(note)),
            (SourceVerdict::Ignored, Some(note)) => Ok(Self::Ignored(note)),
            (verdict, note) => {
                let there = if note.is_some() { "a note" } else { "no note" };
                let message = format!("is {verdict} with {there}; all but imported have one");
                Err(ValidationError::new("source_file.outcome", Problem::Malformed(message)))
            }
        }
    }

    /// The verdict.
    pub fn verdict(&self) -> SourceVerdict {
        match self {
            Self::Imported => SourceVerdict::Imported,
            Self::Refused(_) => SourceVerdict::Refused,
            Self::Ignored(_) => SourceVerdict::Ignored,
        }
    }

    /// Why, if it was not imported.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Imported => None,
            Self::Refused(note) | Self::Ignored(note) => Some(note),
        }
    }
}

/// What a file became: an entity of the catalogue, which may have gone since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceYield {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id as text.
    pub key: String,
}

/// The fields of a [`SourceFile`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFileFields {
    /// Where it lies.
    pub path: SourcePath,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, as its file system says.
    pub modified_at: Timestamp,
    /// The hash of its contents, if they were read.
    pub hash: Option<ContentHash>,
    /// The version of what read it. A later one may make more of the same file, and reads it again.
    pub reader_version: u32,
    /// What became of it.
    pub outcome: SourceOutcome,
    /// What it became, if anything.
    pub gives: Option<SourceYield>,
    /// What the reader needs to know of the file if it is not to read it again. Nobody else looks into it.
    #[serde(default)]
    pub memo: Option<String>,
}

impl SourceFileFields {
    /// The fields of a file that was imported, of which no more is known.
    pub fn new(path: SourcePath, size: u64, modified_at: Timestamp, reader_version: u32) -> Self {
        let outcome = SourceOutcome::Imported;
        Self { path, size, modified_at, hash: None, reader_version, outcome, gives: None, memo: None }
    }
}

/// What an import has found out about one file, so that the next one need not read it again unless it changed.
///
/// It refers to nothing: the file may vanish, and so may what it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SourceFileFields", into = "SourceFileFields")]
pub struct SourceFile(SourceFileFields);

impl SourceFile {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is empty, too long or too large, or holds NUL.
    pub fn new(fields: SourceFileFields) -> Result<Self, ValidationError> {
        validate::number("source_file.size", Some(fields.size))?;
        if let Some(note) = fields.outcome.note() {
            validate::non_empty_text("source_file.outcome.note", note, MAX_SOURCE_NOTE_BYTES)?;
        }
        if let Some(gives) = &fields.gives {
            validate::non_empty_text("source_file.gives.key", &gives.key, MAX_SOURCE_KEY_BYTES)?;
        }
        validate::optional_text("source_file.memo", fields.memo.as_deref(), MAX_SOURCE_MEMO_BYTES)?;
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new one.
    pub fn into_fields(self) -> SourceFileFields {
        self.0
    }
}

crate::entity::checked_fields!(SourceFile, SourceFileFields, SourcePath, EntityKind::SourceFile, |it| it
    .path
    .clone());

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> SourceFileFields {
        SourceFileFields::new(SourcePath::parse("a").unwrap(), 1, Timestamp::UNIX_EPOCH, 1)
    }

    #[test]
    fn a_hash_is_64_digits_in_lower_case() {
        let bytes = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        let text = ContentHash::new(bytes).to_string();
        assert_eq!((text.len(), &text[..8]), (64, "00081018"));
        assert_eq!(text.parse::<ContentHash>().unwrap().as_bytes(), &bytes);
        let cut = &text[..63];
        for wrong in
            ["", cut, &format!("{text}0"), &text.to_uppercase(), &format!("{cut}g"), &format!("{cut}é")]
        {
            let error = wrong.parse::<ContentHash>().unwrap_err();
            assert_eq!(error.field(), "source_file.hash", "{wrong:?}");
        }
    }

    #[test]
    fn an_outcome_has_a_note_unless_the_file_was_imported() {
        for verdict in SourceVerdict::ALL {
            for note in [None, Some("why".to_owned())] {
                let outcome = SourceOutcome::new(verdict, note.clone());
                assert_eq!(outcome.is_ok(), (verdict == SourceVerdict::Imported) == note.is_none());
                if let Ok(outcome) = outcome {
                    assert_eq!((outcome.verdict(), outcome.note()), (verdict, note.as_deref()));
                }
            }
        }
        let json = serde_json::to_string(&SourceOutcome::Refused("why".into())).unwrap();
        assert_eq!(json, r#"{"verdict":"refused","note":"why"}"#);
        assert_eq!(serde_json::to_string(&SourceOutcome::Imported).unwrap(), r#"{"verdict":"imported"}"#);
    }

    #[test]
    fn each_refusal_names_its_field() {
        assert!(SourceFile::new(fields()).is_ok());
        for (path, problem) in [("", "is empty"), ("a\0", "NUL"), (&"a".repeat(MAX_PATH_BYTES + 1), "4097")] {
            let error = SourcePath::parse(path).unwrap_err();
            assert!(error.field() == "source_file.path" && error.to_string().contains(problem), "{error}");
        }
        let gives = |key: &str| Some(SourceYield { kind: EntityKind::Video, key: key.to_owned() });
        type Spoil<'a> = &'a dyn Fn(&mut SourceFileFields);
        let cases: [(&str, Spoil<'_>); 7] = [
            ("source_file.size", &|it| it.size = u64::MAX),
            ("source_file.outcome.note", &|it| it.outcome = SourceOutcome::Refused(String::new())),
            ("source_file.outcome.note", &|it| it.outcome = SourceOutcome::Ignored("\0".into())),
            ("source_file.gives.key", &|it| it.gives = gives("")),
            ("source_file.gives.key", &|it| it.gives = gives(&"k".repeat(MAX_SOURCE_KEY_BYTES + 1))),
            ("source_file.memo", &|it| it.memo = Some("\0".into())),
            ("source_file.memo", &|it| it.memo = Some("m".repeat(MAX_SOURCE_MEMO_BYTES + 1))),
        ];
        for (field, spoil) in cases {
            let mut fields = fields();
            spoil(&mut fields);
            assert_eq!(SourceFile::new(fields).unwrap_err().field(), field);
        }
    }
}
