//! Searching what was said, by SQLite's FTS5 over the domain's tokens.

use std::cell::RefCell;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use tubeatlas_domain::search::{SearchQuery, find_in_text, metadata_weight};
use tubeatlas_domain::{ChannelId, EntityKind, LanguageTag, Timestamp, Transcript, TranscriptId, VideoId};
use tubeatlas_ports::{
    Cursor, FoundCue, MAX_SEARCH_LIMIT, Page, Result, SearchHit, SearchOrder, SearchPage, SearchPosition,
    SearchRequest, TranscriptRepository, Visibility, check_limit,
};

use crate::columns::{RowName, word};
use crate::common_words::{Plan, plan};
use crate::error::Context;
use crate::metrics::Call;
use crate::pool::Length;
use crate::session::Session;
use crate::statement::{Bind, limited, sql};
use crate::table::Table;

#[derive(QueryableByName)]
struct HitRow {
    #[diesel(sql_type = Text)]
    video_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
    #[diesel(sql_type = Double)]
    score: f64,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Text>)]
    channel_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    url: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    published_at: Option<i64>,
    /// The lowest score of the passages that were looked at, if there may be others.
    #[diesel(sql_type = Nullable<Double>)]
    cut: Option<f64>,
}

/// How many of the best passages are looked at for each hit that is asked for, before all of them are: several may be
/// of one transcript.
const BEST: u32 = 8;

/// How many passages are searched for each that is taken into account, where all words are common.
const SEARCHED: i64 = 25;

#[diesel::declare_sql_function]
extern "SQL" {
    /// [`metadata_weight`] for the source of a query and a title.
    fn metadata_weight_of(query: Text, title: Text) -> Double;
}

/// Makes [`metadata_weight`] known to a connection, because only so can the best passages be told from the others.
pub(crate) fn register_weight(connection: &mut SqliteConnection) -> QueryResult<()> {
    let last = RefCell::new(None::<SearchQuery>); // of one search it is always the same
    metadata_weight_of_utils::register_impl(connection, move |source: String, title: String| {
        let mut last = last.borrow_mut();
        if last.as_ref().is_none_or(|query| query.source() != source) {
            *last = SearchQuery::parse(&source).ok();
        }
        last.as_ref().map_or(1.0, |query| metadata_weight(query, &title))
    })
}

/// The passages that are taken into account, with their scores. Parameters as in [`statement`]; ?9 is what is scored,
/// ?12 how many of the best are looked at (-1: all), ?15 the source of the query.
fn found(plan: &Plan, request: &SearchRequest) -> &'static str {
    match (plan, request.order) {
        (Plan::All { .. }, SearchOrder::Relevance) => {
            "matching AS MATERIALIZED (
                 SELECT rowid AS id FROM passages_fts WHERE passages_fts MATCH ?1
             ),
             found AS MATERIALIZED (
                 SELECT rowid AS id, -bm25(passages_fts) * coalesce((
                     SELECT metadata_weight_of(?15, v.title)
                     FROM passages m INDEXED BY ix_passages_metadata JOIN videos v ON v.id = m.video_id
                     WHERE m.id = passages_fts.rowid AND m.language IS NULL
                 ), 1.0) AS score
                 FROM passages_fts
                 WHERE passages_fts MATCH ?9 AND +rowid IN (SELECT id FROM matching)
                 ORDER BY score DESC LIMIT ?12 + 0
             )"
        }
        // Scoring is the dear part of a search; an order by date does without.
        (Plan::All { .. }, SearchOrder::Newest | SearchOrder::Oldest) => {
            "found AS MATERIALIZED (
                 SELECT rowid AS id, 0.0 AS score FROM passages_fts WHERE passages_fts MATCH ?1
             )"
        }
        // A video has few passages.
        (Plan::Latest { .. }, _) if request.video_id.is_some() => {
            "found AS MATERIALIZED (
                 SELECT rowid AS id, CAST(rowid AS REAL) AS score FROM passages_fts
                 WHERE passages_fts MATCH ?1 AND rowid IN (SELECT id FROM passages WHERE video_id = ?3)
                 LIMIT ?10 + 0
             )"
        }
        (Plan::Latest { .. }, _) => {
            "found AS MATERIALIZED (
                 SELECT rowid AS id, CAST(rowid AS REAL) AS score FROM passages_fts
                 WHERE passages_fts MATCH ?1 AND rowid > (SELECT max(id) FROM passages) - ?11
                 ORDER BY rowid DESC LIMIT ?10 + 0
             )"
        }
    }
}

