//! What the peers on Postgres share: the same statements as on SQLite, in Postgres' words.
use std::sync::LazyLock;

pub const SCHEMA: &str = include_str!("../../../schema-postgres.sql");
pub const TASKS: &str = include_str!("../../../tasks-postgres.sql");
/// Connections in every peer's pool.
pub const POOL: usize = 20;
pub const VERSION: &str = "SELECT current_setting('server_version')";

/// The level that `PEERS_ISOLATION` asks for.
pub fn isolation() -> Option<String> {
    std::env::var("PEERS_ISOLATION").ok()
}

/// `?1` as `$1`.
fn numbered(sql: &'static str) -> &'static str {
    sql.replace('?', "$").leak()
}

pub static INSERT: LazyLock<&str> = LazyLock::new(|| numbered(crate::insert_sql!()));
pub static UPSERT: LazyLock<&str> = LazyLock::new(|| numbered(crate::upsert_sql!()));
pub static GET: LazyLock<&str> = LazyLock::new(|| numbered(crate::get_sql!()));
pub static LIST: LazyLock<&str> = LazyLock::new(|| numbered(crate::list_sql!()));
pub static PAGE: LazyLock<&str> = LazyLock::new(|| numbered(crate::page_sql!()));
pub static TRANSCRIPT: LazyLock<&str> = LazyLock::new(|| numbered(crate::TRANSCRIPT_SQL));
pub const PAGE_AFTER: &str =
    concat!("SELECT ", crate::cols!(), " FROM videos WHERE published_at > $1 ORDER BY published_at LIMIT $2");
pub const INSERT_ALL: &str = concat!(
    "INSERT INTO videos (",
    crate::cols!(),
    ") SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamp[], $6::bigint[], $7::bigint[], $8::bigint[], \
     $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamp[], $16::timestamp[])"
);
pub const SEARCH: &str = "SELECT video_id, ts_rank(words, query)::float8 AS score FROM transcripts, plainto_tsquery('simple', $1) AS query WHERE words @@ query ORDER BY score DESC, video_id LIMIT 20";
pub const CLAIM: &str = "UPDATE processing_tasks SET status = 'running', started_at = $1 WHERE id = (SELECT id FROM processing_tasks WHERE status = 'pending' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, task_type, target_id, status, progress_percent, error_message, created_at, started_at, completed_at";
