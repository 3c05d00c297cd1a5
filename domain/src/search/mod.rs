//! Search, defined here and not by an engine: what a word is, what a query means, and what is highlighted.
//!
//! A text is normalised into [`tokens`], a transcript is cut into passages ([`transcript_passages`]), a query is parsed
//! into a tree ([`SearchQuery`]), and the tree must hold in one passage ([`Expression::matches`]). Adapters index the
//! text of the passages as it is and answer with the passages that match; [`find_cues`] then says which cues to show.
//!
//! ```
//! use tubeatlas_domain::Cue;
//! use tubeatlas_domain::search::{SearchQuery, find_cues, transcript_passages};
//!
//! let cues = [
//!     Cue { start_ms: 0, end_ms: 2_000, text: "Wir fahren nach".into() },
//!     Cue { start_ms: 2_000, end_ms: 4_000, text: "KÖLN am Rhein.".into() },
//! ];
//! let query = SearchQuery::parse("\"nach Köln\" rhei*")?;
//!
//! // What an adapter does, with its index:
//! let passages = transcript_passages(&cues);
//! let words: Vec<&str> = passages[0].tokens().collect();
//! assert!(query.expression().matches(&words));
//!
//! // What the reader is shown:
//! let found = find_cues(&cues, &query, 5);
//! assert_eq!((found[0].cue, &found[0].highlights[..]), (1, &[(0, 5), (9, 14)][..]));
//! assert_eq!((found[1].cue, &found[1].highlights[..]), (0, &[(11, 15)][..]));
//! # Ok::<(), tubeatlas_domain::search::QueryError>(())
//! ```

mod evaluate;
mod fields;
mod highlight;
mod normalise;
mod passage;
mod query;
mod relevance;

pub use evaluate::phrase_ranges;
pub use fields::{SearchField, SearchFields};
pub use highlight::{CueMatch, find_cues, find_in_text};
pub use normalise::{MAX_TOKEN_BYTES, Token, normalised, tokens};
pub use passage::{
    INDEX_VERSION, PASSAGE_OVERLAP, PASSAGE_TOKENS, Passage, metadata_passages, transcript_passages,
};
pub use query::{
    Expression, MAX_GROUP_DEPTH, MAX_PHRASE_TOKENS, MAX_QUERY_BYTES, MAX_QUERY_TERMS, Phrase, QueryError,
    SearchQuery,
};
pub use relevance::{Relevance, metadata_weight};
