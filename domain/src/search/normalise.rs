//! Text normalisation: what counts as a word, and when two words are the same.

use std::borrow::Cow;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

/// The longest token, in bytes of UTF-8; what a longer word has beyond that is ignored, in texts and queries
/// alike.
///
/// A Postgres lexeme must be shorter than 2 KB, and nobody should fill an index with one endless word. The longest
/// words that people write stay far below 256 bytes.
pub const MAX_TOKEN_BYTES: usize = 256;

/// One word of a text, as it is compared, and where it stands in the text as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// The normalised word: never empty, at most [`MAX_TOKEN_BYTES`] bytes. Borrowed where it is written like that.
    pub text: Cow<'a, str>,
    /// Where the word begins in the original text, in bytes; a character boundary.
    pub start: usize,
    /// Where the word ends in the original text, in bytes; a character boundary behind `start`.
    ///
    /// Tokens made of one character (`½`, `ﷺ`) share its range.
    pub end: usize,
}

/// The words of a text in order, as they are indexed and compared.
///
/// Texts and queries go through the same function, and adapters index the tokens exactly as they are, so
/// that no engine's own idea of a word can make two adapters disagree.
///
/// * **Words** are runs of letters and digits of any script, with the marks attached to them. Everything else
///   separates, also inside of what a writer may call one word: `don't` is `don`, `t`; `google.com` is
///   `google`, `com`; `C++` is `c`. Nothing is lost by that, because a query word of several tokens is a phrase:
///   `google.com` still finds it, and so does `google`.
/// * **Case** is folded in full: `STRASSE` = `Straße`, `ΟΔΟΣ` = `οδος`.
/// * **Compatibility forms** are folded: full width, half width, ligatures, circled and raised characters.
/// * **Accents** are folded where readers see the same letter without them: in Latin, Greek, Hebrew and Arabic.
///   (`ü` is `u`, not `ue`.) In Cyrillic that is ё, which is е, and the stress of за́мок; й is not и, nor ї і.
///   Elsewhere a mark makes another letter, and stays: が is not か, मैं is not मे.
/// * **Spellings** of one word that writers mix are one: in Arabic ى and ی are ي, ک is ك, ة is ه, and every alef is ا;
///   in Devanagari the nukta is nothing (फ़िल्म is फिल्म), ँ is ं, and so is a nasal before its own stops (हिन्दी is हिंदी).
/// * **Digits** of every script are 0 to 9: ٢٠٢٤, २०२४ and ๒๐๒๔ are 2024.
/// * **Scripts without spaces** (Han, kana, Thai, Lao, Khmer, Myanmar): each grapheme is a token of its own, and a
///   run of them in a query is a phrase. Hangul too, since Korean joins particles to words, and writes
///   compounds with and without spaces: 한국어 finds 한국어를, and 인공지능 finds 인공 지능.
///
/// A token is never empty, holds no control character and nothing from ASCII but `a`–`z` and `0`–`9`, and is in
/// Unicode normal form C. Normalising the tokens again yields the same tokens.
///
/// ```
/// use tubeatlas_domain::search::{normalised, tokens};
///
/// assert_eq!(normalised("L’été à Köln: 東京!"), "l ete a koln 東 京");
///
/// let text = "Hej, SMÖRGÅSBORD!";
/// let token = &tokens(text)[1];
/// assert_eq!(token.text, "smorgasbord");
/// assert_eq!(&text[token.start..token.end], "SMÖRGÅSBORD");
/// ```
#[must_use]
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    each_token(text, &mut |token| found.push(token));
    found
}

/// Gives the words of a text, in order.
pub(super) fn each_token<'a>(text: &'a str, found: &mut impl FnMut(Token<'a>)) {
    let mut tokeniser = Tokeniser { found, open: None };
    let mut start = 0;
    while start < text.len() {
        let plain = plain_prefix(&text.as_bytes()[start..]);
        tokeniser.add_ascii(&text[start..start + plain], start);
        start += plain;
        let end = start + other_prefix(&text.as_bytes()[start..]);
        tokeniser.add_graphemes(&text[start..end], start);
        start = end;
    }
    tokeniser.close();
}

