//! The schema's migrations, embedded in the program, and what a file must be to be opened.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationConnection, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tubeatlas_ports::{Error, Result};

use crate::check::check_references;
use crate::connection::{NumberRow, TextRow, pragma};
use crate::error::Context;
use crate::index_version;

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
    let known = migrations()?;
    let unknown: Vec<String> =
        applied(connection)?.into_iter().filter(|name| !known.contains_key(name)).collect();
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

/// All migrations that this program has, by name, which is oldest first.
fn migrations() -> Result<BTreeMap<String, Box<dyn Migration<Sqlite>>>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> =
        MIGRATIONS.migrations().map_err(|error| failed("reading the migrations", error))?;
    Ok(migrations.into_iter().map(|migration| (migration.name().version().to_string(), migration)).collect())
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
    let pending = migrations()?.into_keys().filter(|name| !applied.contains(name)).collect();
    Ok(MigrationStatus { applied, pending })
}

/// Applies what is pending, all or nothing, and answers the names. Several processes may do this at the same
/// moment: the exclusive transaction lets one of them, and the others then find nothing to do.
pub(crate) fn run(connection: &mut SqliteConnection, path: &Path) -> Result<Vec<String>> {
    change(connection, path, |connection| Ok((apply(connection)?, true)))
}

/// Changes the schema in an exclusive transaction, which is kept if `work` says so. Foreign keys are off meanwhile,
/// because a table that is rebuilt is dropped in between, and what refers to it must neither be deleted with it nor
/// stand in the way; all of them are checked at the end.
pub(crate) fn change<T>(
    connection: &mut SqliteConnection,
    path: &Path,
    work: impl FnOnce(&mut SqliteConnection) -> Result<(T, bool)>,
) -> Result<T> {
    let foreign_keys = pragma(connection, "foreign_keys")?;
    // Inside a transaction this would be ignored.
    connection.batch_execute("PRAGMA foreign_keys = OFF").doing("preparing the migrations")?;
    let result = in_exclusive_transaction(connection, |connection| {
        check_file(connection, path)?; // looked at again, because a newer program may have been first
        let (value, keep) = work(connection)?;
        if keep {
            check_references(connection)?;
        }
        Ok((value, keep))
    });
    let reset = connection.batch_execute(&format!("PRAGMA foreign_keys = {foreign_keys}"));
    result.and_then(|value| reset.doing("ending the migration").map(|()| value))
}

fn in_exclusive_transaction<T>(
    connection: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<(T, bool)>,
) -> Result<T> {
    connection.batch_execute("BEGIN EXCLUSIVE").doing("waiting to migrate the schema")?;
    let result = work(connection);
    let end = if matches!(result, Ok((_, true))) { "COMMIT" } else { "ROLLBACK" };
    match (result, connection.batch_execute(end).doing("ending the migration")) {
        (Ok(_), Err(error)) => {
            let _ = connection.batch_execute("ROLLBACK"); // SQLite may have done so already
            Err(error)
        }
        (result, _) => result.map(|(value, _)| value),
    }
}

fn apply(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let pending = status(connection)?.pending;
    if pending.is_empty() {
        return Ok(pending);
    }
    // Diesel's harness opens a transaction for each migration, which SQLite does not allow inside ours; so
    // their statements are run here, and the harness's table is kept.
    connection.setup().doing("preparing the migrations")?;
    for (name, migration) in migrations()? {
        if pending.contains(&name) {
            migration.run(connection).map_err(|error| failed(&format!("applying {name}"), error))?;
            diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES (?)")
                .bind::<diesel::sql_types::Text, _>(&name)
                .execute(connection)
                .doing("noting a migration")?;
        }
    }
    index_version::settle(connection)?;
    Ok(pending)
}

/// Undoes the newest `count` of the applied migrations, in [`change`], and answers the names, newest first.
pub(crate) fn revert(connection: &mut SqliteConnection, count: usize) -> Result<Vec<String>> {
    let mut applied = applied(connection)?;
    let kept = applied.len().saturating_sub(count);
    let reverted: Vec<String> = applied.split_off(kept).into_iter().rev().collect();
    let migrations = migrations()?;
    for name in &reverted {
        if let Some(migration) = migrations.get(name) {
            migration.revert(connection).map_err(|error| failed(&format!("undoing {name}"), error))?;
        }
        diesel::sql_query("DELETE FROM __diesel_schema_migrations WHERE version = ?")
            .bind::<diesel::sql_types::Text, _>(name)
            .execute(connection)
            .doing("noting a migration")?;
    }
    if kept == 0 {
        // What is left is an empty database, as it was before the first one.
        connection.batch_execute("DROP TABLE __diesel_schema_migrations").doing("undoing the migrations")?;
    }
    Ok(reverted)
}

