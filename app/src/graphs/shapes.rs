//! Reading the JSON that language models and graph tools write: triples, and nodes with relationships.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};
use tubeatlas_domain::{GraphEntity, GraphMerger, MAX_LABEL_BYTES};

type Object = Map<String, Value>;

const DOCUMENTS: [&str; 2] = ["graph_documents", "graphs"];
const TRIPLES: [&str; 1] = ["triples"];
const NODES: [&str; 2] = ["nodes", "entities"];
const RELATIONS: [&str; 4] = ["relationships", "relations", "edges", "links"];

const SUBJECT: [&str; 7] = ["subject", "head", "source", "from", "start", "source_id", "startNode"];
const PREDICATE: [&str; 7] = ["predicate", "relation", "relationship", "type", "label", "name", "edge"];
const OBJECT: [&str; 7] = ["object", "tail", "target", "to", "end", "target_id", "endNode"];
const SUBJECT_KIND: [&str; 3] = ["subject_type", "head_type", "source_type"];
const OBJECT_KIND: [&str; 3] = ["object_type", "tail_type", "target_type"];
const NAME: [&str; 3] = ["name", "title", "text"];
const KIND: [&str; 3] = ["type", "kind", "category"];

/// What a graph in the catalogue has beside its content; an export holds it, and an import gives it anew.
const OF_THE_CATALOGUE: [&str; 7] =
    ["id", "owner", "version", "processing_time_ms", "created_at", "updated_at", "revision"];

/// The most names of fields that are told as left out; more than that are counted together under `…`.
const MAX_LEFT_OUT: usize = 100;

/// The most warnings of one document that are kept; more are counted.
pub const MAX_WARNINGS: usize = 1_000;

/// Something in a document that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where, as `triples[3].object`; empty for the document itself.
    pub place: String,
    /// What is wrong, with the value.
    pub reason: String,
}

/// What was found in one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// How many nodes and relations were taken, repeated ones included.
    pub taken: u64,
    /// What was not taken: the first [`MAX_WARNINGS`].
    pub warnings: Vec<Warning>,
    /// How many warnings there are beyond these.
    pub more_warnings: u64,
    /// Fields for which a graph has no place (`properties`, `confidence`), and how often they were there.
    pub left_out: BTreeMap<String, u64>,
    /// The models that the document names.
    pub models: BTreeSet<String>,
}

/// Reads a document into `merger`. Which shapes are understood is in `docs/graphs.md`.
///
/// What is malformed is left out with a warning, and the rest is taken.
pub fn read(document: &Value, merger: &mut GraphMerger) -> Reading {
    let mut reader = Reader { merger, reading: Reading::default() };
    reader.document("", document);
    reader.reading
}

struct Reader<'a> {
    merger: &'a mut GraphMerger,
    reading: Reading,
}

/// The entities by the ids that a document gives its nodes.
type Ids = HashMap<String, GraphEntity>;

