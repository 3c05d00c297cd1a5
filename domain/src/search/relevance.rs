//! How well a passage answers a query: [`Relevance`], for adapters whose engine has no measure of its own, and
//! [`metadata_weight`], for all.

use super::{PASSAGE_TOKENS, Phrase, SearchQuery, phrase_ranges, tokens};

/// How soon more occurrences stop to count for more. The usual value.
const K1: f64 = 1.2;
/// How much the length of a passage counts. The usual value.
const B: f64 = 0.75;

/// How many times as much counts what is said in the title or the description: it is what the video is about.
const METADATA_WEIGHT: f64 = 1.5;
/// How many times as much counts a title that answers by itself. In a passage of some length, occurrences without number
/// count [`K1`] + 1 = 2.2 times as much as one; so this one counts for more.
const TITLE_WEIGHT: f64 = 3.0;

/// How many times as much as in a transcript a passage counts that is of the title and description of a video with
/// this title: 1.5 times, and 3 times if the query holds in the title alone. Every adapter multiplies the scores of such
/// passages by it, its engine's own too.
///
/// ```
/// use tubeatlas_domain::search::{SearchQuery, metadata_weight};
///
/// let query = SearchQuery::parse("black hole*")?;
/// assert!(metadata_weight(&query, "Holes, black as night") > metadata_weight(&query, "What black is"));
/// assert!(metadata_weight(&query, "Something else") > 1.0);
/// # Ok::<(), tubeatlas_domain::search::QueryError>(())
/// ```
#[must_use]
pub fn metadata_weight(query: &SearchQuery, title: &str) -> f64 {
    let tokens: Vec<_> = tokens(title).into_iter().map(|token| token.text).collect();
    if query.expression().matches(&tokens) { TITLE_WEIGHT } else { METADATA_WEIGHT }
}

/// Scores passages for the phrases of one query: Okapi BM25 with the usual parameters (k1 = 1.2, b = 0.75; S. Robertson
/// and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009), and a weight that is never
/// negative: the logarithm of 1 + (N − n + 0.5) / (n + 0.5), where n of N passages hold the phrase. Transcripts are cut
/// into passages of one length, [`PASSAGE_TOKENS`], so that is taken for the mean of their lengths.
///
/// So more occurrences score higher, a rarer phrase scores higher, and a longer passage lower, however often a
/// phrase occurs. Counts above 2⁵³ are rounded. A passage of title and description counts [`metadata_weight`] times as
/// much.
///
/// ```
/// use tubeatlas_domain::search::{Relevance, SearchQuery};
///
/// let query = SearchQuery::parse("yeast OR dough")?;
/// // Of 1,000 passages, 3 hold "yeast" and 40 hold "dough".
/// let relevance = Relevance::new(1_000, query.phrases().into_iter().zip([3, 40]));
/// assert!(relevance.score(&["dry", "yeast"]) > relevance.score(&["dry", "dough"]));
/// # Ok::<(), tubeatlas_domain::search::QueryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Relevance<'a> {
    weighted: Vec<(&'a Phrase, f64)>,
}

impl<'a> Relevance<'a> {
    /// For these phrases, each with the number of passages that hold it (which may also be, for a phrase of several
    /// words, the number of those that hold all of its words), where there are so many passages in all.
    pub fn new(passages: u64, phrases: impl IntoIterator<Item = (&'a Phrase, u64)>) -> Self {
        let weigh = |(phrase, holders): (_, u64)| {
            // More holders than passages are there only where one of the two is an estimate.
            let others = passages.saturating_sub(holders) as f64;
            (phrase, ((others + 0.5) / (holders as f64 + 0.5)).ln_1p())
        };
        Self { weighted: phrases.into_iter().map(weigh).collect() }
    }

    /// The score of a passage with these tokens; 0 if no phrase occurs in it.
    pub fn score<T: AsRef<str>>(&self, tokens: &[T]) -> f64 {
        let length = 1.0 - B + B * tokens.len() as f64 / PASSAGE_TOKENS as f64;
        let of_phrase = |(phrase, weight): &(&Phrase, f64)| {
            let occurrences = phrase_ranges(phrase, tokens).len() as f64;
            weight * occurrences * (K1 + 1.0) / (occurrences + K1 * length)
        };
        self.weighted.iter().map(of_phrase).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::SearchQuery;

    fn score(holders: &[u64], query: &str, text: &str) -> f64 {
        let query = SearchQuery::parse(query).unwrap();
        let phrases = query.phrases().into_iter().zip(holders.iter().copied());
        Relevance::new(3, phrases).score(&text.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn scores_are_those_of_the_formula() {
        let length = 0.25 + 0.75 * 2.0 / 240.0;
        let a = (1.0_f64 + 1.5 / 2.5).ln() * 2.0 * 2.2 / (2.0 + 1.2 * length);
        assert!((score(&[2], "a", "a a") - a).abs() < 1e-12);
        let (a, b) = ((1.0_f64 + 1.5 / 2.5).ln(), (1.0_f64 + 2.5 / 1.5).ln());
        let both = (a + b) * 2.2 / (1.0 + 1.2 * length);
        assert!((score(&[2, 1], "a OR b", "a b") - both).abs() < 1e-12);
    }

    #[test]
    fn a_title_counts_that_answers_by_itself() {
        let weight = |query: &str, title: &str| metadata_weight(&SearchQuery::parse(query).unwrap(), title);
        for (query, title) in
            [("tea", "TEA"), ("\"hot tea\"", "Hot tea!"), ("tea OR milk", "Milk"), ("tea -hot", "Iced tea")]
        {
            assert_eq!(weight(query, title), TITLE_WEIGHT, "{query} in {title}");
        }
        for (query, title) in
            [("tea", ""), ("\"hot tea\"", "Tea, hot"), ("tea milk", "Milk"), ("tea -hot", "Hot tea")]
        {
            assert_eq!(weight(query, title), METADATA_WEIGHT, "{query} in {title}");
        }
    }

    #[test]
    fn a_title_counts_for_more_than_any_number_of_occurrences() {
        let often = score(&[2], "a", &["a"; 240].join(" "));
        let once = score(&[2], "a", &format!("a{}", " b".repeat(239)));
        assert!(TITLE_WEIGHT * once > often && TITLE_WEIGHT > METADATA_WEIGHT);
    }

    #[test]
    fn what_does_not_occur_scores_nothing_and_nothing_is_no_number() {
        assert_eq!(score(&[0], "x", "a b"), 0.0);
        let query = SearchQuery::parse("x").unwrap();
        assert_eq!(Relevance::new(0, query.phrases().into_iter().zip([0])).score::<&str>(&[]), 0.0);
        assert!(Relevance::new(0, query.phrases().into_iter().zip([9])).score(&["x"]) > 0.0);
    }

    #[test]
    fn a_word_that_all_hold_still_weighs_something() {
        assert!(score(&[3], "a", "a") > 0.0);
        assert!(score(&[1], "b", "a b") > score(&[3], "a", "a b"));
        assert!(score(&[3], "a", "a a") > score(&[3], "a", "a b"));
        assert!(score(&[3], "a", "a b") > score(&[3], "a", "a b c"));
        assert!(score(&[2], "\"a b\"", "a b") > 0.0 && score(&[2], "\"b a\"", "a b") == 0.0);
    }
}
