//! Search: an inverted index over the passages.
//!
//! The index narrows the passages down; what is found is decided by the domain alone
//! ([`Expression::matches`]), and relevance by its [`Relevance`], over all passages of the store.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use tubeatlas_domain::search::{
    Expression, Passage, Phrase, Relevance, SearchQuery, find_in_text, metadata_weight,
};
use tubeatlas_domain::{LanguageTag, Timestamp, TranscriptId, TranscriptKind, VideoId};
use tubeatlas_ports::{
    Cursor, FoundCue, MAX_SEARCH_LIMIT, Page, Result, SearchHit, SearchOrder, SearchPage, SearchPosition,
    SearchRequest, check_limit,
};

use crate::state::{Groups, State};

/// What one hit is made of: a transcript, or the title and description of a video (without a language).
/// Ordered as hits of the same score are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DocumentKey {
    pub(crate) video_id: VideoId,
    pub(crate) language: Option<LanguageTag>,
}

#[derive(PartialEq)]
struct Document {
    key: Arc<DocumentKey>,
    passages: Vec<Passage>,
}

/// A passage: the number of its document, and behind that its own, in one word, because there are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PassageKey(u64);

impl PassageKey {
    /// The 16 MiB of the largest transcript make some 10⁵ passages.
    const ORDINAL_BITS: u32 = 20;

    fn new(document: u64, ordinal: u64) -> Self {
        Self((document << Self::ORDINAL_BITS) | ordinal)
    }

    fn document(self) -> u64 {
        self.0 >> Self::ORDINAL_BITS
    }

    fn ordinal(self) -> usize {
        usize::try_from(self.0 & ((1 << Self::ORDINAL_BITS) - 1)).unwrap_or(usize::MAX)
    }
}

/// Which passages hold which words.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Index {
    documents: OrdMap<u64, Arc<Document>>,
    /// The numbers of the documents, which are shorter than their keys.
    numbers: OrdMap<Arc<DocumentKey>, u64>,
    last_number: u64,
    holders: Groups<Arc<str>, PassageKey>,
    /// How many passages there are.
    passages: u64,
}

impl Document {
    /// The passages with their keys, and each of their words once.
    fn words(&self, number: u64) -> impl Iterator<Item = (PassageKey, BTreeSet<&str>)> {
        (0..)
            .zip(&self.passages)
            .map(move |(ordinal, passage)| (PassageKey::new(number, ordinal), passage.tokens().collect()))
    }
}

impl Index {
    /// Indexes these passages as the document's, and no others; without passages it is gone.
    pub(crate) fn replace(&mut self, key: DocumentKey, passages: Vec<Passage>) {
        let number = self.numbers.remove::<DocumentKey>(&key);
        if let Some((number, old)) = number.and_then(|number| Some((number, self.documents.remove(&number)?)))
        {
            self.passages -= old.passages.len() as u64;
            for (passage, words) in old.words(number) {
                words.into_iter().for_each(|word| self.holders.remove(word, &passage));
            }
        }
        if passages.is_empty() {
            return;
        }
        let number = number.unwrap_or_else(|| {
            self.last_number += 1;
            self.last_number
        });
        let key = Arc::new(key);
        let document = Document { key: key.clone(), passages };
        self.passages += document.passages.len() as u64;
        for (passage, words) in document.words(number) {
            words.into_iter().for_each(|word| self.holders.insert_at(word, passage));
        }
        self.numbers.insert(key, number);
        self.documents.insert(number, Arc::new(document));
    }

    /// The holders of the words that begin so.
    fn holders_of_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a OrdSet<PassageKey>> {
        self.holders
            .from(prefix)
            .take_while(move |(word, _)| word.starts_with(prefix))
            .map(|(_, holders)| holders)
    }

    /// The words of a phrase that must occur as they are, and the one that is only a beginning.
    fn parts(phrase: &Phrase) -> (&[String], Option<&str>) {
        match phrase.tokens().split_last() {
            Some((prefix, words)) if phrase.is_prefix() => (words, Some(prefix)),
            _ => (phrase.tokens(), None),
        }
    }

