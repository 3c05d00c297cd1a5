//! Caption files: WebVTT, SubRip and SubViewer, as they come off the disk.

mod markup;
mod srt;
mod time;
mod unroll;
mod vtt;

use std::borrow::Cow;

use tubeatlas_domain::{Cue, MAX_CUE_TEXT_BYTES};

/// What a caption file holds.
#[derive(Debug)]
pub(crate) struct Captions {
    /// The cues in the file's order, markup removed, rolling ones un-rolled.
    pub(crate) cues: Vec<Cue>,
    /// The language that a WebVTT header names.
    pub(crate) language: Option<String>,
    /// Whether the content shows that speech recognition made it.
    pub(crate) automatic: bool,
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
    /// How many lines with something on them belong to no cue.
    strays: usize,
}

/// Reads a caption file. A file with a WebVTT header is read as WebVTT whatever its name; with
/// `header_required`, one without is refused.
///
/// # Errors
/// Says why the file is no captions, and what to do.
pub(crate) fn parse(bytes: &[u8], header_required: bool) -> Result<Captions, String> {
    let decoded = decode(bytes)?;
    let mut warnings = Vec::new();
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
        return Err(
            "is a web page and no captions: the server answered with an error; download it again".into()
        );
    }
    let Parsed { mut cues, language, strays } = if vtt::has_header(text) {
        vtt::parse(text)
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
    if shape.rolling {
        unroll::unroll(&mut cues);
    }
    let cues = finish(&cues, &mut warnings);
    if cues.is_empty() {
        return Err("holds cues, but no text in any of them".to_owned());
    }
    Ok(Captions { cues, language, automatic: shape.automatic, warnings })
}

/// The file's text, without a byte order mark.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| "begins as UTF-16 but is not; download it again".to_owned())
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf_8(rest),
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => utf_8(bytes),
    }
}

fn utf_8(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "is not UTF-8 from byte {} on; convert it (iconv -f LATIN1 -t UTF-8, say)",
            error.valid_up_to()
        )
    })?;
    if text.len() >= 4 && text.bytes().filter(|&byte| byte == 0).count() > text.len() / 4 {
        return Err(
            "looks like UTF-16 without its byte order mark; convert it (iconv -f UTF-16LE -t UTF-8)".into()
        );
    }
    Ok(Cow::Borrowed(text))
}

/// Whether the text begins as an HTML or XML page does.
fn is_page(text: &str) -> bool {
    let start: String = text.chars().take(14).map(|c| c.to_ascii_lowercase()).collect();
    ["<!doctype", "<html", "<head", "<?xml", "<body"].iter().any(|tag| start.starts_with(tag))
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
        ] {
            assert_eq!(texts(&bytes), ["àé 中", "b"]);
        }
    }

    #[test]
    fn what_is_no_captions_is_refused_with_the_reason() {
        for (bytes, header, reason) in [
            (&b""[..], false, "is empty"),
            (b" \r\n\t", true, "is empty"),
            (b"<!DOCTYPE html><html><body>429</body></html>", true, "web page"),
            (b"\n<HTML>", false, "web page"),
            (b"1\n00:00:01,000 --> 00:00:02,000\na", true, "does not begin with WEBVTT"),
            (b"WEBVTT\nKind: captions\n\n", true, "holds no cue"),
            (b"WEBVTT\n\ncue-one\nnot a timestamp\nInvalid cue.\n", true, "holds text but no cue"),
            (b"just words", false, "holds text but no cue"),
            (b"WEBVTT\n\n00:01.000 --> 00:02.000\n \n", true, "no text in any of them"),
            (b"1\n00:00:01,000 --> 00:00:02,000\n\xe9t\xe9", false, "is not UTF-8 from byte 32"),
            (b"1\0\n\0 \0-\0-\0>\0", false, "UTF-16 without its byte order mark"),
            (b"\xff\xfe\x00\xd8", false, "begins as UTF-16"),
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
