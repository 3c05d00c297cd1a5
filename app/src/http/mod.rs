//! The service: the catalogue over HTTP.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the web interface |
//! | `GET /docs`, `/api/v1/openapi.json` | every operation, its parameters and answers |
//! | `GET /health` | 200 as long as the process lives |
//! | `GET /health/ready` | 200 if the database answers and can be written to, or 503 with what is wrong |
//! | `GET /metrics` | what is measured, for Prometheus; of a [guarded](Service::guarded) service alone |
//! | `GET /health/db` | 200 with what the store says of itself, or 503 with what is wrong |
//! | `GET /api/v1/search?q=` | where something was said |
//! | `/api/v1/channels`, `/videos`, `/playlists`, `/transcripts`, `/graphs`, `/media` | `GET` lists, `POST` creates, `POST …/_batch` writes several, all or none |
//! | `/api/v1/channels/{id}`, …, `/api/v1/videos/{video_id}/transcripts/{language}` | `GET`, `PUT`, `PATCH`, `DELETE` |
//! | `POST /api/v1/videos/{id}/restore`, `/purge`, and of playlists | what was deleted is back, or gone for good |
//! | `/api/v1/tasks` | the queue: `POST` asks for work, `/_claim` takes it, `/{id}/events` follows it |
//! | `POST /api/v1/imports` | an archive is taken in by a worker |
//! | `POST /api/v1/exports`, `/reindex` | the whole catalogue is written into a file, its index built anew, by a worker |
//!
//! Lists are read page by page; `Link: rel="next"` names the next one. The `ETag` of what is stored is its revision:
//! `PATCH` needs `If-Match`, the other writes take it. An error is a problem document; see [`ApiError`].

mod accept;
pub mod access;
mod body;
mod channels;
mod conditions;
mod content;
mod error;
mod events;
mod explorer;
mod exports;
mod graphs;
mod health;
mod imports;
mod media;
mod media_roots;
mod metrics;
mod openapi;
mod params;
mod playlists;
mod readiness;
mod reindex;
mod resource;
mod restorable;
mod search;
mod shield;
mod signature;
mod tasks;
#[cfg(test)]
mod tests;
#[cfg(feature = "otel")]
mod traced;
mod transcripts;
mod unit_of_work;
mod videos;
mod web;
#[cfg(test)]
mod writes_tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::sync::watch;
use tubeatlas_ports::{Clock, IdGenerator, Store};
use utoipa_axum::router::OpenApiRouter;

use access::Access;
pub use content::MediaAccess;
pub use error::{ApiError, PROBLEM_JSON, Problem};
pub use metrics::Metrics;
use readiness::Readiness;
#[cfg(feature = "otel")]
pub(crate) use traced::TRACED;
pub use unit_of_work::{CommitOnSuccess, ExplicitControl};

use crate::wiring;

/// Where the API begins.
pub const API_ROOT: &str = "/api/v1";

/// What the service works on.
#[derive(Clone)]
pub struct Service {
    store: Arc<dyn Store>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
    import_roots: Arc<[PathBuf]>,
    export_dir: Option<Arc<Path>>,
    /// Whether its workers can build the store's index anew.
    reindexes: bool,
    media: MediaAccess,
    /// Whether streams, which would never end by themselves, are to end.
    closing: Arc<watch::Sender<bool>>,
}

impl FromRef<Service> for Arc<dyn Store> {
    fn from_ref(service: &Service) -> Self {
        Arc::clone(&service.store)
    }
}

impl Service {
    /// The service over this store, which imports and exports nothing.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            ids: wiring::ids(),
            clock: wiring::clock(),
            import_roots: Arc::new([]),
            export_dir: None,
            reindexes: false,
            media: MediaAccess::default(),
            closing: Arc::new(watch::Sender::new(false)),
        }
    }

    /// With folders from which archives may be imported, as [`std::fs::canonicalize`] writes them.
    #[must_use]
    pub fn with_import_roots(self, roots: Vec<PathBuf>) -> Self {
        Self { import_roots: roots.into(), ..self }
    }

    /// With a folder into which the catalogue may be exported.
    #[must_use]
    pub fn with_export_dir(self, folder: Option<PathBuf>) -> Self {
        Self { export_dir: folder.map(Arc::from), ..self }
    }

    /// With workers that can build the store's index anew, or not.
    #[must_use]
    pub fn with_reindexing(self, reindexes: bool) -> Self {
        Self { reindexes, ..self }
    }

    /// With these media files for players.
    #[must_use]
    pub fn with_media(self, media: MediaAccess) -> Self {
        Self { media, ..self }
    }

    /// Ends the streams of events, so that their connections can be closed.
    pub fn end_streams(&self) {
        self.closing.send_replace(true);
    }

    /// Its routes, open to all: who nests them into a service of their own sees to who may ask, and how much.
    pub fn router(self) -> Router {
        let ids = Arc::clone(&self.ids);
        traced(self.routes(None).layer(from_fn_with_state(ids, shield::shield)))
    }

    /// Its routes for those who have access, and `GET /metrics` of these metrics.
    pub fn guarded(self, access: Access, metrics: &Metrics) -> Router {
        let ids = Arc::clone(&self.ids);
        // The last layer is the outermost.
        let router = access.around(self.routes(Some(metrics)));
        traced(router.layer(from_fn_with_state(ids, shield::shield))).layer(from_fn(metrics::measure))
    }

    fn routes(self, metrics: Option<&Metrics>) -> Router {
        let readiness = Arc::new(Readiness::new(Arc::clone(&self.store)));
        let api = OpenApiRouter::new()
            .merge(search::routes())
            .merge(channels::routes())
            .merge(videos::routes())
            .merge(playlists::routes())
            .merge(transcripts::routes())
            .merge(graphs::routes())
            .merge(media::routes())
            .merge(content::routes())
            .merge(tasks::routes())
            .merge(events::routes())
            .merge(imports::routes())
            .merge(exports::routes())
            .merge(reindex::routes());
        let (router, document) =
            OpenApiRouter::with_openapi(openapi::head()).nest(API_ROOT, api).split_for_parts();
        router
            .merge(explorer::routes(openapi::document(document)))
            .merge(web::routes())
            .merge(content::linked())
            .route("/health", get(health::live))
            .route("/health/ready", get(readiness::ready).with_state(readiness))
            .route("/health/db", get(health::database))
            .merge(metrics.map_or_else(Router::new, Metrics::routes))
            .fallback(error::no_such_route)
            .method_not_allowed_fallback(error::no_such_method)
            .with_state(self)
    }
}

/// With a span for traces around each request.
fn traced(router: Router) -> Router {
    #[cfg(feature = "otel")]
    let router = router.layer(from_fn(traced::trace));
    router
}

/// The service over this store; see [`Service`].
pub fn router(store: Arc<dyn Store>) -> Router {
    Service::new(store).router()
}
