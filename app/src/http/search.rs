//! `GET /api/v1/search`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tubeatlas_domain::{ChannelId, LanguageTag, VideoId};
use tubeatlas_ports::{Cursor, DEFAULT_SEARCH_LIMIT, Error, SearchOrder, SearchRequest};

use super::params::Params;
use super::{ApiError, SharedStore};
use crate::search::{self, Hits, Within};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchParams {
    q: Option<String>,
    channel: Option<ChannelId>,
    video: Option<VideoId>,
    language: Option<LanguageTag>,
    order: Option<SearchOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
    cues: Option<u32>,
}

pub(super) async fn search(
    State(store): State<SharedStore>,
    Params(params): Params<SearchParams>,
) -> Result<Json<Hits>, ApiError> {
    let invalid = |message: String| ApiError::invalid(Some("q"), message);
    let query = params.q.ok_or_else(|| invalid("is missing; it says what to search for".to_owned()))?;
    let query = search::parse_query(&query).map_err(|error| invalid(error.problem().to_string()))?;
    let within = Within { channel_id: params.channel, video_id: params.video, language: params.language };
    let request = search::request(store.as_ref(), query, within).await.map_err(|error| match error {
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
    Ok(Json(search::search(store.as_ref(), &request).await?))
}
