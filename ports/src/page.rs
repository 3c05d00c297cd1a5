//! Pages and their cursors.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{Problem, ValidationError};

use crate::{Error, Result};

/// The most items of one page: enough to amortise a call, few enough to answer in one piece.
pub const MAX_PAGE_LIMIT: u32 = 1_000;

/// The items of a page when nobody says how many.
pub const DEFAULT_PAGE_LIMIT: u32 = 50;

/// The longest cursor, in bytes of text: the longest order key (a path of 4,096 bytes, escaped as JSON) in
/// base64, and some room.
pub const MAX_CURSOR_BYTES: usize = 48 * 1024;

/// One page of a list.
///
/// # What an implementor owes
/// The items stand in the list's one total order. `next` is there exactly if more items followed when the
/// page was read. Whoever follows it through to the end sees every row that was there throughout, with its
/// order key unchanged, exactly once, whatever is inserted, changed or deleted meanwhile: a cursor says after
/// which order key to go on, not how many rows to skip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The items, at most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    #[serde(rename = "next_cursor")]
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page out of up to `limit + 1` rows in order: the one too many shows that more follow.
    pub fn from_rows(
        mut rows: Vec<T>,
        limit: u32,
        cursor: impl FnOnce(&T) -> Result<Cursor>,
    ) -> Result<Self> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor).transpose()?;
        Ok(Self { items: rows, next })
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<O> {
    /// The order of the list.
    pub order: O,
    /// How many items at most, from 1 to [`MAX_PAGE_LIMIT`].
    pub limit: u32,
    /// After which item; `None` for the first page. A cursor belongs to the list, order and filter that gave
    /// it.
    pub after: Option<Cursor>,
}

impl<O: Default> Default for PageRequest<O> {
    fn default() -> Self {
        Self { order: O::default(), limit: DEFAULT_PAGE_LIMIT, after: None }
    }
}

/// Checks the limit of a page.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) if it is not from 1 to `max`.
pub fn check_limit(limit: u32, max: u32) -> Result<()> {
    if (1..=max).contains(&limit) {
        return Ok(());
    }
    let problem = Problem::OutOfRange { min: 1, max: max.into(), actual: limit.to_string() };
    Err(Error::Invalid(ValidationError::new("limit", problem)))
}

/// Where a page ends: an opaque text that a client gives back to go on from there.
///
/// It holds a version, a fingerprint of the list (its name, order and filter), the order key of the last
/// item, and a checksum over these. So a cursor that was cut, changed or taken from another list is refused
/// as [`Invalid`](crate::Error::Invalid). The checksum guards against mistakes, not against malice, and need
/// not: whoever makes up a cursor can only ask for a part of a list that he may read anyway.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// Which list a cursor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorScope(u64);

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 8; // version, scope, checksum

impl CursorScope {
    /// The scope of the list `name` in `order` with `filter`.
    pub fn new(name: &str, order: &impl Serialize, filter: &impl Serialize) -> Self {
        // Orders and filters are enums and structs of texts and numbers, which serde_json always can write;
        // were one ever not to, its fingerprint would be that of the empty text, and lists would be told
        // apart by the rest.
        let order = serde_json::to_string(order).unwrap_or_default();
        let filter = serde_json::to_string(filter).unwrap_or_default();
        Self(fnv1a([name, "\0", &order, "\0", &filter].map(str::as_bytes).as_slice()))
    }
}