/// How many bytes from the start are ASCII and followed by ASCII, or by the end. Between two such characters a
/// grapheme always ends (but for a line break of two, and both of that separate), so nobody needs to look for it:
/// a short way for most of most texts.
fn plain_prefix(text: &[u8]) -> usize {
    let ascii = text.iter().position(|byte| !byte.is_ascii());
    ascii.map_or(text.len(), |ascii| ascii.saturating_sub(1))
}

/// How many bytes behind a plain prefix may belong to graphemes with what is not ASCII: up to the first place
/// between two ASCII characters.
fn other_prefix(text: &[u8]) -> usize {
    let border = text.windows(2).position(|pair| pair[0].is_ascii() && pair[1].is_ascii());
    border.map_or(text.len(), |border| border + 1)
}

/// The tokens of a text, joined by one space.
#[must_use]
pub fn normalised(text: &str) -> String {
    joined(&tokens(text))
}

pub(super) fn joined<'a>(tokens: impl IntoIterator<Item = &'a Token<'a>>) -> String {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    text
}

struct Tokeniser<'a, 'f, F> {
    found: &'f mut F,
    open: Option<OpenToken<'a>>,
}

/// A token that may still grow.
struct OpenToken<'a> {
    /// Folded, but not composed yet.
    text: Cow<'a, str>,
    start: usize,
    end: usize,
    /// The last letter or digit: what a following mark belongs to.
    base: char,
    /// A grapheme of a script without spaces: takes marks, but no further letters.
    alone: bool,
}

impl<'a, F: FnMut(Token<'a>)> Tokeniser<'a, '_, F> {
    fn add_graphemes(&mut self, text: &str, start: usize) {
        for (offset, grapheme) in text.grapheme_indices(true) {
            self.add(grapheme, start + offset);
        }
    }

    fn add_ascii(&mut self, text: &'a str, start: usize) {
        let mut at = 0;
        while at < text.len() {
            let word = text[at..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            if word == 0 {
                self.close();
                at += 1;
            } else {
                let end = at + word;
                if self.open.is_none() && end < text.len() {
                    self.whole_ascii_word(&text[at..end], start + at);
                } else {
                    self.ascii_word(&text[at..end], start + at);
                }
                at = end;
            }
        }
    }

    /// A word between two separators: a short way for most of most texts.
    fn whole_ascii_word(&mut self, word: &'a str, start: usize) {
        let end = start + word.len();
        let word = &word[..word.len().min(MAX_TOKEN_BYTES)];
        let text = if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(word.to_ascii_lowercase())
        } else {
            Cow::Borrowed(word)
        };
        (self.found)(Token { text, start, end });
    }

