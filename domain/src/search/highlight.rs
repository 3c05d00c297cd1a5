//! The finder: which cues of a transcript show what a query looks for, and where.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::evaluate::is;
use super::normalise::Token;
use super::passage::{TextEnds, windows};
use super::query::{Expression, Phrase, SearchQuery};
use crate::Cue;

/// A cue that shows something of what a query looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CueMatch {
    /// The index of the cue in its transcript.
    pub cue: usize,
    /// What to highlight: ranges of bytes (start, end) of the cue's text as it was written, at least one, on
    /// character boundaries, in order, not touching.
    ///
    /// A phrase is one range, with all that stands between its words; of a phrase that runs across cues, each
    /// cue has its part.
    pub highlights: Vec<(usize, usize)>,
}

/// The cues that show why a transcript matches, the most telling first, at most `max`.
///
/// A phrase counts where it occurs inside a passage that matches the whole query; so the list is empty if and only if
/// no passage matches (or `max` is 0). Cues that show more of the phrases come first, then earlier ones.
///
/// ```
/// use tubeatlas_domain::Cue;
/// use tubeatlas_domain::search::{SearchQuery, find_cues};
///
/// let cues = [
///     Cue { start_ms: 0, end_ms: 900, text: "So, hello.".into() },
///     Cue { start_ms: 900, end_ms: 2_000, text: "Hello, wide world!".into() },
/// ];
/// let found = find_cues(&cues, &SearchQuery::parse("hello \"wide world\"")?, 10);
/// assert_eq!(found[0].cue, 1);
/// assert_eq!(found[0].highlights, [(0, 5), (7, 17)]);
/// assert_eq!(found[1].cue, 0);
/// # Ok::<(), tubeatlas_domain::search::QueryError>(())
/// ```
#[must_use]
pub fn find_cues(cues: &[Cue], query: &SearchQuery, max: usize) -> Vec<CueMatch> {
    let mut phrases = HashSet::new();
    gather(query.expression(), &mut phrases);
    let said = Said::of(cues.iter().map(|cue| cue.text.as_str()), &phrases);
    let places: Places<'_> = phrases.into_iter().map(|phrase| (phrase, said.ranges(phrase))).collect();

    let matching: Vec<Range<usize>> = windows(said.ends.tokens())
        .filter(|window| query.expression().holds(&|phrase| !inside(&places, phrase, window).is_empty()))
        .collect();
    let mut parts = Vec::new();
    for (number, phrase) in query.phrases().iter().enumerate() {
        let occurrences = matching.iter().flat_map(|window| inside(&places, phrase, window));
        said.split_by_cue(occurrences, number, &mut parts);
    }
    parts.sort_unstable_by_key(|part| (part.cue, part.range));
    let mut matches: Vec<(usize, CueMatch)> = parts
        .chunk_by(|a, b| a.cue == b.cue)
        .map(|parts| {
            let shown: BTreeSet<usize> = parts.iter().map(|part| part.phrase).collect();
            let highlights = merged(parts.iter().map(|part| part.range));
            (shown.len(), CueMatch { cue: parts[0].cue, highlights })
        })
        .collect();
    matches.sort_by_key(|(shown, found)| (std::cmp::Reverse(*shown), found.cue));
    matches.into_iter().take(max).map(|(_, found)| found).collect()
}

/// What to highlight in a title or another short text: ranges of bytes like those of [`CueMatch::highlights`].
///
/// Each phrase that the query looks for counts wherever it occurs, also when the text does not match the whole query:
/// a title may hold one of its words, and the transcript the others.
#[must_use]
pub fn find_in_text(text: &str, query: &SearchQuery) -> Vec<(usize, usize)> {
    let phrases = query.phrases();
    let said = Said::of([text], &phrases);
    let mut parts = Vec::new();
    for (number, phrase) in phrases.iter().enumerate() {
        said.split_by_cue(&said.ranges(phrase), number, &mut parts);
    }
    parts.sort_unstable_by_key(|part| part.range);
    merged(parts.iter().map(|part| part.range))
}

