//! Channels.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tubeatlas_domain::{Channel, ChannelFields, ChannelId, EntityKind};
use tubeatlas_ports::{ChannelFilter, ChannelOrder, ChannelPosition, ChannelRepository, Result, Stored};

use crate::columns::{RowName, number};
use crate::error::Context;
use crate::schema::{channels, knowledge_graphs, playlists, videos};
use crate::session::{Session, Statement, changes};
use crate::statement::{row_of_columns, update};
use crate::table::{Loaded, References, Table, WritableTable, insert_rows};

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

row_of_columns!(ChannelRow: id, title, handle, url, created_at, updated_at, revision);

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

#[async_trait]
impl Table for Channel {
    async fn load_many(mut connection: &AsyncPgConnection, ids: &[ChannelId]) -> Result<Vec<Loaded<Self>>> {
        let rows: Vec<ChannelRow> = channels::table
            .filter(channels::id.eq_any(ids.iter().map(ChannelId::as_str)))
            .select(ChannelRow::as_select())
            .load(&mut connection)
            .await
            .doing("reading channels")?;
        rows.into_iter().map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
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
        let rows: Vec<ChannelRow> =
            query.limit(limit).load(&mut connection).await.doing("listing channels")?;
        rows.into_iter().map(ChannelRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &ChannelFilter) -> Result<i64> {
        let ChannelFilter {} = filter;
        channels::table.count().get_result(&mut connection).await.doing("counting channels")
    }
}

#[async_trait]
impl WritableTable for Channel {
    async fn references(_: &AsyncPgConnection, channels: &[Self]) -> Result<Vec<References>> {
        Ok(vec![References::Fine; channels.len()])
    }

    async fn referrer(mut connection: &AsyncPgConnection, id: &ChannelId) -> Result<Option<EntityKind>> {
        let of_channel = videos::table.filter(videos::channel_id.eq(id.as_str()));
        let videos: bool = select(exists(of_channel))
            .get_result(&mut connection)
            .await
            .doing("looking for videos of a channel")?;
        if videos {
            return Ok(Some(EntityKind::Video));
        }
        let of_channel = knowledge_graphs::table.filter(knowledge_graphs::channel_id.eq(id.as_str()));
        let graphs: bool = select(exists(of_channel))
            .get_result(&mut connection)
            .await
            .doing("looking for graphs of a channel")?;
        if graphs {
            return Ok(Some(EntityKind::KnowledgeGraph));
        }
        let of_channel = playlists::table.filter(playlists::channel_id.eq(id.as_str()));
        let playlists: bool = select(exists(of_channel))
            .get_result(&mut connection)
            .await
            .doing("looking for playlists of a channel")?;
        Ok(playlists.then_some(EntityKind::Playlist))
    }

    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(ChannelRow::new).collect::<Result<Vec<_>>>()?;
        Ok(vec![insert_rows!(connection, channels, rows, "creating channels")])
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        _: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = ChannelRow::new(new)?;
        let change = update(channels::table, &row, channels::id.eq(&row.id)).execute(&mut connection);
        Ok(vec![changes(change, "changing a channel")])
    }

    fn remove<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        _: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let delete = diesel::delete(channels::table.find(old.entity.id.as_str())).execute(&mut connection);
        Ok(vec![changes(delete, "deleting a channel")])
    }
}

impl ChannelRepository for Session {}

/// What becomes of the references to these channels, if any; one statement.
pub(crate) async fn references_to(
    mut connection: &AsyncPgConnection,
    ids: &[Option<&ChannelId>],
) -> Result<Vec<References>> {
    let wanted: Vec<&str> = ids.iter().flatten().map(|id| id.as_str()).collect();
    if wanted.is_empty() {
        return Ok(vec![References::Fine; ids.len()]);
    }
    let found = match *wanted {
        [id] => channels::table.find(id).select(channels::id).load(&mut connection),
        _ => channels::table.filter(channels::id.eq_any(wanted)).select(channels::id).load(&mut connection),
    };
    let found: Vec<String> = found.await.doing("looking for channels")?;
    let found: HashSet<&str> = found.iter().map(String::as_str).collect();
    let reference = |id: &Option<&ChannelId>| match id {
        Some(id) if !found.contains(id.as_str()) => References::Missing(EntityKind::Channel, id.to_string()),
        _ => References::Fine,
    };
    Ok(ids.iter().map(reference).collect())
}
