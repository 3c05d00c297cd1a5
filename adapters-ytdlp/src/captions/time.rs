//! Times of cues: `01:02:03.456 --> 01:02:05,000 align:start`.

/// Start and end in milliseconds, if the line is a cue's times: `00:01.000 --> 00:02.000` with anything
/// behind it, or `0:00:01.000,0:00:02.000` alone on its line (YouTube's SubViewer form, which also turns up
/// under the name `.srt`).
pub(super) fn times(line: &str) -> Option<(u64, u64)> {
    let line = line.trim();
    if let Some((start, rest)) = line.split_once("-->") {
        return Some((stamp(start.trim_end())?, stamp(rest.split_whitespace().next()?)?));
    }
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (start, end) = line.split_once(',')?;
    Some((stamp(start)?, stamp(end)?))
}

/// One time in milliseconds: `[hours:]minutes:seconds[.fraction]`, with `.` or `,` before the fraction.
pub(super) fn stamp(text: &str) -> Option<u64> {
    let (whole, fraction) = match text.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let mut seconds = 0_u64;
    let mut parts = 0;
    for part in whole.split(':') {
        parts += 1;
        seconds = seconds.checked_mul(60)?.checked_add(number(part)?)?;
    }
    if !(2..=3).contains(&parts) {
        return None;
    }
    let mut millis = 0;
    let mut unit = 100;
    for digit in fraction.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        millis += u64::from(digit - b'0') * unit;
        unit /= 10; // digits beyond the third count nothing
    }
    let time = seconds.checked_mul(1_000)?.checked_add(millis)?;
    (time <= tubeatlas_domain::MAX_NUMBER).then_some(time)
}

fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_their_spellings() {
        for (line, start, end) in [
            ("00:00:01.000 --> 00:00:02.500", 1_000, 2_500),
            ("00:00:01,000 --> 00:00:02,500", 1_000, 2_500),
            ("00:01.000 --> 01:02.500 align:start position:0%", 1_000, 62_500),
            ("123:00:00.000 --> 123:00:00.010", 442_800_000, 442_800_010),
            ("0:00:05.440,0:00:09.360", 5_440, 9_360),
            (" 1:2:3 -->1:2:4 ", 3_723_000, 3_724_000),
            ("00:00:01.5 --> 00:00:02.123456", 1_500, 2_123),
            ("00:00:02,000 --> 00:00:01,000", 2_000, 1_000),
        ] {
            assert_eq!(times(line), Some((start, end)), "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for line in [
            "",
            "12",
            "not a timestamp",
            "-->",
            "00:00:01.000 -->",
            "00:00:01.000 --> soon",
            "00:-1:01.000 --> 00:00:02.000",
            "1:2:3:4.0 --> 1:2:3:5.0",
            "99999999999999999999:00:00.000 --> 1:00.000",
            "9999999999999999:00:00.000 --> 1:00.000",
            "1,000",
            "at 1:00,2:00",
            "a --> b",
        ] {
            assert_eq!(times(line), None, "{line}");
        }
    }
}
