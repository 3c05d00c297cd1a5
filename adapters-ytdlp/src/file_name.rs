//! What the name of a file says: its kind, the video it belongs to, the language of captions.
//!
//! yt-dlp names all files of a video alike, `Title [id]` (youtube-dl: `Title-id`), with an ending for each
//! kind: `.info.json`, `.mp4`, `.en.vtt`. That common part is the *base* here.

use tubeatlas_domain::LanguageTag;
use unicode_normalization::UnicodeNormalization;

/// The kinds of files that this adapter knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `.info.json`
    Document,
    /// Captions in a format that is read.
    Captions(CaptionFormat),
    /// Captions in a format that is not read.
    OtherCaptions,
    /// `.live_chat.json`
    LiveChat,
    /// A video's picture or sound, or both.
    Media,
    /// `.f137.mp4`: one of several formats before they are merged.
    UnmergedMedia,
    /// A download that was not finished.
    Leftover,
    /// A picture, which may be a video's thumbnail.
    Picture,
    /// `.description`, `.url` and others of which the document knows more.
    Side,
    /// The list with which yt-dlp remembers what it downloaded.
    DownloadList,
}

/// The formats of captions that are read, the one to be preferred first: YouTube's own hold each line once, so
/// that nothing has to be guessed; after them what tells the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CaptionFormat {
    /// YouTube's JSON.
    Json3,
    /// YouTube's XML.
    Srv3,
    /// WebVTT
    Vtt,
    /// TTML, also known as DFXP.
    Ttml,
    /// YouTube's older XML.
    Srv1,
    /// SubRip
    Srt,
    /// SubViewer
    Sbv,
}

const OTHER_CAPTIONS: [&str; 8] = ["srv2", "ass", "ssa", "lrc", "smi", "sami", "scc", "usf"];
const VIDEO: [&str; 10] = ["mp4", "webm", "mkv", "flv", "mov", "avi", "3gp", "m4v", "ogv", "wmv"];
const AUDIO: [&str; 11] = ["m4a", "mp3", "opus", "ogg", "wav", "flac", "aac", "oga", "mka", "weba", "wma"];
const PICTURE: [&str; 5] = ["jpg", "jpeg", "png", "webp", "avif"];
const LEFTOVER: [&str; 5] = ["part", "ytdl", "temp", "tmp", "aria2"];
const SIDE: [&str; 4] = ["description", "url", "webloc", "desktop"];

/// A file's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName<'a> {
    /// What the ending says.
    pub(crate) kind: Kind,
    /// What is left without the ending. Of captions without the language, if there seems to be one.
    pub(crate) bases: Vec<Base<'a>>,
}

/// A reading of a name: a base, and the language that is then named behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base<'a> {
    /// The base.
    pub(crate) base: &'a str,
    /// What stands between the base and the ending.
    pub(crate) language: Option<&'a str>,
}

/// Takes a name apart; `None` if it is of no kind that is known.
pub(crate) fn parse(name: &str) -> Option<FileName<'_>> {
    let one = |kind, base| Some(FileName { kind, bases: vec![Base { base, language: None }] });
    if let Some(rest) = name.strip_prefix("._") {
        // macOS' second half of a file, on file systems that have no place for it.
        return parse(rest).map(|rest| FileName { kind: Kind::Leftover, ..rest });
    }
    if name.eq_ignore_ascii_case("archive.txt") || name.eq_ignore_ascii_case("download_archive.txt") {
        return one(Kind::DownloadList, name);
    }
    if let Some(base) = strip_ending(name, ".info.json") {
        return one(Kind::Document, base);
    }
    if let Some(base) = strip_ending(name, ".live_chat.json") {
        return one(Kind::LiveChat, base);
    }
    if let Some(base) = strip_ending(name, ".annotations.xml") {
        return one(Kind::Side, base);
    }
    let (rest, ending) = split_ending(name)?;
    let ending = ending.to_ascii_lowercase();
    let is = |list: &[&str]| list.contains(&ending.as_str());
    if is(&LEFTOVER) || ending.starts_with("part-frag") {
        // The name of what it would have become is in front; if that says nothing, it is not yt-dlp's.
        let whole = parse(rest)?;
        return Some(FileName { kind: Kind::Leftover, bases: whole.bases });
    }
    if is(&VIDEO) || is(&AUDIO) {
        return match split_ending(rest) {
            Some((base, "temp")) => one(Kind::Leftover, base),
            Some((base, format)) if is_format(format) => one(Kind::UnmergedMedia, base),
            _ => one(Kind::Media, rest),
        };
    }
    if is(&PICTURE) {
        let mut bases = vec![Base { base: rest, language: None }];
        if let Some((base, number)) = split_ending(rest)
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            bases.push(Base { base, language: None });
        }
        return Some(FileName { kind: Kind::Picture, bases });
    }
    if is(&SIDE) {
        return one(Kind::Side, rest);
    }
    let kind = match ending.as_str() {
        "json3" => Kind::Captions(CaptionFormat::Json3),
        "srv3" | "ytt" => Kind::Captions(CaptionFormat::Srv3),
        "vtt" => Kind::Captions(CaptionFormat::Vtt),
        "ttml" | "dfxp" => Kind::Captions(CaptionFormat::Ttml),
        "srv1" => Kind::Captions(CaptionFormat::Srv1),
        "srt" => Kind::Captions(CaptionFormat::Srt),
        "sbv" => Kind::Captions(CaptionFormat::Sbv),
        _ if is(&OTHER_CAPTIONS) => Kind::OtherCaptions,
        _ => return None,
    };
    let mut bases = Vec::with_capacity(2);
    if let Some((base, language)) = split_ending(rest)
        && !language.contains(' ')
    {
        bases.push(Base { base, language: Some(language) });
    }
    bases.push(Base { base: rest, language: None });
    Some(FileName { kind, bases })
}

