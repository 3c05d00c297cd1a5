//! Knowledge graphs.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tubeatlas_domain::{
    ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphFields, KnowledgeGraphId, KnowledgeGraphSummary,
    VideoId,
};
use tubeatlas_ports::{
    KnowledgeGraphFilter, KnowledgeGraphOrder, KnowledgeGraphPosition, KnowledgeGraphRepository, Result,
    Stored, Visibility,
};
use uuid::Uuid;

use crate::columns::{RowName, json, number, optional_number, small_number};
use crate::error::Context;
use crate::schema::{knowledge_graphs, videos};
use crate::session::{Session, Statement, changes};
use crate::statement::{row_of_columns, update};
use crate::table::{Loaded, References, Table, WritableTable, insert_rows};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = knowledge_graphs, treat_none_as_null = true, treat_none_as_default_value = false)]
struct GraphRow {
    id: Uuid,
    video_id: Option<String>,
    channel_id: Option<String>,
    model: Option<String>,
    processing_time_ms: Option<i64>,
    version: i32,
    entity_count: i64,
    relation_count: i64,
    created_at: i64,
    updated_at: i64,
    revision: i64,
    entities: String,
    relations: String,
}

row_of_columns!(
    GraphRow:
    id, video_id, channel_id, model, processing_time_ms, version, entity_count, relation_count, created_at,
    updated_at, revision, entities, relations,
);

/// A row without its content.
#[derive(Queryable, Selectable)]
#[diesel(table_name = knowledge_graphs)]
struct SummaryRow {
    id: Uuid,
    video_id: Option<String>,
    channel_id: Option<String>,
    model: Option<String>,
    processing_time_ms: Option<i64>,
    version: i32,
    entity_count: i64,
    relation_count: i64,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

fn owner(row: RowName<'_>, video_id: Option<String>, channel_id: Option<String>) -> Result<GraphOwner> {
    match (video_id, channel_id) {
        (Some(id), None) => Ok(GraphOwner::Video(row.check(VideoId::parse(id))?)),
        (None, Some(id)) => Ok(GraphOwner::Channel(row.check(ChannelId::parse(id))?)),
        _ => row.check(Err("has not exactly one owner")),
    }
}

impl GraphRow {
    fn new(stored: &Stored<KnowledgeGraph>) -> Result<Self> {
        let summary = stored.entity.summary();
        let (video_id, channel_id) = match summary.owner {
            GraphOwner::Video(id) => (Some(id.into()), None),
            GraphOwner::Channel(id) => (None, Some(id.into())),
        };
        Ok(Self {
            id: summary.id.get(),
            video_id,
            channel_id,
            model: summary.model,
            processing_time_ms: optional_number(summary.processing_time_ms)?,
            version: small_number(summary.version)?,
            entity_count: number(summary.entity_count)?,
            relation_count: number(summary.relation_count)?,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            revision: number(stored.revision.get())?,
            entities: json(&stored.entities)?,
            relations: json(&stored.relations)?,
        })
    }

