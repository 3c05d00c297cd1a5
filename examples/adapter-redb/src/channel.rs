//! The channels.

use tubeatlas_domain::{Channel, ChannelId, EntityKind};
use tubeatlas_ports::{
    ChannelFilter, ChannelOrder, ChannelPosition, ChannelRepository, Error, Result, Stored,
};

use crate::draft::Draft;
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written};
use crate::keys::{joined, text_key};
use crate::session::Session;
use crate::{knowledge_graph, playlist, video};

pub(crate) const TABLE: Table = "channels";
/// Title, id.
const BY_TITLE: Table = "channels_by_title";
pub(crate) const TABLES: &[Table] = &[TABLE, BY_TITLE];

fn title_key(title: &str, id: &ChannelId) -> Vec<u8> {
    joined(&text_key(&[title]), &Channel::key(id))
}

impl Kept for Channel {
    const TABLE: Table = TABLE;

    fn key(id: &ChannelId) -> Vec<u8> {
        id.as_str().into()
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let id = stored.entity.id.clone();
        Ok(vec![(BY_TITLE, title_key(&stored.title, &id), Self::key(&id))])
    }

    fn walk(filter: &ChannelFilter, order: ChannelOrder, after: Option<&ChannelPosition>) -> Walk {
        let ChannelFilter {} = filter;
        let (table, after) = match order {
            ChannelOrder::Title => (BY_TITLE, after.map(|after| title_key(&after.title, &after.id))),
            ChannelOrder::Id => (TABLE, after.map(|after| Self::key(&after.id))),
        };
        Walk { table, spans: vec![Span::prefix(Vec::new()).behind_if(after)] }
    }

    fn takes_in(_: &Draft<'_>, filter: &ChannelFilter, _: &Stored<Self>) -> Result<bool> {
        let ChannelFilter {} = filter;
        Ok(true)
    }
}

impl Written for Channel {
    fn check_references(&self, _: &Draft<'_>) -> Result<()> {
        Ok(())
    }

    fn check_unreferenced(draft: &Draft<'_>, id: &ChannelId) -> Result<()> {
        let still_referenced =
            |by| Err(Error::StillReferenced { entity: EntityKind::Channel, key: id.to_string(), by });
        if video::any_of_channel(draft, id)? {
            return still_referenced(EntityKind::Video);
        }
        if knowledge_graph::any_of_channel(draft, id)? {
            return still_referenced(EntityKind::KnowledgeGraph);
        }
        if playlist::any_of_channel(draft, id)? {
            return still_referenced(EntityKind::Playlist);
        }
        Ok(())
    }
}

impl ChannelRepository for Session {}
