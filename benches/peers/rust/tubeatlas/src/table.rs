//! Tubeatlas's way to SQLite (its writer, its readers, its statements) over the table of the others: what is left
//! when its schema does no more than theirs. The files are the adapter's own.
#![allow(dead_code)]
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types as st;
use peers_common::{self as pc, Cfg, Peer, R, Transcript, Ts, Video};
use tokio::sync::oneshot;

#[path = "../../../../../adapters-sqlite/src/checkpointer.rs"]
mod checkpointer;
#[path = "../../../../../adapters-sqlite/src/config.rs"]
mod config;
#[path = "../../../../../adapters-sqlite/src/connection.rs"]
mod connection;
#[path = "../../../../../adapters-sqlite/src/error.rs"]
mod error;
#[path = "../../../../../adapters-sqlite/src/file.rs"]
mod file;
#[path = "../../../../../adapters-sqlite/src/metrics.rs"]
mod metrics;
#[path = "../../../../../adapters-sqlite/src/pool.rs"]
mod pool;
#[path = "../../../../../adapters-sqlite/src/ticket.rs"]
mod ticket;
#[path = "../../../../../adapters-sqlite/src/wal.rs"]
mod wal;
#[path = "../../../../../adapters-sqlite/src/writer.rs"]
mod writer;

// The others' table has no titles to weigh.
mod search {
    use diesel::prelude::*;

    pub(crate) fn register_weight(_: &mut SqliteConnection) -> QueryResult<()> {
        Ok(())
    }
}

/// The full-text index is kept by a trigger here, so nothing waits for the end of a transaction.
mod passages {
    #[derive(Default)]
    pub(crate) struct IndexChanges;

    impl IndexChanges {
        pub(crate) fn len(&self) -> usize {
            0
        }

        pub(crate) fn truncate(&mut self, _: usize) {}

        pub(crate) fn apply(&mut self, _: &mut diesel::SqliteConnection) -> tubeatlas_ports::Result<()> {
            Ok(())
        }
    }
}

/// The index of the others has no list of its words.
mod common_words {
    pub(crate) const VOCABULARY: &str = "";
}

use config::{Location, SqliteConfig, Synchronous};
use connection::{ConnectionSettings, Connections};
use error::Context;
use pool::{Length, Moment, ReaderPool};
use writer::Writer;

diesel::table! { videos (id) {
    id -> Text, channel_id -> Text, title -> Text, description -> Nullable<Text>, published_at -> Timestamp, duration_seconds -> BigInt, view_count -> BigInt,
    like_count -> BigInt, dislike_count -> BigInt, comment_count -> BigInt, category_id -> Text, category_name -> Text, tags -> Text, thumbnail_url -> Text,
    created_at -> Timestamp, updated_at -> Timestamp,
} }
diesel::table! { transcripts (video_id, language) { video_id -> Text, language -> Text, content -> Text, kind -> Text, created_at -> Timestamp, updated_at -> Timestamp, } }

