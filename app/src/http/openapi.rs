//! What the service says of itself: an OpenAPI 3.1 document at `/api/v1/openapi.json`, made of the routes and of the types
//! that they read and answer, and an explorer of it at `/docs`.

use axum::routing::MethodRouter;
use serde_json::{Value, json};
use tubeatlas_domain::{
    ChannelId, KnowledgeGraphSummary, LanguageTag, MAX_NUMBER, TaskKind, TaskStatus, Timestamp, VideoId,
};
use tubeatlas_ports::{
    ChannelOrder, Cursor, KnowledgeGraphOrder, MAX_BATCH, MediaFileOrder, PlaylistOrder, ProcessingTaskOrder,
    Revision, SearchOrder, TranscriptOrder, VideoOrder, Visibility,
};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, Array, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Header, HeaderBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Required, ResponseBuilder, Schema,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::Service;
use super::body::STORED;
use super::conditions::TAGS_PATTERN;
use super::error::{PROBLEM_JSON, Problem};
use super::resource::Resource;

/// The schemas that are referred to by name.
pub(super) type Schemas = Vec<(String, RefOr<Schema>)>;

/// An operation that is being described, and the schemas that it refers to.
pub(super) struct Description {
    operation: OperationBuilder,
    schemas: Schemas,
    id_schema: fn() -> RefOr<Schema>,
}

/// Adds routes together with what the document says of them.
pub(super) trait Describe {
    /// A route. The segments of the path that vary are described as well.
    fn describe(
        self,
        path: &str,
        method: HttpMethod,
        description: Description,
        handler: MethodRouter<Service>,
    ) -> Self;
}

impl Describe for OpenApiRouter<Service> {
    fn describe(
        self,
        path: &str,
        method: HttpMethod,
        description: Description,
        handler: MethodRouter<Service>,
    ) -> Self {
        let Description { operation, schemas, id_schema } = description;
        let operation = segments(path).fold(operation, |operation, name| {
            let schema = match name {
                "video_id" => VideoId::schema(),
                "language" => LanguageTag::schema(),
                _ => id_schema(),
            };
            operation.parameter(parameter(ParameterIn::Path, name, schema, true, None))
        });
        let mut paths = Paths::new();
        paths.paths.insert(path.to_owned(), PathItem::new(method, operation));
        self.routes((schemas, paths, handler))
    }
}

