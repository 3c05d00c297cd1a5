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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_what_they_are_made_of() {
        assert!(text_key(&["a", "z"]) < text_key(&["a ", "a"]));
        assert!(text_key(&["a", ""]) < text_key(&["ab"]));
        let key = |micros| time_key(Timestamp::from_unix_micros(micros).unwrap());
        assert!(key(-2) < key(-1) && key(-1) < key(0) && key(0) < key(1));
        assert!(time_key(Timestamp::MIN) < key(0) && key(0) < time_key(Timestamp::MAX));
    }
}
