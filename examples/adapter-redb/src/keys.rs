//! Keys whose order, byte by byte, is that of what they are made of.

use tubeatlas_domain::Timestamp;

/// A key of several texts: none holds NUL, so its bytes sort as the texts do, one after the other.
pub(crate) fn text_key(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.bytes().chain([0])).collect()
}

/// A time, also one before 1970.
pub(crate) fn time_key(at: Timestamp) -> [u8; 8] {
    (at.unix_micros() ^ i64::MIN).to_be_bytes()
}

/// One key behind another.
pub(crate) fn joined(key: &[u8], rest: &[u8]) -> Vec<u8> {
    [key, rest].concat()
}
