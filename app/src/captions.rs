//! Writing a transcript as a caption file that players, editors and this program's own import can read.
//!
//! Reading back what was written gives the same cues: an import does, and takes the transcript for what it was
//! ([`CaptionFormat`] says where a format cannot tell). What no caption file can hold, because readers of captions cut it
//! off, is counted in [`CaptionFile::altered`]: blanks at the ends of a line, empty lines, and cues without text.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tubeatlas_domain::{Cue, Transcript};

/// The forms in which a transcript can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionFormat {
    /// WebVTT (<https://www.w3.org/TR/webvtt1/>), with a header as YouTube's that names language and kind.
    Vtt,
    /// SubRip. It can tell neither language nor kind: who reads it has to know them, and may take what repeats itself as
    /// rolling captions do for such. Characters are escaped only where a reader would take them for markup, since many
    /// players show escapes as they stand.
    Srt,
    /// The words alone, each cue on lines of its own; nothing can be made of it again.
    Txt,
    /// json3, as YouTube and yt-dlp write captions as JSON, with language and kind beside the events; to be named
    /// `.json3` for an import. Exact for times up to 2⁵⁰ ms.
    Json,
}

/// A transcript as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptionFile {
    /// The file's text, in UTF-8 without a byte order mark, with LF.
    pub text: String,
    /// How many cues the format cannot hold as they are; see [the module](self).
    pub altered: usize,
}

/// Writes a transcript.
pub fn write(transcript: &Transcript, format: CaptionFormat) -> CaptionFile {
    if format == CaptionFormat::Txt {
        let mut text = transcript.text();
        if !text.is_empty() {
            text.push('\n');
        }
        return CaptionFile { text, altered: 0 };
    }
    let shown: Vec<(&Cue, Cow<'_, str>)> =
        transcript.cues.iter().map(|cue| (cue, shown(&cue.text))).collect();
    let altered = shown.iter().filter(|(cue, text)| text.is_empty() || *text != cue.text).count();
    let shown = shown.iter().filter(|(_, text)| !text.is_empty()).map(|(cue, text)| (*cue, text.as_ref()));
    let text = match format {
        CaptionFormat::Vtt => vtt(transcript, shown),
        CaptionFormat::Srt => srt(shown),
        CaptionFormat::Txt | CaptionFormat::Json => json3(transcript, shown),
    };
    CaptionFile { text, altered }
}

/// The text as readers of captions take it: without empty lines, and without blanks at the ends of the others.
fn shown(text: &str) -> Cow<'_, str> {
    let as_it_is = |line: &str| !line.is_empty() && line.trim() == line;
    if !text.contains('\r') && text.split('\n').all(as_it_is) {
        return text.into();
    }
    let lines: Vec<&str> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n").into()
}

fn vtt<'a>(transcript: &Transcript, cues: impl Iterator<Item = (&'a Cue, &'a str)>) -> String {
    let mut file = format!(
        "WEBVTT\nKind: captions\nLanguage: {}\nTubeatlas-Kind: {}\n",
        transcript.language,
        kind(transcript)
    );
    for (cue, text) in cues {
        let (start, end) = (clock(cue.start_ms, '.'), clock(cue.end_ms, '.'));
        let _ = write!(file, "\n{start} --> {end}\n");
        lines(&mut file, text, Escape::All);
    }
    file
}

fn srt<'a>(cues: impl Iterator<Item = (&'a Cue, &'a str)>) -> String {
    let mut file = String::new();
    for (i, (cue, text)) in cues.enumerate() {
        let (start, end) = (clock(cue.start_ms, ','), clock(cue.end_ms, ','));
        let apart = if i == 0 { "" } else { "\n" };
        let _ = write!(file, "{apart}{}\n{start} --> {end}\n", i + 1);
        lines(&mut file, text, Escape::Markup);
    }
    file
}

fn json3<'a>(transcript: &Transcript, cues: impl Iterator<Item = (&'a Cue, &'a str)>) -> String {
    let event = |(cue, text): (&Cue, &str)| {
        serde_json::json!({
            "tStartMs": cue.start_ms,
            "dDurationMs": cue.end_ms.saturating_sub(cue.start_ms),
            "segs": [{"utf8": text}],
        })
    };
    let file = serde_json::json!({
        "wireMagic": "pb3",
        "tubeatlasLanguage": transcript.language,
        "tubeatlasKind": transcript.kind,
        "events": cues.map(event).collect::<Vec<_>>(),
    });
    file.to_string() + "\n"
}

/// The kind as JSON spells it.
fn kind(transcript: &Transcript) -> String {
    let kind = serde_json::to_value(transcript.kind).unwrap_or_default();
    kind.as_str().unwrap_or_default().to_owned()
}

