//! The port of the files that an import has met.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{SourceFile, SourcePath, SourceVerdict};

use crate::{Catalogued, Result, Stored, WriteRepository};

/// Which source files a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceFileFilter {
    /// Only those whose path begins with exactly these bytes; of a folder, end it with its separator. A text with
    /// which no path can begin takes in nothing.
    pub prefix: Option<String>,
    /// Only those with this verdict.
    pub verdict: Option<SourceVerdict>,
}

/// The orders of a list of source files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFileOrder {
    /// By path, byte by byte.
    #[default]
    Path,
}

/// The order key of a source file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFilePosition {
    /// The path.
    pub path: SourcePath,
}

impl Catalogued for SourceFile {
    type Filter = SourceFileFilter;
    type Order = SourceFileOrder;
    type Listed = Self;
    type Position = SourceFilePosition;

    fn listed(&self) -> Self {
        self.clone()
    }

    fn position(listed: &Stored<Self>) -> SourceFilePosition {
        SourceFilePosition { path: listed.path.clone() }
    }
}

/// The source files, of which the path is the id. They refer to nothing, nothing refers to them, and they are never
/// deleted softly.
#[async_trait]
pub trait SourceFileRepository: WriteRepository<SourceFile> {
    /// Removes those with these paths that are there, and answers how many that were. Unlike
    /// [`delete_many`](WriteRepository::delete_many) it passes over what is not there.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`](crate::MAX_BATCH) paths.
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64>;
}

/// The first text, byte by byte, that stands behind all texts with this prefix; `None` if none does. So the texts with
/// a prefix are a range, which an index answers.
///
/// ```
/// assert_eq!(tubeatlas_ports::behind_prefix("/a/").as_deref(), Some("/a0"));
/// ```
pub fn behind_prefix(prefix: &str) -> Option<String> {
    // Bytes of UTF-8 stand in the order of the characters; between two of these lies what is none, the surrogates.
    let next = |last: char| match last {
        '\u{D7FF}' => Some('\u{E000}'),
        last => char::from_u32(u32::from(last) + 1),
    };
    let mut rest = prefix.chars();
    while let Some(last) = rest.next_back() {
        if let Some(next) = next(last) {
            return Some(format!("{}{next}", rest.as_str()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_texts_with_a_prefix_stand_before_the_one_behind_it() {
        let signs =
            ["a", "b", "\u{7F}", "\u{80}", "\u{7FF}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{10FFFF}"];
        let texts: Vec<String> = std::iter::once(String::new())
            .chain(signs.iter().map(|a| (*a).to_owned()))
            .chain(signs.iter().flat_map(|a| signs.iter().map(move |b| format!("{a}{b}"))))
            .collect();
        for prefix in &texts {
            let behind = behind_prefix(prefix);
            for text in &texts {
                let in_range = prefix <= text && behind.as_ref().is_none_or(|behind| text < behind);
                assert_eq!(in_range, text.starts_with(prefix), "{text:?} of {prefix:?}, {behind:?}");
            }
        }
    }
}
