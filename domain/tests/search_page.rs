//! The examples of `docs/search.md`: each table is recognised by its heads, each row is run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use tubeatlas_domain::search::{SearchFields, SearchQuery, metadata_passages, metadata_weight};
use tubeatlas_domain::{ChannelId, LanguageTag, Timestamp};

/// The rows of all tables with these heads, each a list of the codes in each cell.
fn rows(page: &str, heads: &str) -> Vec<Vec<Vec<String>>> {
    let codes = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let mut rows = Vec::new();
    let mut lines = page.lines();
    while lines.by_ref().any(|line| line == heads) {
        let of_table = lines.by_ref().skip(1).take_while(|line| line.starts_with('|'));
        rows.extend(of_table.map(|line| line.trim_matches('|').split('|').map(codes).collect()));
    }
    rows
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/search.md");
    std::fs::read_to_string(path).expect("the page")
}

/// Query, what it takes in, and what not.
fn examples(heads: &str) -> Vec<(String, Vec<String>, Vec<String>)> {
    let rows = rows(&page(), heads).into_iter();
    rows.map(|row| match &row[..] {
        [query, taken, left] if query.len() == 1 && !taken.is_empty() && !left.is_empty() => {
            (query[0].clone(), taken.clone(), left.clone())
        }
        _ => panic!("no example: {row:?}"),
    })
    .collect()
}

#[test]
fn queries_find_what_the_page_says() {
    let examples = examples("| Query | Finds | Does not find |");
    assert!(examples.len() > 40, "{} examples", examples.len());
    for (query, found, not) in examples {
        let parsed = SearchQuery::parse(&query).unwrap();
        assert_eq!(parsed.fields(), &SearchFields::default(), "{query}");
        let finds = |text: &String| {
            metadata_passages(text, None)
                .iter()
                .any(|passage| parsed.expression().matches(&passage.tokens().collect::<Vec<_>>()))
        };
        assert_eq!(found.iter().find(|text| !finds(text)), None, "{query} finds it");
        assert_eq!(not.iter().find(|text| finds(text)), None, "{query} does not find it");
    }
}

#[test]
fn titles_count_as_the_page_says() {
    let examples = examples("| Query | Counts three times as a title | Counts half as much again |");
    assert!(examples.len() > 3, "{} examples", examples.len());
    for (query, answering, others) in examples {
        let query = SearchQuery::parse(&query).unwrap();
        let weights = |titles: &[String], weight: f64| {
            titles.iter().all(|title| metadata_weight(&query, title) == weight)
        };
        assert!(weights(&answering, 3.0) && weights(&others, 1.5), "{}", query.source());
    }
}

/// Whether the fields take in a video or transcript of which this is the channel, language, kind, date or title.
fn take_in(fields: &SearchFields, value: &str) -> bool {
    let SearchFields { channel_id, language, kind, published_from, published_before, title } = fields;
    let date = || -> Timestamp { value.parse().unwrap() };
    channel_id.as_ref().is_none_or(|wanted| *wanted == ChannelId::parse(value).unwrap())
        && language.as_ref().is_none_or(|wanted| wanted.covers(&LanguageTag::parse(value).unwrap()))
        && kind.is_none_or(|wanted| serde_json::to_value(wanted).unwrap() == value)
        && published_from.is_none_or(|from| date() >= from)
        && published_before.is_none_or(|end| date() < end)
        && title.iter().all(|phrase| phrase.is_in(value))
}

#[test]
fn fields_narrow_as_the_page_says() {
    let examples = examples("| Query | Takes in | Leaves out |");
    assert!(examples.len() > 10, "{} examples", examples.len());
    for (query, taken, left) in examples {
        let query = SearchQuery::parse(&query).unwrap();
        assert_ne!(query.fields(), &SearchFields::default(), "{query}");
        assert_eq!(taken.iter().find(|value| !take_in(query.fields(), value)), None, "{query} takes it in");
        assert_eq!(left.iter().find(|value| take_in(query.fields(), value)), None, "{query} leaves it out");
    }
}

#[test]
fn what_the_page_says_is_refused() {
    let rows = rows(&page(), "| Query | Refused because |");
    assert!(rows.len() > 10, "{} examples", rows.len());
    for row in rows {
        let (query, because) = (&row[0][0], &row[1][0]);
        let error = SearchQuery::parse(query).expect_err(query).to_string();
        assert!(error.contains(because), "{query}: {error}");
    }
}
