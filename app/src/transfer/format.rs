//! The file of a catalogue: one JSON value a line.
//!
//! ```text
//! {"tubeatlas_catalogue":{"version":1}}
//! {"channel":{"created_at":"…","updated_at":"…","entity":{"id":"UC…","title":"…",…}}}
//! {"video":{"created_at":"…","updated_at":"…","deleted_at":"…","entity":{…}}}
//! …
//! {"end":{"counts":{"channel":1,"video":1,…},"sha256":"…"}}
//! ```
//!
//! Channels and videos by id, transcripts by video and language, graphs by creation and id, media files by
//! path, tasks by creation and id, source files by path, playlists by id, in this order of kinds, so that
//! what an entity belongs to stands before it. `deleted_at` is there for deleted videos and playlists alone.
//! The last line has the number of entities of each kind (of source files and playlists if there are any),
//! and the SHA-256 digest, in hexadecimal, of all bytes before it. Nothing names a store, so the same
//! catalogue makes the same bytes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tubeatlas_domain::{
    Channel, Entity, EntityKind, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Timestamp,
    Transcript, Video,
};
use tubeatlas_ports::{Error as StoreError, Revision, Stored};

/// The version of the files that this program writes, and the only one that it reads.
pub const VERSION: u64 = 1;

/// The first line. What else a newer version may have in it does not keep its version from being read.
#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine {
    pub(super) tubeatlas_catalogue: Header,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) version: u64,
}

/// The last line, and how it begins.
#[derive(Serialize, Deserialize)]
pub(super) struct TrailerLine {
    pub(super) end: Summary,
}

pub(super) const TRAILER: &[u8] = b"{\"end\":";

/// An entity with what its store knows of it, but the revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item<E> {
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    entity: E,
}

impl<E> Item<E> {
    /// The entity.
    pub fn entity(&self) -> &E {
        &self.entity
    }
}

/// An entity of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after the entities")]
pub enum Entry {
    Channel(Box<Item<Channel>>),
    Video(Box<Item<Video>>),
    Transcript(Box<Item<Transcript>>),
    KnowledgeGraph(Box<Item<KnowledgeGraph>>),
    MediaFile(Box<Item<MediaFile>>),
    ProcessingTask(Box<Item<ProcessingTask>>),
    SourceFile(Box<Item<SourceFile>>),
    Playlist(Box<Item<Playlist>>),
}

/// The kinds in the order of a file.
pub(super) const ORDER: [EntityKind; 8] = [
    EntityKind::Channel,
    EntityKind::Video,
    EntityKind::Transcript,
    EntityKind::KnowledgeGraph,
    EntityKind::MediaFile,
    EntityKind::ProcessingTask,
    EntityKind::SourceFile,
    EntityKind::Playlist,
];

/// How many of [`ORDER`] a summary always counts. Kinds that came later are counted where there are any, so that a file
/// without them is the same as before.
const ALWAYS_COUNTED: usize = 6;

/// An entity that a file can hold.
pub(super) trait Listed: Entity {
    fn entry(item: Box<Item<Self>>) -> Entry;
    fn item(entry: &Entry) -> Option<&Item<Self>>;
}

macro_rules! listed {
    ($($entity:ident)*) => {$(
        impl Listed for $entity {
            fn entry(item: Box<Item<Self>>) -> Entry {
                Entry::$entity(item)
            }

            fn item(entry: &Entry) -> Option<&Item<Self>> {
                match entry {
                    Entry::$entity(item) => Some(item),
                    _ => None,
                }
            }
        }
    )*

        impl Entry {
            /// Of which kind it is.
            pub fn kind(&self) -> EntityKind {
                match self {
                    $(Self::$entity(_) => EntityKind::$entity,)*
                }
            }

            /// Kind and id, for people.
            pub(super) fn name(&self) -> String {
                match self {
                    $(Self::$entity(item) => format!("{} {}", self.kind(), item.entity.id()),)*
                }
            }
        }
    };
}

listed! { Channel Video Transcript KnowledgeGraph MediaFile ProcessingTask SourceFile Playlist }

impl Entry {
    pub(super) fn of<E: Listed>(stored: Stored<E>) -> Self {
        let Stored { entity, created_at, updated_at, revision: _, deleted_at } = stored;
        E::entry(Box::new(Item { created_at, updated_at, deleted_at, entity }))
    }

    /// As another store may adopt it, if it is of this kind. The revision says nothing.
    pub(super) fn stored<E: Listed>(&self) -> Option<Stored<E>> {
        let Item { created_at, updated_at, deleted_at, entity } = E::item(self)?.clone();
        Some(Stored { entity, created_at, updated_at, revision: Revision::new(1).ok()?, deleted_at })
    }
}

/// What a catalogue holds: the numbers of its entities, and the digest of all lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// By kind. Those that came after the first version of the program are there if there are any.
    pub counts: BTreeMap<String, u64>,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Summary {
    /// How many entities there are.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    pub(super) fn trailer(&self) -> Vec<u8> {
        // Texts and numbers, which serde_json always can write.
        let mut line = serde_json::to_vec(&TrailerLine { end: self.clone() }).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self.counts.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        write!(f, "{} (sha256 {})", counts.join(", "), self.sha256)
    }
}

/// Counts entities, and computes the digest of their lines.
pub(super) struct Summing {
    counts: BTreeMap<String, u64>,
    digest: Sha256,
    line: Vec<u8>,
}

impl Summing {
    /// Begins with the header.
    pub(super) fn new() -> Self {
        let header = HeaderLine { tubeatlas_catalogue: Header { version: VERSION } };
        let mut line = serde_json::to_vec(&header).unwrap_or_default();
        line.push(b'\n');
        let mut sum = Self::empty();
        sum.digest.update(&line);
        Self { line, ..sum }
    }

    pub(super) fn empty() -> Self {
        let counts = ORDER.iter().take(ALWAYS_COUNTED).map(|kind| (kind.as_str().to_owned(), 0)).collect();
        Self { counts, digest: Sha256::new(), line: Vec::new() }
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.line
    }

    /// The line of this one.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<&[u8], StoreError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, entry).map_err(|error| StoreError::Backend {
            message: format!("{} cannot be written as JSON", entry.name()),
            source: Some(Box::new(error)),
        })?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.count(entry);
        Ok(&self.line)
    }

    pub(super) fn count(&mut self, entry: &Entry) {
        *self.counts.entry(entry.kind().as_str().to_owned()).or_default() += 1;
    }

    pub(super) fn update(&mut self, line: &[u8]) {
        self.digest.update(line);
    }

    pub(super) fn end(self) -> Summary {
        let digest = self.digest.finalize();
        Summary { counts: self.counts, sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}
