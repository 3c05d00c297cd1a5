//! diesel-async over SyncConnectionWrapper<SqliteConnection> and its deadpool pool with default options (recycling = Verified).
use diesel::{prelude::*, sql_types as st, upsert::excluded};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
    deadpool::{Object, Pool},
};
use diesel_async::{
    AsyncConnection, RunQueryDsl, SimpleAsyncConnection, sync_connection_wrapper::SyncConnectionWrapper,
};
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video};

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
    #[diesel(table_name = videos, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_default_value = false)]
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
#[derive(Queryable, Selectable)]
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

type C = SyncConnectionWrapper<SqliteConnection>;
#[derive(Clone)]
struct P(Pool<C>);
impl P {
    async fn c(&self) -> R<Object<C>> {
        Ok(self.0.get().await?)
    }
}
impl Peer for P {
    const NAME: &'static str = "diesel-async";
    type V = Row;
    async fn open(c: &Cfg) -> R<P> {
        let pragmas: &'static str = c.pragmas().leak();
        let mut m = ManagerConfig::<C>::default();
        m.custom_setup = Box::new(move |url| {
            let url = url.to_string();
            Box::pin(async move {
                let mut c = C::establish(&url).await?;
                c.batch_execute(pragmas).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(c)
            })
        });
        if std::env::var_os("PEERS_NO_PING").is_some() {
            m.recycling_method = RecyclingMethod::Fast
        }
        let mut b = Pool::builder(AsyncDieselConnectionManager::new_with_config(&c.db, m));
        if let Some(n) = c.pool {
            b = b.max_size(n)
        }
        Ok(P(b.build()?))
    }
    fn pool_size(&self) -> usize {
        self.0.status().max_size
    }
    async fn version(&self) -> R<String> {
        Ok(diesel::sql_query("SELECT sqlite_version() AS v").get_result::<Ver>(&mut self.c().await?).await?.v)
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        Ok(self.c().await?.batch_execute(sql).await?)
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let rows: Vec<Row> = v.into_iter().map(|v| pc::video_move!(v => Row)).collect();
        let mut c = self.c().await?;
        // `values(&rows)` does not compile here: diesel-async has no SQLite batch insert. The way out of one hop a row is spawn_blocking.
        if std::env::var_os("DIESEL_W1_BLOCKING").is_some() {
            c.spawn_blocking(move |c| {
                c.transaction(|c| {
                    diesel::RunQueryDsl::execute(diesel::insert_into(videos::table).values(&rows), c)
                })
            })
            .await?;
            return Ok(());
        }
        c.transaction::<_, diesel::result::Error, _>(async |c| {
            for row in &rows {
                diesel::insert_into(videos::table).values(row).execute(c).await?;
            }
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
        // `first` binds `LIMIT ?`, and SQLite prepares a statement again whenever a bound LIMIT is set; PEERS_NO_LIMIT shows what that costs
        if std::env::var_os("PEERS_NO_LIMIT").is_some() {
            return Ok(videos::table
                .find(id)
                .select(Row::as_select())
                .get_result(&mut self.c().await?)
                .await
                .optional()?);
        }
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
            diesel::sql_query(pc::SEARCH_SQL).bind::<st::Text, _>(q).load(&mut self.c().await?).await?;
        Ok(v.into_iter().map(|h| (h.video_id, h.score)).collect())
    }
    async fn claim(&self) -> R<Option<String>> {
        use processing_tasks as t;
        let n = diesel::alias!(processing_tasks as n);
        let next = n
            .filter(n.field(t::status).eq("pending"))
            .order(n.field(t::created_at))
            .select(n.field(t::id))
            .limit(1);
        let r: Option<Task> = diesel::update(t::table.filter(t::id.eq_any(next)))
            .set((t::status.eq("running"), t::started_at.eq(pc::data::dt(pc::TASK_NOW))))
            .returning(Task::as_returning())
            .get_result(&mut self.c().await?)
            .await
            .optional()?;
        Ok(r.map(|t| t.id))
    }
}
fn main() {
    pc::run::<P>()
}
