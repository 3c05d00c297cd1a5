//! The service: the catalogue read-only over HTTP, as the JSON that the command line prints.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | what this is, for a person |
//! | `GET /health` | 200 as long as the process lives |
//! | `GET /health/db` | 200 with what the store says of itself, or 503 with what is wrong |
//! | `GET /api/v1/search?q=` | hits; also `channel`, `video`, `language`, `order`, `limit`, `cursor`, `cues` |
//! | `GET /api/v1/channels` | a list; `order`, `limit`, `cursor` |
//! | `GET /api/v1/channels/{id}` | one |
//! | `GET /api/v1/videos` | a list; `channel`, `from`, `before`, `order`, `limit`, `cursor` |
//! | `GET /api/v1/videos/{id}` | one |
//! | `GET /api/v1/videos/{id}/transcripts` | a list without what was said; `language`, `limit`, `cursor` |
//! | `GET /api/v1/videos/{id}/transcripts/{language}` | one, with its cues |
//! | `GET /api/v1/graphs`, `/graphs/{id}` | `video` or `channel`, `order`, `limit`, `cursor` |
//! | `GET /api/v1/tasks`, `/tasks/{id}` | `status`, `kind`, `target`, `order`, `limit`, `cursor` |
//! | `GET /api/v1/media`, `/media/{id}` | `video`, `words`, `limit`, `cursor` |
//!
//! What is deleted is not shown. An error is `{"error":{"code","message","field"?}}`; see [`ApiError`].

mod catalogue;
mod error;
mod health;
mod index;
mod params;
mod search;
mod shield;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tubeatlas_ports::Store;

pub use error::ApiError;

/// What handlers work on.
type SharedStore = Arc<dyn Store>;

/// The service over this store.
pub fn router(store: Arc<dyn Store>) -> Router {
    let api = Router::new()
        .route("/search", get(search::search))
        .route("/channels", get(catalogue::channels))
        .route("/channels/{id}", get(catalogue::channel))
        .route("/playlists", get(catalogue::playlists))
        .route("/playlists/{id}", get(catalogue::playlist))
        .route("/videos", get(catalogue::videos))
        .route("/videos/{id}", get(catalogue::video))
        .route("/videos/{id}/transcripts", get(catalogue::transcripts))
        .route("/videos/{id}/transcripts/{language}", get(catalogue::transcript))
        .route("/graphs", get(catalogue::graphs))
        .route("/graphs/{id}", get(catalogue::graph))
        .route("/tasks", get(catalogue::tasks))
        .route("/tasks/{id}", get(catalogue::task))
        .route("/media", get(catalogue::media_files))
        .route("/media/{id}", get(catalogue::media_file));
    Router::new()
        .route("/", get(index::index))
        .route("/health", get(health::live))
        .route("/health/db", get(health::database))
        .nest("/api/v1", api)
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(from_fn(shield::shield))
        .with_state(store)
}
