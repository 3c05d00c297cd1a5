//! `GET /api/v1/search`

use axum::extract::{OriginalUri, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, routing};
use serde::Deserialize;
use tubeatlas_domain::{ChannelId, LanguageTag, VideoId};
use tubeatlas_ports::{Cursor, DEFAULT_SEARCH_LIMIT, Error, SearchOrder, SearchRequest};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description, schema_of};
use super::params::Params;
use super::resource::next_link;
use super::{ApiError, Service};
use crate::search::{self, Hits, Within};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SearchParams {
    /// Words, a "phrase", prefix*, -without, one OR other, (a group), narrowed by channel: lang: kind: before: after:
    /// title:
    #[param(required = true, value_type = String, max_length = 1000)]
    q: Option<String>,
    /// Only in videos of this channel.
    channel: Option<ChannelId>,
    /// Only in this video.
    video: Option<VideoId>,
    /// Only in transcripts of this language; `en` covers `en-GB`.
    language: Option<LanguageTag>,
    /// `relevance`, `newest` or `oldest`.
    order: Option<SearchOrder>,
    /// How many; 20 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<Cursor>,
    /// How many cues a hit shows at most; 3 if absent, inside one video all.
    cues: Option<u32>,
}

async fn search(
    State(service): State<Service>,
    OriginalUri(uri): OriginalUri,
    Params(params): Params<SearchParams>,
) -> Result<Response, ApiError> {
    let store = service.store.as_ref();
    let invalid = |message: String| ApiError::invalid(Some("q"), message);
    let query = params.q.ok_or_else(|| invalid("is missing; it says what to search for".to_owned()))?;
    let query = search::parse_query(&query).map_err(|error| invalid(error.problem().to_string()))?;
    let within = Within { channel_id: params.channel, video_id: params.video, language: params.language };
    let request = search::request(store, query, within).await.map_err(|error| match error {
        Error::Invalid(error) => invalid(error.problem().to_string()),
        other => other.into(),
    })?;
    let request = SearchRequest {
        order: params.order.unwrap_or_default(),
        limit: params.limit.unwrap_or(DEFAULT_SEARCH_LIMIT),
        after: params.cursor,
        cues_per_hit: params.cues.unwrap_or(request.cues_per_hit),
        ..request
    };
    let hits = search::search(store, &request).await?;
    let link = hits.next_cursor.as_ref().and_then(|cursor| next_link(&uri, cursor.as_str()));
    let mut response = Json(hits).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let operation = Description::new("search", "search", "Where something was said")
        .query::<SearchParams>()
        .json("200", "The hits, each with the best places and links to their times", schema_of::<Hits>);
    OpenApiRouter::new().describe("/search", HttpMethod::Get, operation, routing::get(search))
}
