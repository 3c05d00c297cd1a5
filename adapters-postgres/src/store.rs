//! [`PostgresStore`]: the store as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::RunQueryDsl;
use futures::FutureExt;
use tubeatlas_ports::{Clock, Error, Health, IdGenerator, Mode, Result, Store, UnitOfWork};

use crate::config::PostgresConfig;
use crate::engine::Engine;
use crate::error::Context;
use crate::index_version;
use crate::migrations::{self, MigrationStatus};
use crate::pool::Pool;
use crate::session::Session;
use crate::statement::{TextRow, sql};
use crate::unit_of_work::{PostgresUnitOfWork, Unit};

/// The catalogue in a Postgres database.
///
/// Cloning it gives another handle to the same store. When the last handle and the last unit of work are
/// dropped the connections close by themselves; [`close`](Store::close) waits for what runs on them.
#[derive(Clone)]
pub struct PostgresStore {
    engine: Arc<Engine>,
    session: Session,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.engine.config).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the store, and migrates its database if it needs that (and the configuration allows it). Several
    /// processes may do so at the same moment.
    ///
    /// # Errors
    /// [`SchemaMismatch`](Error::SchemaMismatch) if the database comes from a newer program, or needs a migration
    /// that the configuration does not allow: nothing is changed then. [`Unavailable`](Error::Unavailable) if
    /// there is no connection, with what to do about it.
    pub async fn open(
        config: PostgresConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Result<Self> {
        let config = config.within_bounds();
        let engine = Arc::new(Engine::new(config, clock, ids)?);
        let mut connection = engine.pool.get().await?;
        connection.soil(); // until it is known how migrating it has ended
        let pending = migrations::status(&mut connection).await?.pending;
        if !pending.is_empty() {
            if !engine.config.migrate {
                let message = format!(
                    "the database needs the migrations {}; apply them with `db migrate`",
                    pending.join(", ")
                );
                return Err(Error::SchemaMismatch { message });
            }
            migrations::run(&mut connection).await?;
        }
        if let Some(message) = index_version::look_at(&mut connection).await? {
            tracing::warn!("{message}");
        }
        connection.cleaned();
        drop(connection);
        Ok(Self { session: Session::Store(Arc::clone(&engine)), engine })
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

/// Applies the pending migrations to the configured database, and answers their names, oldest first.
///
/// # Errors
/// As [`PostgresStore::open`].
pub async fn migrate(config: &PostgresConfig) -> Result<Vec<String>> {
    let pool = Pool::new(&config.clone().within_bounds())?;
    let mut connection = pool.get().await?;
    connection.soil(); // and so closed, when all is done
    migrations::run(&mut connection).await
}

/// What is applied to the configured database, and what is pending. Changes nothing.
///
/// # Errors
/// As [`PostgresStore::open`].
pub async fn migration_status(config: &PostgresConfig) -> Result<MigrationStatus> {
    let pool = Pool::new(&config.clone().within_bounds())?;
    let mut connection = pool.get().await?;
    connection.soil();
    migrations::status(&mut connection).await
}

tubeatlas_ports::delegate_repositories!(PostgresStore, session);

#[async_trait]
impl Store for PostgresStore {
    /// The deadline of a unit of work is
    /// [`unit_of_work_timeout`](PostgresConfig::unit_of_work_timeout).
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let unit = Unit::begin(&self.engine, mode).await;
        let unit = unit.map_err(|error| self.engine.explain(error))?;
        Ok(Box::new(PostgresUnitOfWork::new(unit)))
    }

    async fn health(&self) -> Result<Health> {
        let rows: Vec<TextRow> = self
            .session
            .read_once(|mut connection| {
                async move {
                    sql(
                        "SELECT value FROM (VALUES
                             (1, current_setting('server_version')),
                             (2, current_database()::text),
                             (3, (SELECT last_value::text FROM store_revision))
                         ) AS found (number, value) ORDER BY number",
                        Vec::new(),
                    )
                    .load(&mut connection)
                    .await
                    .doing("asking for the server's health")
                }
                .boxed()
            })
            .await?;
        let (open, idle) = self.engine.pool.status();
        let config = &self.engine.config;
        let mut health = Health::new("postgres");
        let found = ["server_version", "database", "revision"].into_iter();
        health.details = found.zip(rows.into_iter().map(|row| row.value)).collect();
        health.details.extend(BTreeMap::from([
            ("connections_open", open.to_string()),
            ("connections_idle", idle.to_string()),
            ("connections_max", config.max_connections().to_string()),
        ]));
        Ok(health)
    }

    async fn close(&self) -> Result<()> {
        self.engine.close().await;
        Ok(())
    }
}
