//! Caption files as they come off the disk, each read as what its content shows it to be.

mod decode;
mod json3;
mod markup;
mod srt;
mod time;
mod unroll;
mod vtt;
mod xml;

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use tubeatlas_domain::{Cue, MAX_CUE_TEXT_BYTES, TranscriptKind};

/// What a caption file holds.
#[derive(Debug)]
pub(crate) struct Captions {
    /// The cues in the file's order, markup removed, rolling ones un-rolled.
    pub(crate) cues: Vec<Cue>,
    /// The language that a WebVTT header or a TTML root names.
    pub(crate) language: Option<String>,
    /// Whether the content shows that speech recognition made it.
    pub(crate) automatic: bool,
    /// How the captions came to be, if the file says it: one that was written from a catalogue does.
    pub(crate) kind: Option<TranscriptKind>,
    /// What was not taken as it is.
    pub(crate) warnings: Vec<String>,
}

/// A display line of a cue, without its markup.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    text: String,
    /// Whether words of it have times of their own.
    timed: bool,
}

/// A cue as the file has it.
#[derive(Debug)]
struct RawCue {
    start_ms: u64,
    end_ms: u64,
    lines: Vec<Line>,
    /// Whether a line of it has text.
    spoken: bool,
}

impl RawCue {
    fn new((start_ms, end_ms): (u64, u64)) -> Self {
        Self { start_ms, end_ms, lines: Vec::new(), spoken: false }
    }

    fn push(&mut self, raw: &str) {
        let line = markup::line(raw);
        self.spoken |= !line.text.is_empty();
        self.lines.push(line);
    }

    /// Adds lines that hold no markup.
    fn push_plain(&mut self, text: &str, timed: bool) {
        for line in lines(text) {
            let text = line.trim().to_owned();
            self.spoken |= !text.is_empty();
            self.lines.push(Line { text, timed });
        }
    }

    fn text(&self) -> String {
        let lines: Vec<&str> =
            self.lines.iter().map(|line| line.text.as_str()).filter(|text| !text.is_empty()).collect();
        lines.join("\n")
    }
}

/// What the parser of a format found.
#[derive(Debug, Default)]
struct Parsed {
    cues: Vec<RawCue>,
    language: Option<String>,
    /// What the file says of its kind. If it does, it was written from a catalogue, where nothing rolls.
    kind: Option<TranscriptKind>,
    /// How many lines with something on them belong to no cue.
    strays: usize,
    /// Whether the cues may be what rolled up a screen; json3 and its kin hold each line once.
    may_roll: bool,
}

/// Why a web page is refused.
const PAGE: &str =
    "is an HTML page, not captions: the server answered with an error; download the captions again";

/// Reads a caption file of any format that is read, whatever its name; with `header_required`, a text without
/// a WebVTT header is refused.
///
/// # Errors
/// Says why the file is no captions, and what to do.
pub(crate) fn parse(bytes: &[u8], header_required: bool) -> Result<Captions, String> {
    let mut warnings = Vec::new();
    let decoded = decode::text(bytes, &mut warnings);
    let text = match decoded.matches('\0').count() {
        0 => decoded,
        nuls => {
            warnings.push(format!("holds U+0000 (NUL) {nuls} times; removed"));
            Cow::Owned(decoded.replace('\0', ""))
        }
    };
    let text = text.trim_start();
    if text.is_empty() {
        return Err("is empty; download the captions again".to_owned());
    }
    if is_page(text) {
        return Err(PAGE.to_owned());
    }
    let Parsed { mut cues, language, kind, strays, may_roll } = if vtt::has_header(text) {
        vtt::parse(text)
    } else if text.starts_with('{') {
        json3::parse(text)?
    } else if XML.iter().any(|start| text.starts_with(start)) {
        xml::parse(text)?
    } else if header_required {
        return Err(
            "does not begin with WEBVTT, so it is no .vtt file; rename it if it is of another format".into(),
        );
    } else {
        srt::parse(text)
    };
    if cues.is_empty() {
        return Err(match strays {
            0 => "holds no cue".to_owned(),
            _ => "holds text but no cue whose times can be read (00:01:02.345 --> 00:01:04.567)".to_owned(),
        });
    }
    if strays > 0 {
        warnings.push(format!("{strays} lines belong to no cue with readable times; left out"));
    }
    mend_times(&mut cues, &mut warnings);
    let shape = unroll::shape(&cues);
    if may_roll && kind.is_none() && shape.rolling {
        unroll::unroll(&mut cues);
    }
    let cues = finish(&cues, &mut warnings);
    if cues.is_empty() {
        return Err("holds cues, but no text in any of them".to_owned());
    }
    Ok(Captions { cues, language, automatic: shape.automatic, kind, warnings })
}

