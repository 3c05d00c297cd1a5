//! Search: the same query finds the same in every adapter. The model is the domain's: its passages, its meaning
//! of a query, its cues and highlights.

mod scripts;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tubeatlas_domain::search::{
    PASSAGE_OVERLAP, PASSAGE_TOKENS, Passage, SearchQuery, find_cues, find_in_text, metadata_passages,
    transcript_passages,
};
use tubeatlas_domain::{Entity, LanguageTag, Transcript, TranscriptKind, Video, VideoId};
use tubeatlas_ports::{
    Cursor, FoundCue, MAX_CURSOR_BYTES, MAX_SEARCH_LIMIT, Mode, Repositories, SearchHit, SearchOrder,
    SearchPage, SearchPosition, SearchRequest, Visibility,
};

pub(crate) use self::scripts::*;
use super::subject::store_videos;
use crate::check::{already_exists, holds, invalid, same, some};
use crate::fixtures::*;
use crate::{Case, Limits, Outcome, Violation};

/// What is searched, as the model knows it.
#[derive(Default)]
pub(crate) struct Corpus {
    pub(crate) videos: Vec<Video>,
    pub(crate) transcripts: Vec<Transcript>,
    pub(crate) deleted: BTreeSet<VideoId>,
}

fn query(text: &str) -> Result<SearchQuery, Violation> {
    SearchQuery::parse(text).map_err(|error| Violation::new(format!("the query {text:?}"), error.to_string()))
}

/// A search by date, latest first, in one page.
fn request(text: &str) -> Result<SearchRequest, Violation> {
    let query = query(text)?;
    Ok(SearchRequest { order: SearchOrder::Newest, limit: MAX_SEARCH_LIMIT, ..SearchRequest::new(query) })
}

fn transcript(video: &str, tag: &str, texts: &[&str]) -> Transcript {
    a_transcript_with(|t| {
        t.video_id = video_id(video);
        t.language = language(tag);
        t.cues = cues(texts);
    })
}

impl Corpus {
    /// Each of these texts as the only cue of the English transcript of a video of its own: `v0`, `v1`, ….
    fn of_texts(texts: &[&str]) -> Self {
        let mut corpus = Self::default();
        for (n, text) in texts.iter().enumerate() {
            let id = format!("v{n}");
            corpus.videos.push(a_video_with(|v| {
                v.id = video_id(&id);
                v.title = String::new();
            }));
            corpus.transcripts.push(transcript(&id, "en", &[text]));
        }
        corpus
    }

    async fn store(&self, to: &dyn Repositories) -> Outcome {
        let channels: BTreeSet<_> = self.videos.iter().filter_map(|video| video.channel_id.clone()).collect();
        for id in channels {
            to.channels().create(&a_channel_with(|c| c.id = id.clone())).await?;
        }
        to.videos().create_many(&self.videos).await?;
        to.transcripts().create_many(&self.transcripts).await?;
        for id in &self.deleted {
            to.videos().delete(id, None).await?;
        }
        Ok(())
    }

    /// The hits in an order by date; in the order of relevance without scores, by video and language.
    pub(crate) fn hits(&self, request: &SearchRequest) -> Vec<SearchHit> {
        let mut hits: Vec<_> = self.videos.iter().flat_map(|video| self.hits_of(video, request)).collect();
        sort(&mut hits, request.order);
        hits
    }

    fn hits_of(&self, video: &Video, request: &SearchRequest) -> Vec<SearchHit> {
        let deleted = self.deleted.contains(&video.id).then(noon);
        if !request.visibility.shows(deleted)
            || request.channel_id.as_ref().is_some_and(|wanted| video.channel_id.as_ref() != Some(wanted))
            || request.video_id.as_ref().is_some_and(|wanted| *wanted != video.id)
            || request.published_from.is_some_and(|from| video.published_at.is_none_or(|at| at < from))
            || request.published_before.is_some_and(|end| video.published_at.is_none_or(|at| at >= end))
            || !request.title.iter().all(|phrase| phrase.is_in(&video.title))
        {
            return Vec::new();
        }
        let found = |passages: &[Passage]| {
            passages.iter().any(|passage| {
                let tokens: Vec<_> = passage.tokens().collect();
                request.query.expression().matches(&tokens)
            })
        };
        let hit = |language: Option<LanguageTag>, cues| SearchHit {
            video_id: video.id.clone(),
            title: video.title.clone(),
            title_highlights: find_in_text(&video.title, &request.query),
            channel_id: video.channel_id.clone(),
            url: video.url.clone(),
            published_at: video.published_at,
            language,
            score: None,
            cues,
        };
        let metadata = metadata_passages(&video.title, video.description.as_deref());
        let mut hits = Vec::new();
        if request.language.is_none() && request.kind.is_none() && found(&metadata) {
            hits.push(hit(None, Vec::new()));
        }
        for transcript in self.transcripts.iter().filter(|transcript| transcript.video_id == video.id) {
            let covered = request.language.as_ref().is_none_or(|wanted| wanted.covers(&transcript.language));
            let kind = request.kind.is_none_or(|wanted| wanted == transcript.kind);
            if covered && kind && found(&transcript_passages(&transcript.cues)) {
                hits.push(hit(Some(transcript.language.clone()), shown_cues(transcript, request)));
            }
        }
        hits
    }

    /// That a search answers what the model does, in each order.
    async fn agrees(&self, with: &dyn Repositories, request: &SearchRequest) -> Outcome {
        let mut expected = self.hits(request);
        for order in [SearchOrder::Newest, SearchOrder::Oldest, SearchOrder::Relevance] {
            sort(&mut expected, order);
            let page = with.transcripts().search(&SearchRequest { order, ..request.clone() }).await?;
            let mut hits = page.items;
            if order == SearchOrder::Relevance {
                scores_are_in_order(&hits)?;
                hits.iter_mut().for_each(|hit| hit.score = None);
                sort(&mut hits, order);
            }
            same(&format!("the hits of {:?}, {order:?}", request.query.source()), &hits, &expected)?;
            same("the cursor behind the last hit", &page.next, &None)?;
        }
        Ok(())
    }
}

/// Hits in this order, or by video and language alone: scores are each adapter's own.
pub(crate) fn sort(hits: &mut [SearchHit], order: SearchOrder) {
    hits.sort_by(|a, b| compare(order, &position(a), &position(b)));
}

/// The order key of a hit, without its score.
pub(crate) fn position(hit: &SearchHit) -> SearchPosition {
    SearchPosition {
        score: None,
        published_at: hit.published_at,
        video_id: hit.video_id.clone(),
        language: hit.language.clone(),
    }
}

/// How two order keys stand in this order, scores aside.
pub(crate) fn compare(order: SearchOrder, a: &SearchPosition, b: &SearchPosition) -> Ordering {
    let undated_last = a.published_at.is_none().cmp(&b.published_at.is_none());
    let by_date = match order {
        SearchOrder::Relevance => Ordering::Equal,
        SearchOrder::Newest => undated_last.then(b.published_at.cmp(&a.published_at)),
        SearchOrder::Oldest => undated_last.then(a.published_at.cmp(&b.published_at)),
    };
    by_date.then_with(|| (&a.video_id, &a.language).cmp(&(&b.video_id, &b.language)))
}

