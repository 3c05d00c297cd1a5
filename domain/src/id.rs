//! Typed ids. Each entity has its own type, so that one cannot be passed for another.
//!
//! Channels, videos and playlists keep the id that their platform gave them; what only Tubeatlas knows (graphs, tasks,
//! media files) has a UUID that the `IdGenerator` port makes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Problem, ValidationError};
use crate::validate;

/// The longest text id, in bytes. YouTube's have 11 and 24; other platforms use path-like ids, and 255 bytes
/// still fit the file name that such an archive gives them.
pub const MAX_TEXT_ID_BYTES: usize = 255;

macro_rules! text_id {
    ($name:ident, $field:literal, $doc:literal) => {
        #[doc = $doc]
        ///
        /// 1 to [`MAX_TEXT_ID_BYTES`] bytes, no control characters, no white space at either end; compared
        /// byte by byte.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// If the text is empty, too long, or holds what an id may not hold; the error says which.
            pub fn parse(text: impl Into<String>) -> Result<Self, ValidationError> {
                let text = text.into();
                validate::key($field, &text, MAX_TEXT_ID_BYTES)?;
                Ok(Self(text))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValidationError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! uuid_id {
    ($name:ident, $field:literal, $doc:literal) => {
        #[doc = $doc]
        ///
        /// Ordered as its 16 bytes are, which for UUIDv7 is roughly the order in which they were made.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this UUID.
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            pub fn get(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = ValidationError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self).map_err(|error| {
                    ValidationError::new($field, Problem::Malformed(format!("{text:?} is no UUID: {error}")))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

text_id!(ChannelId, "channel.id", "The id of a channel, as its platform gave it (`UC…` on YouTube).");
text_id!(VideoId, "video.id", "The id of a video, as its platform gave it (11 characters on YouTube).");
text_id!(PlaylistId, "playlist.id", "The id of a playlist, as its platform gave it (`PL…` on YouTube).");
text_id!(TaskKind, "processing_task.kind", "What sort of work a task is; workers claim by kind.");
text_id!(
    WorkerId,
    "processing_task.lease.worker",
    "The name of a worker, for people: host and process, say."
);
uuid_id!(KnowledgeGraphId, "knowledge_graph.id", "The id of a knowledge graph.");
uuid_id!(ProcessingTaskId, "processing_task.id", "The id of a processing task.");
uuid_id!(MediaFileId, "media_file.id", "The id of a media file.");
uuid_id!(
    LeaseToken,
    "processing_task.lease.token",
    "What a worker must show to speak for a task that it claimed; a new one for every claim."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_keeps_its_text() {
        for text in ["dQw4w9WgXcQ", "-_x", "no fancy stuff", "日本", "a"] {
            assert_eq!(VideoId::parse(text).unwrap().as_str(), text);
        }
        assert!(VideoId::parse("x".repeat(MAX_TEXT_ID_BYTES)).is_ok());
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "is empty"),
            (" a", "white space"),
            ("a\u{a0}", "white space"),
            ("a\0b", "U+0000 (NUL) at byte 1"),
            ("a\nb", "U+000A at byte 1"),
            (&*"x".repeat(MAX_TEXT_ID_BYTES + 1), "256 bytes"),
        ] {
            let error = ChannelId::parse(text).unwrap_err();
            assert_eq!(error.field(), "channel.id");
            assert!(error.to_string().contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_malformed_uuid_is_named() {
        let error = "17".parse::<ProcessingTaskId>().unwrap_err();
        assert!(error.to_string().contains("processing_task.id: \"17\" is no UUID"), "{error}");
    }

    #[test]
    fn serde_uses_the_text_and_checks_it() {
        let id: VideoId = serde_json::from_str("\"abc\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"abc\"");
        assert!(serde_json::from_str::<VideoId>("\"\"").is_err());
    }
}
