//! SeaORM over sqlx-sqlite (its pool: 10 connections by default).
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Video};
use sea_orm::{
    entity::prelude::*,
    sea_query::{OnConflict, Order, Query},
    sqlx::sqlite::*,
    *,
};
use std::time::Duration;

mod videos {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "videos")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub channel_id: String,
        pub title: String,
        pub description: Option<String>,
        pub published_at: DateTime,
        pub duration_seconds: i64,
        pub view_count: i64,
        pub like_count: i64,
        pub dislike_count: i64,
        pub comment_count: i64,
        pub category_id: String,
        pub category_name: String,
        pub tags: String,
        pub thumbnail_url: String,
        pub created_at: DateTime,
        pub updated_at: DateTime,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
    peers_common::video_impl!(Model);
}
mod transcripts {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "transcripts")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub video_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub language: String,
        pub content: String,
        pub kind: String,
        pub created_at: DateTime,
        pub updated_at: DateTime,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
mod tasks {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "processing_tasks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub task_type: String,
        pub target_id: String,
        pub status: String,
        pub progress_percent: i64,
        pub error_message: Option<String>,
        pub created_at: DateTime,
        pub started_at: Option<DateTime>,
        pub completed_at: Option<DateTime>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
#[derive(FromQueryResult)]
struct Hit {
    video_id: String,
    score: f64,
}

fn am(v: Video) -> videos::ActiveModel {
    pc::video_move!(v => videos::Model).into_active_model().reset_all()
}

#[derive(Clone)]
struct P(DatabaseConnection);
impl Peer for P {
    const NAME: &'static str = "sea-orm";
    type V = videos::Model;
    async fn open(c: &Cfg) -> R<P> {
        let mut o = ConnectOptions::new(format!("sqlite://{}?mode=rwc", c.db));
        let full = c.full;
        o.sqlx_logging(false).map_sqlx_sqlite_opts(move |o| {
            o.journal_mode(SqliteJournalMode::Wal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .synchronous(if full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
        });
        // SeaORM makes it one connection for SQLite unless told otherwise; sqlx's default is used here
        o.max_connections(c.pool.unwrap_or(10) as u32);
        Ok(P(Database::connect(o).await?))
    }
    fn pool_size(&self) -> usize {
        self.0.get_sqlite_connection_pool().options().get_max_connections() as usize
    }
    async fn version(&self) -> R<String> {
        let r = self
            .0
            .query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT sqlite_version() AS v"))
            .await?
            .unwrap();
        Ok(r.try_get("", "v")?)
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        self.0.execute_unprepared(sql).await?;
        Ok(())
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let tx = self.0.begin().await?;
        videos::Entity::insert_many(v.into_iter().map(am)).exec(&tx).await?;
        Ok(tx.commit().await?)
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        let tx = self.0.begin().await?;
        videos::Entity::insert(am(v)).exec(&tx).await?;
        Ok(tx.commit().await?)
    }
    async fn upsert(&self, v: Video) -> R<()> {
        use videos::Column::*;
        let c = OnConflict::column(Id)
            .update_columns([
                ChannelId,
                Title,
                Description,
                PublishedAt,
                DurationSeconds,
                ViewCount,
                LikeCount,
                DislikeCount,
                CommentCount,
                CategoryId,
                CategoryName,
                Tags,
                ThumbnailUrl,
                UpdatedAt,
            ])
            .to_owned();
        videos::Entity::insert(am(v)).on_conflict(c).exec(&self.0).await?;
        Ok(())
    }
    async fn get(&self, id: String) -> R<Option<videos::Model>> {
        Ok(videos::Entity::find_by_id(id).one(&self.0).await?)
    }
    async fn list(&self, ch: String) -> R<Vec<videos::Model>> {
        Ok(videos::Entity::find()
            .filter(videos::Column::ChannelId.eq(ch))
            .order_by_desc(videos::Column::PublishedAt)
            .limit(50)
            .all(&self.0)
            .await?)
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<videos::Model>> {
        Ok(videos::Entity::find()
            .order_by_asc(videos::Column::PublishedAt)
            .limit(limit as u64)
            .offset(offset as u64)
            .all(&self.0)
            .await?)
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        let m = transcripts::Model {
            video_id: t.video_id,
            language: t.language,
            content: t.content,
            kind: t.kind,
            created_at: t.created_at,
            updated_at: t.updated_at,
        };
        transcripts::Entity::insert(m.into_active_model().reset_all()).exec(&self.0).await?;
        Ok(())
    }
    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        let v = Hit::find_by_statement(Statement::from_sql_and_values(
            DbBackend::Sqlite,
            pc::SEARCH_SQL,
            [q.into()],
        ))
        .all(&self.0)
        .await?;
        Ok(v.into_iter().map(|h| (h.video_id, h.score)).collect())
    }
    async fn claim(&self) -> R<Option<String>> {
        use tasks::Column::*;
        let next = Query::select()
            .column(Id)
            .from(tasks::Entity)
            .and_where(Status.eq("pending"))
            .order_by(CreatedAt, Order::Asc)
            .limit(1)
            .to_owned();
        let v = tasks::Entity::update_many()
            .col_expr(Status, "running".into())
            .col_expr(StartedAt, pc::data::dt(pc::TASK_NOW).into())
            .filter(Id.in_subquery(next))
            .exec_with_returning(&self.0)
            .await?;
        Ok(v.into_iter().next().map(|t| t.id))
    }
}
fn main() {
    pc::run::<P>()
}