/// The kind that a word names, as JSON spells it.
fn stated_kind(word: &str) -> Option<TranscriptKind> {
    let word: StrDeserializer<'_, ValueError> = word.into_deserializer();
    TranscriptKind::deserialize(word).ok()
}

/// How captions in XML begin.
const XML: [&str; 4] = ["<?xml", "<timedtext", "<transcript", "<tt"];

/// Whether the text begins as an HTML page does.
fn is_page(text: &str) -> bool {
    let start: String = text.chars().take(14).map(|c| c.to_ascii_lowercase()).collect();
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag))
}

/// The lines of a text, which end with LF, CRLF or a lone CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return (!text.is_empty()).then_some(text);
        };
        let ending = if text[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&text[end + ending..]);
        Some(&text[..end])
    })
}

/// Lets no cue end before it starts.
fn mend_times(cues: &mut [RawCue], warnings: &mut Vec<String>) {
    let mut mended = 0_usize;
    let mut first = 0;
    for cue in cues.iter_mut().filter(|cue| cue.end_ms < cue.start_ms) {
        if mended == 0 {
            first = cue.start_ms;
        }
        mended += 1;
        cue.end_ms = cue.start_ms;
    }
    if mended > 0 {
        warnings.push(format!(
            "{mended} cues end before they start, the first at {first} ms; given the length 0"
        ));
    }
}

