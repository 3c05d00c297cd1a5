//! The schema's migrations, embedded in the program, and what a file must be to be opened.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationConnection, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tubeatlas_ports::{Error, Result};

use crate::connection::{NumberRow, TextRow, pragma};
use crate::error::Context;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// `PRAGMA application_id` of our files: "TbAt".
pub(crate) const APPLICATION_ID: i64 = 0x5462_4174;

/// The oldest SQLite that is accepted: the bundled one, with which everything here is tested. A system's older
/// one could be linked in its place, and nothing is known of how it would do.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 53, 2);

/// What is applied to a database, and what is not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The applied migrations, oldest first.
    pub applied: Vec<String>,
    /// The migrations that this program has and the database has not, oldest first.
    pub pending: Vec<String>,
}

/// Refuses a file that is no database of ours, or of a newer program. Writes nothing.
pub(crate) fn check_file(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    let refused = |message: String| Err(Error::SchemaMismatch { message });
    // In this order, because another process may be making the file ours, tables and number at once: tables that
    // are seen have their number already.
    let tables = count_tables(connection)?;
    let application_id = pragma(connection, "application_id")?;
    if tables == 0 && application_id == 0 {
        return Ok(()); // an empty file, which becomes ours
    }
    if application_id != APPLICATION_ID {
        return Err(not_ours(path));
    }
    let known = names()?;
    let unknown: Vec<String> =
        applied(connection)?.into_iter().filter(|name| !known.contains(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    refused(format!(
        "{} was written by a newer Tubeatlas (it has {}, which this program does not know); use that one",
        path.display(),
        unknown.join(", ")
    ))
}

/// The refusal of another program's database.
pub(crate) fn not_ours(path: &Path) -> Error {
    let message =
        format!("{} is an SQLite database, but not one of Tubeatlas; name another file", path.display());
    Error::SchemaMismatch { message }
}

/// The refusal of a database that is not up to date.
pub(crate) fn needed(path: &Path, pending: &[String]) -> Error {
    let pending = pending.join(", ");
    let message = format!("{} needs the migrations {pending}; apply them with `db migrate`", path.display());
    Error::SchemaMismatch { message }
}

/// Refuses an SQLite that is too old, before it touches any file; answers its version.
pub(crate) fn check_sqlite() -> Result<String> {
    let row: TextRow = diesel::sql_query("SELECT sqlite_version() AS value")
        .get_result(&mut empty()?)
        .doing("asking for SQLite's version")?;
    check_version(&row.value)?;
    Ok(row.value)
}

fn check_version(version: &str) -> Result<()> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let (major, minor, patch) = OLDEST_SQLITE;
    if (part(), part(), part()) >= OLDEST_SQLITE {
        return Ok(());
    }
    let message = format!(
        "SQLite {version} is too old; {major}.{minor}.{patch} or newer is needed: build with the bundled one"
    );
    Err(Error::SchemaMismatch { message })
}

/// An empty database in memory.
pub(crate) fn empty() -> Result<SqliteConnection> {
    SqliteConnection::establish(":memory:").map_err(|error| Error::Unavailable {
        message: "no database could be made in memory".to_owned(),
        source: Some(Box::new(error)),
    })
}

fn count_tables(connection: &mut SqliteConnection) -> Result<i64> {
    let row: NumberRow = diesel::sql_query("SELECT count(*) AS value FROM sqlite_master")
        .get_result(connection)
        .doing("reading the schema")?;
    Ok(row.value)
}

/// All migrations that this program has, oldest first.
fn names() -> Result<Vec<String>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> =
        MIGRATIONS.migrations().map_err(|error| failed("reading the migrations", error))?;
    let mut names: Vec<String> =
        migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    names.sort();
    Ok(names)
}

fn applied(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let table: NumberRow = diesel::sql_query(
        "SELECT count(*) AS value FROM sqlite_master WHERE name = '__diesel_schema_migrations'",
    )
    .get_result(connection)
    .doing("reading the schema")?;
    if table.value == 0 {
        return Ok(Vec::new());
    }
    let versions: Vec<MigrationVersion<'static>> =
        connection.applied_migrations().map_err(|error| failed("reading the applied migrations", error))?;
    let mut names: Vec<String> = versions.iter().map(ToString::to_string).collect();
    names.sort();
    Ok(names)
}

/// What is applied and what is pending.
pub(crate) fn status(connection: &mut SqliteConnection) -> Result<MigrationStatus> {
    let applied = applied(connection)?;
    let pending = names()?.into_iter().filter(|name| !applied.contains(name)).collect();
    Ok(MigrationStatus { applied, pending })
}

/// Applies what is pending, all or nothing, and answers the names. Several processes may do this at the same
/// moment: the exclusive transaction lets one of them, and the others then find nothing to do.
pub(crate) fn run(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<String>> {
    connection.batch_execute("BEGIN EXCLUSIVE").doing("waiting to migrate the schema")?;
    // Looked at again, because a newer program may have been first.
    let result = check_file(connection, path).and_then(|()| run_in_transaction(connection));
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    match (result, connection.batch_execute(end).doing("ending the migration")) {
        (Ok(_), Err(error)) => Err(error),
        (result, _) => result,
    }
}

fn run_in_transaction(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let pending = status(connection)?.pending;
    if pending.is_empty() {
        return Ok(pending);
    }
    // Diesel's harness opens a transaction for each migration, which SQLite does not allow inside ours; so
    // their statements are run here, and the harness's table is kept.
    connection.setup().doing("preparing the migrations")?;
    let migrations: Vec<Box<dyn Migration<Sqlite>>> =
        MIGRATIONS.migrations().map_err(|error| failed("reading the migrations", error))?;
    for migration in &migrations {
        let name = migration.name().version().to_string();
        if pending.contains(&name) {
            migration.run(connection).map_err(|error| failed(&format!("applying {name}"), error))?;
            diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES (?)")
                .bind::<diesel::sql_types::Text, _>(&name)
                .execute(connection)
                .doing("noting a migration")?;
        }
    }
    Ok(pending)
}

fn failed(doing: &str, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Backend { message: format!("migrating the schema: {doing}"), source: Some(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_sqlite_is_refused_and_says_which_is_needed() {
        for version in ["3.53.2", "3.53.10", "3.100.0", "4.0.0"] {
            check_version(version).unwrap();
        }
        for version in ["3.53.1", "3.9.3", "2.99.99", ""] {
            let error = check_version(version).unwrap_err();
            assert!(matches!(error, Error::SchemaMismatch { .. }), "{error:?}");
            assert!(error.to_string().contains("3.53.2"), "{error}");
        }
    }
}