    fn holders_of_words<'a>(&'a self, words: &'a [String]) -> Option<Vec<&'a OrdSet<PassageKey>>> {
        words.iter().map(|word| self.holders.of(word.as_str())).collect()
    }

    /// At least as many as [`candidates`](Self::candidates) gives.
    fn at_most(&self, expression: &Expression) -> usize {
        match expression {
            Expression::Phrase(phrase) => {
                let (words, prefix) = Self::parts(phrase);
                let prefix = prefix.map(|prefix| self.holders_of_prefix(prefix).map(OrdSet::len).sum());
                let words = words.iter().map(|word| self.holders.of(word.as_str()).map_or(0, OrdSet::len));
                words.chain(prefix).min().unwrap_or(0)
            }
            Expression::All(parts) => parts.iter().map(|part| self.at_most(part)).min().unwrap_or(0),
            Expression::Any(parts) => parts.iter().map(|part| self.at_most(part)).sum(),
            Expression::Without { include, exclude: _ } => self.at_most(include),
        }
    }

    /// Passages in which the expression may hold, in order: all in which it does, and some others.
    fn candidates(&self, expression: &Expression) -> Vec<PassageKey> {
        match expression {
            Expression::Phrase(phrase) => self.candidates_of_phrase(phrase),
            Expression::All(parts) => {
                let narrowest = parts.iter().min_by_key(|part| self.at_most(part));
                let mut keys = narrowest.map(|part| self.candidates(part)).unwrap_or_default();
                keys.retain(|key| parts.iter().all(|part| self.may_hold(part, key)));
                keys
            }
            Expression::Any(parts) => {
                let keys: BTreeSet<_> = parts.iter().flat_map(|part| self.candidates(part)).collect();
                keys.into_iter().collect()
            }
            Expression::Without { include, exclude: _ } => self.candidates(include),
        }
    }

    fn candidates_of_phrase(&self, phrase: &Phrase) -> Vec<PassageKey> {
        let (words, prefix) = Self::parts(phrase);
        let Some(mut words) = self.holders_of_words(words) else { return Vec::new() };
        words.sort_by_key(|holders| holders.len());
        match (words.split_first(), prefix) {
            // Whether the prefix occurs too shows when the passage is read.
            (Some((narrowest, others)), _) => {
                let keys = narrowest.iter().copied();
                keys.filter(|key| others.iter().all(|holders| holders.contains(key))).collect()
            }
            (None, Some(prefix)) => {
                let keys: BTreeSet<_> = self.holders_of_prefix(prefix).flatten().copied().collect();
                keys.into_iter().collect()
            }
            (None, None) => Vec::new(),
        }
    }

    fn may_hold(&self, expression: &Expression, key: &PassageKey) -> bool {
        match expression {
            Expression::Phrase(phrase) => {
                let (words, _) = Self::parts(phrase);
                words.iter().all(|word| self.holders.of(word.as_str()).is_some_and(|keys| keys.contains(key)))
            }
            Expression::All(parts) => parts.iter().all(|part| self.may_hold(part, key)),
            Expression::Any(parts) => parts.iter().any(|part| self.may_hold(part, key)),
            Expression::Without { include, exclude: _ } => self.may_hold(include, key),
        }
    }
}

/// How relevant passages are to a query.
fn relevance<'a>(index: &Index, query: &'a SearchQuery) -> Relevance<'a> {
    // Of a phrase it counts which passages hold its words, also apart from each other.
    let holders = |phrase| index.candidates_of_phrase(phrase).len() as u64;
    let phrases = query.phrases().into_iter().map(|phrase| (phrase, holders(phrase)));
    Relevance::new(index.passages, phrases)
}

/// Where a hit stands in its order.
#[derive(Clone, Copy)]
struct Place<'a> {
    score: Option<f64>,
    published_at: Option<Timestamp>,
    video_id: &'a VideoId,
    language: Option<&'a LanguageTag>,
}

impl<'a> Place<'a> {
    fn of(position: &'a SearchPosition) -> Self {
        let SearchPosition { score, published_at, video_id, language } = position;
        Self { score: *score, published_at: *published_at, video_id, language: language.as_ref() }
    }