fn shown_cues(transcript: &Transcript, request: &SearchRequest) -> Vec<FoundCue> {
    let max = usize::try_from(request.cues_per_hit).unwrap_or(usize::MAX);
    let found = find_cues(&transcript.cues, &request.query, max);
    let shown = |found: tubeatlas_domain::search::CueMatch| {
        let cue = transcript.cues.get(found.cue)?;
        let (start_ms, end_ms, text) = (cue.start_ms, cue.end_ms, cue.text.clone());
        Some(FoundCue { start_ms, end_ms, text, highlights: found.highlights })
    };
    found.into_iter().filter_map(shown).collect()
}

pub(crate) fn scores_are_in_order(hits: &[SearchHit]) -> Outcome {
    let scores: Vec<_> = hits.iter().map(|hit| hit.score).collect();
    let finite = scores.iter().all(|score| score.is_some_and(f64::is_finite));
    holds("a finite score of each hit", finite, &scores)?;
    let key = |hit: &SearchHit| (hit.score.unwrap_or_default(), hit.video_id.clone(), hit.language.clone());
    let sorted = hits.is_sorted_by(|a, b| {
        let ((score, video, tag), (next, next_video, next_tag)) = (key(a), key(b));
        score > next || (score == next && (video, tag) < (next_video, next_tag))
    });
    let shown: Vec<_> = hits.iter().map(key).collect();
    holds("the best score first, then by video and language", sorted, &shown)
}

