//! The knowledge graphs.

use std::sync::Arc;

use imbl::OrdSet;
use tubeatlas_domain::{GraphOwner, KnowledgeGraph, KnowledgeGraphId, Timestamp, VideoId};
use tubeatlas_ports::{
    KnowledgeGraphFilter, KnowledgeGraphOrder, KnowledgeGraphPosition, KnowledgeGraphRepository, Result,
    Stored,
};

use crate::repository::{Kept, Rows, Written};
use crate::session::Session;
use crate::state::{CreationKey, Groups, State, Table, by_creation, rekey};
use crate::videos::{check_channel, check_video};

type Key = CreationKey<KnowledgeGraphId>;

#[derive(Clone, Default, PartialEq)]
pub(crate) struct KnowledgeGraphs {
    pub(crate) by_id: Table<KnowledgeGraph>,
    by_creation: OrdSet<Key>,
    pub(crate) by_owner: Groups<Arc<GraphOwner>, Key>,
}

impl Kept for KnowledgeGraph {
    fn table(state: &State) -> &Table<Self> {
        &state.knowledge_graphs.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.knowledge_graphs.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<KnowledgeGraphId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let graphs = &mut state.knowledge_graphs;
        let key = |graph: &Stored<Self>| (graph.created_at, **id);
        rekey(&mut graphs.by_creation, old.map(key), new.map(key));
        let of_owner = |graph: &Stored<Self>| (Arc::new(graph.owner.clone()), key(graph));
        graphs.by_owner.rekey(old.map(of_owner), new.map(of_owner));
    }

    fn deleted_at(state: &State, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.hangs_on().and_then(|video| state.videos.deleted_at(video))
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a KnowledgeGraphFilter,
        order: KnowledgeGraphOrder,
        after: Option<KnowledgeGraphPosition>,
    ) -> Rows<'a, Self> {
        let KnowledgeGraphFilter { owner, visibility } = filter;
        let graphs = &state.knowledge_graphs;
        let keys = match owner {
            Some(owner) => graphs.by_owner.of(owner),
            None => Some(&graphs.by_creation),
        };
        let newest_first = match order {
            KnowledgeGraphOrder::Newest => true,
            KnowledgeGraphOrder::Oldest => false,
        };
        let keys = by_creation(keys, newest_first, after.map(|after| (after.created_at, after.id)));
        let rows = keys.filter_map(|(_, id)| graphs.by_id.get(id));
        Box::new(rows.filter(move |row| visibility.shows(Self::deleted_at(state, row))))
    }
}

impl Written for KnowledgeGraph {
    fn hangs_on(&self) -> Option<&VideoId> {
        match &self.owner {
            GraphOwner::Video(video) => Some(video),
            GraphOwner::Channel(_) => None,
        }
    }

    fn check_references(&self, state: &State) -> Result<()> {
        match &self.owner {
            GraphOwner::Video(video) => check_video(state, self, video),
            GraphOwner::Channel(channel) => check_channel(state, self, channel),
        }
    }
}

impl KnowledgeGraphRepository for Session {}
