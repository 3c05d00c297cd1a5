//! What is deleted softly can be restored, and purged.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing;
use futures::FutureExt;
use futures::future::BoxFuture;
use tubeatlas_domain::{Playlist, Video};
use tubeatlas_ports::{Error, Repositories, Stored, Visibility};
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::conditions::Conditions;
use super::openapi::{Describe, Description};
use super::params::Segments;
use super::resource::{Resource, Tagged};
use super::{ApiError, CommitOnSuccess, Service};

/// An entity that is deleted softly.
pub(super) trait Restorable: Resource {
    /// Takes the deletion back.
    fn restore<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<Stored<Self>, Error>>;

    /// Removes it for good.
    fn purge<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<(), Error>>;
}

impl Restorable for Video {
    fn restore<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<Stored<Self>, Error>> {
        of.videos().restore(id)
    }

    fn purge<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<(), Error>> {
        of.videos().purge(id, None)
    }
}

impl Restorable for Playlist {
    fn restore<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<Stored<Self>, Error>> {
        of.playlists().restore(id)
    }

    fn purge<'a>(of: &'a dyn Repositories, id: &'a Self::Id) -> BoxFuture<'a, Result<(), Error>> {
        of.playlists().purge(id, None)
    }
}

async fn restore<R: Restorable>(
    State(service): State<Service>,
    Segments(segments): Segments<R::Segments>,
) -> Result<Tagged<R>, ApiError> {
    let id = R::id_of(segments)?;
    Ok(Tagged(R::restore(service.store.as_ref(), &id).await?))
}

async fn purge<R: Restorable>(
    unit: CommitOnSuccess,
    Segments(segments): Segments<R::Segments>,
    conditions: Conditions,
) -> Result<StatusCode, ApiError> {
    let id = R::id_of(segments)?;
    let (id, conditions) = (&id, &conditions);
    unit.run(|unit| {
        async move {
            let stored = R::repository(unit).get(id, Visibility::WithDeleted).await?;
            conditions.check(stored.as_ref(), id)?;
            R::purge(unit, id).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        .boxed()
    })
    .await
}

pub(super) fn routes<R: Restorable>() -> OpenApiRouter<Service> {
    let one = R::KIND;
    let restore_operation = Description::of::<R>("restore", format!("Take back that a {one} was deleted"))
        .stored::<R>("200", "It is there again");
    let purge_operation = Description::of::<R>(
        "purge",
        format!("Remove a {one}, deleted or not, for good, with all that is its"),
    )
    .if_match(false)
    .empty("204", "It is gone");
    let path = |verb: &str| format!("{}/{verb}", R::ITEM);
    OpenApiRouter::new()
        .describe(&path("restore"), HttpMethod::Post, restore_operation, routing::post(restore::<R>))
        .describe(&path("purge"), HttpMethod::Post, purge_operation, routing::post(purge::<R>))
}
