//! How Postgres answers every query of the adapter: from an index, in its order.
//!
//! All statements that reach Postgres are written down by Diesel's instrumentation, and their plans asked for in a
//! database with so many rows that reading a table from end to end would be dear. `plans.txt` has the statements with
//! their plans, as made by the version of Postgres in its first line; after a change, look at the difference, and run
//! the test with `UPDATE_PLANS=1` to write it down. Other versions may plan otherwise, but must keep to the rules.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig, PostgresStore};
use tubeatlas_contract::queries::{Ticking, every_query};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{Repositories, SearchRequest, Store, UuidV7Generator};
use tubeatlas_postgres_cluster::Cluster;

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

/// Fills the tables with copies of the rows that are there, changed in what makes them differ. There are so few that
/// `ANALYZE` looks at all of them, not at some by chance.
const MANY_ROWS: &str = "
    CREATE FUNCTION copies(row_of anyelement, changes jsonb) RETURNS SETOF anyelement LANGUAGE sql AS
        $$ SELECT (jsonb_populate_record(row_of, changes)).* $$;
    INSERT INTO channels SELECT c.* FROM generate_series(1, 300) n, copies(
        (SELECT r FROM channels r ORDER BY id LIMIT 1), jsonb_build_object('id', 'c' || n, 'title', 't' || n)) c;
    INSERT INTO videos SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM videos r ORDER BY id LIMIT 1),
        jsonb_build_object('id', 'w' || n, 'channel_id', 'c' || n % 300 + 1, 'published_at', n,
            'deleted_at', CASE WHEN n % 100 = 0 THEN n END)) c;
    INSERT INTO transcripts SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM transcripts r ORDER BY video_id, language LIMIT 1),
        jsonb_build_object('video_id', 'w' || n)) c;
    INSERT INTO knowledge_graphs SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM knowledge_graphs r WHERE video_id IS NULL ORDER BY id LIMIT 1),
        jsonb_build_object('id', md5('' || n)::uuid, 'created_at', n,
            'channel_id', CASE WHEN n % 2 = 0 THEN 'c' || n % 300 + 1 END,
            'video_id', CASE WHEN n % 2 = 1 THEN 'w' || n END)) c;
    INSERT INTO processing_tasks SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM processing_tasks r WHERE status = 'pending' ORDER BY id LIMIT 1),
        jsonb_build_object('id', md5('' || n)::uuid, 'created_at', n, 'kind', 'kind' || n % 10,
            'target', 'target' || n, 'status', (ARRAY['pending', 'succeeded', 'failed'])[n % 3 + 1],
            'finished_at', CASE WHEN n % 3 > 0 THEN n END)) c;
    INSERT INTO media_files SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM media_files r ORDER BY id LIMIT 1),
        jsonb_build_object('id', md5('' || n)::uuid, 'video_id', 'w' || n, 'path', '/word/path' || n)) c;
    INSERT INTO playlists SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM playlists r ORDER BY id LIMIT 1), jsonb_build_object('id', 'w' || n, 'title', 't' || n,
            'channel_id', 'c' || n % 300 + 1, 'deleted_at', CASE WHEN n % 100 = 0 THEN n END,
            'videos', ARRAY['w' || n % 4000, 'x' || n])) c;
    INSERT INTO source_files SELECT c.* FROM generate_series(1, 9000) n, copies(
        (SELECT r FROM source_files r ORDER BY path LIMIT 1), jsonb_build_object('path', '/word/path' || n,
            'verdict', (ARRAY['refused', 'ignored'])[n % 2 + 1], 'note', 'why')) c;
    INSERT INTO media_file_words SELECT 'word' || w, md5('' || n)::uuid FROM generate_series(1, 9000) n,
        generate_series(n % 100, n % 100 + 1) w;
    INSERT INTO passages (video_id, language, ordinal, tokens, words)
        SELECT 'w' || n, 'en', 0, 'word' || n % 1000, ('word' || n % 1000)::tsvector
        FROM generate_series(1, 9000) n;
    ANALYZE;
    SET plan_cache_mode = force_generic_plan; -- as for any values
    SET jit = off; SET enable_seqscan = off; -- as the adapter has it
    SET default_transaction_isolation = serializable;
";

