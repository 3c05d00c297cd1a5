//! What holds of search for any text and any query.

use proptest::prelude::*;
use tubeatlas_domain::Cue;
use tubeatlas_domain::search::{
    Expression, MAX_GROUP_DEPTH, Passage, SearchQuery, find_cues, find_in_text, metadata_passages,
    normalised, phrase_ranges, transcript_passages,
};

fn cues(texts: Vec<String>) -> Vec<Cue> {
    texts.into_iter().map(|text| Cue { start_ms: 0, end_ms: 0, text }).collect()
}

/// Few words, so that queries find something, and that excluded words are met.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "b", "C", "ab", "é", "don't", "人工", "กำ", "½", "...", "ß", "مُحَ", "x", "が",
    ])
    .prop_map(str::to_owned)
}

fn text(words: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 0..words).prop_map(|words| words.join(" "))
}

fn transcript() -> impl Strategy<Value = Vec<Cue>> {
    prop_oneof![
        prop::collection::vec(prop_oneof![text(12), any::<String>()], 0..12).prop_map(cues),
        // Long enough for several passages, with words that stand only somewhere.
        prop::collection::vec((text(6), 0_usize..200), 0..6).prop_map(|parts| {
            cues(parts.into_iter().map(|(text, fill)| format!("{text} {}", "y ".repeat(fill))).collect())
        }),
    ]
}

fn query() -> impl Strategy<Value = SearchQuery> {
    let term = (prop::sample::select(vec!["", "", "-", "\"", "OR ", "“"]), word(), "[*\" ]?")
        .prop_map(|(before, word, after)| format!("{before}{word}{after}"));
    let few = prop::collection::vec(term, 1..5).prop_map(|terms| terms.join(" ")).boxed();
    let grouped = prop_oneof![
        few.clone(),
        prop::collection::vec(few.clone(), 2..4)
            .prop_map(|groups| { format!("({})", groups.join(") OR (")) })
    ]
    .boxed();
    let either = (grouped.clone(), prop::sample::select(vec![" ", " OR ", " -", ")("]), grouped)
        .prop_map(|(one, between, other)| format!("({one}{between}({other}))"));
    prop_oneof![3 => few, 2 => either, 1 => any::<String>()]
        .prop_filter_map("a text that is a query", |text| SearchQuery::parse(&text).ok())
}

fn matches(query: &SearchQuery, passage: &Passage) -> bool {
    query.expression().matches(&passage.tokens().collect::<Vec<_>>())
}

fn depth(expression: &Expression) -> usize {
    match expression {
        Expression::Phrase(_) => 0,
        Expression::All(parts) | Expression::Any(parts) => {
            assert!(parts.len() > 1);
            1 + parts.iter().map(depth).max().unwrap_or(0)
        }
        Expression::Without { include, exclude } => {
            assert!(!exclude.is_empty());
            1 + exclude.iter().map(depth).max().unwrap_or(0).max(depth(include))
        }
    }
}

/// In order, not touching, not empty, on character boundaries.
fn assert_highlights(text: &str, highlights: &[(usize, usize)]) {
    for (start, end) in highlights {
        assert!(start < end && text.get(*start..*end).is_some(), "{text:?} {highlights:?}");
    }
    assert!(highlights.windows(2).all(|pair| pair[0].1 < pair[1].0), "{text:?} {highlights:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_answered(text in prop_oneof![any::<String>(), "[-*\"“OR a()\\x00-\\x1f人'.]{0,80}"]) {
        if let Ok(query) = SearchQuery::parse(&text) {
            prop_assert_eq!(query.source(), &text);
            prop_assert!(depth(query.expression()) <= 3 * (1 + MAX_GROUP_DEPTH));
            prop_assert!(!query.phrases().is_empty());
            for phrase in query.phrases() {
                prop_assert!((1..=64).contains(&phrase.tokens().len()));
                // What a query looks for is made of tokens that a text can have.
                let joined = phrase.tokens().join(" ");
                prop_assert_eq!(&normalised(&joined), &joined);
            }
        }
    }

    #[test]
    fn a_phrase_finds_the_text_that_it_was_taken_from(text in any::<String>()) {
        let text: String = text.chars().filter(|c| !"\"“”„«»\u{FF02}*".contains(*c)).take(60).collect();
        if let Ok(query) = SearchQuery::parse(&format!("\"{text}\"")) {
            let passages = metadata_passages(&text, None);
            prop_assert!(passages.iter().any(|passage| matches(&query, passage)));
        }
    }

    #[test]
    fn cues_are_found_where_a_passage_matches(cues in transcript(), query in query()) {
        let passages = transcript_passages(&cues);
        let matching: Vec<&Passage> = passages.iter().filter(|passage| matches(&query, passage)).collect();
        let found = find_cues(&cues, &query, usize::MAX);
        prop_assert_eq!(found.is_empty(), matching.is_empty());
        let mut seen: Vec<usize> = found.iter().map(|found| found.cue).collect();
        seen.sort_unstable();
        prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
        for found in &found {
            assert_highlights(&cues[found.cue].text, &found.highlights);
            prop_assert!(!found.highlights.is_empty());
            let cue = u32::try_from(found.cue).unwrap();
            prop_assert!(matching.iter().any(|passage| (passage.first_cue..=passage.last_cue).contains(&cue)));
        }
        for max in 0..3 {
            let fewer = find_cues(&cues, &query, max);
            prop_assert_eq!(&fewer[..], &found[..max.min(found.len())]);
        }
    }

    #[test]
    fn text_is_highlighted_where_a_phrase_occurs(text in prop_oneof![text(12), any::<String>()], query in query()) {
        let highlights = find_in_text(&text, &query);
        assert_highlights(&text, &highlights);
        let text = normalised(&text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let occurs = query.phrases().iter().any(|phrase| !phrase_ranges(phrase, &words).is_empty());
        prop_assert_eq!(!highlights.is_empty(), occurs);
    }
}
