//! What Tubeatlas is about: channels, videos, playlists, transcripts, knowledge graphs, processing tasks,
//! media files and the files that an import has read, and how what was said is searched. No I/O, no async, no
//! clock, no randomness: given the same input, all of it gives the same output, in every adapter and every
//! test.
//!
//! An entity is built by a constructor that checks it, and says which field and which character was wrong;
//! after that it is right for good. Its fields are read through `Deref`; to change one, take the fields out
//! and build a new entity:
//!
//! ```
//! use tubeatlas_domain::{Video, VideoFields, VideoId};
//!
//! let video = Video::new(VideoFields::new(VideoId::parse("dQw4w9WgXcQ")?, "Never Gonna Give You Up"))?;
//! let mut fields = video.into_fields();
//! fields.title.push('\0');
//! let error = Video::new(fields).unwrap_err();
//! assert_eq!(error.to_string(), "video.title: holds U+0000 (NUL) at byte 23, which is not allowed here; remove it");
//! # Ok::<(), tubeatlas_domain::ValidationError>(())
//! ```
//!
//! The JSON form of an entity (serde) is the one that files and services use; reading it checks it in the
//! same way.
//!
//! # Features
//! - `openapi`: the JSON forms as schemas of OpenAPI 3.1 (`utoipa::ToSchema`), for services that describe themselves.

mod channel;
mod cue;
mod entity;
mod error;
mod graph_merger;
mod id;
mod json;
mod knowledge_graph;
mod language;
mod media_file;
#[cfg(feature = "openapi")]
mod openapi;
mod playlist;
mod processing_task;
pub mod search;
mod source_file;
mod time;
mod transcript;
mod validate;
mod video;

pub use channel::{Channel, ChannelFields, MAX_CHANNEL_TITLE_BYTES, MAX_HANDLE_BYTES};
pub use cue::Cue;
pub use entity::{Entity, EntityKind};
pub use error::{Problem, ValidationError};
pub use graph_merger::{GraphMerger, graph_key};
pub use id::{
    ChannelId, KnowledgeGraphId, LeaseToken, MAX_TEXT_ID_BYTES, MediaFileId, PlaylistId, ProcessingTaskId,
    TaskKind, VideoId, WorkerId,
};
pub use json::{JsonObject, MAX_JSON_BYTES, MAX_JSON_DEPTH};
pub use knowledge_graph::{
    GraphEntity, GraphOwner, GraphRelation, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphSummary,
    MAX_GRAPH_ELEMENTS, MAX_GRAPH_NAME_BYTES,
};
pub use language::{LanguageTag, MAX_LANGUAGE_TAG_BYTES};
pub use media_file::{FrameRate, MAX_PATH_BYTES, MAX_PIXELS, MediaFile, MediaFileFields};
pub use playlist::{MAX_PLAYLIST_VIDEOS, Playlist, PlaylistFields, PlaylistSummary};
pub use processing_task::{
    Claimability, Lease, MAX_ATTEMPTS, MAX_TARGET_BYTES, MAX_TASK_ERROR_BYTES, NewTask, ProcessingTask,
    ProcessingTaskFields, Progress, TaskFailure, TaskStatus, Transition, TransitionError,
};
pub use source_file::{
    ContentHash, MAX_SOURCE_KEY_BYTES, MAX_SOURCE_MEMO_BYTES, MAX_SOURCE_NOTE_BYTES, SourceFile,
    SourceFileFields, SourceOutcome, SourcePath, SourceVerdict, SourceYield,
};
pub use time::Timestamp;
pub use transcript::{
    MAX_CUE_TEXT_BYTES, MAX_CUES, MAX_TRANSCRIPT_TEXT_BYTES, Transcript, TranscriptFields, TranscriptId,
    TranscriptKind, TranscriptSummary,
};
pub use validate::{MAX_NUMBER, MAX_URL_BYTES};
pub use video::{
    Availability, Chapter, LiveStatus, MAX_CHAPTERS, MAX_DESCRIPTION_BYTES, MAX_LABEL_BYTES, MAX_TAGS,
    MAX_TITLE_BYTES, Video, VideoFields,
};