impl Cursor {
    /// The cursor that a client sent; what is wrong with it shows when a list is asked for with it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for a client.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor behind the item with this order key, in the list of this scope.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) if the key cannot be written as JSON.
    pub fn encode(scope: CursorScope, position: &impl Serialize) -> Result<Self> {
        let payload = serde_json::to_vec(position).map_err(|error| invalid(&error.to_string()))?;
        let scope = scope.0.to_be_bytes();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&scope);
        bytes.extend_from_slice(&fnv1a(&[&scope, &payload]).to_be_bytes());
        bytes.extend_from_slice(&payload);
        Ok(Self(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// The order key in a cursor of the list of this scope.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) if this is no cursor, was changed, or belongs to another list,
    /// order or filter.
    pub fn decode<P: DeserializeOwned>(&self, scope: CursorScope) -> Result<P> {
        if self.0.len() > MAX_CURSOR_BYTES {
            return Err(invalid("is longer than any cursor"));
        }
        let bytes = BASE64URL_NOPAD
            .decode(self.0.as_bytes())
            .map_err(|_| invalid("is not one that a list gave out"))?;
        let (Some((&version, rest)), true) = (bytes.split_first(), bytes.len() > HEADER_BYTES) else {
            return Err(invalid("is cut off"));
        };
        if version != VERSION {
            let problem = format!("has version {version}; this program reads version {VERSION}");
            return Err(invalid(&problem));
        }
        let (cursor_scope, rest) = rest.split_at(8);
        let (checksum, payload) = rest.split_at(8);
        if fnv1a(&[cursor_scope, payload]).to_be_bytes() != checksum {
            return Err(invalid("is not as a list gave it out"));
        }
        if scope.0.to_be_bytes() != cursor_scope {
            return Err(invalid("belongs to another list, order or filter"));
        }
        serde_json::from_slice(payload).map_err(|_| invalid("is not as a list gave it out"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn invalid(problem: &str) -> Error {
    let message = format!("{problem}; begin again without a cursor");
    Error::Invalid(ValidationError::new("cursor", Problem::Malformed(message)))
}

/// FNV-1a, 64 bit (Fowler, Noll, Vo): small, and the same on every machine and in every version.
fn fnv1a(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str) -> CursorScope {
        CursorScope::new(name, &"newest", &Some(1))
    }

    #[test]
    fn a_cursor_gives_its_key_back_to_its_own_list() {
        let cursor = Cursor::encode(scope("videos"), &(Some(17), "ü")).unwrap();
        assert_eq!(cursor.decode::<(Option<i64>, String)>(scope("videos")).unwrap(), (Some(17), "ü".into()));
    }

    #[test]
    fn every_other_cursor_is_invalid() {
        let good = Cursor::encode(scope("videos"), &17).unwrap().0;
        let foreign = Cursor::encode(scope("channels"), &17).unwrap().0;
        let other_key = Cursor::encode(scope("videos"), &"text").unwrap().0;
        let cut = good[..good.len() - 2].to_owned();
        for text in ["", "!", "AA", "\0", &foreign, &other_key, &cut, &"A".repeat(MAX_CURSOR_BYTES + 1)] {
            let result = Cursor::from_text(text).decode::<i64>(scope("videos"));
            assert!(matches!(result, Err(Error::Invalid(_))), "{text:?}: {result:?}");
        }
        let mut bytes = BASE64URL_NOPAD.decode(good.as_bytes()).unwrap();
        for i in 0..bytes.len() {
            bytes[i] ^= 1;
            let forged = Cursor(BASE64URL_NOPAD.encode(&bytes));
            assert!(forged.decode::<i64>(scope("videos")).is_err(), "byte {i}");
            bytes[i] ^= 1;
        }
    }

    #[test]
    fn a_page_has_a_next_one_exactly_if_a_row_is_left_over() {
        let page =
            |rows: Vec<i32>| Page::from_rows(rows, 2, |last| Cursor::encode(scope("videos"), last)).unwrap();
        assert_eq!(page(vec![1, 2]).next, None);
        let first = page(vec![1, 2, 3]);
        assert_eq!(first.items, [1, 2]);
        assert_eq!(first.next.unwrap().decode::<i32>(scope("videos")).unwrap(), 2);
    }

    #[test]
    fn limits_are_bounded() {
        assert!(check_limit(1, 9).is_ok() && check_limit(9, 9).is_ok());
        assert!(check_limit(0, 9).is_err() && check_limit(10, 9).is_err());
    }
}
