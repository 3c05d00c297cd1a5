//! Links into a video.

/// The link to a moment of a video: `url` with `t=…s` in its query, whole seconds, rounded down. A time that is
/// there already is replaced; a fragment stays behind.
///
/// ```
/// let link = tubeatlas::link::at("https://www.youtube.com/watch?v=dQw4w9WgXcQ", 9_500);
/// assert_eq!(link, "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=9s");
/// ```
pub fn at(url: &str, start_ms: u64) -> String {
    let (page, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (page, query) = page.split_once('?').unwrap_or((page, ""));
    let time = format!("t={}s", start_ms / 1_000);
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("t="));
    let query: Vec<&str> = kept.chain([time.as_str()]).collect();
    format!("{page}?{}{fragment}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn the_time_goes_into_the_query() {
        for (url, ms, link) in [
            ("https://a.example/watch?v=x", 9_999, "https://a.example/watch?v=x&t=9s"),
            ("https://a.example/x", 0, "https://a.example/x?t=0s"),
            ("https://a.example/x?", 1_000, "https://a.example/x?t=1s"),
            ("https://a.example/x?v=1&", 1_000, "https://a.example/x?v=1&t=1s"),
            ("https://a.example/x#part?2", 61_000, "https://a.example/x?t=61s#part?2"),
            ("https://a.example/x?v=1#part", 61_000, "https://a.example/x?v=1&t=61s#part"),
            ("https://a.example/x?t=5s&v=1", 61_000, "https://a.example/x?v=1&t=61s"),
        ] {
            assert_eq!(at(url, ms), link, "{url}");
        }
    }
}
