//! The pool of connections that read: threads, each with a connection, that take jobs from one queue.
//!
//! A job does not wait for a certain thread, and a thread that has done one takes the next without going to sleep:
//! under load nobody is woken, which is the dear part of a hop. Jobs that were in the queue together share a snapshot,
//! which costs two locks of the file, and their callers are woken together. A few threads are kept awake at most, for
//! more than the machine has cores only get into each other's way. But nobody waits behind what lasts: what may (a unit
//! of work, a search) is not counted among them and shares with no other; and who has waited for a while gets the
//! answer, if it is there, or has one more thread woken or started, up to the pool's size, if meanwhile no other job was
//! begun (because the others read from a slow disk, say). Of those that sleep the last one is woken: its connection has
//! the pages in its cache that were read last.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
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
use crate::statement;
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

/// What the statements of a job see of what others write meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Each sees what is there when it begins.
    OfEach,
    /// All see what is there when the first one begins.
    OfAll,
}

/// How many jobs share a snapshot at most.
const SHARED: usize = 8;

/// For how long jobs are begun in a snapshot: as many as that usually take a fraction of it.
const SHARED_TIME: Duration = Duration::from_micros(500);

/// How long an answer is kept back for those of jobs that take no longer than a point read, so that their callers are
/// woken together.
const KEPT_TIME: Duration = Duration::from_micros(60);

/// Gives a caller the answer.
type Answer = Box<dyn FnOnce() + Send>;

/// What a job leaves.
struct Done {
    /// Whether the connection can be used on.
    fit: bool,
    /// None if the caller has it already.
    answer: Option<Answer>,
}

/// Gets a connection, or the reason why there is none.
type Work = Box<dyn FnOnce(Result<&mut SqliteConnection>) -> Done + Send>;

struct Job {
    ticket: Ticket,
    length: Length,
    moment: Moment,
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
    /// As many as are in the queue, for those who look without locking it.
    queued: AtomicUsize,
    /// What was not told yet.
    answers: Mutex<Vec<Answer>>,
    path: String,
    settings: ConnectionSettings,
    pre_ping: bool,
    size: usize,
    awake: usize,
    shared_time: Duration,
    kept_time: Duration,
    connections: Arc<Connections>,
    metrics: Arc<Metrics>,
}

/// Each thread is asleep, being woken, looking for a job, at work on a long one, or on a short one (none of the others).
#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Those that sleep, until they are taken out of here; the last one is who fell asleep last.
    asleep: Vec<thread::Thread>,
    /// How many were taken out and are being woken.
    woken: usize,
    looking: usize,
    at_long_work: usize,
    /// When the last job was taken out of the queue.
    last_taken: Option<Instant>,
    closed: bool,
}

