//! Writes, on a store in memory.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_ports::Store;

use super::Service;
use crate::wiring;

fn empty() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(MemoryConfig::default(), wiring::clock(), wiring::ids()))
}

/// A service with an empty store.
fn service() -> Router {
    Service::new(empty()).router()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    fn etag(&self) -> String {
        self.headers["etag"].to_str().unwrap().to_owned()
    }
}

async fn ask(service: &Router, line: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    let response = service.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body =
        serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

#[tokio::test]
async fn a_video_lives_from_its_creation_to_its_purge() {
    let it = service();
    let made = ask(&it, "POST /videos", &[], Some(json!({"id": "a/b", "title": "One"}))).await;
    assert_eq!((made.status, &made.headers["location"]), (201, &"/api/v1/videos/a%2Fb".parse().unwrap()));
    assert_eq!((&made.body["title"], &made.body["revision"]), (&json!("One"), &json!(1)));
    assert_eq!(made.etag(), "\"1\"");
    let again = ask(&it, "POST /videos", &[], Some(json!({"id": "a/b", "title": "One"}))).await;
    assert_eq!((again.code(), &again.body["field"]), ((409, "already_exists"), &json!("id")));

    let put = ask(&it, "PUT /videos/a%2Fb", &[], Some(json!({"title": "Two"}))).await;
    assert_eq!((put.status, &put.body["title"]), (200, &json!("Two")));
    let new = ask(&it, "PUT /videos/c", &[], Some(json!({"id": "c", "title": "C"}))).await;
    assert_eq!(new.status, 201);
    let other = ask(&it, "PUT /videos/c", &[], Some(json!({"id": "d", "title": "C"}))).await;
    assert_eq!((other.code(), &other.body["field"]), ((422, "invalid"), &json!("id")));
    let only_new = ask(&it, "PUT /videos/c", &[("if-none-match", "*")], Some(json!({"title": "D"}))).await;
    assert_eq!(only_new.code(), (412, "revision"));

    let patch = json!({"description": "Said", "extra": {"a": 1}});
    assert_eq!(
        ask(&it, "PATCH /videos/c", &[], Some(patch.clone())).await.code(),
        (428, "precondition_required")
    );
    let stale = [("if-match", made.headers["etag"].to_str().unwrap())];
    assert_eq!(ask(&it, "PATCH /videos/c", &stale, Some(patch.clone())).await.code(), (412, "revision"));
    let fresh = new.etag();
    let patched = ask(&it, "PATCH /videos/c", &[("if-match", &fresh)], Some(patch)).await;
    assert_eq!((patched.status, &patched.body["description"]), (200, &json!("Said")));
    assert_eq!((&patched.body["title"], &patched.body["extra"]), (&json!("C"), &json!({"a": 1})));
    let gone = ask(&it, "PATCH /videos/c", &[("if-match", "*")], Some(json!({"description": null}))).await;
    assert_eq!((gone.status, &gone.body["description"]), (200, &Value::Null));
    let nobody = ask(&it, "PATCH /videos/x", &[("if-match", "*")], Some(json!({}))).await;
    assert_eq!(nobody.code(), (412, "revision"));

    let get = ask(&it, "GET /videos/c", &[], None).await;
    let tag = get.etag();
    let same = ask(&it, "GET /videos/c", &[("if-none-match", &tag)], None).await;
    assert_eq!((same.status, same.etag(), &same.body), (304, tag.clone(), &json!("")));
    assert_eq!(ask(&it, "DELETE /videos/c", &[("if-match", "\"1\"")], None).await.code(), (412, "revision"));
    assert_eq!(ask(&it, "DELETE /videos/c", &[("if-match", &tag)], None).await.status, 204);
    assert_eq!(ask(&it, "GET /videos/c", &[], None).await.code(), (404, "not_found"));
    assert_eq!(ask(&it, "PUT /videos/c", &[], Some(json!({"title": "C"}))).await.code(), (409, "deleted"));
    let deleted = ask(&it, "GET /videos?visibility=only_deleted", &[], None).await;
    assert_eq!(deleted.body["items"][0]["id"], "c");
    assert_eq!(ask(&it, "POST /videos/c/restore", &[], None).await.body["deleted_at"], Value::Null);
    assert_eq!(
        ask(&it, "POST /videos/c/purge", &[("if-match", "\"1\"")], None).await.code(),
        (412, "revision")
    );
    assert_eq!(ask(&it, "POST /videos/c/purge", &[], None).await.status, 204);
    assert_eq!(ask(&it, "POST /videos/c/restore", &[], None).await.code(), (404, "not_found"));
}

#[tokio::test]
async fn a_body_that_is_wrong_is_told_by_field() {
    let it = service();
    for (body, status, field, named) in [
        (json!({"id": "v", "titel": "t"}), 422, "titel", "there is no such field"),
        (json!({"id": "v"}), 422, "body", "missing field `title`"),
        (json!({"id": "v", "title": 3}), 422, "title", "expected a string"),
        (json!({"id": "v", "title": "a\u{0}"}), 422, "video.title", "NUL"),
        (
            json!({"id": "v", "title": "t", "chapters": [{"start_ms": "x", "title": ""}]}),
            422,
            "chapters[0].start_ms",
            "u64",
        ),
        (json!({"id": "", "title": "t"}), 422, "id", "is empty"),
        (json!([1]), 400, "body", "no JSON object"),
    ] {
        let answer = ask(&it, "POST /videos", &[], Some(body.clone())).await;
        assert_eq!((answer.code(), &answer.body["field"]), ((status, "invalid"), &json!(field)), "{body}");
        assert!(answer.body["detail"].as_str().unwrap().contains(named), "{body}: {}", answer.body);
        assert!(
            answer.body["request_id"].is_string()
                && answer.headers["content-type"] == "application/problem+json"
        );
    }
    let plain = ask(&it, "POST /videos", &[("content-type", "text/plain")], None).await;
    assert_eq!(plain.code(), (415, "unsupported_media_type"));
    let reference = json!({"id": "v", "title": "t", "channel_id": "UC1"});
    let answer = ask(&it, "POST /videos", &[], Some(reference)).await;
    assert_eq!((answer.code(), &answer.body["field"]), ((409, "missing_reference"), &json!("channel_id")));
}

#[tokio::test]
async fn a_batch_is_done_wholly_or_not_at_all() {
    let it = service();
    let create = |id: &str| json!({"op": "create", "entity": {"id": id, "title": "t"}});
    let operations = json!([create("a"), {"op": "upsert", "entity": {"id": "a", "title": "u"}}, create("b"),
        {"op": "update", "entity": {"id": "b", "title": "v"}, "revision": 3}, {"op": "delete", "id": "a"},
        {"op": "upsert", "entity": {"id": "a", "title": "t"}}, {"op": "upsert", "entity": {"id": "b", "title": "v"}}]);
    let answer = ask(&it, "POST /videos/_batch", &[], Some(json!({"operations": operations}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.body["results"].as_array().unwrap();
    let outcomes: Vec<&str> = results.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        outcomes,
        ["created", "updated", "created", "updated", "deleted", "left_deleted", "unchanged"]
    );

    for (last, status, field, code) in [
        (create("b"), 409, "operations[1].id", "already_exists"),
        (json!({"op": "delete", "id": "x"}), 404, "operations[1]", "not_found"),
        (
            json!({"op": "update", "entity": {"id": "b", "title": "w"}, "revision": 1}),
            412,
            "operations[1]",
            "revision",
        ),
        (
            json!({"op": "create", "entity": {"id": "e", "title": 1}}),
            422,
            "operations[1].entity.title",
            "invalid",
        ),
        (json!({"op": "burn", "id": "x"}), 422, "operations[1].op", "invalid"),
    ] {
        let body = json!({"operations": [create("d"), last]});
        let answer = ask(&it, "POST /videos/_batch", &[], Some(body)).await;
        assert_eq!((answer.code(), &answer.body["field"]), ((status, code), &json!(field)), "{last}");
        assert_eq!(ask(&it, "GET /videos/d", &[], None).await.status, 404, "{last}");
    }
    let many: Vec<Value> = (0..1_001).map(|n| create(&n.to_string())).collect();
    let answer = ask(&it, "POST /videos/_batch", &[], Some(json!({"operations": many}))).await;
    assert_eq!((answer.code(), &answer.body["field"]), ((422, "invalid"), &json!("operations")));
}

#[tokio::test]
async fn transcripts_and_graphs_are_given_as_the_client_likes() {
    let it = service();
    ask(&it, "PUT /videos/v", &[], Some(json!({"title": "t"}))).await;
    let cues = json!([{"start_ms": 1000, "end_ms": 2000, "text": "Hello <you>"}]);
    let body = json!({"kind": "manual", "cues": cues});
    let made = ask(&it, "PUT /videos/v/transcripts/en", &[], Some(body)).await;
    assert_eq!(
        (made.status, &made.headers["location"]),
        (201, &"/api/v1/videos/v/transcripts/en".parse().unwrap())
    );
    let json = ask(&it, "GET /videos/v/transcripts/en", &[], None).await;
    assert_eq!((&json.body["cues"], &json.headers["vary"]), (&cues, &"accept".parse().unwrap()));
    let vtt = ask(&it, "GET /videos/v/transcripts/en", &[("accept", "text/vtt, */*;q=0.1")], None).await;
    assert_eq!(
        (vtt.status, &vtt.headers["content-type"], vtt.etag()),
        (200, &"text/vtt".parse().unwrap(), made.etag())
    );
    assert!(vtt.body.as_str().unwrap().starts_with("WEBVTT"), "{}", vtt.body);
    let srt = ask(&it, "GET /videos/v/transcripts/en?format=srt", &[], None).await;
    assert!(srt.body.as_str().unwrap().contains("00:00:01,000 --> 00:00:02,000"), "{}", srt.body);
    assert_eq!(srt.headers["content-disposition"], "inline; filename=\"v.en.srt\"");
    let none = ask(&it, "GET /videos/v/transcripts/en", &[("accept", "image/png")], None).await;
    assert_eq!(none.code(), (406, "not_acceptable"));

    let graph = json!({"owner": {"video": "v"}, "version": 1,
        "entities": [{"name": "A"}, {"name": "B"}], "relations": [{"subject": "A", "predicate": "p", "object": "B"}]});
    let made = ask(&it, "POST /graphs", &[], Some(graph)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let xml = ask(&it, &format!("GET {path}"), &[("accept", "application/graphml+xml")], None).await;
    assert!(xml.body.as_str().unwrap().contains("<graphml"), "{}", xml.body);
}

#[tokio::test]
async fn a_task_goes_through_the_queue() {
    let it = service();
    let made = ask(&it, "POST /tasks", &[], Some(json!({"kind": "transcribe", "target": "video/v"}))).await;
    assert_eq!((made.status, &made.body["status"]), (201, &json!("pending")));
    let path = made.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let claim = json!({"worker": "w", "kinds": ["transcribe"], "lease_ms": 60000});
    let claimed = ask(&it, "POST /tasks/_claim", &[], Some(claim.clone())).await;
    assert_eq!((claimed.status, &claimed.body["task"]["id"]), (200, &made.body["id"]));
    assert_eq!(ask(&it, "POST /tasks/_claim", &[], Some(claim.clone())).await.status, 204);
    let token = &claimed.body["token"];
    let report = json!({"token": token, "progress": 40});
    let reported = ask(&it, &format!("POST {path}/report"), &[], Some(report)).await;
    assert_eq!((reported.status, &reported.body["progress"]), (200, &json!(40)));
    let foreign = json!({"token": "00000000-0000-0000-0000-000000000001"});
    let refused = ask(&it, &format!("POST {path}/complete"), &[], Some(foreign)).await;
    assert_eq!(refused.code(), (409, "transition"));
    let failure = json!({"token": token, "error": "no ears"});
    let failed = ask(&it, &format!("POST {path}/fail"), &[], Some(failure)).await;
    assert_eq!((&failed.body["status"], &failed.body["error"]), (&json!("failed"), &json!("no ears")));
    assert_eq!(ask(&it, &format!("POST {path}/retry"), &[], None).await.body["status"], "pending");
    assert_eq!(ask(&it, &format!("POST {path}/cancel"), &[], None).await.body["status"], "cancelled");
    let events = ask(&it, &format!("GET {path}/events"), &[], None).await;
    assert_eq!(events.headers["content-type"], "text/event-stream");
    let text = events.body.as_str().unwrap();
    assert!(text.starts_with("event: task\n") && text.contains("\"status\":\"cancelled\""), "{text}");
    let long = json!({"worker": "w", "lease_ms": 604_800_001});
    assert_eq!(ask(&it, "POST /tasks/_claim", &[], Some(long)).await.body["field"], "lease_ms");
}

#[tokio::test]
async fn imports_stay_below_the_roots() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("archive")).unwrap();
    std::os::unix::fs::symlink("/", root.join("out")).unwrap();
    let it = Service::new(empty()).with_import_roots(vec![root.clone()]).router();
    let path = |name: &str| json!({"paths": [root.join(name)]});
    for outside in ["out", "out/etc", "nothing", "..", "archive/../.."] {
        let refused = ask(&it, "POST /imports", &[], Some(path(outside))).await;
        assert_eq!(
            (refused.code(), &refused.body["field"]),
            ((403, "not_allowed"), &json!("paths[0]")),
            "{outside}"
        );
        assert!(!refused.body.to_string().contains("No such file"), "{}", refused.body);
    }
    let relative = ask(&it, "POST /imports", &[], Some(json!({"paths": ["archive"]}))).await;
    assert_eq!(relative.code(), (403, "not_allowed"));
    let made = ask(&it, "POST /imports", &[], Some(path("archive"))).await;
    assert_eq!((made.status, &made.body["kind"]), (202, &json!("import")), "{}", made.body);
    assert_eq!(made.body["payload"]["paths"], json!([root.join("archive")]));
    assert_eq!(ask(&it, "GET /imports/roots", &[], None).await.body, json!({"roots": [root]}));
    let closed = ask(&service(), "POST /imports", &[], Some(path("archive"))).await;
    assert_eq!(closed.code(), (403, "not_allowed"));
}

#[tokio::test]
async fn exports_are_files_of_one_folder_and_overwrite_only_if_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there.ndjson"), "").unwrap();
    std::os::unix::fs::symlink("/nothing", folder.path().join("link.ndjson")).unwrap();
    let it = Service::new(empty()).with_export_dir(Some(folder.path().to_owned())).router();
    let made = ask(&it, "POST /exports", &[], Some(json!({"file": "all.ndjson.zst"}))).await;
    assert_eq!((made.status, &made.body["kind"]), (202, &json!("export")), "{}", made.body);
    assert_eq!(made.body["payload"], json!({"file": "all.ndjson.zst", "overwrite": false}));
    assert_eq!((&made.body["target"], &made.body["status"]), (&json!("all.ndjson.zst"), &json!("pending")));
    let path = made.headers["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    assert_eq!(ask(&it, &format!("GET {path}"), &[], None).await.body, made.body);
    for name in ["../all.ndjson", "/all.ndjson", "a/b.ndjson", "..", "all.db", ".ndjson", "a\u{7}.ndjson"] {
        let refused = ask(&it, "POST /exports", &[], Some(json!({"file": name}))).await;
        assert_eq!((refused.code(), &refused.body["field"]), ((422, "invalid"), &json!("file")), "{name}");
    }
    for name in ["there.ndjson", "link.ndjson"] {
        let taken = ask(&it, "POST /exports", &[], Some(json!({"file": name}))).await;
        assert_eq!((taken.code(), &taken.body["field"]), ((409, "already_exists"), &json!("file")), "{name}");
        let over = ask(&it, "POST /exports", &[], Some(json!({"file": name, "overwrite": true}))).await;
        assert_eq!(over.status, 202, "{}", over.body);
    }
    let closed = ask(&service(), "POST /exports", &[], Some(json!({"file": "all.ndjson"}))).await;
    assert_eq!(closed.code(), (403, "not_allowed"));
    assert!(closed.body["detail"].as_str().unwrap().contains("--export-dir"), "{}", closed.body);
}

#[tokio::test]
async fn a_new_index_is_a_task_where_there_is_one() {
    let it = Service::new(empty()).with_reindexing(true).router();
    let made = ask(&it, "POST /reindex", &[], None).await;
    assert_eq!((made.status, &made.body["kind"]), (202, &json!("reindex")), "{}", made.body);
    assert!(made.headers.contains_key("location"));
    assert_eq!(ask(&service(), "POST /reindex", &[], None).await.code(), (501, "unsupported"));
}

#[tokio::test]
async fn work_of_the_service_is_asked_for_where_it_is_looked_at() {
    for (kind, place) in [("import", "/imports"), ("export", "/exports"), ("reindex", "/reindex")] {
        let task = json!({"kind": kind, "payload": {"paths": ["/etc"]}});
        let refused = ask(&service(), "POST /tasks", &[], Some(task)).await;
        assert_eq!((refused.code(), &refused.body["field"]), ((422, "invalid"), &json!("kind")));
        assert!(refused.body["detail"].as_str().unwrap().ends_with(place), "{}", refused.body);
    }
}

#[tokio::test]
async fn lists_name_their_next_page() {
    let it = service();
    for id in ["a", "b", "c"] {
        ask(&it, &format!("PUT /videos/{id}"), &[], Some(json!({"title": "t"}))).await;
    }
    let mut path = "/videos?order=id&limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = ask(&it, &format!("GET {path}"), &[], None).await;
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|it| it["id"].clone()));
        let Some(link) = page.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        let target = link.strip_prefix("</api/v1").and_then(|link| link.strip_suffix(">; rel=\"next\""));
        path = target.unwrap().to_owned();
    }
    assert_eq!(seen, ["a", "b", "c"]);
}

