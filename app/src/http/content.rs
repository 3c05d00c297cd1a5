//! The bytes of media files that lie on this machine, for players.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/v1/media/{id}/content` | the bytes, or a `Range` of them |
//! | `GET /api/v1/media/{id}/link` | an address that answers the same for an hour, to whoever has it |
//! | `GET /media/{id}?expires=&signature=` | that address |
//!
//! A player in a page cannot send a token, hence the link. Making one changes nothing, so that a token which may only
//! read is enough for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_http::services::ServeFile;
use tubeatlas_domain::{MediaFileId, Timestamp};
use tubeatlas_ports::{Clock, Store, Visibility};
use utoipa::openapi::HttpMethod;
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::media_roots::{LocalMedia, MediaRoots};
use super::openapi::{Describe, Description, schema_of};
use super::params::{Mounted, Params, Segments};
use super::signature::SigningKey;
use super::{ApiError, Service};
use crate::error::AppError;

/// How long a link works, in seconds. A page asks for a new one when it has run out.
const LINK_SECONDS: u32 = 3_600;

/// Which media files the service hands out. The default is none.
#[derive(Clone, Default)]
pub struct MediaAccess(Option<Arc<Access>>);

struct Access {
    roots: MediaRoots,
    key: SigningKey,
    clock: Arc<dyn Clock>,
}

impl MediaAccess {
    /// Files of video and sound that really lie below these folders. The links that are given out end with the process.
    ///
    /// # Errors
    /// If a folder is not there, or the system has no random numbers.
    pub fn new(folders: &[PathBuf], clock: Arc<dyn Clock>) -> Result<Self, AppError> {
        if folders.is_empty() {
            return Ok(Self::default());
        }
        let access = Access { roots: MediaRoots::open(folders)?, key: SigningKey::generate()?, clock };
        Ok(Self(Some(Arc::new(access))))
    }
}

#[derive(Clone)]
struct Content {
    store: Arc<dyn Store>,
    access: MediaAccess,
}

impl FromRef<Service> for Content {
    fn from_ref(service: &Service) -> Self {
        Self { store: Arc::clone(&service.store), access: service.media.clone() }
    }
}

const MEDIA_TYPES: [&str; 2] = ["video/*", "audio/*"];

/// What of it belongs to the API.
pub(super) fn routes() -> OpenApiRouter<Service> {
    let describe =
        |id: &str, summary: &str| Description::new("media", id, summary).with_id(MediaFileId::schema);
    let content_operation = describe("getMediaContent", "The bytes of a media file, or a part of them")
        .range()
        .bytes("200", "All of it", &MEDIA_TYPES)
        .bytes("206", "The part; Content-Range says which", &MEDIA_TYPES)
        .empty("304", "It is still what the client has")
        .empty("416", "It has no such part");
    let link_operation = describe("getMediaLink", "An address of the bytes for whoever has it, for an hour")
        .json("200", "For a player, which cannot send a token", schema_of::<Link>);
    OpenApiRouter::new()
        .describe("/media/{id}/content", HttpMethod::Get, content_operation, get(content))
        .describe("/media/{id}/link", HttpMethod::Get, link_operation, get(link))
}

/// The addresses that links lead to: no token is asked for there, and the document names none, because nobody can make one.
pub(super) fn linked() -> Router<Service> {
    Router::new().route("/media/{id}", get(linked_content))
}

/// Where a player gets the bytes.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// The address on this host.
    url: String,
    /// Until when it answers.
    expires_at: Timestamp,
    /// The media type of what is there.
    #[schema(value_type = String)]
    content_type: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    expires: i64,
    signature: String,
}

impl Content {
    /// The file, if it may be handed out. That it may not looks as if it were not there: where files lie is nobody's
    /// business.
    async fn find(&self, id: &MediaFileId) -> Result<(&Access, LocalMedia), ApiError> {
        let missing = || {
            let detail = format!("there is no content of the media file \"{id}\" here");
            ApiError::new(StatusCode::NOT_FOUND, "not_found", detail)
        };
        let access = self.access.0.as_ref().ok_or_else(missing)?;
        let file = self.store.media_files().get(id, Visibility::Live).await?.ok_or_else(missing)?;
        let (roots, path) = (access.clone(), file.path.clone());
        let found = tokio::task::spawn_blocking(move || roots.roots.find(Path::new(&path))).await;
        let found = found.map_err(|_| ApiError::internal())?.ok_or_else(missing)?;
        Ok((access, found))
    }

    async fn serve(&self, id: &MediaFileId, request: Request) -> Result<Response, ApiError> {
        let (_, LocalMedia { path, content_type }) = self.find(id).await?;
        let served = ServeFile::new(path).try_call(request).await.map_err(|error| {
            tracing::error!(%id, %error, "a media file cannot be read");
            ApiError::internal()
        })?;
        let mut response = served.into_response();
        let headers = response.headers_mut();
        if headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        Ok(response)
    }
}

async fn content(
    State(content): State<Content>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    content.serve(&id.parse()?, request).await
}

async fn link(
    State(content): State<Content>,
    Segments(id): Segments<String>,
    Mounted(mounted): Mounted,
) -> Result<Response, ApiError> {
    let id: MediaFileId = id.parse()?;
    let (access, LocalMedia { content_type, .. }) = content.find(&id).await?;
    let expires = seconds(access.clock.now()) + i64::from(LINK_SECONDS);
    let signature = access.key.sign(&id.to_string(), expires);
    let link = Link {
        url: format!("{mounted}/media/{id}?expires={expires}&signature={signature}"),
        expires_at: Timestamp::from_unix_micros(expires.saturating_mul(MICROS))?,
        content_type,
    };
    // Each is for who asked for it.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(link)).into_response())
}

