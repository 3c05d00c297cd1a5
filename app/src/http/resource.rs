//! What all entities have in common over HTTP: they are created, put, changed, deleted, and written by batches.

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, routing};
use futures::FutureExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tubeatlas_domain::{Entity, EntityKind, ValidationError};
use tubeatlas_ports::{
    Catalogued, Error, IdGenerator, MAX_BATCH, Page, Repositories, Repository, Revision, Stored, Upserted,
    Visibility, WriteRepository,
};
use utoipa::ToSchema;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::body::{self, JsonBody, JsonObject};
use super::conditions::{Conditions, etag};
use super::openapi::{self, Describe, Description, Form, sent};
use super::params::{Mounted, Segments};
use super::{ApiError, CommitOnSuccess, Service};

/// An entity as the service offers it.
pub(super) trait Resource:
    Catalogued
    + Entity<Id: DeserializeOwned + Serialize + ToSchema>
    + Serialize
    + ToSchema
    + TryFrom<Self::Fields, Error = ValidationError>
{
    /// Its fields, not yet checked.
    type Fields: DeserializeOwned + Send;
    /// What the path of one holds.
    type Segments: DeserializeOwned + Send + 'static;

    /// Where they are listed and created.
    const COLLECTION: &'static str;
    /// Where one is, with the names of the segments that are its id.
    const ITEM: &'static str;

    /// The id that the path names.
    fn id_of(segments: Self::Segments) -> Result<Self::Id, ValidationError>;

    /// Where this one is, below the API's root.
    fn path_of(id: &Self::Id) -> String;

    /// The fields of it that are its id.
    fn id_fields(id: &Self::Id) -> Vec<(&'static str, Value)>;

    /// What makes the id of one that is created without any; most bring theirs.
    const FRESH_ID: Option<fn(&dyn IdGenerator) -> Self::Id> = None;

    /// Where they are kept.
    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self>;
}

/// What is stored, with its revision as `ETag`.
pub(super) struct Tagged<E>(pub(super) Stored<E>);

impl<E: Serialize> IntoResponse for Tagged<E> {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.0.revision))], Json(self.0)).into_response()
    }
}

/// One as it is stored, or 304 if the client has it.
async fn one<R: Resource>(
    State(service): State<Service>,
    Segments(segments): Segments<R::Segments>,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let stored = find(R::repository(service.store.as_ref()), &R::id_of(segments)?).await?;
    Ok(match conditions.has(stored.revision) {
        true => not_modified(stored.revision),
        false => Tagged(stored).into_response(),
    })
}

pub(super) fn not_modified(revision: Revision) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, etag(revision))]).into_response()
}

/// One that is there and not deleted.
pub(super) async fn find<E: Catalogued>(
    repository: &(impl Repository<E> + ?Sized),
    id: &E::Id,
) -> Result<Stored<E>, ApiError> {
    let found = repository.get(id, Visibility::Live).await?;
    Ok(found.ok_or_else(|| Error::not_found::<E>(id))?)
}

/// A page of a list, and where the next one is, as `Link`
/// ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
pub(super) fn listed<T: Serialize>(OriginalUri(uri): &OriginalUri, page: Page<T>) -> Response {
    let link = page.next.as_ref().and_then(|cursor| next_link(uri, cursor.as_str()));
    let mut response = Json(page).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

pub(super) fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<&str> = kept.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    let target = format!("{}?{}{separator}cursor={cursor}", uri.path(), query.join("&"));
    HeaderValue::from_str(&format!("<{target}>; rel=\"next\"")).ok()
}

fn created<R: Resource>(stored: Stored<R>, mounted: &Mounted) -> Result<Response, ApiError> {
    let location = mounted.location(&R::path_of(&stored.entity.id()))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Tagged(stored)).into_response())
}

/// What an upsert left alone because it, or its video, was deleted.
fn left_deleted<R: Resource>(id: &R::Id) -> ApiError {
    let detail = format!(
        "the {} {:?}, or what it belongs to, is deleted; restore that first",
        R::KIND,
        id.to_string()
    );
    ApiError::new(StatusCode::CONFLICT, "deleted", detail)
}

