//! Tokens: who asks, and what they may.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use tracing::warn;

use super::super::ApiError;
use super::Refusal;
use super::failures::Failures;

/// What stands before each token, so that it can be found where it should not be.
const PREFIX: &str = "tat_";

const MAX_NAME_BYTES: usize = 64;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To read: `GET`, `HEAD` and `OPTIONS`.
    Read,
    /// To read and to write.
    Write,
}

impl Scope {
    /// As it is written in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err("a scope is read or write".to_owned()),
        }
    }
}

/// A token that is let in, of which only the SHA-256 is known. (A token has 256 random bits, so nothing slower than SHA-256 is
/// needed to keep it from being found.)
///
/// Written `NAME:SCOPE:SHA256`. What is wrong with a text is told without the text, which may be a token by mistake.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    name: String,
    scope: Scope,
    sha256: [u8; 32],
}

/// A token that was just made, to be shown once.
pub struct NewToken(String);

impl NewToken {
    /// The token; not to be logged or kept.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken")
    }
}

impl Token {
    /// Makes a new token, and what lets it in.
    ///
    /// # Errors
    /// If the name is not allowed, or the system gives no random bytes.
    pub fn generate(name: &str, scope: Scope) -> Result<(NewToken, Self), String> {
        let name = checked_name(name)?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random bytes: {error}"))?;
        let secret = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes));
        let sha256 = sha256(&secret);
        Ok((NewToken(secret), Self { name, scope, sha256 }))
    }

    /// By which name it is known.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it allows.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The SHA-256 of the token, in hexadecimal digits.
    pub fn sha256(&self) -> String {
        HEXLOWER_PERMISSIVE.encode(&self.sha256)
    }
}

fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn checked_name(name: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(PREFIX) {
        return Ok(name.to_owned());
    }
    Err(format!("the name of a token has up to {MAX_NAME_BYTES} letters, digits and characters of -_.@"))
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(name), Some(scope), Some(digest), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("a token is written NAME:SCOPE:SHA256; `tubeatlas token create` shows it".to_owned());
        };
        let sha256 = HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).ok().and_then(|it| it.try_into().ok());
        let sha256 = sha256.ok_or(
            "the SHA-256 of a token has 64 hexadecimal digits; `tubeatlas token create` shows it, and the token itself is \
             not to be written here",
        )?;
        Ok(Self { name: checked_name(name)?, scope: scope.parse()?, sha256 })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The tokens that are let in.
#[derive(Debug)]
pub(super) struct Tokens {
    known: Vec<Token>,
    failures: Failures,
}

impl Tokens {
    pub(super) fn new(known: Vec<Token>, max_failures: u32) -> Self {
        Self { known, failures: Failures::new(max_failures) }
    }

    /// Whether this request may be made.
    ///
    /// A token that is known is let in however many others of the same address were not: it cannot have been guessed,
    /// and otherwise whoever shares an address, as all do behind a proxy, could lock out the rest.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, request: &Request, peer: Option<IpAddr>) -> Result<(), Refusal> {
        if self.known.is_empty() || !needs_token(request.uri().path()) {
            return Ok(());
        }
        let needed = match *request.method() {
            Method::GET | Method::HEAD | Method::OPTIONS => Scope::Read,
            _ => Scope::Write,
        };
        let Some(presented) = bearer(request.headers()) else {
            let error = ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", "this needs a token");
            return Err(refusal(error.at("Authorization"), "Bearer realm=\"tubeatlas\""));
        };
        match presented.and_then(|presented| self.find(presented)) {
            Some(token) if token.scope >= needed => Ok(()),
            Some(token) => {
                warn!(token = token.name, "a token may not write");
                let detail = "the scope of this token is read: it may not write";
                let error = ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail);
                let challenge = "Bearer realm=\"tubeatlas\", error=\"insufficient_scope\", scope=\"write\"";
                Err(refusal(error, challenge))
            }
            None => Err(self.refuse(peer)),
        }
    }

    fn refuse(&self, peer: Option<IpAddr>) -> Refusal {
        if let Err(wait) = self.failures.note(peer, Instant::now()) {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            let detail = "too many tokens that are not known; try again later";
            let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
            return error.retry_after(seconds).into();
        }
        warn!(peer = peer.map(tracing::field::display), "a token is not known");
        let error = ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", "this token is not known");
        refusal(error.at("Authorization"), "Bearer realm=\"tubeatlas\", error=\"invalid_token\"")
    }

    /// The token that this is. The time that it takes does not tell which it is, or how much of one it is.
    fn find(&self, presented: &str) -> Option<&Token> {
        let presented = sha256(presented);
        let mut found = u32::MAX;
        for (n, token) in (0_u32..).zip(&self.known) {
            found.conditional_assign(&n, token.sha256.ct_eq(&presented));
        }
        self.known.get(usize::try_from(found).ok()?)
    }
}

