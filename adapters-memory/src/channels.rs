//! The channels.

use std::sync::Arc;

use imbl::OrdSet;
use tubeatlas_domain::{Channel, ChannelId, Entity, EntityKind, GraphOwner, Timestamp};
use tubeatlas_ports::{
    ChannelFilter, ChannelOrder, ChannelPosition, ChannelRepository, Error, Result, Stored,
};

use crate::repository::{Kept, Rows, Written};
use crate::session::Session;
use crate::state::{State, Table, behind, between, rekey};

type TitleKey = (Arc<str>, Arc<ChannelId>);

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Channels {
    pub(crate) by_id: Table<Channel>,
    by_title: OrdSet<TitleKey>,
}

impl Kept for Channel {
    fn table(state: &State) -> &Table<Self> {
        &state.channels.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.channels.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<ChannelId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let key = |channel: &Stored<Self>| (channel.title.as_str().into(), id.clone());
        rekey(&mut state.channels.by_title, old.map(key), new.map(key));
    }

    fn deleted_at(_: &State, _: &Stored<Self>) -> Option<Timestamp> {
        None
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a ChannelFilter,
        order: ChannelOrder,
        after: Option<ChannelPosition>,
    ) -> Rows<'a, Self> {
        let ChannelFilter {} = filter;
        let Channels { by_id, by_title } = &state.channels;
        match order {
            ChannelOrder::Title => {
                let after: Option<TitleKey> = after.map(|after| (after.title.into(), Arc::new(after.id)));
                let keys = between(Some(by_title), after.as_ref(), None);
                Box::new(keys.filter_map(|(_, id)| by_id.get(id)))
            }
            ChannelOrder::Id => {
                let rows = by_id.range::<_, ChannelId>(behind(after.as_ref().map(|after| &after.id)));
                Box::new(rows.map(|(_, row)| row))
            }
        }
    }
}

impl Written for Channel {
    fn check_unreferenced(state: &State, id: &ChannelId) -> Result<()> {
        let owner = GraphOwner::Channel(id.clone());
        let referrers = [
            (EntityKind::Video, state.videos.by_channel.of(id).is_some()),
            (EntityKind::KnowledgeGraph, state.knowledge_graphs.by_owner.of(&owner).is_some()),
            (EntityKind::Playlist, state.playlists.by_channel.of(id).is_some()),
        ];
        match referrers.into_iter().find(|(_, refers)| *refers) {
            Some((by, _)) => Err(Error::StillReferenced { entity: Self::KIND, key: id.to_string(), by }),
            None => Ok(()),
        }
    }
}

impl ChannelRepository for Session {}
