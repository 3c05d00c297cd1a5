//! The bounds and refusals, over real sockets, around a router of a few routes; and that they hold for all that a router
//! may answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use futures::{StreamExt, poll, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;

use super::bodies::Bodies;
use super::*;
use crate::server::Server;
use crate::settings::Limits;

/// Longer than anything here takes; not a measure of it.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(120), what).await.expect("it ends")
}

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

struct Running {
    address: SocketAddr,
    entered: Arc<Semaphore>,
    opened: Arc<Semaphore>,
    gone: Arc<Notify>,
    _ask: mpsc::Sender<()>,
}

impl Running {
    /// `/` answers with how much it was sent, `/unread` reads nothing, `/gate` waits, `/endless` begins an answer.
    async fn start(settings: ServeSettings) -> Self {
        let (entered, opened, gone) =
            (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        struct Gone(Arc<Notify>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let gate = {
            let (entered, opened, gone) = (Arc::clone(&entered), Arc::clone(&opened), Arc::clone(&gone));
            move || {
                let (entered, opened, gone) = (Arc::clone(&entered), Arc::clone(&opened), Arc::clone(&gone));
                async move {
                    let _gone = Gone(gone);
                    entered.add_permits(1);
                    opened.acquire().await.unwrap().forget();
                    "passed"
                }
            }
        };
        let endless = || async {
            let begin = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"begin")) });
            Body::from_stream(begin.chain(stream::pending()))
        };
        let missing = || async { StatusCode::NOT_FOUND.into_response() };
        let length = |body: Bytes| async move { body.len().to_string() };
        let router = Router::new()
            .route("/", get(length).post(length))
            .route("/api/v1/videos", get(length).post(length).delete(length))
            .route("/unread", get(|| async { "read nothing" }).post(|| async { "read nothing" }))
            .route("/gate", get(gate))
            .route("/endless", get(endless))
            .route("/health", get(|| async { "lives" }))
            .route("/only-get", get(|| async { "got" }))
            .fallback(missing)
            .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ask, asked) = mpsc::channel(1);
        let router = Access::new(&settings).around(router);
        tokio::spawn(Server::new(listener, router, None, settings.limits).run(asked, || {}));
        Self { address, entered, opened, gone, _ask: ask }
    }

    async fn limited(limits: Limits) -> Self {
        Self::start(ServeSettings { limits, ..ServeSettings::default() }).await
    }

    async fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// What is answered to this first line and headers, and a body that is sent while the service takes it.
    async fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let mut stream =
            self.open(&format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n")).await;
        let (mut read, mut write) = stream.split();
        let mut answer = Vec::new();
        let (_, _) =
            in_time(async { tokio::join!(write.write_all(body), read.read_to_end(&mut answer)) }).await;
        parsed(&answer)
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", b"").await
    }
}

