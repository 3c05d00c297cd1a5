//! Knowledge graphs: reading them from files, keeping their versions, asking and merging them.
//!
//! A graph is never changed: what is imported or merged becomes the next version of its owner's graph, and the earlier ones
//! stay.

mod graphml;
mod shapes;

use futures::TryStreamExt;
use serde::Serialize;
use tubeatlas_domain::{
    ChannelId, EntityKind, GraphMerger, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId,
    KnowledgeGraphSummary, ValidationError, VideoId, graph_key,
};
use tubeatlas_ports::{
    Attempts, Error, KnowledgeGraphFilter, KnowledgeGraphOrder, MAX_PAGE_LIMIT, Mode, Repositories,
    RepositoryExt, RetryPolicy, Store, Stored, VideoFilter, VideoOrder, Visibility,
};
use utoipa::ToSchema;

pub use graphml::graphml;
pub use shapes::{MAX_WARNINGS, Reading, Warning, read};

/// The largest file of a graph that is read, in bytes: room for far more than a graph may hold.
pub const MAX_GRAPH_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Why a graph was not made, or nothing was found in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// There is nothing in the files.
    #[error("nothing was imported: no file holds a relation or an entity that can be taken")]
    NothingTaken,
    /// The graph does not name it.
    #[error("the graph names no {name:?}{}", similar_names(.similar))]
    NoEntity {
        /// What was asked for.
        name: String,
        /// Names that it is part of.
        similar: Vec<String>,
    },
    /// No video of the channel has a graph.
    #[error("no video of the channel {0} has a graph; `graphs import` makes one")]
    NothingToMerge(ChannelId),
    /// The graph would not be right: it is too large.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] Error),
}

fn similar_names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(
            "; it names {}",
            names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Stores the next version of the owner's graph, in one unit of work.
///
/// # Errors
/// [`NotFound`](Error::NotFound) if there is no such owner; [`GraphError::Invalid`] if it is too large.
pub async fn add_version(
    store: &dyn Store,
    id: KnowledgeGraphId,
    owner: GraphOwner,
    model: Option<String>,
    content: GraphMerger,
) -> Result<Stored<KnowledgeGraph>, GraphError> {
    let (entities, relations) = content.into_parts();
    let fields =
        KnowledgeGraphFields { id, owner, model, processing_time_ms: None, version: 1, entities, relations };
    let graph = KnowledgeGraph::new(fields)?;
    let mut attempts = Attempts::new(store, Mode::ReadWrite, RetryPolicy::default());
    loop {
        let unit = attempts.begin().await?;
        let result = create_next(unit.as_ref(), &graph).await;
        if let Some(result) = attempts.finish(unit, result).await {
            return Ok(result?);
        }
    }
}

async fn create_next(
    store: &dyn Repositories,
    graph: &KnowledgeGraph,
) -> Result<Stored<KnowledgeGraph>, Error> {
    let not_found = |entity, key: &str| Error::NotFound { entity, key: key.to_owned() };
    match &graph.owner {
        GraphOwner::Video(id) if !store.videos().exists(id, Visibility::Live).await? => {
            return Err(not_found(EntityKind::Video, id.as_str()));
        }
        GraphOwner::Channel(id) if !store.channels().exists(id, Visibility::Live).await? => {
            return Err(not_found(EntityKind::Channel, id.as_str()));
        }
        GraphOwner::Video(_) | GraphOwner::Channel(_) => (),
    }
    let mut fields = graph.clone().into_fields();
    let newest = newest(store, &graph.owner).await?;
    fields.version = newest.map_or(1, |newest| newest.entity.version.saturating_add(1));
    let graph = KnowledgeGraph::new(fields).map_err(Error::Invalid)?;
    store.knowledge_graphs().create(&graph).await
}

/// The graph of this owner with the highest version; of the same version that which was stored last.
///
/// # Errors
/// As the store's.
pub async fn newest(
    store: &dyn Repositories,
    owner: &GraphOwner,
) -> Result<Option<Stored<KnowledgeGraphSummary>>, Error> {
    let filter = KnowledgeGraphFilter { owner: Some(owner.clone()), visibility: Visibility::Live };
    let graphs = store.knowledge_graphs();
    let all = graphs.list_all(&filter, KnowledgeGraphOrder::Oldest, MAX_PAGE_LIMIT);
    // The last of equal ones, which is the latest.
    all.try_fold(None, async |newest: Option<Stored<KnowledgeGraphSummary>>, graph| {
        Ok(newest.filter(|newest| newest.entity.version > graph.entity.version).or(Some(graph)))
    })
    .await
}

/// The graph of a channel that [`merge_channel`] made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Merged {
    /// The graph, without its content.
    pub graph: Stored<KnowledgeGraphSummary>,
    /// The videos whose graphs are in it, in the order in which they were taken.
    pub videos: Vec<VideoId>,
    /// How many relations were there more than once.
    pub repeated_relations: u64,
}

