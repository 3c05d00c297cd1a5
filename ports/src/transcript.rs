//! The port of transcripts, and of searching what was said.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::search::{Phrase, SearchFields, SearchQuery, find_cues};
use tubeatlas_domain::{
    ChannelId, Cue, LanguageTag, Timestamp, Transcript, TranscriptId, TranscriptKind, TranscriptSummary,
    VideoId,
};

use crate::{Catalogued, Cursor, CursorScope, Page, Result, Stored, Visibility, WriteRepository};

/// Which transcripts a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranscriptFilter {
    /// Only those of this video.
    pub video_id: Option<VideoId>,
    /// Only those in a language that this tag covers ([`LanguageTag::covers`]).
    pub language: Option<LanguageTag>,
    /// Whether those of deleted videos are taken in.
    pub visibility: Visibility,
}

/// The orders of a list of transcripts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TranscriptOrder {
    /// By video, then by language, both byte by byte.
    #[default]
    Id,
}

impl Catalogued for Transcript {
    type Filter = TranscriptFilter;
    type Order = TranscriptOrder;
    type Listed = TranscriptSummary;
    type Position = TranscriptId;

    fn listed(&self) -> TranscriptSummary {
        self.summary()
    }

    fn position(listed: &Stored<TranscriptSummary>) -> TranscriptId {
        TranscriptId { video_id: listed.video_id.clone(), language: listed.language.clone() }
    }
}

/// What is searched for, and how the hits are wanted.
///
/// What it is narrowed to stands in its members alone: [`SearchRequest::new`] takes them from the fields of the query,
/// and an adapter does not look there.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// The query.
    pub query: SearchQuery,
    /// Only in videos of this channel.
    pub channel_id: Option<ChannelId>,
    /// Only in this video.
    pub video_id: Option<VideoId>,
    /// Only in transcripts whose language this tag covers; titles and descriptions have no language, and are
    /// left out then.
    pub language: Option<LanguageTag>,
    /// Only in transcripts that came to be so; titles and descriptions are left out then.
    pub kind: Option<TranscriptKind>,
    /// Only in videos that were published at this time or later; never in those without a date.
    pub published_from: Option<Timestamp>,
    /// Only in videos that were published before this time; never in those without a date.
    pub published_before: Option<Timestamp>,
    /// Only in videos whose titles hold each of these ([`Phrase::is_in`]).
    pub title: Vec<Phrase>,
    /// Whether deleted videos are searched.
    pub visibility: Visibility,
    /// The order of the hits.
    pub order: SearchOrder,
    /// How many hits at most, from 1 to [`MAX_SEARCH_LIMIT`].
    pub limit: u32,
    /// After which hit; `None` for the first page.
    pub after: Option<Cursor>,
    /// How many cues of a hit are shown at most.
    pub cues_per_hit: u32,
}

/// The most hits of one page: for each, a whole transcript is looked through for its cues.
pub const MAX_SEARCH_LIMIT: u32 = 100;

/// The hits of a page when nobody says how many.
pub const DEFAULT_SEARCH_LIMIT: u32 = 20;

/// The cues of a hit that are shown when nobody says how many.
pub const DEFAULT_CUES_PER_HIT: u32 = 3;

/// A word that no more passages hold than this is not common, nor is anything in a store of so many: all are searched.
pub const MIN_COMMON_WORD: u64 = 10_000;

impl SearchRequest {
    /// A search wherever the query's fields say, by relevance, first page.
    pub fn new(query: SearchQuery) -> Self {
        let SearchFields { channel_id, language, kind, published_from, published_before, title } =
            query.fields().clone();
        Self {
            query,
            channel_id,
            video_id: None,
            language,
            kind,
            published_from,
            published_before,
            title,
            visibility: Visibility::Live,
            order: SearchOrder::default(),
            limit: DEFAULT_SEARCH_LIMIT,
            after: None,
            cues_per_hit: DEFAULT_CUES_PER_HIT,
        }
    }

    /// The scope of the cursors of this search: query, filters and order, not how much is shown.
    pub fn cursor_scope(&self) -> CursorScope {
        let Self {
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
            limit: _,
            after: _,
            cues_per_hit: _,
        } = self;
        let title: Vec<String> = title.iter().map(ToString::to_string).collect();
        let of_videos = (channel_id, video_id, published_from, published_before, title, visibility);
        CursorScope::new("search", order, &(query, of_videos, language, kind))
    }
}

/// The orders of hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SearchOrder {
    /// Best score first; of the same score by video, then by language, both byte by byte, smallest first, what has
    /// no language first. (A list of videos in [`VideoOrder::Newest`](crate::VideoOrder::Newest) goes the other
    /// way among videos of one date.)
    #[default]
    Relevance,
    /// By the video's date of publication, latest first, undated ones last; then as above.
    Newest,
    /// By the video's date of publication, earliest first, undated ones last; then as above.
    Oldest,
}

/// The order key of a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchPosition {
    /// The score, in [`SearchOrder::Relevance`].
    pub score: Option<f64>,
    /// The video's date, in the other orders.
    pub published_at: Option<Timestamp>,
    /// The video.
    pub video_id: VideoId,
    /// The language.
    pub language: Option<LanguageTag>,
}

