//! Captions in XML: `srv3` and `srv1`, which are YouTube's own, and TTML (also named DFXP), which is the W3C's.

use roxmltree::{Document, Node, ParsingOptions};

use super::time::stamp;
use super::{Parsed, RawCue};
use crate::fields;

/// The most nodes of a document, which bounds the memory that it takes. An hour of speech with a time for
/// each word has 20,000.
const MAX_NODES: u32 = 2_000_000;

/// The deepest nesting that is looked through for times of elements around a paragraph.
const MAX_DEPTH: usize = 16;

/// Reads captions in XML.
///
/// # Errors
/// If it is no XML, or no captions.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| format!("is no XML that can be read: {error}; download it again"))?;
    let root = document.root_element();
    match root.tag_name().name() {
        "timedtext" => Ok(srv3(root)),
        "transcript" => Ok(srv1(root)),
        "tt" => Ok(ttml(root)),
        name if name.eq_ignore_ascii_case("html") => Err(super::PAGE.to_owned()),
        name => {
            let name: String = name.chars().take(40).collect();
            Err(format!("is XML, but no captions that are known (its root is <{name}>)"))
        }
    }
}

/// `<p t="1439" d="6430"><s>I</s><s t="81"> hope</s></p>`, times in milliseconds.
fn srv3(root: Node<'_, '_>) -> Parsed {
    let mut parsed = Parsed::default();
    for paragraph in children(root, "body").flat_map(|body| children(body, "p")) {
        let mut text = String::new();
        let mut timed = false;
        for node in paragraph.children() {
            if node.has_tag_name("s") {
                timed |= node.has_attribute("t") || node.has_attribute("ac");
                node.children().filter_map(|node| node.text()).for_each(|words| text.push_str(words));
            } else if node.has_tag_name("br") {
                text.push('\n');
            } else {
                text.push_str(node.text().unwrap_or_default());
            }
        }
        if text.trim().is_empty() {
            continue; // the end of a line, as in json3
        }
        let number = |name| paragraph.attribute(name).and_then(|number| seconds(number, 1_000.0));
        parsed.add(number("t"), number("d"), |cue| cue.push_plain(&text, timed));
    }
    parsed
}

/// `<text start="1.439" dur="6.43">I hope</text>`, times in seconds. The text is HTML, escaped once more.
fn srv1(root: Node<'_, '_>) -> Parsed {
    let mut parsed = Parsed::default();
    for node in children(root, "text") {
        let text: String = node.children().filter_map(|node| node.text()).collect();
        if text.trim().is_empty() {
            continue;
        }
        let number = |name| node.attribute(name).and_then(|number| seconds(number, 1.0));
        parsed.add(number("start"), number("dur"), |cue| super::lines(&text).for_each(|line| cue.push(line)));
    }
    parsed
}

/// <https://www.w3.org/TR/ttml1/>: paragraphs with times, in a body and divisions that may have times too.
fn ttml(root: Node<'_, '_>) -> Parsed {
    let mut parsed = Parsed {
        language: root.attributes().find(|it| it.name() == "lang").map(|it| it.value().to_owned()),
        may_roll: true,
        ..Parsed::default()
    };
    let clock = Clock::of(root);
    let mut read_to = 0;
    for paragraph in root.descendants().filter(|node| is(*node, "p")) {
        if paragraph.range().start < read_to {
            continue; // in a paragraph, whose text this is
        }
        read_to = paragraph.range().end;
        let mut text = String::new();
        for node in paragraph.descendants().skip(1) {
            if is(node, "br") {
                text.push('\n');
            } else if node.is_text() {
                // Ends of lines in the file are mere spaces.
                text.extend(
                    node.text()
                        .unwrap_or_default()
                        .chars()
                        .map(|c| if c.is_ascii_whitespace() { ' ' } else { c }),
                );
            }
        }
        if text.trim().is_empty() {
            continue;
        }
        let time = |node: Node<'_, '_>, name| node.attribute(name).and_then(|time| clock.time(time));
        let around = || {
            paragraph.ancestors().skip(1).take(MAX_DEPTH).filter_map(|node| time(node, "begin")).sum::<u64>()
        };
        let start = time(paragraph, "begin");
        let length = time(paragraph, "dur")
            .or_else(|| Some(time(paragraph, "end")?.saturating_sub(start.unwrap_or_default())));
        parsed.add(start.map(|start| start.saturating_add(around())), length, |cue| {
            let line =
                |line: &str| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            text.split('\n').for_each(|text| cue.push_plain(&line(text), false));
        });
    }
    parsed
}

