//! Tokens and bounds of the service, from outside. The bounds themselves are proved where they are made; here is that the
//! settings reach them, and that they hold for the routes that there are.

use serde_json::Value;

use crate::service::Service;
use crate::support::{Run, Sandbox};

/// A token, and what lets it in.
fn token(sandbox: &Sandbox, name: &str, scope: &str) -> (String, String) {
    let made = sandbox.json(&["token", "create", "--name", name, "--scope", scope]).ended_with(0).json();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("token"), format!("{name}:{scope}:{}", text("sha256")))
}

fn with(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn a_token_is_shown_once_and_let_in_by_what_is_shown_with_it() {
    let sandbox = Sandbox::new();
    let made = sandbox.run(&["token", "create", "--name", "me", "--scope", "write"]).ended_with(0);
    let secret = made.stdout.trim();
    assert!(secret.starts_with("tat_") && secret.len() == 47, "{secret}");
    assert!(!made.stderr.contains(secret), "{}", made.stderr);
    let lines: Vec<&str> =
        made.stderr.lines().skip_while(|line| *line != "[[serve.tokens]]").take(4).collect();
    std::fs::write(sandbox.path("tubeatlas.toml"), lines.join("\n")).unwrap();
    assert!(!std::fs::read_to_string(sandbox.path("tubeatlas.toml")).unwrap().contains(secret));

    let service = Service::start(&sandbox, &["--database", "memory:"]);
    let path = "/api/v1/videos";
    assert_eq!(service.ask(&format!("GET {path}"), "", "").0, 401);
    assert_eq!(service.ask(&format!("GET {path}"), &with(secret), "").0, 200);
    assert_eq!(service.ask(&format!("GET {path}"), &with(&made_up(secret)), "").0, 401);

    let run = sandbox.run(&["token", "create", "--name", "a b"]).ended_with(2);
    assert!(run.stderr.contains("letters, digits"), "{}", run.stderr);
}

/// The token with another last character.
fn made_up(secret: &str) -> String {
    let (start, last) = secret.split_at(secret.len() - 1);
    format!("{start}{}", if last == "A" { "E" } else { "A" })
}

#[test]
fn everything_but_the_pages_and_whether_it_lives_needs_a_token() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let ((reading, reader), (writing, writer)) =
        (token(&sandbox, "reader", "read"), token(&sandbox, "writer", "write"));
    let mut command = Service::command(&sandbox, &[]);
    let service = Service::spawn(command.env("TUBEATLAS_SERVE_TOKENS", format!("{reader}, {writer}")));
    for path in ["/", "/health", "/health/ready", "/docs/", "/api/v1/openapi.json"] {
        assert_eq!(service.get(path).0, 200, "{path}");
    }
    for path in ["/api/v1/videos", "/api/v1/search?q=dough", "/health/db", "/metrics", "/nothing"] {
        let (status, head, _) = service.get(path);
        assert_eq!(status, 401, "{path}");
        assert!(head.contains("www-authenticate: bearer"), "{path}: {head}");
        assert!(head.contains("x-request-id: "), "{path}: {head}");
    }
    for token in [&reading, &writing] {
        assert_eq!(service.ask("GET /api/v1/search?q=dough", &with(token), "").0, 200);
        assert_eq!(service.ask("GET /health/db", &with(token), "").0, 200);
    }
    let before = sandbox.contents();
    let (status, _, body) = service.ask("DELETE /api/v1/videos/Dumpling-01", &with(&reading), "");
    assert_eq!(status, 403, "{body}");
    assert_eq!(service.ask("DELETE /api/v1/videos/Dumpling-01", "", "").0, 401);
    assert_eq!(sandbox.contents(), before);
}

