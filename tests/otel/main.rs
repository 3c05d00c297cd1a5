//! The program with the feature `otel`, from outside: its traces arrive at a collector, with what they should hold and
//! nothing else; and what is the matter with a collector is no matter of who asks the service.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod collector;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use collector::{Collector, attributes, spans};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A secret, wherever one could be.
const CANARY: &str = "c4n4ry";

/// The service in a folder of its own.
struct Service {
    child: Child,
    address: String,
    folder: TempDir,
}

impl Service {
    /// Starts it with these variables, and none of those of whoever runs the test.
    fn start(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tubeatlas-with-otel"));
        for (name, _) in std::env::vars_os() {
            if ["TUBEATLAS_", "OTEL_"].iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--format", "json"])
            .current_dir(folder.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("it says where it listens");
        let address = said["listening"].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { child, address, folder }
    }

    /// The status that is answered to a request: method and path, and headers.
    fn ask(&self, line: &str, headers: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Asks it to end, and answers what it has logged.
    fn end(mut self) -> String {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing is handed over before the end, so that what arrives was handed over by it.
const AT_THE_END: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "86400000");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> String {
    attributes(&span.attributes).remove(name).unwrap_or_default()
}

#[test]
fn a_request_belongs_to_the_trace_of_who_asks() {
    let collector = Collector::start("200 OK");
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_SERVICE_NAME", "atlas-of-the-test"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        AT_THE_END,
    ]);
    let headers = format!("traceparent: 00-{TRACE}-{CALLER}-01\r\nX-Request-Id: request-1\r\n");
    assert_eq!(service.ask("GET /api/v1/videos/nothing", &headers), 404);
    assert_eq!(service.ask("GET /health", ""), 200);
    // That it wants none is for the caller to say.
    assert_eq!(service.ask("GET /health", &format!("traceparent: 00-{TRACE}-{CALLER}-00\r\n")), 200);
    service.end();

    let sent = collector.sent();
    for one in &sent {
        assert!(one.head.starts_with("post /v1/traces http/1.1\r\n"), "{}", one.head);
        assert!(one.head.contains("content-type: application/x-protobuf\r\n"), "{}", one.head);
    }
    let (program, spans) = spans(&sent);
    assert_eq!(program["service.name"], "atlas-of-the-test");
    assert_eq!(program["deployment.environment.name"], "test");
    assert_eq!(program["service.version"], env!("CARGO_PKG_VERSION"));
    let [asked, other] = spans.as_slice() else { panic!("two spans, and there are {spans:#?}") };

    assert_eq!((hex(&asked.trace_id).as_str(), hex(&asked.parent_span_id).as_str()), (TRACE, CALLER));
    assert_eq!(asked.name, "GET /api/v1/videos/{id}");
    assert_eq!(asked.kind, SpanKind::Server as i32);
    let expected = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "404"),
        ("http.route", "/api/v1/videos/{id}"),
        ("tubeatlas.request_id", "request-1"),
    ];
    let found = attributes(&asked.attributes);
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(asked.status.as_ref().map_or(0, |status| status.code), StatusCode::Unset as i32);
    assert!(asked.end_time_unix_nano > asked.start_time_unix_nano);

    assert_eq!(other.name, "GET /health");
    assert!(other.parent_span_id.is_empty() && hex(&other.trace_id) != TRACE, "{other:?}");
    assert_eq!(attribute(other, "tubeatlas.request_id").len(), 36, "the service's own id");
}

/// What the service logs in a request is in its span, if it is for others.
#[test]
fn trouble_is_told() {
    let collector = Collector::start("200 OK");
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/here", collector.url)),
        AT_THE_END,
    ]);
    for name in ["tubeatlas.db", "tubeatlas.db-wal", "tubeatlas.db-shm"] {
        std::fs::remove_file(service.folder.path().join(name)).unwrap();
    }
    assert_eq!(service.ask("GET /health/db", ""), 503);
    service.end();
    let sent = collector.sent();
    assert!(sent[0].head.starts_with("post /here http/1.1\r\n"), "{}", sent[0].head);
    let (program, spans) = spans(&sent);
    assert_eq!(program["service.name"], "tubeatlas");
    let [span] = spans.as_slice() else { panic!("one span, and there are {spans:#?}") };
    assert_eq!(attribute(span, "error.type"), "503");
    assert_eq!(span.status.as_ref().unwrap().code, StatusCode::Error as i32);
    let events: Vec<&str> = span.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(events, ["the store failed"]);
    assert!(attributes(&span.events[0].attributes).contains_key("error"), "{span:?}");
}

