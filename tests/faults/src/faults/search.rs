//! Faults of search.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tubeatlas_domain::search::{
    Expression, PASSAGE_TOKENS, SearchQuery, metadata_passages, metadata_weight, phrase_ranges, tokens,
};
use tubeatlas_domain::{Cue, Entity, LanguageTag, Timestamp, Transcript, TranscriptId, Video, VideoId};
use tubeatlas_ports::{
    Cursor, Error, MAX_SEARCH_LIMIT, Page, PageRequest, Result, Revision, SearchHit, SearchOrder, SearchPage,
    SearchPosition, SearchRequest, Stored, TranscriptFilter, Upserted, Visibility,
};

use super::lists::Notes;
use crate::fault::Fault;
use crate::hooks::{At, Hooks, SoftHook, TranscriptHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(queries());
    faults.extend(scripts());
    faults.extend(hits());
    faults.extend(orders_and_pages());
    faults.extend(writes());
    faults
}

fn queries() -> Vec<Fault> {
    vec![
        misses(
            "SEA-Q-001",
            "ß is not found as ss",
            &["what \"grusse\" finds: [\"v0/en\"]", "observed: []"],
            |request, hit, _| shows(hit, 'ß') && !request.query.source().contains('ß'),
        )
        .also(
            "SEA-T-002",
            "its texts are German",
            &["whether \"grusse munchen\" finds", "observed: false"],
        ),
        misses(
            "SEA-Q-002",
            "a phrase ends at a cue without words",
            &["what \"\\\"never gonna give\\\"\" finds: [\"cues/en\", \"v0/en\"]", "observed: [\"v0/en\"]"],
            |request, hit, texts| hit.language.is_some() && phrase_is_cut(&request.query, texts),
        ),
        misses(
            "SEA-Q-003",
            "a prefix of five letters does not find the whole word",
            &["what \"astro*\" finds: [\"v0/en\", \"v1/en\"]", "observed: [\"v0/en\"]"],
            |request, hit, texts| hit.language.is_some() && prefix_is_whole(&request.query, texts),
        ),
        rewrites(
            "SEA-Q-004",
            "only the first exclusion counts",
            &["what \"tea -hot -iced\" finds: [\"v3/en\"]", "observed: [\"v2/en\", \"v3/en\"]"],
            only_the_first_exclusion,
        ),
        misses(
            "SEA-Q-005",
            "passages do not overlap",
            &["what \"alpha beta\" finds: [\"v0/en\", \"v2/en\"]", "observed: [\"v0/en\"]"],
            |request, _, texts| {
                let words = words(texts);
                !words.chunks(PASSAGE_TOKENS).any(|words| request.query.expression().matches(words))
            },
        )
        .also(
            "SEA-M-001",
            "it has transcripts of several passages, too",
            &["the hits of \"C++ タワー OR \\\"star Stars\\\" -\\\"I Köln\\\"\"", "video-11", "observed"],
        )
        .also(
            "SEA-M-002",
            "it has transcripts of several passages, too",
            &["the hits of \"\\\"The München\\\" \\\"don't タワー\\\"\"", "starlight hole", "observed"],
        ),
        misses(
            "SEA-Q-006",
            "a final sigma is another letter",
            &["what \"οδός\" finds: [\"v7/en\"]", "observed: []"],
            |request, hit, _| shows(hit, 'Σ') && request.query.source().contains('ς'),
        )
        .also(
            "SEA-T-004",
            "its texts are Greek",
            &["whether \"οδός Αθηνάς\" finds", "observed: false"],
        ),
        rewrites(
            "SEA-Q-007",
            "NEAR is an operator",
            &["the hits of \"NEAR(near title)\", Newest: []", "observed: [SearchHit"],
            near_is_an_operator,
        ),
        misses(
            "SEA-Q-008",
            "a word of 256 bytes is not found",
            &["the hits of \"www", "observed: []"],
            |request, _, _| {
                request.query.phrases().iter().any(|phrase| phrase.tokens().iter().any(|t| t.len() > 255))
            },
        ),
        misses(
            "SEA-M-001",
            "an ampersand inside a word is lost",
            &["AT&T", "Newest: [SearchHit"],
            |request, _, _| {
                let query = request.query.source();
                query.contains("AT&T") && !query.contains('(')
            },
        )
        .also(
            "SEA-M-002",
            "its texts have the same words",
            &["the hits of \"AT&T OR ", "Newest: [SearchHit", "observed: []"],
        )
        .also("SEA-T-013", "it is such a name", &["whether \"AT&T\" finds", "observed: false"]),
        rewrites(
            "SEA-Q-009",
            "what stands behind a hyphen is one word, not a group",
            &["what \"tea -(hot OR iced)\" finds: [\"v3/en\"]", "observed: []"],
            |request| replace_query(request, &request.query.source().replace("-(", "-")),
        )
        .also(
            "SEA-M-003",
            "some of the queries that it draws are such",
            &["the hits of \"", " -(", "Newest"],
        ),
        misses(
            "SEA-M-003",
            "an ampersand inside a word of a group is lost",
            &["the hits of \"", "AT&T", "Newest: [SearchHit"],
            |request, _, _| {
                let query = request.query.source();
                query.contains("AT&T") && query.contains('(')
            },
        ),
    ]
}

