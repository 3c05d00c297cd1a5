//! Tasks that a service and its workers do: exports and new indexes.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tubeatlas_postgres_cluster::Cluster;

use crate::service::Service;
use crate::support::{Sandbox, samples};

/// How long something may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks for work; answers the status and the task.
fn ask(service: &Service, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, _, body) =
        service.ask(&format!("POST /api/v1{path}"), "Content-Type: application/json\r\n", &body);
    (status, serde_json::from_str(&body).unwrap())
}

/// The task, when it is finished.
fn finished(service: &Service, task: &Value) -> Value {
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    // The stream of its events ends with the task.
    let (status, _, events) = service.get(&format!("{path}/events"));
    assert_eq!(status, 200, "{events}");
    service.json(&path).1
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The file goes into a fresh database, and comes out of it as it was.
fn comes_out_as_it_was(sandbox: &Sandbox, file: &Path) {
    let command = |command: &[&str]| sandbox.json(&[&["--database", "sqlite://fresh.db"], command].concat());
    command(&["catalogue", "import", file.to_str().unwrap()]).ended_with(0);
    let again = sandbox.path("again").with_file_name(file.file_name().unwrap());
    command(&["catalogue", "export", again.to_str().unwrap()]).ended_with(0);
    assert!(fs::read(file).unwrap() == fs::read(again).unwrap());
}

#[test]
fn a_service_with_a_worker_exports_what_was_imported() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("exports")).unwrap();
    let root = samples().canonicalize().unwrap();
    let service = Service::start(
        &sandbox,
        &["--workers", "1", "--export-dir", "exports", "--import-root", root.to_str().unwrap()],
    );
    let (status, task) = ask(&service, "/imports", &json!({"paths": [root]}));
    assert_eq!(status, 202, "{task}");
    assert_eq!(finished(&service, &task)["status"], "succeeded");

    let (status, task) = ask(&service, "/exports", &json!({"file": "all.ndjson.zst"}));
    assert_eq!(status, 202, "{task}");
    let done = finished(&service, &task);
    assert_eq!((&done["status"], &done["progress"]), (&json!("succeeded"), &json!(100)), "{done}");
    assert_eq!(names(&sandbox.path("exports")), ["all.ndjson.zst"]);
    let (status, refused) = ask(&service, "/exports", &json!({"file": "all.ndjson.zst"}));
    assert_eq!((status, &refused["code"]), (409, &json!("already_exists")), "{refused}");
    comes_out_as_it_was(&sandbox, &sandbox.path("exports/all.ndjson.zst"));

    let (status, task) = ask(&service, "/reindex", &Value::Null);
    assert_eq!(status, 202, "{task}");
    let done = finished(&service, &task);
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(service.json("/api/v1/search?q=%22dough%20rest%22").1["hits"].as_array().unwrap().len(), 1);
}

#[test]
fn the_index_of_postgres_is_built_anew_and_its_catalogue_exported() {
    let Some(cluster) = Cluster::shared_if_installed().unwrap() else { return };
    let database = cluster.database().unwrap();
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("exports")).unwrap();
    let samples = samples();
    sandbox.run(&["--database", database.url(), "import", samples.to_str().unwrap()]).ended_with(1);
    let service = Service::start(
        &sandbox,
        &["--database", database.url(), "--workers", "2", "--export-dir", "exports"],
    );
    let (export, reindex) =
        (ask(&service, "/exports", &json!({"file": "all.ndjson"})), ask(&service, "/reindex", &Value::Null));
    for (status, task) in [export, reindex] {
        assert_eq!(status, 202, "{task}");
        let done = finished(&service, &task);
        assert_eq!(done["status"], "succeeded", "{done}");
    }
    comes_out_as_it_was(&sandbox, &sandbox.path("exports/all.ndjson"));
}

#[test]
fn what_cannot_be_done_is_told_at_once() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--database", "memory:", "--workers", "1"]);
    let (status, refused) = ask(&service, "/exports", &json!({"file": "all.ndjson"}));
    assert_eq!((status, &refused["code"]), (403, &json!("not_allowed")), "{refused}");
    let (status, refused) = ask(&service, "/reindex", &Value::Null);
    assert_eq!((status, &refused["code"]), (501, &json!("unsupported")), "{refused}");
    for command in ["serve", "worker"] {
        let refused = sandbox.run(&[command, "--export-dir", "nothing"]).ended_with(2);
        assert!(refused.stderr.contains("cannot find the folder nothing"), "{}", refused.stderr);
    }
}

/// A worker in a process of its own.
struct Worker(Child);

impl Worker {
    fn start(sandbox: &Sandbox) -> Self {
        let mut command = sandbox.command(&["worker", "--export-dir", "exports", "--lease", "2"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts"))
    }
}

impl Drop for Worker {
    /// SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_export_of_a_killed_worker_is_done_by_another() {
    let sandbox = Sandbox::new();
    // So much that an export takes a while.
    fs::create_dir(sandbox.path("archive")).unwrap();
    for n in 0..2_000_u32 {
        let description: String =
            (0..600_u32).map(|i| format!("{:x} ", n.wrapping_mul(i ^ 0x9e37))).collect();
        let document = json!({"id": format!("video-{n:05}"), "title": "T", "description": description});
        fs::write(sandbox.path(&format!("archive/{n}.info.json")), document.to_string()).unwrap();
    }
    sandbox.run(&["import", "archive"]).ended_with(0);
    fs::create_dir(sandbox.path("exports")).unwrap();
    let service = Service::start(&sandbox, &["--export-dir", "exports"]);
    let (status, task) = ask(&service, "/exports", &json!({"file": "all.ndjson.zst"}));
    assert_eq!(status, 202, "{task}");
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());

    let killed = Worker::start(&sandbox);
    let begun = Instant::now();
    let partial = loop {
        match names(&sandbox.path("exports")).as_slice() {
            [name] if name.ends_with(".partial") => break name.clone(),
            [] => assert!(begun.elapsed() < PATIENCE, "it begins"),
            other => panic!("it was done before it could be killed: {other:?}"),
        }
        std::thread::yield_now();
    };
    drop(killed);
    let left = service.json(&path).1;
    assert_eq!((&left["status"], &left["attempts"]), (&json!("running"), &json!(1)), "{left}");
    assert_eq!(names(&sandbox.path("exports")), [partial], "nothing is in its place");

    let _other = Worker::start(&sandbox);
    let done = finished(&service, &task);
    assert_eq!((&done["status"], &done["attempts"]), (&json!("succeeded"), &json!(2)), "{done}");
    assert_eq!(names(&sandbox.path("exports")), ["all.ndjson.zst"], "nor is anything left of the first");
    comes_out_as_it_was(&sandbox, &sandbox.path("exports/all.ndjson.zst"));
}
