//! Tubeatlas's way to Postgres (its pool, its transactions with their retries, its statements) over the table of the
//! others: what is left when its schema does no more than theirs. The files are the adapter's own. Serializable but
//! for claims, as the adapter.
#![allow(dead_code, unused_imports, unused_macros)] // of the adapter's files not all is used
use std::sync::Arc;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types as st;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::FutureExt;
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video, pg};
use tubeatlas_ports::{SystemClock, UuidV7Generator};

#[path = "../../../../../adapters-postgres/src/config.rs"]
mod config;
#[path = "../../../../../adapters-postgres/src/engine.rs"]
mod engine;
#[path = "../../../../../adapters-postgres/src/error.rs"]
mod error;
#[path = "../../../../../adapters-postgres/src/pool.rs"]
mod pool;
#[path = "../../../../../adapters-postgres/src/retry.rs"]
mod retry;
#[path = "../../../../../adapters-postgres/src/session.rs"]
mod session;
#[path = "../../../../../adapters-postgres/src/statement.rs"]
mod statement;
#[path = "../../../../../adapters-postgres/src/tls.rs"]
mod tls;

/// No units of work here.
mod unit_of_work {
    use futures::future::BoxFuture;
    use tubeatlas_ports::Result;

    use crate::session::Transaction;

    pub(crate) enum Unit {}

    impl Unit {
        pub(crate) fn check_usable(&self) -> Result<()> {
            match *self {}
        }

        pub(crate) fn check_writable(&self) -> Result<()> {
            match *self {}
        }

        pub(crate) async fn run<T: Send + 'static>(
            &self,
            _: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Send + 'static,
        ) -> Result<T> {
            match *self {}
        }
    }
}

use config::{DatabaseUrl, PostgresConfig};
use engine::Engine;
use error::Context;
use session::{Session, changes};
use statement::{Bind, TextRow, sql};

diesel::table! { videos (id) {
    id -> Text, channel_id -> Text, title -> Text, description -> Nullable<Text>, published_at -> Timestamp, duration_seconds -> BigInt, view_count -> BigInt,
    like_count -> BigInt, dislike_count -> BigInt, comment_count -> BigInt, category_id -> Text, category_name -> Text, tags -> Text, thumbnail_url -> Text,
    created_at -> Timestamp, updated_at -> Timestamp,
} }
diesel::table! { transcripts (video_id, language) { video_id -> Text, language -> Text, content -> Text, kind -> Text, created_at -> Timestamp, updated_at -> Timestamp, } }

pc::video_struct!(
    #[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
    #[diesel(table_name = videos, treat_none_as_null = true, treat_none_as_default_value = false)]
    Row
);

#[derive(Clone, Insertable)]
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
struct Task {
    #[diesel(sql_type = st::Text)]
    id: String,
    #[diesel(sql_type = st::Text)]
    task_type: String,
    #[diesel(sql_type = st::Text)]
    target_id: String,
    #[diesel(sql_type = st::Text)]
    status: String,
    #[diesel(sql_type = st::BigInt)]
    progress_percent: i64,
    #[diesel(sql_type = st::Nullable<st::Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = st::Timestamp)]
    created_at: Ts,
    #[diesel(sql_type = st::Nullable<st::Timestamp>)]
    started_at: Option<Ts>,
    #[diesel(sql_type = st::Nullable<st::Timestamp>)]
    completed_at: Option<Ts>,
}

#[derive(QueryableByName)]
struct Hit {
    #[diesel(sql_type = st::Text)]
    video_id: String,
    #[diesel(sql_type = st::Double)]
    score: f64,
}

#[derive(Clone)]
struct P {
    engine: Arc<Engine>,
    session: Session,
}

/// A statement of `peers_common::pg` with the values of all columns, in their order; kept by its text, as the adapter's
/// own are (`statement.rs`), whose values are never `TIMESTAMP`s.
struct OfColumns<V>(&'static str, V);

impl<V> QueryId for OfColumns<V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

macro_rules! of_columns {
    ($($field:ident: $type:ty as $sql:ty),* $(,)?) => {
        /// Rows by their columns.
        #[derive(Default)]
        struct Rows {
            $($field: Vec<$type>),*
        }

        impl FromIterator<Video> for Rows {
            fn from_iter<I: IntoIterator<Item = Video>>(videos: I) -> Self {
                let mut rows = Self::default();
                for video in videos {
                    $(rows.$field.push(video.$field);)*
                }
                rows
            }
        }

        of_columns!(of Video: $($field as $sql),*);
        of_columns!(of Arc<Rows>: $($field as st::Array<$sql>),*);
    };
    (of $values:ty: $($field:ident as $sql:ty),*) => {
        impl QueryFragment<Pg> for OfColumns<$values> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let mut parts = self.0.split('$');
                out.push_sql(parts.next().unwrap_or_default());
                $(
                    out.push_bind_param::<$sql, _>(&self.1.$field)?;
                    out.push_sql(parts.next().unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit()));
                )*
                Ok(())
            }
        }
    };
}

of_columns! {
    id: String as st::Text, channel_id: String as st::Text, title: String as st::Text,
    description: Option<String> as st::Nullable<st::Text>, published_at: Ts as st::Timestamp,
    duration_seconds: i64 as st::BigInt, view_count: i64 as st::BigInt, like_count: i64 as st::BigInt,
    dislike_count: i64 as st::BigInt, comment_count: i64 as st::BigInt, category_id: String as st::Text,
    category_name: String as st::Text, tags: String as st::Text, thumbnail_url: String as st::Text,
    created_at: Ts as st::Timestamp, updated_at: Ts as st::Timestamp,
}