fn scripts() -> Vec<Fault> {
    vec![
        misses(
            "SEA-T-001",
            "œ is not found as oe",
            &["whether \"oeuvre\" finds \"Une œuvre d'art\": true", "observed: false"],
            |request, hit, _| shows(hit, 'œ') && !request.query.source().contains('œ'),
        ),
        misses(
            "SEA-T-002",
            "the large ß is no ß",
            &["whether \"große füße\" finds \"GROẞE FÜẞE\": true", "observed: false"],
            |request, hit, _| shows(hit, 'ẞ') && request.query.source().contains('ß'),
        ),
        misses(
            "SEA-T-003",
            "the i without a dot is another letter",
            &["whether \"ISTANBUL kis\" finds \"İstanbul'da kış\": true", "observed: false"],
            |request, hit, _| shows(hit, 'ı') && !request.query.source().contains('ı'),
        ),
        misses(
            "SEA-T-004",
            "a diaeresis makes another letter",
            &["whether \"προιον\" finds \"προϊόν\": true", "observed: false"],
            |request, hit, _| shows(hit, 'ϊ') && !request.query.source().contains('ϊ'),
        ),
        rewrites(
            "SEA-T-005",
            "й is и",
            &["whether \"война\" finds \"воина и мир\": false", "observed: true"],
            |request| replace_query(request, &request.query.source().replace('й', "и")),
        ),
        misses(
            "SEA-T-006",
            "the feminine ending is another letter than ha",
            &["whether \"مدرسه OR المدرسه\" finds \"مكتبة المدرسة\": true", "observed: false"],
            |request, hit, _| shows(hit, 'ة') && !request.query.source().contains('ة'),
        ),
        misses(
            "SEA-T-007",
            "a maqaf joins words",
            &["whether \"בית ספר\" finds \"בית־ספר\": true", "observed: false"],
            |_, _, texts| texts.iter().any(|text| text.contains('־')),
        ),
        misses(
            "SEA-T-008",
            "a nukta makes another letter",
            &["whether \"फिल\\u{94d}म\" finds \"नई फ\\u{93c}िल\\u{94d}म\": true", "observed: false"],
            |request, hit, _| shows(hit, '\u{93C}') && !request.query.source().contains('\u{93C}'),
        ),
        misses(
            "SEA-T-009",
            "Thai digits are letters",
            &["whether \"2567\" finds \"ป\\u{e35} ๒๕๖๗\": true", "observed: false"],
            |_, hit, _| shows(hit, '๒'),
        ),
        rewrites(
            "SEA-T-010",
            "simplified characters are taken for traditional ones",
            &["whether \"繁体\" finds \"繁體中文\": false", "observed: true"],
            |request| replace_query(request, &request.query.source().replace('体', "體")),
        ),
        misses(
            "SEA-T-011",
            "kana of half width are others",
            &["whether \"ﾀﾜｰ\" finds \"東京タワーへ行く\": true", "observed: false"],
            |request, _, _| request.query.source().contains('ﾀ'),
        ),
        misses(
            "SEA-T-012",
            "a particle makes another word",
            &["whether \"한국어\" finds \"저는 한국어를 배워요\": true", "observed: false"],
            |request, _, texts| {
                let query = request.query.source();
                let mut words = texts.iter().flat_map(|text| text.split(' '));
                query.starts_with('한')
                    && words.any(|word| word.starts_with(query) && word.ends_with('를') && word != query)
            },
        ),
        misses(
            "SEA-T-013",
            "a soft hyphen ends a word",
            &["whether \"final ones\" finds", "true", "observed: false"],
            |_, hit, _| shows(hit, '\u{AD}'),
        ),
        misses(
            "SEA-T-014",
            "an Armenian ligature is another letter",
            &["whether \"երեւան\" finds \"Երևան\": true", "observed: false"],
            |request, hit, _| shows(hit, 'և') && !request.query.source().contains('և'),
        ),
    ]
}

