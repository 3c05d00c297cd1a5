//! `/api/v1/graphs`

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{
    ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId, KnowledgeGraphSummary,
    ValidationError, VideoId,
};
use tubeatlas_ports::{
    Cursor, IdGenerator, KnowledgeGraphFilter, KnowledgeGraphOrder, Repositories, Visibility, WriteRepository,
};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::accept::{Offer, chosen};
use super::conditions::{Conditions, etag};
use super::openapi::{Describe, Description};
use super::params::{Params, Segments, page};
use super::resource::{Resource, Tagged, find, listed, not_modified, writes};
use super::{ApiError, Service};
use crate::graphs;

impl Resource for KnowledgeGraph {
    type Fields = KnowledgeGraphFields;
    type Segments = String;

    const COLLECTION: &'static str = "/graphs";
    const ITEM: &'static str = "/graphs/{id}";

    fn id_of(segments: String) -> Result<KnowledgeGraphId, ValidationError> {
        segments.parse()
    }

    fn path_of(id: &KnowledgeGraphId) -> String {
        format!("/graphs/{id}")
    }

    fn id_fields(id: &KnowledgeGraphId) -> Vec<(&'static str, Value)> {
        vec![("id", id.to_string().into())]
    }

    fn fresh_id(ids: &dyn IdGenerator) -> Option<KnowledgeGraphId> {
        Some(KnowledgeGraphId::new(ids.new_id()))
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

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<KnowledgeGraph>("list", "The graphs, without what is in them")
        .query::<ListParams>()
        .page::<KnowledgeGraphSummary>("A page of them");
    let get_operation = Description::of::<KnowledgeGraph>("get", "A graph, as JSON or GraphML")
        .query::<OneParams>()
        .if_none_match("304 if it is still this")
        .stored_or::<KnowledgeGraph>("200", "The graph", &["application/graphml+xml"])
        .empty("304", "It is still what the client has");
    writes::<KnowledgeGraph>()
        .describe(KnowledgeGraph::COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
        .describe(KnowledgeGraph::ITEM, HttpMethod::Get, get_operation, routing::get(one))
}
