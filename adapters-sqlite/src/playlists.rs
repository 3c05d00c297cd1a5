//! Playlists.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Untyped};
use tubeatlas_domain::{
    ChannelId, EntityKind, Playlist, PlaylistFields, PlaylistId, PlaylistSummary, VideoId,
};
use tubeatlas_ports::{
    PlaylistFilter, PlaylistOrder, PlaylistPosition, PlaylistRepository, Result, Revision, Stored, Visibility,
};

use crate::columns::{RowName, json, number};
use crate::error::Context;
use crate::metrics::Call;
use crate::schema::playlists;
use crate::session::{Session, WriteContext};
use crate::statement::{Bind, limited, sql, update};
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
    videos: String,
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
            videos: json(&stored.videos)?,
        })
    }

    fn into_loaded(self) -> Result<Loaded<Playlist>> {
        let key = self.id.clone();
        let row = RowName { table: "playlists", key: &key };
        let playlist = row.check(Playlist::new(PlaylistFields {
            id: row.check(PlaylistId::parse(self.id))?,
            channel_id: row.check(self.channel_id.map(ChannelId::parse).transpose())?,
            title: self.title,
            description: self.description,
            url: self.url,
            videos: row.json(&self.videos)?,
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
            let holds = "playlists.id IN (SELECT playlist_id FROM playlist_videos WHERE video_id = ?1)";
            query = query.filter(sql::<Bool>(holds, vec![Bind::Text(Some(video_id.to_string()))]));
        }
        match visibility {
            Visibility::Live => query.filter(playlists::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(playlists::deleted_at.is_not_null()),
        }
    }};
}

impl Table for Playlist {
    fn load(connection: &mut SqliteConnection, id: &PlaylistId) -> Result<Option<Loaded<Self>>> {
        let row: Option<PlaylistRow> = playlists::table
            .find(id.as_str())
            .select(PlaylistRow::as_select())
            .get_result(connection)
            .optional()
            .doing("reading a playlist")?;
        row.map(PlaylistRow::into_loaded).transpose()
    }

    fn page(
        connection: &mut SqliteConnection,
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
        let rows: Vec<SummaryRow> = limited(query.select(SummaryRow::as_select()), limit)
            .load(connection)
            .doing("listing playlists")?;
        rows.into_iter().map(SummaryRow::into_stored).collect()
    }

    fn count(connection: &mut SqliteConnection, filter: &PlaylistFilter) -> Result<i64> {
        filtered!(filter).count().get_result(connection).doing("counting playlists")
    }
}

/// Which videos it holds, each once.
pub(crate) fn videos_of(playlist: &Playlist) -> BTreeSet<&VideoId> {
    playlist.videos.iter().collect()
}

/// Has a playlist found by these videos.
pub(crate) fn insert_videos(
    connection: &mut SqliteConnection,
    id: &PlaylistId,
    videos: &BTreeSet<&VideoId>,
) -> Result<()> {
    if videos.is_empty() {
        return Ok(());
    }
    // One statement for any number of videos.
    let insert = "INSERT INTO playlist_videos (video_id, playlist_id) SELECT value, ?1 FROM json_each(?2)";
    let binds = vec![Bind::Text(Some(id.to_string())), Bind::Text(Some(json(videos)?))];
    sql::<Untyped>(insert, binds).execute(connection).doing("indexing a playlist's videos").map(drop)
}

fn remove_videos(
    connection: &mut SqliteConnection,
    id: &PlaylistId,
    videos: &BTreeSet<&VideoId>,
) -> Result<()> {
    if videos.is_empty() {
        return Ok(());
    }
    let delete = "DELETE FROM playlist_videos
                  WHERE playlist_id = ?1 AND video_id IN (SELECT value FROM json_each(?2))";
    let binds = vec![Bind::Text(Some(id.to_string())), Bind::Text(Some(json(videos)?))];
    sql::<Untyped>(delete, binds)
        .execute(connection)
        .doing("removing a playlist's videos from the index")
        .map(drop)
}

impl WritableTable for Playlist {
    fn references(&self, connection: &mut SqliteConnection) -> Result<References> {
        crate::channels::reference(connection, self.channel_id.as_ref())
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = PlaylistRow::new(new)?;
        diesel::insert_into(playlists::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a playlist")?;
        insert_videos(context.connection, &new.entity.id, &videos_of(new))
    }

    fn replace(context: &mut WriteContext<'_>, old: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let row = PlaylistRow::new(new)?;
        update(playlists::table, &row, playlists::id.eq(&row.id))
            .execute(context.connection)
            .doing("changing a playlist")?;
        let (before, after) = (videos_of(old), videos_of(new));
        remove_videos(context.connection, &new.entity.id, &before.difference(&after).copied().collect())?;
        insert_videos(context.connection, &new.entity.id, &after.difference(&before).copied().collect())
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        let deleted = old.deleted(context.now, context.next_revision()?);
        Self::replace(context, old, &deleted)
    }
}

#[async_trait]
impl PlaylistRepository for Session {
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>> {
        let id = id.clone();
        self.write(Call("restore", EntityKind::Playlist), move |context| table::restore(context, &id)).await
    }

    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write(Call("purge", EntityKind::Playlist), move |context| {
            table::load_stored::<Playlist>(context, &id)?.check_revision(expected)?;
            // What it is found by goes with it.
            diesel::delete(playlists::table.find(id.as_str()))
                .execute(context.connection)
                .doing("purging a playlist")
                .map(drop)
        })
        .await
    }
}