fn hits() -> Vec<Fault> {
    vec![
        rewrites("SEA-H-001", "a hit shows at least one cue", &["cues: []", "cues: [FoundCue"], |request| {
            request.cues_per_hit = request.cues_per_hit.max(1);
        }),
        misses(
            "SEA-H-002",
            "a phrase of three words is looked for in the title or in the description",
            &["what \"\\\"about black holes\\\"\" finds: [\"B\"]", "observed: []"],
            |request, hit, texts| {
                hit.language.is_none()
                    && request.query.phrases().iter().any(|phrase| phrase.tokens().len() >= 3)
                    && !texts
                        .iter()
                        .any(|text| request.query.expression().matches(&words(std::slice::from_ref(text))))
            },
        )
        .also(
            "SEA-X-002",
            "it, too, looks for three words of title and description",
            &["after create: [\"a-video\"]", "observed: []"],
        )
        .also(
            "SEA-M-001",
            "it looks for three words of title and description by chance",
            &["the hits of \"كتاب OR \\\"タワー é\\\" 京\", Newest", "language: None", "observed"],
        ),
        Fault::new(
            "SEA-H-003",
            "each found passage of title and description is a hit",
            &["what is found: [\"a-video\", \"a-video/en\"]", "observed: [\"a-video\", \"a-video\""],
            || Hooks::new().transcripts(AHitForEachPassage),
        ),
        misses(
            "SEA-F-001",
            "a language does not cover its regions",
            &["the hits of channel None, video None, language Some(\"en\")"],
            |request, hit, _| request.language.is_some() && request.language != hit.language,
        ),
        rewrites(
            "SEA-F-002",
            "a search of what is deleted searches everything",
            &[
                "the hits of \"black\", Newest: [SearchHit { video_id: VideoId(\"gone\")",
                "observed: [SearchHit { video_id: VideoId(\"new\")",
            ],
            |request| {
                if request.visibility == Visibility::OnlyDeleted {
                    request.visibility = Visibility::WithDeleted;
                }
            },
        ),
        misses(
            "SEA-F-003",
            "what is published at the first moment of a time does not belong to it",
            &["the hits of kind None, from Some(-100), before None, \"\"", "VideoId(\"old\")", "observed"],
            |request, hit, _| request.published_from.is_some() && hit.published_at == request.published_from,
        ),
        rewrites(
            "SEA-F-003",
            "a title has what any video is about",
            &["the hits of kind None, from None, before None, \"title:black\"", "VideoId(\"new\")"],
            |request| request.title.clear(),
        )
        .also(
            "SEA-P-003",
            "it asks for a cursor of a search without the title",
            &["Invalid, naming \"cursor\"", "observed: Ok(SearchPage"],
        ),
    ]
}