/// What is measured has a series a route, method and status; nothing that a client makes up.
#[test]
fn what_is_measured_can_be_scraped() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let service = Service::start(&sandbox, &[]);
    for path in ["/api/v1/videos/Dumpling-01", "/api/v1/videos/canary", "/canary", "/api/v1/videos?limit=0"] {
        service.get(path);
    }
    service.ask("CANARY /api/v1/videos", "", "");
    let (status, head, body) = service.get("/metrics");
    assert!(status == 200 && head.contains("text/plain; version=0.0.4"), "{head}");
    for line in [
        "tubeatlas_http_requests_total{method=\"GET\",route=\"/api/v1/videos/{id}\",status=\"200\"} 1",
        "tubeatlas_http_requests_total{method=\"GET\",route=\"/api/v1/videos/{id}\",status=\"404\"} 1",
        "tubeatlas_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "tubeatlas_http_requests_total{method=\"GET\",route=\"/api/v1/videos\",status=\"400\"} 1",
        "tubeatlas_http_requests_total{method=\"other\",route=\"/api/v1/videos\",status=\"405\"} 1",
        "tubeatlas_http_request_seconds_count{method=\"GET\",route=\"none\"} 1",
        "tubeatlas_http_requests_in_flight 1",
    ] {
        assert!(body.lines().any(|it| it == line), "no {line} in:\n{body}");
    }
    // Those before may not be gone yet.
    assert!(body.contains("\ntubeatlas_http_connections "), "{body}");
    assert!(body.contains("tubeatlas_sqlite_call_seconds_bucket"), "the store's are there too:\n{body}");
    assert!(!body.to_ascii_lowercase().contains("canary"), "{body}");
}

#[test]
fn a_service_whose_database_is_gone_lives_and_is_not_ready() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let service = Service::start(&sandbox, &[]);
    for name in ["tubeatlas.db", "tubeatlas.db-wal", "tubeatlas.db-shm"] {
        std::fs::remove_file(sandbox.path(name)).unwrap();
    }
    for path in ["/health/ready", "/health/db"] {
        let (status, head, body) = service.get(path);
        assert_eq!(status, 503, "{path}: {body}");
        assert!(head.contains("retry-after: ") && !body.contains("tubeatlas.db"), "{head} {body}");
    }
    assert_eq!(service.get("/health").0, 200);
}

#[test]
fn bounds_hold_as_they_are_set() {
    let sandbox = Sandbox::new();
    let toml = "[serve]\nmax_body_bytes = 2000\nmax_headers = 20\nmax_head_bytes = 4000\nmax_uri_bytes = 3000\n\
                header_timeout = 0.2\nidle_timeout = 0.2\nbody_timeout = 0.2\nallowed_hosts = ['atlas.example']\n";
    std::fs::write(sandbox.path("tubeatlas.toml"), toml).unwrap();
    let service = Service::start(&sandbox, &["--database", "memory:"]);
    let code = |answer: (u16, String, String)| {
        let body: Value = serde_json::from_str(&answer.2).unwrap_or_else(|_| panic!("{answer:?}"));
        (answer.0, body["code"].as_str().unwrap().to_owned())
    };
    let json = "Content-Type: application/json\r\n";
    let post = "POST /api/v1/channels";
    for (line, headers, body, expected) in [
        (post, json, "x".repeat(2_001), (413, "too_large")),
        ("GET /api/v1/channels", json, "x".repeat(2_001), (413, "too_large")),
        (post, json, format!("{{\"id\": \"UC1\", \"title\": {}", "[".repeat(1_500)), (400, "invalid")),
        ("GET /api/v1/videos?limit=1001", "", String::new(), (400, "invalid")),
        ("GET /", "Host: evil.example\r\n", String::new(), (421, "not_allowed")),
        ("GET /", "Origin: https://evil.example\r\n", String::new(), (403, "not_allowed")),
    ] {
        let (status, found) = code(service.ask(line, headers, &body));
        assert_eq!((status, found.as_str()), expected, "{line}");
    }
    let long = |length: usize| format!("GET /api/v1/search?q={}", "x".repeat(length));
    assert_eq!(code(service.ask(&long(1_001), "", "")), (400, "invalid".to_owned()));
    assert_eq!(code(service.ask(&long(3_001), "", "")), (414, "too_large".to_owned()));
    assert_eq!(service.ask("GET /", &"X: y\r\n".repeat(21), "").0, 431);
    assert_eq!(service.ask("GET /", &format!("X: {}\r\n", "y".repeat(4_000)), "").0, 431);
    assert_eq!(service.ask("GET /health", "Host: atlas.example\r\n", "").0, 200);
    // Both end because the service closes them.
    assert_eq!(service.raw("GET / HT"), "");
    let slow = format!("{post} HTTP/1.1\r\nHost: localhost\r\n{json}Content-Length: 9\r\n\r\n{{");
    assert!(service.raw(&slow).starts_with("HTTP/1.1 408 "));
}

