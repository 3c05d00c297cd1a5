//! Cues as they stand in their column: times as small numbers and texts as they are.
//!
//! A first byte with the format's number, the number of cues, then each cue: its start less the start before it, its
//! length in time, its text's length in bytes (LEB128, the start's difference in zigzag, for cues may be out of
//! order), and its text. A cue has some 5 bytes beside its text, where JSON has 40, and is read several times
//! faster. JSON text, which begins with `[`, is read as well.

use tubeatlas_domain::Cue;

/// The number of this format; a JSON text cannot begin with it.
const FORMAT: u8 = 1;

pub(crate) fn encode(cues: &[Cue]) -> Vec<u8> {
    let texts: usize = cues.iter().map(|cue| cue.text.len() + 6).sum();
    let mut bytes = Vec::with_capacity(texts + 6);
    bytes.push(FORMAT);
    put(&mut bytes, cues.len() as u64);
    let mut before = 0;
    for Cue { start_ms, end_ms, text } in cues {
        put(&mut bytes, zigzag(start_ms.wrapping_sub(before).cast_signed()));
        put(&mut bytes, end_ms.wrapping_sub(*start_ms));
        put(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(text.as_bytes());
        before = *start_ms;
    }
    bytes
}

/// The cues, or what is wrong with the bytes. Whether the cues themselves are right is checked by the domain.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Cue>, String> {
    let Some((&FORMAT, mut rest)) = bytes.split_first() else {
        return serde_json::from_slice(bytes).map_err(|error| error.to_string());
    };
    let count = take(&mut rest)?;
    // A cue has at least three bytes: a number that is damaged does not ask for all memory there is.
    let count = usize::try_from(count).ok().filter(|count| *count <= rest.len()).ok_or("too many cues")?;
    let mut cues = Vec::with_capacity(count.min(rest.len() / 3));
    let mut start_ms = 0_u64;
    for _ in 0..count {
        start_ms = start_ms.wrapping_add(unzigzag(take(&mut rest)?).cast_unsigned());
        let end_ms = start_ms.wrapping_add(take(&mut rest)?);
        let length = usize::try_from(take(&mut rest)?).ok();
        let (text, behind) = length.and_then(|length| rest.split_at_checked(length)).ok_or("a cut text")?;
        let text = str::from_utf8(text).map_err(|error| error.to_string())?.to_owned();
        cues.push(Cue { start_ms, end_ms, text });
        rest = behind;
    }
    if rest.is_empty() { Ok(cues) } else { Err("bytes behind the last cue".to_owned()) }
}

/// Numbers near zero on either side become small ones.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take(rest: &mut &[u8]) -> Result<u64, String> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, behind) = rest.split_first().ok_or("a cut number")?;
        *rest = behind;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number that is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_ms: u64, end_ms: u64, text: &str) -> Cue {
        Cue { start_ms, end_ms, text: text.to_owned() }
    }

    fn examples() -> Vec<Vec<Cue>> {
        let most = u64::try_from(i64::MAX).unwrap();
        vec![
            vec![],
            vec![cue(0, 0, "")],
            vec![cue(5_000, 7_000, "later"), cue(1_000, 9_000, "out of order"), cue(1_000, 1_000, "東京 😀")],
            vec![cue(most, most, "the last"), cue(0, most, "the first"), cue(127, 128, &"x".repeat(128))],
        ]
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        for cues in examples() {
            assert_eq!(decode(&encode(&cues)).unwrap(), cues);
        }
    }

    #[test]
    fn json_of_older_rows_is_read() {
        for cues in examples() {
            assert_eq!(decode(serde_json::to_string(&cues).unwrap().as_bytes()).unwrap(), cues);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        for cues in examples() {
            let whole = encode(&cues);
            for length in 0..whole.len() {
                assert!(decode(&whole[..length]).is_err(), "{cues:?} cut after {length} bytes");
            }
            for at in 0..whole.len() {
                for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                    let mut damaged = whole.clone();
                    damaged[at] = byte;
                    let _ = decode(&damaged); // another transcript, or an error
                }
            }
        }
        for bytes in
            [&[][..], &[1, 0, 0], &[1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], &[2]]
        {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
