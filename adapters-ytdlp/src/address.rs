//! Web addresses: which of them may be kept.
//!
//! Some addresses in a document name the client that downloaded it, or work for some hours only
//! (`…?ip=203.0.113.7&expire=1700000000&sig=…`). Neither belongs into a catalogue.

use std::net::{IpAddr, Ipv4Addr};

/// Names of parameters that carry a client's address, an expiry or a signature.
const PRIVATE: [&str; 26] = [
    "access_token",
    "auth",
    "awsaccesskeyid",
    "client_ip",
    "clientip",
    "exp",
    "expire",
    "expires",
    "hdnea",
    "hdnts",
    "hmac",
    "ip",
    "ipbits",
    "key-pair-id",
    "lsig",
    "oe",
    "oh",
    "policy",
    "remote_addr",
    "sig",
    "sign",
    "signature",
    "sparams",
    "token",
    "userip",
    "validto",
];

/// What speaks against keeping an address: the name of the parameter; `None` if it may be kept.
pub(crate) fn private_part(url: &str) -> Option<String> {
    let url = percent_decoded(url);
    let host = url.split("://").nth(1).unwrap_or_default();
    let host = &host[..host.find(['/', '?', '#']).unwrap_or(host.len())];
    if host.contains('@') {
        return Some("user name".to_owned());
    }
    let named = |name: &str| {
        let name = name.to_ascii_lowercase();
        (PRIVATE.contains(&name.as_str()) || name.starts_with("x-amz-") || name.starts_with("x-goog-"))
            .then_some(name)
    };
    // `name=value` anywhere: in the query, behind `#`, and in an address that is the value of a parameter.
    let in_query = || url.split(['?', '&', '#', ';', '/']).find_map(|part| named(part.split_once('=')?.0));
    // `/ip/203.0.113.7/expire/1700000000/`: the same as parts of the path.
    let in_path = || {
        let mut parts = url.split('/').skip(3).peekable();
        std::iter::from_fn(|| parts.next().map(|part| (part, parts.peek().copied())))
            .find_map(|(part, next)| named(part).filter(|_| next.is_some_and(is_private_value)))
    };
    in_query().or_else(in_path)
}

/// Whether a part of a path is an IP address or a time in seconds.
fn is_private_value(part: &str) -> bool {
    part.parse::<IpAddr>().is_ok() || (part.len() >= 9 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text that is no address of a page holds one, or an IP address.
pub(crate) fn is_in(text: &str) -> bool {
    let digits_and_dots = |c: char| c != '.' && !c.is_ascii_digit();
    text.contains("://")
        || text.parse::<IpAddr>().is_ok()
        || text.split(digits_and_dots).any(|part| part.parse::<Ipv4Addr>().is_ok())
}

fn percent_decoded(url: &str) -> String {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_pages_and_pictures_are_kept() {
        for url in [
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://i.ytimg.com/vi/x/hqdefault.jpg?sqp=-oaymwEWCKgBEF5IWvKriqkDCQgBFQAAiEIYAQ==&rs=AOn4C",
            "https://example.com/ip/camera",
            "https://example.com/token/of/love",
            "https://example.com/100%",
            "https://example.com/a@b",
            "https://example.com",
        ] {
            assert_eq!(private_part(url), None, "{url}");
        }
    }

    #[test]
    fn addresses_are_found_in_words() {
        for text in ["203.0.113.7", "at 203.0.113.7:443", "2001:db8::1", "http://e.com"] {
            assert!(is_in(text), "{text}");
        }
        for text in ["2026.06.09", "avc1.640028", "vp09.00.40.08", "av01.0.04M.08", "youtube:tab", "UC1", ""]
        {
            assert!(!is_in(text), "{text}");
        }
    }

    #[test]
    fn addresses_that_expire_or_name_a_client_are_told() {
        for (url, part) in [
            ("https://e.com/v?id=1&ip=203.0.113.7", "ip"),
            ("https://e.com/v?Expire=1700000000", "expire"),
            ("https://e.com/v#sig=abc", "sig"),
            ("https://e.com/v?u=https%3A%2F%2Ff.com%2F%3Fip%3D203.0.113.7", "ip"),
            ("https://e.com/v?%69p=203.0.113.7", "ip"),
            ("https://e.com/v/expire/1700000000/ip/203.0.113.7/x", "expire"),
            ("https://e.com/v/ip/2001:db8::1", "ip"),
            ("https://e.com/v?X-Amz-Signature=abc", "x-amz-signature"),
            ("https://me:secret@e.com/v", "user name"),
        ] {
            assert_eq!(private_part(url).as_deref(), Some(part), "{url}");
        }
    }
}