/// The names of the segments that vary.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(
    place: ParameterIn,
    name: &str,
    schema: RefOr<Schema>,
    required: bool,
    description: Option<&str>,
) -> Parameter {
    let required = if required { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.schema(Some(schema)).description(description).build()
}

impl Description {
    /// An operation on this sort of entity; its id is `verb` and the entity's name.
    pub(super) fn of<R: Resource>(verb: &str, summary: impl Into<String>) -> Self {
        let tag = R::COLLECTION.trim_start_matches('/');
        Self::new(tag, &format!("{verb}{}", R::name()), summary).with_id(R::Id::schema)
    }

    /// An operation of this group, with an id of its own.
    pub(super) fn new(tag: &str, id: &str, summary: impl Into<String>) -> Self {
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary));
        Self { operation, schemas: Vec::new(), id_schema: String::schema }
    }

    /// What the segment `id` of its path is.
    pub(super) fn with_id(self, id_schema: fn() -> RefOr<Schema>) -> Self {
        Self { id_schema, ..self }
    }

    fn map(self, change: impl FnOnce(OperationBuilder, &mut Schemas) -> OperationBuilder) -> Self {
        let Self { operation, mut schemas, id_schema } = self;
        let operation = change(operation, &mut schemas);
        Self { operation, schemas, id_schema }
    }

    /// The query.
    pub(super) fn query<P: IntoParams>(self) -> Self {
        self.map(|operation, _| {
            let query = P::into_params(|| Some(ParameterIn::Query));
            query.into_iter().fold(operation, OperationBuilder::parameter)
        })
    }

    /// A header with a text of this pattern, and an example of it.
    fn header(self, name: &str, description: &str, (pattern, example): (&str, &str), required: bool) -> Self {
        self.map(|operation, _| {
            let schema =
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples([example]);
            let schema = schema.into();
            operation.parameter(parameter(ParameterIn::Header, name, schema, required, Some(description)))
        })
    }

    /// `If-Match`, which a change may need.
    pub(super) fn if_match(self, required: bool) -> Self {
        let description = "The ETag that was read (a revision in quotes): it is only done if it is still that; \
                           * for whatever is there";
        self.header("If-Match", description, (TAGS_PATTERN, "*"), required)
    }

    /// `If-None-Match: *`, and what comes of it.
    pub(super) fn create_only(self, description: &str) -> Self {
        self.map(|operation, _| {
            let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["*"])).into();
            let header = parameter(ParameterIn::Header, "If-None-Match", schema, false, Some(description));
            operation.parameter(header)
        })
    }

    /// `Range`, of one part or several.
    pub(super) fn range(self) -> Self {
        self.header("Range", "The part that is wanted, in bytes", (RANGE_PATTERN, "bytes=0-4"), false)
    }

    /// The body, as JSON.
    pub(super) fn body(self, schema: impl FnOnce(&mut Schemas) -> RefOr<Schema>) -> Self {
        self.body_as(&["application/json"], schema)
    }

    /// The body, as any of these kinds of JSON.
    pub(super) fn body_as(
        self,
        media_types: &[&str],
        schema: impl FnOnce(&mut Schemas) -> RefOr<Schema>,
    ) -> Self {
        self.map(|operation, schemas| {
            let content = ContentBuilder::new().schema(Some(schema(schemas))).build();
            let body = media_types.iter().fold(RequestBodyBuilder::new(), |body, media_type| {
                body.content(*media_type, content.clone())
            });
            operation.request_body(Some(body.required(Some(Required::True)).build()))
        })
    }

    fn answer(self, status: &str, response: impl FnOnce(&mut Schemas) -> ResponseBuilder) -> Self {
        self.map(|operation, schemas| {
            let response = response(schemas).build();
            operation.response(status, response)
        })
    }

    /// An answer without a body.
    pub(super) fn empty(self, status: &str, description: &str) -> Self {
        self.answer(status, |_| ResponseBuilder::new().description(description))
    }

    /// An answer as JSON.
    pub(super) fn json(
        self,
        status: &str,
        description: &str,
        schema: impl FnOnce(&mut Schemas) -> RefOr<Schema>,
    ) -> Self {
        self.answer(status, |schemas| {
            let content = ContentBuilder::new().schema(Some(schema(schemas))).build();
            ResponseBuilder::new().description(description).content("application/json", content)
        })
    }

    /// One as it is stored, also in these other media types, as text; or 304 if the client has it.
    pub(super) fn one<E: ToSchema>(self, others: &[&str]) -> Self {
        let condition = "The ETag that was read before: the answer is 304 if it is still that";
        self.header("If-None-Match", condition, (TAGS_PATTERN, "\"17\""), false)
            .answer("200", |schemas| {
                let response = stored_response::<E>(schemas, "It, as it is stored");
                others.iter().fold(response, |response, media_type| {
                    response
                        .content(*media_type, ContentBuilder::new().schema(Some(String::schema())).build())
                })
            })
            .empty("304", "It is still what the client has")
    }

    /// One as it is stored, with its `ETag`.
    pub(super) fn stored<E: ToSchema>(self, status: &str, description: &str) -> Self {
        self.answer(status, |schemas| stored_response::<E>(schemas, description))
    }

    /// One that is new, with its `ETag` and where it is.
    pub(super) fn created<E: ToSchema>(self, status: &str, description: &str) -> Self {
        self.answer(status, |schemas| {
            stored_response::<E>(schemas, description).header("Location", header("Where it is"))
        })
    }

    /// A page of what is stored.
    pub(super) fn page<T: ToSchema>(self, description: &str) -> Self {
        self.answer("200", |schemas| {
            let content = ContentBuilder::new().schema(Some(page::<T>(schemas))).build();
            let link = header("The next page, if there is one (rel=\"next\")");
            let response = ResponseBuilder::new().description(description).header("Link", link);
            response.content("application/json", content)
        })
    }

    /// Bytes of one of these media types, of which no more is said.
    pub(super) fn bytes(self, status: &str, description: &str, media_types: &[&str]) -> Self {
        self.answer(status, |_| {
            media_types
                .iter()
                .fold(ResponseBuilder::new().description(description), |response, media_type| {
                    response.content(*media_type, ContentBuilder::new().build())
                })
        })
    }

    /// Server-sent events; in OpenAPI 3.1 the schema is that of one event.
    pub(super) fn events(self, description: &str, names: [&str; 2]) -> Self {
        self.answer("200", |_| {
            let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
            let event = object()
                .property("event", name)
                .property("id", String::schema())
                .property("data", String::schema())
                .required("event")
                .required("data");
            let content = ContentBuilder::new().schema(Some(event)).build();
            ResponseBuilder::new().description(description).content("text/event-stream", content)
        })
    }
}

