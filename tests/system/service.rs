//! The service, over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::Sandbox;

/// A service on a port of its own, killed when the test is over.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Service {
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Self::spawn(&mut Self::command(sandbox, arguments))
    }

    /// The command of a service on a port of its own, if none is given, whose log nobody reads.
    pub(crate) fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
        let listen: &[&str] =
            if arguments.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut command = sandbox.command(&[&["serve", "--format", "json"], listen, arguments].concat());
        command.stderr(Stdio::null());
        command
    }

    /// Starts this [command](Self::command).
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("it says where it listens");
        let address = said["listening"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let address = address.replace("0.0.0.0", "127.0.0.1");
        Self { child, address }
    }

    /// A connection on which this was sent.
    pub(crate) fn connect(&self, begin: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(begin.as_bytes()).unwrap();
        stream
    }

    /// All that is answered to this until the service closes the connection.
    pub(crate) fn raw(&self, request: &str) -> String {
        let mut answer = Vec::new();
        let _ = self.connect(request).read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// Status, head and body of the answer to a request: method and path, headers, body.
    pub(crate) fn ask(&self, line: &str, headers: &str, body: &str) -> (u16, String, String) {
        let host = if headers.contains("Host: ") { "" } else { "Host: localhost\r\n" };
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{length}{headers}\r\n");
        let answer = self.raw(&(head + body));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{line}: {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path}"), "", "")
    }

    pub(crate) fn json(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.get(path);
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_catalogue_is_served_and_ends_when_asked() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let mut service = Service::start(&sandbox, &[]);

    assert_eq!(service.get("/").0, 200);
    assert_eq!(service.get("/health").0, 200);
    let (status, health) = service.json("/health/db");
    assert_eq!(status, 200, "{health}");
    let (_, page) = service.json("/api/v1/videos?limit=4&order=oldest");
    assert_eq!(page["items"].as_array().unwrap().len(), 4, "{page}");
    let cursor = page["next_cursor"].as_str().unwrap();
    let (_, rest) = service.json(&format!("/api/v1/videos?limit=4&order=oldest&cursor={cursor}"));
    assert_eq!(rest["items"].as_array().unwrap().len(), 2, "{rest}");
    assert_eq!(service.json("/api/v1/videos/Dumpling-01").1["id"], "Dumpling-01");
    let (status, transcript) = service.json("/api/v1/videos/Dumpling-01/transcripts/en");
    assert!(status == 200 && transcript.to_string().contains("earlobe"), "{transcript}");

    // The same answer as on the command line.
    let (_, found) = service.json("/api/v1/search?q=%22dough%20rest%22");
    let told = sandbox.json(&["search", "\"dough rest\""]).json();
    assert_eq!(found, told);

    for (path, status) in [
        ("/api/v1/videos/nothing", 404),
        ("/nothing", 404),
        ("/api/v1/videos?limit=0", 400),
        ("/api/v1/videos?sort=x", 400),
        ("/api/v1/videos?cursor=forged", 400),
        ("/api/v1/search", 400),
        ("/api/v1/search?q=%22", 400),
        ("/api/v1/videos/%00", 400),
    ] {
        let (found, answer) = service.json(path);
        assert_eq!(found, status, "{path}: {answer}");
        assert!(answer["detail"].is_string(), "{path}: {answer}");
    }

    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_catalogue_in_memory_can_be_served() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--database", "memory:"]);
    let (status, page) = service.json("/api/v1/videos");
    assert_eq!((status, page["items"].as_array().unwrap().len()), (200, 0));
    assert_eq!(service.get("/health/db").0, 200);
}

#[test]
fn a_port_in_use_is_named() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    let run = sandbox.run(&["serve", "--listen", &service.address]).ended_with(2);
    assert!(run.stderr.contains(&service.address), "{}", run.stderr);
}

/// The database is damaged under the service: what needs it is 503 with Retry-After, and says nothing of the
/// inside; the service itself lives.
#[test]
fn trouble_with_the_database_is_503() {
    let sandbox = Sandbox::new();
    // More than SQLite's cache holds, so that the damage is met.
    std::fs::create_dir(sandbox.path("archive")).unwrap();
    for n in 0..60 {
        let description = "x".repeat(90_000);
        let document =
            serde_json::json!({"id": format!("video-{n:05}"), "title": "T", "description": description});
        std::fs::write(sandbox.path(&format!("archive/{n}.info.json")), document.to_string()).unwrap();
    }
    sandbox.run(&["import", "archive"]).ended_with(0);
    let service = Service::start(&sandbox, &[]);
    assert_eq!(service.get("/api/v1/videos?limit=60").0, 200);
    let path = sandbox.path("tubeatlas.db");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, vec![0x5a; bytes.len()]).unwrap();
    let (status, head, body) = service.get("/api/v1/videos?limit=60");
    assert_eq!(status, 503, "{body:.300}");
    assert!(head.contains("retry-after:"), "{head}");
    for inside in ["malformed", "tubeatlas.db", "SELECT", "table"] {
        assert!(!body.contains(inside), "{body}");
    }
    assert_eq!(service.get("/health").0, 200, "the service itself lives");
}

#[test]
fn a_damaged_database_is_refused_at_the_start() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let path = sandbox.path("tubeatlas.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5a);
    std::fs::write(&path, &bytes).unwrap();
    let run = sandbox.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    assert!(
        run.stderr.contains("did not pass its checks") || run.stderr.contains("damaged"),
        "{}",
        run.stderr
    );
}
