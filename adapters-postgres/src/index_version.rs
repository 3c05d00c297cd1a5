//! By which version of the domain the full-text index was made.

use diesel::sql_types::Untyped;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tubeatlas_domain::search::INDEX_VERSION;
use tubeatlas_ports::{Result, stale_index};

use crate::error::{Context, corrupt};
use crate::statement::{Bind, NumberRow, sql};

const WRITING: &str = "writing the version of the index";

pub(crate) async fn read(connection: &mut AsyncPgConnection) -> Result<u32> {
    let row: NumberRow = sql("SELECT version AS value FROM search_index WHERE id = 1", Vec::new())
        .get_result(connection)
        .await
        .doing("reading the version of the index")?;
    u32::try_from(row.value).map_err(|error| corrupt("search_index", &1, &error))
}

/// Notes that all passages that there are were made by this program.
pub(crate) async fn write(connection: &mut AsyncPgConnection) -> Result<()> {
    update(connection, "UPDATE search_index SET version = ?1").await.map(drop)
}

/// An index of nothing is of every version. Answers whether that was so.
pub(crate) async fn settle(connection: &mut AsyncPgConnection) -> Result<bool> {
    let of_nothing = "UPDATE search_index SET version = ?1 WHERE NOT EXISTS (SELECT FROM passages)";
    Ok(update(connection, of_nothing).await? > 0)
}

async fn update(connection: &mut AsyncPgConnection, statement: &'static str) -> Result<usize> {
    let binds = vec![Bind::Integer(Some(i64::from(INDEX_VERSION)))];
    sql::<Untyped>(statement, binds).execute(connection).await.doing(WRITING)
}

/// Answers what is to be said of the index when the database is opened. It is not built anew then: that takes as long as
/// the catalogue is large, and others may be searching.
pub(crate) async fn look_at(connection: &mut AsyncPgConnection) -> Result<Option<String>> {
    let Some(message) = stale_index(read(connection).await?) else { return Ok(None) };
    connection.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await.doing(WRITING)?;
    let settled = settle(connection).await?; // an error closes the connection, which rolls back
    connection.batch_execute("COMMIT").await.doing(WRITING)?;
    Ok((!settled).then_some(message))
}
