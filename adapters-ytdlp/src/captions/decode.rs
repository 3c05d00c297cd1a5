//! The text of a caption file, whatever its encoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The file's text without a byte order mark, and what had to be guessed or mended to read it.
///
/// A byte order mark decides. Without one UTF-16 is told by its zero bytes; what is no UTF-8 is read in the
/// encoding that it looks most like, which is Windows-1252 (Latin-1) unless much speaks for another.
pub(super) fn text<'a>(bytes: &'a [u8], warnings: &mut Vec<String>) -> Cow<'a, str> {
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => match utf_16_without_mark(bytes) {
            Some(encoding) => {
                warnings.push(format!(
                    "has no byte order mark; read as {}, which it looks like",
                    encoding.name()
                ));
                (encoding, bytes)
            }
            None => (UTF_8, bytes),
        },
    };
    if encoding == UTF_8 {
        return utf_8(bytes, warnings);
    }
    let (text, broken) = encoding.decode_without_bom_handling(bytes);
    if broken {
        warnings.push(format!(
            "begins as {} but does not go on so; what cannot be read is shown as U+FFFD",
            encoding.name()
        ));
    }
    text
}

/// In UTF-16 every other byte of what is ASCII, as all times are, is zero.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    const LOOKED_AT: usize = 4_096;
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    if head.len() < 4 {
        None
    } else if odd > many && even <= odd / 8 {
        Some(UTF_16LE)
    } else if even > many && odd <= even / 8 {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn utf_8<'a>(bytes: &'a [u8], warnings: &mut Vec<String>) -> Cow<'a, str> {
    let Err(error) = std::str::from_utf8(bytes) else { return String::from_utf8_lossy(bytes) };
    let (mut wide, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // Characters of several bytes do not come about by chance, so this is UTF-8 that was damaged.
    if wide >= broken {
        warnings.push(format!(
            "is not UTF-8 in {broken} places, the first at byte {}; they are shown as U+FFFD",
            error.valid_up_to()
        ));
        return String::from_utf8_lossy(bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    warnings.push(format!("is not UTF-8; read as {}, which it looks like", encoding.name()));
    encoding.decode_without_bom_handling(bytes).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

    const TIMES: &str = "1\n00:00:01,000 --> 00:00:02,000\n";

    fn decoded(bytes: &[u8]) -> (String, Vec<String>) {
        let mut warnings = Vec::new();
        (text(bytes, &mut warnings).into_owned(), warnings)
    }

    #[test]
    fn unicode_is_known_with_its_mark_and_without() {
        let expected = format!("{TIMES}àé 中 один");
        let utf_16 = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(unit).collect()
        };
        let marked = format!("\u{feff}{expected}");
        for bytes in [
            expected.clone().into_bytes(),
            marked.clone().into_bytes(),
            utf_16(&marked, u16::to_le_bytes),
            utf_16(&marked, u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes), (expected.clone(), vec![]));
        }
        for (unit, name) in [(u16::to_le_bytes as fn(u16) -> _, "UTF-16LE"), (u16::to_be_bytes, "UTF-16BE")] {
            let (text, warnings) = decoded(&utf_16(&expected, unit));
            assert_eq!(text, expected);
            assert!(warnings[0].contains(name), "{warnings:?}");
        }
    }

    #[test]
    fn older_encodings_are_guessed_and_told() {
        for (encoding, words) in [
            (WINDOWS_1252, "Été à la plage, où l’élève préféré mange une crêpe brûlée"),
            (WINDOWS_1251, "Это только начало длинного разговора о том, что было раньше"),
            (SHIFT_JIS, "これは日本語の字幕です。昨日の会議で話したことを覚えていますか"),
        ] {
            let expected = format!("{TIMES}{words}");
            let (text, warnings) = decoded(&encoding.encode(&expected).0);
            assert_eq!(text, expected);
            assert_eq!(warnings, [format!("is not UTF-8; read as {}, which it looks like", encoding.name())]);
        }
        assert_eq!(decoded(b"\xe9t\xe9").0, "été");
    }

    #[test]
    fn damaged_unicode_stays_unicode() {
        for (bytes, expected) in [
            (&b"caf\xc3\xa9 \xff cr\xc3\xa8me"[..], "café \u{fffd} crème"),
            ("один два".as_bytes().split_last().unwrap().1, "один дв\u{fffd}"),
            (b"\xef\xbb\xbfcaf\xc3\xa9 \xff", "café \u{fffd}"),
            (b"\xff\xfea\0\x00\xd8b\0", "a\u{fffd}b"),
        ] {
            let (text, warnings) = decoded(bytes);
            assert_eq!(text, expected);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains("U+FFFD"), "{warnings:?}");
        }
    }
}
