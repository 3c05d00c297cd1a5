//! The one error of the parsing constructors: which field, and what was wrong with it.

use std::fmt;

/// A value that the domain refuses: which field it was meant for, and what is wrong with it.
///
/// Its text is made for the person who can mend the input: `video.title: holds U+0000 (NUL) at byte 3,
/// which no text may hold; remove it`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ValidationError {
    field: String,
    problem: Problem,
}

impl ValidationError {
    /// An error about `field`, a dotted path such as `video.chapters[2].title`.
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }

    /// The field, as a dotted path such as `video.chapters[2].title`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with the field's value.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There must be something, and there is nothing.
    Empty,
    /// The text is longer than the field allows; both numbers are bytes of UTF-8.
    TooLong {
        /// The most bytes the field may have.
        max_bytes: usize,
        /// The bytes the value has.
        actual_bytes: usize,
    },
    /// A list has more members than the field allows.
    TooMany {
        /// The most members the field may have.
        max: usize,
        /// The members the value has.
        actual: usize,
    },
    /// A number is outside the field's range.
    OutOfRange {
        /// The smallest number allowed.
        min: i64,
        /// The largest number allowed.
        max: i64,
        /// The number that was given, as text because it may not fit.
        actual: String,
    },
    /// The text holds a character that the field refuses.
    ForbiddenCharacter {
        /// The character.
        character: char,
        /// Where it begins, in bytes from the start of the text.
        byte: usize,
    },
    /// The value breaks a rule that its message states.
    Malformed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; give at least one character"),
            Self::TooLong { max_bytes, actual_bytes } => {
                write!(f, "has {actual_bytes} bytes; at most {max_bytes} are allowed")
            }
            Self::TooMany { max, actual } => write!(f, "has {actual} members; at most {max} are allowed"),
            Self::OutOfRange { min, max, actual } => write!(f, "is {actual}; it must be from {min} to {max}"),
            Self::ForbiddenCharacter { character, byte } => {
                write!(f, "holds U+{:04X}", u32::from(*character))?;
                if *character == '\0' {
                    f.write_str(" (NUL)")?;
                }
                write!(f, " at byte {byte}, which is not allowed here; remove it")
            }
            Self::Malformed(message) => f.write_str(message),
        }
    }
}
