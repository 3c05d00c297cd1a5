//! WebVTT: <https://www.w3.org/TR/webvtt1/>, read with patience.

use super::time::times;
use super::{Parsed, RawCue, stated_kind};

/// Whether the text begins as a WebVTT file must.
pub(super) fn has_header(text: &str) -> bool {
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Where the parser is between two lines.
enum State<'a> {
    Header,
    /// After an empty line, and in a block of which nothing but its first lines is known: the last of them,
    /// which is the cue's identifier if times follow.
    Block(Option<&'a str>),
    Cue,
    /// In a NOTE, STYLE or REGION block.
    Comment,
}

/// Reads a file that [`has_header`].
///
/// A cue ends at an *empty* line; YouTube's display lines that hold a single space are part of it. Some tools
/// have trimmed that space away: then the rest of the cue is a block without times after a cue without text,
/// and is put back.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed { may_roll: true, ..Parsed::default() };
    let mut state = State::Header;
    for line in super::lines(text) {
        if line.is_empty() {
            if let State::Block(Some(last)) = state {
                parsed.put_back(last);
            }
            state = State::Block(None);
            continue;
        }
        if let Some(times) = times(line) {
            parsed.cues.push(RawCue::new(times));
            state = State::Cue;
            continue;
        }
        state = match state {
            State::Header => {
                if let Some(value) = line.strip_prefix("Language:") {
                    parsed.language = Some(value.trim().to_owned());
                } else if let Some(value) = line.strip_prefix("Tubeatlas-Kind:") {
                    parsed.kind = stated_kind(value.trim());
                }
                State::Header
            }
            State::Comment => State::Comment,
            State::Block(None) if is_comment(line) => State::Comment,
            State::Block(None) => State::Block(Some(line)),
            State::Block(Some(last)) => {
                if parsed.put_back(last) {
                    parsed.push(line);
                    State::Cue
                } else {
                    State::Block(Some(line))
                }
            }
            State::Cue => {
                parsed.push(line);
                State::Cue
            }
        };
    }
    if let State::Block(Some(last)) = state {
        parsed.put_back(last);
    }
    parsed
}

impl Parsed {
    /// Adds a line to the last cue.
    fn push(&mut self, line: &str) {
        if let Some(cue) = self.cues.last_mut() {
            cue.push(line);
        }
    }

    /// Gives a line that stands in no cue to the last cue if that one has no text, and says whether it did.
    fn put_back(&mut self, line: &str) -> bool {
        let empty = self.cues.last().is_some_and(|cue| !cue.spoken);
        if empty {
            // What was trimmed away is the display line above this one.
            self.push("");
            self.push(line);
        } else {
            self.strays += 1;
        }
        empty
    }
}

fn is_comment(line: &str) -> bool {
    ["NOTE", "STYLE", "REGION"].iter().any(|word| {
        line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', ':']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Vec<(u64, u64, String)> {
        let parsed = parse(text);
        parsed.cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text())).collect()
    }

    #[test]
    fn every_block_of_the_standard_is_read_or_passed_over() {
        let text = "WEBVTT - a title\nKind: captions\nLanguage: en\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n\
            STYLE\n::cue { color: red }\n\nREGION\nid:fred\n\nNOTE a remark\nof two lines\n\n\
            first\n00:01.000 --> 00:02.000 align:start position:0%\none\ntwo\n\nNOTE\n\n\
            100:00:00.000 --> 100:00:01.000\n<v Mary>far\n\nNOTED\n00:03.000 --> 00:04.000\nthree";
        let parsed = parse(text);
        assert_eq!(parsed.language.as_deref(), Some("en"));
        assert_eq!(parsed.strays, 0);
        assert_eq!(
            cues(text),
            [
                (1_000, 2_000, "one\ntwo".to_owned()),
                (360_000_000, 360_001_000, "far".to_owned()),
                (3_000, 4_000, "three".to_owned()),
            ]
        );
    }

    #[test]
    fn a_display_line_of_one_space_does_not_end_the_cue() {
        let text = "WEBVTT\n\n00:01.000 --> 00:02.000\n \nwords\n \nmore\n\n";
        assert_eq!(cues(text), [(1_000, 2_000, "words\nmore".to_owned())]);
        assert_eq!(parse(text).strays, 0);
    }

    #[test]
    fn a_display_line_that_was_trimmed_away_is_mended() {
        let text = "WEBVTT\n\n00:01.000 --> 00:02.000\n\nwords\nmore\n\n2\n00:02.000 --> 00:03.000\n\n3\n\
            00:03.000 --> 00:04.000\nlast\n\nstray";
        let parsed = parse(text);
        assert_eq!(
            cues(text),
            [
                (1_000, 2_000, "words\nmore".to_owned()),
                (2_000, 3_000, String::new()),
                (3_000, 4_000, "last".to_owned()),
            ]
        );
        assert_eq!(parsed.strays, 1);
    }

    #[test]
    fn the_header_may_lack_an_empty_line_behind_it() {
        assert_eq!(cues("WEBVTT\n00:01.000 --> 00:02.000\nx"), [(1_000, 2_000, "x".to_owned())]);
    }

    #[test]
    fn the_header_is_told_from_words_that_begin_like_it() {
        assert!(has_header("WEBVTT") && has_header("WEBVTT\n") && has_header("WEBVTT - x"));
        assert!(!has_header("WEBVTTX") && !has_header("webvtt") && !has_header("1\n"));
    }

    #[test]
    fn what_is_no_cue_is_counted() {
        assert_eq!(parse("WEBVTT\n\ncue-one\nnot a timestamp\nInvalid cue.\n\n").strays, 3);
    }
}