/// Whoever follows an address that the service answers comes to where the service is.
#[tokio::test]
async fn below_another_service_addresses_have_its_path() {
    let it = Router::new().nest("/api/v1/atlas", service());
    let ask = async |method: &str, path: &str, body: &'static str| {
        let request = Request::builder().method(method).uri(format!("/api/v1/atlas{path}"));
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        let response = it.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
    };
    for (method, path, body, location) in [
        ("POST", "/api/v1/videos", r#"{"id": "a/b", "title": ""}"#, "/api/v1/atlas/api/v1/videos/a%2Fb"),
        ("PUT", "/api/v1/channels/c", r#"{"title": ""}"#, "/api/v1/atlas/api/v1/channels/c"),
    ] {
        assert_eq!(ask(method, path, body).await.0["location"], location);
    }
    let (headers, task) = ask("POST", "/api/v1/tasks", r#"{"kind": "a"}"#).await;
    let task = format!("/api/v1/atlas/api/v1/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(headers["location"], task);
    assert_eq!(ask("GET", "/docs", "").await.0["location"], "docs/");
    let (_, document) = ask("GET", "/api/v1/openapi.json", "").await;
    assert_eq!(document["servers"], json!([{"url": "/api/v1/atlas"}]));
}

#[tokio::test]
async fn put_takes_no_tags_in_if_none_match() {
    let put =
        ask(&service(), "PUT /videos/c", &[("if-none-match", "\"1\"")], Some(json!({"title": "C"}))).await;
    assert_eq!((put.code(), &put.body["field"]), ((400, "invalid"), &json!("if-none-match")));
}

#[tokio::test]
async fn a_revision_out_of_range_is_refused_as_such() {
    let operation = json!({"op": "delete", "id": "c", "revision": 9_223_372_036_854_775_808_u64});
    let batch = ask(&service(), "POST /videos/_batch", &[], Some(json!({"operations": [operation]}))).await;
    assert_eq!(batch.code(), (422, "invalid"), "{}", batch.body);
    assert!(batch.body["detail"].as_str().unwrap().contains("revision"), "{}", batch.body);
}

#[tokio::test]
async fn graphs_are_merged_and_asked_for_neighbours() {
    let it = service();
    let merge = json!({"channel_id": "c"});
    assert_eq!(ask(&it, "POST /graphs/_merge", &[], Some(merge.clone())).await.code(), (404, "not_found"));
    ask(&it, "POST /channels", &[], Some(json!({"id": "c", "title": ""}))).await;
    let none = ask(&it, "POST /graphs/_merge", &[], Some(merge.clone())).await;
    assert_eq!(none.code(), (409, "nothing_to_merge"));
    for (video, object) in [("v", "Tuna"), ("w", "Kelp")] {
        ask(&it, "POST /videos", &[], Some(json!({"id": video, "title": "", "channel_id": "c"}))).await;
        let graph = json!({
            "owner": {"video": video},
            "version": 1,
            "entities": [{"name": "Dashi", "kind": "dish"}, {"name": object}],
            "relations": [{"subject": "Dashi", "predicate": "needs", "object": object}],
        });
        assert_eq!(ask(&it, "POST /graphs", &[], Some(graph)).await.status, 201);
    }
    let merged = ask(&it, "POST /graphs/_merge", &[], Some(merge)).await;
    assert_eq!((merged.status, &merged.body["videos"]), (201, &json!(["v", "w"])));
    assert_eq!(merged.body["graph"]["owner"], json!({"channel": "c"}));
    let location = merged.headers["location"].to_str().unwrap();
    let graph = location.strip_prefix("/api/v1").unwrap();
    assert_eq!(graph, format!("/graphs/{}", merged.body["graph"]["id"].as_str().unwrap()));

    let asked = format!("GET {graph}/neighbours?entity=dashi&skip=1&limit=5");
    let found = ask(&it, &asked, &[], None).await;
    let relations = json!([{"direction": "out", "predicate": "needs", "entity": "Kelp"}]);
    let expected = json!({"names": ["Dashi"], "kind": "dish", "total": 2, "relations": relations});
    assert_eq!((found.status, found.body), (200, expected));
    let unknown = ask(&it, &format!("GET {graph}/neighbours?entity=ash"), &[], None).await;
    assert_eq!((unknown.code(), &unknown.body["field"]), ((404, "not_found"), &json!("entity")));
    assert!(unknown.body["detail"].as_str().unwrap().contains("Dashi"), "{}", unknown.body);
    let none = ask(&it, &format!("GET {graph}/neighbours?entity=dashi&limit=0"), &[], None).await;
    assert_eq!((none.code(), &none.body["field"]), ((400, "invalid"), &json!("limit")));
}

/// What may be sent is described as closed, and with what may be absent in each form.
#[tokio::test]
async fn the_document_says_which_fields_each_form_of_an_entity_needs() {
    let document = ask(&service(), "GET /openapi.json", &[], None).await.body;
    let schemas = &document["components"]["schemas"];
    for (name, required) in [
        ("VideoWhole", json!(["id", "title"])),
        ("VideoPut", json!(["title"])),
        ("VideoChanges", Value::Null),
        ("TranscriptPut", json!(["kind", "cues"])),
        ("KnowledgeGraphNew", json!(["owner", "version", "entities", "relations"])),
    ] {
        assert_eq!(schemas[name]["required"], required, "{name}");
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        assert!(schemas[name]["properties"]["revision"].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_document_describes_every_route_and_every_reference_resolves() {
    let response =
        service().oneshot(Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let document: Value =
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100, "{}", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids: Vec<&str> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            ids.push(operation["operationId"].as_str().unwrap());
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
            let named = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|it| it["in"] == "path")
                .count();
            assert_eq!(named, path.matches('{').count(), "{method} {path}");
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are there once");
    assert!(count > 60, "{count}");
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                references.push(reference.clone());
            }
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => (),
    }
}

#[tokio::test]
async fn the_explorer_comes_with_the_program() {
    let it = service();
    for (path, media_type, holds) in [
        ("/docs/", "text/html", "swagger-ui"),
        ("/docs/swagger-initializer.js", "javascript", "/api/v1/openapi.json"),
        ("/docs/swagger-ui.css", "text/css", ".swagger-ui"),
    ] {
        let response = it.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().contains(media_type), "{path}");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(holds), "{path}");
        assert!(media_type != "text/html" || !body.contains("https://"), "{body}");
    }
}