impl Reader<'_> {
    fn warn(&mut self, place: &str, reason: impl Into<String>) {
        if self.reading.warnings.len() < MAX_WARNINGS {
            self.reading.warnings.push(Warning { place: place.to_owned(), reason: reason.into() });
        } else {
            self.reading.more_warnings += 1;
        }
    }

    fn document(&mut self, place: &str, value: &Value) {
        match unwrapped(value) {
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    let place = format!("{place}[{i}]");
                    match unwrapped(item) {
                        Value::Object(object) if is_document(object) => self.object(&place, object),
                        item => self.relation(&place, item, &Ids::new()),
                    }
                }
            }
            Value::Object(object) if is_document(object) => self.object(place, object),
            other => {
                let reason = format!(
                    "is {}; expected a list of triples, or an object with triples, or with nodes and relationships",
                    shown(other)
                );
                self.warn(place, reason);
            }
        }
    }

    fn object(&mut self, place: &str, object: &Object) {
        let mut ids = Ids::new();
        self.each(place, object, &NODES, |reader, place, node| {
            let Some(entity) = reader.node(place, node, Some(&mut ids)) else { return };
            match reader.merger.add_entity(&entity) {
                Ok(()) => reader.reading.taken += 1,
                Err(error) => reader.warn(place, error.to_string()),
            }
        });
        let no_ids = Ids::new();
        self.each(place, object, &TRIPLES, |reader, place, triple| reader.relation(place, triple, &no_ids));
        self.each(place, object, &RELATIONS, |reader, place, relation| {
            reader.relation(place, relation, &ids)
        });
        self.each(place, object, &DOCUMENTS, |reader, place, document| reader.document(place, document));
        if let Some(model) = object.get("model").and_then(text) {
            self.reading.models.insert(model);
        }
        let lists = [&DOCUMENTS[..], &TRIPLES, &NODES, &RELATIONS].concat();
        self.leave_out(object, &[&lists[..], &OF_THE_CATALOGUE, &["model"]].concat());
    }

    /// Gives the members of those lists of an object that are there to `take`, with their places.
    fn each(
        &mut self,
        place: &str,
        object: &Object,
        names: &[&str],
        mut take: impl FnMut(&mut Self, &str, &Value),
    ) {
        for name in names {
            let place = within(place, name);
            match object.get(*name) {
                None | Some(Value::Null) => (),
                Some(Value::Array(list)) => {
                    for (i, member) in list.iter().enumerate() {
                        take(self, &format!("{place}[{i}]"), unwrapped(member));
                    }
                }
                Some(other) => self.warn(&place, format!("is {}, and no list", shown(other))),
            }
        }
    }

    /// An entity, and, of a node in a list, the id by which relations refer to it.
    fn node(&mut self, place: &str, value: &Value, ids: Option<&mut Ids>) -> Option<GraphEntity> {
        if let Some(name) = text(value) {
            let entity = GraphEntity { name: name.clone(), kind: None };
            if let Some(ids) = ids {
                ids.insert(name, entity.clone());
            }
            return Some(entity);
        }
        let Value::Object(object) = value else {
            self.warn(place, format!("is {}, and no entity", shown(value)));
            return None;
        };
        let id = object.get("id").and_then(text);
        let within_properties = object.get("properties").and_then(Value::as_object);
        let kind = first(object, &KIND).or_else(|| text(object.get("labels")?.as_array()?.first()?));
        let label = object.get("label").and_then(text);
        // A label is a name beside an id that is none, or beside a kind; else it tells the kind.
        let label_names = id.is_none() || kind.is_some() || object.get("id").is_some_and(Value::is_number);
        let (named_by_label, kind) = match (label, label_names) {
            (Some(label), true) => (Some(label), kind),
            (label, _) => (None, kind.or(label)),
        };
        let name = first(object, &NAME)
            .or_else(|| first(within_properties?, &NAME))
            .or(named_by_label)
            .or_else(|| id.clone());
        let Some(name) = name else {
            self.warn(place, format!("has no name (name, title, label, id): {}", shown_object(object)));
            return None;
        };
        let entity = GraphEntity { name, kind: self.kind(place, kind) };
        if let Some(ids) = ids {
            ids.insert(entity.name.clone(), entity.clone());
            if let Some(id) = id {
                ids.insert(id, entity.clone());
            }
            let known = [&["id", "label", "labels"][..], &NAME, &KIND].concat();
            self.leave_out(object, &known);
        }
        Some(entity)
    }

    fn relation(&mut self, place: &str, value: &Value, ids: &Ids) {
        let value = unwrapped(value);
        let (subject, predicate, object) = match value {
            Value::Array(parts) => match parts.as_slice() {
                [subject, predicate, object] => {
                    let at = |i: usize| format!("{place}[{i}]");
                    (
                        self.end(&at(0), Some(subject), None, ids),
                        self.predicate(&at(1), Some(predicate)),
                        self.end(&at(2), Some(object), None, ids),
                    )
                }
                _ => return self.warn(place, format!("has {} parts; a triple has 3", parts.len())),
            },
            Value::Object(it) => {
                let found = |names: &[&'static str]| {
                    let name =
                        *names.iter().find(|name| it.get(**name).is_some_and(|value| !value.is_null()))?;
                    Some((name, it.get(name)))
                };
                let (subject, value) = found(&SUBJECT).unwrap_or(("subject", None));
                let subject = self.end(&within(place, subject), value, first(it, &SUBJECT_KIND), ids);
                let (predicate, value) = found(&PREDICATE).unwrap_or(("predicate", None));
                let predicate = self.predicate(&within(place, predicate), value);
                let (object, value) = found(&OBJECT).unwrap_or(("object", None));
                let object = self.end(&within(place, object), value, first(it, &OBJECT_KIND), ids);
                let known =
                    [&SUBJECT[..], &PREDICATE, &OBJECT, &SUBJECT_KIND, &OBJECT_KIND, &["id"]].concat();
                self.leave_out(it, &known);
                (subject, predicate, object)
            }
            other => return self.warn(place, format!("is {}, and no triple", shown(other))),
        };
        let (Some(subject), Some(predicate), Some(object)) = (subject, predicate, object) else { return };
        match self.merger.add_relation(&subject, &predicate, &object) {
            Ok(()) => self.reading.taken += 1,
            Err(error) => self.warn(place, error.to_string()),
        }
    }

    /// An end of a relation: the id of a node, a name, or a node of its own.
    fn end(
        &mut self,
        place: &str,
        value: Option<&Value>,
        kind: Option<String>,
        ids: &Ids,
    ) -> Option<GraphEntity> {
        let value = self.required(place, value)?;
        let id = match value {
            Value::Object(object) => object.get("id").and_then(text),
            value => text(value),
        };
        if let Some(entity) = id.and_then(|id| ids.get(&id)) {
            return Some(entity.clone());
        }
        if value.is_number() && !ids.is_empty() {
            self.warn(place, format!("is {value}, which is the id of no node"));
            return None;
        }
        let mut entity = self.node(place, value, None)?;
        if entity.kind.is_none() {
            entity.kind = self.kind(place, kind);
        }
        Some(entity)
    }

    fn predicate(&mut self, place: &str, value: Option<&Value>) -> Option<String> {
        let value = self.required(place, value)?;
        let named = text(value).or_else(|| first(value.as_object()?, &["type", "name", "label", "id"]));
        if named.is_none() {
            self.warn(place, format!("is {}, and no predicate", shown(value)));
        }
        named
    }

    fn required<'v>(&mut self, place: &str, value: Option<&'v Value>) -> Option<&'v Value> {
        if value.is_none() {
            self.warn(place, "is missing");
        }
        value.map(unwrapped)
    }

    fn kind(&mut self, place: &str, kind: Option<String>) -> Option<String> {
        let kind = kind?;
        if kind.len() > MAX_LABEL_BYTES || kind.contains('\0') {
            let reason =
                format!("has a kind that is too long or holds NUL, left out: {}", shown(&Value::from(kind)));
            self.warn(place, reason);
            return None;
        }
        Some(kind)
    }

    fn leave_out(&mut self, object: &Object, known: &[&str]) {
        for (name, value) in object {
            let empty = match value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            if !empty && !known.contains(&name.as_str()) {
                let left_out = &mut self.reading.left_out;
                let told = left_out.contains_key(name) || left_out.len() < MAX_LEFT_OUT;
                let name = if told { name.chars().take(60).collect() } else { "…".to_owned() };
                *left_out.entry(name).or_default() += 1;
            }
        }
    }
}

