//! Searching by relevance looks at the best passages first; what it finds is what looking at all of them finds.

use std::time::Duration;

use tubeatlas_adapters_sqlite::SqliteStore;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{Cue, LanguageTag, Transcript, TranscriptFields, TranscriptKind, Video, VideoFields};
use tubeatlas_ports::{Repositories, SearchRequest};

use crate::support::{id, temporary};

/// The videos (or transcripts, with a `+`) that are found, page by page.
async fn found(store: &SqliteStore, words: &str, limit: u32) -> Vec<String> {
    let mut request = SearchRequest { limit, ..SearchRequest::new(SearchQuery::parse(words).unwrap()) };
    let mut found = Vec::new();
    loop {
        let page = store.transcripts().search(&request).await.unwrap();
        let name = |of_transcript: bool| if of_transcript { "+" } else { "" };
        found
            .extend(page.items.iter().map(|hit| format!("{}{}", hit.video_id, name(hit.language.is_some()))));
        request.after = page.next;
        if request.after.is_none() {
            return found;
        }
    }
}

/// A video in which this is said.
async fn create(store: &SqliteStore, name: &str, said: &[&str]) {
    let video = Video::new(VideoFields::new(id(name), "")).unwrap();
    store.videos().create(&video).await.unwrap();
    let cues = (0..)
        .zip(said)
        .map(|(n, text)| Cue { start_ms: n, end_ms: n + 1, text: (*text).to_owned() })
        .collect();
    let language = LanguageTag::parse("en").unwrap();
    let fields = TranscriptFields { video_id: id(name), language, kind: TranscriptKind::Manual, cues };
    store.transcripts().create(&Transcript::new(fields).unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_best_passages_give_the_page_that_all_give() {
    let store = temporary(Duration::from_secs(5)).await;
    // Many of the same score, the first ones in order written last.
    for n in (0..60).rev() {
        create(&store, &format!("equal-{n:02}"), &["said once here"]).await;
    }
    // Better ones that are not shown.
    for n in 0..60 {
        let name = format!("deleted-{n:02}");
        create(&store, &name, &["said said"]).await;
        store.videos().delete(&id(&name), None).await.unwrap();
    }
    assert_eq!(found(&store, "once", 100).await.len(), 60);
    for words in ["said", "once"] {
        let all = found(&store, words, 100).await;
        assert!(all.is_sorted(), "{all:?}");
        for limit in [1, 2, 7, 59, 60] {
            assert_eq!(found(&store, words, limit).await, all, "{words}, {limit} a page");
        }
    }
    // All of the best in one transcript.
    create(&store, "long", &["said"; 1_500]).await;
    for limit in [1, 2, 7, 60, 61] {
        let found = found(&store, "said", limit).await;
        assert_eq!((found.len(), found[0].as_str()), (61, "long+"), "{limit} a page");
        assert!(found[1..].is_sorted(), "{limit} a page: {found:?}");
    }
    // Titles count for more than what an engine likes best.
    for n in 0..30 {
        let video = Video::new(VideoFields::new(id(&format!("titled-{n:02}")), "What was said")).unwrap();
        store.videos().create(&video).await.unwrap();
    }
    for limit in [1, 2, 7, 91] {
        let found = found(&store, "said", limit).await;
        let titled = found.iter().position(|name| !name.starts_with("titled")).unwrap();
        assert_eq!((found.len(), titled, found[30].as_str()), (91, 30, "long+"), "{limit} a page");
    }
}

/// What a title weighs is of the query that is asked now, though a connection has asked others before.
#[tokio::test]
async fn a_title_weighs_for_the_query_that_is_asked() {
    let store = temporary(Duration::from_secs(5)).await;
    for (name, title, description) in [("a", "Tea", "milk"), ("b", "Milk", "tea")] {
        let mut fields = VideoFields::new(id(name), title);
        fields.description = Some(description.to_owned());
        store.videos().create(&Video::new(fields).unwrap()).await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(found(&store, "tea", 10).await, ["a", "b"]);
        assert_eq!(found(&store, "milk", 10).await, ["b", "a"]);
    }
}
