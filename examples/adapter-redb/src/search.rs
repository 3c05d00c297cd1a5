//! Search: an inverted index in two tables, which follows each write of a transcript or video as the other indexes
//! do ([`Kept::index`](crate::entity::Kept::index)).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use tubeatlas_domain::search::{
    Expression, Passage, Phrase, Relevance, SearchQuery, find_in_text, metadata_passages, metadata_weight,
    phrase_ranges, transcript_passages,
};
use tubeatlas_domain::{LanguageTag, Transcript, TranscriptId, Video, VideoId};
use tubeatlas_ports::{
    Cursor, FoundCue, Page, Result, SearchHit, SearchOrder, SearchPage, SearchPosition, SearchRequest, Stored,
};

use crate::draft::Draft;
use crate::engine::{Span, Table};
use crate::entity::{TableRow, find};
use crate::error::corrupt;
use crate::keys::{joined, text_key};

/// Document, ordinal: the text of a passage. A document is a video and a language, or a video and the empty text for
/// its title and description.
const PASSAGES: Table = "passages";
/// Token, document: the ordinals of the passages that hold the token.
const POSTINGS: Table = "postings";
pub(crate) const TABLES: &[Table] = &[PASSAGES, POSTINGS];

/// The bytes of an ordinal.
const ORDINAL: usize = size_of::<u32>();

/// Keys of [`PASSAGES`], which stand for the passages.
type Passages = BTreeSet<Vec<u8>>;

/// What the index holds of the title and description of a video.
pub(crate) fn rows_of_video(video: &Video) -> Vec<TableRow> {
    let passages = metadata_passages(&video.title, video.description.as_deref());
    rows(&text_key(&[video.id.as_str(), ""]), &passages)
}

/// What the index holds of a transcript.
pub(crate) fn rows_of_transcript(transcript: &Transcript) -> Vec<TableRow> {
    let document = text_key(&[transcript.video_id.as_str(), transcript.language.as_str()]);
    rows(&document, &transcript_passages(&transcript.cues))
}

fn rows(document: &[u8], passages: &[Passage]) -> Vec<TableRow> {
    let mut rows = Vec::new();
    let mut postings: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for passage in passages {
        let ordinal = passage.ordinal.to_be_bytes();
        for token in passage.tokens().collect::<BTreeSet<_>>() {
            postings.entry(token).or_default().extend(ordinal);
        }
        rows.push((PASSAGES, joined(document, &ordinal), passage.text.clone().into_bytes()));
    }
    for (token, ordinals) in postings {
        rows.push((POSTINGS, joined(&text_key(&[token]), document), ordinals));
    }
    rows
}

/// Answers a search; what is asked for was checked.
pub(crate) fn search(
    draft: &Draft<'_>,
    request: &SearchRequest,
    after: Option<&SearchPosition>,
) -> Result<SearchPage> {
    let index = Index::new(draft, &request.query)?;
    let found = index.find(request.query.expression());
    let relevance = match request.order {
        SearchOrder::Relevance => Some(relevance(&index, &request.query)?),
        SearchOrder::Newest | SearchOrder::Oldest => None,
    };

    let mut places = Vec::new();
    let mut last: Option<Stored<Video>> = None;
    let found: Vec<Vec<u8>> = found.into_iter().collect();
    for passages in found.chunk_by(|a, b| document_of(a) == document_of(b)) {
        let Some(passage) = passages.first() else { continue };
        let (video_id, language) = parse_document(document_of(passage))?;
        // The documents of a video follow each other.
        let video = match last.take() {
            Some(video) if video.entity.id == video_id => video,
            _ => video_of(draft, &video_id)?,
        };
        if takes_in(draft, request, &video, language.as_ref())? {
            let best = relevance.as_ref().map(|relevance| best(draft, relevance, passages)).transpose()?;
            let best = best.map(|best| match language {
                Some(_) => best,
                None => best * metadata_weight(&request.query, &video.title),
            });
            let place = SearchPosition {
                score: best,
                published_at: video.published_at.filter(|_| best.is_none()),
                video_id,
                language,
            };
            if after.is_none_or(|after| compare(request.order, after, &place).is_lt()) {
                places.push(place);
            }
        }
        last = Some(video);
    }
    places.sort_by(|a, b| compare(request.order, a, b));

    let scope = request.cursor_scope();
    let page = Page::from_rows(places, request.limit, |last| Cursor::encode(scope, last))?;
    let hits = page.items.into_iter().map(|place| hit(draft, request, place)).collect::<Result<_>>()?;
    Ok(Page { items: hits, next: page.next }.into())
}

