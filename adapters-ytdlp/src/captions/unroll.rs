//! Un-rolling: YouTube's automatic captions as WebVTT roll up the screen, and every spoken line stands in the
//! file three times:
//!
//! ```text
//! 00:00:01.439 --> 00:00:03.150        the line is spoken, below an empty one
//!
//! I<00:00:01.520><c> hope</c> …
//!
//! 00:00:03.150 --> 00:00:03.160        a flash: it rolls up
//! I hope you can hear me
//!
//!
//! 00:00:03.160 --> 00:00:07.869        it stands above the next line that is spoken
//! I hope you can hear me
//! well<00:00:04.279><c> excellent</c> …
//! ```
//!
//! A word of a single-word line has no `<c>`, and files that were converted to SubRip have none at all; so what
//! is new in a cue is told by what stood on the screen before it, not by the tags.

use super::{Line, RawCue};

/// The longest flash in milliseconds. YouTube's last 10; conversions round.
const MAX_FLASH_MS: u64 = 20;

/// The most lines that roll up together; YouTube shows two.
const MAX_CARRIED: usize = 4;

/// What the cues of a file look like, as far as un-rolling goes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether each line is repeated by the cues that follow it.
    pub(super) rolling: bool,
    /// Whether the file comes from speech recognition: it rolls with flashes, or its words have times.
    pub(super) automatic: bool,
}

/// Looks at all cues of a file.
pub(super) fn shape(cues: &[RawCue]) -> Shape {
    let mut spoken = 0; // cues with text
    let mut timed = 0; // cues with word times
    let mut flashes = 0; // very short cues in which nothing is new
    let mut rolled = 0; // other cues that begin with what was lowest on the screen
    let mut fresh = 0; // of these, those that end with a line that was not on the screen
    let mut screen: &[Line] = &[];
    for cue in cues {
        let lines = cue.lines.as_slice();
        if let Some(lowest) = texts(lines).last() {
            spoken += 1;
            timed += usize::from(lines.iter().any(|line| line.timed));
            match what_is_new(screen, cue) {
                New::Nothing => flashes += 1,
                New::All => (),
                New::After(_) => {
                    rolled += 1;
                    fresh += usize::from(texts(screen).all(|line| line != lowest));
                }
            }
        }
        screen = lines;
    }
    let with_flashes = flashes > 0 && flashes * 4 >= spoken;
    let with_times = timed > 0 && timed * 4 >= spoken;
    // A converter may have removed the flashes. Then the file must roll nearly throughout, so that a song in
    // which lines come back is not taken for one.
    let without_flashes = rolled >= 8 && rolled * 10 >= spoken * 9 && fresh * 10 >= rolled * 9;
    Shape {
        rolling: with_flashes || without_flashes || (with_times && rolled * 2 >= spoken),
        automatic: with_flashes || with_times,
    }
}

/// Keeps of each cue of a rolling file what is new in it, and leaves out cues in which nothing is.
///
/// A cue that is no flash always has something new: its lowest line. So a line that is spoken again and again
/// ("no", "no", "no") is kept as often as it is spoken.
pub(super) fn unroll(cues: &mut Vec<RawCue>) {
    let mut screen: Vec<Line> = Vec::new();
    cues.retain_mut(|cue| {
        let new = what_is_new(&screen, cue);
        screen = cue.lines.clone();
        cue.lines.retain(|line| !line.text.is_empty());
        match new {
            New::Nothing => return false,
            New::All => (),
            New::After(old) => drop(cue.lines.drain(..old.min(cue.lines.len()))),
        }
        !cue.lines.is_empty()
    });
}

/// What a cue shows that the screen did not.
enum New {
    Nothing,
    All,
    /// What stands below its first lines, of which there are so many.
    After(usize),
}

