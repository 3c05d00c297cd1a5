//! Units of work: a transaction that holds a connection's thread until it ends.
//!
//! The thread waits for the unit's commands, and for its deadline. Whatever happens to the owner (dropped,
//! cancelled, panicked), the thread notices that nobody can send commands any more and rolls back; so dropping
//! does nothing but drop.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;
use tubeatlas_ports::{Error, Mode, Result, UnitOfWork};

use crate::connection::{Taint, catching, look, thread_ended};
use crate::error::Context;
use crate::file::FileIdentity;
use crate::session::Session;
use crate::store::Engine;

enum Command {
    /// Answers whether the unit goes on.
    Run(Box<dyn FnOnce(&mut SqliteConnection) -> bool + Send>),
    Commit(oneshot::Sender<Result<()>>),
    Rollback(oneshot::Sender<Result<()>>),
}

/// The owner's side of a unit of work.
pub(crate) struct Unit {
    commands: mpsc::Sender<Command>,
    /// Why it has ended, if it has; shared with the thread, which ends it at its deadline.
    ended: Arc<Mutex<Option<&'static str>>>,
    mode: Mode,
    taint: Taint,
    pub(crate) engine: Arc<Engine>,
}

/// On a database that can only be read, SQLite takes BEGIN IMMEDIATE for a plain BEGIN; the update, which
/// changes nothing, is refused there.
const BEGIN_WRITING: &str = "BEGIN IMMEDIATE; UPDATE store_state SET revision = revision WHERE FALSE";

const BY_ERROR: &str = "the unit of work, which an error has ended,";
const BY_DROP: &str = "the unit of work, which ended because the future of a call was dropped,";
const BY_DEADLINE: &str = "the unit of work, whose deadline has passed,";

impl Unit {
    /// Opens a unit of work on the writer, or on a reader of the pool.
    pub(crate) async fn begin(engine: Arc<Engine>, mode: Mode) -> Result<Arc<Self>> {
        let (commands, received) = mpsc::channel();
        let ended = Arc::new(Mutex::new(None));
        let taint = match mode {
            Mode::ReadWrite => engine.writer.taint(),
            Mode::ReadOnly => Taint::default(), // readers are asked for a sign of life
        };
        let thread = Thread {
            received,
            ended: Arc::clone(&ended),
            timeout: engine.unit_of_work_timeout,
            file: engine.file_identity.clone(),
            taint: taint.clone(),
        };
        match mode {
            Mode::ReadWrite => {
                engine
                    .writer
                    .alone(move |connection, opened| thread.run(connection, BEGIN_WRITING, opened))
                    .await??;
            }
            Mode::ReadOnly => {
                let writer = engine.writer.clone();
                engine
                    .readers
                    .hold(move |connection, opened| match connection {
                        // The first read fixes what a transaction sees; BEGIN alone does not.
                        Ok(connection) => {
                            thread.run(connection, "BEGIN; SELECT revision FROM store_state", opened);
                            writer.tidy();
                        }
                        Err(error) => drop(opened.send(Err(error))),
                    })
                    .await??;
            }
        }
        Ok(Arc::new(Self { commands, ended, mode, taint, engine }))
    }

    /// That it has not ended.
    pub(crate) fn check_usable(&self) -> Result<()> {
        match *self.ended.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(why) => Err(Error::Closed { what: why.to_owned() }),
        }
    }

    /// That it has not ended and may write.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.check_usable()?;
        match self.mode {
            Mode::ReadWrite => Ok(()),
            Mode::ReadOnly => Err(Error::ReadOnly { what: "the unit of work".to_owned() }),
        }
    }

    /// Runs one call. An error that does not leave the data as it was ends the unit, and so does going away
    /// before the answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.check_usable()?;
        let (answer, answered) = oneshot::channel();
        let (ended, taint) = (Arc::clone(&self.ended), self.taint.clone());
        // What ends the unit is decided here, on the thread, before anything that is queued behind can run: an
        // error may have made SQLite roll back, and the next statement would be a transaction of its own.
        let command = Command::Run(Box::new(move |connection| {
            let result = catching(|| work(connection));
            taint.look_at(&result);
            let goes_on = result.as_ref().err().is_none_or(Error::keeps_unit_of_work);
            if !goes_on {
                ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(BY_ERROR);
                let _ = connection.batch_execute("ROLLBACK"); // SQLite may have done it already
            }
            let _ = answer.send(result); // the caller may have gone away
            goes_on
        }));
        let guard = EndOnDrop { unit: self, armed: true };
        let result = match self.commands.send(command) {
            Ok(()) => answered.await.map_err(|_| ()),
            Err(_) => Err(()),
        };
        guard.disarm();
        match result {
            Ok(result) => result,
            // The thread has left the unit; it says why, or it has died.
            Err(()) => Err(self.check_usable().err().unwrap_or_else(thread_ended)),
        }
    }

    /// Ends the unit, and has what it holds given back at once.
    fn end(&self, why: &'static str) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        let (answer, _) = oneshot::channel();
        let _ = self.commands.send(Command::Rollback(answer)); // if the thread has left, it is done already
    }

    async fn finish(&self, command: impl FnOnce(oneshot::Sender<Result<()>>) -> Command) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let ended = || self.check_usable().err().unwrap_or_else(thread_ended);
        self.commands.send(command(answer)).map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