impl State {
    fn is_asleep(&self, id: ThreadId) -> bool {
        self.asleep.iter().any(|sleeper| sleeper.id() == id)
    }
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
            queued: AtomicUsize::new(0),
            answers: Mutex::default(),
            path,
            settings,
            pre_ping: config.pre_ping,
            size: config.pool_size,
            awake: cores,
            shared_time: SHARED_TIME,
            kept_time: KEPT_TIME,
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
        moment: Moment,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.send(length, moment, move |connection, answer| {
            let result = connection.and_then(|connection| catching(|| work(connection)));
            let fit = !result.as_ref().is_err_and(taints_connection); // else the next caller gets another one
            let answer = move || drop(answer.send(result)); // the caller may have gone away
            Done { fit, answer: Some(Box::new(answer)) }
        })
        .await?
    }

    /// Has `work` keep a reader as long as it likes. The answer is what it sends to `answer`, which it may do
    /// before it is done.
    pub(crate) async fn hold<T: Send + 'static>(
        &self,
        work: impl FnOnce(Result<&mut SqliteConnection>, oneshot::Sender<T>) + Send + 'static,
    ) -> Result<T> {
        self.send(Length::Long, Moment::OfEach, move |connection, answer| {
            let fit = connection.is_ok();
            work(connection, answer);
            Done { fit, answer: None }
        })
        .await
    }

    async fn send<T: Send + 'static>(
        &self,
        length: Length,
        moment: Moment,
        work: impl FnOnce(Result<&mut SqliteConnection>, oneshot::Sender<T>) -> Done + Send + 'static,
    ) -> Result<T> {
        let (answer, mut answered) = oneshot::channel();
        let ticket = Ticket::new();
        let _guard = GiveUpOnDrop(ticket.clone());
        let work: Work = Box::new(move |connection| work(connection, answer));
        self.shared.add(Job { ticket: ticket.clone(), length, moment, work, added: Instant::now() })?;
        let deadline = tokio::time::Instant::now() + self.acquire_timeout;
        let mut patience = PATIENCE;
        loop {
            let look = deadline.min(tokio::time::Instant::now() + patience);
            match tokio::time::timeout_at(look, &mut answered).await {
                Ok(answer) => return answer.map_err(|_| thread_ended()),
                Err(_) if look < deadline => {
                    self.shared.answer();
                    self.shared.call_if_stuck()?;
                }
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
        (state.threads, state.asleep.len() + state.woken + state.looking)
    }

    /// Takes no more jobs; the threads end when those that wait are done.
    pub(crate) fn close(&self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let asleep = std::mem::take(&mut state.asleep);
        state.woken += asleep.len();
        drop(state);
        asleep.iter().for_each(thread::Thread::unpark);
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
        let awake = state.threads - state.asleep.len() - state.at_long_work;
        if state.queue.len() <= state.looking + state.woken || awake >= most {
            return Ok(());
        }
        if let Some(sleeper) = state.asleep.pop() {
            state.woken += 1;
            drop(state);
            sleeper.unpark();
            return Ok(());
        }
        if state.threads == self.size {
            return Ok(());
        }
        state.threads += 1;
        let (number, shared) = (state.threads, Arc::clone(self));
        drop(state);
        let started = thread::Builder::new()
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

    fn take(&self, state: &mut State, which: impl FnOnce(&Job) -> bool) -> Option<Job> {
        let job = state.queue.pop_front_if(|job| which(job))?;
        state.last_taken = Some(Instant::now());
        self.queued.store(state.queue.len(), Ordering::Relaxed);
        Some(job)
    }

    /// The next job, if it is a short one that was asked for before `moment`.
    fn next_of_before(&self, moment: Instant) -> Option<Job> {
        self.take(&mut self.lock(), |job| job.length == Length::Short && job.added <= moment)
    }

    /// Gives the callers the answers.
    fn answer(&self) {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        for answer in answers {
            answer();
        }
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
            if let Some(job) = self.take(&mut state, |_| true) {
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
            let this = thread::current();
            let id = this.id();
            state.asleep.push(this);
            while state.is_asleep(id) {
                drop(state);
                thread::park(); // which may also end by itself
                state = self.lock();
            }
            state.woken -= 1;
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
        while let Some(job) = self.shared.next() {
            let is_long = job.length == Length::Long;
            self.work(job);
            self.shared.answer();
            if is_long {
                self.shared.lock().at_long_work -= 1;
            }
        }
    }

    /// Does a job and, in the same snapshot, those that were asked for before it was taken.
    fn work(&mut self, first: Job) {
        let begun = Instant::now();
        let mut in_snapshot = false;
        let mut jobs = 0;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            jobs += 1;
            let shares = job.length == Length::Short;
            if job.ticket.begin() && !self.run_job(job, &mut in_snapshot) {
                self.connection = None;
                return;
            }
            if shares && in_snapshot && jobs < SHARED && begun.elapsed() < self.shared.shared_time {
                next = self.shared.next_of_before(begun);
                if next.is_some() && begun.elapsed() > self.shared.kept_time {
                    self.shared.answer();
                }
            }
        }
        // Nothing was written, so there is nothing that a rollback could lose.
        if in_snapshot
            && let Some((connection, _)) = &mut self.connection
            && statement::run(connection, "ROLLBACK").is_err()
        {
            self.connection = None;
        }
    }

    /// Does a job, in a snapshot if it needs one or others wait that may share it. Answers whether the connection can be
    /// used on.
    fn run_job(&mut self, Job { length, moment, work, added, .. }: Job, in_snapshot: &mut bool) -> bool {
        self.shared.metrics.pool_wait(added.elapsed());
        let others_wait = length == Length::Short && self.shared.queued.load(Ordering::Relaxed) > 0;
        let connection = self.connection().and_then(|connection| {
            if !*in_snapshot && (moment == Moment::OfAll || others_wait) {
                statement::run(connection, "BEGIN").doing("beginning a read")?;
                *in_snapshot = true;
            }
            Ok(connection)
        });
        let mut done = Done { fit: false, answer: None };
        match connection {
            Ok(connection) => run_job(connection, |connection| done = work(Ok(connection))),
            Err(error) => done.answer = work(Err(error)).answer,
        }
        if let Some(answer) = done.answer {
            self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
        done.fit
    }

    /// The connection, which is opened if need be.
    fn connection(&mut self) -> Result<&mut SqliteConnection> {
        let shared = &self.shared;
        if shared.pre_ping && self.connection.as_mut().is_some_and(|(it, _)| ping(it).is_err()) {
            self.connection = None;
        }
        let (connection, _) = match self.connection.take() {
            Some(open) => self.connection.insert(open),
            None => {
                let counted = Counted::new(&shared.connections);
                self.connection.insert((shared.settings.open(&shared.path)?, counted))
            }
        };
        Ok(connection)
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

    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::config::Location;
    use crate::connection::set_journal_mode;

    /// A pool of so many readers, in which a snapshot is shared, and answers are kept back, for as long as there is somebody
    /// to share it; and a writer.
    fn pool(size: usize) -> (tempfile::TempDir, SqliteConnection, ReaderPool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pool.db");
        let mut config = SqliteConfig::new(Location::File(path.clone()));
        (config.acquire_timeout, config.pool_size) = (Duration::from_secs(20), size);
        let path = path.to_str().unwrap().to_owned();
        let mut writer = ConnectionSettings::new(&config, false).open(&path).unwrap();
        set_journal_mode(&mut writer, &config).unwrap();
        crate::migrations::run(&mut writer, std::path::Path::new(&path)).unwrap();
        let settings = ConnectionSettings::new(&config, true);
        let metrics = Arc::new(Metrics::new());
        let mut pool = ReaderPool::new(path, settings, &config, Connections::new(), metrics);
        let shared = Arc::get_mut(&mut pool.shared).unwrap();
        (shared.shared_time, shared.kept_time) = (Duration::MAX, Duration::MAX);
        (folder, writer, pool)
    }

    /// As many as are kept awake read from a slow disk, as it were; the next reader does not wait for them.
    #[tokio::test]
    async fn one_more_thread_helps_those_who_wait_behind_what_is_stuck() {
        let (_folder, _writer, pool) = pool(20);
        let pool = Arc::new(pool);

        let cores = std::thread::available_parallelism().unwrap().get();
        let (begun, has_begun) = mpsc::channel();
        let mut stuck = Vec::new();
        for _ in 0..cores {
            let (pool, begun) = (Arc::clone(&pool), begun.clone());
            let (release, released) = mpsc::channel::<()>();
            let read = tokio::spawn(async move {
                pool.run(Length::Short, Moment::OfEach, move |_| {
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
        pool.run(Length::Short, Moment::OfEach, |_| Ok(())).await.unwrap();
        assert!(pool.status().0 > cores);
        for (release, read) in stuck {
            drop(release);
            read.await.unwrap().unwrap();
        }
    }

    /// A job that waits for a sign.
    struct Waiting<T> {
        begun: mpsc::Receiver<()>,
        release: mpsc::Sender<()>,
        answer: tokio::task::JoinHandle<T>,
    }

    fn waiting<T: Send + 'static>(
        pool: &Arc<ReaderPool>,
        length: Length,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Waiting<T> {
        let ((begin, begun), (release, released)) = (mpsc::channel(), mpsc::channel());
        let answer = asked(pool, length, move |connection| {
            let answer = read(connection);
            begin.send(()).unwrap();
            let _ = released.recv();
            answer
        });
        Waiting { begun, release, answer }
    }

    fn asked<T: Send + 'static>(
        pool: &Arc<ReaderPool>,
        length: Length,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let pool = Arc::clone(pool);
        tokio::spawn(async move { pool.run(length, Moment::OfEach, read).await.unwrap() })
    }

    fn channels(connection: &mut SqliteConnection) -> Result<i64> {
        crate::schema::channels::table.count().get_result(connection).doing("counting")
    }

    fn is_in_snapshot(connection: &mut SqliteConnection) -> Result<bool> {
        let begun = statement::run(connection, "BEGIN").is_ok();
        if begun {
            statement::run(connection, "ROLLBACK").doing("ending what was begun")?;
        }
        Ok(!begun)
    }

    /// Runs the tasks that were spawned until they wait for the pool, and there for this to be so.
    async fn until(mut sign: impl FnMut() -> bool) {
        while !sign() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_waited_together_share_a_snapshot_and_who_came_later_sees_what_was_written_since() {
        let (_folder, mut writer, pool) = pool(1);
        let pool = Arc::new(pool);
        let first = waiting(&pool, Length::Short, |_| Ok(()));
        until(|| first.begun.try_recv().is_ok()).await;
        let second = waiting(&pool, Length::Short, |connection| {
            Ok((channels(connection)?, is_in_snapshot(connection)?))
        });
        let third = asked(&pool, Length::Short, channels);
        until(|| pool.shared.queued.load(Ordering::Relaxed) == 2).await;
        first.release.send(()).unwrap();
        until(|| second.begun.try_recv().is_ok()).await;
        let insert =
            "INSERT INTO channels (id, title, created_at, updated_at, revision) VALUES ('c', 't', 0, 0, 1)";
        writer.batch_execute(insert).unwrap();
        let fourth = asked(&pool, Length::Short, channels);
        until(|| pool.shared.queued.load(Ordering::Relaxed) == 2).await;
        second.release.send(()).unwrap();
        assert_eq!(second.answer.await.unwrap(), (0, true));
        assert_eq!(third.await.unwrap(), 0); // in the same snapshot
        assert_eq!(fourth.await.unwrap(), 1);
        assert!(!asked(&pool, Length::Short, is_in_snapshot).await.unwrap());
        first.answer.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_does_not_wait_for_the_one_that_shares_its_snapshot() {
        let (_folder, _writer, pool) = pool(1);
        let pool = Arc::new(pool);
        let first = waiting(&pool, Length::Short, |_| Ok(()));
        until(|| first.begun.try_recv().is_ok()).await;
        let second = asked(&pool, Length::Short, channels);
        let third = waiting(&pool, Length::Short, channels);
        until(|| pool.shared.queued.load(Ordering::Relaxed) == 2).await;
        first.release.send(()).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(20), second).await;
        assert_eq!(answer.expect("an answer").unwrap(), 0);
        third.release.send(()).unwrap();
        assert_eq!(third.answer.await.unwrap(), 0);
        first.answer.await.unwrap();
    }

    #[tokio::test]
    async fn who_fell_asleep_last_is_woken_first() {
        let (_folder, _writer, pool) = pool(2);
        let pool = Arc::new(pool);
        let thread = |_: &mut SqliteConnection| Ok(thread::current().id());
        // Long ones, each of which gets a thread, however few cores there are.
        let jobs = [(); 2].map(|()| waiting(&pool, Length::Long, thread));
        for job in &jobs {
            until(|| job.begun.try_recv().is_ok()).await;
        }
        let mut threads = Vec::new();
        for (job, asleep) in jobs.into_iter().zip(1..) {
            job.release.send(()).unwrap();
            threads.push(job.answer.await.unwrap());
            until(|| pool.shared.lock().asleep.len() == asleep).await;
        }
        assert_ne!(threads[0], threads[1]);
        for _ in 0..3 {
            assert_eq!(asked(&pool, Length::Short, thread).await.unwrap(), threads[1]);
            until(|| pool.shared.lock().asleep.len() == 2).await;
        }
    }
}