fn failed(doing: &str, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    crate::error::from_migration(doing, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::texts;
    use crate::live_schema::schema_of;

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

    /// The recipe of `docs/migrations.md`, as it stands there, on a table with rows, an index, and another table that
    /// refers to it and would lose its rows with it.
    #[test]
    fn the_documented_recipe_rebuilds_a_table_and_loses_nothing() {
        let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/migrations.md"));
        let document = document.unwrap();
        let recipe = |part: &str| {
            let (_, behind) = document.split_once(&format!("```sql\n-- {part}\n")).unwrap();
            behind.split_once("```").unwrap().0.to_owned()
        };
        let path = Path::new(":memory:");
        let mut connection = empty().unwrap();
        connection.batch_execute("PRAGMA foreign_keys = ON").unwrap();
        run(&mut connection, path).unwrap();
        connection
            .batch_execute(
                "INSERT INTO videos (id, title, created_at, updated_at, revision, tags, chapters, extra)
                     VALUES ('v', 'V', 0, 0, 1, '[]', '[]', '{}');
                 INSERT INTO media_files (id, video_id, path, file_name, size_bytes, created_at, updated_at, revision)
                     VALUES (x'01', 'v', '/a.mkv', 'a.mkv', 7, 1, 2, 3), (x'02', 'v', '/b.mkv', 'b.mkv', NULL, 1, 2, 4);
                 INSERT INTO media_file_words (word, media_file_id) VALUES ('a', x'01'), ('b', x'02')",
            )
            .unwrap();
        let before = schema_of(&mut connection).unwrap();
        let rows = |connection: &mut SqliteConnection| {
            texts(
                connection,
                "SELECT m.path || ' ' || ifnull(m.size_bytes, 'null') || ' ' || m.revision || ' ' || w.word AS value
                 FROM media_files m JOIN media_file_words w ON w.media_file_id = m.id ORDER BY m.path",
            )
            .unwrap()
        };
        let mut migrate = |part: &str| {
            let sql = recipe(part);
            change(&mut connection, path, |c| Ok((c.batch_execute(&sql).doing("migrating")?, true))).unwrap();
            let snapshot = schema_of(&mut connection).unwrap();
            (rows(&mut connection), before.differences(&snapshot), connection_is_sound(&mut connection))
        };
        let (found, differences, sound) = migrate("up.sql");
        assert_eq!(found, ["/a.mkv 7 3 a", "/b.mkv 0 4 b"]);
        let changed = "different: column media_files.size_bytes is BIGINT not null; expected BIGINT";
        assert_eq!((differences, sound), (vec![changed.to_owned()], true));
        let (found, differences, sound) = migrate("down.sql");
        assert_eq!(found, ["/a.mkv 7 3 a", "/b.mkv 0 4 b"]);
        assert_eq!((differences, sound), (vec![], true));
    }

    /// Foreign keys are on again, and refer to tables that are there.
    fn connection_is_sound(connection: &mut SqliteConnection) -> bool {
        let orphan = "INSERT INTO media_file_words (word, media_file_id) VALUES ('x', x'09')";
        let refused = connection.batch_execute(orphan).unwrap_err().to_string();
        assert!(refused.contains("FOREIGN KEY"), "{refused}");
        check_references(connection).is_ok()
            && texts(connection, "SELECT integrity_check AS value FROM pragma_integrity_check").unwrap()
                == ["ok"]
    }

    #[test]
    fn a_migration_that_leaves_a_reference_to_nothing_is_undone() {
        let path = Path::new(":memory:");
        let mut connection = empty().unwrap();
        run(&mut connection, path).unwrap();
        let orphan = "INSERT INTO media_file_words (word, media_file_id) VALUES ('x', x'09')";
        let error =
            change(&mut connection, path, |c| Ok((c.batch_execute(orphan).doing("migrating")?, true)));
        assert!(matches!(error, Err(Error::Corrupt { .. })), "{error:?}");
        assert_eq!(texts(&mut connection, "SELECT word AS value FROM media_file_words").unwrap(), [""; 0]);
    }
}
