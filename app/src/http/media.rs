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

use super::openapi::{Describe, Description};
use super::params::{Params, page};
use super::resource::{Resource, item, listed, writes};
use super::{ApiError, Service};

impl Resource for MediaFile {
    type Fields = MediaFileFields;
    type Segments = String;

    const COLLECTION: &'static str = "/media";
    const ITEM: &'static str = "/media/{id}";
    const FRESH_ID: Option<fn(&dyn IdGenerator) -> MediaFileId> = Some(|ids| MediaFileId::new(ids.new_id()));

    fn id_of(segments: String) -> Result<MediaFileId, ValidationError> {
        segments.parse()
    }

    fn path_of(id: &MediaFileId) -> String {
        format!("/media/{id}")
    }

    fn id_fields(id: &MediaFileId) -> Vec<(&'static str, Value)> {
        vec![("id", id.to_string().into())]
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

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<MediaFile>("list", "The media files")
        .query::<ListParams>()
        .page::<MediaFile>("A page of them");
    writes::<MediaFile>().merge(item::<MediaFile>("What is known of a media file")).describe(
        MediaFile::COLLECTION,
        HttpMethod::Get,
        list_operation,
        routing::get(list),
    )
}