/// The statement: the best passage of each transcript (or title and description), filtered, behind a
/// position, in order. Every parameter has a number and may be NULL, so one text serves all filters.
fn statement(plan: &Plan, request: &SearchRequest) -> String {
    let found = found(plan, request);
    let deleted = match request.visibility {
        Visibility::Live => "v.deleted_at IS NULL",
        Visibility::WithDeleted => "TRUE",
        Visibility::OnlyDeleted => "v.deleted_at IS NOT NULL",
    };
    let by_id = "(p.video_id, coalesce(p.language, '')) > (?7, coalesce(?8, ''))";
    let (sort, behind) = match request.order {
        SearchOrder::Relevance => {
            ("score DESC", format!("max(f.score) < ?5 OR (max(f.score) = ?5 AND {by_id})"))
        }
        SearchOrder::Newest => (
            "v.published_at DESC NULLS LAST",
            format!(
                "v.published_at < ?6 OR (?6 IS NOT NULL AND v.published_at IS NULL)
                 OR (v.published_at IS ?6 AND {by_id})"
            ),
        ),
        SearchOrder::Oldest => (
            "v.published_at ASC NULLS LAST",
            format!(
                "v.published_at > ?6 OR (?6 IS NOT NULL AND v.published_at IS NULL)
                 OR (v.published_at IS ?6 AND {by_id})"
            ),
        ),
    };
    format!(
        "WITH {found}
         SELECT p.video_id, p.language, max(f.score) AS score,
                v.title, v.channel_id, v.url, v.published_at,
                (SELECT min(score) FROM found WHERE ?12 > 0 HAVING count(*) = ?12) AS cut
         FROM found f JOIN passages p ON p.id = f.id JOIN videos v ON v.id = p.video_id
         WHERE {deleted}
           AND (?2 IS NULL OR v.channel_id = ?2)
           AND (?3 IS NULL OR v.id = ?3)
           AND (?4 IS NULL OR lower(p.language) = lower(?4)
                OR substr(lower(p.language), 1, length(?4) + 1) = lower(?4) || '-')
           AND (?13 IS NULL OR EXISTS (
                SELECT 1 FROM transcripts t
                WHERE t.video_id = p.video_id AND t.language = p.language AND t.kind = ?13))
           AND (?14 IS NULL OR v.published_at >= ?14)
           AND (?16 IS NULL OR v.published_at < ?16)
         GROUP BY p.video_id, p.language
         HAVING ?7 IS NULL OR {behind}
         ORDER BY {sort}, p.video_id, p.language"
    )
}

/// Whether there is more to a search than its query.
fn is_filtered(request: &SearchRequest) -> bool {
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
    channel_id.is_some()
        || video_id.is_some()
        || language.is_some()
        || kind.is_some()
        || published_from.or(*published_before).is_some()
        || !title.is_empty()
        || *visibility != Visibility::Live
}

fn load_rows(
    connection: &mut SqliteConnection,
    request: &SearchRequest,
    after: Option<&SearchPosition>,
    plan: &Plan,
    bound: u64,
) -> Result<Vec<HitRow>> {
    // Most pages are first ones by relevance: their hits are among the best passages, and what the others are of need
    // not be looked up.
    let scored = matches!((plan, request.order), (Plan::All { .. }, SearchOrder::Relevance));
    if scored && after.is_none() && !is_filtered(request) {
        let wanted = request.limit.saturating_add(1);
        let best = i64::from(wanted.saturating_mul(BEST));
        let rows = load(connection, request, None, plan, bound, best)?;
        // One with the score at the cut may have equals behind it that come before it in order.
        let enough = rows.len() >= usize::try_from(wanted).unwrap_or(usize::MAX);
        let complete = |last: &HitRow| last.cut.is_none_or(|cut| enough && last.score > cut);
        if rows.last().is_some_and(complete) {
            return Ok(rows);
        }
    }
    load(connection, request, after, plan, bound, -1)
}