fn parsed(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

async fn rest(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    let _ = in_time(stream.read_to_end(&mut answer)).await;
    parsed(&answer)
}

/// `size` bytes in chunks, without an end.
fn chunks(size: usize) -> Vec<u8> {
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    chunk.repeat(size / 0x1000)
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

#[tokio::test]
async fn bodies_are_bounded_whatever_they_say_and_whoever_reads_them() {
    const MOST: usize = 0x4000;
    let service = Running::limited(Limits { max_body_bytes: MOST, ..Limits::default() }).await;
    let ended = |size| [chunks(size), b"0\r\n\r\n".to_vec()].concat();
    let sized = |size: usize| format!("Content-Length: {size}\r\n");
    assert_eq!(service.ask("POST /", CHUNKED, &ended(MOST)).await.body, "16384");
    assert_eq!(service.ask("POST /", &sized(MOST), &vec![0; MOST]).await.body, "16384");

    for (line, otherwise) in [
        ("POST /", 200),
        ("GET /", 200),
        ("GET /unread", 200),
        ("POST /unread", 200),
        ("POST /nothing", 404),
        ("DELETE /only-get", 405),
    ] {
        // A body without an end that nobody stops would fill the memory, and never be answered.
        let endless = chunks(64 * MOST);
        for (headers, body) in
            [(CHUNKED, endless.as_slice()), (&sized(MOST + 1), &[]), (&sized(1 << 40), &[])]
        {
            let answer = service.ask(line, headers, body).await;
            assert_eq!(answer.status, 413, "{line} {headers}: {answer:?}");
            assert!(answer.body.contains("too_large"), "{answer:?}");
        }
        assert_eq!(service.ask(line, CHUNKED, &ended(MOST)).await.status, otherwise, "{line}");
    }
}

#[tokio::test]
async fn a_body_may_be_larger_than_the_extractors_of_axum_have_it() {
    let service = Running::limited(Limits::default()).await;
    let size = 8 * 1024 * 1024;
    let answer = service.ask("POST /", &format!("Content-Length: {size}\r\n"), &vec![0; size]).await;
    assert_eq!(answer.body, size.to_string());
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let limits = Limits { body_timeout: Duration::from_millis(50), ..Limits::default() };
    let service = Running::limited(limits).await;
    for path in ["/", "/unread", "/nothing"] {
        let answer = service.ask(&format!("POST {path}"), "Content-Length: 10\r\n", b"x").await;
        assert_eq!(answer.status, 408, "{answer:?}");
        assert_eq!(service.ask(&format!("POST {path}"), CHUNKED, b"1\r\nx\r\n").await.status, 408);
    }
}

#[tokio::test]
async fn who_sends_slowly_takes_up_no_place_of_those_who_are_answered() {
    let service = Running::limited(Limits { max_in_flight: 1, ..Limits::default() }).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(service.open("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx").await);
        assert_eq!(service.get("/").await.status, 200);
    }
}

/// All bodies together are bounded, too.
#[tokio::test]
async fn bodies_that_are_held_at_once_are_bounded() {
    let bodies = Bodies::new(1_000, Duration::from_secs(600));
    let body = |size: usize| {
        let begin = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(vec![0; size])) });
        Request::new(Body::from_stream(begin.chain(stream::pending())))
    };
    let mut held: Vec<_> = (0..16).map(|_| Box::pin(bodies.read(body(1_000)))).collect();
    for reading in &mut held {
        assert!(poll!(reading).is_pending());
    }
    let refused = in_time(bodies.read(body(1))).await.unwrap_err();
    assert_eq!((refused.status(), refused.problem().code), (StatusCode::SERVICE_UNAVAILABLE, "overloaded"));
    held.pop();
    let mut reading = Box::pin(bodies.read(body(1_000)));
    assert!(poll!(&mut reading).is_pending(), "there is room again");
}

#[tokio::test]
async fn requests_that_are_answered_at_once_are_bounded() {
    let service = Running::limited(Limits { max_in_flight: 2, ..Limits::default() }).await;
    let request = "GET /gate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut inside = Vec::new();
    for _ in 0..2 {
        inside.push(service.open(request).await);
        in_time(service.entered.acquire()).await.unwrap().forget();
    }
    for path in ["/gate", "/", "/nothing"] {
        let refused = service.get(path).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(
            refused.head.contains("retry-after: 1") && refused.body.contains("overloaded"),
            "{refused:?}"
        );
    }
    assert_eq!(service.get("/health").await.status, 200, "that it lives can always be seen");
    service.opened.add_permits(2);
    for stream in inside {
        assert_eq!(rest(stream).await.body, "passed");
    }
    assert_eq!(service.get("/").await.status, 200);
}

#[tokio::test]
async fn an_answer_counts_until_it_was_sent() {
    let service = Running::limited(Limits { max_in_flight: 1, ..Limits::default() }).await;
    let mut stream = service.open("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut begin = Vec::new();
    while !begin.ends_with(b"begin\r\n") {
        assert_ne!(in_time(stream.read_buf(&mut begin)).await.unwrap(), 0);
    }
    assert_eq!(service.get("/").await.status, 503);
    drop(stream);
    in_time(async { while service.get("/").await.status != 200 {} }).await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let limits = Limits { request_timeout: Duration::from_millis(50), ..Limits::default() };
    let service = Running::limited(limits).await;
    let answer = service.get("/gate").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("\"timeout\"") && answer.head.contains("retry-after"), "{answer:?}");
    in_time(service.gone.notified()).await;
}

#[tokio::test]
async fn paths_and_queries_are_bounded() {
    let service = Running::limited(Limits { max_uri_bytes: 1_000, ..Limits::default() }).await;
    assert_eq!(service.get(&format!("/?{}", "x".repeat(998))).await.status, 200);
    for path in ["/?", "/nothing?", "/only-get/"] {
        let answer = service.get(&format!("{path}{}", "x".repeat(1_000))).await;
        assert_eq!(answer.status, 414, "{answer:?}");
    }
}