fn takes_in(
    draft: &Draft<'_>,
    request: &SearchRequest,
    video: &Stored<Video>,
    tag: Option<&LanguageTag>,
) -> Result<bool> {
    let SearchRequest {
        query: _,
        channel_id,
        video_id,
        language,
        kind,
        published_from,
        published_before,
        title,
        visibility,
        order: _,
        limit: _,
        after: _,
        cues_per_hit: _,
    } = request;
    let taken_in = visibility.shows(video.deleted_at)
        && video_id.as_ref().is_none_or(|wanted| video.entity.id == *wanted)
        && channel_id.as_ref().is_none_or(|wanted| video.channel_id.as_ref() == Some(wanted))
        && language.as_ref().is_none_or(|wanted| tag.is_some_and(|tag| wanted.covers(tag)))
        && published_from.is_none_or(|from| video.published_at.is_some_and(|at| at >= from))
        && published_before.is_none_or(|end| video.published_at.is_some_and(|at| at < end))
        && title.iter().all(|phrase| phrase.is_in(&video.title));
    let Some(kind) = kind.filter(|_| taken_in) else { return Ok(taken_in) };
    let Some(language) = tag.cloned() else { return Ok(false) };
    let id = TranscriptId { video_id: video.entity.id.clone(), language };
    Ok(find::<Transcript>(draft, &id)?.ok_or_else(stale)?.kind == kind)
}

fn hit(draft: &Draft<'_>, request: &SearchRequest, place: SearchPosition) -> Result<SearchHit> {
    let SearchPosition { score, published_at: _, video_id, language } = place;
    let video = video_of(draft, &video_id)?;
    let cues = match &language {
        Some(language) => {
            let id = TranscriptId { video_id: video_id.clone(), language: language.clone() };
            let transcript = find::<Transcript>(draft, &id)?.ok_or_else(stale)?;
            FoundCue::in_cues(&transcript.cues, &request.query, request.cues_per_hit)
        }
        None => Vec::new(),
    };
    Ok(SearchHit {
        title_highlights: find_in_text(&video.title, &request.query),
        title: video.title.clone(),
        channel_id: video.channel_id.clone(),
        url: video.url.clone(),
        published_at: video.published_at,
        video_id,
        language,
        score,
        cues,
    })
}

/// Best score, or date, first; then video and language ascending, what has no language first.
fn compare(order: SearchOrder, a: &SearchPosition, b: &SearchPosition) -> Ordering {
    let undated_last = a.published_at.is_none().cmp(&b.published_at.is_none());
    let first = match order {
        SearchOrder::Relevance => b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)),
        SearchOrder::Newest => undated_last.then(b.published_at.cmp(&a.published_at)),
        SearchOrder::Oldest => undated_last.then(a.published_at.cmp(&b.published_at)),
    };
    first.then_with(|| (&a.video_id, &a.language).cmp(&(&b.video_id, &b.language)))
}

fn video_of(draft: &Draft<'_>, id: &VideoId) -> Result<Stored<Video>> {
    find(draft, id)?.ok_or_else(stale)
}

/// The document of a passage, by its key.
fn document_of(passage: &[u8]) -> &[u8] {
    &passage[..passage.len().saturating_sub(ORDINAL)]
}

fn parse_document(document: &[u8]) -> Result<(VideoId, Option<LanguageTag>)> {
    let parse = || {
        let mut texts = std::str::from_utf8(document).ok()?.split('\0');
        let video = VideoId::parse(texts.next()?).ok()?;
        let language = match texts.next()? {
            "" => None,
            tag => Some(LanguageTag::parse(tag).ok()?),
        };
        Some((video, language))
    };
    parse().ok_or_else(stale)
}

fn stale() -> tubeatlas_ports::Error {
    corrupt("the search index names what is not there".to_owned(), None)
}

fn text_of(draft: &Draft<'_>, passage: &[u8]) -> Result<String> {
    let text = draft.get(PASSAGES, passage)?.ok_or_else(stale)?;
    String::from_utf8(text).map_err(|error| corrupt("a passage".to_owned(), Some(Box::new(error))))
}

