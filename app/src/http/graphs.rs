//! `/api/v1/graphs`

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, routing};
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{
    ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId, KnowledgeGraphSummary,
    ValidationError, VideoId,
};
use tubeatlas_ports::{
    Cursor, IdGenerator, KnowledgeGraphFilter, KnowledgeGraphOrder, MAX_PAGE_LIMIT, Repositories, Visibility,
    WriteRepository,
};
use utoipa::openapi::HttpMethod;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::accept::{Offer, chosen};
use super::body::JsonBody;
use super::conditions::{Conditions, etag};
use super::openapi::{self, Describe, Description, schema_of};
use super::params::{Mounted, Params, Segments, page};
use super::resource::{Resource, Tagged, find, listed, not_modified, writes};
use super::{ApiError, Service};
use crate::graphs::{self, Neighbours};

impl Resource for KnowledgeGraph {
    type Fields = KnowledgeGraphFields;
    type Segments = String;

    const COLLECTION: &'static str = "/graphs";
    const ITEM: &'static str = "/graphs/{id}";
    const FRESH_ID: Option<fn(&dyn IdGenerator) -> KnowledgeGraphId> =
        Some(|ids| KnowledgeGraphId::new(ids.new_id()));

    fn id_of(segments: String) -> Result<KnowledgeGraphId, ValidationError> {
        segments.parse()
    }

    fn path_of(id: &KnowledgeGraphId) -> String {
        format!("/graphs/{id}")
    }

    fn id_fields(id: &KnowledgeGraphId) -> Vec<(&'static str, Value)> {
        vec![("id", id.to_string().into())]
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.knowledge_graphs()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Of this video.
    video: Option<VideoId>,
    /// Of this channel; not together with `video`.
    channel: Option<ChannelId>,
    /// Whether those of deleted videos are shown: `live` (not), `with_deleted`, `only_deleted`.
    visibility: Option<Visibility>,
    /// `newest` or `oldest`.
    order: Option<KnowledgeGraphOrder>,
    /// How many; 50 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<Cursor>,
}

async fn list(
    State(service): State<Service>,
    uri: OriginalUri,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let owner = match (params.video, params.channel) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(Some("channel"), "a graph has one owner; give video or channel"));
        }
        (video, channel) => video.map(GraphOwner::Video).or(channel.map(GraphOwner::Channel)),
    };
    let filter = KnowledgeGraphFilter { owner, visibility: params.visibility.unwrap_or_default() };
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.knowledge_graphs().list(&filter, &page).await?))
}

/// The media types that a graph is given in.
const OFFERS: [Offer<bool>; 2] = [
    Offer { media_type: "application/json", name: "json", what: false },
    Offer { media_type: "application/graphml+xml", name: "graphml", what: true },
];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OneParams {
    /// Which of them, where `Accept` cannot be set: `json` or `graphml`.
    #[param(value_type = Option<String>, pattern = "^(json|graphml)$")]
    format: Option<String>,
}

async fn one(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    Params(params): Params<OneParams>,
    headers: HeaderMap,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let offer = chosen(&OFFERS, params.format.as_deref(), &headers)?;
    let stored = find(service.store.knowledge_graphs(), &id.parse()?).await?;
    if conditions.has(stored.revision) {
        return Ok(not_modified(stored.revision));
    }
    let mut response = match offer.what {
        false => Tagged(stored).into_response(),
        true => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("application/graphml+xml")),
                (header::ETAG, etag(stored.revision)),
            ];
            (headers, graphs::graphml(&stored.entity)).into_response()
        }
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct NeighboursParams {
    /// The entity's name; case, accents and punctuation do not count.
    entity: String,
    /// How many relations; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Leave out the first of them.
    skip: Option<u32>,
}

async fn neighbours(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    Params(params): Params<NeighboursParams>,
) -> Result<Json<Neighbours>, ApiError> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=MAX_PAGE_LIMIT).contains(&limit) {
        return Err(ApiError::invalid(
            Some("limit"),
            format!("is {limit}, and can be 1 to {MAX_PAGE_LIMIT}"),
        ));
    }
    let graph = find(service.store.knowledge_graphs(), &id.parse()?).await?;
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let skip = count(params.skip.unwrap_or_default());
    Ok(Json(graphs::neighbours(&graph, &params.entity, skip, count(limit))?))
}

/// Which graphs are to be merged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeRequest {
    /// The channel with whose videos' graphs it is done.
    channel_id: ChannelId,
}

async fn merge(
    State(service): State<Service>,
    mounted: Mounted,
    JsonBody(MergeRequest { channel_id }): JsonBody<MergeRequest>,
) -> Result<Response, ApiError> {
    let id = KnowledgeGraphId::new(service.ids.new_id());
    let merged = graphs::merge_channel(service.store.as_ref(), id, &channel_id).await?;
    let location = mounted.location(&KnowledgeGraph::path_of(&id))?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(merged)).into_response())
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<KnowledgeGraph>("list", "The graphs, without what is in them")
        .query::<ListParams>()
        .page::<KnowledgeGraphSummary>("A page of them");
    let get_operation = Description::of::<KnowledgeGraph>("get", "A graph, as JSON or GraphML")
        .query::<OneParams>()
        .one::<KnowledgeGraph>(&["application/graphml+xml"]);
    let neighbours_operation =
        Description::of::<KnowledgeGraph>("neighboursIn", "How an entity of a graph is related")
            .query::<NeighboursParams>()
            .json("200", "Its relations, in both directions", schema_of::<Neighbours>);
    let merge_operation = Description::new(
        "graphs",
        "mergeGraphsOfChannel",
        "Merge the newest graphs of a channel's videos into the next version of the channel's graph",
    )
    .body(schema_of::<MergeRequest>)
    .json("201", "The graph, without what is in it; Location says where it is", openapi::merged);
    writes::<KnowledgeGraph>()
        .describe("/graphs/{id}/neighbours", HttpMethod::Get, neighbours_operation, routing::get(neighbours))
        .describe("/graphs/_merge", HttpMethod::Post, merge_operation, routing::post(merge))
        .describe(KnowledgeGraph::COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
        .describe(KnowledgeGraph::ITEM, HttpMethod::Get, get_operation, routing::get(one))
}