/// One part or several, of bytes.
const RANGE_PATTERN: &str = "^bytes=[0-9]+-[0-9]*$";

fn header(description: &str) -> Header {
    HeaderBuilder::new().schema(Some(String::schema())).description(Some(description)).build()
}

fn stored_response<E: ToSchema>(schemas: &mut Schemas, description: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(stored::<E>(schemas))).build();
    let response = ResponseBuilder::new().description(description);
    response.header("ETag", header("Its revision, in quotes")).content("application/json", content)
}

/// The schema of a type, by name.
pub(super) fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    named(schemas, T::name().into_owned(), T::schema())
}

fn named(schemas: &mut Schemas, name: String, schema: RefOr<Schema>) -> RefOr<Schema> {
    let reference = Ref::from_schema_name(&name);
    schemas.push((name, schema));
    reference.into()
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

fn array(items: RefOr<Schema>) -> Array {
    ArrayBuilder::new().items(items).build()
}

fn nullable(schema: RefOr<Schema>) -> OneOfBuilder {
    OneOfBuilder::new().item(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null))).item(schema)
}

/// An entity with what the store adds to it; see [`Stored`](tubeatlas_ports::Stored).
fn stored<E: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let entity = schema_of::<E>(schemas);
    let time = schema_of::<Timestamp>(schemas);
    let revision = schema_of::<Revision>(schemas);
    let added = object()
        .property("created_at", time.clone())
        .property("updated_at", time.clone())
        .property("revision", revision)
        .property("deleted_at", nullable(time))
        .required("created_at")
        .required("updated_at")
        .required("revision")
        .required("deleted_at");
    let schema = AllOfBuilder::new().item(entity).item(added).build();
    named(schemas, format!("Stored{}", E::name()), Schema::AllOf(schema).into())
}

/// A page of what is stored; see [`Page`](tubeatlas_ports::Page).
fn page<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    let items = array(stored::<T>(schemas));
    let cursor = schema_of::<Cursor>(schemas);
    let page = object()
        .property("items", items)
        .property("next_cursor", nullable(cursor))
        .required("items")
        .required("next_cursor");
    named(schemas, format!("{}Page", T::name()), Schema::Object(page.build()).into())
}

/// In which form a client sends an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// To create it; an id that the service can make may be absent.
    Create,
    /// Whole.
    Whole,
    /// To where the path says; its id may be absent.
    Put,
    /// As a merge patch: null removes a field that may be absent.
    Changes,
}

