use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;
use tubeatlas_domain::{
    ChannelId, Playlist, PlaylistFields, PlaylistId, Timestamp, Video, VideoFields, VideoId,
};
use tubeatlas_ports::mock::MockStore;
use tubeatlas_ports::{
    Error, Health, Page, PlaylistFilter, PlaylistOrder, Revision, SearchOrder, Stored, VideoOrder, Visibility,
};

use super::router;
use crate::view;

async fn request(store: MockStore, method: &str, uri: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    let response = router(Arc::new(store)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(store: MockStore, uri: &str) -> (StatusCode, Value) {
    let (status, _, body) = request(store, "GET", uri).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn stored<E>(entity: E) -> Stored<E> {
    Stored::created(entity, Timestamp::UNIX_EPOCH, Revision::new(1).unwrap())
}

fn a_video(id: &str) -> Video {
    Video::new(VideoFields::new(VideoId::parse(id).unwrap(), "A title")).unwrap()
}

#[tokio::test]
async fn the_first_page_is_the_web_interface_and_lists_the_endpoints_without_scripts() {
    let (status, headers, body) = request(MockStore::default(), "GET", "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"));
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    for endpoint in ["/api/v1/search?q=", "/api/v1/channels", "/api/v1/videos", "/health/db"] {
        assert!(body.contains(endpoint), "{endpoint}");
    }
}

#[tokio::test]
async fn health_tells_the_process_from_the_database() {
    assert_eq!(get(MockStore::default(), "/health").await, (StatusCode::OK, json!({"status": "ok"})));

    let mut store = MockStore::default();
    let mut health = Health::new("sqlite");
    health.details.insert("path", "/secret/path".into());
    health.details.insert("sqlite_version", "3.53.2".into());
    store.calls.expect_health().return_once(|| Ok(health));
    let (status, mut body) = get(store, "/health/db").await;
    let latency = body.as_object_mut().unwrap().remove("latency_ms").unwrap();
    assert!(status == StatusCode::OK && latency.as_f64().unwrap() >= 0.0);
    assert_eq!(
        body,
        json!({
            "status": "ok",
            "adapter": "sqlite",
            "version": env!("CARGO_PKG_VERSION"),
            "details": {"sqlite_version": "3.53.2"},
        })
    );

    let mut store = MockStore::default();
    store.calls.expect_health().return_once(|| Err(Error::Closed { what: "the store".into() }));
    let (status, body) = get(store, "/health/db").await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("closed")));
}

#[tokio::test]
async fn a_list_hands_filter_and_page_on() {
    let mut store = MockStore::default();
    store.repositories.videos.expect_list().return_once(|filter, page| {
        assert_eq!(filter.channel_id.as_ref().unwrap().as_str(), "UC/1");
        assert_eq!(filter.published_from.unwrap().to_string(), "2021-11-11T00:00:00.000000Z");
        assert_eq!((page.order, page.limit), (VideoOrder::Oldest, 3));
        assert_eq!(page.after.as_ref().unwrap().as_str(), "abc");
        Ok(Page { items: vec![stored(a_video("v"))], next: None })
    });
    let uri = "/api/v1/videos?channel=UC%2F1&from=2021-11-11&order=oldest&limit=3&cursor=abc";
    let (status, body) = get(store, uri).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&body["items"][0]["id"], &body["items"][0]["revision"]), (&json!("v"), &json!(1)));
    assert_eq!(body["next_cursor"], Value::Null);
}

#[tokio::test]
async fn ids_in_the_path_are_decoded() {
    let mut store = MockStore::default();
    store.repositories.videos.expect_get().return_once(|id, _| {
        assert_eq!(id.as_str(), "a/b ü");
        Ok(Some(stored(a_video("a/b ü"))))
    });
    let (status, body) = get(store, "/api/v1/videos/a%2Fb%20%C3%BC").await;
    assert_eq!((status, &body["title"]), (StatusCode::OK, &json!("A title")));
}

#[tokio::test]
async fn search_hands_everything_on() {
    let mut store = MockStore::default();
    store.repositories.transcripts.expect_search().return_once(|request| {
        assert_eq!(request.query.source(), "\"high level\" api*");
        assert_eq!(request.language.as_ref().unwrap().as_str(), "en");
        assert_eq!((request.order, request.limit, request.cues_per_hit), (SearchOrder::Newest, 2, 3));
        Ok(Page { items: vec![], next: None }.into())
    });
    let uri = "/api/v1/search?q=%22high+level%22+api*&language=en&order=newest&limit=2";
    assert_eq!(
        get(store, uri).await,
        (StatusCode::OK, json!({"hits": [], "next_cursor": null, "among_latest": null}))
    );
}

