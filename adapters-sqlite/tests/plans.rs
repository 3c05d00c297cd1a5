//! How SQLite answers every query of the adapter: from an index, in its order.
//!
//! All statements that reach SQLite are written down by Diesel's instrumentation. `plans.txt` has them with their plans; after a
//! change, look at the difference, and run the test with `UPDATE_PLANS=1` to write it down.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_contract::fixtures::{a_transcript_with, cues, language, video_id};
use tubeatlas_contract::queries::{Ticking, every_query};
use tubeatlas_domain::Entity;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{Repositories, SearchOrder, SearchRequest, Store, UuidV7Generator, Visibility};

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn recorder() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let text = text.split(" -- binds:").next().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().collect();
            STATEMENTS.lock().unwrap().insert(words.join(" "));
        }
    }))
}

/// Searches for words that are common: that stand in more than 10,000 passages.
async fn common_words(store: &SqliteStore) -> tubeatlas_ports::Result<()> {
    let transcripts = store.transcripts();
    let text = "w ".repeat(26_000);
    let mut texts = vec![text.as_str(); 64];
    let words: String = (0..100).map(|n| format!("word{n} ")).collect();
    texts[0] = &words;
    let common = a_transcript_with(|t| {
        (t.video_id, t.language, t.cues) = (video_id("v2"), language("en"), cues(&texts));
    });
    transcripts.upsert(&common).await?;
    for order in [SearchOrder::Relevance, SearchOrder::Newest, SearchOrder::Oldest] {
        for (visibility, within) in
            [(Visibility::Live, None), (Visibility::WithDeleted, Some(video_id("v1")))]
        {
            let mut request = SearchRequest::new(SearchQuery::parse("w").unwrap());
            (request.order, request.visibility, request.video_id) = (order, visibility, within);
            request.language = Some(language("de")); // so that no hit is to be shown
            assert_eq!(transcripts.search(&request).await?.among_latest, Some(10_000));
        }
    }
    let many = SearchRequest::new(SearchQuery::parse("w*").unwrap());
    let many = SearchRequest { language: Some(language("de")), ..many };
    assert_eq!(transcripts.search(&many).await?.among_latest, Some(10_000));
    transcripts.delete(&common.id(), None).await
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// What the adapter makes known to each of its connections.
    fn metadata_weight_of(query: Text, title: Text) -> diesel::sql_types::Double;
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What a plan may not have, unless it stands in [`EXCEPTIONS`].
fn objection(statement: &str, step: &str) -> Option<&'static str> {
    let ordered_page = statement.contains(" LIMIT ?");
    let count = statement.starts_with("SELECT COUNT(*)");
    if let Some(scanned) = step.strip_prefix("SCAN ") {
        let virtual_table = scanned.contains("VIRTUAL TABLE") || scanned == "CONSTANT ROW";
        let from_index = scanned.contains("USING");
        return match (virtual_table, from_index) {
            (true, _) => None,
            (_, true) if ordered_page || count => None, // a page ends after its rows, a count reads all there is
            _ => Some("reads a whole table"),
        };
    }
    (step.starts_with("USE TEMP B-TREE")).then_some("sorts what no index has in order")
}

/// A part of a statement, a part of the step, and why it is as it must be.
const EXCEPTIONS: [(&str, &str, &str); 11] = [
    ("FROM passages LIMIT", "SCAN", "so many passages, to be counted, and no more"),
    ("passages_fts MATCH", "SCAN (subquery", "so many passages of a word, to be counted, and no more"),
    ("passages_fts MATCH", "SCAN matching", "what the full-text index has found, to be scored"),
    ("passages_fts MATCH", "SCAN f", "what the full-text index has found, once"),
    ("passages_fts MATCH", "TEMP B-TREE", "found passages are grouped by transcript, and ranked"),
    ("media_file_words", "FOR GROUP BY", "of the files that have one of the words, those that have all"),
    ("media_file_words", "FOR ORDER BY", "these files, which no index has in the order of their paths"),
    (
        "`published_at`",
        "FOR ORDER BY",
        "a range of dates in the order of ids: one index can have one of them",
    ),
    ("FROM playlist_videos", "FOR ORDER BY", "a video stands in few playlists"),
    (
        "ORDER BY `source_files`.`path` LIMIT",
        "SCAN source_files",
        "the table stands in the order of its paths, and a page ends after its rows",
    ),
    ("store_state", "SCAN store_state", "has one row"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_answered_from_an_index() {
    set_default_instrumentation(recorder).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plans.db");
    let mut config = SqliteConfig::new(Location::File(path.clone()));
    config.search_bound = 10_000;
    let store =
        SqliteStore::open(config, Arc::new(Ticking::default()), Arc::new(UuidV7Generator)).await.unwrap();
    STATEMENTS.lock().unwrap().clear(); // what only opening does
    every_query(&store).await.unwrap();
    common_words(&store).await.unwrap();
    store.close().await.unwrap();

    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let vocabulary =
        "CREATE VIRTUAL TABLE temp.indexed_words USING fts5vocab('main', 'passages_fts', 'instance')";
    connection.batch_execute(vocabulary).unwrap();
    metadata_weight_of_utils::register_impl(&mut connection, |_: String, _: String| 1.0).unwrap();
    let (mut found, mut objections, mut needed) = (String::new(), String::new(), BTreeSet::new());
    for statement in statements {
        if statement.contains("pragma_") {
            continue; // what only the opening of a connection does
        }
        if !["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| statement.starts_with(verb)) {
            continue; // transactions
        }
        let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}"));
        let steps: Vec<Step> = explain.load(&mut connection).unwrap();
        writeln!(found, "{statement}").unwrap();
        for Step { detail } in steps {
            writeln!(found, "    {detail}").unwrap();
            if let Some(objection) = objection(&statement, &detail) {
                let excepts = |(s, d, _): &(&str, &str, &str)| statement.contains(s) && detail.contains(d);
                match EXCEPTIONS.iter().position(excepts) {
                    Some(exception) => drop(needed.insert(exception)),
                    None => writeln!(objections, "{objection}: {detail}\n    {statement}").unwrap(),
                }
            }
        }
        assert!(!statement.contains("OFFSET"), "pages go on behind a key: {statement}");
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans.txt");
    if std::env::var_os("UPDATE_PLANS").is_some() {
        std::fs::write(file, &found).unwrap();
    }
    assert!(objections.is_empty(), "{objections}");
    assert_eq!(needed.len(), EXCEPTIONS.len(), "an exception that nothing needs is none");
    assert_eq!(found, std::fs::read_to_string(file).unwrap());
}