fn orders_and_pages() -> Vec<Fault> {
    vec![
        Fault::new(
            "SEA-O-001",
            "a search that is asked again has another plan, and undated hits come first",
            &["the hits of \"black\", Newest: [SearchHit { video_id: VideoId(\"new\")", "VideoId(\"z\")"],
            || Hooks::new().transcripts(UndatedFirstWhenAskedAgain::default()),
        ),
        Fault::new(
            "SEA-O-002",
            "the smaller the better is a score of a beginning where something is excluded",
            &["the best score first, then by video and language", "observed: [(-"],
            || Hooks::new().transcripts(ExclusionsHaveNegativeScores),
        )
        .also(
            "SEA-M-001",
            "some of the queries that it draws are such",
            &["the best score first, then by video and language", "observed: [(-"],
        )
        .also(
            "SEA-M-002",
            "some of the queries that it draws are such",
            &["the best score first, then by video and language", "observed: [(-"],
        ),
        rescored(
            "SEA-O-003",
            "a score is divided by how often the words occur",
            &["each occurrence more scores higher"],
            |hit, score| score * words_found(hit) / places(hit).count().max(1) as f64,
        ),
        rescored(
            "SEA-O-004",
            "all words weigh the same",
            &["the rarer the word, the higher the score"],
            |hit, _| places(hit).count() as f64,
        ),
        rescored(
            "SEA-O-005",
            "a score grows with the words of the text",
            &["the longer passage scores no higher"],
            |hit, score| score + hit.cues.iter().map(|cue| tokens(&cue.text).len()).sum::<usize>() as f64,
        ),
        rescored(
            "SEA-O-006",
            "a score is the mean of those of the words",
            &["each word more scores higher"],
            |hit, score| score / words_found(hit).max(1.0),
        ),
        Fault::new(
            "SEA-O-007",
            "what was purged still counts among the passages",
            &["what \"apple\" finds where other texts were before", "score: Some("],
            || {
                let hook = CountsWhatWasPurged::default();
                Hooks::new().soft::<Video>(hook.clone()).transcripts(hook)
            },
        ),
        reweighed(
            "SEA-O-008",
            "titles and descriptions weigh no more than what is said",
            &["described scores above the same that is said, and below the title"],
            |request, hit| 1.0 / metadata_weight(&request.query, &hit.title),
        ),
        reweighed(
            "SEA-O-008",
            "titles weigh no more than descriptions",
            &["described scores above the same that is said, and below the title"],
            |request, hit| metadata_weight(&request.query, "") / metadata_weight(&request.query, &hit.title),
        ),
        reweighed(
            "SEA-O-008",
            "titles weigh little more than descriptions",
            &["the title scores above what is said twice"],
            |request, hit| {
                let weight = metadata_weight(&request.query, &hit.title);
                (1.0 + (weight - 1.0) / 100.0) / weight
            },
        ),
        Fault::new(
            "SEA-P-001",
            "the last page has a cursor if it is full",
            &["the cursor behind the last page of 1, Newest: None", "observed: Some(Cursor("],
            || Hooks::new().transcripts(LastFullPageHasACursor),
        )
        .also(
            "SEA-F-003",
            "it reads pages of one hit to their end, too",
            &["the cursor behind the last page, \"\": None", "observed: Some(Cursor("],
        ),
        Fault::new(
            "SEA-P-002",
            "a cursor says how many hits to skip",
            &["what was there throughout"],
            || Hooks::new().transcripts(CursorSkipsHits::default()),
        )
        .also(
            "SEA-P-005",
            "the second page of what is found misses hits, too",
            &["what \"the\" finds, Newest: 150", "observed: 100"],
        ),
        Fault::new(
            "SEA-P-003",
            "a cursor is good for any search",
            &["Invalid, naming \"cursor\"", "observed: Ok(SearchPage"],
            || Hooks::new().transcripts(CursorOfAnySearch::default()),
        ),
        rewrites(
            "SEA-P-004",
            "a limit that is too large is cut",
            &["Invalid, naming \"limit\"", "observed: Ok(SearchPage"],
            |request| request.limit = request.limit.min(MAX_SEARCH_LIMIT),
        ),
        Fault::new(
            "SEA-P-005",
            "a page that is not the last is said to be all that was searched",
            &["how much \"the\" searches, Newest: (None, None)", "observed: (Some(100), None)"],
            || Hooks::new().transcripts(SearchesNoFurtherThanAPage),
        ),
    ]
}

fn writes() -> Vec<Fault> {
    vec![
        Fault::new(
            "SEA-X-001",
            "what upsert_many stores is not indexed",
            &["after upsert_many: [\"v/de\", \"v/en\"]", "observed: []"],
            || {
                let unindexed = Unindexed::default();
                let writes = UpsertManyForgetsTheIndex(unindexed.clone());
                Hooks::new().writes::<Transcript>(writes).transcripts(unindexed)
            },
        ),
        Fault::new(
            "SEA-X-002",
            "the title and description that upsert stores are not indexed",
            &["the new description: [\"a-video\"]", "observed: []"],
            || {
                let unindexed = Unindexed::default();
                let writes = UpsertForgetsTheIndex(unindexed.clone());
                Hooks::new().writes::<Video>(writes).transcripts(unindexed)
            },
        ),
        Fault::new(
            "SEA-X-003",
            "restore leaves the transcripts out of the index",
            &["after restoring: [\"v0\", \"v0/en\", \"v1/en\", \"v2/en\"]", "observed: [\"v0\", \"v2/en\"]"],
            || {
                let unindexed = Unindexed::default();
                let videos = RestoreForgetsTranscripts(unindexed.clone());
                Hooks::new().soft::<Video>(videos).transcripts(unindexed)
            },
        )
        .also(
            "SEA-M-002",
            "it restores videos with transcripts, too",
            &["the hits of \"", "Newest: [SearchHit"],
        ),
        Fault::new(
            "SEA-X-004",
            "a search inside a unit of work reads the published index",
            &["inside: [\"a-video\", \"v0/en\"]", "observed: []"],
            || Hooks::new().transcripts(SearchesOutside),
        )
        .also(
            "ISO-R-006",
            "one of the predicates that it reads twice is a search",
            &["no phantom (PMP)", "T1 search 30: nothing; ", "T1 search 30: z = 30"],
        )
        .also(
            "ISO-T-006",
            "one of the predicates that it reads twice is a search",
            &["no phantom (PMP)", "T1 search 30: nothing; ", "T1 search 30: z = 30"],
        ),
        Fault::new(
            "SEA-X-005",
            "a batch that is refused goes out of the index, with what was there before",
            &["what was done before: [\"v/en\", \"v/fr\"]", "observed: [\"v/fr\"]"],
            || {
                let unindexed = Unindexed::default();
                let writes = RefusedBatchLeavesTheIndex(unindexed.clone());
                Hooks::new().writes::<Transcript>(writes).transcripts(unindexed)
            },
        ),
        Fault::new(
            "SEA-X-006",
            "a hit goes on showing the date that the video had",
            &["the hits of \"black\", Newest", "published_at: Some(", "published_at: "],
            || {
                let dates = FormerDates::default();
                Hooks::new().writes::<Video>(dates.clone()).transcripts(dates)
            },
        ),
        Fault::new(
            "SEA-M-002",
            "upsert of a transcript indexes its first passage alone",
            &["the hits of \"of star -\\\"a a\\\"\", Newest", "video-11", "observed", "video-17"],
            || {
                let upserted = UpsertIndexesOnePassage::default();
                Hooks::new().writes::<Transcript>(upserted.clone()).transcripts(upserted)
            },
        ),
    ]
}