/// Merges the newest graph of each live video of a channel into the next version of the channel's graph. The videos are taken
/// in the order of their ids, so that the same graphs make the same content.
///
/// Each graph is read by itself, so that no unit of work stays open for long: one that is added meanwhile may be in it or
/// not.
///
/// # Errors
/// [`NotFound`](Error::NotFound) if there is no such channel; [`GraphError::NothingToMerge`]; [`GraphError::Invalid`] if
/// it is too large.
pub async fn merge_channel(
    store: &dyn Store,
    id: KnowledgeGraphId,
    channel_id: &ChannelId,
) -> Result<Merged, GraphError> {
    if !store.channels().exists(channel_id, Visibility::Live).await? {
        return Err(Error::NotFound { entity: EntityKind::Channel, key: channel_id.to_string() }.into());
    }
    let filter = VideoFilter { channel_id: Some(channel_id.clone()), ..VideoFilter::default() };
    let all = store.videos().list_all(&filter, VideoOrder::Id, MAX_PAGE_LIMIT);
    let ids: Vec<VideoId> = all.map_ok(|video| video.entity.id.clone()).try_collect().await?;
    let (mut content, mut videos, mut models) = (GraphMerger::default(), Vec::new(), Vec::new());
    for video in ids {
        let owner = GraphOwner::Video(video.clone());
        let Some(newest) = newest(store, &owner).await? else { continue };
        let Some(graph) = store.knowledge_graphs().get(&newest.entity.id, Visibility::Live).await? else {
            continue; // deleted meanwhile
        };
        add(&graph.entity, &mut content)?;
        videos.push(video);
        models.push(graph.entity.model.clone());
    }
    if videos.is_empty() {
        return Err(GraphError::NothingToMerge(channel_id.clone()));
    }
    models.dedup();
    let model = if models.len() == 1 { models.remove(0) } else { None };
    let repeated_relations = content.repeated();
    let owner = GraphOwner::Channel(channel_id.clone());
    let graph = add_version(store, id, owner, model, content).await?;
    Ok(Merged { graph: graph.map(|graph| graph.summary()), videos, repeated_relations })
}

/// Adds all of a graph.
fn add(graph: &KnowledgeGraph, content: &mut GraphMerger) -> Result<(), ValidationError> {
    let places: std::collections::HashMap<&str, _> =
        graph.entities.iter().map(|entity| (entity.name.as_str(), entity)).collect();
    // A name that is nothing but white space can be stored, but is none to merge.
    for entity in graph.entities.iter().filter(|it| !it.name.trim().is_empty()) {
        content.add_entity(entity)?;
    }
    for relation in &graph.relations {
        let ends = (places.get(relation.subject.as_str()), places.get(relation.object.as_str()));
        let blank =
            [&relation.subject, &relation.predicate, &relation.object].iter().any(|it| it.trim().is_empty());
        if let ((Some(subject), Some(object)), false) = (ends, blank) {
            content.add_relation(subject, &relation.predicate, object)?;
        }
    }
    Ok(())
}

/// What stands next to an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Neighbours {
    /// The entity's names in the graph: one, unless the graph was stored with several spellings of it.
    pub names: Vec<String>,
    /// What it is, if the graph says so.
    pub kind: Option<String>,
    /// How many relations it has.
    pub total: usize,
    /// The relations that were asked for, in the graph's order.
    pub relations: Vec<Neighbour>,
}

/// A relation, seen from one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Neighbour {
    /// On which side of the relation the entity stands.
    pub direction: Direction,
    /// The relation.
    pub predicate: String,
    /// The other end; the entity itself if it is related to itself.
    pub entity: String,
}

/// On which side of a relation an entity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It is the subject.
    Out,
    /// It is the object, and not the subject.
    In,
}

/// The relations of an entity, in both directions, and what is at their other ends: at most `limit`, behind the first
/// `skip`. The entity is found by its [`graph_key`], so however it is spelt.
///
/// # Errors
/// [`GraphError::NoEntity`] if the graph does not name it.
pub fn neighbours(
    graph: &KnowledgeGraph,
    name: &str,
    skip: usize,
    limit: usize,
) -> Result<Neighbours, GraphError> {
    let key = graph_key(name);
    let found: Vec<_> = graph.entities.iter().filter(|entity| graph_key(&entity.name) == key).collect();
    if found.is_empty() {
        const MAX_SIMILAR: usize = 5;
        let contains = |name: &String| !key.is_empty() && graph_key(name).contains(&key);
        let similar = graph.entities.iter().map(|entity| entity.name.clone()).filter(contains);
        return Err(GraphError::NoEntity {
            name: name.to_owned(),
            similar: similar.take(MAX_SIMILAR).collect(),
        });
    }
    let is_it = |end: &String| found.iter().any(|entity| entity.name == *end);
    let all = graph.relations.iter().filter_map(|it| {
        let (direction, entity) = match (is_it(&it.subject), is_it(&it.object)) {
            (true, _) => (Direction::Out, &it.object),
            (false, true) => (Direction::In, &it.subject),
            (false, false) => return None,
        };
        Some(Neighbour { direction, predicate: it.predicate.clone(), entity: entity.clone() })
    });
    let all: Vec<Neighbour> = all.collect();
    Ok(Neighbours {
        names: found.iter().map(|entity| entity.name.clone()).collect(),
        kind: found.iter().find_map(|entity| entity.kind.clone()),
        total: all.len(),
        relations: all.into_iter().skip(skip).take(limit).collect(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
