//! Schemas (OpenAPI 3.1) of what has a JSON form of its own: ids, times, and entities, whose fields are checked.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::channel::{MAX_CHANNEL_TITLE_BYTES, MAX_HANDLE_BYTES};
use crate::knowledge_graph::MAX_GRAPH_ELEMENTS;
use crate::language::MAX_LANGUAGE_TAG_BYTES;
use crate::media_file::{FrameRateFields, MAX_PATH_BYTES, MAX_PIXELS};
use crate::playlist::MAX_PLAYLIST_VIDEOS;
use crate::transcript::MAX_CUES;
use crate::validate::MAX_URL_BYTES;
use crate::video::{MAX_CHAPTERS, MAX_DESCRIPTION_BYTES, MAX_LABEL_BYTES, MAX_TAGS, MAX_TITLE_BYTES};
use crate::{
    Channel, ChannelFields, ChannelId, FrameRate, GraphOwner, JsonObject, KnowledgeGraph,
    KnowledgeGraphFields, KnowledgeGraphId, LanguageTag, LeaseToken, MAX_TEXT_ID_BYTES, MediaFile,
    MediaFileFields, MediaFileId, Playlist, PlaylistFields, PlaylistId, ProcessingTaskId, Progress, TaskKind,
    Timestamp, Transcript, TranscriptFields, Video, VideoFields, VideoId, WorkerId,
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

/// An entity, or a value, has the schema of its fields, within the bounds that its constructor checks.
macro_rules! schema_of_fields {
    ($type:ident, $fields:ident, [$(($field:literal, $bound:expr)),* $(,)?]) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                bounded($fields::schema(), &[$(($field, $bound)),*])
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

/// What the derived schema of a field cannot know. Lengths are of bytes, and a schema counts characters: what is longer in
/// characters is longer in bytes, too.
enum Bound {
    /// A text that is no longer.
    Text(usize),
    /// A text that is neither empty nor longer.
    Filled(usize),
    /// A web address.
    Url,
    /// A number between these two.
    Range(u32, u32),
    /// A list with no more items.
    Items(usize),
    /// A list with no more texts, each no longer than the second number.
    Texts(usize, usize),
}

impl Bound {
    fn apply(&self, schema: Schema) -> Schema {
        match (self, schema) {
            (Self::Text(max), Schema::Object(it)) => {
                ObjectBuilder::from(it).max_length(Some(*max)).build().into()
            }
            (Self::Filled(max), Schema::Object(it)) => {
                ObjectBuilder::from(it).min_length(Some(1)).max_length(Some(*max)).build().into()
            }
            (Self::Url, Schema::Object(it)) => {
                ObjectBuilder::from(it).max_length(Some(MAX_URL_BYTES)).pattern(Some(URL)).build().into()
            }
            (Self::Range(min, max), Schema::Object(it)) => {
                ObjectBuilder::from(it).minimum(Some(*min)).maximum(Some(*max)).build().into()
            }
            (Self::Items(max), Schema::Array(it)) => {
                ArrayBuilder::from(it).max_items(Some(*max)).build().into()
            }
            (Self::Texts(max, length), Schema::Array(it)) => {
                let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(*length));
                ArrayBuilder::from(it).max_items(Some(*max)).items(text).build().into()
            }
            (_, other) => other,
        }
    }
}

fn bounded(schema: RefOr<Schema>, bounds: &[(&str, Bound)]) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else { return schema };
    for (field, bound) in bounds {
        if let Some(RefOr::T(schema)) = object.properties.get_mut(*field) {
            *schema = bound.apply(std::mem::take(schema));
        }
    }
    object.into()
}

/// `http` or `https`, without white space or control characters.
const URL: &str = r"^https?://[^\s\u0000-\u001f\u007f-\u009f]*$";

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

schema!(GraphOwner, owner());

/// One of them, and nothing beside it.
fn owner() -> Schema {
    let of = |name: &str, id: RefOr<Schema>| {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property(name, id)
            .required(name)
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
    };
    let owner = OneOfBuilder::new()
        .item(of("video", VideoId::schema()))
        .item(of("channel", ChannelId::schema()))
        .description(Some("What a graph is about: a video, or a whole channel"));
    Schema::OneOf(owner.build())
}