/// The cues that have text.
fn finish(raw: &[RawCue], warnings: &mut Vec<String>) -> Vec<Cue> {
    let mut cues = Vec::with_capacity(raw.len());
    for cue in raw {
        let mut text = cue.text();
        if text.is_empty() {
            continue;
        }
        if text.len() > MAX_CUE_TEXT_BYTES {
            warnings.push(format!(
                "the cue at {} ms has {} bytes of text; cut to {MAX_CUE_TEXT_BYTES}",
                cue.start_ms,
                text.len()
            ));
            text.truncate(text.floor_char_boundary(MAX_CUE_TEXT_BYTES));
        }
        cues.push(Cue { start_ms: cue.start_ms, end_ms: cue.end_ms, text });
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nàé 中\n\n2\n00:00:02,000 --> 00:00:03,000\nb\n";

    fn texts(bytes: &[u8]) -> Vec<String> {
        parse(bytes, false).unwrap().cues.into_iter().map(|cue| cue.text).collect()
    }

    #[test]
    fn every_encoding_and_line_ending_is_read() {
        let with = |ending: &str| SRT.replace('\n', ending);
        let utf_16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{SRT}").encode_utf16().flat_map(unit).collect()
        };
        for bytes in [
            SRT.as_bytes().to_vec(),
            format!("\u{feff}{SRT}").into_bytes(),
            with("\r\n").into_bytes(),
            with("\r").into_bytes(),
            utf_16(u16::to_le_bytes),
            utf_16(u16::to_be_bytes),
            utf_16(u16::to_be_bytes)[2..].to_vec(),
        ] {
            assert_eq!(texts(&bytes), ["àé 中", "b"]);
        }
        assert_eq!(texts(b"1\n00:00:01,000 --> 00:00:02,000\n\xe9t\xe9"), ["été"]);
    }

    #[test]
    fn what_is_no_captions_is_refused_with_the_reason() {
        for (bytes, header, reason) in [
            (&b""[..], false, "is empty"),
            (b" \r\n\t", true, "is empty"),
            (b"<!DOCTYPE html><html><body>429</body></html>", true, "an HTML page, not captions"),
            (b"\n<HTML>", false, "an HTML page, not captions"),
            (b"<?xml version='1.0'?><html><body>429</body></html>", true, "an HTML page, not captions"),
            (b"{\"error\": 429}", true, "is JSON, but"),
            (b"1\n00:00:01,000 --> 00:00:02,000\na", true, "does not begin with WEBVTT"),
            (b"WEBVTT\nKind: captions\n\n", true, "holds no cue"),
            (b"WEBVTT\n\ncue-one\nnot a timestamp\nInvalid cue.\n", true, "holds text but no cue"),
            (b"just words", false, "holds text but no cue"),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\n \n", true, "no text in any of them"),
        ] {
            let error = parse(bytes, header).unwrap_err();
            assert!(error.contains(reason), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn real_disorder_is_kept_and_only_the_impossible_is_mended() {
        let text = "WEBVTT\n\n00:05.000 --> 00:05.000\nno length\n\n00:01.000 --> 00:09.000\nearlier\n\n\
            00:03.000 --> 00:02.000\nbackwards\n\n";
        let captions = parse(text.as_bytes(), true).unwrap();
        let times: Vec<_> = captions.cues.iter().map(|cue| (cue.start_ms, cue.end_ms)).collect();
        assert_eq!(times, [(5_000, 5_000), (1_000, 9_000), (3_000, 3_000)]);
        assert_eq!(
            captions.warnings,
            ["1 cues end before they start, the first at 3000 ms; given the length 0"]
        );
    }

    #[test]
    fn nul_is_removed_and_told() {
        let captions = parse(b"1\n00:00:01,000 --> 00:00:02,000\na\0b", false).unwrap();
        assert_eq!(captions.cues[0].text, "ab");
        assert!(captions.warnings[0].contains("NUL"), "{:?}", captions.warnings);
    }

    #[test]
    fn a_text_too_long_is_cut_between_characters() {
        let text = format!("1\n00:00:01,000 --> 00:00:02,000\na{}", "é".repeat(MAX_CUE_TEXT_BYTES / 2));
        let captions = parse(text.as_bytes(), false).unwrap();
        assert_eq!(captions.cues[0].text.len(), MAX_CUE_TEXT_BYTES - 1);
        assert_eq!(captions.warnings.len(), 1);
    }

    #[test]
    fn a_webvtt_file_is_known_by_its_header_whatever_its_name() {
        let captions = parse(b"WEBVTT\nLanguage: de\n\n00:01.000 --> 00:02.000\na", false).unwrap();
        assert_eq!(captions.language.as_deref(), Some("de"));
    }

    #[test]
    fn every_format_is_known_by_its_content_whatever_its_name() {
        for text in [
            SRT,
            "WEBVTT\n\n00:01.000 --> 00:02.000\nàé 中\n\n00:02.000 --> 00:03.000\nb\n",
            r#"{"events": [{"tStartMs": 1000, "dDurationMs": 1000, "segs": [{"utf8": "àé 中"}]},
                {"tStartMs": 2000, "dDurationMs": 1000, "segs": [{"utf8": "b"}]}]}"#,
            r#"<timedtext format="3"><body><p t="1000" d="1000">àé 中</p><p t="2000" d="1000">b</p></body></timedtext>"#,
            r#"<?xml version="1.0"?><transcript><text start="1" dur="1">àé 中</text><text start="2" dur="1">b</text></transcript>"#,
            r#"<tt><body><p begin="1s" end="2s">àé 中</p><p begin="00:02" end="3s">b</p></body></tt>"#,
        ] {
            let cues = parse(text.as_bytes(), text != SRT).unwrap().cues;
            let cues: Vec<_> = cues.iter().map(|cue| (cue.start_ms, cue.end_ms, &*cue.text)).collect();
            assert_eq!(cues, [(1_000, 2_000, "àé 中"), (2_000, 3_000, "b")], "{text}");
        }
    }

    #[test]
    fn the_forms_that_hold_each_line_once_are_never_unrolled() {
        let event = |i: usize| {
            let lines = format!(r"line {i}\nline {}", i + 1);
            format!(r#"{{"tStartMs": {}, "dDurationMs": 10, "segs": [{{"utf8": "{lines}"}}]}}"#, i * 10)
        };
        let events: Vec<String> = (0..40).map(event).collect();
        let captions = parse(format!("{{\"events\": [{}]}}", events.join(",")).as_bytes(), false).unwrap();
        assert_eq!(captions.cues.len(), 40);
        assert!(captions.cues.iter().all(|cue| cue.text.contains('\n')), "{:?}", captions.cues);
    }

    #[test]
    fn words_with_times_of_their_own_show_speech_recognition() {
        for (segments, automatic) in [
            (r#"{"utf8": "la", "acAsrConf": 0}"#, true),
            (r#"{"utf8": "la"}, {"utf8": " la", "tOffsetMs": 1}"#, true),
            (r#"{"utf8": "la la"}"#, false),
        ] {
            let text = format!(r#"{{"events": [{{"tStartMs": 1, "segs": [{segments}]}}]}}"#);
            assert_eq!(parse(text.as_bytes(), false).unwrap().automatic, automatic, "{segments}");
        }
    }

    #[test]
    fn a_file_that_says_its_kind_is_taken_at_its_word_and_never_unrolled() {
        let rolling = "00:01.000 --> 00:02.000\na\n\n00:02.000 --> 00:02.010\na\n\n";
        let events = r#"{"tStartMs": 1, "segs": [{"utf8": "a"}]}"#;
        for (word, kind) in [
            ("manual", Some(TranscriptKind::Manual)),
            ("automatic", Some(TranscriptKind::Automatic)),
            ("translated", Some(TranscriptKind::Translated)),
            ("guessed", None),
        ] {
            let vtt = format!("WEBVTT\nTubeatlas-Kind: {word}\n\n{rolling}");
            let captions = parse(vtt.as_bytes(), true).unwrap();
            assert_eq!((captions.kind, captions.cues.len()), (kind, 1 + usize::from(kind.is_some())));
            let json = format!(r#"{{"tubeatlasKind": "{word}", "events": [{events}]}}"#);
            assert_eq!(parse(json.as_bytes(), false).unwrap().kind, kind);
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "WEBVTT",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            " ",
            "1",
            "42",
            "00:00:01.000 --> 00:00:02.000",
            "0:00:05.440,0:00:09.360",
            "00:02,5 --> 00:01,5",
            "-->",
            "<c>",
            "</c>",
            "<00:00:01.000>",
            "<",
            ">",
            "&",
            "&amp;",
            "&#x41;",
            "{\\an8}",
            "{",
            "words",
            "NOTE",
            "STYLE",
            "Language: en",
            "é",
            "\u{feff}",
            "\0",
            "{\"events\": [{\"tStartMs\": 1, \"segs\": [{\"utf8\": \"x\"}]},",
            "]}",
            "<?xml version='1.0'?>",
            "<timedtext><body><p t='1' d='9e99'>",
            "<tt><p begin='1:2:3:4' end='1t'>",
            "</p></body></timedtext>",
            "</p></tt>",
            "99999999999999999999:00:00.000 --> 1:2:3",
        ]);
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn hostile_files_take_no_more_time_than_their_size() {
        let cue = "WEBVTT\n\n00:01.000 --> 00:02.000\n";
        let many = |text: &str| text.repeat(200_000);
        for text in [
            format!("{cue}{}>", many("<")),
            format!("{cue}{}}}", many("{\\")),
            format!("{cue}{};", many("&")),
            format!("{cue}{}\n{}", many(" \n"), many("stray\n\n")),
            format!("{cue}words\n{}\n{}", many(" \n"), many("stray\n\n")),
            format!("{cue}{}", many("0:00:01.000,0:00:01.010\na\n")),
            many("1\n"),
            many("\r"),
            format!("{{\"events\": [{}{{}}]}}", many("{},")),
            format!("{{\"events\": {}", many("[")),
            format!("<timedtext><body>{}", many("<p><s>")),
            format!("<tt><p>{}</p></tt>", many("&amp;\n")),
        ] {
            let _ = parse(text.as_bytes(), false);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), header: bool) {
            let _ = parse(&bytes, header);
        }

        #[test]
        fn nothing_panics_on_pieces_of_captions(text in pieces(), header: bool) {
            for text in [text.clone(), format!("WEBVTT\n{text}")] {
                if let Ok(captions) = parse(text.as_bytes(), header) {
                    prop_assert!(!captions.cues.is_empty());
                    for cue in captions.cues {
                        prop_assert!(cue.start_ms <= cue.end_ms && !cue.text.is_empty());
                    }
                }
            }
        }
    }
}
