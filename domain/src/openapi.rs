//! Schemas (OpenAPI 3.1) of what has a JSON form of its own: ids, times, and entities, whose fields are checked.

use std::borrow::Cow;

use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::language::MAX_LANGUAGE_TAG_BYTES;
use crate::media_file::FrameRateFields;
use crate::{
    Channel, ChannelFields, ChannelId, FrameRate, JsonObject, KnowledgeGraph, KnowledgeGraphFields,
    KnowledgeGraphId, LanguageTag, LeaseToken, MAX_TEXT_ID_BYTES, MediaFile, MediaFileFields, MediaFileId,
    Playlist, PlaylistFields, PlaylistId, ProcessingTaskId, Progress, TaskKind, Timestamp, Transcript,
    TranscriptFields, Video, VideoFields, VideoId, WorkerId,
};

macro_rules! schema {
    ($type:ident, $schema:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }
        }
    };
}

/// An entity, or a value, has the schema of its fields.
macro_rules! schema_of_fields {
    ($type:ident, $fields:ident) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                $fields::schema()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                $fields::schemas(schemas);
            }
        }
    };
}

/// No control characters, and no white space at either end.
const KEY: &str =
    r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";

fn text_id(description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_TEXT_ID_BYTES))
        .pattern(Some(KEY))
        .description(Some(description))
        .build()
}

fn uuid(description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .description(Some(description))
        .build()
}

schema!(ChannelId, text_id("The id of a channel, as its platform gave it"));
schema!(VideoId, text_id("The id of a video, as its platform gave it"));
schema!(PlaylistId, text_id("The id of a playlist, as its platform gave it"));
schema!(TaskKind, text_id("What sort of work a task is; workers claim by kind"));
schema!(WorkerId, text_id("The name of a worker, for people"));
schema!(KnowledgeGraphId, uuid("The id of a knowledge graph"));
schema!(ProcessingTaskId, uuid("The id of a processing task"));
schema!(MediaFileId, uuid("The id of a media file"));
schema!(LeaseToken, uuid("What a worker must show to speak for a task that it claimed"));

schema!(
    Timestamp,
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("An instant, in UTC when it is answered, to the microsecond (RFC 3339)"))
        .examples(["2021-11-11T09:00:00.000000Z"])
        .build()
);

schema!(
    LanguageTag,
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(MAX_LANGUAGE_TAG_BYTES))
        .pattern(Some("^[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*$"))
        .description(Some("The language of a transcript, as its caption file named it"))
        .examples(["en", "zh-Hans"])
        .build()
);

schema!(
    Progress,
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(100))
        .description(Some("How much is done, in per cent"))
        .build()
);

schema!(
    JsonObject,
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Object))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some("Any JSON object, of at most 262,144 bytes and 64 levels"))
        .build()
);

schema_of_fields!(FrameRate, FrameRateFields);
schema_of_fields!(Channel, ChannelFields);
schema_of_fields!(Video, VideoFields);
schema_of_fields!(Transcript, TranscriptFields);
schema_of_fields!(KnowledgeGraph, KnowledgeGraphFields);
schema_of_fields!(Playlist, PlaylistFields);
schema_of_fields!(MediaFile, MediaFileFields);
