use proptest::prelude::*;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_domain::{Channel, ChannelFields, GraphEntity, GraphRelation, Video, VideoFields};
use uuid::Uuid;

use super::*;
use crate::wiring;

fn id(number: u128) -> KnowledgeGraphId {
    KnowledgeGraphId::new(Uuid::from_u128(number))
}

fn video(id: &str) -> GraphOwner {
    GraphOwner::Video(VideoId::parse(id).unwrap())
}

/// A graph of these entities and relations.
pub(crate) fn graph(entities: &[(&str, Option<&str>)], relations: &[(&str, &str, &str)]) -> KnowledgeGraph {
    let entity = |(name, kind): &(&str, Option<&str>)| GraphEntity {
        name: (*name).to_owned(),
        kind: kind.map(str::to_owned),
    };
    let relation = |(subject, predicate, object): &(&str, &str, &str)| GraphRelation {
        subject: (*subject).to_owned(),
        predicate: (*predicate).to_owned(),
        object: (*object).to_owned(),
    };
    KnowledgeGraph::new(KnowledgeGraphFields {
        id: id(7),
        owner: video("v"),
        model: Some("m".into()),
        processing_time_ms: None,
        version: 1,
        entities: entities.iter().map(entity).collect(),
        relations: relations.iter().map(relation).collect(),
    })
    .unwrap()
}

fn content(triples: &[(&str, &str, &str)]) -> GraphMerger {
    let mut content = GraphMerger::default();
    let entity = |name: &str| GraphEntity { name: name.into(), kind: None };
    for (subject, predicate, object) in triples {
        content.add_relation(&entity(subject), predicate, &entity(object)).unwrap();
    }
    content
}

/// A store with the channel `c` and its videos `v1`, `v2` and `v3`, and a video `other` of no channel.
async fn store() -> impl Store {
    let store = MemoryStore::new(MemoryConfig::default(), wiring::clock(), wiring::ids());
    let channel = ChannelId::parse("c").unwrap();
    let fields = ChannelFields { id: channel.clone(), title: "C".into(), handle: None, url: None };
    store.channels().create(&Channel::new(fields).unwrap()).await.unwrap();
    for id in ["v2", "v1", "v3", "other"] {
        let mut fields = VideoFields::new(VideoId::parse(id).unwrap(), id);
        fields.channel_id = (id != "other").then(|| channel.clone());
        store.videos().create(&Video::new(fields).unwrap()).await.unwrap();
    }
    store
}

#[tokio::test]
async fn each_import_is_the_next_version_and_the_earlier_ones_stay() {
    let store = store().await;
    for (number, owner, version) in
        [(1, video("v1"), 1), (2, video("v1"), 2), (3, video("v2"), 1), (4, video("v1"), 3)]
    {
        let stored =
            add_version(&store, id(number), owner, None, content(&[("a", "is", "b")])).await.unwrap();
        assert_eq!(stored.entity.version, version);
    }
    assert_eq!(store.knowledge_graphs().count(&KnowledgeGraphFilter::default()).await.unwrap(), 4);
    assert_eq!(newest(&store, &video("v1")).await.unwrap().unwrap().entity.id, id(4));
    assert!(newest(&store, &video("v3")).await.unwrap().is_none());
    let error =
        add_version(&store, id(9), video("none"), None, content(&[("a", "is", "b")])).await.unwrap_err();
    assert!(matches!(error, GraphError::Store(Error::NotFound { entity: EntityKind::Video, .. })), "{error}");
}

#[tokio::test]
async fn the_newest_graphs_of_a_channel_are_merged_without_duplicates() {
    let store = store().await;
    let channel = ChannelId::parse("c").unwrap();
    let error = merge_channel(&store, id(90), &channel).await.unwrap_err();
    assert!(matches!(error, GraphError::NothingToMerge(_)), "{error}");
    for (number, owner, triples) in [
        (1, "v2", &[("ANN", "knows", "Bo"), ("Bo", "likes", "tea")][..]),
        (2, "v1", &[("old", "is", "gone")]),
        (3, "v1", &[("Ann", "KNOWS", "bo"), ("Cy", "is", "here")]),
        (4, "other", &[("x", "is", "y")]),
    ] {
        add_version(&store, id(number), video(owner), Some("m".into()), content(triples)).await.unwrap();
    }
    let mut contents = Vec::new();
    for version in [1, 2] {
        let merged = merge_channel(&store, id(100 + u128::from(version)), &channel).await.unwrap();
        assert_eq!(merged.videos.iter().map(VideoId::as_str).collect::<Vec<_>>(), ["v1", "v2"]);
        assert_eq!((merged.graph.entity.version, merged.repeated_relations), (version, 1));
        assert_eq!(merged.graph.entity.model.as_deref(), Some("m"));
        let graph =
            store.knowledge_graphs().get(&merged.graph.entity.id, Visibility::Live).await.unwrap().unwrap();
        assert_eq!(graph.entity.owner, GraphOwner::Channel(channel.clone()));
        contents.push((graph.entity.entities.clone(), graph.entity.relations.clone()));
    }
    assert_eq!(contents[0], contents[1]);
    let names: Vec<_> = contents[0].0.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["Ann", "bo", "Cy", "here", "tea"]);
    let relations: Vec<_> =
        contents[0].1.iter().map(|it| (&*it.subject, &*it.predicate, &*it.object)).collect();
    assert_eq!(relations, [("Ann", "KNOWS", "bo"), ("Cy", "is", "here"), ("bo", "likes", "tea")]);
}

