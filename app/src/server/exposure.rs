//! Whom a service may be open to.

use std::net::SocketAddr;

use crate::error::AppError;
use crate::settings::ServeSettings;

/// Refuses to open the catalogue to others than this machine without tokens, and to have tokens travel in the clear.
///
/// # Errors
/// [`AppError::Exposed`], which says what is missing.
pub fn check(address: SocketAddr, settings: &ServeSettings) -> Result<(), AppError> {
    let is_local = address.ip().to_canonical().is_loopback();
    let exposed = |why, advice| Err(AppError::Exposed { address, why, advice });
    if settings.tokens.is_empty() && (!is_local || settings.behind_proxy) {
        return exposed(
            "without tokens: whoever reaches it could read and change the catalogue",
            "`tubeatlas token create --name NAME --scope write` makes a token; or listen on 127.0.0.1, without \
             --behind-proxy",
        );
    }
    if !is_local && settings.tls.is_none() && !settings.behind_proxy {
        return exposed(
            "without TLS: tokens and what is said could be read on the way",
            "give --tls-cert and --tls-key, or --behind-proxy if a proxy before it speaks TLS",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::access::{Scope, Token};
    use crate::settings::TlsFiles;

    #[test]
    fn who_is_not_on_this_machine_needs_a_token_and_tls() {
        let tls = || Some(TlsFiles { certificate: "c".into(), key: "k".into() });
        let token = || Token::generate("t", Scope::Read).unwrap().1;
        for (address, has_token, has_tls, behind_proxy, missing) in [
            ("127.0.0.1:0", false, false, false, None),
            ("127.8.8.8:0", false, false, false, None),
            ("[::1]:0", false, false, false, None),
            ("[::ffff:127.0.0.1]:0", false, false, false, None),
            ("127.0.0.1:0", false, false, true, Some("without tokens")),
            ("127.0.0.1:0", true, false, true, None),
            ("0.0.0.0:0", false, false, false, Some("without tokens")),
            ("[::]:0", false, true, true, Some("without tokens")),
            ("192.168.0.7:0", true, false, false, Some("without TLS")),
            ("[::ffff:192.168.0.7]:0", true, false, false, Some("without TLS")),
            ("192.168.0.7:0", true, true, false, None),
            ("192.168.0.7:0", true, false, true, None),
        ] {
            let settings = ServeSettings {
                tokens: if has_token { vec![token()] } else { vec![] },
                tls: if has_tls { tls() } else { None },
                behind_proxy,
                ..ServeSettings::default()
            };
            match (check(address.parse().unwrap(), &settings), missing) {
                (Ok(()), None) => {}
                (Err(error), Some(missing)) => {
                    assert!(error.to_string().contains(missing), "{address}: {error}");
                    assert!(error.hint().is_some(), "{address}");
                }
                (found, expected) => panic!("{address}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