/// `hh:mm:ss.mmm`, with more digits of hours if need be.
fn clock(ms: u64, point: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", ms % 1_000)
}

/// Which characters are escaped.
#[derive(Clone, Copy, PartialEq)]
enum Escape {
    /// Those that WebVTT wants escaped, wherever they stand.
    All,
    /// Those that would be read as markup where they stand.
    Markup,
}

fn lines(file: &mut String, text: &str, escape: Escape) {
    for line in text.split('\n') {
        // `0:01,0:02` alone on a line are times in SubViewer files, which go by the name of SubRip as well.
        let clock_like = line.bytes().all(|byte| byte.is_ascii_digit() || b":.,".contains(&byte));
        for (at, c) in line.char_indices() {
            let (before, rest) = line.split_at(at);
            match c {
                '&' if escape == Escape::All || is_like_entity(rest) => file.push_str("&amp;"),
                '<' if escape == Escape::All || is_like_tag(rest) => file.push_str("&lt;"),
                '>' if escape == Escape::All || before.ends_with("--") => file.push_str("&gt;"),
                '{' if rest.starts_with("{\\") => file.push_str("&#123;"),
                ',' if clock_like => file.push_str("&#44;"),
                c => file.push(c),
            }
        }
        file.push('\n');
    }
}

fn is_like_entity(text: &str) -> bool {
    text[1..].starts_with(|c: char| c == '#' || c.is_ascii_alphabetic())
        && text.bytes().take(16).any(|byte| byte == b';')
}

