// The statements over rusqlite, shared by raw, probe and deadpool-sqlite (whose rusqlite versions differ).
// The including program brings `get_ts` (TIMESTAMP -> NaiveDateTime) and `put_ts` into scope.
use super::{get_ts, put_ts};
use peers_common::{self as pc, Transcript, Video};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

pub fn row(r: &Row) -> Result<Video> {
    Ok(Video {
        id: r.get(0)?,
        channel_id: r.get(1)?,
        title: r.get(2)?,
        description: r.get(3)?,
        published_at: get_ts(r, 4)?,
        duration_seconds: r.get(5)?,
        view_count: r.get(6)?,
        like_count: r.get(7)?,
        dislike_count: r.get(8)?,
        comment_count: r.get(9)?,
        category_id: r.get(10)?,
        category_name: r.get(11)?,
        tags: r.get(12)?,
        thumbnail_url: r.get(13)?,
        created_at: get_ts(r, 14)?,
        updated_at: get_ts(r, 15)?,
    })
}
fn put(c: &Connection, sql: &str, v: &Video) -> Result<usize> {
    c.prepare_cached(sql)?.execute(params![
        v.id,
        v.channel_id,
        v.title,
        v.description,
        put_ts(v.published_at),
        v.duration_seconds,
        v.view_count,
        v.like_count,
        v.dislike_count,
        v.comment_count,
        v.category_id,
        v.category_name,
        v.tags,
        v.thumbnail_url,
        put_ts(v.created_at),
        put_ts(v.updated_at)
    ])
}
pub fn insert(c: &Connection, v: &Video) -> Result<usize> {
    put(c, pc::insert_sql!(), v)
}
pub fn upsert(c: &Connection, v: &Video) -> Result<usize> {
    put(c, pc::upsert_sql!(), v)
}
pub fn insert_all(c: &mut Connection, v: &[Video]) -> Result<()> {
    let tx = c.transaction()?;
    for v in v {
        insert(&tx, v)?;
    }
    tx.commit()
}
pub fn insert_tx(c: &mut Connection, v: &Video) -> Result<()> {
    let tx = c.transaction()?;
    insert(&tx, v)?;
    tx.commit()
}
pub fn get(c: &Connection, id: &str) -> Result<Option<Video>> {
    c.prepare_cached(pc::get_sql!())?.query_row([id], row).optional()
}
pub fn list(c: &Connection, ch: &str) -> Result<Vec<Video>> {
    c.prepare_cached(pc::list_sql!())?.query_map([ch], row)?.collect()
}
pub fn page(c: &Connection, limit: i64, offset: i64) -> Result<Vec<Video>> {
    c.prepare_cached(pc::page_sql!())?.query_map([limit, offset], row)?.collect()
}
pub fn transcript(c: &Connection, t: &Transcript) -> Result<usize> {
    c.prepare_cached(pc::TRANSCRIPT_SQL)?.execute(params![
        t.video_id,
        t.language,
        t.content,
        t.kind,
        put_ts(t.created_at),
        put_ts(t.updated_at)
    ])
}
pub fn search(c: &Connection, q: &str) -> Result<Vec<(String, f64)>> {
    c.prepare_cached(pc::SEARCH_SQL)?.query_map([q], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
}
pub fn claim(c: &Connection) -> Result<Option<String>> {
    // all nine columns are read, as the other peers do
    c.prepare_cached(pc::CLAIM_SQL)?
        .query_row([put_ts(pc::data::dt(pc::TASK_NOW))], |r| {
            let (_t, _g, _s, _p, _e): (String, String, String, i64, Option<String>) =
                (r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?);
            (get_ts(r, 6)?, get_ts(r, 7)?);
            r.get(0)
        })
        .optional()
}
pub fn version(c: &Connection) -> Result<String> {
    c.query_row("SELECT sqlite_version()", [], |r| r.get(0))
}
