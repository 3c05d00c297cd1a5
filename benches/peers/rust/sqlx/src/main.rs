//! sqlx: its own pool (10 connections, one thread each), runtime `query_as`.
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video};
use sqlx::{QueryBuilder, Sqlite, SqlitePool, sqlite::*};
use std::{str::FromStr, time::Duration};
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

fn bind(sql: &'static str, v: Video) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
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
struct P(SqlitePool);
impl Peer for P {
    const NAME: &'static str = "sqlx";
    type V = Row;
    async fn open(c: &Cfg) -> R<P> {
        let o = SqliteConnectOptions::from_str(&format!("sqlite://{}", c.db))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .synchronous(if c.full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
            .busy_timeout(Duration::from_secs(5));
        let mut b = SqlitePoolOptions::new();
        if let Some(n) = c.pool {
            b = b.max_connections(n as u32)
        }
        if std::env::var_os("PEERS_NO_PING").is_some() {
            b = b.test_before_acquire(false)
        }
        Ok(P(b.connect_with(o).await?))
    }
    fn pool_size(&self) -> usize {
        self.0.options().get_max_connections() as usize
    }
    async fn version(&self) -> R<String> {
        Ok(sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&self.0).await?)
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        sqlx::raw_sql(sql).execute(&self.0).await?;
        Ok(())
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let mut tx = self.0.begin().await?;
        let mut q = QueryBuilder::<Sqlite>::new(concat!("INSERT INTO videos (", pc::cols!(), ") "));
        q.push_values(v, |mut b, v| {
            b.push_bind(v.id)
                .push_bind(v.channel_id)
                .push_bind(v.title)
                .push_bind(v.description)
                .push_bind(v.published_at)
                .push_bind(v.duration_seconds)
                .push_bind(v.view_count)
                .push_bind(v.like_count)
                .push_bind(v.dislike_count)
                .push_bind(v.comment_count)
                .push_bind(v.category_id)
                .push_bind(v.category_name)
                .push_bind(v.tags)
                .push_bind(v.thumbnail_url)
                .push_bind(v.created_at)
                .push_bind(v.updated_at);
        });
        q.build().execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        let mut tx = self.0.begin().await?;
        bind(pc::insert_sql!(), v).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
    async fn upsert(&self, v: Video) -> R<()> {
        bind(pc::upsert_sql!(), v).execute(&self.0).await?;
        Ok(())
    }
    async fn get(&self, id: String) -> R<Option<Row>> {
        Ok(sqlx::query_as(pc::get_sql!()).bind(id).fetch_optional(&self.0).await?)
    }
    async fn list(&self, ch: String) -> R<Vec<Row>> {
        Ok(sqlx::query_as(pc::list_sql!()).bind(ch).fetch_all(&self.0).await?)
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Row>> {
        Ok(sqlx::query_as(pc::page_sql!()).bind(limit).bind(offset).fetch_all(&self.0).await?)
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        sqlx::query(pc::TRANSCRIPT_SQL)
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
        Ok(sqlx::query_as(pc::SEARCH_SQL).bind(q).fetch_all(&self.0).await?)
    }
    async fn claim(&self) -> R<Option<String>> {
        let t: Option<Task> =
            sqlx::query_as(pc::CLAIM_SQL).bind(pc::data::dt(pc::TASK_NOW)).fetch_optional(&self.0).await?;
        Ok(t.map(|t| t.id))
    }
}
fn main() {
    pc::run::<P>()
}