/// The videos (and languages, if any) that are found, in the order of their ids.
async fn found(store: &(impl Repositories + ?Sized), text: &str) -> Result<Vec<String>, Violation> {
    let hits = store.transcripts().search(&request(text)?).await?.items;
    let mut found: Vec<_> = hits
        .iter()
        .map(|hit| match &hit.language {
            Some(language) => format!("{}/{language}", hit.video_id),
            None => hit.video_id.to_string(),
        })
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Stores these texts, each as a video's only cue, and compares what each query finds with the numbers of the
/// texts, and with the model.
async fn queries_find(case: &Case, texts: &[&str], queries: &[(&str, &[usize])]) -> Outcome {
    let corpus = Corpus::of_texts(texts);
    corpus.store(case.store()).await?;
    for (text, numbers) in queries {
        let mut expected: Vec<_> = numbers.iter().map(|n| format!("v{n}/en")).collect();
        expected.sort_unstable();
        same(&format!("what {text:?} finds"), &found(case.store(), text).await?, &expected)?;
        corpus.agrees(case.store(), &request(text)?).await?;
    }
    Ok(())
}

// Queries

pub(crate) async fn must_sea_q_001_a_word_is_found_whatever_its_case_and_accents(case: &Case) -> Outcome {
    let texts =
        ["Grüße aus KÖLN", "gruss aus koln", "kolnisch", "Straße", "STRASSE 5", "ﬁne ｗｉｄｅ", "don't"];
    queries_find(
        case,
        &texts,
        &[
            ("köln", &[0, 1]),
            ("KOLN", &[0, 1]),
            ("ko\u{308}ln", &[0, 1]),
            ("grusse", &[0]),
            ("strasse", &[3, 4]),
            ("STRAßE", &[3, 4]),
            ("fine", &[5]),
            ("wide", &[5]),
            ("don't", &[6]),
            ("don", &[6]),
            ("dont", &[]),
            ("5", &[4]),
            ("missing", &[]),
        ],
    )
    .await
}

pub(crate) async fn must_sea_q_002_a_phrase_is_found_across_cues_and_in_its_order_only(
    case: &Case,
) -> Outcome {
    let mut corpus = Corpus::of_texts(&["never gonna give", "give gonna never", "never, ever gonna give"]);
    corpus.videos.push(a_video_with(|v| {
        v.id = video_id("cues");
        v.title = "gonna".into();
    }));
    corpus.transcripts.push(transcript("cues", "en", &["I am never", "♪", "gonna", "GIVE you up"]));
    corpus.store(case.store()).await?;
    for (text, expected) in [
        ("\"never gonna give\"", &["cues/en", "v0/en"][..]),
        ("\"gonna never\"", &["v1/en"]),
        ("never-gonna", &["cues/en", "v0/en"]),
        ("never gonna give", &["cues/en", "v0/en", "v1/en", "v2/en"]),
        ("\"am never gonna give you up\"", &["cues/en"]),
        ("\"never give\"", &[]),
    ] {
        same(&format!("what {text:?} finds"), &found(case.store(), text).await?[..], expected)?;
        corpus.agrees(case.store(), &request(text)?).await?;
    }
    Ok(())
}

pub(crate) async fn must_sea_q_003_a_prefix_finds_what_begins_so(case: &Case) -> Outcome {
    let texts = ["astronomy", "Astro", "gastronomy", "black holes", "black h", "hole black", "ästhetik"];
    queries_find(
        case,
        &texts,
        &[
            ("astro*", &[0, 1]),
            ("astronomy*", &[0]),
            ("a*", &[0, 1, 6]),
            ("\"black ho\"*", &[3]),
            ("\"black h*\"", &[3, 4]),
            ("Äst*", &[0, 1, 6]),
            ("as*", &[0, 1, 6]),
            ("-gas* astro* OR black", &[0, 1, 3, 4, 5]),
            ("zz*", &[]),
        ],
    )
    .await
}

pub(crate) async fn must_sea_q_004_exclusion_or_and_and(case: &Case) -> Outcome {
    let texts = ["hot tea", "hot coffee", "iced tea", "tea", "hot iced coffee and tea", "or"];
    queries_find(
        case,
        &texts,
        &[
            ("hot tea", &[0, 4]),
            ("tea OR coffee", &[0, 1, 2, 3, 4]),
            ("hot tea OR coffee", &[0, 1, 4]),
            ("tea -hot", &[2, 3]),
            ("tea -hot -iced", &[3]),
            ("tea -\"hot tea\"", &[2, 3, 4]),
            ("tea -co*", &[0, 2, 3]),
            ("hot -hot", &[]),
            ("tea or", &[]),
            ("OR", &[5]),
            ("or", &[5]),
            ("-iced OR tea", &[]),
        ],
    )
    .await
}

/// So many different words that nobody looks for.
fn filler(from: usize, words: usize) -> String {
    (from..from + words).map(|n| format!("filler{n}")).collect::<Vec<_>>().join(" ")
}

pub(crate) async fn must_sea_q_005_a_query_must_hold_in_one_passage(case: &Case) -> Outcome {
    let near = format!("{} alpha {} beta {}", filler(0, 150), filler(0, PASSAGE_OVERLAP - 1), filler(0, 300));
    let far = format!("alpha {} beta", filler(0, PASSAGE_TOKENS));
    let border = format!("{} alpha beta {}", filler(0, PASSAGE_TOKENS - 1), filler(0, 200));
    let excluded_elsewhere = format!("alpha {} gamma", filler(0, 400));
    let excluded_near = "alpha gamma";
    queries_find(
        case,
        &[&near, &far, &border, &excluded_elsewhere, excluded_near],
        &[
            ("alpha beta", &[0, 2]),
            ("\"alpha beta\"", &[2]),
            ("alpha gamma", &[4]),
            ("alpha -gamma", &[0, 1, 2, 3]),
            ("alpha -beta", &[1, 2, 3, 4]),
            ("filler238 filler0", &[1, 2, 3]),
            ("filler239 filler0", &[]),
        ],
    )
    .await
}

pub(crate) async fn must_sea_q_006_every_script_is_found(case: &Case) -> Outcome {
    let texts = [
        "東京タワーへ行く",
        "京都と東の国",
        "か\u{3099}くせい",
        "مُحَمَّد كتاب",
        "שָׁלוֹם עולם",
        "मैं हिन्दी बोलता हूँ",
        "ภาษาไทย",
        "Ελλάδα ΟΔΟΣ",
        "Ёлка и мёд",
        "👩‍👩‍👧 emoji 😀",
        "한국어 배우기",
        "п’ять",
    ];
    queries_find(
        case,
        &texts,
        &[
            ("東京", &[0]),
            ("京", &[0, 1]),
            ("東 京", &[0, 1]),
            ("がくせい", &[2]),
            ("かくせい", &[]),
            ("محمد", &[3]),
            ("كتاب", &[3]),
            ("שלום", &[4]),
            ("हिन्दी", &[5]),
            ("ภาษา", &[6]),
            ("οδός", &[7]),
            ("елка", &[8]),
            ("мед", &[8]),
            ("emoji", &[9]),
            ("한국*", &[10]),
            ("п'ять", &[11]),
        ],
    )
    .await
}

pub(crate) async fn must_sea_q_007_no_query_speaks_the_engines_own_language(case: &Case) -> Outcome {
    let texts = [
        "near the title of a book",
        "a and b or not c",
        "select * from video; drop table",
        "column: value",
        "100% sure_thing",
        "back\\slash 'quoted' \"double\"",
        "x y z",
        "null",
    ];
    let corpus = Corpus::of_texts(&texts);
    corpus.store(case.store()).await?;
    for text in [
        "NEAR(near title)",
        "NEAR(near title, 1)",
        "near/2 title",
        "tokens:book",
        "text : book",
        "{title text}: book",
        "-tokens:x near",
        "near ^ title",
        "^near",
        "\"near",
        "near\"",
        "\"\" near",
        "\"near\"\"title\"",
        "(near",
        "near)",
        "(near OR book) title",
        "near AND missing",
        "near NOT title",
        "a AND b",
        "a & b",
        "a | missing",
        "!a b",
        "a <-> b",
        "a <2> b",
        "a:*",
        "a:B",
        "* near",
        "near**",
        "near *",
        "'quoted'",
        "'; DROP TABLE video; --",
        "1' OR '1'='1",
        "100%",
        "s%e",
        "sure_thing",
        "sure_",
        "back\\slash",
        "near\\",
        "\\\"near\\\"",
        "near + title",
        "+near",
        "near , title",
        "null",
        "x\0y",
        "x\u{7f}y z",
        "[x] {y} <z>",
        "«near the»",
        "near\u{2028}title",
        "%s %d $1 ? :id @x",
        "rank bm25(x)",
        "🦀 near",
    ] {
        corpus.agrees(case.store(), &request(text)?).await?;
    }
    Ok(())
}

pub(crate) async fn must_sea_q_008_long_words_phrases_and_queries_are_answered(case: &Case) -> Outcome {
    let word = "w".repeat(5_000);
    let thirty: Vec<_> = (0..30).map(|n| format!("n{n}")).collect();
    let sixty_four = (0..64).map(|n| format!("p{n}")).collect::<Vec<_>>().join(" ");
    let corpus = Corpus::of_texts(&[&word, &thirty.join(" "), &format!("x {sixty_four} y"), "🦀 … ♪", ""]);
    corpus.store(case.store()).await?;
    for text in [
        "w".repeat(256),
        "w".repeat(900),
        "w".repeat(255),
        format!("{}*", "w".repeat(255)),
        "w*".into(),
        thirty.join(" "),
        thirty.join(" OR "),
        format!("n0 -{}", thirty[1..].join(" -")),
        format!("\"{sixty_four}\""),
        format!("\"{sixty_four}\" -missing"),
    ] {
        corpus.agrees(case.store(), &request(&text)?).await?;
    }
    Ok(())
}

pub(crate) async fn must_sea_q_009_groups_stand_in_groups(case: &Case) -> Outcome {
    let texts = ["hot tea", "hot coffee", "iced tea", "tea", "hot iced coffee and tea", "milk", "f x"];
    queries_find(
        case,
        &texts,
        &[
            ("(hot tea) OR milk", &[0, 4, 5]),
            ("milk OR (hot tea)", &[0, 4, 5]),
            ("tea -(hot OR iced)", &[3]),
            ("tea -(hot iced)", &[0, 2, 3]),
            ("(tea -hot) OR (coffee -iced)", &[1, 2, 3]),
            ("hot -(tea -coffee)", &[1, 4]),
            ("((tea OR coffee) hot) OR milk", &[0, 1, 4, 5]),
            ("(\"iced coffee\" OR mil*) -(tea -and)", &[4, 5]),
            ("(milk OR f", &[5, 6]),
            ("milk)", &[5]),
            ("f(x)", &[6]),
            ("() milk -()", &[5]),
        ],
    )
    .await?;
    // As deep as they may be, in all that they may stand in.
    for deeper in [
        |inner: &str| format!("hot coffee OR ({inner}) -milk"),
        |inner: &str| format!("({inner}) OR coffee tea -x"),
        |inner: &str| format!("tea -({inner})"),
        |inner: &str| format!("-(f OR ({inner}) x) hot"),
    ] {
        let mut text = "iced OR tea".to_owned();
        while let Ok(request) = request(&text) {
            let hits = case.store().transcripts().search(&request).await?.items;
            let expected = Corpus::of_texts(&texts).hits(&request);
            same(&format!("the hits of {text:?}"), &hits, &expected)?;
            text = deeper(&text);
        }
        holds("a query of many groups", text.matches('(').count() > 8, &text)?;
    }
    Ok(())
}

// Hits

/// Videos of two channels with titles, descriptions, dates and transcripts that hold the same words.
fn lectures() -> Corpus {
    let mut corpus = Corpus::default();
    for (id, channel, title, description, published_at) in [
        ("m", Some("astro"), "Black holes", Some("About stars."), Some(100)),
        ("B", Some("ASTRO"), "About black", Some("holes and more"), Some(100)),
        ("b", None, "No stars at all", None, Some(100)),
        ("old", Some("astro"), "Old", Some("black holes"), Some(-100)),
        ("é", Some("astro"), "BLACK HOLES, again: black-holes", Some(""), None),
        ("z", None, "", Some("a hole, not black"), None),
        ("gone", Some("astro"), "black holes are gone", None, Some(100)),
        ("new", Some("ASTRO"), "new", None, Some(900)),
    ] {
        corpus.videos.push(a_video_with(|v| {
            v.id = video_id(id);
            v.channel_id = channel.map(channel_id);
            v.title = title.into();
            v.description = description.map(str::to_owned);
            v.published_at = published_at.map(at);
            v.url = Some(format!("https://example.org/{published_at:?}"));
        }));
    }
    for (video, tag) in [
        ("m", "en"),
        ("m", "EN-us"),
        ("m", "de"),
        ("m", "eng"),
        ("B", "en-US"),
        ("B", "en"),
        ("b", "en"),
        ("gone", "en"),
        ("gone", "de"),
        ("new", "de-CH"),
        ("z", "en-orig"),
    ] {
        let texts = ["Nothing here.", "Black", "holes are black.", "And so on", "a black hole; black holes!"];
        corpus.transcripts.push(transcript(video, tag, &texts));
    }
    corpus.deleted.insert(video_id("gone"));
    corpus
}

pub(crate) async fn must_sea_h_001_a_hit_shows_its_video_and_the_cues_of_the_domain(case: &Case) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    for text in
        ["black holes", "\"black holes\"", "hole*", "\"holes are black and so\"", "stars OR nothing", "again"]
    {
        for cues_per_hit in [0, 1, 2, 100, u32::MAX] {
            corpus.agrees(case.store(), &SearchRequest { cues_per_hit, ..request(text)? }).await?;
        }
    }
    Ok(())
}

