//! Schemas (OpenAPI 3.1) of what has a JSON form of its own.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::{Cursor, MAX_CURSOR_BYTES, Revision};

impl PartialSchema for Revision {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(1))
            .description(Some(
                "The number of a change; each change of a thing has a larger one than those before",
            ))
            .build()
            .into()
    }
}

impl ToSchema for Revision {
    fn name() -> Cow<'static, str> {
        "Revision".into()
    }
}

impl PartialSchema for Cursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX_CURSOR_BYTES))
            .description(Some("Where the next page begins; good for the same list, order and filter"))
            .build()
            .into()
    }
}

impl ToSchema for Cursor {
    fn name() -> Cow<'static, str> {
        "Cursor".into()
    }
}
