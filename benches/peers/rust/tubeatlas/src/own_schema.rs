//! Tubeatlas against raw rusqlite on Tubeatlas's own schema, over the same SQLite, in one process: what the adapter
//! costs beside what its schema costs. The raw side writes the same rows, passages and index entries, and checks
//! nothing.
//!
//! `peer-own-schema [VIDEOS] [ROUNDS]` (50,000 and 5): medians, and the ratio inside each round.
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use peers_common::data::{self, channel, mix, vid};
use rusqlite::{Connection, params};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_domain::search::metadata_passages;
use tubeatlas_domain::*;
use tubeatlas_ports::*;

#[path = "entity.rs"]
mod entity;
use entity::entity;

type R<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const BATCH: usize = 1_000;
const CALLS: u64 = 300;

async fn open(path: &Path) -> R<SqliteStore> {
    let config = SqliteConfig::new(Location::File(path.to_owned()));
    Ok(SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await?)
}

async fn with_channels(path: &Path) -> R<SqliteStore> {
    let store = open(path).await?;
    for c in 0..1_000 {
        let fields = ChannelFields {
            id: ChannelId::parse(channel(c))?,
            title: format!("Channel {c}"),
            handle: None,
            url: None,
        };
        store.channels().create(&Channel::new(fields)?).await?;
    }
    Ok(store)
}

fn raw(path: &Path) -> R<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;
         PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 4000",
    )?;
    Ok(connection)
}

const COLUMNS: &str = "id, channel_id, title, url, published_at, duration_ms, view_count, like_count, dislike_count,
    comment_count, category_id, category_name, thumbnail_url, live_status, availability, created_at, updated_at,
    deleted_at, revision, tags, chapters, extra, description";

fn raw_insert(connection: &Connection, batch: &[Video]) -> R<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut revision: i64 = connection.query_row("SELECT revision FROM store_state", [], |r| r.get(0))?;
    let sql = format!(
        "INSERT INTO videos ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL,?,?,NULL,?,?,'[]','{{}}',?)"
    );
    let mut insert = connection.prepare_cached(&sql)?;
    let mut passage = connection
        .prepare_cached("INSERT INTO passages (video_id, language, ordinal) VALUES (?, NULL, ?)")?;
    let mut index = connection.prepare_cached("INSERT INTO passages_fts (rowid, tokens) VALUES (?, ?)")?;
    let number = |n: Option<u64>| n.map(|n| n as i64);
    for video in batch {
        revision += 1;
        let now = SystemClock.now().unix_micros();
        insert.execute(params![
            video.id.as_str(),
            video.channel_id.as_ref().map(ChannelId::as_str),
            video.title,
            video.url,
            video.published_at.map(|at| at.unix_micros()),
            number(video.duration_ms),
            number(video.view_count),
            number(video.like_count),
            number(video.dislike_count),
            number(video.comment_count),
            video.category_id,
            video.category_name,
            video.thumbnail_url,
            now,
            now,
            revision,
            serde_json::to_string(&video.tags)?,
            video.description,
        ])?;
        for found in metadata_passages(&video.title, video.description.as_deref()) {
            let id = passage.insert(params![video.id.as_str(), found.ordinal])?;
            index.execute(params![id, found.text])?;
        }
    }
    connection.execute("UPDATE store_state SET revision = ?", [revision])?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// A row as it is, all columns, nothing checked.
#[allow(dead_code)]
struct RawRow {
    texts: Vec<Option<String>>,
    numbers: Vec<Option<i64>>,
}

fn raw_get(connection: &Connection, ids: &[VideoId]) -> R<Vec<RawRow>> {
    let mut get = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM videos WHERE id = ?"))?;
    connection.execute_batch("BEGIN")?;
    let row = |row: &rusqlite::Row<'_>| {
        let texts = [0, 1, 2, 3, 10, 11, 12, 13, 14, 19, 20, 21, 22].map(|i| row.get(i));
        let numbers = [4, 5, 6, 7, 8, 9, 15, 16, 17, 18].map(|i| row.get(i));
        Ok(RawRow {
            texts: texts.into_iter().collect::<rusqlite::Result<_>>()?,
            numbers: numbers.into_iter().collect::<rusqlite::Result<_>>()?,
        })
    };
    let rows = ids.iter().map(|id| get.query_row([id.as_str()], row)).collect::<rusqlite::Result<_>>()?;
    connection.execute_batch("ROLLBACK")?;
    Ok(rows)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, unit: &str, ours: Vec<f64>, raw: Vec<f64>) {
    let ratio = median(ours.iter().zip(&raw).map(|(ours, raw)| ours / raw).collect());
    println!("| {what} | {:.1} {unit} | {:.1} {unit} | {ratio:.2} |", median(ours), median(raw));
}

fn main() -> R<()> {
    let mut numbers = std::env::args().skip(1).map(|n| n.parse::<u64>());
    let (videos, rounds) = (numbers.next().unwrap_or(Ok(50_000))?, numbers.next().unwrap_or(Ok(5))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let all: Vec<Video> = (0..videos).map(|i| entity(data::video(i, 0))).collect::<R<_>>()?;
    let (mut ours_in, mut raw_in, mut ours_get, mut raw_get_us) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ours.db");
        let other = folder.path().join("raw.db");
        runtime.block_on(async { R::Ok(with_channels(&other).await?.close().await?) })?;
        let connection = raw(&other)?;
        let store = runtime.block_on(with_channels(&path))?;
        // Batches alternate, so that noise meets both.
        let (mut ours, mut theirs) = (0.0, 0.0);
        for batch in all.chunks(BATCH) {
            let begun = Instant::now();
            runtime.block_on(store.videos().create_many(batch))?;
            ours += begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            raw_insert(&connection, batch)?;
            theirs += begun.elapsed().as_secs_f64();
        }
        ours_in.push(videos as f64 / ours / 1e3);
        raw_in.push(videos as f64 / theirs / 1e3);
        let (mut ours, mut theirs) = (vec![], vec![]);
        for call in 0..CALLS {
            let id = |n| VideoId::parse(vid(mix(round << 40 | call << 20 | n) % videos));
            let ids: Vec<VideoId> = (0..100).map(id).collect::<Result<_, _>>()?;
            // Who comes second finds the file's pages in the processor's cache: each does so every other time.
            for turn in [call % 2, 1 - call % 2] {
                let begun = Instant::now();
                let (found, times) = if turn == 0 {
                    let found = runtime.block_on(store.videos().get_many(&ids, Visibility::Live))?;
                    (found.iter().flatten().count(), &mut ours)
                } else {
                    (raw_get(&connection, &ids)?.len(), &mut theirs)
                };
                times.push(begun.elapsed().as_secs_f64() * 1e6);
                assert_eq!(found, 100);
            }
        }
        ours_get.push(median(ours));
        raw_get_us.push(median(theirs));
        runtime.block_on(store.close())?;
    }
    println!("{videos} videos, {rounds} rounds, medians; SQLite {}\n", rusqlite::version());
    println!("| | tubeatlas | raw rusqlite | ratio |\n| --- | --- | --- | --- |");
    report("bulk insert, 1,000 a transaction", "k rows/s", ours_in, raw_in);
    report("get_many of 100", "µs", ours_get, raw_get_us);
    Ok(())
}
