//! Searching what was said, by `tsvector`s of the domain's tokens.
//!
//! Postgres finds the passages; the score is computed here, because `ts_rank` knows nothing of how rare a word is.

use std::cmp::Ordering;
use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::future::join;
use futures::{FutureExt, TryStreamExt};
use tubeatlas_domain::search::{Expression, Phrase, Relevance, find_in_text, metadata_weight};
use tubeatlas_domain::{ChannelId, Entity, LanguageTag, Timestamp, Transcript, TranscriptId, VideoId};
use tubeatlas_ports::{
    Cursor, FoundCue, MAX_SEARCH_LIMIT, Page, Result, SearchHit, SearchOrder, SearchPage, SearchPosition,
    SearchRequest, Stored, TranscriptRepository, Visibility, check_limit,
};

use crate::columns::{RowName, word};
use crate::engine::CountedPassages;
use crate::error::{Context, corrupt};
use crate::passages::quoted;
use crate::session::Session;
use crate::statement::{Bind, Sql, sql};
use crate::table::Table;

/// A document, a transcript or a title with its description, in which something was found.
#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Text)]
    video_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    published_at: Option<i64>,
    #[diesel(sql_type = Text)]
    title: String,
}

/// A passage in which something was found.
#[derive(QueryableByName)]
struct PassageRow {
    #[diesel(sql_type = Text)]
    video_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
    #[diesel(sql_type = Text)]
    tokens: String,
    #[diesel(sql_type = Text)]
    title: String,
}

/// What is shown of a video.
#[derive(QueryableByName)]
struct VideoRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Text>)]
    channel_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    url: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    published_at: Option<i64>,
}

#[derive(QueryableByName)]
struct OptionalNumberRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    value: Option<i64>,
}

/// The query as Postgres reads a `tsquery`, spelled out with parentheses.
fn ts_query(expression: &Expression) -> String {
    let joined =
        |parts: &[Expression], operator: &str| parts.iter().map(ts_query).collect::<Vec<_>>().join(operator);
    match expression {
        Expression::Phrase(phrase) => ts_phrase(phrase),
        Expression::All(parts) => format!("({})", joined(parts, " & ")),
        Expression::Any(parts) => format!("({})", joined(parts, " | ")),
        Expression::Without { include, exclude } => {
            format!("({} & !({}))", ts_query(include), joined(exclude, " | "))
        }
    }
}

fn ts_phrase(phrase: &Phrase) -> String {
    let words: Vec<String> = phrase.tokens().iter().map(|token| quoted(token)).collect();
    let star = if phrase.is_prefix() { ":*" } else { "" };
    format!("({}{star})", words.join(" <-> "))
}

/// The passages that match and are taken in. Every parameter has a number and may be NULL, so one text serves all
/// filters: ?1 the query, ?2 the channel, ?3 the video, ?4 the language in small letters, ?5 the kind, ?6 and ?7 the
/// dates from and before which. What is in a title, the domain says: no index has the words of titles alone.
fn found(visibility: Visibility) -> String {
    let deleted = match visibility {
        Visibility::Live => "v.deleted_at IS NULL",
        Visibility::WithDeleted => "TRUE",
        Visibility::OnlyDeleted => "v.deleted_at IS NOT NULL",
    };
    format!(
        "FROM passages p JOIN videos v ON v.id = p.video_id
         WHERE p.words @@ ?1::tsquery AND {deleted}
           AND (?2::text IS NULL OR v.channel_id = ?2)
           AND (?3::text IS NULL OR p.video_id = ?3)
           AND (?4::text IS NULL OR lower(p.language) = ?4
                OR left(lower(p.language), length(?4::text) + 1) = ?4 || '-')
           AND (?5::text IS NULL OR EXISTS (
                SELECT FROM transcripts t
                WHERE t.video_id = p.video_id AND t.language = p.language AND t.kind = ?5))
           AND (?6::bigint IS NULL OR v.published_at >= ?6)
           AND (?7::bigint IS NULL OR v.published_at < ?7)"
    )
}

fn filter_binds(request: &SearchRequest) -> Result<Vec<Bind>> {
    Ok(vec![
        Bind::Text(Some(ts_query(request.query.expression()))),
        Bind::Text(request.channel_id.clone().map(String::from)),
        Bind::Text(request.video_id.clone().map(String::from)),
        Bind::Text(request.language.as_ref().map(|tag| tag.as_str().to_ascii_lowercase())),
        Bind::Text(request.kind.as_ref().map(word).transpose()?),
        Bind::Integer(request.published_from.map(Timestamp::unix_micros)),
        Bind::Integer(request.published_before.map(Timestamp::unix_micros)),
    ])
}

/// Whether a title is one of those that are wanted.
fn has_title(request: &SearchRequest, title: &str) -> bool {
    request.title.iter().all(|phrase| phrase.is_in(title))
}

