//! sqlx on Postgres: its own pool, runtime `query_as`, bulk by UNNEST (which its own questions and answers recommend).
//! `PEERS_ISOLATION=serializable`: every connection at that level.
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video, pg};
use sqlx::{PgPool, Postgres, postgres::*};
use std::str::FromStr;
pc::video_struct!(
    #[derive(sqlx::FromRow)]
    Row
);

#[derive(sqlx::FromRow)]
#[allow(dead_code)]
struct Task {
    id: String,
    task_type: String,
    target_id: String,
    status: String,
    progress_percent: i64,
    error_message: Option<String>,
    created_at: Ts,
    started_at: Option<Ts>,
    completed_at: Option<Ts>,
}

fn bind(sql: &'static str, v: Video) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    sqlx::query(sql)
        .bind(v.id)
        .bind(v.channel_id)
        .bind(v.title)
        .bind(v.description)
        .bind(v.published_at)
        .bind(v.duration_seconds)
        .bind(v.view_count)
        .bind(v.like_count)
        .bind(v.dislike_count)
        .bind(v.comment_count)
        .bind(v.category_id)
        .bind(v.category_name)
        .bind(v.tags)
        .bind(v.thumbnail_url)
        .bind(v.created_at)
        .bind(v.updated_at)
}
#[derive(Clone)]
struct P(PgPool);
impl Peer for P {
    const NAME: &'static str = "sqlx";
    const SCHEMA: &'static str = pg::SCHEMA;
    const TASKS: &'static str = pg::TASKS;
    type V = Row;
    async fn open(c: &Cfg) -> R<P> {
        let mut o = PgConnectOptions::from_str(&c.db)?;
        if let Some(level) = pg::isolation() {
            o = o.options([("default_transaction_isolation", level)])
        }
        let pool = PgPoolOptions::new().max_connections(c.pool.unwrap_or(pg::POOL) as u32);
        Ok(P(pool.connect_with(o).await?))
    }
    fn pool_size(&self) -> usize {
        self.0.options().get_max_connections() as usize
    }
    async fn version(&self) -> R<String> {
        Ok(sqlx::query_scalar(pg::VERSION).fetch_one(&self.0).await?)
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        sqlx::raw_sql(sql).execute(&self.0).await?;
        Ok(())
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        macro_rules! columns {
            ($($name:ident),*) => {{
                $(let mut $name = Vec::with_capacity(v.len());)*
                for v in v {
                    $($name.push(v.$name);)*
                }
                sqlx::query(pg::INSERT_ALL)$(.bind($name))*
            }};
        }
        let insert = columns!(
            id,
            channel_id,
            title,
            description,
            published_at,
            duration_seconds,
            view_count,
            like_count,
            dislike_count,
            comment_count,
            category_id,
            category_name,
            tags,
            thumbnail_url,
            created_at,
            updated_at
        );
        let mut tx = self.0.begin().await?;
        insert.execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        let mut tx = self.0.begin().await?;
        bind(&pg::INSERT, v).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
    async fn upsert(&self, v: Video) -> R<()> {
        bind(&pg::UPSERT, v).execute(&self.0).await?;
        Ok(())
    }
    async fn get(&self, id: String) -> R<Option<Row>> {
        Ok(sqlx::query_as(*pg::GET).bind(id).fetch_optional(&self.0).await?)
    }
    async fn list(&self, ch: String) -> R<Vec<Row>> {
        Ok(sqlx::query_as(*pg::LIST).bind(ch).fetch_all(&self.0).await?)
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Row>> {
        Ok(sqlx::query_as(*pg::PAGE).bind(limit).bind(offset).fetch_all(&self.0).await?)
    }
    async fn page_after(&self, limit: i64, after: Ts) -> R<Vec<Row>> {
        Ok(sqlx::query_as(pg::PAGE_AFTER).bind(after).bind(limit).fetch_all(&self.0).await?)
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        sqlx::query(*pg::TRANSCRIPT)
            .bind(t.video_id)
            .bind(t.language)
            .bind(t.content)
            .bind(t.kind)
            .bind(t.created_at)
            .bind(t.updated_at)
            .execute(&self.0)
            .await?;
        Ok(())
    }
    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        Ok(sqlx::query_as(pg::SEARCH).bind(q).fetch_all(&self.0).await?)
    }
    async fn claim(&self) -> R<Option<String>> {
        let t: Option<Task> =
            sqlx::query_as(pg::CLAIM).bind(pc::data::dt(pc::TASK_NOW)).fetch_optional(&self.0).await?;
        Ok(t.map(|t| t.id))
    }
}
fn main() {
    pc::run::<P>()
}