/// Where each phrase of an expression occurs in the whole text: looked up once, not once a passage.
type Places<'a> = HashMap<&'a Phrase, Vec<Range<usize>>>;

/// All phrases of an expression, what is excluded with them.
fn gather<'a>(expression: &'a Expression, phrases: &mut HashSet<&'a Phrase>) {
    match expression {
        Expression::Phrase(phrase) => {
            phrases.insert(phrase);
        }
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| gather(part, phrases));
        }
        Expression::Without { include, exclude } => {
            gather(include, phrases);
            exclude.iter().for_each(|part| gather(part, phrases));
        }
    }
}

/// The words of some phrases.
struct Wanted<'q> {
    words: HashSet<&'q str>,
    beginnings: Vec<&'q str>,
    /// With which bytes they begin: most of what is said, if it is written in Latin letters, begins with another one.
    first_bytes: [bool; 256],
}

impl<'q> Wanted<'q> {
    fn of(phrases: impl IntoIterator<Item = &'q Phrase>) -> Self {
        let mut wanted = Self { words: HashSet::new(), beginnings: Vec::new(), first_bytes: [false; 256] };
        for phrase in phrases {
            for word in phrase.tokens() {
                wanted.words.insert(word);
                if let Some(first) = word.bytes().next() {
                    wanted.first_bytes[usize::from(first)] = true;
                }
            }
            wanted
                .beginnings
                .extend(phrase.tokens().last().filter(|_| phrase.is_prefix()).map(String::as_str));
        }
        wanted
    }

    fn has(&self, token: &str) -> bool {
        token.bytes().next().is_some_and(|first| self.first_bytes[usize::from(first)])
            && (self.words.contains(token)
                || self.beginnings.iter().any(|beginning| token.starts_with(beginning)))
    }
}

/// What texts hold of the words of some phrases.
struct Said<'a> {
    /// These words, in order.
    found: Vec<SaidWord<'a>>,
    /// Where each text ends in all that is said.
    ends: TextEnds,
}

struct SaidWord<'a> {
    /// Its position in all that is said.
    position: usize,
    token: Token<'a>,
}

impl AsRef<str> for SaidWord<'_> {
    fn as_ref(&self) -> &str {
        &self.token.text
    }
}

impl<'a> Said<'a> {
    fn of<'q>(
        texts: impl IntoIterator<Item = &'a str>,
        phrases: impl IntoIterator<Item = &'q &'q Phrase>,
    ) -> Self {
        let wanted = Wanted::of(phrases.into_iter().copied());
        let mut found = Vec::new();
        let ends = TextEnds::of(texts, |position, token| {
            if wanted.has(&token.text) {
                found.push(SaidWord { position, token });
            }
        });
        Self { found, ends }
    }

    /// Where a phrase occurs, as ranges of positions in all that is said, in order.
    fn ranges(&self, phrase: &Phrase) -> Vec<Range<usize>> {
        let length = phrase.tokens().len();
        let windows = self.found.windows(length.max(1));
        windows
            .filter_map(|words| {
                let [first, ..] = words else { return None };
                let together = words.last().is_some_and(|last| last.position - first.position + 1 == length);
                (together && is(phrase, words)).then(|| first.position..first.position + length)
            })
            .collect()
    }

    /// What each cue shows of the occurrences of a phrase.
    fn split_by_cue<'r>(
        &self,
        occurrences: impl IntoIterator<Item = &'r Range<usize>>,
        phrase: usize,
        parts: &mut Vec<Part>,
    ) {
        for span in spans(occurrences) {
            // Each word of the span is one of the phrase, so what was found has them all.
            let first = self.found.partition_point(|word| word.position < span.start);
            let words = &self.found[first..first + span.len()];
            for words in words.chunk_by(|a, b| self.ends.text_of(a.position) == self.ends.text_of(b.position))
            {
                if let [first, ..] = words
                    && let Some(last) = words.last()
                {
                    let range = (first.token.start, last.token.end);
                    parts.push(Part { cue: self.ends.text_of(first.position), range, phrase });
                }
            }
        }
    }
}