/// Whether a hit is missed; the last are the texts in which it was found.
type IsMissed = fn(&SearchRequest, &SearchHit, &[String]) -> bool;

/// A search misses some hits.
fn misses(rule: &str, name: &'static str, says: &'static [&'static str], is_missed: IsMissed) -> Fault {
    Fault::new(rule, name, says, move || Hooks::new().transcripts(Misses { is_missed }))
}

/// A search is taken for another one.
fn rewrites(
    rule: &str,
    name: &'static str,
    says: &'static [&'static str],
    rewrite: fn(&mut SearchRequest),
) -> Fault {
    Fault::new(rule, name, says, move || Hooks::new().transcripts(Rewrites { rewrite }))
}

/// The score of a hit whose score is another one.
type Score = fn(&SearchHit, f64) -> f64;

/// The hits have other scores.
fn rescored(rule: &str, name: &'static str, says: &'static [&'static str], score: Score) -> Fault {
    Fault::new(rule, name, says, move || Hooks::new().transcripts(Rescored { score }))
}

/// How many times as high the score of a title and description is.
type Weight = fn(&SearchRequest, &SearchHit) -> f64;

/// Titles and descriptions have other scores.
fn reweighed(rule: &str, name: &'static str, says: &'static [&'static str], weight: Weight) -> Fault {
    Fault::new(rule, name, says, move || Hooks::new().transcripts(Reweighed { weight }))
}

async fn search(at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
    at.inner.transcripts().search(request).await
}

/// The texts of what was hit: of the cues, or the title and the description.
async fn texts(at: &At<'_>, hit: &SearchHit) -> Result<Vec<String>> {
    let (video_id, all) = (hit.video_id.clone(), Visibility::WithDeleted);
    Ok(match hit.language.clone() {
        Some(language) => {
            let transcript = at.reads::<Transcript>().get(&TranscriptId { video_id, language }, all).await?;
            let cues = transcript.map(|transcript| transcript.cues.clone()).unwrap_or_default();
            cues.into_iter().map(|Cue { text, .. }| text).collect()
        }
        None => match at.reads::<Video>().get(&video_id, all).await? {
            Some(video) => [video.title.clone()].into_iter().chain(video.description.clone()).collect(),
            None => Vec::new(),
        },
    })
}

fn words(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| tokens(text)).map(|token| token.text.into_owned()).collect()
}

/// The places in the cues where the query was found.
fn places(hit: &SearchHit) -> impl Iterator<Item = &str> {
    hit.cues.iter().flat_map(|cue| cue.highlights.iter().filter_map(|&(from, to)| cue.text.get(from..to)))
}

/// How many words were found.
fn words_found(hit: &SearchHit) -> f64 {
    places(hit).collect::<BTreeSet<_>>().len() as f64
}

/// Whether the letter is in what was found.
fn shows(hit: &SearchHit, letter: char) -> bool {
    places(hit).any(|found| found.contains(letter))
}

/// Whether a phrase of the query is in no run of texts between two that have letters of no word.
fn phrase_is_cut(query: &SearchQuery, texts: &[String]) -> bool {
    let no_word = |text: &String| !text.is_empty() && tokens(text).is_empty();
    let runs: Vec<_> = texts.split(no_word).map(words).collect();
    let cut = |phrase| runs.iter().all(|run| phrase_ranges(phrase, run).is_empty());
    runs.len() > 1 && query.phrases().into_iter().any(|phrase| phrase.tokens().len() > 1 && cut(phrase))
}

/// Whether the query is one word's beginning, of five letters or more, and no longer word begins so.
fn prefix_is_whole(query: &SearchQuery, texts: &[String]) -> bool {
    match query.expression() {
        Expression::Phrase(phrase) if phrase.is_prefix() => match phrase.tokens() {
            [prefix] if prefix.chars().count() >= 5 => {
                !words(texts).iter().any(|word| word.starts_with(prefix) && word != prefix)
            }
            _ => false,
        },
        _ => false,
    }
}

fn replace_query(request: &mut SearchRequest, text: &str) {
    if let Ok(query) = SearchQuery::parse(text) {
        request.query = query;
    }
}

fn only_the_first_exclusion(request: &mut SearchRequest) {
    let mut exclusions = 0;
    let kept: Vec<_> = request.query.source().split_whitespace().collect();
    let kept = kept.into_iter().filter(|term| {
        exclusions += u32::from(term.starts_with('-'));
        !term.starts_with('-') || exclusions == 1
    });
    let text = kept.collect::<Vec<_>>().join(" ");
    if exclusions > 1 {
        replace_query(request, &text);
    }
}

fn near_is_an_operator(request: &mut SearchRequest) {
    let operands = request.query.source().strip_prefix("NEAR(").and_then(|rest| rest.strip_suffix(')'));
    if let Some(operands) = operands.map(str::to_owned) {
        replace_query(request, operands.split(',').next().unwrap_or_default());
    }
}

/// The cursor behind a hit.
fn cursor(request: &SearchRequest, hit: &SearchHit) -> Result<Cursor> {
    let position = SearchPosition {
        score: hit.score,
        published_at: hit.published_at.filter(|_| request.order != SearchOrder::Relevance),
        video_id: hit.video_id.clone(),
        language: hit.language.clone(),
    };
    Cursor::encode(request.cursor_scope(), &position)
}

struct Misses {
    is_missed: IsMissed,
}

#[async_trait]
impl TranscriptHook for Misses {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let SearchPage { items, next, among_latest } = search(at, request).await?;
        let mut found = Vec::new();
        for hit in items {
            if !(self.is_missed)(request, &hit, &texts(at, &hit).await?) {
                found.push(hit);
            }
        }
        Ok(SearchPage { items: found, next, among_latest })
    }
}

