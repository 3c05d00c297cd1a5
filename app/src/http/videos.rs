//! `/api/v1/videos`

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{ChannelId, ValidationError, Video, VideoFields, VideoId};
use tubeatlas_ports::{Cursor, Repositories, VideoFilter, VideoOrder, Visibility, WriteRepository};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description};
use super::params::{Params, date_schema, encoded, page};
use super::resource::{Resource, item, listed, writes};
use super::{ApiError, Service, restorable};
use crate::dates::date_or_time;

impl Resource for Video {
    type Fields = VideoFields;
    type Segments = String;

    const COLLECTION: &'static str = "/videos";
    const ITEM: &'static str = "/videos/{id}";

    fn id_of(segments: String) -> Result<VideoId, ValidationError> {
        VideoId::parse(segments)
    }

    fn path_of(id: &VideoId) -> String {
        format!("/videos/{}", encoded(id.as_str()))
    }

    fn id_fields(id: &VideoId) -> Vec<(&'static str, Value)> {
        vec![("id", id.as_str().into())]
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.videos()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Of this channel.
    channel: Option<ChannelId>,
    /// Published from this day or time on.
    #[param(schema_with = date_schema)]
    from: Option<String>,
    /// Published before this day or time.
    #[param(schema_with = date_schema)]
    before: Option<String>,
    /// Whether those that are deleted are shown: `live` (not), `with_deleted`, `only_deleted`.
    visibility: Option<Visibility>,
    /// `newest`, `oldest` or `id`.
    order: Option<VideoOrder>,
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
    let time = |text: Option<String>| text.as_deref().map(date_or_time).transpose();
    let filter = VideoFilter {
        channel_id: params.channel,
        published_from: time(params.from)?,
        published_before: time(params.before)?,
        visibility: params.visibility.unwrap_or_default(),
    };
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.videos().list(&filter, &page).await?))
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation =
        Description::of::<Video>("list", "The videos").query::<ListParams>().page::<Video>("A page of them");
    writes::<Video>().merge(item::<Video>("A video")).merge(restorable::routes::<Video>()).describe(
        Video::COLLECTION,
        HttpMethod::Get,
        list_operation,
        routing::get(list),
    )
}
