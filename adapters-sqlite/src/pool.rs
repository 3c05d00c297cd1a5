//! The pool of connections that read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult};
use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;
use tubeatlas_ports::{Error, Result};

use crate::connection::{ConnectionSettings, ConnectionThread, catching};
use crate::error::Context;

/// Makes connections for the pool.
#[derive(Debug)]
pub(crate) struct Manager {
    path: String,
    settings: ConnectionSettings,
    pre_ping: bool,
    made: AtomicU64,
}

impl managed::Manager for Manager {
    type Type = ConnectionThread;
    type Error = Error;

    async fn create(&self) -> Result<ConnectionThread> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("sqlite-reader-{number}");
        ConnectionThread::open(name, self.path.clone(), self.settings.clone()).await
    }

    async fn recycle(&self, thread: &mut ConnectionThread, _: &Metrics) -> RecycleResult<Error> {
        if !self.pre_ping {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        thread
            .send(Box::new(|connection| {
                let _ = answer.send(connection.batch_execute("SELECT 1").doing("pinging a connection"));
            }))
            .map_err(RecycleError::Backend)?;
        let lost = |_| RecycleError::message("the connection's thread has ended");
        answered.await.map_err(lost)?.map_err(RecycleError::Backend)
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
        size: usize,
        acquire_timeout: Duration,
        pre_ping: bool,
    ) -> Result<Self> {
        let manager = Manager { path, settings, pre_ping, made: AtomicU64::new(0) };
        let pool = managed::Pool::builder(manager)
            .max_size(size)
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

    /// Runs `work` on a reader. The reader goes back to the pool when the work is done, not when the caller
    /// goes away: nobody is given a connection that is still busy.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut diesel::SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = Arc::new(self.get().await?);
        let (answer, answered) = oneshot::channel();
        let held = Arc::clone(&reader);
        reader.send(Box::new(move |connection| {
            let result = catching(|| work(connection));
            drop(held);
            let _ = answer.send(result);
        }))?;
        drop(reader);
        answered.await.map_err(|_| crate::connection::thread_ended())?
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