    fn into_stored(self) -> Result<Stored<KnowledgeGraph>> {
        let id = KnowledgeGraphId::new(self.id);
        let row = RowName { table: "knowledge_graphs", key: &id };
        let graph = row.check(KnowledgeGraph::new(KnowledgeGraphFields {
            id,
            owner: owner(row, self.video_id, self.channel_id)?,
            model: self.model,
            processing_time_ms: row.optional_number(self.processing_time_ms)?,
            version: row.check(u32::try_from(self.version))?,
            entities: row.json(&self.entities)?,
            relations: row.json(&self.relations)?,
        }))?;
        row.stored(graph, self.created_at, self.updated_at, self.revision, None)
    }
}

impl SummaryRow {
    fn into_stored(self) -> Result<Stored<KnowledgeGraphSummary>> {
        let id = KnowledgeGraphId::new(self.id);
        let row = RowName { table: "knowledge_graphs", key: &id };
        let summary = KnowledgeGraphSummary {
            id,
            owner: owner(row, self.video_id, self.channel_id)?,
            model: self.model,
            processing_time_ms: row.optional_number(self.processing_time_ms)?,
            version: row.check(u32::try_from(self.version))?,
            entity_count: row.number(self.entity_count)?,
            relation_count: row.number(self.relation_count)?,
        };
        row.stored(summary, self.created_at, self.updated_at, self.revision, None)
    }
}

/// [`KnowledgeGraphFilter`] over graphs joined with their videos, if they have one.
macro_rules! filtered {
    ($filter:expr) => {{
        let KnowledgeGraphFilter { owner, visibility } = $filter;
        let mut query = knowledge_graphs::table.left_join(videos::table).into_boxed();
        match owner {
            Some(GraphOwner::Video(id)) => query = query.filter(knowledge_graphs::video_id.eq(id.as_str())),
            Some(GraphOwner::Channel(id)) => {
                query = query.filter(knowledge_graphs::channel_id.eq(id.as_str()));
            }
            None => {}
        }
        match visibility {
            Visibility::Live => query.filter(videos::deleted_at.is_null()),
            Visibility::WithDeleted => query,
            Visibility::OnlyDeleted => query.filter(videos::deleted_at.is_not_null()),
        }
    }};
}

#[async_trait]
impl Table for KnowledgeGraph {
    async fn load_many(
        mut connection: &AsyncPgConnection,
        ids: &[KnowledgeGraphId],
    ) -> Result<Vec<Loaded<Self>>> {
        let found: Vec<(GraphRow, Option<i64>)> = knowledge_graphs::table
            .left_join(videos::table)
            .filter(knowledge_graphs::id.eq_any(ids.iter().map(|id| id.get())))
            .select((GraphRow::as_select(), videos::deleted_at.nullable()))
            .load(&mut connection)
            .await
            .doing("reading knowledge graphs")?;
        let loaded = found.into_iter().map(|(row, deleted_at)| {
            let name = row.id;
            let hidden_since = RowName { table: "videos", key: &name }.optional_time(deleted_at)?;
            Ok(Loaded { stored: row.into_stored()?, hidden_since })
        });
        loaded.collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
        filter: &KnowledgeGraphFilter,
        order: KnowledgeGraphOrder,
        after: Option<KnowledgeGraphPosition>,
        limit: i64,
    ) -> Result<Vec<Stored<KnowledgeGraphSummary>>> {
        use knowledge_graphs::{created_at, id as graph_id};
        let after = after
            .map(|position: KnowledgeGraphPosition| (position.created_at.unix_micros(), position.id.get()));
        let mut query = filtered!(filter);
        // The first filter behind a position is what the index is searched by.
        match order {
            KnowledgeGraphOrder::Newest => {
                query = query.order((created_at.desc(), graph_id.desc()));
                if let Some((at, id)) = after {
                    query = query.filter(created_at.le(at)).filter(created_at.lt(at).or(graph_id.lt(id)));
                }
            }
            KnowledgeGraphOrder::Oldest => {
                query = query.order((created_at.asc(), graph_id.asc()));
                if let Some((at, id)) = after {
                    query = query.filter(created_at.ge(at)).filter(created_at.gt(at).or(graph_id.gt(id)));
                }
            }
        }
        let rows: Vec<SummaryRow> = query
            .select(SummaryRow::as_select())
            .limit(limit)
            .load(&mut connection)
            .await
            .doing("listing knowledge graphs")?;
        rows.into_iter().map(SummaryRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &KnowledgeGraphFilter) -> Result<i64> {
        filtered!(filter).count().get_result(&mut connection).await.doing("counting knowledge graphs")
    }
}

#[async_trait]
impl WritableTable for KnowledgeGraph {
    async fn references(connection: &AsyncPgConnection, graphs: &[Self]) -> Result<Vec<References>> {
        let owners = |graph: &Self| match &graph.owner {
            GraphOwner::Video(id) => (Some(id.clone()), None),
            GraphOwner::Channel(id) => (None, Some(id.clone())),
        };
        let (videos, channels): (Vec<_>, Vec<_>) = graphs.iter().map(owners).unzip();
        let videos: Vec<_> = videos.iter().map(Option::as_ref).collect();
        let channels: Vec<_> = channels.iter().map(Option::as_ref).collect();
        let of_videos = crate::videos::references_to(connection, &videos).await?;
        let of_channels = crate::channels::references_to(connection, &channels).await?;
        let either = |(video, channel)| if let References::Fine = video { channel } else { video };
        Ok(of_videos.into_iter().zip(of_channels).map(either).collect())
    }

    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(GraphRow::new).collect::<Result<Vec<_>>>()?;
        Ok(vec![insert_rows!(connection, knowledge_graphs, rows, "creating knowledge graphs")])
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        _: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = GraphRow::new(new)?;
        let which = knowledge_graphs::id.eq(&row.id);
        let change = update(knowledge_graphs::table, &row, which).execute(&mut connection);
        Ok(vec![changes(change, "changing a knowledge graph")])
    }

    fn remove<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        _: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let which = knowledge_graphs::table.find(old.entity.id.get());
        let delete = diesel::delete(which).execute(&mut connection);
        Ok(vec![changes(delete, "deleting a knowledge graph")])
    }
}

impl KnowledgeGraphRepository for Session {}
