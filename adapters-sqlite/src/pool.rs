//! The pool of connections that read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, QueueMode, RecycleResult};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tokio::sync::{oneshot, watch};
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
    connections: Arc<Connections>,
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
    /// How many callers wait for a reader.
    waiting: Arc<watch::Sender<usize>>,
}

/// Counts a caller who waits.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

/// A reader, which goes back to the pool when this is dropped.
pub(crate) type Reader = Object<Manager>;

impl ReaderPool {
    pub(crate) fn new(
        path: String,
        settings: ConnectionSettings,
        config: &SqliteConfig,
        connections: Arc<Connections>,
    ) -> Result<Self> {
        let (acquire_timeout, pre_ping) = (config.acquire_timeout, config.pre_ping);
        let manager = Manager { path, settings, pre_ping, made: AtomicU64::new(0), connections };
        let pool = managed::Pool::builder(manager)
            .max_size(config.pool_size)
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
        Ok(Self { pool, acquire_timeout, waiting: Arc::new(watch::Sender::new(0)) })
    }

    pub(crate) async fn get(&self) -> Result<Reader> {
        let _waiting = Waiting::new(&self.waiting);
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
        let pre_ping = self.pool.manager().pre_ping;
        let (answer, answered) = oneshot::channel();
        send(reader, move |connection, reader| {
            let alive = if pre_ping { ping(connection) } else { Ok(()) };
            let result = alive.and_then(|()| catching(|| work(connection)));
            match &result {
                // The connection may be what is wrong: the next caller gets another one.
                Err(Error::Unavailable { .. } | Error::Corrupt { .. } | Error::Backend { .. }) => {
                    drop(Object::take(reader));
                }
                _ => drop(reader),
            }
            let _ = answer.send(result); // the caller may have gone away
        })?;
        answered.await.map_err(|_| thread_ended())?
    }

    /// Connections that are open, and those of them that are not in use.
    pub(crate) fn status(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Gives out no more readers, once those have one who wait for one; they are waited for as long as they
    /// may wait themselves, for the future of one of them may be one that nobody polls any more.
    pub(crate) async fn close(&self) {
        let mut waiting = self.waiting.subscribe();
        let none = waiting.wait_for(|waiting| *waiting == 0);
        let _ = tokio::time::timeout(self.acquire_timeout, none).await;
        self.pool.close();
    }
}

/// A text as an error, for what is not `Send + Sync` itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Display(String);

/// Sends a job to a reader's thread, and gives it the reader, so that it is in nobody else's hands until the job
/// lets it go. Of a reader whose thread has ended nothing goes back to the pool.
pub(crate) fn send(
    reader: Reader,
    job: impl FnOnce(&mut SqliteConnection, Reader) + Send + 'static,
) -> Result<()> {
    let jobs = reader.jobs();
    // The reader travels in a slot, out of which it can be taken when the job comes back.
    let slot = Arc::new(Mutex::new(Some(reader)));
    let in_job = Arc::clone(&slot);
    let take = |slot: &Mutex<Option<Reader>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let sent = jobs.send(Box::new(move |connection| {
        if let Some(reader) = take(&in_job) {
            job(connection, reader);
        }
    }));
    if sent.is_err() {
        take(&slot).map(Object::take);
        return Err(thread_ended());
    }
    Ok(())
}

fn ping(connection: &mut SqliteConnection) -> Result<()> {
    connection.batch_execute("SELECT 1").doing("asking a connection for a sign of life")
}
