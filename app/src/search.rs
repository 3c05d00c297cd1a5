//! Searching what was said: the ports' search, shown with links to the moment.

use std::collections::HashMap;

use futures::{TryStreamExt, pin_mut};
use serde::Serialize;
use tubeatlas_domain::search::{SearchQuery, normalised};
use tubeatlas_domain::{Channel, ChannelId, LanguageTag, Problem, ValidationError, Video, VideoId};
use tubeatlas_ports::{
    ChannelFilter, ChannelOrder, Cursor, DEFAULT_CUES_PER_HIT, Error, FoundCue, MAX_PAGE_LIMIT, Repositories,
    RepositoryExt, SearchHit, SearchRequest, Stored, Visibility,
};

use crate::excerpt::Excerpt;
use crate::link;

/// A page of hits, as the command line and HTTP show it. Its JSON form is stable.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Hits {
    /// The hits, in the order asked for.
    pub hits: Vec<Hit>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<Cursor>,
    /// If the words are so common that not all that matches was taken into account: how many passages were at most,
    /// those that were stored last; see [`SearchPage::among_latest`](tubeatlas_ports::SearchPage::among_latest).
    pub among_latest: Option<u64>,
}

/// A transcript, or the title and description of a video, in which the query was found.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Hit {
    /// The video.
    pub video_id: VideoId,
    /// Its title.
    pub title: String,
    /// The places in the title where the query was found: byte ranges `[from, to]`, in order.
    pub title_highlights: Vec<(usize, usize)>,
    /// Where the description shows words of the query, if it was found in title and description.
    pub description: Option<Excerpt>,
    /// Its channel.
    pub channel_id: Option<ChannelId>,
    /// The transcript's language; `None` if the query was found in title and description.
    pub language: Option<LanguageTag>,
    /// The link to the time of the first of `cues`, or to the video if there is none.
    pub url: Option<String>,
    /// How well it fits, in the order of relevance.
    pub score: Option<f64>,
    /// The cues in which the query was found, best first.
    pub cues: Vec<FoundCue>,
}

impl Hit {
    fn new(hit: SearchHit, description: Option<Excerpt>) -> Self {
        let url = match hit.cues.first() {
            Some(cue) => hit.url.map(|url| link::at(&url, cue.start_ms)),
            None => hit.url,
        };
        Self {
            video_id: hit.video_id,
            title: hit.title,
            title_highlights: hit.title_highlights,
            description,
            channel_id: hit.channel_id,
            language: hit.language,
            url,
            score: hit.score,
            cues: hit.cues,
        }
    }
}

/// Finds where something was said.
///
/// # Errors
/// As [`search`](tubeatlas_ports::TranscriptRepository::search) of the port.
pub async fn search(store: &dyn Repositories, request: &SearchRequest) -> Result<Hits, Error> {
    let page = store.transcripts().search(request).await?;
    let mut excerpts = excerpts(store, request, &page.items).await?;
    let hit = |hit: SearchHit| {
        let excerpt = hit.language.is_none().then(|| excerpts.remove(&hit.video_id)).flatten();
        Hit::new(hit, excerpt)
    };
    let hits = page.items.into_iter().map(hit).collect();
    Ok(Hits { hits, next_cursor: page.next, among_latest: page.among_latest })
}