    fn ascii_word(&mut self, word: &'a str, start: usize) {
        if self.open.as_ref().is_none_or(|open| open.alone) {
            self.close();
            self.open =
                Some(OpenToken { text: Cow::Borrowed(""), start, end: start, base: ' ', alone: false });
        }
        if let Some(open) = &mut self.open {
            let begun = !open.text.is_empty();
            if begun || word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                let text = open.text.to_mut();
                let before = text.len();
                text.push_str(word);
                text[before..].make_ascii_lowercase();
            } else {
                open.text = Cow::Borrowed(word);
            }
            open.base = open.text.chars().next_back().unwrap_or(open.base);
            open.end = start + word.len();
        }
    }

    fn add(&mut self, grapheme: &str, start: usize) {
        let end = start + grapheme.len();
        if let Some(c) = plain(grapheme) {
            if is_separator(c) {
                self.close();
            } else {
                self.letter(c, start, end, is_without_spaces(c));
            }
            return;
        }
        let folded = fold(grapheme, self.open.as_ref().map(|open| open.base));
        // `3½` is 3 1 2, not 31 2, and `Brand™` is found as `brand`: a symbol that stands for words does not run
        // together with its neighbours.
        // (A separator that was written does this by itself; a few Indic letters share a grapheme with it.)
        let isolated = grapheme.chars().next().is_some_and(is_separator)
            || folded.chars().any(is_separator) && !grapheme.chars().any(is_separator);
        if isolated {
            self.close();
        }
        // Folding may have taken the grapheme apart (`㍿`, Thai `ำ`). It is cut again, because the parts must be
        // the tokens which they would be if they had been written like this.
        for part in folded.graphemes(true) {
            let mut joins = false;
            for c in part.chars() {
                if is_combining_mark(c) {
                    self.mark(c, end);
                } else if is_separator(c) {
                    self.close();
                    joins = false;
                } else if is_without_spaces(c) {
                    if joins {
                        // Khmer and Myanmar letters, stacked into one grapheme.
                        self.letter_of_open(c, end);
                    } else {
                        self.letter(c, start, end, true);
                    }
                    joins = true;
                } else {
                    self.letter(c, start, end, false);
                    joins = false;
                }
            }
        }
        if isolated {
            self.close();
        }
    }

    fn letter(&mut self, c: char, start: usize, end: usize, alone: bool) {
        if alone || self.open.as_ref().is_none_or(|open| open.alone) {
            self.close();
            self.open = Some(OpenToken { text: Cow::Borrowed(""), start, end, base: c, alone });
        }
        self.letter_of_open(c, end);
    }

    fn letter_of_open(&mut self, c: char, end: usize) {
        if let Some(open) = &mut self.open {
            open.text.to_mut().push(c);
            open.base = c;
            open.end = end;
        }
    }

    /// A mark without a letter before it is nothing that could be looked for.
    fn mark(&mut self, c: char, end: usize) {
        if let Some(open) = &mut self.open {
            open.text.to_mut().push(c);
            open.end = end;
        }
    }

    fn close(&mut self) {
        let Some(OpenToken { text, start, end, .. }) = self.open.take() else { return };
        let mut text = if text.is_ascii() { text } else { Cow::Owned(with_anusvara(text.nfc().collect())) };
        let length = text.floor_char_boundary(MAX_TOKEN_BYTES);
        match &mut text {
            Cow::Borrowed(text) => *text = &text[..length],
            Cow::Owned(text) => text.truncate(length),
        }
        (self.found)(Token { text, start, end });
    }
}

/// The one character of a grapheme that needs no table to be folded: most of most texts, so worth a short way.
fn plain(grapheme: &str) -> Option<char> {
    let mut chars = grapheme.chars();
    let c = chars.next().filter(|_| chars.next().is_none())?;
    match c {
        '\0'..='\x7F' => Some(c.to_ascii_lowercase()),
        'а'..='я' | '一'..='\u{9FFF}' | '가'..='힣' => Some(c),
        _ => None,
    }
}

/// Decomposes and folds until nothing changes any more, since folding may make characters that decompose, and
/// decomposing may make characters that fold. It ends: no character folds in a circle (a test asks them all).
fn fold(text: &str, base: Option<char>) -> String {
    let mut folded = fold_once(text, base);
    loop {
        let again = fold_once(&folded, base);
        if again == folded {
            return folded;
        }
        folded = again;
    }
}

fn fold_once(text: &str, mut base: Option<char>) -> String {
    text.nfkd()
        .filter(|c| !is_ignored(*c))
        .filter(|c| {
            if is_combining_mark(*c) {
                return !base.is_some_and(|base| loses(base, *c));
            }
            base = Some(*c);
            true
        })
        .default_case_fold()
        .fold(String::with_capacity(text.len()), |mut folded, c| {
            match c {
                'ø' => folded.push('o'),
                'đ' => folded.push('d'),
                'ħ' => folded.push('h'),
                'ł' => folded.push('l'),
                'ı' => folded.push('i'),
                'æ' => folded.push_str("ae"),
                'œ' => folded.push_str("oe"),
                'ٱ' => folded.push('ا'),
                'ى' | 'ی' => folded.push('ي'),
                'ک' => folded.push('ك'),
                'ة' => folded.push('ه'),
                '\u{901}' => folded.push('\u{902}'), // Devanagari candrabindu, anusvara
                other => folded.push(ascii_digit(other)),
            }
            folded
        })
}

/// Characters that neither break a word nor make it another one.
fn is_ignored(c: char) -> bool {
    matches!(c,
        '\u{AD}' // soft hyphen
        | '\u{34F}' // combining grapheme joiner
        | '\u{640}' // Arabic tatweel
        | '\u{115F}' | '\u{1160}' // Hangul fillers
        | '\u{180B}'..='\u{180F}' // Mongolian variation selectors
        | '\u{200C}' | '\u{200D}' // zero-width (non-)joiner
        | '\u{2060}' | '\u{FEFF}' // word joiner, and its older form
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}') // variation selectors
}