/// The statements of `peers_common::pg` have their parameters as Postgres has them.
fn asked(sql: &str) -> String {
    sql.replace('$', "?")
}

impl Peer for P {
    const NAME: &'static str = "tubeatlas-table";
    const SCHEMA: &'static str = pg::SCHEMA;
    const TASKS: &'static str = pg::TASKS;
    type V = Row;

    async fn open(c: &Cfg) -> R<P> {
        let mut config = PostgresConfig::new(DatabaseUrl::parse(&c.db)?);
        (config.pool_size, config.max_overflow) = (c.pool.unwrap_or(pg::POOL), 0);
        let engine = Engine::new(config.within_bounds(), Arc::new(SystemClock), Arc::new(UuidV7Generator))?;
        let engine = Arc::new(engine);
        Ok(P { session: Session::Store(Arc::clone(&engine)), engine })
    }

    fn pool_size(&self) -> usize {
        self.engine.config.pool_size
    }

    async fn version(&self) -> R<String> {
        let version = format!("{} AS value", pg::VERSION);
        let asked = self.session.read_once(move |mut c| {
            async move {
                sql::<st::Untyped>(version, Vec::new()).get_result::<TextRow>(&mut c).await.doing("asking")
            }
            .boxed()
        });
        Ok(asked.await?.value)
    }

    async fn exec(&self, sql: &'static str) -> R<()> {
        Ok(self.engine.pool.get().await?.batch_execute(&format!("BEGIN READ WRITE; {sql}; COMMIT")).await?)
    }

    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let (count, rows) = (v.len(), Arc::new(v.into_iter().collect::<Rows>()));
        let insert = self.session.write_items(count, move |transaction| {
            transaction
                .write_last(|mut c| {
                    let insert = OfColumns(pg::INSERT_ALL, rows).execute(&mut c);
                    Ok(vec![changes(insert, "inserting")])
                })
                .boxed()
        });
        Ok(insert.await?)
    }

    async fn insert_tx(&self, v: Video) -> R<()> {
        let row = pc::video_move!(v => Row);
        let insert = self.session.write(move |transaction| {
            transaction
                .write_last(|mut c| {
                    let insert = diesel::insert_into(videos::table).values(row).execute(&mut c);
                    Ok(vec![changes(insert, "inserting")])
                })
                .boxed()
        });
        Ok(insert.await?)
    }

    async fn upsert(&self, v: Video) -> R<()> {
        let upsert = self.session.write(move |transaction| {
            transaction
                .write_last(|mut c| {
                    let upsert = OfColumns(*pg::UPSERT, v).execute(&mut c);
                    Ok(vec![changes(upsert, "upserting")])
                })
                .boxed()
        });
        Ok(upsert.await?)
    }

    async fn get(&self, id: String) -> R<Option<Row>> {
        let get = self.session.read_once(move |mut c| {
            async move {
                let query = videos::table.find(id).select(Row::as_select());
                query.get_result(&mut c).await.optional().doing("getting")
            }
            .boxed()
        });
        Ok(get.await?)
    }

    async fn list(&self, ch: String) -> R<Vec<Row>> {
        let list = self.session.read_once(move |mut c| {
            async move {
                let query =
                    videos::table.filter(videos::channel_id.eq(ch)).order(videos::published_at.desc());
                query.limit(50).select(Row::as_select()).load(&mut c).await.doing("listing")
            }
            .boxed()
        });
        Ok(list.await?)
    }

    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Row>> {
        let page = self.session.read_once(move |mut c| {
            async move {
                let query = videos::table.order(videos::published_at).select(Row::as_select());
                query.limit(limit).offset(offset).load(&mut c).await.doing("listing")
            }
            .boxed()
        });
        Ok(page.await?)
    }

    async fn page_after(&self, limit: i64, after: Ts) -> R<Vec<Row>> {
        let page = self.session.read_once(move |mut c| {
            async move {
                let query = videos::table.filter(videos::published_at.gt(after)).order(videos::published_at);
                query.limit(limit).select(Row::as_select()).load(&mut c).await.doing("listing")
            }
            .boxed()
        });
        Ok(page.await?)
    }

    async fn transcript(&self, t: Transcript) -> R<()> {
        let Transcript { video_id, language, content, kind, created_at, updated_at } = t;
        let row = NewTranscript { video_id, language, content, kind, created_at, updated_at };
        let insert = self.session.write(move |transaction| {
            transaction
                .write_last(|mut c| {
                    let insert = diesel::insert_into(transcripts::table).values(row).execute(&mut c);
                    Ok(vec![changes(insert, "inserting")])
                })
                .boxed()
        });
        Ok(insert.await?)
    }

    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        let search = self.session.read_once(move |mut c| {
            async move {
                let search = sql::<st::Untyped>(asked(pg::SEARCH), vec![Bind::Text(Some(q))]);
                search.load::<Hit>(&mut c).await.doing("searching")
            }
            .boxed()
        });
        Ok(search.await?.into_iter().map(|hit| (hit.video_id, hit.score)).collect())
    }

    async fn claim(&self) -> R<Option<String>> {
        let claim = self.session.claim("a claim", |transaction| {
            transaction
                .run(|mut c| {
                    async move {
                        let now = vec![Bind::Text(Some(pc::data::dt(pc::TASK_NOW).to_string()))];
                        let claim =
                            sql::<st::Untyped>(asked(pg::CLAIM).replace("?1", "?1::text::timestamp"), now);
                        let task: Option<Task> =
                            claim.get_result(&mut c).await.optional().doing("claiming")?;
                        Ok(task)
                    }
                    .boxed()
                })
                .boxed()
        });
        Ok(claim.await?.map(|task| task.id))
    }
}

fn main() {
    peers_common::run::<P>()
}
