//! What stands in a cue beside its words: tags, word times, positions, entities.

use super::Line;
use super::time::stamp;

/// The tags of WebVTT, and those of HTML that SubRip files use. What else stands in angle brackets is text.
const TAGS: [&str; 16] =
    ["b", "big", "bdo", "c", "font", "i", "lang", "p", "rp", "rt", "ruby", "s", "small", "span", "u", "v"];

/// A display line without its markup: tags and positions removed, then entities decoded, once.
pub(super) fn line(raw: &str) -> Line {
    let mut text = String::with_capacity(raw.len());
    let mut timed = false;
    let mut rest = raw;
    while let Some(at) = rest.find(['<', '{', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.as_bytes()[0] {
            b'<' => tag(rest).map(|tag| {
                match tag {
                    Tag::Time(_) => timed = true,
                    Tag::Break(_) => text.push('\n'),
                    Tag::Other(_) => (),
                }
                tag.length()
            }),
            b'{' => position(rest),
            _ => entity(rest).map(|(character, length)| {
                text.push(character);
                length
            }),
        };
        match length {
            Some(length) => rest = &rest[length..],
            None => {
                text.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    let text = if text.contains('\n') {
        let lines: Vec<&str> = text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    } else {
        text.trim().to_owned()
    };
    Line { text, timed }
}

/// A tag, with its length in bytes.
enum Tag {
    Time(usize),
    Break(usize),
    Other(usize),
}

impl Tag {
    fn length(&self) -> usize {
        match *self {
            Self::Time(length) | Self::Break(length) | Self::Other(length) => length,
        }
    }
}

/// The tag with which the text begins.
fn tag(text: &str) -> Option<Tag> {
    let end = closing(text, b'<', b'>')?;
    let inside = &text[1..end];
    if inside.starts_with(|c: char| c.is_ascii_digit()) {
        return stamp(inside).map(|_| Tag::Time(end + 1));
    }
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let name = &name[..name.find(['.', ' ', '\t', '/']).unwrap_or(name.len())];
    if name.eq_ignore_ascii_case("br") {
        return Some(Tag::Break(end + 1));
    }
    let known = TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag));
    // `</>` closes whatever is open in some converters' output.
    (known || inside == "/").then_some(Tag::Other(end + 1))
}

/// Where what opens at the start of the text is closed, before another opens; so that many brackets do not
/// make many searches to the end.
fn closing(text: &str, open: u8, close: u8) -> Option<usize> {
    let end = 1 + text.bytes().skip(1).position(|byte| byte == open || byte == close)?;
    (text.as_bytes()[end] == close).then_some(end)
}

/// The length of `{\an8}` and its like, with which SubRip files place a line.
fn position(text: &str) -> Option<usize> {
    if !text.starts_with("{\\") {
        return None;
    }
    closing(text, b'{', b'}').map(|end| end + 1)
}

/// The character that an entity stands for, and the entity's length.
fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let character = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        name => {
            let number = name.strip_prefix('#')?;
            let (digits, radix) = match number.strip_prefix(['x', 'X']) {
                Some(digits) => (digits, 16),
                None => (number, 10),
            };
            // `from_str_radix` would take a sign.
            if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
                return None;
            }
            u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| *c != '\0')?
        }
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_words_stay() {
        for (raw, text) in [
            ("plain", "plain"),
            ("  <i>so</i> <b>it</b> is ", "so it is"),
            ("<font color=\"#fff\">white</font>", "white"),
            ("<v Roger Bingham>We are in New York City", "We are in New York City"),
            ("<v.loud Mary>Hello</v>", "Hello"),
            ("<c.yellow.bg_blue>yellow</c>", "yellow"),
            ("<lang en-GB>mum</lang>", "mum"),
            ("{\\an8}up there", "up there"),
            ("{\\an8}{\\i1}up{\\i0}", "up"),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("</>closed", "closed"),
            ("<<i>quoted</i>>", "<quoted>"),
            ("I<00:00:01.520><c> hope</c><00:00:01.680><c> you</c>", "I hope you"),
            ("", ""),
            (" ", ""),
            ("&nbsp;", ""),
        ] {
            assert_eq!(line(raw).text, text, "{raw}");
        }
    }

    #[test]
    fn what_only_looks_like_markup_is_kept() {
        for raw in [
            "a < b > c",
            "I <3 you",
            "Vec<u8> or <T>",
            "<unknown>",
            "a {b} c",
            "AT&T; R&D",
            "&unknown;",
            "&#0; &#x110000; &#;",
            "<i",
            "&",
            "{\\an8",
            "<99>",
            "x <<- y",
        ] {
            assert_eq!(line(raw).text, raw);
        }
    }

    #[test]
    fn entities_are_decoded_once() {
        for (raw, text) in [
            ("&amp;lt;", "&lt;"),
            ("&lt;i&gt;", "<i>"),
            ("&gt;&gt; Q&amp;A &quot;x&quot; &apos;", ">> Q&A \"x\" '"),
            ("[&nbsp;__&nbsp;]", "[\u{a0}__\u{a0}]"),
            ("&#39;&#x27;&#233;", "''é"),
            ("&amp;amp;amp;", "&amp;amp;"),
        ] {
            assert_eq!(line(raw).text, text, "{raw}");
        }
    }

    #[test]
    fn word_times_are_noticed() {
        assert!(line("I<00:00:01.520><c> hope</c>").timed);
        assert!(!line("<c.yellow>hope</c>").timed);
        assert!(!line("1:20").timed);
    }
}
