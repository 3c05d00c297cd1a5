//! [`KnowledgeGraph`]: what a model read out of a video or a channel.

use std::collections::HashSet;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::video::MAX_LABEL_BYTES;
use crate::{ChannelId, KnowledgeGraphId, VideoId, validate};

/// The longest name of an entity or predicate of a graph, in bytes: names are phrases, not articles.
pub const MAX_GRAPH_NAME_BYTES: usize = 2_000;

/// The most entities, and the most relations, of one graph: what still fits one row of a store and one
/// answer of a service.
pub const MAX_GRAPH_ELEMENTS: usize = 100_000;

/// What a graph is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphOwner {
    /// A video.
    Video(VideoId),
    /// A whole channel.
    Channel(ChannelId),
}

/// Something that a graph names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphEntity {
    /// Its name; unique in its graph.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2000))]
    pub name: String,
    /// What it is (`person`, `place`), if the model said so.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub kind: Option<String>,
}

/// That one entity stands in some relation to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphRelation {
    /// The name of an entity of the same graph.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2000))]
    pub subject: String,
    /// The relation.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2000))]
    pub predicate: String,
    /// The name of an entity of the same graph.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 2000))]
    pub object: String,
}

/// The fields of a [`KnowledgeGraph`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnowledgeGraphFields {
    /// Its id.
    pub id: KnowledgeGraphId,
    /// What it is about; a graph never changes its owner's kind or id by itself.
    pub owner: GraphOwner,
    /// The model that made it, if known.
    pub model: Option<String>,
    /// How long making it took, in milliseconds, if known.
    pub processing_time_ms: Option<u64>,
    /// Which making this is, from 1.
    pub version: u32,
    /// What it names; each name once.
    pub entities: Vec<GraphEntity>,
    /// How they are related; both ends must be among the entities.
    pub relations: Vec<GraphRelation>,
}

/// What a model read out of a video or a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KnowledgeGraphFields", into = "KnowledgeGraphFields")]
pub struct KnowledgeGraph(KnowledgeGraphFields);

impl KnowledgeGraph {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is empty, too long or holds NUL, an entity that is there twice, or a
    /// relation with an end that is no entity of the graph.
    pub fn new(fields: KnowledgeGraphFields) -> Result<Self, ValidationError> {
        validate::optional_text("knowledge_graph.model", fields.model.as_deref(), MAX_LABEL_BYTES)?;
        validate::number("knowledge_graph.processing_time_ms", fields.processing_time_ms)?;
        if fields.version == 0 || fields.version > i32::MAX.unsigned_abs() {
            let problem =
                Problem::OutOfRange { min: 1, max: i32::MAX.into(), actual: fields.version.to_string() };
            return Err(ValidationError::new("knowledge_graph.version", problem));
        }
        validate::count_of("knowledge_graph.entities", &fields.entities, MAX_GRAPH_ELEMENTS)?;
        validate::count_of("knowledge_graph.relations", &fields.relations, MAX_GRAPH_ELEMENTS)?;
        let mut names = HashSet::with_capacity(fields.entities.len());
        for (i, entity) in fields.entities.iter().enumerate() {
            let name = format_args!("knowledge_graph.entities[{i}].name");
            validate::non_empty_text(name, &entity.name, MAX_GRAPH_NAME_BYTES)?;
            let kind = format_args!("knowledge_graph.entities[{i}].kind");
            validate::optional_text(kind, entity.kind.as_deref(), MAX_LABEL_BYTES)?;
            if !names.insert(entity.name.as_str()) {
                let message = format!("{:?} is there twice; each name may occur once", entity.name);
                return Err(ValidationError::new(name.to_string(), Problem::Malformed(message)));
            }
        }
        for (i, relation) in fields.relations.iter().enumerate() {
            let predicate = format_args!("knowledge_graph.relations[{i}].predicate");
            validate::non_empty_text(predicate, &relation.predicate, MAX_GRAPH_NAME_BYTES)?;
            for (end, name) in [("subject", &relation.subject), ("object", &relation.object)] {
                if !names.contains(name.as_str()) {
                    let field = format!("knowledge_graph.relations[{i}].{end}");
                    let message = format!("{name:?} is not among the graph's entities; add it there");
                    return Err(ValidationError::new(field, Problem::Malformed(message)));
                }
            }
        }
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new graph.
    pub fn into_fields(self) -> KnowledgeGraphFields {
        self.0
    }

    /// The graph without its content, as lists show it.
    pub fn summary(&self) -> KnowledgeGraphSummary {
        KnowledgeGraphSummary {
            id: self.id,
            owner: self.owner.clone(),
            model: self.model.clone(),
            processing_time_ms: self.processing_time_ms,
            version: self.version,
            entity_count: self.entities.len() as u64,
            relation_count: self.relations.len() as u64,
        }
    }
}

crate::entity::checked_fields!(
    KnowledgeGraph,
    KnowledgeGraphFields,
    KnowledgeGraphId,
    EntityKind::KnowledgeGraph,
    |it| it.id
);

/// A graph without its content, as lists show it. Both counts follow from the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KnowledgeGraphSummary {
    /// Its id.
    pub id: KnowledgeGraphId,
    /// What it is about.
    pub owner: GraphOwner,
    /// The model that made it, if known.
    pub model: Option<String>,
    /// How long making it took, in milliseconds, if known.
    pub processing_time_ms: Option<u64>,
    /// Which making this is, from 1.
    pub version: u32,
    /// How many entities it names.
    pub entity_count: u64,
    /// How many relations it holds.
    pub relation_count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn fields() -> KnowledgeGraphFields {
        let entity = |name: &str| GraphEntity { name: name.into(), kind: None };
        KnowledgeGraphFields {
            id: KnowledgeGraphId::new(Uuid::nil()),
            owner: GraphOwner::Video(VideoId::parse("v").unwrap()),
            model: None,
            processing_time_ms: None,
            version: 1,
            entities: vec![entity("a"), entity("b")],
            relations: vec![GraphRelation {
                subject: "a".into(),
                predicate: "knows".into(),
                object: "b".into(),
            }],
        }
    }

    #[test]
    fn each_refusal_names_its_place() {
        let cases: [(&str, fn(&mut KnowledgeGraphFields)); 6] = [
            ("knowledge_graph.version", |g| g.version = 0),
            ("knowledge_graph.version", |g| g.version = u32::MAX),
            ("knowledge_graph.entities[1].name", |g| g.entities[1].name = "a".into()),
            ("knowledge_graph.entities[0].name", |g| g.entities[0].name = String::new()),
            ("knowledge_graph.relations[0].object", |g| g.relations[0].object = "c".into()),
            ("knowledge_graph.relations[0].predicate", |g| g.relations[0].predicate = String::new()),
        ];
        for (field, spoil) in cases {
            let mut fields = fields();
            spoil(&mut fields);
            assert_eq!(KnowledgeGraph::new(fields).unwrap_err().field(), field);
        }
    }

    #[test]
    fn counts_follow_from_the_content() {
        let summary = KnowledgeGraph::new(fields()).unwrap().summary();
        assert_eq!((summary.entity_count, summary.relation_count), (2, 1));
    }

    #[test]
    fn the_wire_form_round_trips() {
        let graph = KnowledgeGraph::new(fields()).unwrap();
        let json = serde_json::to_value(&graph).unwrap();
        assert_eq!(json["owner"], serde_json::json!({"video": "v"}));
        assert_eq!(serde_json::from_value::<KnowledgeGraph>(json).unwrap(), graph);
    }
}
