//! `/api/v1/channels`

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{Channel, ChannelFields, ChannelId, ValidationError};
use tubeatlas_ports::{ChannelFilter, ChannelOrder, Cursor, Repositories, WriteRepository};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::openapi::{Describe, Description};
use super::params::{Params, page};
use super::resource::{Resource, item, listed, writes};
use super::{ApiError, Service};

impl Resource for Channel {
    type Fields = ChannelFields;
    type Segments = String;

    const COLLECTION: &'static str = "/channels";
    const ITEM: &'static str = "/channels/{id}";

    fn id_of(segments: String) -> Result<ChannelId, ValidationError> {
        ChannelId::parse(segments)
    }

    fn path_of(id: &ChannelId) -> String {
        format!("/channels/{}", super::params::encoded(id.as_str()))
    }

    fn id_fields(id: &ChannelId) -> Vec<(&'static str, Value)> {
        vec![("id", id.as_str().into())]
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.channels()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// `title` or `id`.
    order: Option<ChannelOrder>,
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
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.channels().list(&ChannelFilter {}, &page).await?))
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<Channel>("list", "The channels")
        .query::<ListParams>()
        .page::<Channel>("A page of them");
    writes::<Channel>().merge(item::<Channel>("A channel")).describe(
        Channel::COLLECTION,
        HttpMethod::Get,
        list_operation,
        routing::get(list),
    )
}
