//! The settings of the service.

use std::path::PathBuf;
use std::time::Duration;

use super::sources::Given;
use super::{SettingsError, parse};
use crate::http::access::{Host, Origin, Token};

const MIB: usize = 1024 * 1024;

/// How the service is reached, by whom, and within which bounds. The [module](super) says what the settings may be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServeSettings {
    /// Who may ask; if there is none, everybody.
    pub tokens: Vec<Token>,
    /// The names by which the service may be called, besides `localhost` and addresses.
    pub hosts: Vec<Host>,
    /// The sites whose pages may ask.
    pub origins: Vec<Origin>,
    /// Where the certificate is; without one the service does not speak TLS.
    pub tls: Option<TlsFiles>,
    /// Whether a proxy before the service speaks TLS.
    pub behind_proxy: bool,
    /// The bounds.
    pub limits: Limits,
}

/// Where a certificate and its key are, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain of certificates, the server's first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the service takes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections that are open at once.
    pub max_connections: usize,
    /// Requests that are answered at once; more are refused with 503.
    pub max_in_flight: usize,
    /// The bytes of a request's first line and headers.
    pub max_head_bytes: usize,
    /// The headers of a request.
    pub max_headers: usize,
    /// The bytes of a request's path and query; a cursor may have 48 KiB of them.
    pub max_uri_bytes: usize,
    /// The bytes of a request's body. All bodies that are held at once may have 16 times as many.
    pub max_body_bytes: usize,
    /// How long the head of a request may take, from when the connection was opened, or its first byte came.
    pub header_timeout: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
    /// How long it may take until an answer begins.
    pub request_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// How long requests that are under way have when the service is asked to end.
    pub shutdown_timeout: Duration,
    /// How many tokens that are not known an address may try in a minute.
    pub max_failed_tokens: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 768,
            max_in_flight: 256,
            max_head_bytes: 64 * 1024,
            max_headers: 100,
            max_uri_bytes: 56 * 1024,
            max_body_bytes: 8 * MIB,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
            max_failed_tokens: 10,
        }
    }
}

impl ServeSettings {
    pub(super) fn read(given: &Given) -> Result<Self, SettingsError> {
        let certificate = given.read("serve.tls_cert", parse::path)?;
        let tls = match (certificate, given.read("serve.tls_key", parse::path)?) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (Some(_), None) => return Err(given.lacks("serve.tls_cert", "is without serve.tls_key")),
            (None, Some(_)) => return Err(given.lacks("serve.tls_key", "is without serve.tls_cert")),
        };
        Ok(Self {
            tokens: given.read("serve.tokens", parse::tokens)?.unwrap_or_default(),
            hosts: given.read("serve.allowed_hosts", parse::list)?.unwrap_or_default(),
            origins: given.read("serve.allowed_origins", parse::list)?.unwrap_or_default(),
            tls,
            behind_proxy: given.read("serve.behind_proxy", parse::switch)?.unwrap_or_default(),
            limits: Limits::read(given)?,
        })
    }
}

impl Limits {
    fn read(given: &Given) -> Result<Self, SettingsError> {
        let default = Self::default();
        let seconds = |name: &'static str, default| -> Result<Duration, SettingsError> {
            Ok(given.read(name, parse::seconds)?.unwrap_or(default))
        };
        let number = |name: &'static str, least, most, default| -> Result<usize, SettingsError> {
            Ok(given.read(name, |text| parse::count(text, least..=most))?.unwrap_or(default))
        };
        Ok(Self {
            max_connections: number("serve.max_connections", 1, 1_000_000, default.max_connections)?,
            max_in_flight: number("serve.max_in_flight", 1, 1_000_000, default.max_in_flight)?,
            max_head_bytes: number("serve.max_head_bytes", 1_024, MIB, default.max_head_bytes)?,
            max_headers: number("serve.max_headers", 10, 10_000, default.max_headers)?,
            max_uri_bytes: number("serve.max_uri_bytes", 256, 65_000, default.max_uri_bytes)?,
            max_body_bytes: number("serve.max_body_bytes", 1_024, 1_024 * MIB, default.max_body_bytes)?,
            header_timeout: seconds("serve.header_timeout", default.header_timeout)?,
            idle_timeout: seconds("serve.idle_timeout", default.idle_timeout)?,
            body_timeout: seconds("serve.body_timeout", default.body_timeout)?,
            request_timeout: seconds("serve.request_timeout", default.request_timeout)?,
            write_timeout: seconds("serve.write_timeout", default.write_timeout)?,
            shutdown_timeout: seconds("serve.shutdown_timeout", default.shutdown_timeout)?,
            max_failed_tokens: given
                .read("serve.max_failed_tokens", parse::small)?
                .unwrap_or(default.max_failed_tokens),
        })
    }
}
