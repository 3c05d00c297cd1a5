//! GraphML: <http://graphml.graphdrawing.org/specification.html>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use tubeatlas_domain::KnowledgeGraph;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
  <key id="name" for="node" attr.name="name" attr.type="string"/>
  <key id="kind" for="node" attr.name="kind" attr.type="string"/>
  <key id="predicate" for="edge" attr.name="predicate" attr.type="string"/>
"#;

/// The graph as GraphML: directed, a node an entity (`n0`, `n1`, … in the graph's order) with its `name` and `kind`, an edge a
/// relation (`e0`, …) with its `predicate`. The same graph gives the same text. Characters that XML cannot hold
/// (most control characters) become U+FFFD.
pub fn graphml(graph: &KnowledgeGraph) -> String {
    let mut file = format!("{HEAD}  <graph id=\"{}\" edgedefault=\"directed\">\n", graph.id);
    let mut nodes = HashMap::with_capacity(graph.entities.len());
    for (i, entity) in graph.entities.iter().enumerate() {
        nodes.insert(entity.name.as_str(), i);
        let _ = write!(file, "    <node id=\"n{i}\"><data key=\"name\">{}</data>", escaped(&entity.name));
        if let Some(kind) = &entity.kind {
            let _ = write!(file, "<data key=\"kind\">{}</data>", escaped(kind));
        }
        file.push_str("</node>\n");
    }
    let relations = graph.relations.iter().enumerate();
    // Both ends of each are among the entities: the domain checks it.
    let ends = relations.filter_map(|(i, it)| {
        Some((i, nodes.get(it.subject.as_str())?, nodes.get(it.object.as_str())?, &it.predicate))
    });
    for (i, subject, object, predicate) in ends {
        let _ = writeln!(
            file,
            "    <edge id=\"e{i}\" source=\"n{subject}\" target=\"n{object}\"><data key=\"predicate\">{}</data></edge>",
            escaped(predicate)
        );
    }
    file.push_str("  </graph>\n</graphml>\n");
    file
}

/// A text as the content of an element.
fn escaped(text: &str) -> Cow<'_, str> {
    let as_it_is = |c: char| c >= ' ' && !matches!(c, '&' | '<' | '>' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(as_it_is) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\t' | '\n' => escaped.push(c),
            '\r' => escaped.push_str("&#13;"), // else a reader makes LF of it
            c if as_it_is(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphs::tests::graph;

    #[test]
    fn a_reader_of_xml_finds_every_entity_and_relation() {
        let odd = "a<b>&\"'\r\n\t\u{1}\u{ffff}]]>é🎉";
        let written =
            graph(&[("Ann", Some("a & b")), (odd, None)], &[("Ann", "<knows>", odd), (odd, "is", odd)]);
        let text = graphml(&written);
        let document = roxmltree::Document::parse(&text).unwrap();
        let namespace = "http://graphml.graphdrawing.org/xmlns";
        let all =
            |name: &'static str| document.descendants().filter(move |it| it.has_tag_name((namespace, name)));
        let data = |node: roxmltree::Node<'_, '_>| -> Vec<String> {
            let data = node.children().filter(|it| it.has_tag_name((namespace, "data")));
            data.map(|it| format!("{}={}", it.attribute("key").unwrap(), it.text().unwrap())).collect()
        };
        let nodes: Vec<_> = all("node").map(|it| (it.attribute("id").unwrap(), data(it))).collect();
        let shown = "name=a<b>&\"'\r\n\t\u{fffd}\u{fffd}]]>é🎉";
        assert_eq!(
            nodes,
            [("n0", vec!["name=Ann".to_owned(), "kind=a & b".to_owned()]), ("n1", vec![shown.to_owned()])]
        );
        let end = |it: roxmltree::Node<'_, '_>, name| it.attribute(name).unwrap().to_owned();
        let edges: Vec<_> =
            all("edge").map(|it| (end(it, "id"), end(it, "source"), end(it, "target"), data(it))).collect();
        let edge = |id: &str, source: &str, target: &str, predicate: &str| {
            (id.to_owned(), source.to_owned(), target.to_owned(), vec![format!("predicate={predicate}")])
        };
        assert_eq!(edges, [edge("e0", "n0", "n1", "<knows>"), edge("e1", "n1", "n1", "is")]);
        let declared: Vec<_> = all("key").map(|it| it.attribute("id").unwrap()).collect();
        assert_eq!(declared, ["name", "kind", "predicate"]);
    }
}