#[tokio::test]
async fn what_a_client_does_wrong_is_400_by_name() {
    for (path, named) in [
        ("/search", "q"),
        ("/search?q=-x", "q"),
        ("/search?q=x+kind:good", "manual, automatic or translated"),
        ("/search?q=x+lang:en&language=de", "says lang:en, and de was asked for"),
        ("/search?q=x&page=2", "\"field\":\"page\""),
        ("/search?q=x&limit=many", "\"field\":\"limit\""),
        ("/search?q=x&q=y", "q"),
        ("/search?q=x&language=%E6%97%A5", "language"),
        ("/videos?order=best", "best"),
        ("/videos?from=yesterday", "yesterday"),
        ("/videos?offset=3", "offset"),
        ("/videos?channel=", "channel"),
        ("/videos/%00", "video.id"),
        ("/media?words=a%00", "\"field\":\"words\""),
        ("/tasks?target=%00", "\"field\":\"target\""),
        ("/videos/%FF", "UTF-8"),
        ("/tasks/17", "processing_task.id"),
        ("/graphs?video=a&channel=b", "channel"),
        ("/videos/v/transcripts/e.n", "language"),
    ] {
        let (status, body) = get(MockStore::default(), &format!("/api/v1{path}")).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid")), "{path}");
        assert!(body.to_string().contains(named), "{path}: {body}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_as_json() {
    let mut store = MockStore::default();
    store.repositories.channels.expect_get().return_once(|_, _| Ok(None));
    let (status, body) = get(store, "/api/v1/channels/UC1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!((&body["code"], &body["status"]), (&json!("not_found"), &json!(404)));
    assert_eq!(body["type"], "urn:tubeatlas:problem:not_found");
    assert_eq!(
        (&body["title"], &body["detail"]),
        (&json!("Not Found"), &json!("there is no channel \"UC1\""))
    );
    for uri in ["/nothing", "/api/v1", "/api/v1/nothing", "/api/v2/videos"] {
        let (status, body) = get(MockStore::default(), uri).await;
        assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{uri}");
    }
}

#[tokio::test]
async fn playlists_are_listed_by_channel_and_video_and_shown_with_their_videos() {
    let mut fields = PlaylistFields::new(PlaylistId::parse("PL1").unwrap(), "A playlist");
    fields.videos = ["v", "w", "v"].map(|id| VideoId::parse(id).unwrap()).to_vec();
    let playlist = Playlist::new(fields).unwrap();
    let mut store = MockStore::default();
    let listed = stored(playlist.summary());
    store.repositories.playlists.expect_list().return_once(move |filter, page| {
        let PlaylistFilter { channel_id, video_id, visibility } = filter;
        let ids = (channel_id.as_ref().map(ChannelId::as_str), video_id.as_ref().map(VideoId::as_str));
        assert_eq!((ids, *visibility), ((Some("UC1"), Some("v")), Visibility::Live));
        assert_eq!((page.order, page.limit), (PlaylistOrder::Id, 7));
        Ok(Page { items: vec![listed], next: None })
    });
    let (status, body) = get(store, "/api/v1/playlists?channel=UC1&video=v&order=id&limit=7").await;
    assert_eq!((status, &body["items"][0]["video_count"]), (StatusCode::OK, &json!(3)));
    assert!(body["items"][0].get("videos").is_none(), "{body}");

    let mut store = MockStore::default();
    store.repositories.playlists.expect_get().return_once(|_, _| Ok(Some(stored(playlist))));
    let (status, body) = get(store, "/api/v1/playlists/PL1").await;
    assert_eq!((status, &body["videos"]), (StatusCode::OK, &json!(["v", "w", "v"])));
}

#[tokio::test]
async fn the_transcripts_of_no_video_are_not_found() {
    let mut store = MockStore::default();
    let none = || Ok(Page { items: vec![], next: None });
    store.repositories.transcripts.expect_list().return_once(move |_, _| none());
    store.repositories.videos.expect_get().return_once(|_, _| Ok(None));
    assert_eq!(get(store, "/api/v1/videos/v/transcripts").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_methods_are_refused() {
    let (status, headers, body) = request(MockStore::default(), "PUT", "/api/v1/videos").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("method_not_allowed"), "{body}");
    assert_eq!(headers["allow"], "POST,GET,HEAD");
}

#[tokio::test]
async fn database_trouble_is_503_with_retry_after_and_without_details() {
    let secret = || Some("SELECT at /secret/path".into());
    let message = || "SELECT at /secret/path".to_owned();
    let errors: [(Error, &str); 7] = [
        (Error::Timeout { waited_for: "a connection", waited_ms: 1 }, "timeout"),
        (Error::Unavailable { message: message(), source: secret() }, "unavailable"),
        (Error::Closed { what: "the store".into() }, "closed"),
        (Error::StorageFull { source: secret() }, "storage_full"),
        (Error::Corrupt { message: message(), source: secret() }, "corrupt"),
        (Error::SchemaMismatch { message: message() }, "schema_mismatch"),
        (Error::Backend { message: message(), source: secret() }, "backend"),
    ];
    for (error, code) in errors {
        let mut store = MockStore::default();
        store.repositories.videos.expect_list().return_once(move |_, _| Err(error));
        let (status, headers, body) = request(store, "GET", "/api/v1/videos").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{code}");
        assert_eq!(headers["retry-after"], "5");
        assert!(body.contains(&format!("\"code\":\"{code}\"")) && !body.contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn a_panic_is_500_and_ends_there() {
    // A mock without an expectation panics.
    let (status, body) = get(MockStore::default(), "/api/v1/channels").await;
    assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));
}

#[tokio::test]
async fn the_token_of_a_lease_is_not_shown() {
    let (task, token) = view::tests::a_running_task();
    let mut store = MockStore::default();
    let item = stored(task.clone());
    store
        .repositories
        .processing_tasks
        .expect_list()
        .return_once(|_, _| Ok(Page { items: vec![item], next: None }));
    store.repositories.processing_tasks.expect_get().return_once(|_, _| Ok(Some(stored(task))));
    let service = router(Arc::new(store));
    for uri in ["/api/v1/tasks", "/api/v1/tasks/00000000-0000-0000-0000-000000000001"] {
        let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"worker\":\"w1\"") && !body.contains(&token.to_string()), "{body}");
    }
}