/// Tokens, queries, what a path names, the client's address and the collector's credentials are in no span, even if all is
/// logged; and the last of them not in the log.
#[test]
fn nothing_secret_is_handed_over() {
    let collector = Collector::start("200 OK");
    let known = format!("me:write:{}", "0".repeat(64));
    let service = Service::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=f1nch"),
        ("TUBEATLAS_SERVE_TOKENS", &known),
        ("TUBEATLAS_LOG", "trace"),
        ("TUBEATLAS_DATABASE_ECHO", "on"),
    ]);
    let bearer =
        format!("Authorization: Bearer tat_{CANARY}\r\nCookie: {CANARY}\r\nUser-Agent: {CANARY}\r\n");
    for line in [
        format!("GET /api/v1/search?q={CANARY}&access_token={CANARY}"),
        format!("GET /api/v1/videos/{CANARY}"),
        format!("GET /{CANARY}"),
        format!("{CANARY} /api/v1/videos"),
        format!("GET /media/{CANARY}?signature={CANARY}"),
    ] {
        service.ask(&line, &bearer);
        service.ask(&line, &format!("baggage: secret={CANARY}\r\ntraceparent: {CANARY}\r\n"));
    }
    let log = service.end();
    assert!(log.contains("a token is not known") && log.contains("127.0.0.1"), "{log}");
    assert!(!log.contains("f1nch"), "{log}");
    let sent = collector.sent();
    assert!(sent.iter().all(|one| one.head.contains("\r\nx-api-key: f1nch\r\n")));
    let (_, spans) = spans(&sent);
    assert_eq!(spans.len(), 10);
    assert!(spans.iter().any(|span| span.name == "HTTP /api/v1/videos"), "{spans:#?}");
    for one in &sent {
        let text = String::from_utf8_lossy(&one.body);
        for secret in [CANARY, "127.0.0.1", &"0".repeat(64)] {
            assert!(!text.contains(secret), "{secret} is in {text:?}");
        }
    }
}

/// Nobody is there, nobody answers, or it is refused: requests are answered, the log says it once, and the end comes.
#[test]
fn a_collector_in_trouble_is_no_trouble_of_the_service() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusing = Collector::start("503 Service Unavailable");
    for (url, says) in [
        (format!("http://{gone}"), "refused"),
        (format!("http://{}", silent.local_addr().unwrap()), "did not answer within 50ms"),
        (format!("https://{}", silent.local_addr().unwrap()), "did not answer within 50ms"),
        (refusing.url.clone(), "503"),
    ] {
        let service = Service::start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "50"),
            ("OTEL_BSP_SCHEDULE_DELAY", "1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ]);
        for _ in 0..20 {
            assert_eq!(service.ask("GET /api/v1/videos", ""), 200, "{url}");
        }
        let log = service.end();
        let warned: Vec<&str> =
            log.lines().filter(|line| line.contains("\"WARN\"") && line.contains("traces")).collect();
        assert!(warned.len() == 1 && warned[0].contains(says), "{url}: {warned:#?}");
        assert!(!log.contains("\"ERROR\""), "{log}");
    }
}

/// The service is served, traces or not.
#[test]
fn what_is_wrong_with_the_variables_is_said_in_the_log() {
    let collector = Collector::start("200 OK");
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str());
    for (variables, says) in [
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[")][..], "there are no traces"),
        (&[endpoint, ("OTEL_SDK_DISABLED", "true")], ""),
        (&[endpoint, ("OTEL_TRACES_EXPORTER", "none")], ""),
        (&[("OTEL_SERVICE_NAME", "atlas")], ""),
    ] {
        let service = Service::start(variables);
        assert_eq!(service.ask("GET /api/v1/videos", ""), 200, "{variables:?}");
        let log = service.end();
        match says {
            "" => assert!(!log.contains("traces"), "{variables:?}: {log}"),
            says => assert_eq!(log.matches(says).count(), 1, "{variables:?}: {log}"),
        }
    }
    assert!(collector.sent().is_empty());
}
