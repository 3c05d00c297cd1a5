//! Channels.

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use tubeatlas_domain::{Channel, ChannelFields, ChannelId, EntityKind};
use tubeatlas_ports::{ChannelFilter, ChannelOrder, ChannelPosition, ChannelRepository, Result, Stored};

use crate::columns::{RowName, number};
use crate::error::Context;
use crate::schema::{channels, knowledge_graphs, playlists, videos};
use crate::session::{Session, WriteContext};
use crate::statement::{limited, update};
use crate::table::{Loaded, References, Table, WritableTable};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = channels, treat_none_as_null = true, treat_none_as_default_value = false)]
struct ChannelRow {
    id: String,
    title: String,
    handle: Option<String>,
    url: Option<String>,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

impl ChannelRow {
    fn new(stored: &Stored<Channel>) -> Result<Self> {
        let fields = stored.entity.clone().into_fields();
        Ok(Self {
            id: fields.id.into(),
            title: fields.title,
            handle: fields.handle,
            url: fields.url,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            revision: number(stored.revision.get())?,
        })
    }

    fn into_stored(self) -> Result<Stored<Channel>> {
        let key = self.id.clone();
        let row = RowName { table: "channels", key: &key };
        let channel = row.check(ChannelId::parse(self.id).and_then(|id| {
            Channel::new(ChannelFields { id, title: self.title, handle: self.handle, url: self.url })
        }))?;
        row.stored(channel, self.created_at, self.updated_at, self.revision, None)
    }
}

impl Table for Channel {
    fn load(connection: &mut SqliteConnection, id: &ChannelId) -> Result<Option<Loaded<Self>>> {
        let row: Option<ChannelRow> = channels::table
            .find(id.as_str())
            .select(ChannelRow::as_select())
            .get_result(connection)
            .optional()
            .doing("reading a channel")?;
        row.map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).transpose()
    }

    fn page(
        connection: &mut SqliteConnection,
        filter: &ChannelFilter,
        order: ChannelOrder,
        after: Option<ChannelPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        let ChannelFilter {} = filter;
        let mut query = channels::table.select(ChannelRow::as_select()).into_boxed();
        query = match order {
            ChannelOrder::Title => query.order((channels::title, channels::id)),
            ChannelOrder::Id => query.order(channels::id),
        };
        if let Some(ChannelPosition { title, id }) = after {
            let id = String::from(id);
            query = match order {
                // The first part is what the index is searched by.
                ChannelOrder::Title => query
                    .filter(channels::title.ge(title.clone()))
                    .filter(channels::title.gt(title).or(channels::id.gt(id))),
                ChannelOrder::Id => query.filter(channels::id.gt(id)),
            };
        }
        let rows: Vec<ChannelRow> = limited(query, limit).load(connection).doing("listing channels")?;
        rows.into_iter().map(ChannelRow::into_stored).collect()
    }

    fn count(connection: &mut SqliteConnection, filter: &ChannelFilter) -> Result<i64> {
        let ChannelFilter {} = filter;
        channels::table.count().get_result(connection).doing("counting channels")
    }
}

impl WritableTable for Channel {
    fn references(&self, _: &mut SqliteConnection) -> Result<References> {
        Ok(References::Fine)
    }

    fn referrer(connection: &mut SqliteConnection, id: &ChannelId) -> Result<Option<EntityKind>> {
        let of_channel = videos::table.filter(videos::channel_id.eq(id.as_str()));
        let videos: bool =
            select(exists(of_channel)).get_result(connection).doing("looking for videos of a channel")?;
        if videos {
            return Ok(Some(EntityKind::Video));
        }
        let of_channel = knowledge_graphs::table.filter(knowledge_graphs::channel_id.eq(id.as_str()));
        let graphs: bool =
            select(exists(of_channel)).get_result(connection).doing("looking for graphs of a channel")?;
        if graphs {
            return Ok(Some(EntityKind::KnowledgeGraph));
        }
        let of_channel = playlists::table.filter(playlists::channel_id.eq(id.as_str()));
        let playlists: bool =
            select(exists(of_channel)).get_result(connection).doing("looking for playlists of a channel")?;
        Ok(playlists.then_some(EntityKind::Playlist))
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = ChannelRow::new(new)?;
        diesel::insert_into(channels::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a channel")
            .map(drop)
    }

    fn replace(context: &mut WriteContext<'_>, _: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let row = ChannelRow::new(new)?;
        update(channels::table, &row, channels::id.eq(&row.id))
            .execute(context.connection)
            .doing("changing a channel")
            .map(drop)
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        diesel::delete(channels::table.find(old.entity.id.as_str()))
            .execute(context.connection)
            .doing("deleting a channel")
            .map(drop)
    }
}

impl ChannelRepository for Session {}

/// Whether the channel is there, if one is named.
pub(crate) fn reference(connection: &mut SqliteConnection, id: Option<&ChannelId>) -> Result<References> {
    let Some(id) = id else { return Ok(References::Fine) };
    let found: Option<String> = channels::table
        .find(id.as_str())
        .select(channels::id)
        .get_result(connection)
        .optional()
        .doing("looking for a channel")?;
    Ok(match found {
        Some(_) => References::Fine,
        None => References::Missing(EntityKind::Channel, id.to_string()),
    })
}