fn load(
    connection: &mut SqliteConnection,
    request: &SearchRequest,
    after: Option<&SearchPosition>,
    plan: &Plan,
    bound: u64,
    best: i64,
) -> Result<Vec<HitRow>> {
    let (matching, scored) = match plan {
        Plan::All { matching, scored } => (matching, Some(scored)),
        Plan::Latest { matching } => (matching, None),
    };
    let bound = i64::try_from(bound).unwrap_or(i64::MAX);
    let text = |value: Option<&str>| Bind::Text(value.map(str::to_owned));
    let published_at = after.and_then(|after| after.published_at);
    let language = after.and_then(|after| after.language.as_ref());
    let binds = vec![
        text(Some(matching)),
        text(request.channel_id.as_ref().map(ChannelId::as_str)),
        text(request.video_id.as_ref().map(VideoId::as_str)),
        text(request.language.as_ref().map(LanguageTag::as_str)),
        Bind::Real(after.and_then(|after| after.score)),
        Bind::Integer(published_at.map(Timestamp::unix_micros)),
        text(after.map(|after| after.video_id.as_str())),
        text(language.map(LanguageTag::as_str)),
        text(scored.map(String::as_str)),
        Bind::Integer(Some(bound)),
        Bind::Integer(Some(bound.saturating_mul(SEARCHED))),
        Bind::Integer(Some(best)),
        text(request.kind.as_ref().map(word).transpose()?.as_deref()),
        Bind::Integer(request.published_from.map(Timestamp::unix_micros)),
        text(Some(request.query.source())),
        Bind::Integer(request.published_before.map(Timestamp::unix_micros)), // the last one stands in all statements
    ];
    let wanted = i64::from(request.limit) + 1;
    // What is in a title, the domain says: no index has the words of titles alone.
    let limit = if request.title.is_empty() { wanted } else { -1 };
    let mut rows: Vec<HitRow> =
        limited(sql(statement(plan, request), binds), limit).load(connection).doing("searching")?;
    rows.retain(|row| request.title.iter().all(|phrase| phrase.is_in(&row.title)));
    rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
    Ok(rows)
}

impl HitRow {
    /// The hit, with what of it is shown.
    fn into_hit(self, connection: &mut SqliteConnection, request: &SearchRequest) -> Result<SearchHit> {
        let key = self.video_id.clone();
        let row = RowName { table: "passages", key: &key };
        let video_id = row.check(VideoId::parse(self.video_id))?;
        let language = row.check(self.language.map(LanguageTag::parse).transpose())?;
        let cues = match &language {
            None => Vec::new(),
            Some(language) => {
                let id = TranscriptId { video_id: video_id.clone(), language: language.clone() };
                let transcript = Transcript::load(connection, &id)?;
                let transcript = row.check(transcript.ok_or("has no transcript"))?.stored;
                FoundCue::in_cues(&transcript.cues, &request.query, request.cues_per_hit)
            }
        };
        Ok(SearchHit {
            title_highlights: find_in_text(&self.title, &request.query),
            title: self.title,
            channel_id: row.check(self.channel_id.map(ChannelId::parse).transpose())?,
            url: self.url,
            published_at: row.optional_time(self.published_at)?,
            score: (request.order == SearchOrder::Relevance).then_some(self.score),
            video_id,
            language,
            cues,
        })
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        self.check_usable()?;
        check_limit(request.limit, MAX_SEARCH_LIMIT)?;
        let scope = request.cursor_scope();
        let after = request.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
        let request = request.clone();
        let bound = self.engine().config.search_bound;
        self.read(Call("search", EntityKind::Transcript), Length::Long, move |connection| {
            let plan = plan(connection, &request.query, bound)?;
            let among_latest = matches!(plan, Plan::Latest { .. }).then_some(bound);
            let rows = load_rows(connection, &request, after.as_ref(), &plan, bound)?;
            let page = Page::from_rows(rows, request.limit, |last| {
                let row = RowName { table: "passages", key: &last.video_id };
                let position = SearchPosition {
                    score: (request.order == SearchOrder::Relevance).then_some(last.score),
                    published_at: row.optional_time(last.published_at)?,
                    video_id: row.check(VideoId::parse(last.video_id.clone()))?,
                    language: row.check(last.language.clone().map(LanguageTag::parse).transpose())?,
                };
                Cursor::encode(scope, &position)
            })?;
            let hits = page.items.into_iter().map(|row| row.into_hit(connection, &request));
            Ok(SearchPage { items: hits.collect::<Result<_>>()?, next: page.next, among_latest })
        })
        .await
    }
}