struct Rewrites {
    rewrite: fn(&mut SearchRequest),
}

#[async_trait]
impl TranscriptHook for Rewrites {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut request = request.clone();
        (self.rewrite)(&mut request);
        search(at, &request).await
    }
}

/// How many videos were purged.
#[derive(Clone, Default)]
struct CountsWhatWasPurged(Arc<AtomicU32>);

#[async_trait]
impl SoftHook<Video> for CountsWhatWasPurged {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        at.inner.videos().purge(id, expected).await?;
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl TranscriptHook for CountsWhatWasPurged {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        let more = f64::from(1 + self.0.load(Ordering::SeqCst)).ln();
        page.items.iter_mut().for_each(|hit| hit.score = hit.score.map(|score| score + more));
        Ok(page)
    }
}

struct AHitForEachPassage;

#[async_trait]
impl TranscriptHook for AHitForEachPassage {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let SearchPage { items, next, among_latest } = search(at, request).await?;
        let mut found = Vec::new();
        for hit in items {
            let passages = match (&hit.language, &texts(at, &hit).await?[..]) {
                (None, [title, description]) => metadata_passages(title, Some(description)),
                _ => Vec::new(),
            };
            let matches = |words: Vec<&str>| request.query.expression().matches(&words);
            let times = passages.iter().filter(|passage| matches(passage.tokens().collect())).count();
            found.extend(std::iter::repeat_n(hit, times.max(1)));
        }
        Ok(SearchPage { items: found, next, among_latest })
    }
}

/// The searches of everything that there were.
#[derive(Default)]
struct UndatedFirstWhenAskedAgain(Notes<String, ()>);

#[async_trait]
impl TranscriptHook for UndatedFirstWhenAskedAgain {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        let narrowed =
            request.channel_id.is_some() || request.video_id.is_some() || request.language.is_some();
        if narrowed || request.order == SearchOrder::Relevance {
            return Ok(page);
        }
        let key = format!("{request:?}");
        if self.0.of(&key).is_some() {
            page.items.sort_by_key(|hit| hit.published_at.is_some());
        }
        self.0.note(key, ());
        Ok(page)
    }
}

struct ExclusionsHaveNegativeScores;

#[async_trait]
impl TranscriptHook for ExclusionsHaveNegativeScores {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        let beginning = |of: &Expression| matches!(of, Expression::Phrase(phrase) if phrase.is_prefix());
        if matches!(request.query.expression(), Expression::Without { include, .. } if beginning(include)) {
            page.items.iter_mut().for_each(|hit| hit.score = hit.score.map(|score| -score));
        }
        Ok(page)
    }
}