pub(crate) async fn must_sea_h_002_title_and_description_are_one_text_without_language(
    case: &Case,
) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    for (text, expected) in [
        ("\"about black holes\"", &["B"][..]),
        ("\"black holes about stars\"", &["m"]),
        ("\"stars at all\"", &["b"]),
        ("\"a hole not black\"", &["z"]),
        ("again", &["é"]),
    ] {
        same(&format!("what {text:?} finds"), &found(case.store(), text).await?[..], expected)?;
        corpus.agrees(case.store(), &request(text)?).await?;
    }
    Ok(())
}

pub(crate) async fn must_sea_h_003_a_transcript_is_one_hit_however_often_it_matches(case: &Case) -> Outcome {
    let mut corpus = Corpus::of_texts(&[]);
    let text = filler(0, 100);
    let texts: Vec<_> = (0..30).flat_map(|_| ["needle", &*text]).collect();
    corpus.videos.push(a_video_with(|v| v.description = Some(format!("needle {text} ").repeat(10))));
    corpus.transcripts.push(transcript("a-video", "en", &texts));
    corpus.store(case.store()).await?;
    same("what is found", &found(case.store(), "needle").await?, &vec!["a-video", "a-video/en"])?;
    corpus.agrees(case.store(), &SearchRequest { cues_per_hit: 7, ..request("needle")? }).await
}

// Filters

pub(crate) async fn must_sea_f_001_channel_video_and_language_narrow_a_search(case: &Case) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    let base = request("black OR hole*")?;
    let channels = [None, Some("astro"), Some("ASTRO"), Some("Astro"), Some("missing")];
    let videos = [None, Some("m"), Some("B"), Some("M"), Some("gone"), Some("missing")];
    let tags = [None, Some("en"), Some("EN"), Some("en-us"), Some("de"), Some("e"), Some("eng"), Some("fr")];
    for channel in channels {
        for video in videos {
            for tag in tags {
                let narrowed = SearchRequest {
                    channel_id: channel.map(channel_id),
                    video_id: video.map(video_id),
                    language: tag.map(language),
                    ..base.clone()
                };
                let page = case.store().transcripts().search(&narrowed).await?;
                let what = format!("the hits of channel {channel:?}, video {video:?}, language {tag:?}");
                same(&what, &page.items, &corpus.hits(&narrowed))?;
            }
        }
    }
    let narrowed = SearchRequest { language: Some(language("en")), ..base.clone() };
    corpus.agrees(case.store(), &narrowed).await?;
    corpus.agrees(case.store(), &SearchRequest { channel_id: Some(channel_id("astro")), ..base }).await
}

pub(crate) async fn must_sea_f_002_deleted_videos_are_found_only_by_those_who_ask(case: &Case) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    for visibility in [Visibility::Live, Visibility::WithDeleted, Visibility::OnlyDeleted] {
        corpus.agrees(case.store(), &SearchRequest { visibility, ..request("black")? }).await?;
    }
    let only = SearchRequest { visibility: Visibility::OnlyDeleted, ..request("black")? };
    same("the hits of what is deleted", &case.store().transcripts().search(&only).await?.items.len(), &3)
}

pub(crate) async fn must_sea_f_003_kind_date_and_title_narrow_a_search(case: &Case) -> Outcome {
    let mut corpus = lectures();
    let kinds = [TranscriptKind::Manual, TranscriptKind::Automatic, TranscriptKind::Translated];
    for (transcript, kind) in corpus.transcripts.iter_mut().zip(kinds.into_iter().cycle()) {
        let mut fields = transcript.clone().into_fields();
        fields.kind = kind;
        *transcript = a_transcript_with(|t| *t = fields);
    }
    corpus.store(case.store()).await?;
    let titles =
        ["", "title:black", "title:\"BLACK ho\"*", "title:holes title:again", "title:stars", "title:hol*"];
    for title in titles {
        let base = request(&format!("black OR hole* {title}"))?;
        for kind in [None, Some(kinds[0]), Some(kinds[1]), Some(kinds[2])] {
            for from in [None, Some(-100), Some(100), Some(101)] {
                for before in [None, Some(100), Some(900)] {
                    let narrowed = SearchRequest {
                        kind,
                        published_from: from.map(at),
                        published_before: before.map(at),
                        ..base.clone()
                    };
                    let page = case.store().transcripts().search(&narrowed).await?;
                    let what =
                        format!("the hits of kind {kind:?}, from {from:?}, before {before:?}, {title:?}");
                    same(&what, &page.items, &corpus.hits(&narrowed))?;
                }
            }
        }
        corpus.agrees(case.store(), &base).await?;
        // A page goes on behind the hits that a title leaves out.
        let whole = corpus.hits(&base);
        let mut after = None;
        for items in whole.chunks(1) {
            let page = page(case, &base, 1, after).await?;
            same(&format!("a page of one, {title:?}"), &page.items[..], items)?;
            after = page.next;
        }
        same(&format!("the cursor behind the last page, {title:?}"), &after, &None)?;
    }
    Ok(())
}

// Orders and pages

