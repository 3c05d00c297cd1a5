//! [`LanguageTag`]: the language of a transcript, as a caption file names it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::validate;

/// The longest language tag, in bytes: a BCP 47 tag of usual length (35) and a track id behind it.
pub const MAX_LANGUAGE_TAG_BYTES: usize = 64;

/// The language of a transcript: subtags of ASCII letters, digits and `_`, separated by `-`, the first of
/// them beginning with a letter.
///
/// It has the shape of a BCP 47 tag (RFC 5646), loosened for what yt-dlp writes: `en-orig`, `de-en-US`,
/// `en-j3PyPqV-e1s`. Tags are kept and compared as they are written; only a filter ([`LanguageTag::covers`])
/// takes no heed of case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

impl LanguageTag {
    /// Parses a tag.
    ///
    /// # Errors
    /// If the text is empty, longer than [`MAX_LANGUAGE_TAG_BYTES`], or not of the shape above.
    pub fn parse(text: impl Into<String>) -> Result<Self, ValidationError> {
        const FIELD: &str = "language";
        let text = text.into();
        validate::key(FIELD, &text, MAX_LANGUAGE_TAG_BYTES)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some((byte, character)) = text.char_indices().find(|(_, c)| !allowed(*c)) {
            return Err(ValidationError::new(FIELD, Problem::ForbiddenCharacter { character, byte }));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || text.split('-').any(str::is_empty) {
            let message = format!("{text:?} is no language tag such as en, pt-BR or zh-Hans");
            return Err(ValidationError::new(FIELD, Problem::Malformed(message)));
        }
        Ok(Self(text))
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a filter by this tag takes in `other`: the subtags of this tag are the first ones of `other`,
    /// without regard to ASCII case. `en` covers `en`, `en-US` and `en-orig`, not `eng`.
    ///
    /// ```
    /// use tubeatlas_domain::LanguageTag;
    ///
    /// let en = LanguageTag::parse("en")?;
    /// assert!(en.covers(&LanguageTag::parse("en-US")?));
    /// assert!(!en.covers(&LanguageTag::parse("eng")?));
    /// # Ok::<(), tubeatlas_domain::ValidationError>(())
    /// ```
    pub fn covers(&self, other: &Self) -> bool {
        let (wanted, tag) = (self.0.as_bytes(), other.0.as_bytes());
        tag.len() >= wanted.len()
            && tag[..wanted.len()].eq_ignore_ascii_case(wanted)
            && tag.get(wanted.len()).is_none_or(|&next| next == b'-')
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = ValidationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

impl FromStr for LanguageTag {
    type Err = ValidationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yt_dlp_writes_is_a_tag() {
        for text in ["en", "pt-BR", "zh-Hans", "en-orig", "en-en-US", "de-en-US", "en-j3PyPqV-e1s", "a_b"] {
            assert_eq!(LanguageTag::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for text in ["", "-", "en-", "-en", "en--US", "1en", "e n", "en.US", "日本", "en\0"] {
            assert!(LanguageTag::parse(text).is_err(), "{text:?}");
        }
        assert!(LanguageTag::parse("a".repeat(MAX_LANGUAGE_TAG_BYTES)).is_ok());
        assert!(LanguageTag::parse("a".repeat(MAX_LANGUAGE_TAG_BYTES + 1)).is_err());
    }

    #[test]
    fn a_filter_goes_by_subtags() {
        let covers =
            |a: &str, b: &str| LanguageTag::parse(a).unwrap().covers(&LanguageTag::parse(b).unwrap());
        assert!(
            covers("en", "en")
                && covers("en", "en-US")
                && covers("EN", "en-orig")
                && covers("zh-hans", "zh-Hans")
        );
        assert!(!covers("en", "eng") && !covers("en-US", "en") && !covers("zh-Hans", "zh-Hant"));
    }
}
