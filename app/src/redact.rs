//! Keeping credentials out of logs and errors.

/// A database's address as it may be shown: without user name, password and parameters.
///
/// A file's address ([`sqlite:`](crate::settings::DatabaseUrl)) has none of these, and is shown as it is.
pub fn url(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let (start, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        _ => (String::new(), text),
    };
    // The last `@`, because a password that was not encoded may hold one, or a `/` or `?`, itself.
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("***@{host}"));
    let shown = rest.split_once(['?', '#']).map_or_else(|| rest.clone(), |(host, _)| format!("{host}?***"));
    format!("{start}{shown}")
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn nothing_secret_is_left() {
        for (text, shown) in [
            ("postgres://user:secret@db.example/atlas", "postgres://***@db.example/atlas"),
            ("postgres://user:se@cr/e?t@db.example/atlas", "postgres://***@db.example/atlas"),
            ("postgres://db.example/atlas?password=secret", "postgres://db.example/atlas?***"),
            ("user:secret@db.example", "***@db.example"),
            ("user:se://cret@db.example", "***@db.example"),
            ("secret@x://db", "***@x://db"),
            ("sqlite:///home/me@work/atlas.db", "sqlite:///home/me@work/atlas.db"),
            ("atlas.db", "atlas.db"),
        ] {
            assert_eq!(url(text), shown);
        }
    }
}
