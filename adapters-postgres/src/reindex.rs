//! Building what is searched anew from what it follows from.

use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tubeatlas_domain::{LanguageTag, Transcript, TranscriptId, VideoId};
use tubeatlas_ports::Result;

use crate::columns::RowName;
use crate::error::Context;
use crate::index_version;
use crate::passages::{self, Text as Searched};
use crate::statement::{Bind, NumberRow, sql};
use crate::store::PostgresStore;
use crate::table::Table;

/// How many texts are in memory at a time.
const TEXTS: usize = 50;

/// What was indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// How many videos' titles and descriptions.
    pub videos: u64,
    /// How many transcripts.
    pub transcripts: u64,
    /// How many passages they have.
    pub passages: u64,
    /// How long it took.
    pub elapsed: Duration,
}

#[derive(QueryableByName)]
struct VideoRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Text>)]
    description: Option<String>,
}

#[derive(QueryableByName)]
struct TranscriptRow {
    #[diesel(sql_type = Text)]
    video_id: String,
    #[diesel(sql_type = Text)]
    language: String,
}

/// Nobody changes a text meanwhile: first all wait for who does, and then who wants to waits. Only what is read after that
/// is of one moment. The pages may take longer than a statement of a call may.
const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE; SET LOCAL statement_timeout = 0;
     LOCK TABLE videos, transcripts, passages IN SHARE ROW EXCLUSIVE MODE; DELETE FROM passages";

impl PostgresStore {
    /// Builds the full-text index anew: all of it or nothing. Others can read and search meanwhile, and see the old index
    /// until it is done; who writes videos or transcripts waits, and times out if it takes longer than a lock is waited
    /// for. If the future is dropped, nothing has happened.
    ///
    /// # Errors
    /// As of every call of the store.
    pub async fn reindex(&self) -> Result<Reindexed> {
        let begun = Instant::now();
        let engine = self.engine();
        let _inside = engine.enter()?;
        let mut connection = engine.pool.get().await?;
        connection.soil(); // and so closed, when all is done
        let reindexed = reindex(&mut connection).await.map_err(|error| engine.explain(error))?;
        Ok(Reindexed { elapsed: begun.elapsed(), ..reindexed })
    }
}

async fn reindex(connection: &mut AsyncPgConnection) -> Result<Reindexed> {
    connection.batch_execute(BEGIN).await.doing("emptying the index")?;
    let videos = index_videos(connection).await?;
    let transcripts = index_transcripts(connection).await?;
    index_version::write(connection).await?;
    let count = "SELECT count(*) AS value FROM passages";
    let passages: NumberRow =
        sql(count, Vec::new()).get_result(connection).await.doing("counting the passages")?;
    // Stores count the passages anew when somebody has drawn a revision.
    connection
        .batch_execute("SELECT nextval('store_revision'); COMMIT")
        .await
        .doing("committing the index")?;
    let passages = u64::try_from(passages.value).unwrap_or(0);
    Ok(Reindexed { videos, transcripts, passages, elapsed: Duration::ZERO })
}

async fn index_videos(connection: &mut AsyncPgConnection) -> Result<u64> {
    let page = format!("SELECT id, title, description FROM videos WHERE id > ?1 ORDER BY id LIMIT {TEXTS}");
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let binds = vec![Bind::Text(Some(after.clone()))];
        let rows: Vec<VideoRow> =
            sql::<Untyped>(page.clone(), binds).load(connection).await.doing("reading videos")?;
        let Some(last) = rows.last() else { return Ok(count) };
        after.clone_from(&last.id);
        for VideoRow { id, title, description } in rows {
            let row = RowName { table: "videos", key: &id };
            let id = row.check(VideoId::parse(id.clone()))?;
            write(connection, Searched::of_metadata(&id, &title, description.as_deref())).await?;
            count += 1;
        }
    }
}

async fn index_transcripts(connection: &mut AsyncPgConnection) -> Result<u64> {
    let page = format!(
        "SELECT video_id, language FROM transcripts WHERE (video_id, language) > (?1, ?2)
         ORDER BY video_id, language LIMIT {TEXTS}"
    );
    let (mut after, mut count) = ((String::new(), String::new()), 0);
    loop {
        let binds = vec![Bind::Text(Some(after.0.clone())), Bind::Text(Some(after.1.clone()))];
        let rows: Vec<TranscriptRow> =
            sql::<Untyped>(page.clone(), binds).load(connection).await.doing("reading transcripts")?;
        let Some(last) = rows.last() else { return Ok(count) };
        after = (last.video_id.clone(), last.language.clone());
        let ids = rows.into_iter().map(|TranscriptRow { video_id, language }| {
            let row = RowName { table: "transcripts", key: &video_id };
            let language = row.check(LanguageTag::parse(language))?;
            Ok(TranscriptId { video_id: row.check(VideoId::parse(video_id.clone()))?, language })
        });
        for loaded in Transcript::load_many(connection, &ids.collect::<Result<Vec<_>>>()?).await? {
            write(connection, Searched::of_transcript(&loaded.stored.entity)).await?;
            count += 1;
        }
    }
}

async fn write(connection: &AsyncPgConnection, text: Searched<'_>) -> Result<()> {
    for statement in passages::insert(connection, [text]) {
        statement.await?;
    }
    Ok(())
}