pub(crate) async fn must_sea_o_001_hits_by_date_stand_in_their_total_order(case: &Case) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    let hits = case.store().transcripts().search(&request("black")?).await?.items;
    same("the newest", &hits.first().map(|hit| hit.video_id.clone()), &Some(video_id("new")))?;
    same("the last of the undated", &hits.last().map(|hit| hit.video_id.clone()), &Some(video_id("é")))?;
    corpus.agrees(case.store(), &request("black")?).await
}

pub(crate) async fn must_sea_o_002_scores_are_finite_and_in_order_and_absent_by_date(case: &Case) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    for text in ["black", "black hole", "black OR stars OR again", "bla* -again"] {
        for order in [SearchOrder::Relevance, SearchOrder::Newest, SearchOrder::Oldest] {
            let hits =
                case.store().transcripts().search(&SearchRequest { order, ..request(text)? }).await?.items;
            holds("some hits", !hits.is_empty(), &hits)?;
            if order == SearchOrder::Relevance {
                scores_are_in_order(&hits)?;
            } else {
                holds("no score", hits.iter().all(|hit| hit.score.is_none()), &hits)?;
            }
        }
    }
    Ok(())
}

/// The scores of the first so many texts.
async fn scores(case: &Case, texts: &[&str], text: &str, first: usize) -> Result<Vec<f64>, Violation> {
    Corpus::of_texts(texts).store(case.store()).await?;
    let request = SearchRequest { order: SearchOrder::Relevance, ..request(text)? };
    let hits = case.store().transcripts().search(&request).await?.items;
    let score = |n| {
        let id = format!("v{n}");
        let hit = hits.iter().find(|hit| hit.video_id.as_str() == id);
        some(&format!("a score of {id}"), hit.and_then(|hit| hit.score))
    };
    (0..first).map(score).collect()
}

/// Texts of four words that no query is about, so that the words of queries are rare.
const OTHERS: [&str; 6] = ["e f g h", "i j k l", "m n o p", "q r s t", "u v w x", "y z e i"];

pub(crate) async fn must_sea_o_003_more_occurrences_score_higher(case: &Case) -> Outcome {
    let texts = ["apple b c d", "apple apple c d", "apple apple apple d", "apple apple apple apple"];
    let scores = scores(case, &[&texts[..], &OTHERS, &OTHERS].concat(), "apple", texts.len()).await?;
    holds("each occurrence more scores higher", scores.is_sorted_by(|fewer, more| fewer < more), &scores)
}

pub(crate) async fn must_sea_o_004_a_rarer_word_scores_higher(case: &Case) -> Outcome {
    let texts = ["frequent b c d", "rare b c d", "single b c d"];
    let others = ["frequent f g h", "frequent i j k", "frequent l m n", "rare o p q"];
    let all = [&texts[..], &others, &OTHERS].concat();
    let scores = scores(case, &all, "single OR rare OR frequent", texts.len()).await?;
    holds(
        "the rarer the word, the higher the score",
        scores.is_sorted_by(|often, rare| often < rare),
        &scores,
    )
}

pub(crate) async fn must_sea_o_005_a_longer_passage_does_not_score_higher(case: &Case) -> Outcome {
    let long = format!("apple {}", filler(0, 100));
    let longer = format!("apple {}", filler(0, 12));
    let texts = [&long, &longer, "apple b c d"];
    let scores = scores(case, &[&texts[..], &OTHERS, &OTHERS].concat(), "apple", texts.len()).await?;
    holds("the longer passage scores no higher", scores.is_sorted(), &scores)
}

pub(crate) async fn must_sea_o_006_more_of_the_words_score_higher(case: &Case) -> Outcome {
    // Each of the words is in three.
    let texts = ["apple c d e", "apple pear d e", "apple pear plum e"];
    let others = ["pear f g h", "plum i j k", "plum l m n"];
    let scores =
        scores(case, &[&texts[..], &others, &OTHERS].concat(), "plum OR pear OR apple", texts.len()).await?;
    holds("each word more scores higher", scores.is_sorted_by(|fewer, more| fewer < more), &scores)
}

pub(crate) async fn should_sea_o_007_scores_depend_on_what_is_there_alone(case: &Case) -> Outcome {
    let corpus = Corpus::of_texts(&["apple b c d", "pear apple f", "pear pear h i j k", "l m n o p"]);
    let fresh = case.another(Limits::default()).await?;
    corpus.store(&*fresh).await?;
    let store = case.store();
    let past: Vec<_> = (1..9).map(|n| format!("pear {}", filler(n, 30 * n))).collect();
    Corpus::of_texts(&past.iter().map(String::as_str).collect::<Vec<_>>()).store(store).await?;
    store.transcripts().update_many(&corpus.transcripts).await?;
    let renamed = a_video_with(|v| {
        v.id = video_id("v0");
        v.title = "Pears and apples".into();
    });
    store.videos().update(&renamed, None).await?;
    store.videos().update_many(&corpus.videos).await?;
    for id in ["v4", "v5"] {
        store.transcripts().delete(&Entity::id(&transcript(id, "en", &[])), None).await?;
    }
    for id in ["v4", "v5", "v6", "v7"] {
        store.videos().purge(&video_id(id), None).await?;
    }
    for text in ["apple", "pear", "apple OR pear", "\"pear apple\" OR o"] {
        let request = SearchRequest { order: SearchOrder::Relevance, ..request(text)? };
        let anew = fresh.transcripts().search(&request).await?.items;
        let after = store.transcripts().search(&request).await?.items;
        same(&format!("what {text:?} finds where other texts were before"), &after, &anew)?;
    }
    Ok(())
}

pub(crate) async fn must_sea_o_008_titles_and_descriptions_weigh_more(case: &Case) -> Outcome {
    let mut corpus = Corpus::of_texts(&[&["apple pear pear apple"; 20][..], &["apple pear c d"]].concat());
    // The same words in the description, in both, and in the title.
    for (id, title, description) in [
        ("described", "", Some("apple pear c d")),
        ("divided", "apple", Some("pear c d")),
        ("entitled", "Apple Pear", Some("c d")),
    ] {
        corpus.videos.push(a_video_with(|v| {
            v.id = video_id(id);
            v.title = title.into();
            v.description = description.map(str::to_owned);
        }));
    }
    // Few hold the words.
    for (n, text) in OTHERS.iter().cycle().take(60).enumerate() {
        corpus.videos.push(a_video_with(|v| {
            v.id = video_id(&format!("other{n}"));
            v.title = (*text).into();
        }));
    }
    corpus.store(case.store()).await?;
    let base = SearchRequest { order: SearchOrder::Relevance, ..request("apple pear")? };
    let hits = page(case, &base, MAX_SEARCH_LIMIT, None).await?.items;
    let score = |id: &str| {
        let hit = hits.iter().find(|hit| hit.video_id.as_str() == id);
        some(&format!("a score of {id}"), hit.and_then(|hit| hit.score))
    };
    let spoken = score("v20")?;
    for id in ["described", "divided"] {
        let above = score(id)? > spoken && score(id)? < score("entitled")?;
        holds(&format!("{id} scores above the same that is said, and below the title"), above, &hits)?;
    }
    holds("the title scores above what is said twice", score("entitled")? > score("v0")?, &hits)?;
    // A page of one is cut out of these, and not out of what an engine likes best.
    let first = page(case, &base, 1, None).await?.items;
    same("the first page", &first[..], &hits[..1])?;
    same("the first hit", &first.first().map(|hit| hit.video_id.as_str()), &Some("entitled"))
}

