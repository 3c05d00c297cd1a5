//! The pool of connections that read: threads, each with a connection, that take jobs from one queue.
//!
//! A job does not wait for a certain thread, and a thread that has done one takes the next without going to sleep:
//! under load nobody is woken, which is the dear part of a hop. A few threads are kept awake at most, for more than
//! the machine has cores only get into each other's way. But nobody waits behind what lasts: what may (a unit of
//! work, a search) is not counted among them, and who has waited for a while in which no other job was begun
//! (because the others read from a slow disk, say) has one more woken or started, up to the pool's size.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::dsl::select;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use tokio::sync::oneshot;
use tubeatlas_ports::{Error, Result};

use crate::config::SqliteConfig;
use crate::connection::{ConnectionSettings, Connections, Counted, catching, look, run_job, thread_ended};
use crate::error::{Context, taints_connection};
use crate::metrics::Metrics;
use crate::ticket::{GiveUpOnDrop, Ticket};

/// How long a job waits, while no other is begun, before one more thread is called, however many are awake.
const PATIENCE: Duration = Duration::from_millis(2);

/// How long a job takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// As long as an index needs to find some rows.
    Short,
    /// As long as it likes: it is run beside the short ones.
    Long,
}

/// Gets a connection, or the reason why there is none; answers whether the connection can be used on.
type Work = Box<dyn FnOnce(Result<&mut SqliteConnection>) -> bool + Send>;

struct Job {
    ticket: Ticket,
    length: Length,
    work: Work,
    added: Instant,
}

/// The pool of connections that read.
pub(crate) struct ReaderPool {
    shared: Arc<Shared>,
    acquire_timeout: Duration,
}

struct Shared {
    state: Mutex<State>,
    /// Wakes a thread that sleeps.
    wake: Condvar,
    /// As many as are in the queue, for those who look without locking it.
    queued: AtomicUsize,
    path: String,
    settings: ConnectionSettings,
    pre_ping: bool,
    size: usize,
    awake: usize,
    connections: Arc<Connections>,
    metrics: Arc<Metrics>,
}

/// Each thread is asleep, looking for a job, at work on a short one (neither of the others), or on a long one.
#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    asleep: usize,
    /// Of those asleep: how many are being woken.
    woken: usize,
    looking: usize,
    at_long_work: usize,
    /// When the last job was taken out of the queue.
    last_taken: Option<Instant>,
    closed: bool,
}

impl ReaderPool {
    pub(crate) fn new(
        path: String,
        settings: ConnectionSettings,
        config: &SqliteConfig,
        connections: Arc<Connections>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            queued: AtomicUsize::new(0),
            path,
            settings,
            pre_ping: config.pre_ping,
            size: config.pool_size,
            awake: cores,
            connections,
            metrics,
        };
        Self { shared: Arc::new(shared), acquire_timeout: config.acquire_timeout }
    }

    /// Runs `work` on a reader, after a sign of life if that is configured. A caller that goes away, or whose time
    /// is up, before the work has begun takes it back; once begun it runs to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        length: Length,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(length, move |connection, answer| {
            let result = connection.and_then(|connection| catching(|| work(connection)));
            let fit = !result.as_ref().is_err_and(taints_connection); // else the next caller gets another one
            let _ = answer.send(result); // the caller may have gone away
            fit
        })
        .await?
    }

    /// Has `work` keep a reader as long as it likes. The answer is what it sends to `answer`, which it may do
    /// before it is done.
    pub(crate) async fn hold<T: Send + 'static>(
        &self,
        work: impl FnOnce(Result<&mut SqliteConnection>, oneshot::Sender<T>) + Send + 'static,
    ) -> Result<T> {
        self.send(Length::Long, move |connection, answer| {
            let fit = connection.is_ok();
            work(connection, answer);
            fit
        })
        .await
    }

    async fn send<T: Send + 'static>(
        &self,
        length: Length,
        work: impl FnOnce(Result<&mut SqliteConnection>, oneshot::Sender<T>) -> bool + Send + 'static,
    ) -> Result<T> {
        let (answer, mut answered) = oneshot::channel();
        let ticket = Ticket::new();
        let _guard = GiveUpOnDrop(ticket.clone());
        let work: Work = Box::new(move |connection| work(connection, answer));
        self.shared.add(Job { ticket: ticket.clone(), length, work, added: Instant::now() })?;
        let deadline = tokio::time::Instant::now() + self.acquire_timeout;
        let mut patience = PATIENCE;
        loop {
            let look = deadline.min(tokio::time::Instant::now() + patience);
            match tokio::time::timeout_at(look, &mut answered).await {
                Ok(answer) => return answer.map_err(|_| thread_ended()),
                Err(_) if look < deadline => self.shared.call_if_stuck()?,
                Err(_) if ticket.give_up() => {
                    return Err(Error::timeout("a connection of the pool", self.acquire_timeout));
                }
                // It has begun: now it is a matter of its statements.
                Err(_) => return answered.await.map_err(|_| thread_ended()),
            }
            patience *= 2; // many may be waiting
        }
    }

    /// Threads, which is connections, and those of them that do nothing.
    pub(crate) fn status(&self) -> (usize, usize) {
        let state = self.shared.lock();
        (state.threads, state.asleep + state.looking)
    }

    /// Takes no more jobs; the threads end when those that wait are done.
    pub(crate) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Drop for ReaderPool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job into the queue, and sees to it that somebody takes it.
    fn add(self: &Arc<Self>, job: Job) -> Result<()> {
        let mut state = self.lock();
        if state.closed {
            return Err(Error::Closed { what: "the store".to_owned() });
        }
        state.queue.push_back(job);
        self.queued.store(state.queue.len(), Ordering::Relaxed);
        self.call(state, self.awake)
    }

    /// Has one more thread help if none has taken a job for a while.
    fn call_if_stuck(self: &Arc<Self>) -> Result<()> {
        let state = self.lock();
        if state.last_taken.is_some_and(|at| at.elapsed() < PATIENCE) {
            return Ok(());
        }
        self.call(state, usize::MAX)
    }

    /// Wakes or starts a thread if there is more in the queue than those who look for a job will take, and fewer
    /// than `most` are awake.
    fn call(self: &Arc<Self>, mut state: MutexGuard<'_, State>, most: usize) -> Result<()> {
        let asleep = state.asleep - state.woken;
        let awake = state.threads - asleep - state.at_long_work;
        if state.queue.len() <= state.looking + state.woken || awake >= most {
            return Ok(());
        }
        if asleep > 0 {
            state.woken += 1;
            drop(state);
            self.wake.notify_one();
            return Ok(());
        }
        if state.threads == self.size {
            return Ok(());
        }
        state.threads += 1;
        let (number, shared) = (state.threads, Arc::clone(self));
        drop(state);
        let started = std::thread::Builder::new()
            .name(format!("sqlite-reader-{number}"))
            .spawn(move || Thread { shared, connection: None }.run());
        let Err(error) = started else { return Ok(()) };
        let mut state = self.lock();
        state.threads -= 1;
        if state.threads > 0 {
            return Ok(()); // those that are there do it
        }
        state.queue.clear();
        self.queued.store(0, Ordering::Relaxed);
        Err(Error::Unavailable {
            message: "no thread could be started for a connection".to_owned(),
            source: Some(Box::new(error)),
        })
    }

    /// The next job, which is waited for; nothing when the pool is closed.
    fn next(self: &Arc<Self>) -> Option<Job> {
        let mut state = self.lock();
        if state.queue.is_empty() && !state.closed {
            state.looking += 1;
            drop(state);
            look(|| (self.queued.load(Ordering::Relaxed) > 0).then_some(()));
            state = self.lock();
            state.looking -= 1;
        }
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.last_taken = Some(Instant::now());
                self.queued.store(state.queue.len(), Ordering::Relaxed);
                if job.length == Length::Long {
                    state.at_long_work += 1;
                    let _ = self.call(state, self.awake); // that none can be started is answered to those who ask for one
                }
                return Some(job);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.asleep += 1;
            while state.woken == 0 && !state.closed {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.asleep -= 1;
            state.woken = state.woken.saturating_sub(1);
        }
    }
}