/// The documents behind a position in an order by date.
async fn places_by_date(
    mut connection: &AsyncPgConnection,
    request: &SearchRequest,
    newest_first: bool,
    after: Option<SearchPosition>,
) -> Result<Vec<SearchPosition>> {
    let (direction, behind) = if newest_first { ("DESC", "<") } else { ("ASC", ">") };
    let statement = format!(
        "SELECT p.video_id, p.language, v.published_at, v.title {}
         GROUP BY p.video_id, p.language, v.published_at, v.title
         HAVING ?9::text IS NULL OR v.published_at {behind} ?8 OR (?8::bigint IS NOT NULL AND v.published_at IS NULL)
             OR (v.published_at IS NOT DISTINCT FROM ?8
                 AND (p.video_id, coalesce(p.language, '')) > (?9, coalesce(?10, '')))
         ORDER BY v.published_at {direction} NULLS LAST, p.video_id, p.language NULLS FIRST
         LIMIT ?11",
        found(request.visibility)
    );
    let (published_at, video_id, language) = match after {
        None => (None, None, None),
        Some(SearchPosition { score: _, published_at, video_id, language }) => {
            (published_at, Some(video_id), language)
        }
    };
    let wanted = i64::from(request.limit) + 1;
    let mut binds = filter_binds(request)?;
    binds.extend([
        Bind::Integer(published_at.map(|at| at.unix_micros())),
        Bind::Text(video_id.map(String::from)),
        Bind::Text(language.map(String::from)),
        Bind::Integer(request.title.is_empty().then_some(wanted)), // NULL is no limit
    ]);
    let rows: Vec<PlaceRow> =
        sql::<Untyped>(statement, binds).load(&mut connection).await.doing("searching")?;
    rows.into_iter()
        .filter(|row| has_title(request, &row.title))
        .take(usize::try_from(wanted).unwrap_or(usize::MAX))
        .map(|PlaceRow { video_id, language, published_at, title: _ }| {
            let row = RowName { table: "passages", key: &video_id };
            Ok(SearchPosition {
                score: None,
                published_at: row.optional_time(published_at)?,
                video_id: row.check(VideoId::parse(video_id.clone()))?,
                language: row.check(language.map(LanguageTag::parse).transpose())?,
            })
        })
        .collect()
}

/// Best score first, then by video and language.
fn by_score(one: &SearchPosition, other: &SearchPosition) -> Ordering {
    let score = |position: &SearchPosition| position.score.unwrap_or_default();
    let by_id = (&one.video_id, &one.language).cmp(&(&other.video_id, &other.language));
    score(other).total_cmp(&score(one)).then(by_id)
}

/// The documents behind a position in the order of relevance. All that match are scored, as they come: what is kept
/// of each document is its best score.
async fn places_by_score(
    mut connection: &AsyncPgConnection,
    request: &SearchRequest,
    after: Option<SearchPosition>,
    counted: &CountedPassages,
) -> Result<Vec<SearchPosition>> {
    let statement = format!("SELECT p.video_id, p.language, p.tokens, v.title {}", found(request.visibility));
    let statement: Sql<Untyped> = sql(statement, filter_binds(request)?);
    let ranking = ranking(connection, request.query.phrases(), counted);
    let rows = statement.load_stream::<PassageRow>(&mut connection);
    let (ranking, rows) = join(ranking, rows).await;
    let (ranking, rows) = (ranking?, rows.doing("searching")?);
    let mut best: HashMap<(String, Option<String>), f64> = HashMap::new();
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await.doing("searching")? {
        if !has_title(request, &row.title) {
            continue;
        }
        let tokens: Vec<&str> = row.tokens.split(' ').collect();
        let score = match row.language {
            Some(_) => ranking.score(&tokens),
            None => ranking.score(&tokens) * metadata_weight(&request.query, &row.title),
        };
        let kept = best.entry((row.video_id, row.language)).or_insert(score);
        *kept = kept.max(score);
    }
    let places = best.into_iter().map(|((video_id, language), score)| {
        let row = RowName { table: "passages", key: &video_id };
        Ok(SearchPosition {
            score: Some(score),
            published_at: None,
            video_id: row.check(VideoId::parse(video_id.clone()))?,
            language: row.check(language.map(LanguageTag::parse).transpose())?,
        })
    });
    let mut places = places.collect::<Result<Vec<_>>>()?;
    places.retain(|place| after.as_ref().is_none_or(|after| by_score(after, place).is_lt()));
    places.sort_unstable_by(by_score);
    places.truncate(usize::try_from(request.limit).unwrap_or(usize::MAX).saturating_add(1));
    Ok(places)
}

