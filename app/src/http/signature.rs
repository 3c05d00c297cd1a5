//! Signing what a link allows, so that whoever has the link needs no token for it.

use std::io;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::AppError;

/// A key that lives as long as the process: what it signed ends with it.
#[derive(Clone)]
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A key that nobody knows.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub(super) fn generate() -> Result<Self, AppError> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(|error| AppError::System {
            what: "make a random key",
            source: io::Error::other(error.to_string()),
        })?;
        Ok(Self(Hmac::new(&key.into())))
    }

    /// The signature of what is allowed until then, fit for an address.
    pub(super) fn sign(&self, what: &str, expires: i64) -> String {
        BASE64URL_NOPAD.encode(&self.of(what, expires).finalize().into_bytes())
    }

    /// Whether the signature is of exactly that. Takes as long for a wrong one as for a right one.
    pub(super) fn verify(&self, what: &str, expires: i64, signature: &str) -> bool {
        let given = BASE64URL_NOPAD.decode(signature.as_bytes());
        given.is_ok_and(|given| self.of(what, expires).verify_slice(&given).is_ok())
    }

    fn of(&self, what: &str, expires: i64) -> Hmac<Sha256> {
        // The number ends where the text begins, so no two pairs are signed as the same bytes.
        self.0.clone().chain_update(format!("{expires} {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_is_valid() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign("a", 12);
        assert!(key.verify("a", 12, &signature));
        for (what, expires, signature) in [
            ("b", 12, signature.as_str()),
            ("a", 13, &signature),
            ("2 a", 1, &signature),
            ("a", 12, &signature[1..]),
            ("a", 12, ""),
            ("a", 12, "ü"),
            ("a", 12, &SigningKey::generate().unwrap().sign("a", 12)),
        ] {
            assert!(!key.verify(what, expires, signature), "{what} {expires} {signature}");
        }
    }
}