/// Only where no video that is hit has a title, and the hits make one page.
struct Rescored {
    score: Score,
}

#[async_trait]
impl TranscriptHook for Rescored {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let SearchPage { items, next, among_latest } = search(at, request).await?;
        let one_page = request.after.is_none() && next.is_none();
        if request.order != SearchOrder::Relevance
            || !one_page
            || items.iter().any(|hit| !hit.title.is_empty())
        {
            return Ok(SearchPage { items, next, among_latest });
        }
        let score = |hit: &SearchHit| SearchHit {
            score: hit.score.map(|score| (self.score)(hit, score)),
            ..hit.clone()
        };
        let mut scored: Vec<_> = items.iter().map(score).collect();
        sort_by_score(&mut scored);
        Ok(SearchPage { items: scored, next, among_latest })
    }
}

/// Best score first; of the same score in the order of their videos and languages.
fn sort_by_score(hits: &mut [SearchHit]) {
    hits.sort_by(|a, b| (&a.video_id, &a.language).cmp(&(&b.video_id, &b.language)));
    hits.sort_by(|a, b| b.score.unwrap_or_default().total_cmp(&a.score.unwrap_or_default()));
}

/// Pages are cut out of all hits with their other scores.
struct Reweighed {
    weight: Weight,
}

#[async_trait]
impl TranscriptHook for Reweighed {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let asked = search(at, request).await?;
        if request.order != SearchOrder::Relevance {
            return Ok(asked);
        }
        let mut whole = SearchRequest { limit: MAX_SEARCH_LIMIT, after: None, ..request.clone() };
        let mut hits = Vec::new();
        loop {
            let page = search(at, &whole).await?;
            hits.extend(page.items);
            whole.after = page.next;
            if whole.after.is_none() {
                break;
            }
        }
        for hit in hits.iter_mut().filter(|hit| hit.language.is_none()) {
            hit.score = hit.score.map(|score| score * (self.weight)(request, hit));
        }
        sort_by_score(&mut hits);
        if let Some(after) = &request.after {
            let last: SearchPosition = after.decode(request.cursor_scope())?;
            let is_last =
                |hit: &SearchHit| (&hit.video_id, &hit.language) == (&last.video_id, &last.language);
            let at = hits.iter().position(is_last).map_or(0, |at| at + 1);
            hits.drain(..at);
        }
        let page = Page::from_rows(hits, request.limit, |last| cursor(request, last))?;
        Ok(SearchPage { among_latest: asked.among_latest, ..page.into() })
    }
}

struct LastFullPageHasACursor;

#[async_trait]
impl TranscriptHook for LastFullPageHasACursor {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        if page.items.len() as u64 >= u64::from(request.limit) {
            page.next = page.items.last().map(|last| cursor(request, last)).transpose()?;
        }
        Ok(page)
    }
}

/// How many hits stand before a cursor.
#[derive(Default)]
struct CursorSkipsHits(Notes<Cursor, usize>);

#[async_trait]
impl TranscriptHook for CursorSkipsHits {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        let skipped = request.after.as_ref().and_then(|after| self.0.of(after)).unwrap_or_default();
        if skipped > 0 {
            let whole = SearchRequest { limit: MAX_SEARCH_LIMIT, after: None, ..request.clone() };
            let rest = search(at, &whole).await?.items.into_iter().skip(skipped).collect();
            page = Page::from_rows(rest, request.limit, |last| cursor(request, last))?.into();
        }
        if let Some(next) = &page.next {
            self.0.note(next.clone(), skipped + page.items.len());
        }
        Ok(page)
    }
}

struct SearchesNoFurtherThanAPage;

#[async_trait]
impl TranscriptHook for SearchesNoFurtherThanAPage {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let page = search(at, request).await?;
        Ok(SearchPage { among_latest: page.next.is_some().then_some(request.limit.into()), ..page })
    }
}

/// The hits behind which cursors point, by whichever search.
#[derive(Default)]
struct CursorOfAnySearch(Notes<Cursor, SearchHit>);

#[async_trait]
impl TranscriptHook for CursorOfAnySearch {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut request = request.clone();
        if let Some(hit) = request.after.as_ref().and_then(|after| self.0.of(after)) {
            request.after = Some(cursor(&request, &hit)?);
        }
        let page = search(at, &request).await?;
        if let (Some(next), Some(last)) = (&page.next, page.items.last()) {
            self.0.note(next.clone(), last.clone());
        }
        Ok(page)
    }
}

/// What the index lacks: transcripts, and without a language the titles and descriptions of videos.
#[derive(Clone, Default)]
struct Unindexed(Arc<Notes<(VideoId, Option<LanguageTag>), ()>>);