/// Of the videos that were found by title and description, where the descriptions show it.
async fn excerpts(
    store: &dyn Repositories,
    request: &SearchRequest,
    hits: &[SearchHit],
) -> Result<HashMap<VideoId, Excerpt>, Error> {
    let of_video = hits.iter().filter(|hit| hit.language.is_none());
    let ids: Vec<VideoId> = of_video.map(|hit| hit.video_id.clone()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let videos = store.videos().get_many(&ids, request.visibility).await?;
    let excerpt = |(id, video): (VideoId, Option<Stored<Video>>)| {
        // One that was changed since then shows what there is now.
        let excerpt = Excerpt::of(video?.description.as_deref()?, &request.query)?;
        Some((id, excerpt))
    };
    Ok(ids.into_iter().zip(videos).filter_map(excerpt).collect())
}

/// Reads a query that a person wrote.
///
/// # Errors
/// If there is nothing to search for, or too much; the field is `query`.
pub fn parse_query(text: &str) -> Result<SearchQuery, ValidationError> {
    SearchQuery::parse(text)
        .map_err(|error| ValidationError::new("query", Problem::Malformed(error.to_string())))
}

/// What a search is narrowed to beside the fields of its query.
#[derive(Debug, Default)]
pub struct Within {
    /// Only in videos of this channel.
    pub channel_id: Option<ChannelId>,
    /// Only in this video.
    pub video_id: Option<VideoId>,
    /// Only in transcripts whose language this tag covers.
    pub language: Option<LanguageTag>,
}

/// The search for a query, by relevance, first page. What its fields say and what `within` says both narrow it. Its
/// `channel:` may also be a channel's handle or name. Inside one video, all cues are shown.
///
/// # Errors
/// If no channel, or more than one, is called so, or if no video could meet both the query and `within`; the field is
/// `query`. As the store's.
pub async fn request(
    store: &dyn Repositories,
    query: SearchQuery,
    within: Within,
) -> Result<SearchRequest, Error> {
    let mut request = SearchRequest::new(query);
    if let Some(named) = request.channel_id.take() {
        request.channel_id = Some(channel_called(store, named).await?);
    }
    request.channel_id =
        narrower("channel", request.channel_id, within.channel_id, |one, other| one == other)?;
    request.language = narrower("lang", request.language, within.language, LanguageTag::covers)?;
    request.cues_per_hit = if within.video_id.is_some() { u32::MAX } else { DEFAULT_CUES_PER_HIT };
    request.video_id = within.video_id;
    Ok(request)
}

/// The one of two that the other takes in.
fn narrower<T: ToString>(
    field: &str,
    of_query: Option<T>,
    beside: Option<T>,
    covers: impl Fn(&T, &T) -> bool,
) -> Result<Option<T>, Error> {
    let (one, other) = match (of_query, beside) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return Ok(one.or(other)),
    };
    if covers(&one, &other) {
        return Ok(Some(other));
    }
    if covers(&other, &one) {
        return Ok(Some(one));
    }
    let (one, other) = (one.to_string(), other.to_string());
    Err(not_so(format!("says {field}:{one}, and {other} was asked for beside it; leave one of the two out")))
}

fn not_so(message: String) -> Error {
    Error::Invalid(ValidationError::new("query", Problem::Malformed(message)))
}

