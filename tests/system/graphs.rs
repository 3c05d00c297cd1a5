//! Knowledge graphs: taking them in, asking, writing them out.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::Sandbox;

/// The relations of a graph, as the documentation writes them.
fn relations(graph: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |it: &Value| [text(&it["subject"]), text(&it["predicate"]), text(&it["object"])].join(" | ");
    graph["relations"].as_array().unwrap().iter().map(line).collect()
}

/// The blocks of a page in this language, each with the next block of text.
fn examples(page: &str) -> Vec<(String, Vec<String>)> {
    let block = |text: &str| text.split("```").next().unwrap().trim().to_owned();
    let mut found = Vec::new();
    for part in page.split("```json\n").skip(1) {
        let (_, expected) = part.split_once("```text\n").expect("what becomes of the example");
        found.push((block(part), block(expected).lines().map(str::to_owned).collect()));
    }
    found
}

#[test]
fn every_example_of_the_documentation_is_true() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/graphs.md");
    let examples = examples(&std::fs::read_to_string(page).unwrap());
    assert!(examples.len() >= 7, "{examples:?}");
    for (i, (document, expected)) in examples.iter().enumerate() {
        std::fs::write(sandbox.path("example.json"), document).unwrap();
        let imported = sandbox.json(&["graphs", "import", "example.json", "--video", "Dumpling-01"]);
        let imported = imported.ended_with(0).json();
        assert_eq!(imported["graph"]["version"], i + 1);
        let id = imported["graph"]["id"].as_str().unwrap();
        let graph = sandbox.json(&["graphs", "show", id]).ended_with(0).json();
        assert_eq!(&relations(&graph), expected, "{document}");
    }
    let list = sandbox.json(&["graphs", "list", "--video", "Dumpling-01"]).ended_with(0).json();
    assert_eq!(list["items"].as_array().unwrap().len(), examples.len(), "every version is kept");
}

#[test]
fn a_graph_is_asked_and_written_out_and_taken_in_again() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let graph = json!({"model": "m1", "triples": [
        {"subject": "Dough", "predicate": "needs", "object": "Rest", "confidence": 1},
        {"subject": "Lee", "predicate": "kneads", "object": "DOUGH"}, {"subject": "lee"}]});
    std::fs::write(sandbox.path("one.json"), graph.to_string()).unwrap();
    std::fs::write(sandbox.path("empty.json"), "{}").unwrap();
    std::fs::write(sandbox.path("broken.json"), "{").unwrap();

    let run = sandbox.json(&[
        "graphs",
        "import",
        "one.json",
        "empty.json",
        "broken.json",
        "--video",
        "Dumpling-01",
    ]);
    let report = run.ended_with(1).json();
    assert_eq!(report["refused"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!((&report["taken"], &report["left_out"]), (&json!(2), &json!({"confidence": 1})));
    assert_eq!(report["spellings"], json!({"Dough": ["DOUGH"]}));
    let places: Vec<_> =
        report["warnings"].as_array().unwrap().iter().map(|it| it["place"].clone()).collect();
    assert_eq!(places, ["triples[2].predicate", "triples[2].object", ""], "{report}");
    assert_eq!((&report["graph"]["model"], &report["graph"]["entity_count"]), (&json!("m1"), &json!(3)));
    let id = report["graph"]["id"].as_str().unwrap();

    let shown = sandbox.run(&["graphs", "show", id]).ended_with(0).stdout;
    assert!(shown.ends_with("  Dough  --needs->  Rest\n  Lee  --kneads->  Dough\n"), "{shown}");
    let found = sandbox.json(&["graphs", "neighbours", id, "dough"]).ended_with(0).json();
    assert_eq!(
        found["relations"],
        json!([
            {"direction": "out", "predicate": "needs", "entity": "Rest"},
            {"direction": "in", "predicate": "kneads", "entity": "Lee"},
        ])
    );
    let text = sandbox.run(&["graphs", "neighbours", id, "Dough", "--limit", "1"]).ended_with(0);
    assert_eq!(text.stdout, "Dough\n  needs -> Rest\n");
    assert!(text.stderr.contains("1 of 2 relations; more with --skip 1"), "{}", text.stderr);
    sandbox.run(&["graphs", "neighbours", id, "Zoe"]).ended_with(1);

    sandbox.run(&["graphs", "export", id, "--as", "json", "--output", "out.json"]).ended_with(0);
    let again =
        sandbox.json(&["graphs", "import", "out.json", "--video", "Dumpling-01"]).ended_with(0).json();
    assert_eq!((&again["warnings"], &again["left_out"]), (&json!([]), &json!({})));
    let show = |report: &Value| {
        let graph =
            sandbox.json(&["graphs", "show", report["graph"]["id"].as_str().unwrap()]).ended_with(0).json();
        (graph["entities"].clone(), graph["relations"].clone(), graph["model"].clone())
    };
    assert_eq!(show(&again), show(&report));
    let xml = sandbox.run(&["graphs", "export", id, "--as", "graphml"]).ended_with(0).stdout;
    assert!(xml.contains("<edge id=\"e1\" source=\"n2\" target=\"n0\">"), "{xml}");
}

#[test]
fn the_graphs_of_a_channel_are_merged() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let video = sandbox.json(&["videos", "show", "Dumpling-01"]).ended_with(0).json();
    let channel = video["channel_id"].as_str().unwrap();
    let run = sandbox.run(&["graphs", "merge", "--channel", channel]).ended_with(1);
    assert!(run.stderr.contains("no video of the channel"), "{}", run.stderr);
    std::fs::write(sandbox.path("g.json"), r#"[["a", "is", "b"]]"#).unwrap();
    sandbox.run(&["graphs", "import", "g.json", "--video", "Dumpling-01"]).ended_with(0);
    for version in [1, 2] {
        let merged = sandbox.json(&["graphs", "merge", "--channel", channel]).ended_with(0).json();
        assert_eq!(
            (&merged["graph"]["version"], &merged["videos"]),
            (&json!(version), &json!(["Dumpling-01"]))
        );
        assert_eq!(merged["graph"]["owner"], json!({"channel": channel}));
    }
    for wrong in [
        &["graphs", "merge", "--channel", "none"][..],
        &["graphs", "import", "g.json", "--video", "none"],
        &["graphs", "import", "missing.json", "--video", "Dumpling-01"],
    ] {
        sandbox.run(wrong).ended_with(1);
    }
    sandbox.run(&["graphs", "import", "g.json"]).ended_with(2);
}