/// A thread and its connection, which is opened for the first job, and anew when it has become unfit.
struct Thread {
    shared: Arc<Shared>,
    connection: Option<(SqliteConnection, Counted)>, // dropped in this order
}

impl Thread {
    fn run(mut self) {
        while let Some(Job { ticket, length, work, added }) = self.shared.next() {
            if ticket.begin() {
                self.shared.metrics.pool_wait(added.elapsed());
                self.work(work);
            }
            if length == Length::Long {
                self.shared.lock().at_long_work -= 1;
            }
        }
    }

    fn work(&mut self, work: Work) {
        if self.shared.pre_ping && self.connection.as_mut().is_some_and(|(it, _)| ping(it).is_err()) {
            self.connection = None;
        }
        if self.connection.is_none() {
            let counted = Counted::new(&self.shared.connections);
            match self.shared.settings.open(&self.shared.path) {
                Ok(connection) => self.connection = Some((connection, counted)),
                Err(error) => {
                    work(Err(error));
                    return;
                }
            }
        }
        let Some((connection, _)) = &mut self.connection else { return };
        let mut fit = true;
        run_job(connection, |connection| fit = work(Ok(connection)));
        if !fit {
            self.connection = None;
        }
    }
}

fn ping(connection: &mut SqliteConnection) -> Result<()> {
    let one: i32 = select(1.into_sql::<Integer>())
        .get_result(connection)
        .doing("asking a connection for a sign of life")?;
    debug_assert_eq!(one, 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::config::Location;

    /// As many as are kept awake read from a slow disk, as it were; the next reader does not wait for them.
    #[tokio::test]
    async fn one_more_thread_helps_those_who_wait_behind_what_is_stuck() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pool.db");
        let mut config = SqliteConfig::new(Location::File(path.clone()));
        config.acquire_timeout = Duration::from_secs(20);
        let path = path.to_str().unwrap().to_owned();
        let mut writer = ConnectionSettings::new(&config, false).open(&path).unwrap();
        crate::migrations::run(&mut writer, std::path::Path::new(&path)).unwrap();
        let settings = ConnectionSettings::new(&config, true);
        let metrics = Arc::new(Metrics::new());
        let pool = Arc::new(ReaderPool::new(path, settings, &config, Connections::new(), metrics));

        let cores = std::thread::available_parallelism().unwrap().get();
        let (begun, has_begun) = mpsc::channel();
        let mut stuck = Vec::new();
        for _ in 0..cores {
            let (pool, begun) = (Arc::clone(&pool), begun.clone());
            let (release, released) = mpsc::channel::<()>();
            let read = tokio::spawn(async move {
                pool.run(Length::Short, move |_| {
                    begun.send(()).unwrap();
                    let _ = released.recv();
                    Ok(())
                })
                .await
            });
            tokio::task::yield_now().await;
            stuck.push((release, read));
        }
        for _ in 0..cores {
            while has_begun.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
        }
        pool.run(Length::Short, |_| Ok(())).await.unwrap();
        assert!(pool.status().0 > cores);
        for (release, read) in stuck {
            drop(release);
            read.await.unwrap().unwrap();
        }
    }
}
