//! The schema's migrations, embedded in the program.

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tubeatlas_ports::{Error, Result};

use crate::error::Context;
use crate::index_version;
use crate::statement::{Bind, NumberRow, TextRow, sql};

/// Names and statements, oldest first. In folders as the `diesel` tool wants them, and noted in the table that it
/// knows.
const MIGRATIONS: [(&str, &str); 5] = [
    ("20261121000000", include_str!("../migrations/2026-11-21-000000_catalogue/up.sql")),
    ("20261123000000", include_str!("../migrations/2026-11-23-000000_source_files/up.sql")),
    ("20261124000000", include_str!("../migrations/2026-11-24-000000_playlists/up.sql")),
    ("20261125000000", include_str!("../migrations/2026-11-25-000000_passages_pending/up.sql")),
    ("20261126000000", include_str!("../migrations/2026-11-26-000000_search_index/up.sql")),
];

/// The key of the advisory lock under which migrations are applied: "TbAt".
const LOCK: i64 = 0x5462_4174;

/// What is applied to a database, and what is not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The applied migrations, oldest first.
    pub applied: Vec<String>,
    /// The migrations that this program has and the database has not, oldest first.
    pub pending: Vec<String>,
}

/// What is applied and what is pending. Refuses a database of a newer program.
pub(crate) async fn status(connection: &mut AsyncPgConnection) -> Result<MigrationStatus> {
    let doing = "reading the applied migrations";
    let table: NumberRow = sql(
        "SELECT count(*) AS value FROM pg_catalog.pg_tables
         WHERE schemaname = current_schema() AND tablename = '__diesel_schema_migrations'",
        Vec::new(),
    )
    .get_result(connection)
    .await
    .doing(doing)?;
    let applied: Vec<TextRow> = if table.value == 0 {
        Vec::new()
    } else {
        let all = "SELECT version::text AS value FROM __diesel_schema_migrations ORDER BY version";
        sql(all, Vec::new()).load(connection).await.doing(doing)?
    };
    let applied: Vec<String> = applied.into_iter().map(|row| row.value).collect();
    let is_known = |name: &&String| MIGRATIONS.iter().any(|(known, _)| known == name);
    let unknown: Vec<&str> = applied.iter().filter(|name| !is_known(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let message = format!(
            "the database was written by a newer Tubeatlas (it has {}, which this program does not know); use that \
             one",
            unknown.join(", ")
        );
        return Err(Error::SchemaMismatch { message });
    }
    let pending = MIGRATIONS.iter().map(|(name, _)| (*name).to_owned());
    let pending = pending.filter(|name| !applied.contains(name)).collect();
    Ok(MigrationStatus { applied, pending })
}

/// Applies what is pending, all or nothing, and answers the names. Several processes may do this at the same
/// moment: the lock lets one of them, and the others then find nothing to do.
pub(crate) async fn run(connection: &mut AsyncPgConnection) -> Result<Vec<String>> {
    // Read committed, so that whoever had to wait for the lock sees what was done meanwhile.
    let begin =
        format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({LOCK})");
    connection.batch_execute(&begin).await.doing("waiting to migrate the schema")?;
    let result = run_in_transaction(connection).await;
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    match (result, connection.batch_execute(end).await.doing("ending the migration")) {
        (Ok(_), Err(error)) => Err(error),
        (result, _) => result,
    }
}

async fn run_in_transaction(connection: &mut AsyncPgConnection) -> Result<Vec<String>> {
    let pending = status(connection).await?.pending;
    if pending.is_empty() {
        return Ok(pending);
    }
    connection
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
                 version VARCHAR(50) PRIMARY KEY NOT NULL,
                 run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
             )",
        )
        .await
        .doing("preparing the migrations")?;
    for (name, statements) in MIGRATIONS {
        if pending.iter().any(|pending| pending == name) {
            apply(connection, name, statements).await?;
            let note = "INSERT INTO __diesel_schema_migrations (version) VALUES (?1)";
            sql::<diesel::sql_types::Untyped>(note, vec![Bind::Text(Some(name.to_owned()))])
                .execute(connection)
                .await
                .doing("noting a migration")?;
        }
    }
    index_version::settle(connection).await?;
    Ok(pending)
}

async fn apply(connection: &mut AsyncPgConnection, name: &str, statements: &str) -> Result<()> {
    connection.batch_execute(statements).await.doing(&format!("applying the migration {name}"))
}

/// Applies all migrations to the current schema, without noting it.
pub(crate) async fn apply_all(connection: &mut AsyncPgConnection) -> Result<()> {
    for (name, statements) in MIGRATIONS {
        apply(connection, name, statements).await?;
    }
    Ok(())
}
