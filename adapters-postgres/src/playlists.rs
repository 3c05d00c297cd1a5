//! Playlists.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use tubeatlas_domain::{ChannelId, Playlist, PlaylistFields, PlaylistId, PlaylistSummary, VideoId};
use tubeatlas_ports::{
    PlaylistFilter, PlaylistOrder, PlaylistPosition, PlaylistRepository, Result, Revision, Stored, Visibility,
};

use crate::columns::{RowName, number};
use crate::error::Context;
use crate::schema::playlists;
use crate::session::{Session, Statement, changes};
use crate::statement::update;
use crate::table::{self, Loaded, References, Table, WritableTable};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = playlists, treat_none_as_null = true, treat_none_as_default_value = false)]
struct PlaylistRow {
    id: String,
    channel_id: Option<String>,
    title: String,
    url: Option<String>,
    video_count: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    revision: i64,
    description: Option<String>,
    videos: Vec<String>,
}

/// A row without the videos.
#[derive(Queryable, Selectable)]
#[diesel(table_name = playlists)]
struct SummaryRow {
    id: String,
    channel_id: Option<String>,
    title: String,
    url: Option<String>,
    video_count: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    revision: i64,
    description: Option<String>,
}

impl PlaylistRow {
    fn new(stored: &Stored<Playlist>) -> Result<Self> {
        let summary = stored.entity.summary();
        Ok(Self {
            id: summary.id.into(),
            channel_id: summary.channel_id.map(String::from),
            title: summary.title,
            url: summary.url,
            video_count: number(summary.video_count)?,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            deleted_at: stored.deleted_at.map(|at| at.unix_micros()),
            revision: number(stored.revision.get())?,
            description: summary.description,
            videos: stored.videos.iter().map(ToString::to_string).collect(),
        })
    }

    fn into_loaded(self) -> Result<Loaded<Playlist>> {
        let key = self.id.clone();
        let row = RowName { table: "playlists", key: &key };
        let videos: Result<Vec<_>, _> = self.videos.into_iter().map(VideoId::parse).collect();
        let playlist = row.check(Playlist::new(PlaylistFields {
            id: row.check(PlaylistId::parse(self.id))?,
            channel_id: row.check(self.channel_id.map(ChannelId::parse).transpose())?,
            title: self.title,
            description: self.description,
            url: self.url,
            videos: row.check(videos)?,
        }))?;
        let stored =
            row.stored(playlist, self.created_at, self.updated_at, self.revision, self.deleted_at)?;
        Ok(Loaded { hidden_since: stored.deleted_at, stored })
    }
}

impl SummaryRow {
    fn into_stored(self) -> Result<Stored<PlaylistSummary>> {
        let key = self.id.clone();
        let row = RowName { table: "playlists", key: &key };
        let summary = PlaylistSummary {
            id: row.check(PlaylistId::parse(self.id))?,
            channel_id: row.check(self.channel_id.map(ChannelId::parse).transpose())?,
            title: self.title,
            description: self.description,
            url: self.url,
            video_count: row.number(self.video_count)?,
        };
        row.stored(summary, self.created_at, self.updated_at, self.revision, self.deleted_at)
    }
}

/// [`PlaylistFilter`] as a query.
macro_rules! filtered {
    ($filter:expr) => {{
        let PlaylistFilter { channel_id, video_id, visibility } = $filter;
        let mut query = playlists::table.into_boxed();
        if let Some(channel_id) = channel_id {
            query = query.filter(playlists::channel_id.eq(channel_id.as_str()));
        }
        if let Some(video_id) = video_id {
            query = query.filter(playlists::videos.contains(vec![video_id.to_string()]));
        }
        match visibility {
            Visibility::Live => query.filter(playlists::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(playlists::deleted_at.is_not_null()),
        }
    }};
}

#[async_trait]
impl Table for Playlist {
    async fn load_many(mut connection: &AsyncPgConnection, ids: &[PlaylistId]) -> Result<Vec<Loaded<Self>>> {
        let rows: Vec<PlaylistRow> = playlists::table
            .filter(playlists::id.eq_any(ids.iter().map(PlaylistId::as_str)))
            .select(PlaylistRow::as_select())
            .load(&mut connection)
            .await
            .doing("reading playlists")?;
        rows.into_iter().map(PlaylistRow::into_loaded).collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
        filter: &PlaylistFilter,
        order: PlaylistOrder,
        after: Option<PlaylistPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<PlaylistSummary>>> {
        let mut query = filtered!(filter);
        query = match order {
            PlaylistOrder::Title => query.order((playlists::title, playlists::id)),
            PlaylistOrder::Id => query.order(playlists::id),
        };
        if let Some(PlaylistPosition { title, id }) = after {
            let id = String::from(id);
            query = match order {
                // The first part is what the index is searched by.
                PlaylistOrder::Title => query
                    .filter(playlists::title.ge(title.clone()))
                    .filter(playlists::title.gt(title).or(playlists::id.gt(id))),
                PlaylistOrder::Id => query.filter(playlists::id.gt(id)),
            };
        }
        let rows: Vec<SummaryRow> = query
            .select(SummaryRow::as_select())
            .limit(limit)
            .load(&mut connection)
            .await
            .doing("listing playlists")?;
        rows.into_iter().map(SummaryRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &PlaylistFilter) -> Result<i64> {
        filtered!(filter).count().get_result(&mut connection).await.doing("counting playlists")
    }
}

#[async_trait]
impl WritableTable for Playlist {
    async fn references(connection: &AsyncPgConnection, playlists: &[Self]) -> Result<Vec<References>> {
        let ids: Vec<_> = playlists.iter().map(|playlist| playlist.channel_id.as_ref()).collect();
        crate::channels::references_to(connection, &ids).await
    }

    fn insert<'c>(mut connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(PlaylistRow::new).collect::<Result<Vec<_>>>()?;
        // Their lists of videos are no column of an array.
        let insert = diesel::insert_into(playlists::table).values(&rows).execute(&mut connection);
        Ok(vec![changes(insert, "creating playlists")])
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        _: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = PlaylistRow::new(new)?;
        let change = update(playlists::table, &row, playlists::id.eq(&row.id)).execute(&mut connection);
        Ok(vec![changes(change, "changing a playlist")])
    }

    fn remove<'c>(
        connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        deleted: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        Self::replace(connection, old, deleted)
    }
}

fn purge<'c>(mut connection: &'c AsyncPgConnection, id: &PlaylistId) -> Statement<'c> {
    let delete = diesel::delete(playlists::table.find(id.as_str())).execute(&mut connection);
    changes(delete, "purging a playlist")
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        let id = id.clone();
        self.write(move |transaction| async move { table::restore(transaction, &id).await }.boxed()).await
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write(move |transaction| {
            async move {
                table::load_stored::<Playlist>(transaction, &id).await?.check_revision(expected)?;
                transaction.write_last(|connection| Ok(vec![purge(connection, &id)])).await
            }
            .boxed()
        })
        .await
    }
}