/// Which passages hold each phrase of a query.
struct Index<'a> {
    draft: &'a Draft<'a>,
    holders: HashMap<&'a Phrase, Passages>,
}

impl<'a> Index<'a> {
    fn new(draft: &'a Draft<'_>, query: &'a SearchQuery) -> Result<Self> {
        let mut index = Self { draft, holders: HashMap::new() };
        index.look_up(query.expression())?;
        Ok(index)
    }

    /// Looks up all phrases of an expression, those that are excluded too.
    fn look_up(&mut self, expression: &'a Expression) -> Result<()> {
        match expression {
            Expression::Phrase(phrase) if self.holders.contains_key(phrase) => Ok(()),
            Expression::Phrase(phrase) => {
                let holders = self.holding(phrase)?;
                self.holders.insert(phrase, holders);
                Ok(())
            }
            Expression::All(parts) | Expression::Any(parts) => {
                parts.iter().try_for_each(|part| self.look_up(part))
            }
            Expression::Without { include, exclude } => {
                self.look_up(include)?;
                exclude.iter().try_for_each(|part| self.look_up(part))
            }
        }
    }

    /// The passages that hold a phrase.
    fn holding(&self, phrase: &Phrase) -> Result<Passages> {
        let Some((last, others)) = phrase.tokens().split_last() else { return Ok(Passages::new()) };
        let mut holders = self.with_token(last, phrase.is_prefix())?;
        for token in others {
            let others = self.with_token(token, false)?;
            holders.retain(|passage| others.contains(passage));
        }
        if others.is_empty() {
            return Ok(holders);
        }
        // All its words are there; are they next to each other?
        let mut held = Passages::new();
        for passage in holders {
            let text = text_of(self.draft, &passage)?;
            let tokens: Vec<&str> = text.split(' ').collect();
            if !phrase_ranges(phrase, &tokens).is_empty() {
                held.insert(passage);
            }
        }
        Ok(held)
    }

    /// The passages that hold a token, or one that begins so.
    fn with_token(&self, token: &str, is_prefix: bool) -> Result<Passages> {
        let prefix = if is_prefix { token.as_bytes().to_vec() } else { text_key(&[token]) };
        let mut found = Passages::new();
        for posting in self.draft.scan(POSTINGS, Span::prefix(prefix)) {
            let (key, ordinals) = posting?;
            let end = key.iter().position(|byte| *byte == 0).ok_or_else(stale)?;
            let document = &key[end + 1..];
            found.extend(ordinals.chunks(ORDINAL).map(|ordinal| joined(document, ordinal)));
        }
        Ok(found)
    }

    /// The passages in which an expression holds, as [`Expression::matches`] defines it.
    fn find(&self, expression: &Expression) -> Passages {
        match expression {
            Expression::Phrase(phrase) => self.holders.get(phrase).cloned().unwrap_or_default(),
            Expression::All(parts) => {
                let found = parts.iter().map(|part| self.find(part));
                found.reduce(|a, b| a.intersection(&b).cloned().collect()).unwrap_or_default()
            }
            Expression::Any(parts) => parts.iter().flat_map(|part| self.find(part)).collect(),
            Expression::Without { include, exclude } => {
                let mut found = self.find(include);
                for part in exclude {
                    let excluded = self.find(part);
                    found.retain(|passage| !excluded.contains(passage));
                }
                found
            }
        }
    }
}

/// How relevant passages are. Rarity counts all passages of the store, not only those that a filter takes in.
fn relevance<'a>(index: &Index<'_>, query: &'a SearchQuery) -> Result<Relevance<'a>> {
    let holders = |phrase| index.holders.get(phrase).map_or(0, Passages::len) as u64;
    let phrases = query.phrases().into_iter().map(|phrase| (phrase, holders(phrase)));
    Ok(Relevance::new(index.draft.len(PASSAGES)?, phrases))
}

/// The score of a document: that of the best of its passages that were found.
fn best(draft: &Draft<'_>, relevance: &Relevance<'_>, passages: &[Vec<u8>]) -> Result<f64> {
    let mut best = 0.0_f64;
    for passage in passages {
        best = best.max(relevance.score(&text_of(draft, passage)?.split(' ').collect::<Vec<_>>()));
    }
    Ok(best)
}