async fn linked_content(
    State(content): State<Content>,
    Segments(id): Segments<String>,
    Params(signed): Params<Signed>,
    request: Request,
) -> Result<Response, ApiError> {
    let id: MediaFileId = id.parse()?;
    let allows = |access: &Arc<Access>| {
        access.key.verify(&id.to_string(), signed.expires, &signed.signature)
            && seconds(access.clock.now()) < signed.expires
    };
    if !content.access.0.as_ref().is_some_and(allows) {
        let detail = "this link does not work, or no longer; ask for a new one";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    content.serve(&id, request).await
}

const MICROS: i64 = 1_000_000;

fn seconds(time: Timestamp) -> i64 {
    time.unix_micros() / MICROS
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::body::{Body, to_bytes};
    use axum::http::HeaderMap;
    use serde_json::Value;
    use tempfile::TempDir;
    use tower::ServiceExt;
    use tubeatlas_contract::TestClock;
    use tubeatlas_domain::{MediaFile, MediaFileFields, VideoId};
    use tubeatlas_ports::mock::MockStore;
    use tubeatlas_ports::{Revision, Stored};
    use uuid::Uuid;

    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    struct Served {
        folder: TempDir,
        clock: Arc<TestClock>,
        router: Router,
    }

    impl Served {
        /// With one media file, ten bytes long, at `path` of a folder of which `media` is handed out.
        fn new(path: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("media");
            fs::create_dir(&root).unwrap();
            let file = folder.path().join(path);
            fs::write(&file, "0123456789").unwrap();
            let fields = MediaFileFields::new(
                MediaFileId::new(ID),
                VideoId::parse("v").unwrap(),
                file.to_str().unwrap(),
            );
            let media = MediaFile::new(fields).unwrap();
            let mut store = MockStore::default();
            store.repositories.media_files.expect_get().returning(move |id, visibility| {
                let is_it = id.get() == ID && visibility == Visibility::Live;
                let stored =
                    || Stored::created(media.clone(), Timestamp::UNIX_EPOCH, Revision::new(1).unwrap());
                Ok(is_it.then(stored))
            });
            let clock = Arc::new(TestClock::default());
            let access = MediaAccess::new(&[root], clock.clone()).unwrap();
            Self { folder, clock, router: Service::new(Arc::new(store)).with_media(access).router() }
        }

        async fn get(&self, uri: &str, range: Option<&str>) -> (StatusCode, HeaderMap, String) {
            let mut request = Request::builder().uri(uri);
            if let Some(range) = range {
                request = request.header(header::RANGE, range);
            }
            let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
        }

        async fn link(&self) -> String {
            let (status, headers, body) = self.get(&format!("/api/v1/media/{ID}/link"), None).await;
            assert_eq!(
                (status, &headers["cache-control"]),
                (StatusCode::OK, &HeaderValue::from_static("no-store"))
            );
            let link: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(link["content_type"], "video/mp4");
            link["url"].as_str().unwrap().to_owned()
        }
    }

    #[tokio::test]
    async fn a_player_gets_the_part_that_it_asks_for() {
        let service = Served::new("media/a.mp4");
        for uri in [format!("/api/v1/media/{ID}/content"), service.link().await] {
            let (status, headers, body) = service.get(&uri, None).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "0123456789"));
            assert_eq!(
                (&headers["content-type"], &headers["accept-ranges"]),
                (&"video/mp4".parse().unwrap(), &"bytes".parse().unwrap())
            );
            let (status, headers, body) = service.get(&uri, Some("bytes=3-5")).await;
            assert_eq!((status, body.as_str()), (StatusCode::PARTIAL_CONTENT, "345"));
            assert_eq!(headers["content-range"], "bytes 3-5/10");
            assert_eq!(service.get(&uri, Some("bytes=90-")).await.0, StatusCode::RANGE_NOT_SATISFIABLE);
        }
    }

    #[tokio::test]
    async fn a_link_ends_and_is_for_one_file() {
        let service = Served::new("media/a.mp4");
        let link = service.link().await;
        let other = Uuid::from_u128(8);
        for forged in [
            link.replace(&ID.to_string(), &other.to_string()),
            link.replace("expires=", "expires=1"),
            link.replace("signature=", "signature=x"),
        ] {
            assert_eq!(service.get(&forged, None).await.0, StatusCode::FORBIDDEN, "{forged}");
        }
        assert_eq!(service.get(&format!("/media/{ID}"), None).await.0, StatusCode::BAD_REQUEST);
        service.clock.move_by_ms(i64::from(LINK_SECONDS) * 1_000 - 1_000);
        assert_eq!(service.get(&link, None).await.0, StatusCode::OK);
        service.clock.move_by_ms(1_000);
        assert_eq!(service.get(&link, None).await.0, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn what_may_not_be_handed_out_is_not_there_and_no_path_is_told() {
        let unknown = Uuid::from_u128(8);
        for (path, id) in [("elsewhere.mp4", ID), ("media/notes.txt", ID), ("media/a.mp4", unknown)] {
            let service = Served::new(path);
            for end in ["content", "link"] {
                let (status, _, body) = service.get(&format!("/api/v1/media/{id}/{end}"), None).await;
                assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
                assert!(!body.contains(service.folder.path().to_str().unwrap()), "{body}");
            }
        }
        let service = Served::new("media/gone.mp4");
        let link = service.link().await;
        fs::remove_file(service.folder.path().join("media/gone.mp4")).unwrap();
        assert_eq!(service.get(&link, None).await.0, StatusCode::NOT_FOUND);
    }
}
