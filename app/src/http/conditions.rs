//! `ETag`, `If-Match` and `If-None-Match` ([RFC 9110, section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13)). The
//! tag of what is stored is its revision in quotes.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tubeatlas_domain::Entity;
use tubeatlas_ports::{Revision, Stored};

use super::ApiError;

/// Under which conditions a request is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever is there.
    Any,
    /// One of these. A weak tag and one that is no revision match nothing, and are left out.
    Revisions(Vec<u64>),
}

/// The tag of this revision.
pub(super) fn etag(revision: Revision) -> HeaderValue {
    // Digits in quotes are always a header's value.
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

impl Conditions {
    /// Whether `If-Match` is there.
    pub(super) fn has_if_match(&self) -> bool {
        self.if_match.is_some()
    }

    /// Whether it is only to be created: `If-None-Match: *`, which is all that a write takes there.
    pub(super) fn create_only(&self) -> Result<bool, ApiError> {
        match &self.if_none_match {
            None => Ok(false),
            Some(Tags::Any) => Ok(true),
            Some(Tags::Revisions(_)) => {
                let detail = "can only be * when something is put; If-Match names the revision to replace";
                Err(ApiError::invalid(Some(header::IF_NONE_MATCH.as_str()), detail))
            }
        }
    }

    /// That `If-Match` is there, without which others' changes could be overwritten unseen.
    pub(super) fn required(&self) -> Result<(), ApiError> {
        if self.has_if_match() {
            return Ok(());
        }
        let detail =
            "a change needs If-Match with the ETag of what was read, or * to change whatever is there";
        Err(ApiError::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required", detail).at("If-Match"))
    }

    /// That what is stored is at a revision which `If-Match` names.
    pub(super) fn check<E: Entity>(&self, stored: Option<&Stored<E>>, id: &E::Id) -> Result<(), ApiError> {
        let Some(tags) = &self.if_match else { return Ok(()) };
        let detail = match stored {
            None => format!("there is no {} {:?}", E::KIND, id.to_string()),
            Some(stored) if tags.have(stored.revision) => return Ok(()),
            Some(stored) => format!("it is at revision {}; read it again", stored.revision),
        };
        Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "revision", detail).at("If-Match"))
    }

    /// Whether the client has this revision already.
    pub(super) fn has(&self, revision: Revision) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.have(revision))
    }
}

impl Tags {
    fn have(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::Revisions(revisions) => revisions.contains(&revision.get()),
        }
    }

    fn read(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Result<Option<Self>, ApiError> {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
        if values.is_empty() {
            return Ok(None);
        }
        let tags = values.into_iter().collect::<Option<Vec<_>>>().and_then(|lines| match lines[..] {
            ["*"] => Some(Self::Any),
            _ => Self::revisions(&lines.join(","), weak).map(Self::Revisions),
        });
        let detail = "is neither * nor a list of tags in quotes such as \"17\"";
        tags.map(Some).ok_or_else(|| ApiError::invalid(Some(name.as_str()), detail))
    }

    /// Those of a list of tags that are revisions; `None` if it is no such list.
    fn revisions(mut list: &str, weak: bool) -> Option<Vec<u64>> {
        let mut revisions = Vec::new();
        loop {
            let (is_weak, tag) = match list.strip_prefix("W/") {
                Some(tag) => (true, tag),
                None => (false, list),
            };
            let (tag, rest) = tag.strip_prefix('"')?.split_once('"')?;
            if tag.contains(|c: char| !c.is_ascii_graphic()) {
                return None;
            }
            revisions.extend(tag.parse::<u64>().ok().filter(|_| weak || !is_weak));
            let rest = rest.trim_start_matches(BLANK);
            if rest.is_empty() {
                return Some(revisions);
            }
            list = rest.strip_prefix(',')?.trim_start_matches(BLANK);
        }
    }
}

/// What may stand around the commas of a list.
const BLANK: [char; 2] = [' ', '\t'];

/// What `*` or a list of tags looks like, for the document.
pub(super) const TAGS_PATTERN: &str = r##"^(\*|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$"##;

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: Tags::read(&parts.headers, &header::IF_MATCH, false)?,
            if_none_match: Tags::read(&parts.headers, &header::IF_NONE_MATCH, true)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &'static str, weak: bool) -> Result<Option<Tags>, ApiError> {
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))]);
        Tags::read(&headers, &header::IF_MATCH, weak)
    }

    #[test]
    fn tags_are_read_as_the_standard_has_them() {
        let revisions = |numbers: &[u64]| Some(Tags::Revisions(numbers.to_vec()));
        assert_eq!(read("\"17\"", false).unwrap(), revisions(&[17]));
        assert_eq!(read("\"17\", W/\"18\" ,\"abc\"", false).unwrap(), revisions(&[17]));
        assert_eq!(read("W/\"18\"", true).unwrap(), revisions(&[18]));
        assert_eq!(read("\"a,b\",\"17\"", false).unwrap(), revisions(&[17]));
        assert_eq!(read("*", false).unwrap(), Some(Tags::Any));
        assert_eq!(Tags::read(&HeaderMap::new(), &header::IF_MATCH, false).unwrap(), None);
        for malformed in ["17", "", "\"17", "\"17\" \"18\" x", "\"17\", *", "\"1 7\"", "\"17\","] {
            assert_eq!(
                read(malformed, false).unwrap_err().problem().field.as_deref(),
                Some("if-match"),
                "{malformed}"
            );
        }
    }
}
