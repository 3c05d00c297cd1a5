//! Searching what was said: the ports' search, shown with links to the moment.

use serde::Serialize;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{ChannelId, LanguageTag, Problem, ValidationError, VideoId};
use tubeatlas_ports::{Cursor, Error, FoundCue, Repositories, SearchHit, SearchRequest};

use crate::link;

/// A page of hits, as the command line and HTTP show it. Its JSON form is stable.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// The video.
    pub video_id: VideoId,
    /// Its title.
    pub title: String,
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

impl From<SearchHit> for Hit {
    fn from(hit: SearchHit) -> Self {
        let url = match hit.cues.first() {
            Some(cue) => hit.url.map(|url| link::at(&url, cue.start_ms)),
            None => hit.url,
        };
        Self {
            video_id: hit.video_id,
            title: hit.title,
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
    let hits = page.items.into_iter().map(Hit::from).collect();
    Ok(Hits { hits, next_cursor: page.next, among_latest: page.among_latest })
}

/// Reads a query that a person wrote.
///
/// # Errors
/// If there is nothing to search for, or too much; the field is `query`.
pub fn parse_query(text: &str) -> Result<SearchQuery, ValidationError> {
    SearchQuery::parse(text)
        .map_err(|error| ValidationError::new("query", Problem::Malformed(error.to_string())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tubeatlas_ports::SearchPage;
    use tubeatlas_ports::mock::{MockRepositories, MockTranscripts};

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
        let without_cues = SearchHit { cues: vec![], language: None, score: None, ..found() };
        let without_url = SearchHit { url: None, channel_id: None, ..found() };
        let items = vec![found(), without_cues, without_url];
        let page = SearchPage { items, next: None, among_latest: Some(20_000) };
        transcripts.expect_search().return_once(|_| Ok(page));
        let store = MockRepositories { transcripts, ..MockRepositories::default() };
        let request = SearchRequest::new(parse_query("api").unwrap());
        let hits = serde_json::to_value(search(&store, &request).await.unwrap()).unwrap();
        assert_eq!(
            hits["hits"][0],
            json!({
                "video_id": "hfcourse-01", "title": "Pipelines", "channel_id": "UC1", "language": "en",
                "url": "https://a.example/watch?v=hfcourse-01&t=9s", "score": 1.5,
                "cues": [{"start_ms": 9500, "end_ms": 12000, "text": "a high level API", "highlights": [[2, 16]]}],
            })
        );
        assert_eq!(hits["hits"][1]["url"], "https://a.example/watch?v=hfcourse-01");
        assert_eq!(hits["hits"][2]["url"], json!(null));
        assert_eq!(hits["next_cursor"], json!(null));
        assert_eq!(hits["among_latest"], json!(20_000));
    }

    #[test]
    fn what_cannot_be_searched_for_names_the_query() {
        let error = parse_query("-x").unwrap_err();
        assert_eq!(error.field(), "query");
    }
}
