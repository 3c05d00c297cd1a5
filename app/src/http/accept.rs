//! Which of several media types a client is given (`Accept`,
//! [RFC 9110, section 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)).

use axum::http::{HeaderMap, StatusCode, header};

use super::ApiError;

/// One of the media types in which something can be given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<T> {
    pub(super) media_type: &'static str,
    /// As the parameter `format` calls it.
    pub(super) name: &'static str,
    pub(super) what: T,
}

/// The offer that `format` names, or else the one that `Accept` likes best; the first if it likes several as much, or is
/// not there.
pub(super) fn chosen<'a, T>(
    offers: &'a [Offer<T>],
    format: Option<&str>,
    headers: &HeaderMap,
) -> Result<&'a Offer<T>, ApiError> {
    if let Some(format) = format {
        return offers.iter().find(|offer| offer.name == format).ok_or_else(|| {
            let names: Vec<&str> = offers.iter().map(|offer| offer.name).collect();
            ApiError::invalid(Some("format"), format!("is {format:?}, and can be {}", names.join(", ")))
        });
    }
    let ranges: Vec<Range<'_>> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::read)
        .collect();
    if ranges.is_empty() {
        return offers.first().ok_or_else(ApiError::internal);
    }
    let quality = |offer: &Offer<T>| {
        let of = ranges.iter().filter(|range| range.covers(offer.media_type));
        of.max_by_key(|range| range.specificity()).map_or(0, |range| range.quality)
    };
    // The last of several equals counts in max_by_key, and the first is wanted.
    let best = offers.iter().rev().max_by_key(|offer| quality(offer)).filter(|offer| quality(offer) > 0);
    best.ok_or_else(|| {
        let types: Vec<&str> = offers.iter().map(|offer| offer.media_type).collect();
        let detail = format!("this is given as {}", types.join(", "));
        ApiError::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail).at("accept")
    })
}

/// A media range, and how much it is liked, in thousandths.
struct Range<'a> {
    range: &'a str,
    quality: u32,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next().filter(|range| range.contains('/'))?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let quality = match quality {
            None => 1_000,
            Some(text) => thousandths(text)?,
        };
        Some(Self { range, quality })
    }

    fn covers(&self, media_type: &str) -> bool {
        match self.range.strip_suffix("/*") {
            Some("*") => true,
            Some(kind) => media_type.split('/').next().is_some_and(|it| it.eq_ignore_ascii_case(kind)),
            None => media_type.eq_ignore_ascii_case(self.range),
        }
    }

    fn specificity(&self) -> u32 {
        match self.range.strip_suffix("/*") {
            Some("*") => 0,
            Some(_) => 1,
            None => 2,
        }
    }
}

/// `0`, `1`, or such with up to three decimals.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<3}").parse().ok()?;
    Some((whole * 1_000 + decimals).min(1_000))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERS: [Offer<()>; 3] = [
        Offer { media_type: "application/json", name: "json", what: () },
        Offer { media_type: "text/vtt", name: "vtt", what: () },
        Offer { media_type: "text/plain", name: "txt", what: () },
    ];

    fn name(format: Option<&str>, accept: &str) -> Result<&'static str, u16> {
        let accept = HeaderValue::from_str(accept).unwrap();
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        chosen(&OFFERS, format, &headers).map(|offer| offer.name).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn the_type_that_is_liked_best_is_given() {
        for (accept, given) in [
            ("*/*", Ok("json")),
            ("text/vtt", Ok("vtt")),
            ("TEXT/VTT;q=0.5", Ok("vtt")),
            ("text/*", Ok("vtt")),
            ("text/*;q=0.5, text/plain", Ok("txt")),
            ("text/*, text/vtt;q=0.1, */*;q=0.2", Ok("txt")),
            ("text/html, application/xhtml+xml, */*;q=0.8", Ok("json")),
            ("application/json;q=0, */*", Ok("vtt")),
            ("image/png", Err(406)),
            ("application/json;q=0", Err(406)),
            ("", Ok("json")),
        ] {
            assert_eq!(name(None, accept), given, "{accept}");
        }
        assert_eq!(name(Some("txt"), "image/png"), Ok("txt"));
        assert_eq!(name(Some("ttml"), "*/*"), Err(400));
    }
}