async fn page(
    case: &Case,
    base: &SearchRequest,
    limit: u32,
    after: Option<Cursor>,
) -> tubeatlas_ports::Result<SearchPage> {
    case.store().transcripts().search(&SearchRequest { limit, after, ..base.clone() }).await
}

pub(crate) async fn must_sea_p_001_pages_of_every_size_make_the_whole(case: &Case) -> Outcome {
    lectures().store(case.store()).await?;
    for order in [SearchOrder::Newest, SearchOrder::Oldest, SearchOrder::Relevance] {
        let base = SearchRequest { order, ..request("black")? };
        let whole = page(case, &base, MAX_SEARCH_LIMIT, None).await?.items;
        holds("some hits", whole.len() > 9, &whole.len())?;
        for limit in (1..).take(whole.len() + 1) {
            let mut after = None;
            for items in whole.chunks(limit as usize) {
                let page = page(case, &base, limit, after).await?;
                same(&format!("a page of {limit}, {order:?}"), &page.items[..], items)?;
                after = page.next;
            }
            same(&format!("the cursor behind the last page of {limit}, {order:?}"), &after, &None)?;
        }
    }
    Ok(())
}

pub(crate) async fn must_sea_p_002_writes_between_pages_by_date_hide_and_repeat_nothing(
    case: &Case,
) -> Outcome {
    let corpus = lectures();
    corpus.store(case.store()).await?;
    let base = request("black")?;
    let whole = corpus.hits(&base);
    let first = page(case, &base, 3, None).await?;
    same("the first page", &first.items[..], &whole[..3])?;
    // Before the cursor and behind it, something new; and the hit at which the cursor points is no more.
    for (id, published_at) in [("very new", Some(1_000)), ("very old", Some(-1_000))] {
        let new = a_video_with(|v| {
            v.id = video_id(id);
            v.title = "black".into();
            v.published_at = published_at.map(at);
        });
        case.store().videos().create(&new).await?;
    }
    case.store().videos().purge(&whole[2].video_id, None).await?;
    let rest = page(case, &base, MAX_SEARCH_LIMIT, first.next).await?.items;
    let throughout = |hit: &&SearchHit| hit.video_id != whole[2].video_id && hit.title != "black";
    let kept: Vec<_> = rest.iter().filter(throughout).collect();
    let expected: Vec<_> = whole[3..].iter().filter(throughout).collect();
    same("what was there throughout", &kept, &expected)?;
    let ids: Vec<_> = rest.iter().map(|hit| hit.video_id.as_str()).collect();
    same("what is new behind the cursor", &ids.contains(&"very old"), &true)?;
    same("what is new before the cursor", &ids.contains(&"very new"), &false)
}

pub(crate) async fn must_sea_p_003_a_cursor_belongs_to_its_search(case: &Case) -> Outcome {
    lectures().store(case.store()).await?;
    let base = request("black")?;
    let cursor = some("a cursor", page(case, &base, 1, None).await?.next)?;
    let again = SearchRequest { limit: 5, cues_per_hit: 1, after: Some(cursor.clone()), ..base.clone() };
    case.store().transcripts().search(&again).await?;
    let others = [
        SearchRequest { query: query("black OR white")?, ..base.clone() },
        SearchRequest { order: SearchOrder::Oldest, ..base.clone() },
        SearchRequest { order: SearchOrder::Relevance, ..base.clone() },
        SearchRequest { visibility: Visibility::WithDeleted, ..base.clone() },
        SearchRequest { language: Some(language("en")), ..base.clone() },
        SearchRequest { channel_id: Some(channel_id("astro")), ..base.clone() },
        SearchRequest { video_id: Some(video_id("m")), ..base.clone() },
        SearchRequest { kind: Some(TranscriptKind::Manual), ..base.clone() },
        SearchRequest { published_from: Some(at(-100)), ..base.clone() },
        SearchRequest { published_before: Some(at(1_000)), ..base.clone() },
        SearchRequest { title: request("black title:black")?.title, ..base.clone() },
    ];
    for other in others {
        let other = SearchRequest { after: Some(cursor.clone()), ..other };
        invalid(case.store().transcripts().search(&other).await, "cursor")?;
    }
    let good = cursor.as_str();
    let long = "A".repeat(MAX_CURSOR_BYTES + 1);
    for text in ["", "!", "\0", &good[1..], &good[..good.len() - 4], &long] {
        invalid(page(case, &base, 1, Some(Cursor::from_text(text))).await, "cursor")?;
    }
    Ok(())
}

pub(crate) async fn must_sea_p_004_the_limit_of_a_page_is_bounded(case: &Case) -> Outcome {
    for order in [SearchOrder::Newest, SearchOrder::Relevance] {
        let base = SearchRequest { order, ..request("black")? };
        for limit in [0, MAX_SEARCH_LIMIT + 1, u32::MAX] {
            invalid(page(case, &base, limit, None).await, "limit")?;
        }
        let nothing = page(case, &base, MAX_SEARCH_LIMIT, None).await?;
        same("a search of an empty store", &(nothing.items.len(), nothing.next), &(0, None))?;
    }
    Ok(())
}

pub(crate) async fn must_sea_p_005_no_word_is_common_among_few_passages(case: &Case) -> Outcome {
    let few = Corpus::of_texts(&["the"; 150]);
    few.store(case.store()).await?;
    for text in ["the", "t*", "the OR other", "the -other", "\"the\" the"] {
        for order in [SearchOrder::Newest, SearchOrder::Oldest, SearchOrder::Relevance] {
            let base = SearchRequest { order, ..request(text)? };
            let first = page(case, &base, MAX_SEARCH_LIMIT, None).await?;
            let second = page(case, &base, MAX_SEARCH_LIMIT, first.next).await?;
            let what = format!("what {text:?} finds, {order:?}");
            same(&what, &(first.items.len() + second.items.len()), &few.videos.len())?;
            let bounds = (first.among_latest, second.among_latest);
            same(&format!("how much {text:?} searches, {order:?}"), &bounds, &(None, None))?;
        }
    }
    Ok(())
}

// The index follows the write