/// How a TTML document counts time.
struct Clock {
    frames_a_second: f64,
    ticks_a_second: f64,
}

impl Clock {
    fn of(root: Node<'_, '_>) -> Self {
        let attribute = |name| root.attributes().find(|it| it.name() == name).map(|it| it.value());
        let number = |name| attribute(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0.0);
        let frames = number("frameRate").unwrap_or(30.0);
        let multiplier = attribute("frameRateMultiplier").and_then(|text| {
            let (over, under) = text.split_once(' ')?;
            Some(over.parse::<f64>().ok()? / under.parse::<f64>().ok()?)
                .filter(|it| it.is_normal() && *it > 0.0)
        });
        Self {
            frames_a_second: frames * multiplier.unwrap_or(1.0),
            ticks_a_second: number("tickRate").unwrap_or(1.0),
        }
    }

    /// `00:00:01.500`, `00:00:01:15` (frames), `1.5s`, `1500ms`, `45f`, `10000t`, `2m`, `1h`; in milliseconds.
    fn time(&self, text: &str) -> Option<u64> {
        let text = text.trim();
        if text.contains(':') {
            if text.bytes().filter(|&byte| byte == b':').count() < 3 {
                return stamp(text);
            }
            let (clock, frames) = text.rsplit_once(':')?;
            return stamp(clock)?.checked_add(seconds(frames, self.frames_a_second)?);
        }
        let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(unit);
        let units_a_second = match unit {
            "h" => 1.0 / 3_600.0,
            "m" => 1.0 / 60.0,
            "s" => 1.0,
            "ms" => 1_000.0,
            "f" => self.frames_a_second,
            "t" => self.ticks_a_second,
            _ => return None,
        };
        seconds(number, units_a_second)
    }
}

/// A number of units as milliseconds.
fn seconds(number: &str, units_a_second: f64) -> Option<u64> {
    let number: f64 = number.trim().parse().ok()?;
    fields::millis(&serde_json::Value::from(number / units_a_second))
}

/// The children of that name, whatever their namespace.
fn children<'a, 'input>(node: Node<'a, 'input>, name: &str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |node| is(*node, name))
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

impl Parsed {
    /// Adds a cue, to which `fill` gives its text; counts it as a stray if its start is unknown.
    fn add(&mut self, start: Option<u64>, length: Option<u64>, fill: impl FnOnce(&mut RawCue)) {
        let Some(start) = start.filter(|start| *start <= tubeatlas_domain::MAX_NUMBER) else {
            self.strays += 1;
            return;
        };
        let end = start.saturating_add(length.unwrap_or_default()).min(tubeatlas_domain::MAX_NUMBER);
        let mut cue = RawCue::new((start, end));
        fill(&mut cue);
        self.cues.push(cue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Vec<(u64, u64, String)> {
        parse(text).unwrap().cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text())).collect()
    }