    fn position(&self) -> SearchPosition {
        SearchPosition {
            score: self.score,
            published_at: self.published_at,
            video_id: self.video_id.clone(),
            language: self.language.cloned(),
        }
    }

    fn cmp(&self, other: &Self, order: SearchOrder) -> Ordering {
        let score = |place: &Self| place.score.unwrap_or(0.0);
        // Undated ones are last in either direction.
        let undated = || self.published_at.is_none().cmp(&other.published_at.is_none());
        let first = match order {
            SearchOrder::Relevance => score(other).total_cmp(&score(self)),
            SearchOrder::Newest => undated().then(other.published_at.cmp(&self.published_at)),
            SearchOrder::Oldest => undated().then(self.published_at.cmp(&other.published_at)),
        };
        first.then_with(|| (self.video_id, self.language).cmp(&(other.video_id, other.language)))
    }
}

/// Finds where something was said.
pub(crate) fn search(state: &State, request: &SearchRequest) -> Result<SearchPage> {
    let scope = request.cursor_scope();
    let SearchRequest {
        query,
        channel_id,
        video_id,
        language,
        kind,
        published_from,
        published_before,
        title,
        visibility,
        order,
        limit,
        after,
        cues_per_hit,
    } = request;
    check_limit(*limit, MAX_SEARCH_LIMIT)?;
    let after: Option<SearchPosition> = after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;

    let index = &state.index;
    let ranking = match order {
        SearchOrder::Relevance => Some(relevance(index, query)),
        SearchOrder::Newest | SearchOrder::Oldest => None,
    };
    // The video of a document, unless the filter leaves it out.
    let video_of = |key: &DocumentKey| {
        let video = state.videos.by_id.get(&key.video_id)?;
        let taken_in = visibility.shows(video.deleted_at)
            && video_id.as_ref().is_none_or(|wanted| key.video_id == *wanted)
            && channel_id.as_ref().is_none_or(|wanted| video.channel_id.as_ref() == Some(wanted))
            && language
                .as_ref()
                .is_none_or(|wanted| key.language.as_ref().is_some_and(|tag| wanted.covers(tag)))
            && kind.is_none_or(|wanted| kind_of(state, key) == Some(wanted))
            && published_from.is_none_or(|from| video.published_at.is_some_and(|at| at >= from))
            && published_before.is_none_or(|end| video.published_at.is_some_and(|at| at < end))
            && title.iter().all(|phrase| phrase.is_in(&video.title));
        taken_in.then_some(video)
    };
    let candidates = index.candidates(query.expression());
    let mut places = Vec::new();
    for passages in candidates.chunk_by(|one, other| one.document() == other.document()) {
        let document = passages.first().and_then(|key| index.documents.get(&key.document()));
        let Some(document) = document else { continue };
        let Some(video) = video_of(&document.key) else { continue };
        let mut scores = passages.iter().filter_map(|key| {
            let passage = document.passages.get(key.ordinal())?;
            let tokens: Vec<&str> = passage.tokens().collect();
            let found = query.expression().matches(&tokens);
            found.then(|| ranking.as_ref().map_or(0.0, |ranking| ranking.score(&tokens)))
        });
        let best = match &ranking {
            Some(_) => scores.max_by(f64::total_cmp),
            None => scores.next(), // one is enough
        };
        let Some(best) = best else { continue };
        let weight = || match document.key.language {
            Some(_) => 1.0,
            None => metadata_weight(query, &video.title),
        };
        places.push(Place {
            score: ranking.as_ref().map(|_| best * weight()),
            published_at: video.published_at.filter(|_| ranking.is_none()),
            video_id: &document.key.video_id,
            language: document.key.language.as_ref(),
        });
    }
    if let Some(after) = &after {
        places.retain(|place| place.cmp(&Place::of(after), *order) == Ordering::Greater);
    }
    places.sort_unstable_by(|one, other| one.cmp(other, *order));
    let Page { items, next } =
        Page::from_rows(places, *limit, |last| Cursor::encode(scope, &last.position()))?;
    let items = items.iter().filter_map(|place| hit(state, query, place, *cues_per_hit)).collect();
    Ok(Page { items, next }.into())
}