/// What a client sends of an entity: its fields and no others, but for what was answered with them, which is not read.
pub(super) fn sent<R: Resource>(form: Form) -> impl FnOnce(&mut Schemas) -> RefOr<Schema> {
    move |schemas| {
        R::schemas(schemas);
        let RefOr::T(Schema::Object(mut entity)) = R::schema() else { return schema_of::<R>(schemas) };
        let is_id = |field: &str| segments(R::ITEM).any(|name| name == field);
        if form == Form::Changes {
            let required = &entity.required;
            for (_, schema) in entity.properties.iter_mut().filter(|(name, _)| !required.contains(name)) {
                // The others that may be absent are nullable as they are.
                if matches!(schema, RefOr::Ref(_) | RefOr::T(Schema::Array(_))) {
                    *schema = nullable(schema.clone()).into();
                }
            }
        }
        entity.required.retain(|field| match form {
            Form::Whole => true,
            Form::Create => R::FRESH_ID.is_none() || !is_id(field),
            Form::Put => !is_id(field),
            Form::Changes => false,
        });
        for name in STORED {
            let answered = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
            let answered = answered.description(Some("As it was answered; it is not read")).into();
            entity.properties.insert(name.to_owned(), answered);
        }
        entity.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        let name = match form {
            Form::Create if R::FRESH_ID.is_some() => "New",
            Form::Create | Form::Whole => "Whole",
            Form::Put => "Put",
            Form::Changes => "Changes",
        };
        named(schemas, format!("{}{name}", R::name()), Schema::Object(entity).into())
    }
}

/// An object without any other properties.
fn closed(object: ObjectBuilder) -> ObjectBuilder {
    object.additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// The writes of a batch.
pub(super) fn batch<R: Resource>(schemas: &mut Schemas) -> RefOr<Schema> {
    let created = sent::<R>(Form::Create)(schemas);
    let whole = sent::<R>(Form::Whole)(schemas);
    let id = schema_of::<R::Id>(schemas);
    let revision = schema_of::<Revision>(schemas);
    let operation = |name: &str| {
        let op = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name])).build();
        closed(object()).property("op", op).required("op")
    };
    let with_entity = |name: &str, entity: &RefOr<Schema>| {
        operation(name).property("entity", entity.clone()).required("entity")
    };
    let expected: RefOr<Schema> =
        nullable(revision).description(Some("Only if it is still at this revision")).into();
    let operations = OneOfBuilder::new()
        .item(with_entity("create", &created))
        .item(with_entity("upsert", &whole))
        .item(with_entity("update", &whole).property("revision", expected.clone()))
        .item(operation("delete").property("id", id).required("id").property("revision", expected));
    let operations = ArrayBuilder::new().items(operations).max_items(Some(MAX_BATCH)).build();
    let batch = closed(object()).property("operations", operations).required("operations");
    named(schemas, format!("{}Batch", R::name()), Schema::Object(batch.build()).into())
}

/// What became of a batch.
pub(super) fn batch_results<R: Resource>(schemas: &mut Schemas) -> RefOr<Schema> {
    let outcome = schema_of::<super::resource::Outcome>(schemas);
    let id = schema_of::<R::Id>(schemas);
    let revision = schema_of::<Revision>(schemas);
    let result = object()
        .property("id", id)
        .property("outcome", outcome)
        .property("revision", nullable(revision))
        .required("id")
        .required("outcome")
        .required("revision");
    let results = object().property("results", array(result.into())).required("results");
    named(schemas, format!("{}BatchResults", R::name()), Schema::Object(results.build()).into())
}

/// A graph that was merged out of others; see [`Merged`](crate::graphs::Merged).
pub(super) fn merged(schemas: &mut Schemas) -> RefOr<Schema> {
    let graph = stored::<KnowledgeGraphSummary>(schemas);
    let video = schema_of::<VideoId>(schemas);
    let merged = object()
        .property("graph", graph)
        .property("videos", array(video))
        .property("repeated_relations", u64::schema())
        .required("graph")
        .required("videos")
        .required("repeated_relations");
    named(schemas, "Merged".to_owned(), Schema::Object(merged.build()).into())
}