/// Whether a token is shaped like the tag of a language: 2 or 3 letters, and subtags behind them. Without
/// knowing the base one cannot tell `Talk.en.vtt` from `Mr.Bean.vtt` in another way.
pub(crate) fn is_language(token: &str) -> bool {
    let primary = token.split('-').next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && LanguageTag::parse(token).is_ok()
}

/// Whether a token may name a language when the base in front of it is known: some platforms name them by
/// words (`English`), or with an underscore (`pt_BR`).
pub(crate) fn may_be_language(token: &str) -> bool {
    let primary = token.split(['-', '_']).next().unwrap_or_default();
    primary.len() >= 2
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && LanguageTag::parse(token).is_ok()
}

/// The ids that a base may hold, the likeliest first: what stands in brackets, from the right; then what
/// follows a hyphen, the longest first, and the base itself. An id may begin with a hyphen and hold some.
pub(crate) fn ids(base: &str) -> impl Iterator<Item = &str> {
    /// Shorter ones without brackets would be found in many a title.
    const MIN_BARE_ID: usize = 6;
    let bracketed = base.rmatch_indices('[').filter_map(|(at, _)| {
        let inside = &base[at + 1..];
        inside.find(']').map(|end| &inside[..end])
    });
    let hyphens = base.match_indices('-').map(|(at, _)| &base[at + 1..]);
    bracketed.chain(std::iter::once(base).chain(hyphens).filter(|id| id.len() >= MIN_BARE_ID))
}

/// A base in the form in which bases are compared. Copies made on a Mac have their accents decomposed, and
/// versions of yt-dlp differ in the characters that they replace.
pub(crate) fn key(base: &str) -> String {
    base.nfc().map(|c| replaced(c).unwrap_or(c)).collect()
}

/// The character that yt-dlp replaced by this look-alike, because file systems do not take it.
fn replaced(look_alike: char) -> Option<char> {
    Some(match look_alike {
        '⧸' => '/',
        '⧹' => '\\',
        '＂' => '"',
        '＊' => '*',
        '：' => ':',
        '＜' => '<',
        '＞' => '>',
        '？' => '?',
        '｜' => '|',
        _ => return None,
    })
}

