//! The knowledge graphs.

use tubeatlas_domain::{
    Channel, ChannelId, EntityKind, GraphOwner, KnowledgeGraph, KnowledgeGraphId, KnowledgeGraphSummary,
    Timestamp, VideoId,
};
use tubeatlas_ports::{
    Error, KnowledgeGraphFilter, KnowledgeGraphOrder, KnowledgeGraphPosition, KnowledgeGraphRepository,
    Result, Stored,
};

use crate::draft::{Draft, encode};
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written};
use crate::keys::{text_key, time_key};
use crate::session::Session;
use crate::{channel, video};

const TABLE: Table = "knowledge_graphs";
/// The same without the content.
const LISTED: Table = "knowledge_graphs_listed";
/// Scope, time of creation, id; the scope is an owner, or all graphs.
const BY_CREATION: Table = "knowledge_graphs_by_creation";
pub(crate) const TABLES: &[Table] = &[TABLE, LISTED, BY_CREATION];

/// Begins the keys of the graphs of an owner, or of all.
fn scope(owner: Option<&GraphOwner>) -> Vec<u8> {
    match owner {
        None => text_key(&["all"]),
        Some(GraphOwner::Video(id)) => text_key(&["video", id.as_str()]),
        Some(GraphOwner::Channel(id)) => text_key(&["channel", id.as_str()]),
    }
}

fn creation_key(scope: &[u8], created_at: Timestamp, id: &KnowledgeGraphId) -> Vec<u8> {
    [scope, &time_key(created_at), id.get().as_bytes()].concat()
}

/// The graphs of an owner.
pub(crate) fn of_owner(draft: &Draft<'_>, owner: &GraphOwner) -> Result<Vec<Stored<KnowledgeGraph>>> {
    let keys = draft.scan(BY_CREATION, Span::prefix(scope(Some(owner))));
    keys.filter_map(|row| row.and_then(|(_, key)| draft.read(TABLE, &key)).transpose()).collect()
}

/// Whether a graph refers to the channel.
pub(crate) fn any_of_channel(draft: &Draft<'_>, id: &ChannelId) -> Result<bool> {
    draft.any(BY_CREATION, scope(Some(&GraphOwner::Channel(id.clone()))))
}

fn video_of(owner: &GraphOwner) -> Option<&VideoId> {
    match owner {
        GraphOwner::Video(id) => Some(id),
        GraphOwner::Channel(_) => None,
    }
}

impl Kept for KnowledgeGraph {
    const TABLE: Table = TABLE;
    const LISTED: Table = LISTED;

    fn key(id: &KnowledgeGraphId) -> Vec<u8> {
        id.get().as_bytes().into()
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let id = &stored.entity.id;
        let mut rows = vec![(LISTED, Self::key(id), encode(&stored.listed())?)];
        for scope in [scope(None), scope(Some(&stored.owner))] {
            rows.push((BY_CREATION, creation_key(&scope, stored.created_at, id), Self::key(id)));
        }
        Ok(rows)
    }

    fn hangs_on(&self) -> Option<&VideoId> {
        video_of(&self.owner)
    }

    fn walk(
        filter: &KnowledgeGraphFilter,
        order: KnowledgeGraphOrder,
        after: Option<&KnowledgeGraphPosition>,
    ) -> Walk {
        let scope = scope(filter.owner.as_ref());
        let after = after.map(|after| creation_key(&scope, after.created_at, &after.id));
        let span = match order {
            KnowledgeGraphOrder::Newest => Span::prefix(scope).backwards(),
            KnowledgeGraphOrder::Oldest => Span::prefix(scope),
        };
        Walk { table: BY_CREATION, spans: vec![span.behind_if(after)] }
    }

    fn takes_in(
        draft: &Draft<'_>,
        filter: &KnowledgeGraphFilter,
        row: &Stored<KnowledgeGraphSummary>,
    ) -> Result<bool> {
        let KnowledgeGraphFilter { owner, visibility } = filter;
        let deleted_at = match video_of(&row.owner) {
            Some(video) => video::deleted_at(draft, video)?,
            None => None,
        };
        Ok(owner.as_ref().is_none_or(|wanted| row.owner == *wanted) && visibility.shows(deleted_at))
    }
}

impl Written for KnowledgeGraph {
    fn check_references(&self, draft: &Draft<'_>) -> Result<()> {
        match &self.owner {
            GraphOwner::Video(id) => video::check_live(draft, self, id),
            GraphOwner::Channel(id) if draft.has(channel::TABLE, &Channel::key(id))? => Ok(()),
            GraphOwner::Channel(id) => Err(Error::missing_reference(self, EntityKind::Channel, id)),
        }
    }
}

impl KnowledgeGraphRepository for Session {}