/// Puts the id that a path names into the fields. What the client says there must be the same.
fn with_id<R: Resource>(mut fields: Map<String, Value>, id: &R::Id) -> Result<Map<String, Value>, ApiError> {
    for (name, value) in R::id_fields(id) {
        match fields.get(name) {
            Some(given) if *given != value => {
                let detail = format!("is {given}, and the path says {value}");
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at(name));
            }
            _ => fields.insert(name.to_owned(), value),
        };
    }
    Ok(fields)
}

/// Gives fields that may come without an id one.
fn give_id<R: Resource>(fields: &mut Map<String, Value>, ids: &dyn IdGenerator) {
    if let Some(make) = R::FRESH_ID {
        for (name, value) in R::id_fields(&make(ids)) {
            fields.entry(name).or_insert(value);
        }
    }
}

async fn create<R: Resource>(
    State(service): State<Service>,
    mounted: Mounted,
    JsonObject(mut fields): JsonObject,
) -> Result<Response, ApiError> {
    give_id::<R>(&mut fields, service.ids.as_ref());
    let entity: R = body::entity(fields)?;
    created(R::repository(service.store.as_ref()).create(&entity).await?, &mounted)
}

async fn put<R: Resource>(
    State(service): State<Service>,
    unit: CommitOnSuccess,
    Segments(segments): Segments<R::Segments>,
    conditions: Conditions,
    mounted: Mounted,
    JsonObject(fields): JsonObject,
) -> Result<Response, ApiError> {
    let id = R::id_of(segments)?;
    let entity: R = body::entity(with_id::<R>(fields, &id)?)?;
    if conditions.create_only()? {
        return match R::repository(service.store.as_ref()).create(&entity).await {
            Err(error @ Error::AlreadyExists { field: "id", .. }) => {
                Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "revision", error.to_string())
                    .at("If-None-Match"))
            }
            stored => created(stored?, &mounted),
        };
    }
    let upserted = match conditions.has_if_match() {
        // A call that is alone is a transaction of its own.
        false => R::repository(service.store.as_ref()).upsert(&entity).await?,
        true => {
            let (id, entity, conditions) = (&id, &entity, &conditions);
            unit.run(|unit| {
                async move {
                    let repository = R::repository(unit);
                    conditions.check(repository.get(id, Visibility::Live).await?.as_ref(), id)?;
                    Ok::<_, ApiError>(Upserted::Updated(repository.update(entity, None).await?))
                }
                .boxed()
            })
            .await?
        }
    };
    match upserted {
        Upserted::Created(stored) => created(stored, &mounted),
        Upserted::Updated(stored) | Upserted::Unchanged(stored) => Ok(Tagged(stored).into_response()),
        Upserted::LeftDeleted => Err(left_deleted::<R>(&id)),
    }
}

async fn patch<R: Resource>(
    unit: CommitOnSuccess,
    Segments(segments): Segments<R::Segments>,
    conditions: Conditions,
    JsonObject(changes): JsonObject,
) -> Result<Tagged<R>, ApiError> {
    let id = R::id_of(segments)?;
    conditions.required()?;
    let (id, conditions, changes) = (&id, &conditions, &changes);
    unit.run(|unit| {
        async move {
            let repository = R::repository(unit);
            let stored = repository.get(id, Visibility::Live).await?;
            conditions.check(stored.as_ref(), id)?;
            let stored = stored.ok_or_else(|| Error::not_found::<R>(id))?;
            let Ok(Value::Object(mut fields)) = serde_json::to_value(&stored.entity) else {
                return Err(ApiError::internal());
            };
            body::merge(&mut fields, changes.clone());
            let entity: R = body::entity(with_id::<R>(fields, id)?)?;
            Ok(Tagged(repository.update(&entity, None).await?))
        }
        .boxed()
    })
    .await
}

