//! What `db check` looks at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::{RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Check, Error, Result, Schema};

use crate::connection::{ConnectionSettings, NumberRow, TextRow};
use crate::error::Context;
use crate::index_version;
use crate::live_schema::schema_of;
use crate::migrations;
use crate::pool::{Length, Moment};
use crate::store::SqliteStore;

/// What became of many queries at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolCheck {
    /// How many tasks asked at the same time.
    pub tasks: u32,
    /// How many queries were answered.
    pub queries: u64,
    /// How many connections were open in the end.
    pub connections: u32,
    /// How many queries failed.
    pub errors: u64,
    /// How long it all took.
    pub elapsed: Duration,
}

impl SqliteStore {
    /// Looks at everything that can be looked at while the store works: that it answers, the settings of each
    /// connection (as many as the pool may have), the schema, the file's integrity, references, and that the
    /// full-text index has what it should have. Takes as long as reading the whole file does.
    ///
    /// # Errors
    /// Only if the store cannot be asked at all; what is wrong is in the answer.
    pub async fn check(&self) -> Result<Vec<Check>> {
        let engine = self.engine();
        engine.check_open()?;
        let _alone = engine.checking.lock().await;
        let mut checks = Vec::new();
        let answers =
            engine.readers.run(Length::Short, Moment::OfEach, |c| number(c, "SELECT 1 AS value")).await;
        checks.push(Check::new("answers", answers.map(|_| "SELECT 1".to_owned())));
        checks.push(Check::new("settings of the connections", self.check_settings().await));
        let found = engine
            .readers
            .run(Length::Long, Moment::OfEach, |connection| {
                let mut checks = check_schema(connection);
                checks.extend([
                    Check::new("integrity", check_integrity(connection)),
                    Check::new("references", check_references(connection)),
                    Check::new("search index", check_index(connection)),
                    Check::index_version(index_version::read(connection)),
                ]);
                Ok(checks)
            })
            .await?;
        checks.extend(found);
        Ok(checks)
    }

    /// The settings of the writer and of as many readers as the pool may have, all held at the same time.
    async fn check_settings(&self) -> Result<String> {
        let engine = self.engine();
        let (mut found, mut holding) = (Vec::new(), Vec::new());
        for _ in 0..engine.config.pool_size {
            let settings = ConnectionSettings::new(&engine.config, true);
            let (hold, held) = std::sync::mpsc::channel::<()>();
            let verified = engine.readers.hold(move |connection, answer| {
                let verified = connection.and_then(|connection| settings.verify(connection));
                let _ = answer.send(verified); // the caller may have gone away
                let _ = held.recv(); // ends when the other side is dropped
            });
            found.push(verified.await??);
            holding.push(hold);
        }
        drop(holding); // others need not wait while this waits for the writer
        let settings = ConnectionSettings::new(&engine.config, false);
        let writer = engine
            .writer
            .alone(move |connection, answer| {
                let _ = answer.send(settings.verify(connection)); // the caller may have gone away
            })
            .await;
        let list = |settings: &[(&str, i64)]| {
            settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        let writer = match writer {
            Ok(settings) => list(&settings?),
            Err(Error::Timeout { .. }) => "busy, and was not looked at".to_owned(),
            Err(error) => return Err(error),
        };
        let first = found.first().map(|settings| list(settings)).unwrap_or_default();
        Ok(format!(
            "journal_mode={}; {} readers: {first}; writer: {writer}",
            engine.config.journal_mode.as_str(),
            found.len(),
        ))
    }

    /// Has `tasks` tasks make `queries` queries each, all at the same time.
    ///
    /// # Errors
    /// [`Closed`](Error::Closed); what fails later is counted.
    pub async fn pool_check(&self, tasks: u32, queries: u32) -> Result<PoolCheck> {
        let engine = self.engine();
        engine.check_open()?;
        let begun = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..tasks {
            let engine = Arc::clone(engine);
            running.spawn(async move {
                let mut answered = 0_u64;
                for _ in 0..queries {
                    let sql = "SELECT revision AS value FROM store_state";
                    let answer = engine.readers.run(Length::Short, Moment::OfEach, |c| number(c, sql)).await;
                    answered += u64::from(answer.is_ok());
                }
                answered
            });
        }
        let answered: u64 = running.join_all().await.into_iter().sum();
        let connections = u32::try_from(engine.readers.status().0).unwrap_or(u32::MAX);
        let asked = u64::from(tasks) * u64::from(queries);
        Ok(PoolCheck {
            tasks,
            queries: answered,
            connections,
            errors: asked - answered,
            elapsed: begun.elapsed(),
        })
    }
}

pub(crate) fn number(connection: &mut SqliteConnection, sql: &str) -> Result<i64> {
    let row: NumberRow = diesel::sql_query(sql).get_result(connection).doing("checking the database")?;
    Ok(row.value)
}

pub(crate) fn texts(connection: &mut SqliteConnection, sql: &str) -> Result<Vec<String>> {
    let rows: Vec<TextRow> = diesel::sql_query(sql).load(connection).doing("checking the database")?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

pub(crate) fn wrong(message: String) -> Error {
    Error::Corrupt { message, source: None }
}

/// The schema is what the migrations make of an empty database.
fn check_schema(connection: &mut SqliteConnection) -> Vec<Check> {
    Check::schema(expected_schema().and_then(|expected| Ok((expected, schema_of(connection)?))))
}

/// What the migrations make of an empty database.
fn expected_schema() -> Result<Schema> {
    let mut expected = migrations::empty()?;
    migrations::run(&mut expected, std::path::Path::new(":memory:"))?;
    schema_of(&mut expected)
}

pub(crate) fn check_integrity(connection: &mut SqliteConnection) -> Result<String> {
    let found = texts(connection, "SELECT integrity_check AS value FROM pragma_integrity_check")?;
    if found == ["ok"] {
        return Ok("integrity_check: ok".to_owned());
    }
    Err(wrong(found.join("; ")))
}

pub(crate) fn check_references(connection: &mut SqliteConnection) -> Result<String> {
    let found = texts(
        connection,
        "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a missing ' || parent AS value
         FROM pragma_foreign_key_check",
    )?;
    if found.is_empty() {
        return Ok("foreign_key_check: ok".to_owned());
    }
    Err(wrong(found.join("; ")))
}

fn check_index(connection: &mut SqliteConnection) -> Result<String> {
    let passages = number(connection, "SELECT count(*) AS value FROM passages")?;
    let indexed = number(
        connection,
        "SELECT count(*) AS value FROM passages p JOIN passages_fts_docsize d ON d.id = p.id",
    )?;
    let entries = number(connection, "SELECT count(*) AS value FROM passages_fts_docsize")?;
    if passages == indexed && passages == entries {
        return Ok(format!("{passages} passages"));
    }
    Err(wrong(format!("{passages} passages, {entries} entries in the index, {indexed} of them the same")))
}
