//! Encryption, by rustls, as the URL's `sslmode` asks for it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use tubeatlas_ports::{Error, Result};

use crate::config::invalid;

/// What `sslmode` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// With a certificate of an authority of this file, or of the system.
    VerifyCa(Option<PathBuf>),
    /// The same, made out to the host.
    VerifyFull(Option<PathBuf>),
}

impl TlsMode {
    /// Takes `sslmode` and `sslrootcert` out of a URL, and gives the rest: the driver knows fewer modes.
    pub(crate) fn take_from(url: &str) -> Result<(String, Self)> {
        let Some((address, parameters)) = url.split_once('?') else {
            return Ok((url.to_owned(), Self::Prefer));
        };
        let (mut mode, mut authorities, mut others) = (None, None, Vec::new());
        for parameter in parameters.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", "system")) => {}
                Some(("sslrootcert", value)) => authorities = Some(PathBuf::from(decoded(value)?)),
                Some((name @ ("sslcert" | "sslkey" | "sslcrl" | "sslpassword"), _)) => {
                    return Err(invalid(format!("{name} is not supported; leave it out")));
                }
                _ => others.push(parameter),
            }
        }
        let mode = match mode {
            None | Some("prefer") => Self::Prefer,
            Some("disable") => Self::Disable,
            // As in libpq: with a file of authorities `require` asks for one of them.
            Some("require") if authorities.is_some() => Self::VerifyCa(authorities),
            Some("require") => Self::Require,
            Some("verify-ca") => Self::VerifyCa(authorities),
            Some("verify-full") => Self::VerifyFull(authorities),
            Some(_) => {
                let modes = "disable, prefer, require, verify-ca, verify-full";
                return Err(invalid(format!("this sslmode cannot be honoured; those that can are {modes}")));
            }
        };
        let rest = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
        Ok((format!("{address}{rest}"), mode))
    }

    pub(crate) fn as_asked_of_the_server(&self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa(_) | Self::VerifyFull(_) => SslMode::Require,
        }
    }

    /// What makes the encrypted connections.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS cannot be set up", error))?;
        let config = match self {
            Self::VerifyFull(file) => builder.with_root_certificates(roots(file.as_ref())?),
            Self::VerifyCa(file) => {
                let roots = Arc::new(roots(file.as_ref())?);
                let whole = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
                whole.build().map_err(|error| unusable("no authority can be trusted", error))?;
                let verifier = Lenient { roots: Some(roots), provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Self::Disable | Self::Prefer | Self::Require => {
                let verifier = Lenient { roots: None, provider };
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }
}

fn unusable(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Unavailable { message: what.to_owned(), source: Some(Box::new(error)) }
}

/// The authorities of a file, or of the system.
fn roots(file: Option<&PathBuf>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = match file {
        Some(file) => CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|error| unusable(&format!("{} (sslrootcert) cannot be read", file.display()), error))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        let message =
            "there is no authority to verify the server's certificate by; name a file: sslrootcert=…";
        return Err(Error::Unavailable { message: message.to_owned(), source: None });
    }
    Ok(roots)
}

/// `%2F` as `/`.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match byte {
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => bytes.push(high * 16 + low),
                _ => return Err(invalid("sslrootcert is not percent-encoded".to_owned())),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid("sslrootcert is not text".to_owned()))
}

/// Asks for less than the name: that an authority has signed (`verify-ca`), or nothing (`prefer`, `require`, in
/// which the server is not known at all, as in libpq). The handshake's own signatures are verified always.
struct Lenient {
    roots: Option<Arc<RootCertStore>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Lenient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lenient").field("verifies", &self.roots.is_some()).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let algorithms = self.provider.signature_verification_algorithms.all;
            let certificate = ParsedCertificate::try_from(end_entity)?;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