async fn delete<R: Resource>(
    State(service): State<Service>,
    unit: CommitOnSuccess,
    Segments(segments): Segments<R::Segments>,
    conditions: Conditions,
) -> Result<StatusCode, ApiError> {
    let id = R::id_of(segments)?;
    if !conditions.has_if_match() {
        R::repository(service.store.as_ref()).delete(&id, None).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let (id, conditions) = (&id, &conditions);
    unit.run(|unit| {
        async move {
            let repository = R::repository(unit);
            conditions.check(repository.get(id, Visibility::Live).await?.as_ref(), id)?;
            repository.delete(id, None).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        .boxed()
    })
    .await
}

/// Writes that are done one after the other, all or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<I> {
    operations: Vec<BatchOperation<I>>,
}

/// One of the writes of a batch; [`openapi::batch`] describes it.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum BatchOperation<I> {
    Create { entity: Map<String, Value> },
    Upsert { entity: Map<String, Value> },
    Update { entity: Map<String, Value>, revision: Option<Revision> },
    Delete { id: I, revision: Option<Revision> },
}

/// What became of a batch.
#[derive(Debug, Serialize)]
struct BatchResults<I> {
    /// One for each operation, in their order.
    results: Vec<BatchResult<I>>,
}

/// What became of one of the writes of a batch.
#[derive(Debug, Serialize)]
struct BatchResult<I> {
    /// The id of what was written.
    id: I,
    /// What was done.
    outcome: Outcome,
    /// The revision that it is at, if it is there.
    revision: Option<Revision>,
}

/// What a write did.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is new.
    Created,
    /// It was there, and is now as it was asked to be.
    Updated,
    /// It was so already.
    Unchanged,
    /// It is gone.
    Deleted,
    /// It, or what it belongs to, was deleted before, and stays so.
    LeftDeleted,
}

/// A write that was read and checked.
enum Write<R: Resource> {
    Create(R),
    Upsert(R),
    Update(R, Option<Revision>),
    Delete(R::Id, Option<Revision>),
}

impl<R: Resource> Write<R> {
    fn read(operation: BatchOperation<R::Id>, ids: &dyn IdGenerator) -> Result<Self, ApiError> {
        Ok(match operation {
            BatchOperation::Create { mut entity } => {
                give_id::<R>(&mut entity, ids);
                Self::Create(body::entity(entity).map_err(|error| error.within("entity"))?)
            }
            BatchOperation::Upsert { entity } => {
                Self::Upsert(body::entity(entity).map_err(|error| error.within("entity"))?)
            }
            BatchOperation::Update { entity, revision } => {
                Self::Update(body::entity(entity).map_err(|error| error.within("entity"))?, revision)
            }
            BatchOperation::Delete { id, revision } => Self::Delete(id, revision),
        })
    }

    async fn run(&self, repository: &dyn WriteRepository<R>) -> Result<BatchResult<R::Id>, Error> {
        let (id, outcome, revision) = match self {
            Self::Create(entity) => {
                (entity.id(), Outcome::Created, Some(repository.create(entity).await?.revision))
            }
            Self::Upsert(entity) => match repository.upsert(entity).await? {
                Upserted::Created(stored) => (entity.id(), Outcome::Created, Some(stored.revision)),
                Upserted::Updated(stored) => (entity.id(), Outcome::Updated, Some(stored.revision)),
                Upserted::Unchanged(stored) => (entity.id(), Outcome::Unchanged, Some(stored.revision)),
                Upserted::LeftDeleted => (entity.id(), Outcome::LeftDeleted, None),
            },
            Self::Update(entity, expected) => {
                (entity.id(), Outcome::Updated, Some(repository.update(entity, *expected).await?.revision))
            }
            Self::Delete(id, expected) => {
                repository.delete(id, *expected).await?;
                (id.clone(), Outcome::Deleted, None)
            }
        };
        Ok(BatchResult { id, outcome, revision })
    }
}

