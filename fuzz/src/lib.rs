//! The targets: each takes any bytes, and panics if something does not hold that must.

use std::borrow::Cow;

use tubeatlas::graphs;
use tubeatlas_adapters_ytdlp::fuzzing;
use tubeatlas_domain::search::{MAX_QUERY_TERMS, SearchQuery};
use tubeatlas_domain::{
    GraphMerger, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId, VideoId,
};
use tubeatlas_ports::{Cursor, CursorScope};

/// What takes any bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("info_json", info_json),
    ("vtt", vtt),
    ("srt", srt),
    ("json3", json3),
    ("srv3", srv3),
    ("ttml", ttml),
    ("file_name", file_name),
    ("query", query),
    ("cursor", cursor),
    ("graph", graph),
];

/// A document of yt-dlp.
pub fn info_json(bytes: &[u8]) {
    fuzzing::info_json(bytes);
}

/// WebVTT.
pub fn vtt(bytes: &[u8]) {
    fuzzing::captions(&within(bytes, b"WEBVTT", b"WEBVTT\n\n", b""), true);
}

/// SubRip and SubViewer, and whatever has no other format's beginning.
pub fn srt(bytes: &[u8]) {
    fuzzing::captions(bytes, false);
}

/// YouTube's JSON.
pub fn json3(bytes: &[u8]) {
    fuzzing::captions(&within(bytes, b"{", b"{\"events\": [", b"]}"), false);
}

/// YouTube's XML.
pub fn srv3(bytes: &[u8]) {
    fuzzing::captions(&within(bytes, b"<t", b"<timedtext><body>", b"</body></timedtext>"), false);
}

/// TTML.
pub fn ttml(bytes: &[u8]) {
    fuzzing::captions(&within(bytes, b"<t", b"<tt><body>", b"</body></tt>"), false);
}

/// The name of a file in an archive.
pub fn file_name(bytes: &[u8]) {
    fuzzing::file_name(&String::from_utf8_lossy(bytes));
}

/// A document of a knowledge graph. What is taken of it is a graph, which gives itself again, and the same a second time adds
/// nothing.
pub fn graph(bytes: &[u8]) {
    let bytes = within(bytes, b"{", b"{\"triples\": [", b"]}");
    let Ok(document) = serde_json::from_slice(&bytes) else { return };
    let mut merger = GraphMerger::default();
    let reading = graphs::read(&document, &mut merger);
    assert!(reading.warnings.len() <= graphs::MAX_WARNINGS);
    let again = graphs::read(&document, &mut merger);
    assert_eq!(reading.taken, again.taken);
    let (entities, relations) = merger.into_parts();
    assert!(reading.taken > 0 || entities.is_empty());
    let id = KnowledgeGraphId::new(Default::default());
    let owner = GraphOwner::Video(VideoId::parse("v").expect("an id"));
    let fields = KnowledgeGraphFields {
        id,
        owner,
        model: None,
        processing_time_ms: None,
        version: 1,
        entities,
        relations,
    };
    let graph = KnowledgeGraph::new(fields).expect("what is merged is a graph");
    assert!(graphs::graphml(&graph).ends_with("</graphml>\n"));

    let written = serde_json::json!({"entities": graph.entities, "relations": graph.relations});
    let mut merger = GraphMerger::default();
    let reading = graphs::read(&written, &mut merger);
    assert!(reading.warnings.is_empty(), "{:?}", reading.warnings);
    assert_eq!(merger.into_parts(), (graph.entities.clone(), graph.relations.clone()));
}

/// What somebody searches for.
pub fn query(bytes: &[u8]) {
    let source = String::from_utf8_lossy(bytes);
    match SearchQuery::parse(&source) {
        Ok(query) => {
            assert_eq!(query.source(), source);
            assert!(query.phrases().len() <= MAX_QUERY_TERMS);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A cursor that a client sends. What is taken for one, is one that a list gave out.
pub fn cursor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let scope = CursorScope::new("videos", &"newest", &Some(1));
    let sent = Cursor::from_text(text.clone());
    if let Ok(position) = sent.decode::<(Option<i64>, String)>(scope) {
        assert!(
            Cursor::encode(scope, &position)
                .and_then(|it| it.decode(scope))
                .is_ok_and(|it: (_, _)| it == position)
        );
    }
    let position = (Some(bytes.len() as u64), text);
    if let Ok(given_out) = Cursor::encode(scope, &position) {
        if let Ok(back) = given_out.decode::<(Option<u64>, Cow<'_, str>)>(scope) {
            assert_eq!(back, position);
        }
        let changed = given_out.as_str().replacen('A', "B", 1);
        if changed != given_out.as_str() {
            assert!(Cursor::from_text(changed).decode::<(Option<u64>, String)>(scope).is_err());
        }
    }
}

/// The bytes as they are if they begin so, else between a head and a tail: most mutations would otherwise end at
/// the first character.
fn within<'a>(bytes: &'a [u8], begins: &[u8], head: &[u8], tail: &[u8]) -> Cow<'a, [u8]> {
    if bytes.starts_with(begins) { Cow::Borrowed(bytes) } else { Cow::Owned([head, bytes, tail].concat()) }
}