/// A token, passwords of databases, a secret of another program in the environment: with everything logged, none of it is in
/// a log, an answer or a measurement.
#[test]
fn no_secret_is_shown_though_everything_is_logged() {
    const SECRET: &str = "c4n4ry";
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let (secret, known) = token(&sandbox, "me", "write");
    let log = std::fs::File::create(sandbox.path("log")).unwrap();
    let mut command = Service::command(&sandbox, &[]);
    command
        .env("TUBEATLAS_LOG", "trace")
        .env("TUBEATLAS_SERVE_TOKENS", &known)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("PGPASSWORD", SECRET)
        .stderr(log);
    let mut service = Service::spawn(&mut command);
    let mut answers = String::new();
    let mut ask = |line: &str, headers: &str, body: &str| {
        let (status, head, body) = service.ask(line, headers, body);
        answers += &format!("{status} {head} {body}\n");
    };
    for path in ["/", "/api/v1/videos", "/api/v1/nothing", "/health/db", "/metrics", "/health/ready", "/docs"]
    {
        ask(&format!("GET {path}"), &with(&secret), "");
        ask(&format!("GET {path}"), &with(&format!("tat_{SECRET}")), "");
        ask(&format!("GET {path}"), &format!("Authorization: Basic {SECRET}\r\nCookie: {SECRET}\r\n"), "");
    }
    ask("PUT /api/v1/channels/UC1", &format!("{}X-Api-Key: {SECRET}\r\n", with(&secret)), "{");
    // Where a token does not belong.
    ask(&format!("GET /api/v1/search?q=x&token={SECRET}&access_token={secret}"), "", "");
    ask(
        &format!("GET /api/v1/videos?access_token={secret}"),
        &format!("Referer: http://x/?t={SECRET}\r\n"),
        "",
    );
    // What is no HTTP; that a connection has failed is told to who looks for faults alone.
    answers += &service.raw(&format!("GET / HTTP/1.1\r\nAuthorization: Bearer {SECRET}\r\n{SECRET}\r\n\r\n"));
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    let log = std::fs::read_to_string(sandbox.path("log")).unwrap();
    assert!(log.contains("\"DEBUG\"") && log.contains("a token is not known"), "{log}");
    for (what, text) in [("the log", &log), ("the answers", &answers)] {
        for secret in [SECRET, &secret, &secret[4..]] {
            assert!(!text.contains(secret), "{what} shows {secret}: {text}");
        }
        // Nor what would let it in elsewhere.
        assert!(!text.contains(&known[known.len() - 64..]), "{what} shows the digest: {text}");
    }

    // Nor when it does not start at all.
    for url in ["postgres://me:c4n4ry@127.0.0.1:1/atlas?password=c4n4ry", "mysql://me:c4n4ry@h/x"] {
        let mut command = sandbox.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("TUBEATLAS_LOG", "trace").env("TUBEATLAS_DATABASE_URL", url);
        let run = Run::from(command.output().unwrap());
        assert_ne!(run.code, 0);
        assert!(!run.stderr.contains(SECRET) && !run.stdout.contains(SECRET), "{}", run.stderr);
    }
}
