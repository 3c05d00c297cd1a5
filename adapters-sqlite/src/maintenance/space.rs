//! What takes how much room, and giving it back.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::Result;

use super::{Maintenance, bytes};
use crate::check::number;
use crate::checkpointer::{Mode, Progress};
use crate::connection::pragma;
use crate::error::Context;
use crate::file::DatabaseFile;

/// What a database consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// The database file, in bytes.
    pub database_bytes: u64,
    /// The write-ahead log, in bytes: what it takes on disk, used or not.
    pub wal_bytes: u64,
    /// What of the database file holds nothing, in bytes; [`Maintenance::vacuum`] gives it back.
    pub free_bytes: u64,
    /// The size of a page, in bytes.
    pub page_bytes: u64,
    /// The tables, by name; the full-text index and the schema itself are among them.
    pub tables: Vec<TableStats>,
}

/// What a table consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The pages of the table, in bytes.
    pub table_bytes: u64,
    /// The pages of its indexes, in bytes.
    pub index_bytes: u64,
}

/// What became of a database that was vacuumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacuumed {
    /// The size of the database before, in bytes.
    pub bytes_before: u64,
    /// The size of the database after, in bytes.
    pub bytes_after: u64,
}

/// What became of a write-ahead log that was to be brought into the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whether all of it was brought over, and the log is empty: not if somebody read or wrote all the time.
    pub complete: bool,
    /// The size of the log before, in bytes.
    pub bytes_before: u64,
    /// The size of the log after, in bytes.
    pub bytes_after: u64,
}

#[derive(QueryableByName)]
struct PagesRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    table_bytes: i64,
    #[diesel(sql_type = BigInt)]
    index_bytes: i64,
}

impl Maintenance {
    /// Counts rows and pages. Takes as long as reading the whole file does.
    ///
    /// # Errors
    /// Those of all methods.
    pub async fn stats(&self) -> Result<Stats> {
        self.run(stats).await
    }

    /// Writes the database anew, without the room that nothing uses, and empties the log. Others can read meanwhile;
    /// writers wait, and time out if it takes longer than they are ready to. It needs free space of twice the
    /// size of the database.
    ///
    /// # Errors
    /// Those of all methods.
    pub async fn vacuum(&self) -> Result<Vacuumed> {
        self.run(|connection, _| {
            let bytes_before = database_bytes(connection)?;
            connection.batch_execute("VACUUM").doing("vacuuming the database")?;
            checkpoint(connection)?;
            Ok(Vacuumed { bytes_before, bytes_after: database_bytes(connection)? })
        })
        .await
    }

    /// Brings the write-ahead log into the database and empties it. Readers and writers are waited for, for as long as
    /// [`busy_timeout`](crate::SqliteConfig::busy_timeout).
    ///
    /// # Errors
    /// Those of all methods.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        self.run(|connection, file| {
            let log = file.beside("-wal");
            let bytes_before = bytes(&log);
            let complete = checkpoint(connection)?;
            Ok(Checkpoint { complete, bytes_before, bytes_after: bytes(&log) })
        })
        .await
    }
}

/// Whether everything was brought over.
pub(super) fn checkpoint(connection: &mut SqliteConnection) -> Result<bool> {
    Ok(!Progress::of(connection, Mode::Truncate)?.in_the_way())
}

fn database_bytes(connection: &mut SqliteConnection) -> Result<u64> {
    Ok(unsigned(pragma(connection, "page_count")?) * unsigned(pragma(connection, "page_size")?))
}

fn stats(connection: &mut SqliteConnection, file: &DatabaseFile) -> Result<Stats> {
    connection.batch_execute("BEGIN").doing("beginning a read")?; // all of one moment
    let page_bytes = unsigned(pragma(connection, "page_size")?);
    Ok(Stats {
        database_bytes: database_bytes(connection)?,
        wal_bytes: bytes(&file.beside("-wal")),
        free_bytes: unsigned(pragma(connection, "freelist_count")?) * page_bytes,
        page_bytes,
        tables: tables(connection)?,
    })
}

fn tables(connection: &mut SqliteConnection) -> Result<Vec<TableStats>> {
    let pages: Vec<PagesRow> = diesel::sql_query(
        "SELECT coalesce(s.tbl_name, d.name) AS name,
                sum(CASE s.type WHEN 'index' THEN 0 ELSE d.pgsize END) AS table_bytes,
                sum(CASE s.type WHEN 'index' THEN d.pgsize ELSE 0 END) AS index_bytes
         FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name
         WHERE d.aggregate = TRUE GROUP BY 1",
    )
    .load(connection)
    .doing("counting pages")?;
    let mut tables: BTreeMap<String, TableStats> = BTreeMap::new();
    for row in pages {
        // The tables in which FTS5 keeps the index are its own matter.
        let is_index = row.name.starts_with("passages_fts_");
        let name = if is_index { "passages_fts".to_owned() } else { row.name };
        let table =
            tables.entry(name.clone()).or_insert_with(|| TableStats { name, ..TableStats::default() });
        table.table_bytes += unsigned(row.table_bytes);
        table.index_bytes += unsigned(row.index_bytes);
    }
    for (name, table) in &mut tables {
        let counted = if name == "passages_fts" { "passages_fts_docsize" } else { name.as_str() };
        let sql = format!("SELECT count(*) AS value FROM \"{}\"", counted.replace('"', "\"\""));
        table.rows = unsigned(number(connection, &sql)?);
    }
    Ok(tables.into_values().collect())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