/// How a transcript came to be; nothing for title and description.
fn kind_of(state: &State, key: &DocumentKey) -> Option<TranscriptKind> {
    let (video_id, language) = (key.video_id.clone(), key.language.clone()?);
    state.transcripts.by_id.get(&TranscriptId { video_id, language }).map(|transcript| transcript.kind)
}

/// What is shown of a hit.
fn hit(state: &State, query: &SearchQuery, place: &Place<'_>, cues: u32) -> Option<SearchHit> {
    let video = state.videos.by_id.get(place.video_id)?;
    let transcript = match place.language {
        Some(language) => {
            let id = TranscriptId { video_id: place.video_id.clone(), language: language.clone() };
            Some(state.transcripts.by_id.get(&id)?)
        }
        None => None,
    };
    let cues = match transcript {
        Some(transcript) => FoundCue::in_cues(&transcript.cues, query, cues),
        None => Vec::new(),
    };
    Some(SearchHit {
        video_id: place.video_id.clone(),
        title: video.title.clone(),
        title_highlights: find_in_text(&video.title, query),
        channel_id: video.channel_id.clone(),
        url: video.url.clone(),
        published_at: video.published_at,
        language: place.language.cloned(),
        score: place.score,
        cues,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tubeatlas_domain::search::{MAX_PHRASE_TOKENS, metadata_passages};

    use super::*;

    impl Index {
        /// Numbers are never given again, so they tell what was there before.
        pub(crate) fn forget_numbers(&mut self) {
            self.last_number = 0;
        }
    }

    fn key(n: usize) -> DocumentKey {
        DocumentKey { video_id: VideoId::parse(format!("v{n}")).unwrap(), language: None }
    }

    fn indexed(texts: &[&str]) -> Index {
        let mut index = Index::default();
        for (n, text) in texts.iter().enumerate() {
            index.replace(key(n), metadata_passages(text, None));
        }
        index
    }

    fn a_query() -> impl Strategy<Value = SearchQuery> {
        let word = "[a-c]{1,2}\\*?";
        let term = prop_oneof![
            4 => word.prop_map(String::from),
            2 => prop::collection::vec("[a-c]", 2..4).prop_map(|words| format!("\"{}\"", words.join(" "))),
            1 => word.prop_map(|word| format!("-{word}")),
            1 => Just("OR".to_owned()),
        ];
        prop::collection::vec(term, 1..6)
            .prop_filter_map("no query", |terms| SearchQuery::parse(&terms.join(" ")).ok())
    }

    proptest! {
        /// Whatever was written, changed and removed, the index misses nothing that the domain finds.
        #[test]
        fn every_match_is_a_candidate(
            writes in prop::collection::vec((0..6_usize, "([a-c]{1,2} ){0,8}"), 1..20),
            query in a_query(),
        ) {
            let mut index = Index::default();
            let mut texts = std::collections::BTreeMap::new();
            for (n, text) in &writes {
                index.replace(key(*n), metadata_passages(text, None));
                texts.insert(*n, text.trim_end());
            }
            let candidates = index.candidates(query.expression());
            prop_assert!(candidates.is_sorted());
            prop_assert!(candidates.len() <= index.at_most(query.expression()));
            for (n, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
                let words: Vec<&str> = text.split(' ').collect();
                if query.expression().matches(&words) {
                    let number = *index.numbers.get(&key(n)).unwrap();
                    prop_assert!(candidates.contains(&PassageKey::new(number, 0)), "{} in {:?}", query, text);
                }
            }
            for (n, _) in writes {
                index.replace(key(n), Vec::new());
            }
            index.forget_numbers();
            prop_assert!(index == Index::default());
        }
    }

    #[test]
    fn the_longest_phrase_is_found_across_passages() {
        let words: Vec<String> = (0..600).map(|n| format!("w{n}")).collect();
        let index = indexed(&[&words.join(" ")]);
        for start in 0..words.len() - MAX_PHRASE_TOKENS {
            let phrase = format!("\"{}\"", words[start..start + MAX_PHRASE_TOKENS].join(" "));
            let query = SearchQuery::parse(&phrase).unwrap();
            assert!(!index.candidates(query.expression()).is_empty(), "{start}");
        }
    }
}
