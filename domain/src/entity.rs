//! What all entities have in common.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of entities that the catalogue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntityKind {
    /// [`Channel`](crate::Channel)
    Channel,
    /// [`Video`](crate::Video)
    Video,
    /// [`Transcript`](crate::Transcript)
    Transcript,
    /// [`KnowledgeGraph`](crate::KnowledgeGraph)
    KnowledgeGraph,
    /// [`ProcessingTask`](crate::ProcessingTask)
    ProcessingTask,
    /// [`MediaFile`](crate::MediaFile)
    MediaFile,
    /// [`SourceFile`](crate::SourceFile)
    SourceFile,
    /// [`Playlist`](crate::Playlist)
    Playlist,
}

impl EntityKind {
    /// The kind in snake case, as JSON and cursors spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Video => "video",
            Self::Transcript => "transcript",
            Self::KnowledgeGraph => "knowledge_graph",
            Self::ProcessingTask => "processing_task",
            Self::MediaFile => "media_file",
            Self::SourceFile => "source_file",
            Self::Playlist => "playlist",
        }
    }
}

impl fmt::Display for EntityKind {
    /// The kind as a person would write it: `knowledge graph`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// Something that the catalogue holds under an id.
pub trait Entity: Clone + fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The type of its id.
    type Id: Clone + fmt::Debug + fmt::Display + Eq + Ord + std::hash::Hash + Send + Sync + 'static;

    /// Which kind of entity it is.
    const KIND: EntityKind;

    /// Its id; never changes.
    fn id(&self) -> Self::Id;
}

/// The parts that every `X(XFields)` pair shares: reading through `Deref`, the serde conversions, `Entity`.
macro_rules! checked_fields {
    ($entity:ident, $fields:ident, $id:ty, EntityKind::$kind:ident, |$it:ident| $take_id:expr) => {
        impl Deref for $entity {
            type Target = $fields;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl TryFrom<$fields> for $entity {
            type Error = ValidationError;

            fn try_from(fields: $fields) -> Result<Self, Self::Error> {
                Self::new(fields)
            }
        }

        impl From<$entity> for $fields {
            fn from(entity: $entity) -> Self {
                entity.0
            }
        }

        impl crate::Entity for $entity {
            type Id = $id;

            const KIND: crate::EntityKind = crate::EntityKind::$kind;

            fn id(&self) -> Self::Id {
                let $it = self;
                $take_id
            }
        }
    };
}
pub(crate) use checked_fields;