impl Unindexed {
    fn note(&self, transcript: TranscriptId) {
        self.0.note((transcript.video_id, Some(transcript.language)), ());
    }
}

#[async_trait]
impl TranscriptHook for Unindexed {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        page.items.retain(|hit| self.0.of(&(hit.video_id.clone(), hit.language.clone())).is_none());
        Ok(page)
    }
}

struct UpsertManyForgetsTheIndex(Unindexed);

#[async_trait]
impl WriteHook<Transcript> for UpsertManyForgetsTheIndex {
    async fn upsert_many(
        &self,
        at: &At<'_>,
        transcripts: &[Transcript],
    ) -> Result<Vec<Upserted<Transcript>>> {
        let upserted = at.writes::<Transcript>().upsert_many(transcripts).await?;
        transcripts.iter().for_each(|transcript| self.0.note(transcript.id()));
        Ok(upserted)
    }
}

struct UpsertForgetsTheIndex(Unindexed);

#[async_trait]
impl WriteHook<Video> for UpsertForgetsTheIndex {
    async fn upsert(&self, at: &At<'_>, video: &Video) -> Result<Upserted<Video>> {
        let upserted = at.writes::<Video>().upsert(video).await?;
        self.0.0.note((video.id.clone(), None), ());
        Ok(upserted)
    }
}

struct RestoreForgetsTranscripts(Unindexed);

#[async_trait]
impl SoftHook<Video> for RestoreForgetsTranscripts {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let restored = at.inner.videos().restore(id).await?;
        let filter = TranscriptFilter { video_id: Some(id.clone()), ..TranscriptFilter::default() };
        for transcript in at.reads::<Transcript>().list(&filter, &PageRequest::default()).await?.items {
            let (video_id, language) = (transcript.video_id.clone(), transcript.language.clone());
            self.0.note(TranscriptId { video_id, language });
        }
        Ok(restored)
    }
}

struct SearchesOutside;

#[async_trait]
impl TranscriptHook for SearchesOutside {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        at.store.transcripts().search(request).await
    }
}

struct RefusedBatchLeavesTheIndex(Unindexed);

#[async_trait]
impl WriteHook<Transcript> for RefusedBatchLeavesTheIndex {
    async fn create_many(&self, at: &At<'_>, transcripts: &[Transcript]) -> Result<Vec<Stored<Transcript>>> {
        let answer = at.writes::<Transcript>().create_many(transcripts).await;
        if matches!(answer, Err(Error::AlreadyExists { .. })) {
            transcripts.iter().for_each(|transcript| self.0.note(transcript.id()));
        }
        answer
    }
}

/// The dates that videos had before an update.
#[derive(Clone, Default)]
struct FormerDates(Arc<Notes<VideoId, Option<Timestamp>>>);

#[async_trait]
impl WriteHook<Video> for FormerDates {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        let before = at.reads::<Video>().get(&video.id, Visibility::Live).await?;
        let updated = at.writes::<Video>().update(video, expected).await?;
        if let Some(before) = before {
            self.0.note(video.id.clone(), before.published_at);
        }
        Ok(updated)
    }
}

#[async_trait]
impl TranscriptHook for FormerDates {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = search(at, request).await?;
        for hit in &mut page.items {
            hit.published_at = self.0.of(&hit.video_id).unwrap_or(hit.published_at);
        }
        Ok(page)
    }
}

/// The transcripts that `upsert` stored.
#[derive(Clone, Default)]
struct UpsertIndexesOnePassage(Arc<Notes<TranscriptId, ()>>);

#[async_trait]
impl WriteHook<Transcript> for UpsertIndexesOnePassage {
    async fn upsert(&self, at: &At<'_>, transcript: &Transcript) -> Result<Upserted<Transcript>> {
        let upserted = at.writes::<Transcript>().upsert(transcript).await?;
        self.0.note(transcript.id(), ());
        Ok(upserted)
    }
}

#[async_trait]
impl TranscriptHook for UpsertIndexesOnePassage {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let SearchPage { items, next, among_latest } = search(at, request).await?;
        let mut found = Vec::new();
        for hit in items {
            let id = hit.language.clone().map(|language| (hit.video_id.clone(), language));
            let id = id.map(|(video_id, language)| TranscriptId { video_id, language });
            let upserted = id.is_some_and(|id| self.0.of(&id).is_some());
            let mut words = words(&texts(at, &hit).await?);
            words.truncate(PASSAGE_TOKENS);
            if !upserted || request.query.expression().matches(&words) {
                found.push(hit);
            }
        }
        Ok(SearchPage { items: found, next, among_latest })
    }
}