pc::video_struct!(
    #[derive(Queryable, Selectable, Insertable, AsChangeset)]
    #[diesel(table_name = videos, treat_none_as_null = true, treat_none_as_default_value = false)]
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

#[path = "../../../../../adapters-sqlite/src/statement.rs"]
mod statement;
use statement::{Bind, sql, update};

struct Engine {
    readers: ReaderPool,
    writer: Writer,
    pool: usize,
    /// The place in front of the page of W8.
    last: tokio::sync::OnceCell<Ts>,
}

#[derive(Clone)]
struct P(Arc<Engine>);

type Done<T> = tubeatlas_ports::Result<T>;

impl P {
    async fn read<T: Send + 'static>(
        &self,
        length: Length,
        work: impl FnOnce(&mut SqliteConnection) -> Done<T> + Send + 'static,
    ) -> R<T> {
        Ok(self.0.readers.run(length, Moment::OfEach, work).await?)
    }

    async fn row_before(&self, offset: i64) -> R<Ts> {
        self.read(Length::Long, move |c| {
            let query = videos::table.order(videos::published_at).select(videos::published_at);
            query.offset(offset - 1).first(c).doing("looking for a page")
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Done<T> + Send + 'static,
    ) -> R<T> {
        Ok(self.0.writer.write(move |connection, _| work(connection)).await?)
    }
}

fn insert(connection: &mut SqliteConnection, row: &Row) -> Done<()> {
    diesel::insert_into(videos::table).values(row).execute(connection).doing("inserting").map(drop)
}

impl Peer for P {
    const NAME: &'static str = "tubeatlas-table";
    type V = Row;

    async fn open(c: &Cfg) -> R<P> {
        let path = std::path::PathBuf::from(&c.db);
        let mut config = SqliteConfig::new(Location::File(path.clone()));
        config.synchronous = if c.full { Synchronous::Full } else { Synchronous::Normal };
        config.pool_size = c.pool.unwrap_or(config.pool_size);
        let mut connection = ConnectionSettings::new(&config, false).open(&c.db)?;
        diesel::connection::SimpleConnection::batch_execute(&mut connection, "PRAGMA journal_mode = WAL")?;
        let connections = Connections::new();
        let settings = ConnectionSettings::new(&config, true);
        let metrics = Arc::new(metrics::Metrics::new());
        let readers =
            ReaderPool::new(c.db.clone(), settings, &config, Arc::clone(&connections), Arc::clone(&metrics));
        let identity = file::FileIdentity::of(&path)?;
        let writer = Writer::start(connection, c.db.clone(), &config, &connections, identity, metrics)?;
        Ok(P(Arc::new(Engine { readers, writer, pool: config.pool_size, last: Default::default() })))
    }

    fn pool_size(&self) -> usize {
        self.0.pool
    }

    async fn version(&self) -> R<String> {
        let version = diesel::dsl::sql::<st::Text>("sqlite_version()");
        self.read(Length::Short, |c| diesel::select(version).get_result(c).doing("asking for the version"))
            .await
    }

    async fn exec(&self, sql: &'static str) -> R<()> {
        let (writer, done) = (self.0.writer.clone(), "making the schema");
        let result = writer.alone(move |c, answer: oneshot::Sender<Done<()>>| {
            let _ = answer.send(diesel::connection::SimpleConnection::batch_execute(c, sql).doing(done));
        });
        Ok(result.await??)
    }

    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let rows: Vec<Row> = v.into_iter().map(|v| pc::video_move!(v => Row)).collect();
        self.write(move |c| rows.iter().try_for_each(|row| insert(c, row))).await
    }

    async fn insert_tx(&self, v: Video) -> R<()> {
        let row = pc::video_move!(v => Row);
        self.write(move |c| insert(c, &row)).await
    }

    /// As the adapter does it: an update, or an insert if there is no such row.
    async fn upsert(&self, v: Video) -> R<()> {
        let row = pc::video_move!(v => Row);
        self.write(move |c| {
            let changed = update(videos::table, &row, videos::id.eq(&row.id)).execute(c).doing("updating")?;
            if changed == 0 { insert(c, &row) } else { Ok(()) }
        })
        .await
    }

    async fn get(&self, id: String) -> R<Option<Row>> {
        self.read(Length::Short, move |c| {
            let query = videos::table.find(id).select(Row::as_select());
            query.get_result(c).optional().doing("getting")
        })
        .await
    }

    async fn list(&self, ch: String) -> R<Vec<Row>> {
        self.read(Length::Short, move |c| {
            let query = videos::table.filter(videos::channel_id.eq(ch)).order(videos::published_at.desc());
            statement::limited(query.select(Row::as_select()), 50).load(c).doing("listing")
        })
        .await
    }

    /// Behind the row before it, which is looked up once: no page of ours has an OFFSET.
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Row>> {
        let last = self.0.last.get_or_try_init(|| self.row_before(offset)).await?.clone();
        self.read(Length::Short, move |c| {
            let query = videos::table.filter(videos::published_at.gt(last)).order(videos::published_at);
            statement::limited(query.select(Row::as_select()), limit).load(c).doing("listing")
        })
        .await
    }

    async fn transcript(&self, t: Transcript) -> R<()> {
        let Transcript { video_id, language, content, kind, created_at, updated_at } = t;
        let row = NewTranscript { video_id, language, content, kind, created_at, updated_at };
        self.write(move |c| {
            diesel::insert_into(transcripts::table).values(&row).execute(c).doing("inserting").map(drop)
        })
        .await
    }

    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        let hits: Vec<Hit> = self
            .read(Length::Long, |c| sql(pc::SEARCH_SQL, vec![Bind::Text(Some(q))]).load(c).doing("searching"))
            .await?;
        Ok(hits.into_iter().map(|hit| (hit.video_id, hit.score)).collect())
    }

    async fn claim(&self) -> R<Option<String>> {
        let now = pc::data::dt(pc::TASK_NOW).to_string();
        let task: Option<Task> = self
            .write(|c| {
                let claim = sql(pc::CLAIM_SQL, vec![Bind::Text(Some(now))]);
                claim.get_result(c).optional().doing("claiming")
            })
            .await?;
        Ok(task.map(|task| task.id))
    }
}

fn main() {
    peers_common::run::<P>()
}