/// What LangChain's own serialisation has wrapped up.
fn unwrapped(value: &Value) -> &Value {
    match value {
        Value::Object(object) if object.contains_key("lc") => object.get("kwargs").unwrap_or(value),
        value => value,
    }
}

fn is_document(object: &Object) -> bool {
    let lists = DOCUMENTS.iter().chain(&TRIPLES).chain(&NODES).chain(&RELATIONS);
    lists.into_iter().any(|name| object.get(*name).is_some_and(Value::is_array))
}

/// A name or a number, without blanks around it; nothing if there is nothing in it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn first(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object.get(*name).and_then(text))
}

fn within(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// A value for a message.
fn shown(value: &Value) -> String {
    const MAX_CHARS: usize = 40;
    match value {
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(object) => shown_object(object),
        value => {
            let text = value.to_string();
            let cut: String = text.chars().take(MAX_CHARS).collect();
            let more = if cut.len() < text.len() { "…" } else { "" };
            format!("{cut}{more}")
        }
    }
}

fn shown_object(object: &Object) -> String {
    let names: Vec<String> = object.keys().take(5).map(|name| name.chars().take(20).collect()).collect();
    let more = if object.len() > names.len() { ", …" } else { "" };
    format!("an object with {}{more}", if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The relations as `subject|predicate|object`, and what the reading says.
    fn taken(document: Value) -> (Vec<String>, GraphMerger, Reading) {
        let mut merger = GraphMerger::default();
        let reading = read(&document, &mut merger);
        let line =
            |it: &tubeatlas_domain::GraphRelation| format!("{}|{}|{}", it.subject, it.predicate, it.object);
        (merger.relations().iter().map(line).collect(), merger, reading)
    }

    #[test]
    fn every_shape_says_the_same() {
        let langchain = |value: Value| json!({"lc": 1, "type": "constructor", "kwargs": value});
        for document in [
            json!({"triples": [{"subject": "Ann", "predicate": "works at", "object": "MIT"}]}),
            json!({"triples": [{"head": "Ann", "relation": "works at", "tail": "MIT"}]}),
            json!({"triples": [["Ann", "works at", "MIT"]]}),
            json!([["Ann", "works at", "MIT"]]),
            json!([{"head": "Ann", "head_type": "Person", "relation": "works at", "tail": "MIT", "tail_type": "School"}]),
            json!({"triples": [{"subject": {"name": "Ann"}, "predicate": {"type": "works at"}, "object": {"id": "MIT"}}]}),
            json!({"nodes": [{"id": "Ann", "type": "Person", "properties": {}}], "relationships": [
                {"source": {"id": "Ann", "type": "Person"}, "target": {"id": "MIT", "type": "School"}, "type": "works at"}]}),
            json!([{"nodes": [], "relationships": [
                {"source": {"id": "Ann"}, "target": {"id": "MIT"}, "type": "works at", "properties": {}}]}]),
            json!({"graph_documents": [{"edges": [{"from": "Ann", "to": "MIT", "label": "works at"}]}]}),
            json!({"nodes": [{"id": 1, "label": "Ann"}, {"id": 2, "label": "MIT"}],
                "edges": [{"source": 1, "target": 2, "label": "works at"}]}),
            json!({"nodes": [{"id": "n1", "labels": ["Person"], "properties": {"name": "Ann"}}, "MIT"],
                "relationships": [{"id": "0", "type": "works at", "start": {"id": "n1"}, "end": "MIT"}]}),
            json!({"entities": [{"name": "Ann", "kind": null}, {"name": "MIT"}],
                "relations": [{"subject": "Ann", "predicate": "works at", "object": "MIT"}]}),
            json!([langchain(
                json!({"nodes": [langchain(json!({"id": "Ann", "type": "Person"}))], "relationships": [
                langchain(json!({"source": langchain(json!({"id": "Ann"})), "type": "works at",
                    "target": langchain(json!({"id": "MIT"}))}))]})
            )]),
        ] {
            let shape = document.to_string();
            let (relations, merger, reading) = taken(document);
            assert_eq!(relations, ["Ann|works at|MIT"], "{shape}");
            assert_eq!((merger.entities().len(), &reading.warnings), (2, &vec![]), "{shape}");
        }
    }

    #[test]
    fn kinds_come_from_nodes_and_triples() {
        for document in [
            json!([{"head": "Ann", "head_type": "Person", "relation": "is", "tail": "here"}]),
            json!({"nodes": [{"id": "Ann", "label": "Person"}], "edges": []}),
            json!({"nodes": [{"id": "a", "label": "Ann", "type": "Person"}]}),
            json!({"nodes": [{"id": "a", "labels": ["Person"], "properties": {"name": "Ann"}}]}),
            json!({"edges": [{"source": {"id": "Ann", "type": "Person"}, "target": "b", "type": "x"}]}),
        ] {
            let entity = GraphEntity { name: "Ann".into(), kind: Some("Person".into()) };
            assert_eq!(taken(document.clone()).1.entities()[0], entity, "{document}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_with_place_and_value_and_the_rest_is_taken() {
        let (relations, merger, reading) = taken(json!({
            "triples": [
                {"subject": "Ann", "predicate": "is", "object": null},
                {"subject": "Ann", "object": "b"},
                {"subject": true, "predicate": "is", "object": "b"},
                {"subject": " ", "predicate": "is", "object": "b"},
                {"subject": "Ann", "predicate": ["x"], "object": "b"},
                ["Ann", "is"],
                "Ann is here",
                {"subject": "x\0", "predicate": "is", "object": "b"},
                {"subject": "Ann", "predicate": "was born in", "object": 1987, "confidence": 0.9},
            ],
            "nodes": [{"size": 3}, 7, null, {"id": "Bo", "type": "x".repeat(501)}],
            "edges": [{"source": 1, "target": 7, "label": "knows"}],
            "links": {"a": 1},
            "usage": {"tokens": 5},
        }));
        assert_eq!(relations, ["Ann|was born in|1987"]);
        let names: Vec<_> = merger.entities().iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["7", "Bo", "Ann", "1987"]);
        let warnings: Vec<_> =
            reading.warnings.iter().map(|it| format!("{}: {}", it.place, it.reason)).collect();
        let expected = [
            "nodes[0]: has no name (name, title, label, id): an object with size",
            "nodes[2]: is null, and no entity",
            "nodes[3]: has a kind that is too long or holds NUL, left out: \"xxx",
            "triples[0].object: is missing",
            "triples[1].predicate: is missing",
            "triples[2].subject: is true, and no entity",
            "triples[3].subject: is \" \", and no entity",
            "triples[4].predicate: is a list of 1, and no predicate",
            "triples[5]: has 2 parts; a triple has 3",
            "triples[6]: is \"Ann is here\", and no triple",
            "triples[7]: subject: holds U+0000 (NUL) at byte 1",
            "links: is an object with a, and no list",
            "edges[0].source: is 1, which is the id of no node",
        ];
        assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
        for expected in expected {
            assert!(warnings.iter().any(|it| it.starts_with(expected)), "{expected} is not in {warnings:#?}");
        }
        assert_eq!(reading.left_out, BTreeMap::from([("confidence".into(), 1), ("usage".into(), 1)]));
        assert_eq!(reading.taken, 3);
    }

    #[test]
    fn what_is_all_wrong_is_told_within_bounds() {
        let (relations, _, reading) =
            taken(json!({"triples": vec![json!(0); 5_000], "edges": [["a", "is", "b"]]}));
        assert_eq!(relations, ["a|is|b"]);
        assert_eq!((reading.warnings.len(), reading.more_warnings), (MAX_WARNINGS, 4_000));
        let odd: Object =
            (0..500).map(|i| (format!("field{i}"), json!(1))).chain([("nodes".into(), json!([]))]).collect();
        let (_, _, reading) = taken(Value::Object(odd));
        assert_eq!((reading.left_out.len(), reading.left_out["…"]), (MAX_LEFT_OUT + 1, 400));
    }

    #[test]
    fn what_is_no_graph_is_told() {
        for document in [json!({}), json!("x"), json!(null), json!({"triples": null}), json!({"name": []})] {
            let (_, _, reading) = taken(document.clone());
            assert!(reading.warnings[0].reason.contains("expected a list of triples"), "{document}");
            assert_eq!(reading.taken, 0);
        }
        assert_eq!(taken(json!([])).2, Reading::default());
    }
}