/// What the ranking knows of the whole store: how many passages there are, and of each phrase how many hold it.
async fn ranking<'q>(
    mut connection: &AsyncPgConnection,
    phrases: Vec<&'q Phrase>,
    counted: &CountedPassages,
) -> Result<Relevance<'q>> {
    // The weight of one phrase alone is the same in all that it finds.
    if let [phrase] = *phrases {
        return Ok(Relevance::new(1, [(phrase, 0)]));
    }
    let statement = "WITH drawn AS MATERIALIZED (SELECT pg_sequence_last_value('store_revision') AS revision)
         SELECT value FROM (
             SELECT place, (SELECT count(*) FROM passages p WHERE p.words @@ wanted.phrase::tsquery) AS value
             FROM unnest(?1::text[]) WITH ORDINALITY AS wanted (phrase, place)
             UNION ALL SELECT ?4, revision FROM drawn
             UNION ALL SELECT ?4 + 1, CASE (SELECT revision FROM drawn)
                 WHEN ?2 THEN ?3 ELSE (SELECT count(*) FROM passages) END
         ) AS numbers ORDER BY place";
    let (revision, count) = counted.get();
    let behind = i64::try_from(phrases.len()).unwrap_or(i64::MAX - 1).saturating_add(1);
    let texts = phrases.iter().map(|phrase| ts_phrase(phrase)).collect();
    let binds = vec![
        Bind::Texts(texts),
        Bind::Integer(revision),
        Bind::Integer(Some(count)),
        Bind::Integer(Some(behind)),
    ];
    let mut rows: Vec<OptionalNumberRow> =
        sql::<Untyped>(statement, binds).load(&mut connection).await.doing("weighing words")?;
    let count = rows.pop().and_then(|row| row.value).unwrap_or_default();
    let revision = rows.pop().and_then(|row| row.value);
    counted.set(revision, count);
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or_default();
    let holders = phrases.into_iter().zip(rows.into_iter().map(|row| number(row.value)));
    Ok(Relevance::new(number(Some(count)), holders))
}

/// What is shown of the documents.
async fn hits(
    mut connection: &AsyncPgConnection,
    request: &SearchRequest,
    places: Vec<SearchPosition>,
) -> Result<Vec<SearchHit>> {
    let ids = places.iter().map(|place| place.video_id.to_string()).collect();
    let shown = "SELECT id, title, channel_id, url, published_at FROM videos WHERE id = ANY(?1)";
    let videos = sql::<Untyped>(shown, vec![Bind::Texts(ids)]).load(&mut connection);
    let ids = places.iter().filter_map(|place| {
        let language = place.language.clone()?;
        Some(TranscriptId { video_id: place.video_id.clone(), language })
    });
    let ids: Vec<_> = ids.collect();
    let (videos, transcripts) = join(videos, Transcript::load_many(connection, &ids)).await;
    let videos: Vec<VideoRow> = videos.doing("reading what was found")?;
    let videos: HashMap<&str, &VideoRow> = videos.iter().map(|video| (video.id.as_str(), video)).collect();
    let transcripts: HashMap<TranscriptId, Stored<Transcript>> =
        transcripts?.into_iter().map(|row| (row.stored.entity.id(), row.stored)).collect();
    let hit = |place: SearchPosition| {
        let SearchPosition { score, published_at: _, video_id, language } = place;
        let missing = |what: &str| corrupt("passages", &video_id, &format!("has no {what}"));
        let video = *videos.get(video_id.as_str()).ok_or_else(|| missing("video"))?;
        let row = RowName { table: "videos", key: &video_id };
        let cues = match &language {
            None => Vec::new(),
            Some(language) => {
                let id = TranscriptId { video_id: video_id.clone(), language: language.clone() };
                let transcript = transcripts.get(&id).ok_or_else(|| missing("transcript"))?;
                FoundCue::in_cues(&transcript.cues, &request.query, request.cues_per_hit)
            }
        };
        Ok(SearchHit {
            title_highlights: find_in_text(&video.title, &request.query),
            title: video.title.clone(),
            channel_id: row.check(video.channel_id.clone().map(ChannelId::parse).transpose())?,
            url: video.url.clone(),
            published_at: row.optional_time(video.published_at)?,
            score,
            video_id: video_id.clone(),
            language,
            cues,
        })
    };
    places.into_iter().map(hit).collect()
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        self.check_usable()?;
        check_limit(request.limit, MAX_SEARCH_LIMIT)?;
        let scope = request.cursor_scope();
        let after: Option<SearchPosition> =
            request.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
        let request = request.clone();
        let counted = self.counted_passages();
        self.read(move |connection| {
            async move {
                let places = match request.order {
                    SearchOrder::Relevance => places_by_score(connection, &request, after, &counted).await,
                    SearchOrder::Newest => places_by_date(connection, &request, true, after).await,
                    SearchOrder::Oldest => places_by_date(connection, &request, false, after).await,
                };
                let Page { items, next } =
                    Page::from_rows(places?, request.limit, |last| Cursor::encode(scope, last))?;
                Ok(Page { items: hits(connection, &request, items).await?, next }.into())
            }
            .boxed()
        })
        .await
    }
}