/// What the document says before its routes are known.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tubeatlas")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "A catalogue of videos and what was said in them. Times are UTC, milliseconds count from the start of a \
             video. Every error is a problem document (RFC 9457) with a stable code. What is stored has a revision, \
             which is its ETag. Lists are read page by page: Link names the next one. \
             Not described here, as they belong to no version of the API: /health, /health/ready, /health/db and \
             /metrics for operators, and what /api/v1/media/{id}/link answers.",
        ));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A token made by `tubeatlas token create`; a service without tokens takes requests of this machine alone",
    ));
    let mut components = Components::new();
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    let optional = [SecurityRequirement::new("token", [""; 0]), SecurityRequirement::default()];
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(optional)).build()
}

/// The headers of answers that are there wherever they are described. What the document is made with cannot say it.
const ALWAYS: [&str; 2] = ["ETag", "Location"];

/// The document as it is served: every operation may answer a problem, and numbers and texts have the bounds that the
/// catalogue has for them all.
pub(super) fn document(mut openapi: OpenApi) -> Value {
    let mut schemas = Schemas::new();
    of_parameters(&mut schemas);
    let components = openapi.components.get_or_insert_default();
    components.schemas.extend(schemas);
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    bound(&mut document);
    // After the bounds, which are those of the catalogue: a problem may repeat whatever was sent.
    let mut schemas = Schemas::new();
    let problem = schema_of::<Problem>(&mut schemas);
    for (name, schema) in schemas {
        document["components"]["schemas"][name] = serde_json::to_value(schema).unwrap_or_default();
    }
    let answer = json!({"description": "What is wrong, as a problem document", "content": {PROBLEM_JSON: {"schema": problem}}});
    if let Some(paths) = document["paths"].as_object_mut() {
        let operations =
            paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
        for operation in operations {
            if let Some(responses) = operation["responses"].as_object_mut() {
                for response in responses.values_mut() {
                    for name in ALWAYS {
                        if let Some(header) = response.pointer_mut(&format!("/headers/{name}")) {
                            header["required"] = json!(true);
                        }
                    }
                }
                responses.insert("default".to_owned(), answer.clone());
            }
        }
    }
    document
}

/// The schemas of parameters, which refer to them without bringing them.
fn of_parameters(schemas: &mut Schemas) {
    schema_of::<ChannelId>(schemas);
    schema_of::<VideoId>(schemas);
    schema_of::<LanguageTag>(schemas);
    schema_of::<TaskKind>(schemas);
    schema_of::<TaskStatus>(schemas);
    schema_of::<Visibility>(schemas);
    schema_of::<Cursor>(schemas);
    schema_of::<ChannelOrder>(schemas);
    schema_of::<VideoOrder>(schemas);
    schema_of::<PlaylistOrder>(schemas);
    schema_of::<TranscriptOrder>(schemas);
    schema_of::<KnowledgeGraphOrder>(schemas);
    schema_of::<MediaFileOrder>(schemas);
    schema_of::<ProcessingTaskOrder>(schemas);
    schema_of::<SearchOrder>(schemas);
}

/// Gives every integer the largest number that is kept, and every text that has no pattern the rule that it holds no NUL.
fn bound(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let of_type = |name: &str| match map.get("type") {
                Some(Value::String(is)) => is == name,
                Some(Value::Array(any)) => any.iter().any(|is| is == name),
                _ => false,
            };
            let (is_integer, is_string) = (of_type("integer"), of_type("string"));
            if is_integer {
                let max =
                    if map.get("format") == Some(&json!("int32")) { u64::from(u32::MAX) } else { MAX_NUMBER };
                map.entry("maximum").or_insert(json!(max));
                map.remove("format");
            }
            if is_string && !["pattern", "format", "enum"].iter().any(|key| map.contains_key(*key)) {
                map.insert("pattern".to_owned(), json!(r"^[^\u0000]*$"));
            }
            map.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => (),
    }
}