/// The occurrences that lie wholly inside a passage.
fn inside<'a>(places: &'a Places<'_>, phrase: &Phrase, window: &Range<usize>) -> &'a [Range<usize>] {
    let Some(occurrences) = places.get(phrase) else { return &[] };
    let first = occurrences.partition_point(|occurrence| occurrence.start < window.start);
    let end = occurrences.partition_point(|occurrence| occurrence.end <= window.end);
    occurrences.get(first..end).unwrap_or_default()
}

/// What one cue shows of a phrase.
struct Part {
    cue: usize,
    range: (usize, usize),
    phrase: usize,
}

/// Occurrences of one phrase that share tokens, made into one span: a run of one word would else be split 64 times.
/// Those that come again, because passages overlap, vanish in the span that they made before.
fn spans<'a>(occurrences: impl IntoIterator<Item = &'a Range<usize>>) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for occurrence in occurrences {
        match spans.last_mut() {
            Some(last) if occurrence.start < last.end => last.end = last.end.max(occurrence.end),
            _ => spans.push(occurrence.clone()),
        }
    }
    spans
}

/// Ranges in order, those that overlap or touch made into one.
fn merged(sorted: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    let mut merged: Vec<(usize, usize)> = Vec::new();
    for (start, end) in sorted {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::phrase_ranges;
    use super::super::normalise::tokens;
    use super::*;
    use proptest::prelude::*;

    fn cues(texts: &[&str]) -> Vec<Cue> {
        texts.iter().map(|text| Cue { start_ms: 0, end_ms: 0, text: (*text).to_owned() }).collect()
    }

    /// The cues found, with their highlights in brackets.
    fn found(texts: &[&str], query: &str) -> Vec<(usize, String)> {
        find_cues(&cues(texts), &SearchQuery::parse(query).unwrap(), usize::MAX)
            .into_iter()
            .map(|found| (found.cue, marked(texts[found.cue], &found.highlights)))
            .collect()
    }

    fn marked(text: &str, highlights: &[(usize, usize)]) -> String {
        let mut marked = String::new();
        let mut done = 0;
        for (start, end) in highlights {
            marked += &format!("{}[{}]", &text[done..*start], &text[*start..*end]);
            done = *end;
        }
        marked + &text[done..]
    }

    #[track_caller]
    fn check(texts: &[&str], query: &str, expected: &[(usize, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(cue, text)| (*cue, (*text).to_owned())).collect();
        assert_eq!(found(texts, query), expected, "{query}");
    }

    #[test]
    fn words_as_they_were_written() {
        check(&["Die Straße nach KÖLN!"], "strasse koln", &[(0, "Die [Straße] nach [KÖLN]!")]);
        check(&["Στην Οδό Ερμού"], "ΟΔΟΣ OR οδο", &[(0, "Στην [Οδό] Ερμού")]);
        check(&["hier مُحَمَّد dort"], "محمد", &[(0, "hier [مُحَمَّد] dort")]);
        check(&["वह मैं हूँ मे"], "मैं", &[(0, "वह [मैं] हूँ मे")]);
        check(&["Việt Nam"], "viet", &[(0, "[Việt] Nam")]);
        check(&["astronomy, astrology"], "astro*", &[(0, "[astronomy], [astrology]")]);
        check(&["3½ cups"], "1", &[(0, "3[½] cups")]);
    }

    #[test]
    fn a_phrase_is_one_range() {
        check(&["never — gonna!"], "\"never gonna\"", &[(0, "[never — gonna]!")]);
        check(&["I don’t know"], "don't", &[(0, "I [don’t] know")]);
        check(&["学习人工智能。人工"], "人工智能", &[(0, "学习[人工智能]。人工")]);
        check(&["กินข้าวแล้ว"], "ข้าว", &[(0, "กิน[ข้าว]แล้ว")]);
        // Words that are looked for one by one are highlighted one by one.
        check(&["very very good"], "very good", &[(0, "[very] [very] [good]")]);
        check(&["a b c"], "\"a b\" \"b c\"", &[(0, "[a b c]")]);
        check(&["人工"], "人 工", &[(0, "[人工]")]);
    }

    #[test]
    fn a_phrase_across_cues_shows_in_each() {
        check(
            &["Never gonna", "♪", "give you up"],
            "\"gonna give you\"",
            &[(0, "Never [gonna]"), (2, "[give you] up")],
        );
    }

    #[test]
    fn telling_cues_come_first() {
        check(
            &["tea", "nothing", "milk and tea", "milk"],
            "tea milk",
            &[(2, "[milk] and [tea]"), (0, "[tea]"), (3, "[milk]")],
        );
        // One phrase twice is one phrase.
        check(&["tea", "tea tea"], "tea", &[(0, "[tea]"), (1, "[tea] [tea]")]);
    }

    #[test]
    fn at_most_max() {
        let cues = cues(&["tea", "milk tea"]);
        let query = SearchQuery::parse("tea OR milk").unwrap();
        assert_eq!(find_cues(&cues, &query, 0), []);
        assert_eq!(find_cues(&cues, &query, 1), [CueMatch { cue: 1, highlights: vec![(0, 4), (5, 8)] }]);
        assert_eq!(find_cues(&cues, &query, 2).len(), 2);
        assert_eq!(find_cues(&[], &query, 2), []);
    }

    #[test]
    fn only_passages_that_match_count() {
        let filler = "x ".repeat(400);
        // The words are too far from each other.
        check(&["tea", &filler, "milk"], "tea milk", &[]);
        // The first tea has milk near it, the last has not.
        check(&["tea milk", &filler, "tea"], "tea milk", &[(0, "[tea] [milk]")]);
        check(&["tea milk", &filler, "tea"], "tea -milk", &[(2, "[tea]")]);
        check(&["tea", "milk"], "tea -milk", &[]);
    }

    #[test]
    fn titles_highlight_whatever_occurs() {
        let title = "Köln: a tea house";
        let at = |query: &str| marked(title, &find_in_text(title, &SearchQuery::parse(query).unwrap()));
        assert_eq!(at("koln milk -house"), "[Köln]: a tea house");
        assert_eq!(at("\"tea house\" tea"), "Köln: a [tea house]");
        assert_eq!(at("milk"), title);
    }

    proptest! {
        /// What is kept of a text is enough to find what all of it shows.
        #[test]
        fn a_phrase_is_found_where_it_occurs(
            text in "[abc]{1,2}( [abc]{1,2}){0,30}",
            query in "(\"[abc]{1,2}( [abc]{1,2}){0,3}\"\\*?|[abc]{1,2}\\*?)( (\"[abc]{1,2}( [abc]){0,2}\"|[abc]\\*?)){0,3}",
        ) {
            let query = SearchQuery::parse(&query).unwrap();
            let tokens = tokens(&text);
            let words: Vec<&str> = tokens.iter().map(|token| &*token.text).collect();
            let phrases = query.phrases();
            let said = Said::of([text.as_str()], &phrases);
            for phrase in phrases {
                prop_assert_eq!(said.ranges(phrase), phrase_ranges(phrase, &words), "{:?}", phrase);
            }
        }
    }

    #[test]
    fn a_long_run_of_one_word() {
        let word = "la ".repeat(100_000);
        let phrase = format!("\"{}\" la", "la ".repeat(64));
        assert_eq!(found(&[&word], "la")[0].1.matches('[').count(), 100_000);
        let one = found(&[&word], &phrase);
        assert_eq!(one[0].1.matches('[').count(), 1);
    }
}
