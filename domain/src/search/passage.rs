//! Passages: the pieces of a text that are indexed, and that a query must match as a whole.
//!
//! A hit should be a minute, not a file; so a transcript is cut into overlapping windows of its tokens.
//! Windows of one size also make ranking fair, and stay within the limits of engines (a Postgres
//! `tsvector` keeps 255 positions of a word).

use std::ops::Range;

use super::normalise::{Token, each_token, joined};
use crate::Cue;

/// The version of what this module makes of texts. It rises whenever some text gets other tokens or passages, also by newer
/// tables of Unicode: an index of texts that were taken apart in another way would miss words, so a store keeps the
/// version that its index was made by.
pub const INDEX_VERSION: u32 = 1;

/// The most tokens of a passage; about a minute and a half of speech.
pub const PASSAGE_TOKENS: usize = 240;

/// How many tokens a passage shares with the one before it.
///
/// Two tokens at positions that differ by at most this much always share a passage.
pub const PASSAGE_OVERLAP: usize = 80;

const STEP: usize = PASSAGE_TOKENS - PASSAGE_OVERLAP;

/// A piece of a text, as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The position of the passage in its text, from 0.
    pub ordinal: u32,
    /// What an adapter indexes: at most [`PASSAGE_TOKENS`] tokens, joined by one space.
    pub text: String,
    /// The index of the cue that holds the first token; 0 in a passage of metadata.
    pub first_cue: u32,
    /// The index of the cue that holds the last token; 0 in a passage of metadata.
    pub last_cue: u32,
}

impl Passage {
    /// The tokens of the passage in order; at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ')
    }
}

/// The passages of a transcript.
///
/// The tokens of all cues make one stream, so that a phrase is found across the border of two cues. A
/// passage begins at every 160th token, until one reaches the end. No tokens, no passages.
///
/// ```
/// use tubeatlas_domain::Cue;
/// use tubeatlas_domain::search::transcript_passages;
///
/// let cues = [
///     Cue { start_ms: 0, end_ms: 900, text: "Hello".into() },
///     Cue { start_ms: 900, end_ms: 2_000, text: "World!".into() },
/// ];
/// let passages = transcript_passages(&cues);
/// assert_eq!(passages.len(), 1);
/// assert_eq!(passages[0].text, "hello world");
/// assert_eq!((passages[0].first_cue, passages[0].last_cue), (0, 1));
/// ```
#[must_use]
pub fn transcript_passages(cues: &[Cue]) -> Vec<Passage> {
    passages(&TokenStream::of(cues.iter().map(|cue| cue.text.as_str())), |text| text)
}

/// The passages of what is said about a video: the tokens of its title, then those of its description, cut like a
/// transcript.
#[must_use]
pub fn metadata_passages(title: &str, description: Option<&str>) -> Vec<Passage> {
    passages(&TokenStream::of([title].into_iter().chain(description)), |_| 0)
}

fn passages(stream: &TokenStream<'_>, cue_of_text: fn(usize) -> usize) -> Vec<Passage> {
    windows(stream.tokens.len())
        .enumerate()
        .map(|(ordinal, window)| Passage {
            ordinal: saturated(ordinal),
            first_cue: saturated(cue_of_text(stream.ends.text_of(window.start))),
            last_cue: saturated(cue_of_text(stream.ends.text_of(window.end - 1))),
            text: joined(&stream.tokens[window]),
        })
        .collect()
}

/// More passages than this would not fit into the memory that holds the text.
fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The passages of so many tokens, as ranges of token positions.
pub(super) fn windows(tokens: usize) -> impl Iterator<Item = Range<usize>> {
    let first = (tokens > 0).then_some(0);
    std::iter::successors(first, move |start| (start + PASSAGE_TOKENS < tokens).then_some(start + STEP))
        .map(move |start| start..tokens.min(start + PASSAGE_TOKENS))
}

/// The tokens of several texts, one after another.
struct TokenStream<'a> {
    tokens: Vec<Token<'a>>,
    ends: TextEnds,
}

impl<'a> TokenStream<'a> {
    fn of(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tokens = Vec::new();
        let ends = TextEnds::of(texts, |_, token| tokens.push(token));
        Self { tokens, ends }
    }
}

/// Where each of several texts ends in the stream of their tokens: the position behind its last one.
pub(super) struct TextEnds(Vec<usize>);

impl TextEnds {
    /// Gives each token of the texts with its position, one text after another.
    pub(super) fn of<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        mut found: impl FnMut(usize, Token<'a>),
    ) -> Self {
        let mut position = 0;
        let ends = texts.into_iter().map(|text| {
            each_token(text, &mut |token| {
                found(position, token);
                position += 1;
            });
            position
        });
        Self(ends.collect())
    }

