//! What a query means: the reference that every engine's answer is compared with.

use std::ops::Range;

use super::normalise::tokens;
use super::query::{Expression, Phrase};

impl Expression {
    /// Whether the expression holds in a passage.
    ///
    /// `passage_tokens` are the tokens of one passage, in order, as [`tokens`](super::tokens) makes them.
    ///
    /// ```
    /// use tubeatlas_domain::search::SearchQuery;
    ///
    /// let query = SearchQuery::parse("\"gonna give\" yo* -down")?;
    /// assert!(query.expression().matches(&["never", "gonna", "give", "you", "up"]));
    /// assert!(!query.expression().matches(&["never", "gonna", "let", "you", "down"]));
    /// # Ok::<(), tubeatlas_domain::search::QueryError>(())
    /// ```
    #[must_use]
    pub fn matches<T: AsRef<str>>(&self, passage_tokens: &[T]) -> bool {
        self.holds(&|phrase| starts(phrase, passage_tokens).next().is_some())
    }

    /// Whether the expression holds where these phrases occur.
    pub(super) fn holds(&self, occurs: &impl Fn(&Phrase) -> bool) -> bool {
        match self {
            Self::Phrase(phrase) => occurs(phrase),
            Self::All(parts) => parts.iter().all(|part| part.holds(occurs)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(occurs)),
            Self::Without { include, exclude } => {
                include.holds(occurs) && !exclude.iter().any(|part| part.holds(occurs))
            }
        }
    }
}

impl Phrase {
    /// Whether the words of a text hold the phrase, wherever in it: how `title:` is meant.
    ///
    /// ```
    /// use tubeatlas_domain::search::SearchQuery;
    ///
    /// let query = SearchQuery::parse("hole title:\"black ho\"*")?;
    /// assert!(query.fields().title[0].is_in("What is a BLACK HOLE?"));
    /// assert!(!query.fields().title[0].is_in("Holes: black, white"));
    /// # Ok::<(), tubeatlas_domain::search::QueryError>(())
    /// ```
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let tokens = tokens(text);
        let words: Vec<&str> = tokens.iter().map(|token| &*token.text).collect();
        starts(self, &words).next().is_some()
    }
}

/// Where a phrase occurs, as ranges of token positions: in order, all as long as the phrase. Occurrences may overlap.
#[must_use]
pub fn phrase_ranges<T: AsRef<str>>(phrase: &Phrase, tokens: &[T]) -> Vec<Range<usize>> {
    starts(phrase, tokens).map(|start| start..start + phrase.tokens().len()).collect()
}

fn starts<T: AsRef<str>>(phrase: &Phrase, tokens: &[T]) -> impl Iterator<Item = usize> {
    tokens
        .windows(phrase.tokens().len().max(1))
        .enumerate()
        .filter(move |(_, found)| is(phrase, found))
        .map(|(start, _)| start)
}

/// Whether these are the tokens of a phrase, as many as it has.
pub(super) fn is<T: AsRef<str>>(phrase: &Phrase, found: &[T]) -> bool {
    // The last token first: in a run of one word, it is the one that tells.
    let mut pairs = phrase.tokens().iter().zip(found).rev();
    let last = pairs.next().is_some_and(|(wanted, found)| {
        let found = found.as_ref();
        found == wanted || (phrase.is_prefix() && found.starts_with(wanted.as_str()))
    });
    last && pairs.all(|(wanted, found)| wanted == found.as_ref())
}

#[cfg(test)]
mod tests {
    use super::super::query::SearchQuery;
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    #[test]
    fn what_a_query_means() {
        for (query, passage, expected) in [
            ("a", "b a", true),
            ("a", "aa", false),
            ("a", "", false),
            ("a b", "b x a", true),
            ("a b", "a", false),
            ("\"a b\"", "x a b y", true),
            ("\"a b\"", "a x b", false),
            ("\"a b\"", "b a", false),
            ("\"a b\"", "a", false),
            ("\"a a b\"", "a a a b", true),
            ("a*", "abc", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("\"a b*\"", "a bc", true),
            ("\"a b*\"", "ab b", false),
            ("a OR b", "b", true),
            ("a OR b", "c", false),
            ("a b OR c", "a c", true),
            ("a b OR c", "b c", false),
            ("a -b", "a", true),
            ("a -b", "a b", false),
            ("a -b -c", "c a", false),
            ("a -\"b c\"", "a b x c", true),
            ("a -\"b c\"", "a b c", false),
            ("a -b*", "a bcd", false),
            ("a -a", "a", false),
        ] {
            let query = SearchQuery::parse(query).unwrap();
            assert_eq!(query.expression().matches(&words(passage)), expected, "{query} in {passage:?}");
        }
    }

    #[test]
    fn empty_lists_mean_what_logic_says() {
        assert!(Expression::All(vec![]).matches::<&str>(&[]));
        assert!(!Expression::Any(vec![]).matches(&["a"]));
    }

    #[test]
    fn occurrences_may_overlap() {
        let query = SearchQuery::parse("\"a a*\"").unwrap();
        let phrase = query.phrases()[0];
        assert_eq!(phrase_ranges(phrase, &words("a a ab x a")), [0..2, 1..3]);
        assert_eq!(phrase_ranges(phrase, &words("a")), []);
        assert_eq!(phrase_ranges::<&str>(phrase, &[]), []);
    }
}
