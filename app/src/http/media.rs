//! `/api/v1/media`

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{MediaFile, MediaFileFields, MediaFileId, ValidationError, VideoId};
use tubeatlas_ports::{
    Cursor, IdGenerator, MediaFileFilter, MediaFileOrder, Repositories, Visibility, WriteRepository,
};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::conditions::Conditions;
use super::openapi::{Describe, Description};
use super::params::{Params, Segments, page};
use super::resource::{Resource, get, listed, writes};
use super::{ApiError, Service};

impl Resource for MediaFile {
    type Fields = MediaFileFields;
    type Segments = String;

    const COLLECTION: &'static str = "/media";
    const ITEM: &'static str = "/media/{id}";

    fn id_of(segments: String) -> Result<MediaFileId, ValidationError> {
        segments.parse()
    }

    fn path_of(id: &MediaFileId) -> String {
        format!("/media/{id}")
    }

    fn id_fields(id: &MediaFileId) -> Vec<(&'static str, Value)> {
        vec![("id", id.to_string().into())]
    }

    fn fresh_id(ids: &dyn IdGenerator) -> Option<MediaFileId> {
        Some(MediaFileId::new(ids.new_id()))
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.media_files()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Of this video.
    video: Option<VideoId>,
    /// With these words in their file names.
    words: Option<String>,
    /// Whether those of deleted videos are shown: `live` (not), `with_deleted`, `only_deleted`.
    visibility: Option<Visibility>,
    /// `path`.
    order: Option<MediaFileOrder>,
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
    let filter = MediaFileFilter {
        video_id: params.video,
        words: params.words,
        visibility: params.visibility.unwrap_or_default(),
    };
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.media_files().list(&filter, &page).await?))
}

async fn one(
    State(service): State<Service>,
    Segments(id): Segments<String>,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    get(service.store.media_files(), &id.parse()?, &conditions).await
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<MediaFile>("list", "The media files")
        .query::<ListParams>()
        .page::<MediaFile>("A page of them");
    let get_operation = Description::of::<MediaFile>("get", "What is known of a media file")
        .if_none_match("304 if it is still this")
        .stored::<MediaFile>("200", "The media file")
        .empty("304", "It is still what the client has");
    writes::<MediaFile>()
        .describe(MediaFile::COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
        .describe(MediaFile::ITEM, HttpMethod::Get, get_operation, routing::get(one))
}
