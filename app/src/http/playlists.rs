//! `/api/v1/playlists`

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{
    ChannelId, Playlist, PlaylistFields, PlaylistId, PlaylistSummary, ValidationError, VideoId,
};
use tubeatlas_ports::{Cursor, PlaylistFilter, PlaylistOrder, Repositories, Visibility, WriteRepository};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description};
use super::params::{Params, encoded, page};
use super::resource::{Resource, item, listed, writes};
use super::{ApiError, Service, restorable};

impl Resource for Playlist {
    type Fields = PlaylistFields;
    type Segments = String;

    const COLLECTION: &'static str = "/playlists";
    const ITEM: &'static str = "/playlists/{id}";

    fn id_of(segments: String) -> Result<PlaylistId, ValidationError> {
        PlaylistId::parse(segments)
    }

    fn path_of(id: &PlaylistId) -> String {
        format!("/playlists/{}", encoded(id.as_str()))
    }

    fn id_fields(id: &PlaylistId) -> Vec<(&'static str, Value)> {
        vec![("id", id.as_str().into())]
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.playlists()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Of this channel.
    channel: Option<ChannelId>,
    /// With this video.
    video: Option<VideoId>,
    /// Whether those that are deleted are shown: `live` (not), `with_deleted`, `only_deleted`.
    visibility: Option<Visibility>,
    /// `title` or `id`.
    order: Option<PlaylistOrder>,
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
    let filter = PlaylistFilter {
        channel_id: params.channel,
        video_id: params.video,
        visibility: params.visibility.unwrap_or_default(),
    };
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.playlists().list(&filter, &page).await?))
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<Playlist>("list", "The playlists, without their videos")
        .query::<ListParams>()
        .page::<PlaylistSummary>("A page of them");
    writes::<Playlist>()
        .merge(item::<Playlist>("A playlist, with its videos in order"))
        .merge(restorable::routes::<Playlist>())
        .describe(Playlist::COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
}