pub(crate) async fn must_sea_x_001_search_follows_every_write_of_a_transcript(case: &Case) -> Outcome {
    let store = case.store();
    store_videos(store, &["v"]).await?;
    let of = |tag: &str, text: &str| transcript("v", tag, &[text]);
    let id = tubeatlas_domain::Entity::id(&of("en", ""));
    store.transcripts().create(&of("en", "first words")).await?;
    same("after create", &found(store, "first").await?, &vec!["v/en"])?;
    store.transcripts().update(&of("en", "second words"), None).await?;
    same("what update replaced", &found(store, "first").await?.len(), &0)?;
    same("after update", &found(store, "second").await?, &vec!["v/en"])?;
    store.transcripts().upsert(&of("en", "third words")).await?;
    same("what upsert replaced", &found(store, "second").await?.len(), &0)?;
    same("after upsert", &found(store, "third words").await?, &vec!["v/en"])?;
    store
        .transcripts()
        .upsert_many(&[of("en", "fourth words"), of("de", "fourth"), of("de", "fifth")])
        .await?;
    same("what upsert_many replaced", &found(store, "third").await?.len(), &0)?;
    same("after upsert_many", &found(store, "fourth OR fifth").await?, &vec!["v/de", "v/en"])?;
    same("what a later item replaced", &found(store, "fourth").await?, &vec!["v/en"])?;
    store.transcripts().update_many(&[of("de", "sixth")]).await?;
    same("after update_many", &found(store, "fifth OR sixth").await?, &vec!["v/de"])?;
    store.transcripts().delete(&id, None).await?;
    same("after delete", &found(store, "words").await?.len(), &0)?;
    store.transcripts().create_many(&[of("en", "seventh words")]).await?;
    same("after create_many", &found(store, "words").await?, &vec!["v/en"])?;
    store.transcripts().delete_many(&[id]).await?;
    same("after delete_many", &found(store, "words").await?.len(), &0)
}

pub(crate) async fn must_sea_x_002_search_follows_title_and_description(case: &Case) -> Outcome {
    let store = case.store();
    let of = |title: &str, description: Option<&str>| {
        a_video_with(|v| {
            v.title = title.into();
            v.description = description.map(str::to_owned);
        })
    };
    store.videos().create(&of("first title", Some("first text"))).await?;
    store.transcripts().create(&transcript("a-video", "en", &["spoken words"])).await?;
    same("after create", &found(store, "\"title first text\"").await?, &vec!["a-video"])?;
    store.videos().update(&of("second title", Some("first text")), None).await?;
    same("the old title", &found(store, "\"first title\"").await?.len(), &0)?;
    same("the new title", &found(store, "second").await?, &vec!["a-video"])?;
    let hits = store.transcripts().search(&request("spoken")?).await?.items;
    same("the title of a hit", &hits.first().map(|hit| hit.title.as_str()), &Some("second title"))?;
    store.videos().upsert(&of("second title", Some("third text"))).await?;
    same("the old description", &found(store, "first").await?.len(), &0)?;
    same("the new description", &found(store, "third").await?, &vec!["a-video"])?;
    store.videos().update(&of("second title", None), None).await?;
    same("no description", &found(store, "third").await?.len(), &0)?;
    store.videos().update(&of("", None), None).await?;
    same("no words", &found(store, "second").await?.len(), &0)?;
    same("the transcript", &found(store, "spoken").await?, &vec!["a-video/en"])
}

pub(crate) async fn must_sea_x_003_search_follows_deletion_restoring_and_purge_of_the_video(
    case: &Case,
) -> Outcome {
    let store = case.store();
    let mut corpus = Corpus::of_texts(&["words", "words", "words"]);
    corpus.videos[0] = a_video_with(|v| {
        v.id = video_id("v0");
        v.title = "words".into();
    });
    corpus.store(store).await?;
    let all = ["v0", "v0/en", "v1/en", "v2/en"];
    same("at first", &found(store, "words").await?, &all)?;
    store.videos().delete(&video_id("v0"), None).await?;
    store.videos().delete(&video_id("v1"), None).await?;
    same("after the deletion", &found(store, "words").await?, &["v2/en"])?;
    store.videos().restore(&video_id("v0")).await?;
    store.videos().restore(&video_id("v1")).await?;
    same("after restoring", &found(store, "words").await?, &all)?;
    store.videos().delete(&video_id("v1"), None).await?;
    store.videos().purge(&video_id("v1"), None).await?;
    store.videos().purge(&video_id("v0"), None).await?;
    same("after the purge", &found(store, "words").await?, &["v2/en"])?;
    let deleted = SearchRequest { visibility: Visibility::WithDeleted, ..request("words")? };
    same("with what is deleted", &store.transcripts().search(&deleted).await?.items.len(), &1)?;
    store_videos(store, &["v0", "v1"]).await?;
    same("with the ids taken again", &found(store, "words").await?, &["v2/en"])
}

pub(crate) async fn must_sea_x_004_search_inside_a_unit_of_work_sees_its_writes_alone(
    case: &Case,
) -> Outcome {
    let store = case.store();
    Corpus::of_texts(&["before"]).store(store).await?;
    let reader = store.begin(Mode::ReadOnly).await?;
    for commits in [false, true] {
        let unit = store.begin(Mode::ReadWrite).await?;
        unit.transcripts().update(&transcript("v0", "en", &["after"]), None).await?;
        unit.videos().create(&a_video_with(|v| v.title = "after".into())).await?;
        same("inside", &found(&*unit, "after").await?, &vec!["a-video", "v0/en"])?;
        same("what it replaced, inside", &found(&*unit, "before").await?.len(), &0)?;
        same("outside", &found(store, "after").await?.len(), &0)?;
        same("what it replaced, outside", &found(store, "before").await?, &vec!["v0/en"])?;
        let expected: &[&str] = if commits {
            unit.commit().await?;
            &["a-video", "v0/en"]
        } else {
            unit.rollback().await?;
            &[]
        };
        same("outside, afterwards", &found(store, "after").await?[..], expected)?;
    }
    same("in a unit begun before", &found(&*reader, "before").await?, &vec!["v0/en"])?;
    same("what it must not see", &found(&*reader, "after").await?.len(), &0)?;
    same("outside", &found(store, "before").await?.len(), &0)
}

pub(crate) async fn must_sea_x_005_a_refused_write_leaves_no_trace_in_search(case: &Case) -> Outcome {
    let store = case.store();
    store_videos(store, &["v"]).await?;
    let of = |tag: &str, text: &str| transcript("v", tag, &[text]);
    store.transcripts().create(&of("en", "there")).await?;
    let batch = [of("de", "refused"), of("en", "refused")];
    already_exists::<Transcript, _>(store.transcripts().create_many(&batch).await, "id", &"v/en")?;
    same("what was refused", &found(store, "refused").await?.len(), &0)?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.transcripts().create(&of("fr", "kept")).await?;
    already_exists::<Transcript, _>(unit.transcripts().create_many(&batch).await, "id", &"v/en")?;
    unit.commit().await?;
    same("what was refused", &found(store, "refused").await?.len(), &0)?;
    same("what was done before", &found(store, "kept OR there").await?, &vec!["v/en", "v/fr"])
}