fn is_separator(c: char) -> bool {
    // Letters to Unicode, but apostrophes to those who write: пʼять is п’ять is п'ять.
    let apostrophe = matches!(c, '\u{2B9}'..='\u{2BF}');
    apostrophe || !(c.is_alphanumeric() || is_combining_mark(c) || is_ignored(c))
}

/// Whether a mark on this letter is an accent; on an ASCII digit it is the frame of a key (`1️⃣`).
fn loses(base: char, mark: char) -> bool {
    if base.is_ascii_digit() {
        return true;
    }
    match base.script() {
        Script::Latin | Script::Greek | Script::Hebrew | Script::Arabic => true,
        Script::Cyrillic => match mark {
            '\u{301}' => !matches!(base, 'г' | 'Г' | 'к' | 'К'), // stress; but ѓ and ќ are letters
            '\u{308}' => matches!(base, 'е' | 'Е'),
            '\u{304}' | '\u{306}' => false, // ӣ, ӯ and й, ў, ӂ
            _ => true,
        },
        Script::Devanagari => mark == '\u{93C}', // nukta
        _ => false,
    }
}

/// The zeros of the decimal digits; the others of each follow in order. (Those that are only another form of ASCII's
/// have become it already.)
const ZEROS: [char; 17] = [
    '\u{660}', '\u{6F0}', '\u{966}', '\u{9E6}', '\u{A66}', '\u{AE6}', '\u{B66}', '\u{BE6}', '\u{C66}',
    '\u{CE6}', '\u{D66}', '\u{E50}', '\u{ED0}', '\u{F20}', '\u{1040}', '\u{17E0}', '\u{1810}',
];

/// A decimal digit as ASCII has it; any other character as it is.
fn ascii_digit(c: char) -> char {
    let from = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
    ZEROS.into_iter().find_map(from).and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// Devanagari writes a nasal before one of its own four stops in full or as a dot: हिन्दी, हिंदी. Here it is the dot.
/// (The stops stand right before their nasal in Unicode.)
fn with_anusvara(text: String) -> String {
    const VIRAMA: char = '\u{94D}';
    if !text.contains(VIRAMA) {
        return text;
    }
    let is_nasal = |c: char| matches!(c, 'ङ' | 'ञ' | 'ण' | 'न' | 'म');
    let mut with = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let mut next = rest.clone();
        let before_its_stop = is_nasal(c)
            && next.next() == Some(VIRAMA)
            && next
                .next()
                .is_some_and(|stop| (1..=4).contains(&u32::from(c).saturating_sub(u32::from(stop))));
        if before_its_stop {
            rest.next();
            with.push('\u{902}');
        } else {
            with.push(c);
        }
    }
    with
}

