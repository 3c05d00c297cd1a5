//! diesel-async's native connection to Postgres and its deadpool pool with default options (recycling = Verified).
//! `PEERS_ISOLATION=serializable`: every connection at that level.
use diesel::{prelude::*, sql_types as st, upsert::excluded};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig,
    deadpool::{Object, Pool},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video, pg};

diesel::table! { videos (id) {
    id -> Text, channel_id -> Text, title -> Text, description -> Nullable<Text>, published_at -> Timestamp, duration_seconds -> BigInt, view_count -> BigInt,
    like_count -> BigInt, dislike_count -> BigInt, comment_count -> BigInt, category_id -> Text, category_name -> Text, tags -> Text, thumbnail_url -> Text,
    created_at -> Timestamp, updated_at -> Timestamp,
} }
diesel::table! { transcripts (video_id, language) { video_id -> Text, language -> Text, content -> Text, kind -> Text, created_at -> Timestamp, updated_at -> Timestamp, } }
diesel::table! { processing_tasks (id) {
    id -> Text, task_type -> Text, target_id -> Text, status -> Text, progress_percent -> BigInt, error_message -> Nullable<Text>, created_at -> Timestamp,
    started_at -> Nullable<Timestamp>, completed_at -> Nullable<Timestamp>,
} }
pc::video_struct!(
    #[derive(Queryable, Selectable, Insertable)]
    #[diesel(table_name = videos, check_for_backend(diesel::pg::Pg), treat_none_as_default_value = false)]
    Row
);
#[derive(Insertable)]
#[diesel(table_name = transcripts)]
struct NewTranscript {
    video_id: String,
    language: String,
    content: String,
    kind: String,
    created_at: Ts,
    updated_at: Ts,
}
#[derive(QueryableByName)]
#[diesel(table_name = processing_tasks)]
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
#[derive(QueryableByName)]
struct Hit {
    #[diesel(sql_type = st::Text)]
    video_id: String,
    #[diesel(sql_type = st::Double)]
    score: f64,
}
#[derive(QueryableByName)]
struct Ver {
    #[diesel(sql_type = st::Text)]
    v: String,
}

type C = AsyncPgConnection;
#[derive(Clone)]
struct P(Pool<C>);
impl P {
    async fn c(&self) -> R<Object<C>> {
        Ok(self.0.get().await?)
    }
}
impl Peer for P {
    const NAME: &'static str = "diesel-async";
    const SCHEMA: &'static str = pg::SCHEMA;
    const TASKS: &'static str = pg::TASKS;
    type V = Row;
    async fn open(c: &Cfg) -> R<P> {
        let mut m = ManagerConfig::<C>::default();
        if let Some(level) = pg::isolation() {
            let set: &'static str = format!("SET default_transaction_isolation = '{level}'").leak();
            m.custom_setup = Box::new(move |url| {
                let url = url.to_string();
                Box::pin(async move {
                    let mut c = C::establish(&url).await?;
                    c.batch_execute(set).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                    Ok(c)
                })
            });
        }
        let manager = AsyncDieselConnectionManager::new_with_config(&c.db, m);
        Ok(P(Pool::builder(manager).max_size(c.pool.unwrap_or(pg::POOL)).build()?))
    }
    fn pool_size(&self) -> usize {
        self.0.status().max_size
    }
    async fn version(&self) -> R<String> {
        Ok(diesel::sql_query(format!("{} AS v", pg::VERSION))
            .get_result::<Ver>(&mut self.c().await?)
            .await?
            .v)
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        Ok(self.c().await?.batch_execute(sql).await?)
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let rows: Vec<Row> = v.into_iter().map(|v| pc::video_move!(v => Row)).collect();
        let mut c = self.c().await?;
        c.transaction::<_, diesel::result::Error, _>(async |c| {
            diesel::insert_into(videos::table).values(&rows).execute(c).await?;
            Ok(())
        })
        .await?;
        Ok(())
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        let row = pc::video_move!(v => Row);
        self.c()
            .await?
            .transaction::<_, diesel::result::Error, _>(async |c| {
                diesel::insert_into(videos::table).values(&row).execute(c).await?;
                Ok(())
            })
            .await?;
        Ok(())
    }
    async fn upsert(&self, v: Video) -> R<()> {
        use videos::*;
        diesel::insert_into(table)
            .values(pc::video_move!(v => Row))
            .on_conflict(id)
            .do_update()
            .set((
                channel_id.eq(excluded(channel_id)),
                title.eq(excluded(title)),
                description.eq(excluded(description)),
                published_at.eq(excluded(published_at)),
                duration_seconds.eq(excluded(duration_seconds)),
                view_count.eq(excluded(view_count)),
                like_count.eq(excluded(like_count)),
                dislike_count.eq(excluded(dislike_count)),
                comment_count.eq(excluded(comment_count)),
                category_id.eq(excluded(category_id)),
                category_name.eq(excluded(category_name)),
                tags.eq(excluded(tags)),
                thumbnail_url.eq(excluded(thumbnail_url)),
                updated_at.eq(excluded(updated_at)),
            ))
            .execute(&mut self.c().await?)
            .await?;
        Ok(())
    }
    async fn get(&self, id: String) -> R<Option<Row>> {
        Ok(videos::table.find(id).select(Row::as_select()).first(&mut self.c().await?).await.optional()?)
    }
    async fn list(&self, ch: String) -> R<Vec<Row>> {
        Ok(videos::table
            .filter(videos::channel_id.eq(ch))
            .order(videos::published_at.desc())
            .limit(50)
            .select(Row::as_select())
            .load(&mut self.c().await?)
            .await?)
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Row>> {
        Ok(videos::table
            .order(videos::published_at)
            .limit(limit)
            .offset(offset)
            .select(Row::as_select())
            .load(&mut self.c().await?)
            .await?)
    }
    async fn page_after(&self, limit: i64, after: Ts) -> R<Vec<Row>> {
        Ok(videos::table
            .filter(videos::published_at.gt(after))
            .order(videos::published_at)
            .limit(limit)
            .select(Row::as_select())
            .load(&mut self.c().await?)
            .await?)
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        let t = NewTranscript {
            video_id: t.video_id,
            language: t.language,
            content: t.content,
            kind: t.kind,
            created_at: t.created_at,
            updated_at: t.updated_at,
        };
        diesel::insert_into(transcripts::table).values(t).execute(&mut self.c().await?).await?;
        Ok(())
    }
    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        let v: Vec<Hit> =
            diesel::sql_query(pg::SEARCH).bind::<st::Text, _>(q).load(&mut self.c().await?).await?;
        Ok(v.into_iter().map(|h| (h.video_id, h.score)).collect())
    }
    async fn claim(&self) -> R<Option<String>> {
        // `FOR UPDATE SKIP LOCKED` takes part in no subquery of Diesel's
        let task: Option<Task> = diesel::sql_query(pg::CLAIM)
            .bind::<st::Timestamp, _>(pc::data::dt(pc::TASK_NOW))
            .get_result(&mut self.c().await?)
            .await
            .optional()?;
        Ok(task.map(|t| t.id))
    }
}
fn main() {
    pc::run::<P>()
}