fn what_is_new(screen: &[Line], cue: &RawCue) -> New {
    let mut before: Vec<&str> = texts(screen).rev().take(MAX_CARRIED).collect();
    before.reverse();
    let shown = texts(&cue.lines).take(MAX_CARRIED + 1).count();
    let flash = cue.end_ms.saturating_sub(cue.start_ms) <= MAX_FLASH_MS;
    let most = before.len().min(if flash { shown } else { shown.saturating_sub(1) });
    let carried = (1..=most).rev().find(|&n| {
        let top = cue.lines.iter().filter(|line| !line.text.is_empty()).take(n);
        top.zip(&before[before.len() - n..]).all(|(line, old)| !line.timed && line.text == *old)
    });
    match carried {
        None => New::All,
        Some(n) if n == shown => New::Nothing,
        Some(n) => New::After(n),
    }
}

fn texts(lines: &[Line]) -> impl DoubleEndedIterator<Item = &str> {
    lines.iter().map(|line| line.text.as_str()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::captions::parse;
    use proptest::prelude::*;

    /// How a rolling file is written down.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Form {
        Vtt,
        /// As converters write it: the empty line is kept.
        Srt,
        /// As other converters write it: no empty line.
        SrtTrimmed,
    }

    fn clock(ms: usize) -> String {
        format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
    }

    /// A rolling file of these lines; before those with `true` the screen is cleared.
    fn rolling(lines: &[(String, bool)], form: Form) -> String {
        let mut cues: Vec<(usize, usize, String, String)> = Vec::new();
        let mut upper = String::new();
        let mut at = 0;
        for (line, cleared) in lines {
            if *cleared && !upper.is_empty() {
                cues.push((at - 10, at, String::new(), String::new()));
                upper = String::new();
            }
            let mut words = line.split(' ');
            let first = words.next().unwrap_or_default().to_owned();
            let lower = match form {
                Form::Vtt => {
                    words.fold(first, |text, word| format!("{text}<{}><c> {word}</c>", clock(at + 1)))
                }
                Form::Srt | Form::SrtTrimmed => line.clone(),
            };
            cues.push((at, at + 1_000, upper, lower));
            cues.push((at + 1_000, at + 1_010, line.clone(), String::new()));
            upper = line.clone();
            at += 1_010;
        }
        let mut text =
            if form == Form::Vtt { "WEBVTT\nKind: captions\nLanguage: en\n\n".into() } else { String::new() };
        for (i, (start, end, upper, lower)) in cues.iter().enumerate() {
            let show = |line: &str| {
                if line.is_empty() && form == Form::Vtt { " ".to_owned() } else { line.to_owned() }
            };
            if form != Form::Vtt {
                text += &format!("{}\n", i + 1);
            }
            text += &format!("{} --> {}\n", clock(*start), clock(*end));
            for line in [show(upper), show(lower)] {
                if form != Form::SrtTrimmed || !line.is_empty() {
                    text += &format!("{line}\n");
                }
            }
            text += "\n";
        }
        text
    }

    fn spoken(text: &str) -> Vec<String> {
        parse(text.as_bytes(), text.starts_with("WEBVTT"))
            .unwrap()
            .cues
            .into_iter()
            .map(|cue| cue.text)
            .collect()
    }

    #[test]
    fn each_line_is_kept_once_at_the_time_it_is_spoken() {
        let lines = ["so hello everybody", "welcome", "to the talk"].map(|line| (line.to_owned(), false));
        for form in [Form::Vtt, Form::Srt, Form::SrtTrimmed] {
            let captions = parse(rolling(&lines, form).as_bytes(), form == Form::Vtt).unwrap();
            assert!(captions.automatic, "{form:?}");
            let cues: Vec<_> =
                captions.cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text.as_str())).collect();
            assert_eq!(
                cues,
                [(0, 1_000, "so hello everybody"), (1_010, 2_010, "welcome"), (2_020, 3_020, "to the talk")],
                "{form:?}"
            );
        }
    }

    #[test]
    fn what_is_said_again_is_kept_again() {
        let lines =
            ["no", "no", "no", "no no no", "no no no", "yes", "no"].map(|line| (line.to_owned(), false));
        for form in [Form::Vtt, Form::Srt, Form::SrtTrimmed] {
            assert_eq!(spoken(&rolling(&lines, form)), lines.clone().map(|line| line.0), "{form:?}");
        }
    }

    /// A SubRip file of these cues, two seconds each.
    fn manual(cues: &[&str]) -> String {
        let cue = |(i, text): (usize, &&str)| {
            format!("{}\n{} --> {}\n{text}\n\n", i + 1, clock(i * 2_000), clock(i * 2_000 + 1_990))
        };
        cues.iter().enumerate().map(cue).collect()
    }

    #[test]
    fn choruses_of_manual_files_are_kept() {
        for cues in [
            vec!["No", "No", "No no", "No", "No"],
            vec!["la la\nla la"; 40],
            ["hey\nyou", "you\nhey"].repeat(20),
            ["one\ntwo", "two\nthree", "three\nfour"].repeat(2),
        ] {
            let captions = parse(manual(&cues).as_bytes(), false).unwrap();
            assert!(!captions.automatic);
            assert_eq!(spoken(&manual(&cues)), cues);
        }
    }

    #[test]
    fn a_rolling_file_without_its_flashes_is_recognised() {
        let lines: Vec<String> = (0..30).map(|i| format!("line {i}")).collect();
        let mut cues = vec![lines[0].clone()];
        cues.extend(lines.windows(2).map(|pair| pair.join("\n")));
        let cues: Vec<&str> = cues.iter().map(String::as_str).collect();
        assert_eq!(spoken(&manual(&cues)), lines);
    }

    #[test]
    fn word_times_without_rolling_lose_nothing() {
        let line = "la<00:00:00.500><c> la</c>";
        let text =
            format!("WEBVTT\n\n00:00.000 --> 00:01.000\n{line}\n\n00:01.000 --> 00:02.000\n{line}\n\n");
        assert_eq!(spoken(&text), ["la la", "la la"]);
    }

    #[test]
    fn a_line_with_word_times_is_new_though_the_same_stood_there() {
        let timed = |line: &str| line.replace(' ', "<00:00:00.500><c> </c>");
        let refrain = format!("{}\n{}", timed("la la"), timed("oh oh"));
        let text = format!(
            "WEBVTT\n\n00:00.000 --> 00:01.000\n \n{}\n\n00:01.000 --> 00:01.010\nla la\n \n\n\
             00:01.010 --> 00:02.000\n{refrain}\n\n",
            timed("la la")
        );
        assert_eq!(spoken(&text), ["la la", "la la\noh oh"]);
    }

    #[test]
    fn a_short_cue_of_a_manual_file_is_kept() {
        let text = "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:02,000 --> 00:00:02,010\nb\n\n";
        assert_eq!(spoken(text), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn a_rolling_file_gives_back_each_line_once(
            lines in proptest::collection::vec(
                ("[a-c\u{e9}\u{4e2d}]{1,2}( [a-c]{1,2}){0,3}", proptest::bool::weighted(0.1)),
                1..40,
            ),
            form in prop_oneof![Just(Form::Vtt), Just(Form::Srt), Just(Form::SrtTrimmed)],
        ) {
            let expected: Vec<String> = lines.iter().map(|line| line.0.clone()).collect();
            prop_assert_eq!(spoken(&rolling(&lines, form)), expected);
        }

        #[test]
        fn a_manual_file_loses_nothing(
            cues in proptest::collection::vec("[ab]{1,2}(\n[ab]{1,2}){0,2}", 1..30),
        ) {
            let cues: Vec<&str> = cues.iter().map(String::as_str).collect();
            prop_assert_eq!(spoken(&manual(&cues)), cues);
        }
    }
}