/// A transcript, or the title and description of a video, in which the query was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The video.
    pub video_id: VideoId,
    /// The video's title.
    pub title: String,
    /// The places in the title where the query was found: byte ranges `[from, to]`, in order.
    pub title_highlights: Vec<(usize, usize)>,
    /// The video's channel.
    pub channel_id: Option<ChannelId>,
    /// The video's page.
    pub url: Option<String>,
    /// When the video was published.
    pub published_at: Option<Timestamp>,
    /// The transcript's language; `None` if the query was found in title and description.
    pub language: Option<LanguageTag>,
    /// How well it fits: the larger the better, comparable within one answer of one adapter, always finite. Absent
    /// where the order is by date.
    pub score: Option<f64>,
    /// The cues in which the query was found, best first; none for title and description.
    pub cues: Vec<FoundCue>,
}

/// One page of hits, which keeps the promise of [`Page`], and how much was searched for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchPage {
    /// The hits, at most as many as were asked for.
    pub items: Vec<SearchHit>,
    /// Where the next page begins, if there is one.
    #[serde(rename = "next_cursor")]
    pub next: Option<Cursor>,
    /// `None`: all passages were searched. `Some(n)`: the words of the query are so common that only the `n` among the
    /// passages that match, or fewer, that were stored last were taken into account. In the order of relevance
    /// these are not ranked then, but stand by when they were stored, the last first.
    pub among_latest: Option<u64>,
}

impl From<Page<SearchHit>> for SearchPage {
    /// All passages were searched.
    fn from(page: Page<SearchHit>) -> Self {
        Self { items: page.items, next: page.next, among_latest: None }
    }
}

/// A cue in which a query was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundCue {
    /// When it appears, in milliseconds.
    pub start_ms: u64,
    /// When it disappears, in milliseconds.
    pub end_ms: u64,
    /// What is said.
    pub text: String,
    /// The places in the text where the query was found: byte ranges `[from, to]`, in order.
    pub highlights: Vec<(usize, usize)>,
}

impl FoundCue {
    /// The cues of a hit: what [`find_cues`](tubeatlas_domain::search::find_cues) finds, with its text.
    pub fn in_cues(cues: &[Cue], query: &SearchQuery, max: u32) -> Vec<Self> {
        let found = find_cues(cues, query, usize::try_from(max).unwrap_or(usize::MAX));
        let shown = found.into_iter().filter_map(|found| Some((cues.get(found.cue)?, found.highlights)));
        shown
            .map(|(cue, highlights)| Self {
                start_ms: cue.start_ms,
                end_ms: cue.end_ms,
                text: cue.text.clone(),
                highlights,
            })
            .collect()
    }
}

/// The transcripts.
///
/// # What an implementor owes
/// The index follows the write: what a write of a transcript, or of a video's title and description, has
/// acknowledged is found by the next search, and what it replaced is not; inside a unit of work by that
/// unit's searches.
#[async_trait]
pub trait TranscriptRepository: WriteRepository<Transcript> {
    /// Finds where something was said.
    ///
    /// # What an implementor owes
    /// - The text that is searched is what [`transcript_passages`] makes of each transcript and
    ///   [`metadata_passages`] of each video's title and description; a passage is found exactly if
    ///   [`Expression::matches`] says so of its tokens. So every adapter finds the same.
    /// - Found passages are grouped to one hit a transcript (or a video's title and description); its score
    ///   is that of its best passage.
    /// - A transcript's cues are those of [`FoundCue::in_cues`], at most `cues_per_hit`; the
    ///   title's highlights are those of [`find_in_text`].
    /// - Scores are each adapter's own ([`Relevance`] is there for who has none). At equal length, more
    ///   occurrences score higher, and so do more of the words that a query offers; a word that few passages hold
    ///   scores higher than one that more hold; a longer passage with the same occurrences does not score higher. (All
    ///   this where no word is common, and less than half of the passages hold it.) A passage of title and description
    ///   scores [`metadata_weight`] times as high as the same of a transcript: so a title that answers by itself is above
    ///   transcripts that say it again and again. Scores should depend on what is stored, and not on what was stored
    ///   before.
    /// - Pages keep the promise of [`Page`]; in the order of relevance only while nothing is written.
    /// - All passages are searched, with one exception in a store of more than [`MIN_COMMON_WORD`] passages: where each
    ///   word that a passage might be found by stands in more than so many of them, or a beginning of words is asked
    ///   for that many words have, an adapter may confine itself to some of those that were stored last. It then
    ///   says so ([`SearchPage::among_latest`]), and filters narrow down what it found among these.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for a limit or cursor as in
    /// [`list`](crate::Repository::list).
    ///
    /// [`Relevance`]: tubeatlas_domain::search::Relevance
    /// [`transcript_passages`]: tubeatlas_domain::search::transcript_passages
    /// [`metadata_passages`]: tubeatlas_domain::search::metadata_passages
    /// [`metadata_weight`]: tubeatlas_domain::search::metadata_weight
    /// [`Expression::matches`]: tubeatlas_domain::search::Expression::matches
    /// [`find_in_text`]: tubeatlas_domain::search::find_in_text
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage>;
}