fn is_without_spaces(c: char) -> bool {
    // Below Thai there is none of them, but most of most texts.
    if c < '\u{E00}' {
        return false;
    }
    match c.script() {
        Script::Han
        | Script::Hiragana
        | Script::Katakana
        | Script::Thai
        | Script::Lao
        | Script::Khmer
        | Script::Myanmar
        | Script::Hangul => true,
        // ー and 〆 belong to no single script, but to these.
        Script::Common => {
            let scripts = c.script_extension();
            !scripts.is_common()
                && (scripts.contains_script(Script::Han) || scripts.contains_script(Script::Katakana))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn same(a: &str, b: &str) {
        assert_eq!(normalised(a), normalised(b), "{a} and {b}");
    }

    #[track_caller]
    fn differ(a: &str, b: &str) {
        assert_ne!(normalised(a), normalised(b), "{a} and {b}");
    }

    /// The tokens without the short way for ASCII.
    fn by_graphemes(text: &str) -> Vec<Token<'_>> {
        let mut found = Vec::new();
        let mut push = |token| found.push(token);
        let mut tokeniser = Tokeniser { found: &mut push, open: None };
        tokeniser.add_graphemes(text, 0);
        tokeniser.close();
        found
    }

    proptest! {
        /// Texts of ASCII with what may join it to a grapheme: marks, joiners, selectors, numbers' prefixes.
        #[test]
        fn the_short_way_for_ascii_finds_the_same(
            text in "([ -~]{0,3}|[\\r\\n]{1,2}|[a-zA-Z0-9'_]|\u{301}|\u{600}|\u{200D}|\u{20E3}|\u{FE0F}|é|ﬁ|½|東|ก|👩|\u{AD}){0,12}"
        ) {
            prop_assert_eq!(tokens(&text), by_graphemes(&text), "{:?}", text);
        }
    }

    #[test]
    fn words_are_letters_and_digits() {
        for (text, expected) in [
            ("", ""),
            (" \t\r\n.,;!?'\"*-_()[]{}<>|\\/&%$#@~^`+=:", ""),
            ("don't", "don t"),
            ("don’t", "don t"),
            ("l’histoire", "l histoire"),
            ("google.com", "google com"),
            ("C++, C#", "c c"),
            ("AT&T", "at t"),
            ("3.14", "3 14"),
            ("foo_bar", "foo bar"),
            ("snake\0case\u{7}x\u{9b}y", "snake case x y"),
            ("mp3 4K 1️⃣", "mp3 4k 1"),
            ("👩‍🚀 launch 🚀!", "launch"),
            ("co\u{ad}operate", "cooperate"),
            ("\u{feff}start", "start"),
            ("a\u{200b}b", "a b"),
        ] {
            assert_eq!(normalised(text), expected, "{text:?}");
        }
    }

    #[test]
    fn compatibility_forms_are_what_they_stand_for() {
        for (text, expected) in [
            ("ﬁne ｆｕｌｌ 𝐁𝐨𝐥𝐝", "fine full bold"),
            ("x² H₂O", "x2 h2o"),
            ("½ 3½ 3½4", "1 2 3 1 2 3 1 2 4"),
            ("Brand™ №5 5㎏", "brand tm no 5 5 kg"),
            ("ﷺ", "صلى الله عليه وسلم"),
            ("㍿", "株 式 会 社"),
        ] {
            same(text, expected);
        }
        assert_eq!(normalised("3½"), "3 1 2");
        assert_eq!(normalised("Brand™"), "brand tm");
        let ranges: Vec<_> = tokens("a ½").iter().map(|t| (t.start, t.end)).collect();
        assert_eq!(ranges, [(0, 1), (2, 4), (2, 4)]);
    }

    #[test]
    fn latin() {
        same("Straße STRASSE", "strasse strasse");
        same("STRAẞE", "strasse");
        same("Über", "uber");
        same("U\u{308}ber", "über");
        differ("Ueber", "Über");
        same("déjà vu À PROPOS", "deja vu a propos");
        same("Œuvre ÆON", "oeuvre aeon");
        same("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul");
        same("Łódź Żółć", "lodz zolc");
        same("Smørrebrød Ǿ", "smorrebrod o");
        same("Đường phố Việt Nam", "duong pho viet nam");
        same("Ħal Għaxaq", "hal ghaxaq");
        same("Málaga niño", "malaga nino");
    }

    #[test]
    fn greek() {
        same("Ελλάδα", "ΕΛΛΑΔΑ");
        same("ΟΔΟΣ", "οδος");
        same("οδοσ", "οδος");
        same("ΐ ᾳ ᾴ", "ι α α");
        differ("ω", "ο");
    }

    #[test]
    fn cyrillic() {
        same("Ёлка", "елка");
        same("МОСКВА", "москва");
        for apostrophe in ["'", "’", "ʼ"] {
            assert_eq!(normalised(&format!("п{apostrophe}ять")), "п ять");
        }
        differ("ы", "и");
        // Letters, not accents: war and the warrior's, her and them.
        differ("война", "воина");
        differ("йод", "иод");
        differ("їх", "іх");
        differ("Ўладзімір", "Уладзімір");
        differ("ќерка", "керка");
        same("и\u{306}од", "ЙОД");
        same("за\u{301}мок", "замок");
        same("ѝ", "и");
    }

    #[test]
    fn arabic_and_hebrew() {
        same("مُحَمَّد", "محمد");
        same("أحمد إلى آمن", "احمد الى امن");
        same("مـحـمـد", "محمد");
        same("مـَحمد", "محمد");
        differ("محمد", "محمود");
        same("שָׁלוֹם", "שלום");
        same("\u{FB2A}לום", "שלום");
        differ("שלום", "שלומ");
        same("ٱلكتاب إبراهيم", "الكتاب ابراهيم");
        same("فى مكتبة", "في مكتبه");
        same("کتاب فارسی", "كتاب فارسي");
    }

    #[test]
    fn marks_of_other_scripts_stay() {
        differ("मैं", "मे");
        differ("कि", "की");
        differ("क", "क्");
        assert_eq!(normalised("बच्चे में"), "बच्चे में");
        same("क्\u{200d}ष", "क्ष");
        assert_eq!(normalised("தமிழ் మాట"), "தமிழ் మాట");
        differ("தமிழ்", "தமழ");
    }

    #[test]
    fn devanagari_spellings() {
        same("\u{958}लम", "कलम");
        same("फ\u{93C}िल्म", "फिल्म");
        same("हूँ", "हूं");
        for (full, dot) in
            [("हिन्दी", "हिंदी"), ("गङ्गा", "गंगा"), ("पञ्चम", "पंचम"), ("घण्टा", "घंटा"), ("मुम्बई", "मुंबई")]
        {
            same(full, dot);
        }
        // Before another nasal, or a stop that is not its own, a nasal is itself.
        for (text, other) in [("अन्न", "अंन"), ("उन्हें", "उंहें"), ("जन्म", "जंम")]
        {
            differ(text, other);
        }
        differ("ড়", "ড");
    }

    #[test]
    fn digits_of_every_script() {
        for text in ["٢٠٢٤", "۲۰۲۴", "२०२४", "๒๐๒๔", "２０２４", "𝟐𝟎𝟐𝟒", "២០២៤"]
        {
            assert_eq!(normalised(text), "2024", "{text}");
        }
        assert_eq!(normalised("ก๒ข"), "ก 2 ข");
        for zero in ZEROS {
            assert_eq!(zero.to_string().parse::<u32>().ok(), None);
            assert_eq!((ascii_digit(zero), zero.is_numeric()), ('0', true), "{zero:?}");
            let nine = char::from_u32(u32::from(zero) + 9).unwrap();
            assert_eq!((ascii_digit(nine), nine.is_numeric()), ('9', true), "{nine:?}");
        }
    }

    #[test]
    fn scripts_without_spaces() {
        assert_eq!(normalised("人工智能AI时代"), "人 工 智 能 ai 时 代");
        assert_eq!(normalised("東京タワーへ、時々"), "東 京 タ ワ ー へ 時 々");
        assert_eq!(normalised("らーーめんAー 〆切"), "ら ー ー め ん a ー 〆 切");
        same("ｶﾞｰﾄﾞ", "ガード");
        same("か\u{3099}", "が");
        differ("が", "か");
        differ("ぱ", "ば");
        differ("ひらがな", "ヒラガナ");
        assert_eq!(normalised("กินข้าว"), "กิ น ข้ า ว");
        differ("ข้าว", "ขาว");
        same("กำ", "ก\u{e4d}\u{e32}");
        assert_eq!(tokens("ລາວ").len(), 3);
        assert_eq!(tokens("ខ្មែរ").len(), 2);
        assert_eq!(tokens("မြန်မာ").len(), 3);
        assert_eq!(normalised("မာ"), "မာ");
    }

    #[test]
    fn korean() {
        assert_eq!(normalised("안녕 세계ㅋㅋ"), "안 녕 세 계 ᄏ ᄏ");
        same("인공지능", "인공 지능");
        same("\u{1112}\u{1161}\u{11ab}", "한");
        differ("한국", "한굴");
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(tokens(&"a".repeat(10_000))[0].text.len(), MAX_TOKEN_BYTES);
        assert_eq!(tokens(&"a".repeat(10_000))[0].end, 10_000);
        for letter in ["a", "A"] {
            let text = letter.repeat(10_000) + " b";
            assert_eq!(tokens(&text), by_graphemes(&text));
        }
        // Two bytes a letter: 255 would cut through one.
        let cyrillic = format!("x{}", "я".repeat(1_000));
        assert_eq!(tokens(&cyrillic)[0].text.len(), MAX_TOKEN_BYTES - 1);
        // The same word, composed or not, is cut to the same token.
        same(&"\u{1112}\u{1161}".repeat(500), &"하".repeat(500));
    }

    /// Where characters are assigned, without the long uniform blocks of Han and Hangul.
    fn assigned() -> impl Iterator<Item = char> {
        ('\0'..'\u{3500}')
            .chain('\u{4DB0}'..'\u{4F00}')
            .chain('\u{9FF0}'..'\u{AD00}')
            .chain('\u{D7A0}'..'\u{20100}')
            .chain('\u{2F800}'..'\u{2FA20}')
            .chain('\u{E0000}'..'\u{E0200}')
    }

    #[test]
    fn no_character_folds_in_a_circle() {
        for c in assigned() {
            let text = c.to_string();
            let mut folded = fold_once(&text, None);
            for _ in 0..3 {
                folded = fold_once(&folded, None);
            }
            assert_eq!(folded, fold_once(&folded, None), "{c:?}");
        }
    }

    #[test]
    fn the_short_way_leads_to_the_same_place() {
        for c in '\0'..='\u{D7FF}' {
            let text = c.to_string();
            if let Some(plain) = plain(&text) {
                assert_eq!(fold(&text, None).nfc().collect::<String>(), plain.to_string());
            }
        }
    }

    #[test]
    fn each_character_alone_and_in_a_word_keeps_the_laws() {
        for c in assigned() {
            for text in [c.to_string(), format!("a{c}b"), format!("क{c}\u{301}"), format!("ក\u{17D2}{c}ក")]
            {
                laws(&text);
            }
        }
    }

    #[track_caller]
    fn laws(text: &str) {
        let tokens = tokens(text);
        for token in &tokens {
            assert!(!token.text.is_empty(), "{text:?}");
            assert!(token.text.len() <= MAX_TOKEN_BYTES, "{text:?}");
            assert!(token.start < token.end, "{text:?}");
            assert!(text.get(token.start..token.end).is_some(), "{text:?}");
            let allowed =
                |c: char| if c.is_ascii() { matches!(c, 'a'..='z' | '0'..='9') } else { !c.is_control() };
            assert!(token.text.chars().all(allowed), "{text:?} gave {:?}", token.text);
        }
        for pair in tokens.windows(2) {
            let same = (pair[0].start, pair[0].end) == (pair[1].start, pair[1].end);
            assert!(same || pair[0].end <= pair[1].start || pair[0].start <= pair[1].start, "{text:?}");
        }
        let once = joined(&tokens);
        let again = super::tokens(&once);
        assert!(
            again.iter().map(|t| &t.text).eq(tokens.iter().map(|t| &t.text)),
            "{text:?} gave {once:?}, and that gave {:?}",
            joined(&again)
        );
    }

    /// Characters that meet in the corners: bases, marks, stackers, joiners, symbols.
    fn tricky() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            "a",
            "ı",
            "ß",
            "ø",
            "α",
            "ͅ",
            "ς",
            "क",
            "्",
            "़",
            "\u{301}",
            "\u{308}",
            "\u{ad}",
            "\u{200d}",
            "\u{200c}",
            "\u{640}",
            "\u{64e}",
            "ب",
            "ש",
            "\u{5c1}",
            "か",
            "\u{3099}",
            "ｶ",
            "ﾞ",
            "ー",
            "人",
            "ก",
            "ำ",
            "า",
            "\u{e4d}",
            "ក",
            "\u{17d2}",
            "က",
            "\u{1039}",
            "ာ",
            "\u{1112}",
            "\u{1161}",
            "\u{11ab}",
            "한",
            "½",
            "™",
            "ﷺ",
            "ŉ",
            "㍿",
            "1",
            "\u{20e3}",
            "\u{fe0f}",
            "\u{600}",
            " ",
            "'",
            "\0",
            "\r\n",
            "🇩🇪",
            "👩",
            "\u{1160}",
            "\u{d4e}",
            "\u{11f02}",
            "⼀",
            "\u{34f}",
            "İ",
            "ǰ",
            "ẖ",
            "\u{1e9e}",
        ]);
        prop::collection::vec(parts, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_text_keeps_the_laws(text in prop_oneof![any::<String>(), "\\PC*", tricky()]) {
            laws(&text);
        }

        #[test]
        fn composed_and_decomposed_text_is_the_same(text in prop_oneof!["\\PC*", tricky()]) {
            let (nfc, nfd): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert_eq!(normalised(&nfc), normalised(&nfd));
        }
    }
}