#[tokio::test]
async fn who_has_no_token_gets_nothing_and_who_may_only_read_does_not_write() {
    let (reading, reader) = Token::generate("reader", Scope::Read).unwrap();
    let (writing, writer) = Token::generate("writer", Scope::Write).unwrap();
    let settings = ServeSettings { tokens: vec![reader, writer], ..ServeSettings::default() };
    let service = Running::start(settings).await;
    let with = |token: &str| format!("Authorization: Bearer {token}\r\n");

    for path in ["/", "/health"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
    for path in ["/api/v1/videos", "/unread", "/nothing", "/api/v1/videos/", "//", "/metrics"] {
        let refused = service.get(path).await;
        assert_eq!(refused.status, 401, "{path}");
        assert!(
            refused.head.contains("www-authenticate: bearer realm=\"tubeatlas\"\r\n"),
            "{}",
            refused.head
        );
    }
    let path = "/api/v1/videos";
    for token in [reading.secret(), writing.secret()] {
        assert_eq!(service.ask(&format!("GET {path}"), &with(token), b"").await.status, 200);
    }
    for method in ["POST", "DELETE", "PUT", "PATCH", "BREW"] {
        let refused = service.ask(&format!("{method} {path}"), &with(reading.secret()), b"").await;
        assert_eq!(refused.status, 403, "{method}");
        assert!(refused.head.contains("insufficient_scope"), "{}", refused.head);
    }
    assert_eq!(service.ask(&format!("POST {path}"), &with(writing.secret()), b"").await.status, 200);
    assert_eq!(service.ask(&format!("PUT {path}"), &with(writing.secret()), b"").await.status, 405);
    // A body is not even read of who may not send one.
    let refused = service.ask(&format!("POST {path}"), "Content-Length: 1000000000\r\n", b"").await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn tokens_that_are_not_known_are_bounded_and_lock_out_nobody_else() {
    let (secret, token) = Token::generate("t", Scope::Read).unwrap();
    let limits = Limits { max_failed_tokens: 3, ..Limits::default() };
    let service =
        Running::start(ServeSettings { tokens: vec![token], limits, ..ServeSettings::default() }).await;
    let line = "GET /api/v1/videos";
    for n in 0..8 {
        let wrong = format!("Authorization: Bearer tat_{n}\r\n");
        let refused = service.ask(line, &wrong, b"").await;
        assert_eq!(refused.status, if n < 3 { 401 } else { 429 }, "{n}");
        assert_eq!(refused.head.contains("retry-after"), n >= 3, "{}", refused.head);
        assert!(!refused.body.contains("tat_"), "{}", refused.body);
    }
    let known = format!("Authorization: Bearer {}\r\n", secret.secret());
    assert_eq!(service.ask(line, &known, b"").await.status, 200);
    assert_eq!(service.ask(line, "", b"").await.status, 401, "without any token");
}

#[tokio::test]
async fn other_names_and_sites_are_refused_before_anything_happens() {
    let settings = ServeSettings {
        hosts: vec!["atlas.example".parse().unwrap()],
        origins: vec!["https://friend.example".parse().unwrap()],
        ..ServeSettings::default()
    };
    let service = Running::start(settings).await;
    let port = service.address.port();
    for line in ["GET /", "POST /", "GET /nothing", "GET /health"] {
        assert_eq!(service.ask(line, "Host: evil.example\r\n", b"").await.status, 421, "{line}");
        assert_eq!(service.ask(line, "Origin: https://evil.example\r\n", b"").await.status, 403, "{line}");
    }
    assert_eq!(service.ask("GET /", "Host: atlas.example\r\n", b"").await.status, 200);
    let own = format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n");
    let answer = service.ask("GET /", &own, b"").await;
    assert_eq!((answer.status, answer.head.contains("access-control-allow-origin")), (200, false));

    let friend = "Origin: https://friend.example\r\n";
    let answer = service.ask("GET /", friend, b"").await;
    assert!(answer.head.contains("access-control-allow-origin: https://friend.example"), "{}", answer.head);
    assert!(answer.head.contains("vary: origin"), "{}", answer.head);
    let asks = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization\r\n";
    let answer = service.ask("OPTIONS /api/v1/videos", &format!("{friend}{asks}"), b"").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("access-control-allow-methods: get,head,post,put,patch,delete"),
        "{}",
        answer.head
    );
    let answer = service.ask("OPTIONS /", &format!("Origin: https://evil.example\r\n{asks}"), b"").await;
    assert!(!answer.head.contains("access-control-allow-origin"), "{}", answer.head);

    let closed = Running::start(ServeSettings::default()).await;
    let answer = closed.ask("OPTIONS /", &format!("{friend}{asks}"), b"").await;
    assert_eq!((answer.status, answer.head.contains("access-control")), (403, false), "{answer:?}");
}

#[tokio::test]
async fn a_request_without_a_host_is_refused() {
    let service = Running::limited(Limits::default()).await;
    assert_eq!(service.ask("GET /", "Host: \r\n", b"").await.status, 400);
    let stream = service.open("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert_eq!(rest(stream).await.status, 400);
}