#[test]
fn neighbours_are_found_in_both_directions_however_the_name_is_spelt() {
    let graph = graph(
        &[("Ann Lee", Some("person")), ("MIT", None), ("Bo", None)],
        &[
            ("Ann Lee", "works at", "MIT"),
            ("Bo", "knows", "Ann Lee"),
            ("Bo", "likes", "MIT"),
            ("Ann Lee", "is", "Ann Lee"),
        ],
    );
    let found = neighbours(&graph, "ann-lee", 0, 10).unwrap();
    assert_eq!(
        (&*found.names, found.kind.as_deref(), found.total),
        (&["Ann Lee".to_owned()][..], Some("person"), 3)
    );
    let relations: Vec<_> =
        found.relations.iter().map(|it| (it.direction, &*it.predicate, &*it.entity)).collect();
    let all = [
        (Direction::Out, "works at", "MIT"),
        (Direction::In, "knows", "Bo"),
        (Direction::Out, "is", "Ann Lee"),
    ];
    assert_eq!(relations, all);
    let page = neighbours(&graph, "Ann Lee", 1, 1).unwrap();
    assert_eq!((page.total, page.relations[0].predicate.as_str(), page.relations.len()), (3, "knows", 1));
    let error = neighbours(&graph, "lee", 0, 10).unwrap_err().to_string();
    assert_eq!(error, "the graph names no \"lee\"; it names \"Ann Lee\"");
    assert_eq!(neighbours(&graph, "Zoe", 0, 10).unwrap_err().to_string(), "the graph names no \"Zoe\"");
}

#[test]
fn spellings_that_were_stored_apart_are_one_entity_to_those_who_ask() {
    let graph = graph(
        &[("Ann", None), ("ANN", Some("person")), ("b", None)],
        &[("Ann", "is", "b"), ("b", "is", "ANN")],
    );
    let found = neighbours(&graph, "ann", 0, 10).unwrap();
    assert_eq!((found.names.len(), found.kind.as_deref(), found.total), (2, Some("person"), 2));
}

/// JSON of the words that the reader knows, in any shape.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let words = [
        "triples",
        "nodes",
        "edges",
        "graph_documents",
        "subject",
        "predicate",
        "object",
        "source",
        "target",
        "type",
        "id",
        "label",
        "labels",
        "name",
        "properties",
        "lc",
        "kwargs",
        "Ann",
        " ",
        "\0",
        "",
        "C++",
        "ann",
    ];
    let word = proptest::sample::select(words.to_vec());
    let leaf = prop_oneof![
        word.clone().prop_map(serde_json::Value::from),
        any::<i8>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        Just(serde_json::json!(true)),
        Just(serde_json::json!("x".repeat(2_001))),
        Just(serde_json::json!({"source": "Ann", "target": 1, "type": "knows"})),
        Just(serde_json::json!({"id": 1, "label": "Bo"})),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_makes_a_graph_that_the_domain_takes_and_the_same_again_adds_nothing(
        document in any_json(),
        list in proptest::sample::select(vec!["triples", "nodes", "edges"]),
    ) {
        let document = serde_json::json!({list: [document.clone()], "graph_documents": [document]});
        let mut merger = GraphMerger::default();
        let first = read(&document, &mut merger);
        let (entities, relations) = (merger.entities().to_vec(), merger.relations().to_vec());
        prop_assert!(first.taken >= relations.len() as u64);
        let fields = graph(&[], &[]).into_fields();
        let made = KnowledgeGraph::new(KnowledgeGraphFields {
            entities: entities.clone(), relations: relations.clone(), ..fields
        });
        prop_assert!(made.is_ok(), "{:?}", made);
        let again = read(&document, &mut merger);
        prop_assert_eq!(&again, &first);
        // A kind that is told later may fill one that was not told; names and relations stay.
        let names = |list: &[GraphEntity]| list.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(names(merger.entities()), names(&entities));
        prop_assert_eq!(merger.relations(), relations.as_slice());
    }

    #[test]
    fn json_that_was_exported_is_imported_as_the_same_graph(
        triples in proptest::collection::vec(("[ -~é中🎉]{0,6}", "[ -~_é]{0,6}", "[ -~é中🎉]{0,6}"), 1..20),
        lone in "[a-z]{1,3}",
    ) {
        let mut merger = GraphMerger::default();
        let entity = |name: &str| GraphEntity { name: name.into(), kind: name.get(..1).map(str::to_owned) };
        for (subject, predicate, object) in &triples {
            let _ = merger.add_relation(&entity(subject), predicate, &entity(object));
        }
        merger.add_entity(&entity(&lone)).unwrap();
        let (entities, relations) = merger.into_parts();
        let fields = graph(&[], &[]).into_fields();
        let graph = KnowledgeGraph::new(KnowledgeGraphFields { entities, relations, ..fields }).unwrap();

        let mut again = GraphMerger::default();
        let reading = read(&serde_json::to_value(&graph).unwrap(), &mut again);
        prop_assert_eq!(reading.warnings, vec![]);
        prop_assert_eq!(reading.left_out.len(), 0);
        prop_assert_eq!(reading.models.into_iter().collect::<Vec<_>>(), ["m"]);
        prop_assert_eq!(again.entities(), graph.entities.as_slice());
        prop_assert_eq!(again.relations(), graph.relations.as_slice());
    }
}