/// Whether this path is only for those who have a token. All are but these few, so what is added later is, too. The
/// explorer and its document tell of the program, not of the catalogue; a browser has no token to ask for them with.
fn needs_token(path: &str) -> bool {
    let is_open =
        matches!(path, "/" | "/favicon.ico" | "/health" | "/health/ready" | "/docs" | "/api/v1/openapi.json")
            || ["/web/", "/media/", "/docs/"].iter().any(|folder| path.starts_with(folder));
    !is_open
}

/// What stands behind `Bearer` in the header `Authorization`: `None` if there is no such header, `Some(None)` if there are
/// several, or something else in it.
fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return Some(None);
    }
    let presented = first.to_str().ok().and_then(|value| value.split_once(' '));
    Some(presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

fn refusal(error: ApiError, challenge: &'static str) -> Refusal {
    Refusal { error, challenge: Some(challenge) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_new_token_has_256_bits_and_is_found_among_others() {
        let made: Vec<_> = (0..20).map(|n| Token::generate(&format!("t{n}"), Scope::Read).unwrap()).collect();
        let tokens = Tokens::new(made.iter().map(|(_, token)| token.clone()).collect(), 1);
        for (secret, token) in &made {
            let secret = secret.secret();
            assert_eq!(BASE64URL_NOPAD.decode(&secret.as_bytes()[PREFIX.len()..]).unwrap().len(), 32);
            assert_eq!(tokens.find(secret), Some(token));
            assert_eq!(tokens.find(&secret[1..]), None);
            assert_eq!(tokens.find(&token.sha256()), None, "the digest is no token");
        }
        assert_eq!(tokens.find(""), None);
        let distinct: std::collections::BTreeSet<_> = made.iter().map(|(new, _)| new.secret()).collect();
        assert_eq!(distinct.len(), made.len());
    }

    #[test]
    fn a_token_is_written_as_it_is_read() {
        let (secret, token) = Token::generate("someone@home", Scope::Write).unwrap();
        let text = format!("someone@home:write:{}", token.sha256());
        assert_eq!(text.parse::<Token>().unwrap(), token);
        assert_eq!(text.replace("write", "read").parse::<Token>().unwrap().scope(), Scope::Read);
        let shown = format!("{token:?} {secret:?}");
        assert!(!shown.contains(secret.secret()) && !shown.contains(&token.sha256()), "{shown}");
    }

    #[test]
    fn what_is_no_token_is_refused_and_not_repeated() {
        let digest = "0".repeat(64);
        for text in [
            "canary".to_owned(),
            format!("canary:read:{digest}:"),
            format!("canary:admin:{digest}"),
            format!("can ary:read:{digest}"),
            format!(":read:{digest}"),
            format!("{}:read:{digest}", "canary".repeat(11)),
            format!("tat_canary:read:{digest}"),
            "name:read:tat_canary".to_owned(),
            format!("name:read:{}", &digest[1..]),
        ] {
            let refusal = text.parse::<Token>().unwrap_err();
            assert!(!refusal.contains("canary"), "{refusal}");
        }
    }

    #[test]
    fn the_header_is_read_strictly() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(|it| it.map(str::to_owned))
        };
        assert_eq!(read(&[]), None);
        for (values, token) in [
            (&["Bearer x"][..], Some("x")),
            (&["bearer  x "], Some("x")),
            (&["Basic x"], None),
            (&["Bearer"], None),
            (&["x"], None),
            (&["Bearer x", "Bearer x"], None),
        ] {
            assert_eq!(read(values), Some(token.map(str::to_owned)), "{values:?}");
        }
    }

    #[test]
    fn all_paths_but_a_few_need_a_token() {
        for path in [
            "/",
            "/health",
            "/health/ready",
            "/web/main.js",
            "/media/0?signature=x",
            "/docs",
            "/docs/swagger-ui.css",
            "/api/v1/openapi.json",
        ] {
            assert!(!needs_token(path), "{path}");
        }
        for path in [
            "/api/v1/videos",
            "/metrics",
            "/api/v1/openapi.json/",
            "/docsx",
            "/health/db",
            "/health/",
            "//",
            "/web",
            "/api/v1/media/0/content",
            "/x",
        ] {
            assert!(needs_token(path), "{path}");
        }
    }
}