async fn batch<R: Resource>(
    State(service): State<Service>,
    unit: CommitOnSuccess,
    JsonBody(batch): JsonBody<Batch<R::Id>>,
) -> Result<Json<BatchResults<R::Id>>, ApiError> {
    if batch.operations.len() > MAX_BATCH {
        let detail = format!("are {}, more than {MAX_BATCH}", batch.operations.len());
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at("operations"));
    }
    let place = |n: usize| format!("operations[{n}]");
    let mut writes = Vec::with_capacity(batch.operations.len());
    for (n, operation) in batch.operations.into_iter().enumerate() {
        let write = Write::<R>::read(operation, service.ids.as_ref());
        writes.push(write.map_err(|error| error.within(&place(n)))?);
    }
    let writes = &writes;
    unit.run(|unit| {
        async move {
            let mut results = Vec::with_capacity(writes.len());
            for (n, write) in writes.iter().enumerate() {
                let result = write.run(R::repository(unit)).await;
                results.push(result.map_err(|error| ApiError::from(error).within(&place(n)))?);
            }
            Ok(Json(BatchResults { results }))
        }
        .boxed()
    })
    .await
}

/// `GET` of one, for entities that are given as JSON alone.
pub(super) fn item<R: Resource>(summary: &str) -> OpenApiRouter<Service> {
    let operation = Description::of::<R>("get", summary).one::<R>(&[]);
    OpenApiRouter::new().describe(R::ITEM, HttpMethod::Get, operation, routing::get(one::<R>))
}

/// All that is the same for every entity: create, put, patch, delete, batch.
pub(super) fn writes<R: Resource>() -> OpenApiRouter<Service> {
    let one = R::KIND.to_string();
    let describe = |verb: &str, summary: String| Description::of::<R>(verb, summary);
    let create_operation = describe("create", format!("Store a new {one}"))
        .body(sent::<R>(Form::Create))
        .created::<R>("201", "It is there");
    let put_operation = describe("put", format!("Store a {one}, be it new or there already"))
        .if_match(false)
        .create_only("With * it is only created, and nothing that is there is changed")
        .body(sent::<R>(Form::Put))
        .stored::<R>("200", "It was there, and is now as it was sent")
        .created::<R>("201", "It is new");
    let patch_operation =
        describe("update", format!("Change fields of a {one} (JSON merge patch, RFC 7396)"))
            .if_match(true)
            .body_as(&["application/json", "application/merge-patch+json"], sent::<R>(Form::Changes))
            .stored::<R>("200", "It is as it is now");
    let delete_operation =
        describe("delete", delete_summary::<R>()).if_match(false).empty("204", "It is deleted");
    let batch_operation = describe("batch", format!("Write several {one}s, all or none"))
        .body(openapi::batch::<R>)
        .json("200", "All were done", openapi::batch_results::<R>);
    OpenApiRouter::new()
        .describe(R::COLLECTION, HttpMethod::Post, create_operation, routing::post(create::<R>))
        .describe(R::ITEM, HttpMethod::Put, put_operation, routing::put(put::<R>))
        .describe(R::ITEM, HttpMethod::Patch, patch_operation, routing::patch(patch::<R>))
        .describe(R::ITEM, HttpMethod::Delete, delete_operation, routing::delete(delete::<R>))
        .describe(
            &format!("{}/_batch", R::COLLECTION),
            HttpMethod::Post,
            batch_operation,
            routing::post(batch::<R>),
        )
}

fn delete_summary<R: Resource>() -> String {
    match R::KIND {
        EntityKind::Video | EntityKind::Playlist => {
            format!("Delete a {}; it can be restored until it is purged", R::KIND)
        }
        kind => format!("Delete a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        for (uri, link) in [
            ("/api/v1/videos", "</api/v1/videos?cursor=abc>; rel=\"next\""),
            (
                "/api/v1/videos?limit=3&cursor=old&order=id",
                "</api/v1/videos?limit=3&order=id&cursor=abc>; rel=\"next\"",
            ),
        ] {
            assert_eq!(next_link(&uri.parse().unwrap(), "abc").unwrap(), link);
        }
    }
}
