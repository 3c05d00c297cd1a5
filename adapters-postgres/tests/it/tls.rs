//! Handshakes, by each `sslmode`, with a server that can do no more than these.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::support::{config, open};

/// An authority that nobody knows but for the file of its certificate.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// What a server of this host has.
    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([host.to_owned()]).unwrap();
        let certificate = CertificateDer::from(params.signed_by(&key, &self.issuer).unwrap());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
    }

    fn path(&self) -> String {
        self.file.path().display().to_string().replace('/', "%2F")
    }
}

/// What a server was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Who wants which database, for all to read.
    InPlain,
    Encrypted,
    Nothing,
}

/// The first message that is not about encryption, and an answer to it: that there is no such database.
fn refuse_database(mut client: impl Read + Write, first: Option<[u8; 8]>) -> Option<()> {
    let mut head = first.unwrap_or_default();
    if first.is_none() {
        client.read_exact(&mut head).ok()?;
    }
    let length = u32::from_be_bytes(head[..4].try_into().unwrap());
    let mut rest = vec![0; usize::try_from(length).unwrap() - 8];
    client.read_exact(&mut rest).ok()?;
    assert!(rest.windows(8).any(|word| word == b"database"), "{rest:?}");
    let fields = b"SFATAL\0C3D000\0Mno\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    client.write_all(&[b"E".as_slice(), &length, fields].concat()).ok()
}

/// Answers one client, with TLS if it is there.
fn serve(tls: Option<Arc<ServerConfig>>) -> (SocketAddr, JoinHandle<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut first = [0; 8];
        client.read_exact(&mut first).unwrap();
        if first != [0, 0, 0, 8, 4, 210, 22, 47] {
            return refuse_database(client, Some(first)).map_or(Told::Nothing, |()| Told::InPlain);
        }
        let Some(tls) = tls else {
            client.write_all(b"N").unwrap();
            return refuse_database(client, None).map_or(Told::Nothing, |()| Told::InPlain);
        };
        client.write_all(b"S").unwrap();
        let mut connection = ServerConnection::new(tls).unwrap();
        let stream = Stream::new(&mut connection, &mut client);
        refuse_database(stream, None).map_or(Told::Nothing, |()| Told::Encrypted)
    });
    (address, serving)
}

/// What a server was told by a store with these parameters in its URL.
async fn told(tls: Option<Arc<ServerConfig>>, parameters: &str) -> Told {
    let (address, serving) = serve(tls);
    let url = format!("postgres://me:secret@{address}/db?{parameters}");
    let error = open(config(&url)).await.unwrap_err().to_string();
    let told = serving.join().unwrap();
    assert_eq!(error.contains("no such database"), told != Told::Nothing, "{parameters}: {error}");
    told
}

#[tokio::test]
async fn each_mode_asks_for_what_it_says() {
    let (known, other) = (Authority::new("known"), Authority::new("other"));
    let right = known.server("127.0.0.1");
    let wrong_host = known.server("elsewhere.example.org");
    let wrong_authority = other.server("127.0.0.1");
    let root = format!("sslrootcert={}", known.path());
    // For each mode: the right server, the wrong host, the wrong authority.
    use Told::{Encrypted, InPlain, Nothing};
    for (parameters, expected) in [
        ("sslmode=disable".to_owned(), [InPlain, InPlain, InPlain]),
        ("sslmode=prefer".to_owned(), [Encrypted, Encrypted, Encrypted]),
        ("sslmode=require".to_owned(), [Encrypted, Encrypted, Encrypted]),
        (format!("sslmode=require&{root}"), [Encrypted, Encrypted, Nothing]),
        (format!("sslmode=verify-ca&{root}"), [Encrypted, Encrypted, Nothing]),
        (format!("sslmode=verify-full&{root}"), [Encrypted, Nothing, Nothing]),
    ] {
        for (server, expected) in [&right, &wrong_host, &wrong_authority].into_iter().zip(expected) {
            assert_eq!(told(Some(Arc::clone(server)), &parameters).await, expected, "{parameters}");
        }
    }
}

#[tokio::test]
async fn without_tls_nothing_is_told_to_a_server_that_must_have_it() {
    let root = Authority::new("known");
    let root = format!("sslrootcert={}", root.path());
    for (parameters, expected) in [
        ("sslmode=disable".to_owned(), Told::InPlain),
        ("sslmode=prefer".to_owned(), Told::InPlain),
        ("sslmode=require".to_owned(), Told::Nothing),
        (format!("sslmode=verify-ca&{root}"), Told::Nothing),
        (format!("sslmode=verify-full&{root}"), Told::Nothing),
    ] {
        assert_eq!(told(None, &parameters).await, expected, "{parameters}");
    }
}

#[tokio::test]
async fn a_file_without_authorities_is_refused() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (file, says) in
        [(empty.path().display().to_string(), "authority"), ("/not/there".to_owned(), "sslrootcert")]
    {
        let url = format!("postgres://me@127.0.0.1:1/db?sslmode=verify-full&sslrootcert={file}");
        let refused = open(config(&url)).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
}
