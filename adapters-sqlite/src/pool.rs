//! The pool of connections that read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleResult};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;
use tubeatlas_ports::{Error, Result};

use crate::config::SqliteConfig;
use crate::connection::{ConnectionSettings, ConnectionThread, Connections, catching, thread_ended};
use crate::error::Context;

/// Makes connections for the pool.
#[derive(Debug)]
pub(crate) struct Manager {
    path: String,
    settings: ConnectionSettings,
    pre_ping: bool,
    made: AtomicU64,
    connections: Connections,
}

impl managed::Manager for Manager {
    type Type = ConnectionThread;
    type Error = Error;

    async fn create(&self) -> Result<ConnectionThread> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("sqlite-reader-{number}");
        ConnectionThread::open(name, self.path.clone(), self.settings.clone(), &self.connections).await
    }

    /// Nothing to do: a connection is asked for a sign of life on its own thread, just before it is used, which
    /// saves a hop; see [`ReaderPool::run`].
    async fn recycle(&self, _: &mut ConnectionThread, _: &Metrics) -> RecycleResult<Error> {
        Ok(())
    }
}

/// The pool of connections that read.
#[derive(Debug, Clone)]
pub(crate) struct ReaderPool {
    pool: managed::Pool<Manager>,
    acquire_timeout: Duration,
}

/// A reader, which goes back to the pool when this is dropped.
pub(crate) type Reader = Object<Manager>;

impl ReaderPool {
    pub(crate) fn new(
        path: String,
        settings: ConnectionSettings,
        config: &SqliteConfig,
        connections: Connections,
    ) -> Result<Self> {
        let (acquire_timeout, pre_ping) = (config.acquire_timeout, config.pre_ping);
        let manager = Manager { path, settings, pre_ping, made: AtomicU64::new(0), connections };
        let pool = managed::Pool::builder(manager)
            .max_size(config.pool_size.max(1))
            // The connection that was used last has the warmest cache, and few connections stay in use.
            .queue_mode(QueueMode::Lifo)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(acquire_timeout))
            .create_timeout(Some(acquire_timeout))
            .recycle_timeout(Some(acquire_timeout))
            .build()
            .map_err(|error| Error::Backend {
                message: "the pool could not be built".to_owned(),
                source: Some(Box::new(error)),
            })?;
        Ok(Self { pool, acquire_timeout })
    }

    pub(crate) async fn get(&self) -> Result<Reader> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => Error::Timeout {
                waited_for: "a connection of the pool",
                waited_ms: u64::try_from(self.acquire_timeout.as_millis()).unwrap_or(u64::MAX),
            },
            PoolError::Backend(error) => error,
            PoolError::Closed => Error::Closed { what: "the store".to_owned() },
            other => Error::Backend {
                message: "the pool failed".to_owned(),
                source: Some(Box::new(Display(other.to_string()))),
            },
        })
    }

    /// Runs `work` on a reader, after a sign of life if that is configured. The reader goes back to the pool
    /// when the work is done, not when the caller goes away: nobody is given a connection that is still busy.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = self.get().await?;
        let jobs = reader.jobs();
        let pre_ping = self.pool.manager().pre_ping;
        let (answer, answered) = oneshot::channel();
        jobs.send(Box::new(move |connection| {
            let alive = if pre_ping { ping(connection) } else { Ok(()) };
            let result = match alive {
                Ok(()) => {
                    let result = catching(|| work(connection));
                    drop(reader);
                    result
                }
                Err(error) => {
                    drop(Object::take(reader));
                    Err(error)
                }
            };
            let _ = answer.send(result);
        }))?;
        answered.await.map_err(|_| thread_ended())?
    }

    /// Connections that are open, and those of them that are not in use.
    pub(crate) fn status(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// A text as an error, for what is not `Send + Sync` itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Display(String);

fn ping(connection: &mut SqliteConnection) -> Result<()> {
    connection.batch_execute("SELECT 1").doing("asking a connection for a sign of life")
}
