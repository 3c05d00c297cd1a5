//! Each bound is exceeded over a real socket. Nothing waits for a while to see what happens: the tests read until the
//! service closes, and a service that does not is found by the bound of `in_time`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;

const HELLO: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Longer than anything here takes; not a measure of it.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(120), what).await.expect("it ends")
}

struct Running {
    address: SocketAddr,
    ask: mpsc::Sender<()>,
    ended: JoinHandle<bool>,
}

impl Running {
    async fn start(router: Router, limits: Limits, tls: Option<Tls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ask, asked) = mpsc::channel(2);
        let ended = tokio::spawn(Server::new(listener, router, tls, limits).run(asked, || {}));
        Self { address, ask, ended }
    }

    async fn hello(limits: Limits) -> Self {
        Self::start(Router::new().route("/", get(|| async { "hello" })), limits, None).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// All that is answered to these bytes on a new connection, until it is closed.
    async fn answers(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        rest(&mut stream).await
    }

    /// Asks the service to end; whether all requests ended by themselves.
    async fn stop(self) -> bool {
        self.ask.send(()).await.unwrap();
        in_time(self.ended).await.unwrap()
    }
}

/// All that comes until the connection is closed, in whatever way.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = in_time(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer to a request of which the connection stays open, up to where it says `hello`.
async fn hello(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(HELLO.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        if in_time(stream.read_buf(&mut answer)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    Ok(())
}

fn patient() -> Limits {
    let long = Duration::from_secs(600);
    Limits {
        header_timeout: long,
        idle_timeout: long,
        write_timeout: long,
        shutdown_timeout: long,
        ..Limits::default()
    }
}

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let service = Running::hello(Limits { header_timeout: SOON, ..patient() }).await;
    assert_eq!(service.answers("").await, "");
    assert_eq!(service.answers("GET / HTTP/1.1\r\nHost: local").await, "");
    // Nor is one that comes a byte at a time.
    let mut stream = service.connect().await;
    stream.set_nodelay(true).unwrap();
    let drip = async {
        let mut bytes = b"GET / HTTP/1.1\r\n".iter().chain(b"X: y\r\n".iter().cycle());
        loop {
            let byte = *bytes.next().unwrap();
            let mut answer = [0; 64];
            tokio::select! {
                read = stream.read(&mut answer) => break read.unwrap_or(0),
                () = sleep(Duration::from_millis(5)) => if stream.write_all(&[byte]).await.is_err() { break 0 },
            }
        }
    };
    assert_eq!(in_time(drip).await, 0);
}

#[tokio::test]
async fn the_time_of_a_second_head_counts_from_its_first_byte() {
    let service = Running::hello(Limits { header_timeout: SOON, ..patient() }).await;
    let mut stream = service.connect().await;
    hello(&mut stream).await.unwrap();
    // Silence between requests is not what the header's time is about.
    sleep(2 * SOON).await;
    hello(&mut stream).await.unwrap();
    stream.write_all(b"GET").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let service = Running::hello(Limits { idle_timeout: SOON, ..patient() }).await;
    let mut stream = service.connect().await;
    hello(&mut stream).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn heads_are_bounded_in_bytes_and_headers() {
    let limits = Limits { max_head_bytes: 2_000, max_headers: 20, ..patient() };
    let service = Running::hello(limits).await;
    let with =
        |headers: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let many = |n| with(&"X: y\r\n".repeat(n));
    let long = |n| with(&format!("X: {}\r\n", "y".repeat(n)));
    for request in [many(18), long(1_900)] {
        assert!(service.answers(request).await.starts_with("HTTP/1.1 200 "));
    }
    for request in [many(19), long(2_000), many(100_000), long(10_000_000)] {
        let mut stream = service.connect().await;
        // The service closes before it has taken all of it.
        let _ = in_time(stream.write_all(request.as_bytes())).await;
        let answer = rest(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 431 ") || (request.len() > 1_000_000 && answer.is_empty()),
            "{answer}"
        );
    }
    let default = Running::hello(patient()).await;
    assert!(default.answers(many(98)).await.starts_with("HTTP/1.1 200 "));
    assert!(default.answers(many(99)).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn who_says_nothing_gives_way_when_all_places_are_taken() {
    let service = Running::hello(Limits { max_connections: 4, ..patient() }).await;
    let mut healthy = service.connect().await;
    hello(&mut healthy).await.unwrap();
    let mut early = service.connect().await;
    hello(&mut early).await.unwrap();
    let mut silent = Vec::new();
    for n in 0..40 {
        let mut stream = service.connect().await;
        stream.write_all(if n % 2 == 0 { b"" } else { b"GET / HT" }).await.unwrap();
        silent.push(stream);
        // A client that comes now and then, and one that stays.
        assert!(
            service
                .answers(HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
                .await
                .ends_with("hello")
        );
        hello(&mut healthy).await.unwrap();
    }
    // Who was answered once goes on before those who never asked, however long ago it was.
    hello(&mut early).await.unwrap();
    for stream in &mut silent[..30] {
        assert_eq!(rest(stream).await, "", "all but the last were closed");
    }
}

/// A handler that says when it was entered, and waits until it may go on; and how many are in it at most.
#[derive(Debug, Clone)]
struct Gate {
    entered: Arc<Semaphore>,
    opened: Arc<Semaphore>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gate {
    fn new() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Self { entered: closed(), opened: closed(), now: Arc::default(), most: Arc::default() }
    }

    /// Waits until one more was entered.
    async fn entered(&self) {
        in_time(self.entered.acquire()).await.unwrap().forget();
    }

    fn router(&self) -> Router {
        let gate = self.clone();
        let pass = move || {
            let gate = gate.clone();
            async move {
                struct Inside(Arc<AtomicUsize>);
                impl Drop for Inside {
                    fn drop(&mut self) {
                        self.0.fetch_sub(1, Ordering::SeqCst);
                    }
                }
                let now = gate.now.fetch_add(1, Ordering::SeqCst) + 1;
                let _inside = Inside(Arc::clone(&gate.now));
                gate.most.fetch_max(now, Ordering::SeqCst);
                gate.entered.add_permits(1);
                gate.opened.acquire().await.unwrap().forget();
                "hello"
            }
        };
        Router::new().route("/", get(pass))
    }
}

#[tokio::test]
async fn connections_with_requests_are_bounded_and_others_wait() {
    let gate = Gate::new();
    let service = Running::start(gate.router(), Limits { max_connections: 3, ..patient() }, None).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = service.connect().await;
        stream
            .write_all(HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        streams.push(stream);
    }
    for _ in 0..3 {
        gate.entered().await;
    }
    for _ in 3..10 {
        gate.opened.add_permits(1);
        gate.entered().await;
    }
    gate.opened.add_permits(3);
    for stream in &mut streams {
        assert!(rest(stream).await.ends_with("hello"));
    }
    assert_eq!(gate.most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_given_up() {
    let (sent, gone) = oneshot::channel::<()>();
    let sent = Arc::new(std::sync::Mutex::new(Some(sent)));
    let endless = move || {
        // It is dropped with the body.
        let kept = sent.lock().unwrap().take();
        async move {
            let zeros = stream::repeat(Bytes::from_static(&[0; 65_536])).map(move |chunk| {
                let _ = &kept;
                Ok::<_, io::Error>(chunk)
            });
            axum::body::Body::from_stream(zeros)
        }
    };
    let limits = Limits { write_timeout: SOON, ..patient() };
    let service = Running::start(Router::new().route("/", get(endless)), limits, None).await;
    let mut stream = service.connect().await;
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    assert!(in_time(gone).await.is_err(), "the body was dropped");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_request_with_it() {
    let gate = Gate::new();
    let service = Running::start(gate.router(), patient(), None).await;
    let mut stream = service.connect().await;
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    gate.entered().await;
    drop(stream);
    in_time(async {
        while gate.now.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(service.stop().await);
}

#[tokio::test]
async fn the_shutdown_ends_what_is_under_way_and_waits_for_nobody_else() {
    let gate = Gate::new();
    let service = Running::start(gate.router(), patient(), None).await;
    let mut used = service.connect().await;
    gate.opened.add_permits(1);
    hello(&mut used).await.unwrap();
    gate.entered().await;
    let mut fresh = service.connect().await;
    let mut half = service.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    let mut busy = service.connect().await;
    busy.write_all(HELLO.as_bytes()).await.unwrap();
    gate.entered().await;

    let Running { address, ask, ended } = service;
    ask.send(()).await.unwrap();
    for stream in [&mut used, &mut fresh, &mut half] {
        assert_eq!(rest(stream).await, "", "closed while the other is under way");
    }
    assert!(TcpStream::connect(address).await.is_err(), "nothing new is accepted");
    gate.opened.add_permits(1);
    let answer = rest(&mut busy).await;
    assert!(answer.ends_with("hello") && answer.contains("connection: close"), "{answer}");
    drop(busy);
    assert!(in_time(ended).await.unwrap(), "it ended by itself");
}

#[tokio::test]
async fn what_does_not_end_is_cut_off_at_the_deadline_or_when_asked_again() {
    for again in [false, true] {
        let gate = Gate::new();
        let limits = if again { patient() } else { Limits { shutdown_timeout: SOON, ..patient() } };
        let service = Running::start(gate.router(), limits, None).await;
        let mut stream = service.connect().await;
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        gate.entered().await;
        service.ask.send(()).await.unwrap();
        if again {
            service.ask.send(()).await.unwrap();
        }
        assert!(!in_time(service.ended).await.unwrap(), "it was cut off");
        assert_eq!(gate.now.load(Ordering::SeqCst), 0, "the handler is gone");
        assert_eq!(rest(&mut stream).await, "");
    }
}

#[tokio::test]
async fn answers_without_an_end_are_told_that_the_service_ends() {
    let (end, ended) = watch::channel(false);
    let endless = move || {
        let mut ended = ended.clone();
        async move {
            let first = stream::once(async { Ok::<_, io::Error>(Bytes::from_static(b"hello")) });
            let last = stream::once(async move {
                ended.wait_for(|ended| *ended).await.unwrap();
                Ok(Bytes::from_static(b"bye"))
            });
            axum::body::Body::from_stream(first.chain(last))
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = Server::new(listener, Router::new().route("/", get(endless)), None, patient());
    let (ask, asked) = mpsc::channel(1);
    let running = tokio::spawn(server.run(asked, move || {
        end.send_replace(true);
    }));
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello\r\n") {
        assert_ne!(in_time(stream.read_buf(&mut answer)).await.unwrap(), 0);
    }
    ask.send(()).await.unwrap();
    assert!(rest(&mut stream).await.contains("bye"));
    drop(stream);
    assert!(in_time(running).await.unwrap());
}

/// The socket is closed with much of the body unread, which resets the connection, if nobody throws it away.
#[tokio::test]
async fn who_is_refused_while_it_still_sends_sees_why() {
    let refuse = || async { (axum::http::StatusCode::FORBIDDEN, "no") };
    let service = Running::start(Router::new().route("/", post(refuse)), patient(), None).await;
    for _ in 0..10 {
        let mut stream = service.connect().await;
        let size = 8 * 1024 * 1024;
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        in_time(stream.write_all(&vec![0; size])).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with("no"), "{answer:?}");
    }
}

fn certificate() -> (tempfile::TempDir, Tls, TlsConnector) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let tls = Tls::load(&certificate, &key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    (folder, tls, TlsConnector::from(Arc::new(config)))
}

#[tokio::test]
async fn tls_is_spoken_by_who_speaks_it_and_others_are_not_waited_for() {
    let (_folder, tls, connector) = certificate();
    let hello = Router::new().route("/", get(|| async { "hello" }));
    let limits = Limits { max_connections: 3, ..patient() };
    let service = Running::start(hello.clone(), limits, Some(tls.clone())).await;
    // These take up all places, and say nothing.
    let silent = [service.connect().await, service.connect().await, service.connect().await];
    let stream = service.connect().await;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = in_time(connector.connect(name, stream)).await.unwrap();
    stream.write_all(HELLO.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    in_time(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"), "{answer}");
    assert!(!service.answers(HELLO).await.contains("hello"), "not without TLS");
    drop(silent);
    assert!(service.stop().await);

    let service = Running::start(hello, Limits { header_timeout: SOON, ..patient() }, Some(tls)).await;
    assert_eq!(service.answers("").await, "");
    assert_eq!(service.answers("\x16\x03\x01").await, "");
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_by_name() {
    let (first, _, _) = certificate();
    let (second, _, _) = certificate();
    let path = |folder: &tempfile::TempDir, name: &str| folder.path().join(name);
    let (cert, key) = (path(&first, "cert.pem"), path(&first, "key.pem"));
    let other = path(&second, "key.pem");
    let empty = path(&first, "empty.pem");
    std::fs::write(&empty, "").unwrap();
    let nowhere = path(&first, "nowhere.pem");
    for (certificate, private, named) in [
        (&nowhere, &key, "nowhere.pem"),
        (&empty, &key, "empty.pem"),
        (&cert, &nowhere, "nowhere.pem"),
        (&cert, &cert, "private key"),
        (&key, &key, "certificate"),
        (&cert, &other, "does not go with"),
    ] {
        let refusal = Tls::load(certificate, private).unwrap_err().to_string();
        assert!(refusal.contains(named), "{refusal}");
    }
}
