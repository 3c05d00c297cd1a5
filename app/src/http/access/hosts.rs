//! By which names the service may be called.
//!
//! A page of any site can have its own name lead to this machine (DNS rebinding), and then read what a service here
//! answers. So a name has to be one that was allowed. An address is none that a site could have for a name.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};

use super::super::ApiError;

/// A name by which the service may be called; `*` stands for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name == "*" || (!name.is_empty() && name.bytes().all(is_plain)) {
            return Ok(Self(name));
        }
        Err(format!("{text:?} is not allowed; give a name as atlas.example, without scheme and port, or *"))
    }
}

/// The names by which the service may be called.
#[derive(Debug)]
pub(super) struct Hosts {
    allowed: Vec<Host>,
    all: bool,
}

impl Hosts {
    pub(super) fn new(allowed: Vec<Host>) -> Self {
        let all = allowed.iter().any(|host| host.0 == "*");
        Self { allowed, all }
    }

    /// By what the request calls the service, with the port if it names one.
    ///
    /// # Errors
    /// If it does not say so once and clearly, or by a name that is not allowed.
    pub(super) fn check(&self, request: &Request) -> Result<Authority, ApiError> {
        let invalid = |detail: &str| ApiError::invalid(Some("Host"), detail);
        let mut values = request.headers().get_all(header::HOST).iter();
        let (value, others) = (values.next(), values.next());
        if others.is_some() {
            return Err(invalid("there is more than one"));
        }
        // What a proxy is told comes before the header.
        let authority = match (request.uri().authority(), value) {
            (Some(authority), _) => authority.clone(),
            (None, Some(value)) => {
                let authority = value.to_str().ok().and_then(|value| value.parse().ok());
                authority.ok_or_else(|| invalid("is no name or address"))?
            }
            (None, None) => return Err(invalid("is missing")),
        };
        if authority.as_str().contains('@') {
            return Err(invalid("is no name or address"));
        }
        if self.allows(authority.host()) {
            return Ok(authority);
        }
        let detail =
            "the service may not be called by this name; its operator can allow it by serve.allowed_hosts";
        Err(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "not_allowed", detail).at("Host"))
    }

    fn allows(&self, host: &str) -> bool {
        let address = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let name = host.strip_suffix('.').unwrap_or(host);
        self.all
            || address.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.allowed.iter().any(|host| name.eq_ignore_ascii_case(&host.0))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn names_have_to_be_allowed_and_addresses_not() {
        let hosts = Hosts::new(vec!["Atlas.example.".parse().unwrap()]);
        let check = |uri: &str, values: &[&str]| {
            let mut request = Request::builder().uri(uri);
            for value in values {
                request = request.header(header::HOST, *value);
            }
            hosts.check(&request.body(Body::empty()).unwrap()).map_err(|error| error.status().as_u16())
        };
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "[::1]:8080",
            "[::1]",
            "192.0.2.1",
            "atlas.example",
            "ATLAS.example.:443",
        ] {
            assert_eq!(check("/", &[host]).unwrap().as_str(), host);
        }
        for host in ["evil.example", "evil.atlas.example", "localhost.evil.example", "127.0.0.1.evil.example"]
        {
            assert_eq!(check("/", &[host]), Err(421), "{host}");
        }
        for values in [&[][..], &["localhost", "localhost"], &[""], &["evil@localhost"], &["a b"], &["/"]] {
            assert_eq!(check("/", values), Err(400), "{values:?}");
        }
        assert_eq!(check("http://evil.example/", &["localhost"]), Err(421));
        let all = Hosts::new(vec!["*".parse().unwrap()]);
        assert!(all.allows("evil.example") && !Hosts::new(vec![]).allows("atlas.example"));
        for text in ["", "https://atlas.example", "atlas.example:80", "a b", "*.example"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