/// Ends a unit when a call of it is dropped before it was answered.
struct EndOnDrop<'a> {
    unit: &'a Unit,
    armed: bool,
}

impl EndOnDrop<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.unit.end(BY_DROP);
        }
    }
}

/// The thread's side of a unit of work.
struct Thread {
    received: mpsc::Receiver<Command>,
    ended: Arc<Mutex<Option<&'static str>>>,
    timeout: Duration,
    file: FileIdentity,
    taint: Taint,
}

impl Thread {
    fn run(self, connection: &mut SqliteConnection, begin: &str, opened: oneshot::Sender<Result<()>>) {
        let begun = connection.batch_execute(begin).doing("beginning a unit of work");
        self.taint.look_at(&begun);
        let failed = begun.is_err();
        if opened.send(begun).is_err() || failed {
            // Nobody waits for it any more, or there is none.
            let _ = connection.batch_execute("ROLLBACK");
            return;
        }
        let deadline = Instant::now() + self.timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let received = match left {
                Duration::ZERO => Err(mpsc::RecvTimeoutError::Timeout), // also while commands keep coming
                left => look(|| match self.received.try_recv() {
                    Err(mpsc::TryRecvError::Empty) => None,
                    Err(mpsc::TryRecvError::Disconnected) => Some(Err(mpsc::RecvTimeoutError::Disconnected)),
                    Ok(command) => Some(Ok(command)),
                })
                .unwrap_or_else(|| self.received.recv_timeout(left)),
            };
            match received {
                Ok(Command::Run(work)) => {
                    if !work(connection) {
                        return;
                    }
                }
                Ok(Command::Commit(answer)) => {
                    let commit = self.file.check();
                    let commit = commit
                        .and_then(|()| connection.batch_execute("COMMIT").doing("committing a unit of work"));
                    self.taint.look_at(&commit);
                    if commit.is_err() {
                        let _ = connection.batch_execute("ROLLBACK"); // SQLite may have done it already
                    }
                    let _ = answer.send(commit);
                    return;
                }
                Ok(Command::Rollback(answer)) => {
                    // An error may have rolled back already, and then there is nothing to roll back.
                    let _ = connection.batch_execute("ROLLBACK");
                    let _ = answer.send(Ok(()));
                    return;
                }
                Err(ended) => {
                    if ended == mpsc::RecvTimeoutError::Timeout {
                        let mut why = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                        why.get_or_insert(BY_DEADLINE);
                    }
                    let _ = connection.batch_execute("ROLLBACK");
                    return;
                }
            }
        }
    }
}

/// A unit of work on SQLite.
pub(crate) struct SqliteUnitOfWork {
    unit: Arc<Unit>,
    session: Session,
}

impl SqliteUnitOfWork {
    pub(crate) fn new(unit: Arc<Unit>) -> Self {
        Self { session: Session::Unit(Arc::clone(&unit)), unit }
    }
}

tubeatlas_ports::delegate_repositories!(SqliteUnitOfWork, session);

#[async_trait]
impl UnitOfWork for SqliteUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.unit.check_usable()?;
        self.unit.finish(Command::Commit).await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        if self.unit.check_usable().is_err() {
            return Ok(());
        }
        // If the thread has left meanwhile, at the deadline, all is rolled back as well.
        let _ = self.unit.finish(Command::Rollback).await;
        Ok(())
    }
}