/// Whether a base is made of a video's title: with anything around it, without what file systems do not take,
/// or cut off.
pub(crate) fn holds_title(base: &str, title: &str) -> bool {
    /// A shorter beginning of a title is no sign.
    const MIN_CUT: usize = 8;
    let plain = |text: &str| -> String {
        text.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (base, title) = (plain(base), plain(title));
    !title.is_empty() && (base.contains(&title) || (base.len() >= MIN_CUT && title.starts_with(&base)))
}

/// An id that a base surely holds, and the title in front of it: of the shape of YouTube's, in brackets at the
/// end (`Title [dQw4w9WgXcQ]`), behind a hyphen there, or alone; or in brackets a long number, as other
/// platforms have. What could be a word, a date or a resolution is none.
pub(crate) fn sure_id(base: &str) -> Option<(&str, &str)> {
    let bracketed = base.strip_suffix(']').and_then(|inside| inside.rsplit_once('['));
    if let Some((title, id)) = bracketed {
        return (is_youtube_id(id) || is_long_number(id)).then_some((id, title));
    }
    let at = base.len().checked_sub(YOUTUBE_ID)?;
    let (front, id) = base.split_at_checked(at)?;
    let title = if front.is_empty() { front } else { front.strip_suffix('-')? };
    is_youtube_id(id).then_some((id, title))
}

/// How many characters YouTube's ids have.
const YOUTUBE_ID: usize = 11;

/// Whether a text has the shape of a YouTube video's id and is no word (`Documentary`, `WEBDL-1080p`).
pub(crate) fn is_youtube_id(text: &str) -> bool {
    let capital_first = |word: &str| word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    let word = |word: &str| {
        let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
        capital_first(letters) || letters.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    text.len() == YOUTUBE_ID
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !text.split(['-', '_']).all(word)
}

/// Whether a text is a number that may be an id, and no day such as 20091025.
fn is_long_number(text: &str) -> bool {
    let day = text.len() == 8 && (text.starts_with("19") || text.starts_with("20"));
    text.len() >= 7 && !day && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The title of which a name was made: look-alikes of characters that file systems do not take are replaced
/// again, but in Chinese, Japanese and Korean titles, where some of them are what people write.
pub(crate) fn title(name: &str) -> String {
    let name: String = name.nfc().collect();
    let cjk = name.chars().any(|c| {
        matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
    });
    let original = |c: char| replaced(c).filter(|_| !cjk || matches!(c, '⧸' | '⧹')).unwrap_or(c);
    name.trim().chars().map(original).collect()
}

/// The format that a media file's name tells, if it is one of several to be merged: `137` of `T.f137.mp4`.
pub(crate) fn format_id(name: &str) -> Option<&str> {
    let (rest, _) = split_ending(name)?;
    let (_, format) = split_ending(rest)?;
    if is_format(format) { format.strip_prefix('f') } else { None }
}

/// Whether the ending is one of sound without picture.
pub(crate) fn is_audio(name: &str) -> bool {
    split_ending(name).is_some_and(|(_, ending)| AUDIO.contains(&ending.to_ascii_lowercase().as_str()))
}

/// `f137`, `f251-drc`, `fhls-1080p`: how yt-dlp marks a format that is to be merged.
fn is_format(token: &str) -> bool {
    token.strip_prefix('f').is_some_and(|id| {
        !id.is_empty()
            && id.bytes().any(|byte| byte.is_ascii_digit())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}

fn split_ending(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.').filter(|(base, ending)| !base.is_empty() && !ending.is_empty())
}

fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    let (base, end) = name.split_at_checked(at)?;
    end.eq_ignore_ascii_case(ending).then_some(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(name: &str) -> Option<Kind> {
        parse(name).map(|name| name.kind)
    }

    #[test]
    fn each_kind_is_known_by_its_ending() {
        use Kind::*;
        for (name, expected) in [
            ("T [i].info.json", Some(Document)),
            ("T [i].INFO.JSON", Some(Document)),
            ("T [i].live_chat.json", Some(LiveChat)),
            ("T [i].live_chat.json.part", Some(Leftover)),
            ("T [i].mp4", Some(Media)),
            ("T [i].opus", Some(Media)),
            ("T [i].f137.mp4", Some(UnmergedMedia)),
            ("T [i].f251-drc.webm", Some(UnmergedMedia)),
            ("T [i].final.mp4", Some(Media)),
            ("T [i].f137.mp4.part", Some(Leftover)),
            ("T [i].mp4.part-Frag12", Some(Leftover)),
            ("T [i].mp4.ytdl", Some(Leftover)),
            ("T [i].temp.mp4", Some(Leftover)),
            ("T [i].mp4.temp", Some(Leftover)),
            ("T [i].mp4.aria2", Some(Leftover)),
            ("T [i].en.vtt.part", Some(Leftover)),
            ("notes.tmp", None),
            ("._T [i].info.json", Some(Leftover)),
            ("T [i].webp", Some(Picture)),
            ("T [i].description", Some(Side)),
            ("T [i].annotations.xml", Some(Side)),
            ("T [i].en.vtt", Some(Captions(CaptionFormat::Vtt))),
            ("T [i].en.SRT", Some(Captions(CaptionFormat::Srt))),
            ("T [i].en.json3", Some(Captions(CaptionFormat::Json3))),
            ("T [i].en.srv3", Some(Captions(CaptionFormat::Srv3))),
            ("T [i].en.dfxp", Some(Captions(CaptionFormat::Ttml))),
            ("T [i].en.srv1", Some(Captions(CaptionFormat::Srv1))),
            ("T [i].en.ass", Some(OtherCaptions)),
            ("archive.txt", Some(DownloadList)),
            ("notes.txt", None),
            ("notes.part", None),
            ("data.json", None),
            (".vtt", None),
            ("info.json", None),
            ("", None),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn the_language_stands_between_the_last_two_dots() {
        let bases = |name: &'static str| -> Vec<_> {
            parse(name).unwrap().bases.iter().map(|base| (base.base, base.language)).collect()
        };
        assert_eq!(bases("Talk v1.2.en.vtt"), [("Talk v1.2", Some("en")), ("Talk v1.2.en", None)]);
        assert_eq!(bases("Talk v1.2.vtt"), [("Talk v1", Some("2")), ("Talk v1.2", None)]);
        assert_eq!(bases("Dr. Who.vtt"), [("Dr. Who", None)]);
        assert!(!is_language("2") && !is_language("Bean") && !is_language("live_chat") && !is_language(""));
        for tag in ["en", "pt-BR", "zh-Hans", "en-orig", "en-en-US", "en-j3PyPqV-e1s", "mni-Mtei", "fil"] {
            assert!(is_language(tag), "{tag}");
        }
        assert!(
            may_be_language("English")
                && may_be_language("pt_BR")
                && !may_be_language("2")
                && !may_be_language("v1")
        );
    }

    #[test]
    fn ids_are_found_in_brackets_and_behind_hyphens() {
        let first = |base: &'static str| ids(base).next();
        assert_eq!(first("[Official] Song [dQw4w9WgXcQ]"), Some("dQw4w9WgXcQ"));
        assert!(ids("Song --w4w9WgXc-").any(|id| id == "-w4w9WgXc-"));
        assert!(ids("Song-with-hyphens-dQw4w9WgXcQ").any(|id| id == "dQw4w9WgXcQ"));
        assert_eq!(first("dQw4w9WgXcQ"), Some("dQw4w9WgXcQ"));
        assert_eq!(ids("a-b [").count(), 0);
    }

    #[test]
    fn an_id_is_sure_only_if_it_can_be_nothing_else() {
        for (base, expected) in [
            ("Talk [dQw4w9WgXcQ]", Some(("dQw4w9WgXcQ", "Talk "))),
            ("[Official] Talk [-w4w9WgXc-_]", Some(("-w4w9WgXc-_", "[Official] Talk "))),
            ("Talk-dQw4w9WgXcQ", Some(("dQw4w9WgXcQ", "Talk"))),
            ("Talk--w4w9WgXc-_", Some(("-w4w9WgXc-_", "Talk"))),
            ("dQw4w9WgXcQ", Some(("dQw4w9WgXcQ", ""))),
            ("Clip [42850523]", Some(("42850523", "Clip "))),
            ("Nature [Documentary]", None),
            ("Film [WEBDL-1080p]", None),
            ("Film [DIRECTORCUT]", None),
            ("Film-Documentary", None),
            ("Film-first-secon", None),
            ("Day [20240203]", None),
            ("Day [2024-02-031]", None),
            ("Day [123456]", None),
            ("Talk dQw4w9WgXcQ", None),
            ("Talk [dQw4w9WgXcQ] more", None),
            ("Talk [dQw4w9WgXc]", None),
            ("Vidéo-éé", None),
            ("", None),
        ] {
            assert_eq!(sure_id(base), expected, "{base}");
        }
    }

    #[test]
    fn titles_are_told_from_names() {
        assert_eq!(title(" A：B ⧸ ＂C＂？ "), "A:B / \"C\"?");
        assert_eq!(title("これは？ ⧸ そう：だ"), "これは？ / そう：だ");
        assert_eq!(title("Cafe\u{301}"), "Café");
        assert_eq!(key("Cafe\u{301}： x"), key("Café: x"));
        for (base, of, held) in [
            ("2024-02-03 - What： now？", "What: now?", true),
            ("Cafe\u{301}_au_lait", "Café au lait!", true),
            ("A very long tit", "A very long title", true),
            ("video", "A very long title", false),
            ("A very", "A very long title", false),
            ("anything", "?!", false),
        ] {
            assert_eq!(holds_title(base, of), held, "{base}: {of}");
        }
    }

    #[test]
    fn formats_to_be_merged_are_named() {
        assert_eq!(format_id("T [i].f137.mp4"), Some("137"));
        assert_eq!(format_id("T [i].f251-drc.webm"), Some("251-drc"));
        assert_eq!(format_id("T [i].final.mp4"), None);
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "[\\[\\].a-f\\-é ]{0,12}(\\.info\\.json|\\.part|\\.en\\.vtt|\\.f1\\.mp4|\\.0\\.jpg)?") {
            if let Some(parsed) = parse(&name) {
                for base in parsed.bases {
                    prop_assert!(name.contains(base.base));
                    let _ = (ids(base.base).count(), sure_id(base.base), title(base.base), key(base.base));
                }
            }
        }
    }
}