fn is_like_tag(text: &str) -> bool {
    text[1..].starts_with(|c: char| c == '/' || c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tubeatlas_adapters_ytdlp::YtDlpArchive;
    use tubeatlas_domain::{LanguageTag, TranscriptFields, TranscriptKind, VideoId};
    use tubeatlas_ports::archive::{ArchiveEntry, ArchiveSource, KnownFiles};

    use super::*;

    fn transcript(kind: TranscriptKind, cues: &[(u64, u64, &str)]) -> Transcript {
        let cue = |&(start_ms, end_ms, text): &(u64, u64, &str)| Cue { start_ms, end_ms, text: text.into() };
        Transcript::new(TranscriptFields {
            video_id: VideoId::parse("dQw4w9WgXcQ").unwrap(),
            language: LanguageTag::parse("pt-BR").unwrap(),
            kind,
            cues: cues.iter().map(cue).collect(),
        })
        .unwrap()
    }

    /// What an import makes of these files, by their ending.
    fn read_back(files: &[(&str, &str)]) -> BTreeMap<String, Transcript> {
        let folder = tempfile::tempdir().unwrap();
        for (i, (ending, text)) in files.iter().enumerate() {
            // An id for each, so that none is taken for a double of another.
            let name = format!("A [dQw4w9WgXc{i}].pt-BR.{ending}");
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut read = BTreeMap::new();
        runtime.block_on(async {
            let archive = YtDlpArchive::new(vec![folder.path().to_owned()]);
            let mut reader = archive.open(KnownFiles::new()).await.unwrap();
            while let Some(item) = reader.next().await {
                let ArchiveEntry::Video(video) = item.entry.unwrap() else { panic!("a video") };
                let mended = video.warnings.iter().find(|it| !it.reason.contains("has no *.info.json"));
                assert_eq!(mended, None);
                for it in video.transcripts {
                    let ending = it.path.extension().unwrap().to_str().unwrap().to_owned();
                    read.insert(ending, it.transcript);
                }
            }
        });
        read
    }

    #[test]
    fn each_format_is_written_as_its_readers_expect() {
        let transcript = transcript(
            TranscriptKind::Automatic,
            &[(0, 1_500, "R&D <b>\n--> AT&amp;T"), (360_000_000, 360_000_001, "{\\an8} 1 < 2")],
        );
        for (format, expected) in [
            (
                CaptionFormat::Vtt,
                "WEBVTT\nKind: captions\nLanguage: pt-BR\nTubeatlas-Kind: automatic\n\n\
                 00:00:00.000 --> 00:00:01.500\nR&amp;D &lt;b&gt;\n--&gt; AT&amp;amp;T\n\n\
                 100:00:00.000 --> 100:00:00.001\n&#123;\\an8} 1 &lt; 2\n",
            ),
            (
                CaptionFormat::Srt,
                "1\n00:00:00,000 --> 00:00:01,500\nR&D &lt;b>\n--&gt; AT&amp;amp;T\n\n\
                 2\n100:00:00,000 --> 100:00:00,001\n&#123;\\an8} 1 < 2\n",
            ),
            (CaptionFormat::Txt, "R&D <b>\n--> AT&amp;T\n{\\an8} 1 < 2\n"),
        ] {
            assert_eq!(write(&transcript, format), CaptionFile { text: expected.into(), altered: 0 });
        }
        let json = write(&transcript, CaptionFormat::Json).text;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["tubeatlasKind"], "automatic");
        let event = serde_json::json!(
            {"tStartMs": 360_000_000, "dDurationMs": 1, "segs": [{"utf8": "{\\an8} 1 < 2"}]});
        assert_eq!(json["events"][1], event);
    }

    #[test]
    fn what_no_caption_file_holds_is_counted() {
        let texts = [" a", "a\n\nb", "", "a\r\nb", "\u{a0}", "fine", "fi\nne"];
        let cues = texts.map(|text| (0, 1, text));
        for format in [CaptionFormat::Vtt, CaptionFormat::Srt, CaptionFormat::Json] {
            assert_eq!(write(&transcript(TranscriptKind::Manual, &cues), format).altered, 5);
        }
        assert_eq!(write(&transcript(TranscriptKind::Manual, &[]), CaptionFormat::Txt).text, "");
    }

    #[test]
    fn what_looks_like_rolling_captions_is_read_back_as_it_is() {
        let cues: Vec<_> = (0..60).map(|i| (i * 10, i * 10 + 10, "no")).collect();
        let written = transcript(TranscriptKind::Manual, &cues);
        let vtt = write(&written, CaptionFormat::Vtt).text;
        let json = write(&written, CaptionFormat::Json).text;
        for read in read_back(&[("vtt", &vtt), ("json3", &json)]).values() {
            assert_eq!((read.kind, &read.cues), (TranscriptKind::Manual, &written.cues));
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "a",
            "1",
            "12",
            " ",
            "\n",
            "\n\n",
            "\r",
            "\t",
            "-->",
            "--",
            ">",
            "<",
            "<i>",
            "</i>",
            "<br>",
            "<3",
            "</>",
            "<00:00:01.000>",
            "&",
            "&amp;",
            "&#32;",
            "&nbsp;",
            "&lt",
            ";",
            "{\\an8}",
            "{",
            "}",
            "0:00:01,0:00:02",
            "00:00:01.000 --> 00:00:02.000",
            "WEBVTT",
            "NOTE x",
            "STYLE",
            "Tubeatlas-Kind: manual",
            "é",
            "日本",
            "🎉",
            "\u{a0}",
            "\u{feff}",
            "\u{2028}",
            "\u{85}",
            "\u{1b}",
            ",",
            "\"",
            "\\",
        ]);
        let pieces = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
        prop_oneof![4 => pieces, 1 => "[^\0]{0,12}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn reading_back_what_was_written_gives_the_same_cues(
            cues in proptest::collection::vec((0..1_u64 << 50, prop_oneof![Just(0), 0..60_000_u64], text()), 1..12),
            kind in proptest::sample::select(
                vec![TranscriptKind::Manual, TranscriptKind::Automatic, TranscriptKind::Translated]),
        ) {
            let cues: Vec<_> = cues.iter().map(|(start, long, text)| (*start, start + long, text.as_str())).collect();
            let written = transcript(kind, &cues);
            let vtt = write(&written, CaptionFormat::Vtt);
            let json = write(&written, CaptionFormat::Json);
            // SubRip cannot say that nothing rolls: no flashes, and too few cues for a screen that rolls without.
            let long: Vec<_> = cues.iter().take(8).map(|&(start, end, text)| (start, end + 21, text)).collect();
            let short = transcript(kind, &long);
            let srt = write(&short, CaptionFormat::Srt);

            let expected = |transcript: &Transcript| -> Vec<Cue> {
                let cues = transcript.cues.iter().map(|cue| Cue { text: shown(&cue.text).into_owned(), ..cue.clone() });
                cues.filter(|cue| !cue.text.is_empty()).collect()
            };
            let differ = |transcript: &Transcript| {
                transcript.cues.iter().filter(|cue| cue.text.is_empty() || shown(&cue.text) != cue.text).count()
            };
            prop_assert_eq!((vtt.altered, json.altered, srt.altered), (differ(&written), differ(&written), differ(&short)));
            let mut files = Vec::new();
            if !expected(&written).is_empty() {
                files.extend([("vtt", vtt.text.as_str()), ("json3", json.text.as_str())]);
            }
            if !expected(&short).is_empty() {
                files.push(("srt", srt.text.as_str()));
            }
            let read = read_back(&files);
            prop_assert_eq!(read.len(), files.len());
            for (ending, read) in &read {
                let of = if ending == "srt" { &short } else { &written };
                prop_assert_eq!(&read.cues, &expected(of), "{}", ending);
                if ending != "srt" {
                    prop_assert_eq!(read.kind, kind, "{}", ending);
                }
            }
        }
    }
}