pub(crate) async fn must_sea_x_006_search_follows_channel_and_date_of_the_video(case: &Case) -> Outcome {
    let mut corpus = lectures();
    corpus.store(case.store()).await?;
    for (n, channel, published_at) in
        [(0, Some("ASTRO"), None), (1, None, Some(5_000)), (4, Some("ASTRO"), Some(1))]
    {
        let mut fields = corpus.videos[n].clone().into_fields();
        fields.channel_id = channel.map(channel_id);
        fields.published_at = published_at.map(at);
        corpus.videos[n] = a_video_with(|v| *v = fields);
        case.store().videos().update(&corpus.videos[n], None).await?;
    }
    corpus.agrees(case.store(), &request("black")?).await?;
    let narrowed = SearchRequest { channel_id: Some(channel_id("ASTRO")), ..request("black")? };
    corpus.agrees(case.store(), &narrowed).await
}

// The model

/// Numbers that look like chance, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // Knuth's MMIX generator; its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const VOCABULARY: &[&str] = &[
    "star",
    "Stars",
    "starlight",
    "black",
    "hole",
    "Köln",
    "koln",
    "the",
    "The",
    "of",
    "and",
    "OR",
    "a",
    "I",
    "naïve",
    "東京",
    "京",
    "タワー",
    "كتاب",
    "हिन्दी",
    "don't",
    "AT&T",
    "x²",
    "42",
    "é",
    "e\u{301}",
    "fifty-fifty",
    "C++",
    "München",
    "MUNCHEN",
];

fn a_text(dice: &mut Dice, words: usize) -> String {
    (0..words).map(|_| dice.pick(VOCABULARY)).collect::<Vec<_>>().join(" ")
}

fn a_corpus(dice: &mut Dice) -> Corpus {
    let mut corpus = Corpus::default();
    for n in 0..20 {
        let id = format!("video-{n}");
        let (title_words, description_words) = (dice.below(5), dice.below(12));
        let published_at = [None, Some(dice.below(4))][usize::from(dice.below(4) > 0)];
        corpus.videos.push(a_video_with(|v| {
            v.id = video_id(&id);
            v.title = a_text(dice, title_words);
            v.description = (description_words > 0).then(|| a_text(dice, description_words));
            v.published_at = published_at.map(|n| at(i64::try_from(n).unwrap_or_default()));
        }));
        for tag in ["en", "ja"] {
            let cue_count = [0, 1, 3, 10, 60][dice.below(5)];
            let texts: Vec<_> = (0..cue_count)
                .map(|_| {
                    let words = dice.below(9);
                    a_text(dice, words)
                })
                .collect();
            corpus.transcripts.push(transcript(
                &id,
                tag,
                &texts.iter().map(String::as_str).collect::<Vec<_>>(),
            ));
        }
    }
    corpus
}

fn a_query(dice: &mut Dice) -> String {
    let mut term = || {
        let (a, b, c) = (dice.pick(VOCABULARY), dice.pick(VOCABULARY), dice.pick(VOCABULARY));
        match dice.below(6) {
            0 => format!("\"{a} {b}\""),
            1 => format!("\"{a} {b} {c}\""),
            2 => format!("{}*", a.chars().take(2).collect::<String>()),
            3 => format!("{a} OR \"{b} {c}\""),
            _ => a.to_owned(),
        }
    };
    let (first, second, third) = (term(), term(), term());
    match dice.below(4) {
        0 => first,
        1 => format!("{first} {second}"),
        2 => format!("{first} -{third}"),
        _ => format!("{first} {second} -{third}"),
    }
}

pub(crate) async fn must_sea_m_001_sixty_queries_find_what_the_model_finds(case: &Case) -> Outcome {
    let mut dice = Dice(2_026);
    let corpus = a_corpus(&mut dice);
    corpus.store(case.store()).await?;
    let mut hits = 0;
    for _ in 0..60 {
        let request = request(&a_query(&mut dice))?;
        corpus.agrees(case.store(), &request).await?;
        hits += corpus.hits(&request).len();
    }
    holds("queries that find something", hits > 100, &hits)
}

/// Two queries in groups, beside each other, one of them or the first without the second.
fn a_query_of_groups(dice: &mut Dice) -> String {
    let (mut one, other) = (a_query(dice), a_query(dice));
    if dice.below(3) == 0 {
        one = format!("({one}) OR ({})", a_query(dice));
    }
    match dice.below(3) {
        0 => format!("({one}) ({other})"),
        1 => format!("({one}) OR ({other})"),
        _ => format!("{one} -({other})"),
    }
}

pub(crate) async fn must_sea_m_003_sixty_queries_of_groups_find_what_the_model_finds(case: &Case) -> Outcome {
    let mut dice = Dice(1_914);
    let corpus = a_corpus(&mut dice);
    corpus.store(case.store()).await?;
    let mut hits = 0;
    for _ in 0..60 {
        let request = request(&a_query_of_groups(&mut dice))?;
        corpus.agrees(case.store(), &request).await?;
        hits += corpus.hits(&request).len();
    }
    holds("queries that find something", hits > 100, &hits)
}

pub(crate) async fn must_sea_m_002_the_model_holds_after_many_writes(case: &Case) -> Outcome {
    let mut dice = Dice(7);
    let mut corpus = a_corpus(&mut dice);
    corpus.store(case.store()).await?;
    let store = case.store();
    for _ in 0..40 {
        let n = dice.below(corpus.videos.len());
        let id = corpus.videos[n].id.clone();
        match dice.below(5) {
            0 => {
                let mut fields = corpus.videos[n].clone().into_fields();
                fields.title = a_text(&mut dice, 3);
                corpus.videos[n] = a_video_with(|v| *v = fields);
                if !corpus.deleted.contains(&id) {
                    store.videos().update(&corpus.videos[n], None).await?;
                } else {
                    store.videos().restore(&id).await?;
                    store.videos().update(&corpus.videos[n], None).await?;
                    corpus.deleted.remove(&id);
                }
            }
            1 if corpus.deleted.insert(id.clone()) => store.videos().delete(&id, None).await?,
            2 => {
                store.videos().purge(&id, None).await?;
                corpus.videos.remove(n);
                corpus.transcripts.retain(|transcript| transcript.video_id != id);
                corpus.deleted.remove(&id);
            }
            _ if !corpus.deleted.contains(&id) => {
                let words = dice.below(400);
                let new = transcript(id.as_str(), "en", &[&a_text(&mut dice, words)]);
                store.transcripts().upsert(&new).await?;
                corpus.transcripts.retain(|old| old.video_id != id || old.language != new.language);
                corpus.transcripts.push(new);
            }
            _ => {}
        }
    }
    for _ in 0..30 {
        let base = request(&a_query(&mut dice))?;
        corpus.agrees(store, &base).await?;
        corpus.agrees(store, &SearchRequest { visibility: Visibility::WithDeleted, ..base }).await?;
    }
    Ok(())
}
