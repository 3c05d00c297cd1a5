//! SubRip, a format without a standard: whatever stands between two lines of times is a cue's text.
//!
//! Unlike in WebVTT a cue does not end at an empty line, because converters write display lines that are
//! empty. YouTube's SubViewer files (`.sbv`) are read in the same way; they have no numbers.

use super::time::times;
use super::{Parsed, RawCue};

/// Reads SubRip or SubViewer.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed { may_roll: true, ..Parsed::default() };
    let mut body: Vec<&str> = Vec::new();
    let mut number = None;
    for line in super::lines(text) {
        if let Some(times) = times(line) {
            let heading = take_heading(&mut body, parsed.cues.is_empty(), number);
            number = heading.and_then(|line| line.trim().parse().ok()).or(number);
            close(&mut parsed, &mut body);
            parsed.cues.push(RawCue::new(times));
        } else {
            body.push(line);
        }
    }
    if number.is_some() {
        take_last_number(&mut body);
    }
    close(&mut parsed, &mut body);
    parsed
}

/// Takes the line above a line of times out of the text of the cue before, if it is the next cue's number or
/// name. `last` is the number of the cue before, if that one has a number.
fn take_heading<'a>(body: &mut Vec<&'a str>, first: bool, last: Option<u64>) -> Option<&'a str> {
    let (&heading, above) = body.split_last()?;
    if is_blank(heading) {
        return None;
    }
    let apart = above.last().map_or(first, |line| is_blank(line));
    let heads = if is_number(heading) {
        // In a file without numbers, a number that is not set apart is what was said.
        apart || last.is_some()
    } else {
        apart && (first || above.iter().any(|line| !is_blank(line)))
    };
    if heads { body.pop() } else { None }
}

/// A number alone at the end of a numbered file announces a cue that is not there.
fn take_last_number(body: &mut Vec<&str>) {
    while body.last().is_some_and(|line| is_blank(line)) {
        body.pop();
    }
    if let [.., above, last] = body.as_slice()
        && is_blank(above)
        && is_number(last)
    {
        body.pop();
    }
}

/// Gives the collected lines to the last cue. Lines of times that cannot be read are left out, with the
/// number above them.
fn close(parsed: &mut Parsed, body: &mut Vec<&str>) {
    let strays = &mut parsed.strays;
    match parsed.cues.last_mut() {
        None => *strays += body.iter().filter(|line| !is_blank(line)).count(),
        Some(cue) => {
            for (i, line) in body.iter().enumerate() {
                let broken = |line: &&str| line.contains("-->");
                let heads_broken = is_number(line) && body.get(i + 1).is_some_and(broken);
                if broken(line) {
                    *strays += 1;
                } else if !heads_broken {
                    cue.push(line);
                }
            }
        }
    }
    body.clear();
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn is_number(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Vec<(u64, u64, String)> {
        let parsed = parse(text);
        parsed.cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text())).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        cues(text).into_iter().map(|cue| cue.2).collect()
    }

    #[test]
    fn a_usual_file_is_read() {
        let text = "1\n00:00:01,000 --> 00:00:02,000\nHello\nthere\n\n2\n00:00:02,000 --> 00:00:03,000  X1:0\n<i>you</i>\n";
        assert_eq!(cues(text), [(1_000, 2_000, "Hello\nthere".to_owned()), (2_000, 3_000, "you".to_owned())]);
    }

    #[test]
    fn numbers_may_lack_or_be_words() {
        assert_eq!(texts("00:01.0 --> 00:02.0\na\n\n00:02.0 --> 00:03.0\nb"), ["a", "b"]);
        assert_eq!(texts("1\n00:01,0 --> 00:02,0\na\n\ntwo\n00:02,0 --> 00:03,0\nb"), ["a", "b"]);
    }

    #[test]
    fn empty_lines_may_lack_or_be_too_many() {
        assert_eq!(
            texts("1\n00:01,0 --> 00:02,0\na\n2\n00:02,0 --> 00:03,0\nb\n3\n00:03,0 --> 00:04,0\nc"),
            ["a", "b", "c"]
        );
        assert_eq!(texts("1\n00:01,0 --> 00:02,0\n\na\n\n\nb\n\n2\n00:02,0 --> 00:03,0\n\n"), ["a\nb", ""]);
        assert_eq!(texts("1\n00:01,0 --> 00:02,0\n2\n00:02,0 --> 00:03,0\nb"), ["", "b"]);
    }

    #[test]
    fn spoken_numbers_are_kept() {
        assert_eq!(texts("1\n00:01,0 --> 00:02,0\n42\n\n2\n00:02,0 --> 00:03,0\n1984"), ["42", "1984"]);
        assert_eq!(
            texts(
                "00:01,0 --> 00:02,0\n42\n00:02,0 --> 00:03,0\n43\n\n00:03,0 --> 00:04,0\nx\n7\n00:04,0 --> 00:05,0\ny"
            ),
            ["42", "43", "x\n7", "y"]
        );
    }

    #[test]
    fn a_number_without_a_cue_is_no_text() {
        assert_eq!(texts("1\n00:01,0 --> 00:02,0\na\n\n2\n\n"), ["a"]);
    }

    #[test]
    fn youtubes_own_form_is_read() {
        assert_eq!(
            cues("0:00:05.440,0:00:09.360\nBonjour, à tous\n\n0:00:09.360,0:00:15.320\n10,000\n"),
            [(5_440, 9_360, "Bonjour, à tous".to_owned()), (9_360, 15_320, "10,000".to_owned())]
        );
    }

    #[test]
    fn broken_times_lose_their_cue_but_not_what_was_said() {
        let text = "1\n00:01,0 --> 00:02,0\na\n\n2\n00:xx --> 00:03,0\nb\n\n3\n00:03,0 --> 00:04,0\nc";
        assert_eq!(texts(text), ["a\nb", "c"]);
        assert_eq!(parse(text).strays, 1);
        assert_eq!(parse("no\ncaptions\n\nhere").strays, 3);
    }
}
