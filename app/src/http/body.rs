//! Reading the body of a request, and entities out of it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tubeatlas_domain::ValidationError;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::ApiError;

/// The body: a JSON object.
pub(super) struct JsonObject(pub(super) Map<String, Value>);

/// The body, as a type that refuses what it does not know.
pub(super) struct JsonBody<T>(pub(super) T);

/// What a client gets with every entity, and may send back; it says nothing about what is to be stored.
pub(super) const STORED: [&str; 4] = ["created_at", "updated_at", "revision", "deleted_at"];

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        check_media_type(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "invalid" };
            ApiError::new(status, code, rejection.body_text()).at("body")
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::invalid(Some("body"), format!("is no JSON object: {error}")))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonObject(map) = JsonObject::from_request(request, state).await?;
        read(map).map(Self)
    }
}

/// JSON, or a kind of it such as `application/merge-patch+json`.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let detail = format!("the body has to be application/json, and is {given:?}");
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        .at("content-type"))
}

fn read<T: DeserializeOwned>(map: Map<String, Value>) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| {
        let path = error.path().to_string();
        let shown =
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error.into_inner().to_string());
        shown.at(if path == "." { "body".to_owned() } else { path })
    })
}

/// The entity with these fields.
pub(super) fn entity<E, F>(mut map: Map<String, Value>) -> Result<E, ApiError>
where
    E: TryFrom<F, Error = ValidationError> + ToSchema,
    F: DeserializeOwned,
{
    STORED.iter().for_each(|name| {
        map.remove(*name);
    });
    if let RefOr::T(Schema::Object(schema)) = E::schema()
        && let Some(unknown) = map.keys().find(|name| !schema.properties.contains_key(*name))
    {
        let known: Vec<&str> = schema.properties.keys().map(String::as_str).collect();
        let detail = format!("there is no such field; there are {}", known.join(", "));
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at(unknown));
    }
    let fields: F = read(map)?;
    E::try_from(fields).map_err(|error| ApiError::unprocessable(&error))
}

/// Changes `target` by a merge patch ([RFC 7396](https://www.rfc-editor.org/rfc/rfc7396)): what is null goes, objects are
/// merged, everything else is replaced.
pub(super) fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(change) => match target.get_mut(&name) {
                Some(Value::Object(inner)) => merge(inner, change),
                _ => {
                    let mut inner = Map::new();
                    merge(&mut inner, change);
                    target.insert(name, Value::Object(inner));
                }
            },
            change => {
                target.insert(name, change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The table of RFC 7396, appendix A, as far as both sides are objects.
    #[test]
    fn a_merge_patch_does_what_the_standard_says() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let (mut target, Value::Object(patch)) = (target.as_object().unwrap().clone(), patch) else {
                panic!()
            };
            merge(&mut target, patch);
            assert_eq!(Value::Object(target), result);
        }
    }
}