/// The channel with this id, or else the one with this handle or name.
async fn channel_called(store: &dyn Repositories, called: ChannelId) -> Result<ChannelId, Error> {
    let channels = store.channels();
    if channels.exists(&called, Visibility::Live).await? {
        return Ok(called);
    }
    let (filter, name) = (ChannelFilter::default(), normalised(called.as_str()));
    let handle = |text: &str| text.trim_start_matches('@').to_lowercase();
    let is_called = |channel: &Channel| {
        let has_handle = |known: &String| handle(known) == handle(called.as_str());
        channel.handle.as_ref().is_some_and(has_handle)
            || !name.is_empty() && normalised(&channel.title) == name
    };
    let mut ids = Vec::new();
    let all = channels.list_all(&filter, ChannelOrder::Id, MAX_PAGE_LIMIT);
    pin_mut!(all);
    while let Some(channel) = all.try_next().await? {
        if is_called(&channel) {
            ids.push(channel.entity.id.clone());
        }
    }
    match &ids[..] {
        [id] => Ok(id.clone()),
        [] => Err(not_so(format!("no channel has the id, the handle or the name {called}"))),
        [one, other, ..] => {
            Err(not_so(format!("{called} may be the channel {one}, or {other}; write the id of one")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tubeatlas_domain::{ChannelFields, Timestamp, VideoFields};
    use tubeatlas_ports::mock::{MockChannels, MockRepositories, MockTranscripts, MockVideos};
    use tubeatlas_ports::{Page, Revision, SearchPage};

    use super::*;

    fn found() -> SearchHit {
        SearchHit {
            video_id: VideoId::parse("hfcourse-01").unwrap(),
            title: "Pipelines".into(),
            title_highlights: vec![(0, 9)],
            channel_id: Some(ChannelId::parse("UC1").unwrap()),
            url: Some("https://a.example/watch?v=hfcourse-01".into()),
            published_at: None,
            language: Some(LanguageTag::parse("en").unwrap()),
            score: Some(1.5),
            cues: vec![FoundCue {
                start_ms: 9_500,
                end_ms: 12_000,
                text: "a high level API".into(),
                highlights: vec![(2, 16)],
            }],
        }
    }

    #[tokio::test]
    async fn hits_have_the_promised_json() {
        let mut transcripts = MockTranscripts::new();
        let mut videos = MockVideos::new();
        videos.expect_get_many().return_once(|ids, _| {
            assert_eq!(ids, [VideoId::parse("hfcourse-01").unwrap()]);
            let mut fields = VideoFields::new(ids[0].clone(), "Pipelines");
            fields.description = Some("All about\nthe new API".into());
            Ok(vec![Some(stored(Video::new(fields).unwrap()))])
        });
        let without_cues = SearchHit { cues: vec![], language: None, score: None, ..found() };
        let without_url = SearchHit { url: None, channel_id: None, ..found() };
        let items = vec![found(), without_cues, without_url];
        let page = SearchPage { items, next: None, among_latest: Some(20_000) };
        transcripts.expect_search().return_once(|_| Ok(page));
        let store = MockRepositories { transcripts, videos, ..MockRepositories::default() };
        let request = SearchRequest::new(parse_query("api").unwrap());
        let hits = serde_json::to_value(search(&store, &request).await.unwrap()).unwrap();
        assert_eq!(
            hits["hits"][0],
            json!({
                "video_id": "hfcourse-01", "title": "Pipelines", "title_highlights": [[0, 9]],
                "description": null, "channel_id": "UC1", "language": "en",
                "url": "https://a.example/watch?v=hfcourse-01&t=9s", "score": 1.5,
                "cues": [{"start_ms": 9500, "end_ms": 12000, "text": "a high level API", "highlights": [[2, 16]]}],
            })
        );
        assert_eq!(hits["hits"][1]["url"], "https://a.example/watch?v=hfcourse-01");
        assert_eq!(hits["hits"][1]["description"], json!({"text": "the new API", "highlights": [[8, 11]]}));
        assert_eq!(hits["hits"][2]["url"], json!(null));
        assert_eq!(hits["next_cursor"], json!(null));
        assert_eq!(hits["among_latest"], json!(20_000));
    }

    fn channel(id: &str, title: &str, handle: Option<&str>) -> Stored<Channel> {
        let fields = ChannelFields {
            id: ChannelId::parse(id).unwrap(),
            title: title.into(),
            handle: handle.map(str::to_owned),
            url: None,
        };
        stored(Channel::new(fields).unwrap())
    }

    fn stored<E>(entity: E) -> Stored<E> {
        Stored {
            entity,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            revision: Revision::new(1).unwrap(),
            deleted_at: None,
        }
    }

    /// What a query with these options narrows a search to: channel and language, or what is wrong.
    async fn narrowed(query: &str, option: Option<&str>, tag: Option<&str>) -> Result<[String; 2], String> {
        let mut channels = MockChannels::new();
        channels.expect_exists().returning(|id, _| Ok(id.as_str() == "UC1"));
        channels.expect_list().returning(|_, _| {
            let items = vec![
                channel("UC1", "Tea & Café", Some("@tea")),
                channel("UC2", "Milk", Some("milky")),
                channel("UC3", "milk", None),
            ];
            Ok(Page { items, next: None })
        });
        let store = MockRepositories { channels, ..MockRepositories::default() };
        let within = Within {
            channel_id: option.map(|id| ChannelId::parse(id).unwrap()),
            video_id: None,
            language: tag.map(|tag| LanguageTag::parse(tag).unwrap()),
        };
        let request = request(&store, parse_query(query).unwrap(), within).await;
        let request = request.map_err(|error| error.to_string())?;
        let text = |text: Option<String>| text.unwrap_or_default();
        Ok([
            text(request.channel_id.map(|id| id.to_string())),
            text(request.language.map(|tag| tag.to_string())),
        ])
    }

    #[tokio::test]
    async fn query_and_options_narrow_both() {
        for (query, option, tag, expected) in [
            ("x", None, None, ["", ""]),
            ("x", Some("UC9"), Some("en"), ["UC9", "en"]),
            ("x channel:UC1 lang:en", None, None, ["UC1", "en"]),
            ("x channel:@TEA", None, None, ["UC1", ""]),
            ("x channel:milky", Some("UC2"), None, ["UC2", ""]),
            ("x channel:\"tea cafe\"", None, None, ["UC1", ""]),
            ("x lang:en", None, Some("en-US"), ["", "en-US"]),
            ("x lang:en-US", None, Some("en"), ["", "en-US"]),
        ] {
            assert_eq!(narrowed(query, option, tag).await, Ok(expected.map(str::to_owned)), "{query}");
        }
        for (query, option, tag, said) in [
            ("x channel:none", None, None, "no channel has the id, the handle or the name none"),
            ("x channel:Milk", None, None, "Milk may be the channel UC2, or UC3; write the id of one"),
            ("x channel:UC1", Some("UC2"), None, "says channel:UC1, and UC2 was asked for"),
            ("x lang:en", None, Some("de"), "says lang:en, and de was asked for"),
        ] {
            let error = narrowed(query, option, tag).await.unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn inside_one_video_all_is_shown() {
        for (video_id, cues) in [(None, DEFAULT_CUES_PER_HIT), (VideoId::parse("v").ok(), u32::MAX)] {
            let within = Within { video_id, ..Within::default() };
            let store = MockRepositories::default();
            let request = request(&store, parse_query("x").unwrap(), within).await.unwrap();
            assert_eq!(request.cues_per_hit, cues);
        }
    }

    #[test]
    fn what_cannot_be_searched_for_names_the_query() {
        let error = parse_query("-x").unwrap_err();
        assert_eq!(error.field(), "query");
    }
}
