//! Undoing migrations.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use tubeatlas_ports::Result;

use super::Maintenance;
use super::backup::refused;
use crate::check::{number, texts};
use crate::migrations;

/// What undoing migrations did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// The migrations, newest first.
    pub migrations: Vec<String>,
    /// What goes with them: tables that held rows, by name, and columns that held values, as `table.column`, with how
    /// many rows or values.
    pub lost: BTreeMap<String, u64>,
    /// Whether it was done.
    pub done: bool,
}

impl Maintenance {
    /// Undoes the newest `count` migrations, all or nothing, if `confirmed`; otherwise finds out what that would do.
    /// Programs that have the database open should be stopped before: they would meet a schema that they do not
    /// know.
    ///
    /// # Errors
    /// [`Invalid`](tubeatlas_ports::Error::Invalid) if the database has fewer migrations.
    pub async fn revert(&self, count: usize, confirmed: bool) -> Result<Reverted> {
        self.run(move |connection, file| {
            migrations::change(connection, &file.path, |connection| {
                let applied = migrations::status(connection)?.applied.len();
                if count > applied {
                    let path = file.path.display();
                    return Err(refused(format!(
                        "{path} has {applied} migrations; {count} cannot be undone"
                    )));
                }
                let before = held(connection)?;
                let migrations = migrations::revert(connection, count)?;
                let lost = lost(before, &held(connection)?);
                Ok((Reverted { migrations, lost, done: confirmed }, confirmed))
            })
        })
        .await
    }
}

/// What was held and is not there any more; of a table that is gone its columns need not be said.
fn lost(before: BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let table_is_there = |name: &str| name.split_once('.').is_none_or(|(table, _)| after.contains_key(table));
    let is_lost = |name: &str| !after.contains_key(name) && table_is_there(name);
    before.into_iter().filter(|(name, held)| *held > 0 && is_lost(name)).collect()
}

/// Rows of each table, and values of each of its columns that may be without one.
fn held(connection: &mut SqliteConnection) -> Result<BTreeMap<String, u64>> {
    let tables = texts(
        connection,
        "SELECT name AS value FROM pragma_table_list
         WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
           AND name <> '__diesel_schema_migrations'",
    )?;
    let mut held = BTreeMap::new();
    for table in tables {
        let count = |connection: &mut SqliteConnection, what: &str| -> Result<u64> {
            let count = number(connection, &format!("SELECT count({what}) AS value FROM \"{table}\""))?;
            Ok(u64::try_from(count).unwrap_or(0))
        };
        let columns = texts(connection, &format!("SELECT name AS value FROM pragma_table_info('{table}')"))?;
        for column in columns {
            let values = count(connection, &format!("\"{column}\""))?;
            held.insert(format!("{table}.{column}"), values);
        }
        let rows = count(connection, "*")?;
        held.insert(table, rows);
    }
    Ok(held)
}