    /// How many tokens the texts have.
    pub(super) fn tokens(&self) -> usize {
        self.0.last().copied().unwrap_or(0)
    }

    /// Which text holds the token at this position.
    pub(super) fn text_of(&self, position: usize) -> usize {
        self.0.partition_point(|end| *end <= position)
    }
}

#[cfg(test)]
mod tests {
    use super::super::normalise::tokens;
    use super::*;
    use proptest::prelude::*;

    fn cues(texts: &[&str]) -> Vec<Cue> {
        texts.iter().map(|text| Cue { start_ms: 0, end_ms: 0, text: (*text).to_owned() }).collect()
    }

    #[test]
    fn windows_overlap_and_reach_the_end() {
        let ends = |tokens| windows(tokens).map(|w| (w.start, w.end)).collect::<Vec<_>>();
        assert_eq!(ends(0), []);
        assert_eq!(ends(1), [(0, 1)]);
        assert_eq!(ends(240), [(0, 240)]);
        assert_eq!(ends(241), [(0, 240), (160, 241)]);
        assert_eq!(ends(400), [(0, 240), (160, 400)]);
        assert_eq!(ends(401), [(0, 240), (160, 400), (320, 401)]);
    }

    #[test]
    fn cues_without_words_count_as_cues() {
        let passages = transcript_passages(&cues(&["", "♪", "Never gonna", "[…]", "give you", ""]));
        assert_eq!(
            passages,
            [Passage { ordinal: 0, text: "never gonna give you".into(), first_cue: 2, last_cue: 4 }]
        );
        assert_eq!(transcript_passages(&cues(&["", "♪"])), []);
        assert_eq!(transcript_passages(&[]), []);
    }

    #[test]
    fn a_word_does_not_run_across_the_border_of_cues() {
        assert_eq!(transcript_passages(&cues(&["foot", "ball"]))[0].text, "foot ball");
    }

    #[test]
    fn passages_say_which_cues_they_hold() {
        let texts: Vec<String> = (0..500).map(|n| format!("word{n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let cues: Vec<_> = transcript_passages(&cues(&texts))
            .iter()
            .map(|passage| (passage.ordinal, passage.first_cue, passage.last_cue))
            .collect();
        assert_eq!(cues, [(0, 0, 239), (1, 160, 399), (2, 320, 499)]);
    }

    #[test]
    fn metadata_is_title_then_description() {
        let passages = metadata_passages("Grüße!", Some("aus Köln"));
        assert_eq!(
            passages,
            [Passage { ordinal: 0, text: "grusse aus koln".into(), first_cue: 0, last_cue: 0 }]
        );
        assert_eq!(passages[0].tokens().collect::<Vec<_>>(), ["grusse", "aus", "koln"]);
        assert_eq!(metadata_passages("…", None), []);
        assert_eq!(metadata_passages("a", Some(&"b ".repeat(300)))[1].last_cue, 0);
    }

    proptest! {
        #[test]
        fn close_tokens_share_a_passage(at in 0_usize..2_000, gap in 0..=PASSAGE_OVERLAP, after in 0_usize..500) {
            let tokens = at + gap + 1 + after;
            prop_assert!(windows(tokens).any(|w| w.contains(&at) && w.contains(&(at + gap))));
        }

        #[test]
        fn no_passage_lies_inside_another(tokens in 0_usize..2_000) {
            let windows: Vec<_> = windows(tokens).collect();
            prop_assert!(windows.windows(2).all(|w| w[0].start < w[1].start && w[0].end < w[1].end));
            prop_assert!(windows.iter().all(|w| !w.is_empty() && w.len() <= PASSAGE_TOKENS));
        }

        #[test]
        fn each_token_is_in_a_passage(texts in prop::collection::vec("[a-c ]{0,200}", 0..12)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let passages = transcript_passages(&cues(&texts));
            let mut expected: Vec<_> = texts.iter().flat_map(|text| tokens(text)).map(|t| t.text).collect();
            for passage in passages.iter().rev() {
                let of_passage: Vec<_> = passage.tokens().collect();
                let from = passage.ordinal as usize * STEP;
                prop_assert_eq!(&expected[from..], &of_passage[..]);
                expected.truncate((from + PASSAGE_OVERLAP).min(expected.len()));
            }
            prop_assert!(expected.len() <= PASSAGE_OVERLAP);
        }
    }
}
