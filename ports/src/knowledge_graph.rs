//! The port of knowledge graphs.

use serde::{Deserialize, Serialize};
use tubeatlas_domain::{GraphOwner, KnowledgeGraph, KnowledgeGraphId, KnowledgeGraphSummary, Timestamp};

use crate::{Catalogued, Stored, Visibility, WriteRepository};

/// Which graphs a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnowledgeGraphFilter {
    /// Only those of this video or channel; a channel's are not those of its videos.
    pub owner: Option<GraphOwner>,
    /// Whether those of deleted videos are taken in.
    pub visibility: Visibility,
}

/// The orders of a list of graphs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KnowledgeGraphOrder {
    /// By `created_at`, latest first; of the same time by id, largest first.
    #[default]
    Newest,
    /// By `created_at`, earliest first; of the same time by id.
    Oldest,
}

/// The order key of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeGraphPosition {
    /// When the store created it.
    pub created_at: Timestamp,
    /// The id.
    pub id: KnowledgeGraphId,
}

impl Catalogued for KnowledgeGraph {
    type Filter = KnowledgeGraphFilter;
    type Order = KnowledgeGraphOrder;
    type Listed = KnowledgeGraphSummary;
    type Position = KnowledgeGraphPosition;

    fn listed(&self) -> KnowledgeGraphSummary {
        self.summary()
    }

    fn position(listed: &Stored<KnowledgeGraphSummary>) -> KnowledgeGraphPosition {
        KnowledgeGraphPosition { created_at: listed.created_at, id: listed.entity.id }
    }
}

/// The knowledge graphs. Nothing beyond the generic core yet. A graph of a video is hidden, restored and purged
/// with it; a graph of a channel keeps the channel from being deleted.
pub trait KnowledgeGraphRepository: WriteRepository<KnowledgeGraph> {}