    #[test]
    fn srv3_of_speech_recognition_is_read() {
        let text = r#"<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><head><ws id="0"/></head><body>
            <w t="0" id="1" wp="1" ws="1"/>
            <p t="1439" d="6430" w="1"><s ac="248">I</s><s t="81" ac="248"> hope</s><s t="241"> it&#39;s</s></p>
            <p t="3150" d="4719" w="1" a="1">
</p>
            <p t="3160" d="4709" w="1">excellent</p></body></timedtext>"#;
        assert_eq!(
            cues(text),
            [(1_439, 7_869, "I hope it's".to_owned()), (3_160, 7_869, "excellent".to_owned())]
        );
        let timed: Vec<bool> = parse(text).unwrap().cues.iter().map(|cue| cue.lines[0].timed).collect();
        assert_eq!(timed, [true, false]);
    }

    #[test]
    fn srv3_written_by_people_is_read() {
        let text = "<timedtext format=\"3\"><body><p t=\"10\" d=\"5\">one &amp; two\nthree<br/><s p=\"1\">four</s></p>\
            <p d=\"5\">lost</p></body></timedtext>";
        assert_eq!(cues(text), [(10, 15, "one & two\nthree\nfour".to_owned())]);
        let parsed = parse(text).unwrap();
        assert!(parsed.strays == 1 && !parsed.cues[0].lines[0].timed);
    }

    #[test]
    fn srv1_is_html_in_xml() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\" ?><transcript><text start=\"0\" dur=\"1.54\">it&amp;#39;s \
            &lt;i&gt;so&lt;/i&gt;</text><text start=\"1.54\" dur=\"4.16\">a\nb</text><text start=\"9\"/></transcript>";
        assert_eq!(cues(text), [(0, 1_540, "it's so".to_owned()), (1_540, 5_700, "a\nb".to_owned())]);
    }

    #[test]
    fn ttml_is_read_with_all_its_clocks() {
        let text = r#"<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xml:lang="de" ttp:tickRate="10000000"
            xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25"><head><layout/></head><body><div>
            <p begin="00:00:01.500" end="00:00:02.000" region="r"> a  <span>b</span>
                c<br/>d &lt;i&gt;</p>
            <p begin="00:00:01:05" dur="1s">frames</p>
            <p begin="15000000t" end="2000ms">ticks</p>
            <p begin="1m" end="1.5m">minutes</p>
            <p begin="101:00:00.000" dur="25f">late</p>
            <p begin="soon">lost</p><p begin="1s"> </p>
            </div><div begin="10s"><p begin="1s" end="2s">later<p begin="9s">inside</p></p></div></body></tt>"#;
        let expected = [
            (1_500, 2_000, "a b c\nd <i>"),
            (1_200, 2_200, "frames"),
            (1_500, 2_000, "ticks"),
            (60_000, 90_000, "minutes"),
            (363_600_000, 363_601_000, "late"),
            (11_000, 12_000, "laterinside"),
        ];
        assert_eq!(cues(text), expected.map(|(start, end, text)| (start, end, text.to_owned())));
        let parsed = parse(text).unwrap();
        assert_eq!((parsed.language.as_deref(), parsed.strays), (Some("de"), 1));
    }

    #[test]
    fn what_is_no_captions_is_refused_with_the_reason() {
        let bomb = "<!DOCTYPE t [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><tt>&b;</tt>";
        for (text, reason) in [
            ("<timedtext><body>", "is no XML that can be read"),
            (bomb, "is no XML that can be read"),
            ("<?xml version=\"1.0\"?><html/>", "an HTML page, not captions"),
            ("<?xml version=\"1.0\"?><Error>AccessDenied</Error>", "its root is <Error>"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn deep_and_wide_files_take_no_more_time_than_their_size() {
        let deep = |tag: &str| {
            format!(
                "<tt>{}x{}</tt>",
                format!("<{tag} begin=\"1s\">").repeat(100_000),
                format!("</{tag}>").repeat(100_000)
            )
        };
        let _ = parse(&deep("p"));
        let _ = parse(&deep("div"));
        assert_eq!(cues(&format!("<tt>{}</tt>", "<p begin=\"1s\">x</p>".repeat(100_000))).len(), 100_000);
    }
}