schema_of_fields!(
    FrameRate,
    FrameRateFields,
    [("numerator", Bound::Range(1, MAX_PIXELS)), ("denominator", Bound::Range(1, MAX_PIXELS))]
);
schema_of_fields!(
    Channel,
    ChannelFields,
    [
        ("title", Bound::Text(MAX_CHANNEL_TITLE_BYTES)),
        ("handle", Bound::Text(MAX_HANDLE_BYTES)),
        ("url", Bound::Url),
    ]
);
schema_of_fields!(
    Video,
    VideoFields,
    [
        ("title", Bound::Text(MAX_TITLE_BYTES)),
        ("description", Bound::Text(MAX_DESCRIPTION_BYTES)),
        ("url", Bound::Url),
        ("category_id", Bound::Text(MAX_LABEL_BYTES)),
        ("category_name", Bound::Text(MAX_LABEL_BYTES)),
        ("tags", Bound::Texts(MAX_TAGS, MAX_LABEL_BYTES)),
        ("thumbnail_url", Bound::Url),
        ("chapters", Bound::Items(MAX_CHAPTERS)),
    ]
);
schema_of_fields!(Transcript, TranscriptFields, [("cues", Bound::Items(MAX_CUES))]);
schema_of_fields!(
    KnowledgeGraph,
    KnowledgeGraphFields,
    [
        ("model", Bound::Text(MAX_LABEL_BYTES)),
        ("version", Bound::Range(1, i32::MAX.unsigned_abs())),
        ("entities", Bound::Items(MAX_GRAPH_ELEMENTS)),
        ("relations", Bound::Items(MAX_GRAPH_ELEMENTS)),
    ]
);
schema_of_fields!(
    Playlist,
    PlaylistFields,
    [
        ("title", Bound::Text(MAX_TITLE_BYTES)),
        ("description", Bound::Text(MAX_DESCRIPTION_BYTES)),
        ("url", Bound::Url),
        ("videos", Bound::Items(MAX_PLAYLIST_VIDEOS)),
    ]
);
schema_of_fields!(
    MediaFile,
    MediaFileFields,
    [
        ("path", Bound::Filled(MAX_PATH_BYTES)),
        ("file_name", Bound::Filled(MAX_PATH_BYTES)),
        ("width", Bound::Range(0, MAX_PIXELS)),
        ("height", Bound::Range(0, MAX_PIXELS)),
        ("video_codec", Bound::Text(MAX_LABEL_BYTES)),
        ("audio_codec", Bound::Text(MAX_LABEL_BYTES)),
        ("thumbnail_path", Bound::Text(MAX_PATH_BYTES)),
    ]
);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::knowledge_graph::MAX_GRAPH_NAME_BYTES;
    use crate::transcript::MAX_CUE_TEXT_BYTES;
    use crate::{Chapter, Cue, GraphEntity, GraphRelation};

    fn schema<T: PartialSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn bounds_are_in_the_schema_beside_what_was_derived() {
        let video = schema::<Video>();
        let url = &video["properties"]["url"];
        assert_eq!((&url["type"], &url["maxLength"]), (&json!(["string", "null"]), &json!(MAX_URL_BYTES)));
        assert_eq!((&url["pattern"], url["description"].is_string()), (&json!(URL), true));
        assert_eq!(video["properties"]["tags"]["items"]["maxLength"], MAX_LABEL_BYTES);
        let rate = schema::<FrameRate>();
        assert_eq!(rate["properties"]["denominator"]["minimum"], 1);
        assert_eq!(rate["properties"]["denominator"]["maximum"], MAX_PIXELS);
    }

    /// An attribute takes no constants.
    #[test]
    fn lengths_in_attributes_are_those_that_are_checked() {
        for (schema, field, max) in [
            (schema::<Chapter>(), "title", MAX_TITLE_BYTES),
            (schema::<Cue>(), "text", MAX_CUE_TEXT_BYTES),
            (schema::<GraphEntity>(), "name", MAX_GRAPH_NAME_BYTES),
            (schema::<GraphEntity>(), "kind", MAX_LABEL_BYTES),
            (schema::<GraphRelation>(), "subject", MAX_GRAPH_NAME_BYTES),
            (schema::<GraphRelation>(), "predicate", MAX_GRAPH_NAME_BYTES),
            (schema::<GraphRelation>(), "object", MAX_GRAPH_NAME_BYTES),
        ] {
            assert_eq!(schema["properties"][field]["maxLength"], max, "{field}");
        }
    }
}