/// What a plan may not have, unless it stands in [`EXCEPTIONS`]. `next` is the line behind the step.
fn objection(statement: &str, step: &str, next: &str) -> Option<&'static str> {
    let step = step.trim_start_matches([' ', '-', '>']);
    if step.starts_with("Seq Scan") {
        return Some("reads a whole table");
    }
    let by_index =
        ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].iter().any(|scan| step.starts_with(scan));
    if by_index && !next.contains("Index Cond:") {
        // A page ends after its rows, a count reads all there is.
        let may = statement.contains(" LIMIT $") || statement.to_lowercase().contains("count(*)");
        return (!may).then_some("reads a whole index");
    }
    // (An incremental sort has its rows from an index in order already, but for equal ones.)
    (step == "Sort").then_some("sorts what no index has in order")
}

/// A part of a statement, a part of the step, and why it is as it must be.
const EXCEPTIONS: [(&str, &str, &str); 9] = [
    ("p.words @@ $1", "Sort", "found passages are grouped by transcript"),
    ("unnest($1::text[]) WITH ORDINALITY", "Sort", "is one number"),
    (
        "FROM media_file_words",
        "Sort",
        "the files that have all words, which no index has in the order of paths",
    ),
    ("\"media_files\".\"video_id\" = $1", "Sort", "a video has few files"),
    (
        "\"processing_tasks\".\"target\" =",
        "Sort",
        "a target has few tasks, and may be longer than what a B-tree takes",
    ),
    ("\"published_at\" >=", "Sort", "a range of dates in the order of ids: one index can have one of them"),
    (
        "source_files.path <",
        "Sort",
        "paths with a prefix: a plan for any values expects a range with two ends to be short",
    ),
    ("\"playlists\".\"videos\" @>", "Sort", "a video stands in few playlists"),
    ("FROM store_revision", "", "a sequence, which is one row, and three values"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_answered_from_an_index() {
    set_default_instrumentation(recorder).unwrap();
    let database = Cluster::shared().unwrap().database().unwrap();
    let config = PostgresConfig::new(DatabaseUrl::parse(database.url()).unwrap());
    let clock = Arc::new(Ticking::default());
    let store = PostgresStore::open(config, clock, Arc::new(UuidV7Generator)).await.unwrap();
    STATEMENTS.lock().unwrap().clear(); // what only opening does
    every_query(&store).await.unwrap();
    // Two words are weighed against each other.
    let two_words = SearchRequest::new(SearchQuery::parse("two words").unwrap());
    store.transcripts().search(&two_words).await.unwrap();
    store.close().await.unwrap();

    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(MANY_ROWS).await.unwrap();
    let version: String = client.query_one("SHOW server_version", &[]).await.unwrap().get(0);
    let version = format!("Postgres {}", version.split('.').next().unwrap());
    let (mut found, mut objections) = (format!("{version}\n"), String::new());
    let mut needed = BTreeSet::new();
    for statement in statements {
        if !["SELECT", "(SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
            .iter()
            .any(|verb| statement.starts_with(verb))
        {
            continue; // transactions
        }
        assert!(!statement.contains("OFFSET"), "pages go on behind a key: {statement}");
        let prepared =
            client.prepare(&statement).await.unwrap_or_else(|error| panic!("{error:?}\n{statement}"));
        let parameters = prepared.params().len();
        let nulls = vec!["NULL"; parameters].join(", ");
        let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        client.batch_execute(&format!("PREPARE it AS {statement}")).await.unwrap();
        let explain = format!("EXPLAIN (COSTS OFF) EXECUTE it{nulls}");
        let rows = client.simple_query(&explain).await.unwrap();
        client.batch_execute("DEALLOCATE it").await.unwrap();
        writeln!(found, "{statement}").unwrap();
        let steps: Vec<&str> = rows
            .iter()
            .filter_map(|row| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        for (place, step) in steps.iter().enumerate() {
            let next = steps.get(place + 1).copied().unwrap_or_default();
            writeln!(found, "    {step}").unwrap();
            if let Some(objection) = objection(&statement, step, next) {
                let excepts = |(s, d, _): &(&str, &str, &str)| statement.contains(s) && step.contains(d);
                match EXCEPTIONS.iter().position(excepts) {
                    Some(exception) => drop(needed.insert(exception)),
                    None => writeln!(objections, "{objection}: {step}\n    {statement}").unwrap(),
                }
            }
        }
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans.txt");
    if std::env::var_os("UPDATE_PLANS").is_some() {
        std::fs::write(file, &found).unwrap();
    }
    assert!(objections.is_empty(), "{objections}");
    let written = std::fs::read_to_string(file).unwrap();
    if written.lines().next() == Some(&*version) {
        assert_eq!(found, written);
        assert_eq!(needed.len(), EXCEPTIONS.len(), "an exception that nothing needs is none");
    }
}
