//! Units of work: a transaction in a task of its own, which takes commands until it ends.
//!
//! Whatever happens to the owner (dropped, cancelled, panicked), the task notices that nobody can send commands any
//! more and rolls back; so dropping does nothing but drop. If the task is dropped, with its runtime, the connection
//! is closed, and the server rolls back.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tubeatlas_ports::{Conflict, Error, Mode, Result, UnitOfWork};

use crate::engine::{Engine, Inside, Presence};
use crate::error::gave_way;
use crate::session::{Isolation, Session, Transaction};

/// Whether a unit goes on after a call of it.
enum Then {
    GoesOn,
    /// The call ended it, with an error that may have left the connection as it was.
    Ends,
    /// Its caller went away while a statement was running.
    IsAbandoned,
}

type Work = Box<dyn for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Then> + Send>;

enum Command {
    Run(Work),
    Commit(oneshot::Sender<Result<()>>, Presence),
    Rollback(oneshot::Sender<()>),
}

/// Why a unit of work has ended.
#[derive(Clone, Copy)]
enum Ended {
    Conflict,
    Because(&'static str),
}

const BY_ERROR: &str = "the unit of work, which an error has ended,";
const BY_DROP: &str = "the unit of work, which ended because the future of a call was dropped,";
const BY_DEADLINE: &str = "the unit of work, whose deadline has passed,";
const BY_RUNTIME: &str = "the unit of work, whose runtime was shut down,";

/// The owner's side of a unit of work.
pub(crate) struct Unit {
    commands: mpsc::UnboundedSender<Command>,
    /// Shared with the task, which ends it at its deadline.
    ended: Arc<Mutex<Option<Ended>>>,
    mode: Mode,
    engine: Arc<Engine>,
}

fn end(ended: &Mutex<Option<Ended>>, why: Ended) {
    ended.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
}

impl Unit {
    /// Opens a unit of work.
    pub(crate) async fn begin(engine: &Arc<Engine>, mode: Mode) -> Result<Self> {
        let inside = engine.enter()?;
        if mode == Mode::ReadWrite {
            engine.settled().await;
        }
        let connection = engine.pool.get().await?;
        let (commands, received) = mpsc::unbounded_channel();
        let ended = Arc::new(Mutex::new(None));
        let isolation = match mode {
            Mode::ReadWrite => Isolation::Serializable,
            Mode::ReadOnly => Isolation::ReadOnly,
        };
        let (opened, is_open) = oneshot::channel();
        let task = Task { received, ended: Arc::clone(&ended), engine: Arc::clone(engine), inside };
        tokio::spawn(async move {
            match Transaction::begin(connection, isolation, &task.engine).await {
                Err(error) => drop(opened.send(Err(error))),
                Ok(transaction) => match opened.send(Ok(())) {
                    Ok(()) => task.run(transaction).await,
                    Err(_) => transaction.rollback().await, // nobody waits for it any more
                },
            }
        });
        match is_open.await {
            Ok(Ok(())) => Ok(Self { commands, ended, mode, engine: Arc::clone(engine) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Closed { what: BY_RUNTIME.to_owned() }),
        }
    }

    /// That it has not ended.
    pub(crate) fn check_usable(&self) -> Result<()> {
        match *self.ended.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(Ended::Conflict) => Err(Error::Conflict(Conflict::Serialization)),
            Some(Ended::Because(why)) => Err(Error::Closed { what: why.to_owned() }),
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
        work: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.check_usable()?;
        let (mut answer, answered) = oneshot::channel();
        let ended = Arc::clone(&self.ended);
        let work: Work = Box::new(move |transaction| {
            async move {
                let result = tokio::select! {
                    biased;
                    result = work(transaction) => result,
                    () = answer.closed() => return Then::IsAbandoned,
                };
                // What ends the unit is decided here, before anything that is queued behind can run.
                let then = match &result {
                    Err(error) if gave_way(error) => {
                        end(&ended, Ended::Conflict);
                        Then::Ends
                    }
                    Err(error) if !error.keeps_unit_of_work() => {
                        end(&ended, Ended::Because(BY_ERROR));
                        Then::Ends
                    }
                    _ => Then::GoesOn,
                };
                match answer.send(result) {
                    Ok(()) => then,
                    Err(_) => Then::Ends, // the caller went away just now, and has ended it
                }
            }
            .boxed()
        });
        self.commands.send(Command::Run(work)).map_err(|_| self.why_ended())?;
        let guard = EndOnDrop { unit: self, armed: true };
        let result = answered.await;
        guard.disarm();
        // Without an answer the task has left the unit.
        result.unwrap_or_else(|_| Err(self.why_ended())).map_err(|error| self.engine.explain(error))
    }

    fn why_ended(&self) -> Error {
        end(&self.ended, Ended::Because(BY_RUNTIME)); // unless there is another reason
        self.check_usable().err().unwrap_or(Error::Closed { what: BY_RUNTIME.to_owned() })
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
            end(&self.unit.ended, Ended::Because(BY_DROP));
            let (answer, _) = oneshot::channel();
            let _ = self.unit.commands.send(Command::Rollback(answer)); // if the task has left, it is done already
        }
    }
}

/// The task's side of a unit of work.
struct Task {
    received: mpsc::UnboundedReceiver<Command>,
    ended: Arc<Mutex<Option<Ended>>>,
    engine: Arc<Engine>,
    /// Left when the transaction has ended.
    inside: Inside,
}

impl Task {
    async fn run(mut self, mut transaction: Transaction) {
        let until = Instant::now() + self.engine.config.unit_of_work_timeout;
        let deadline = tokio::time::sleep_until(until);
        tokio::pin!(deadline);
        loop {
            // The deadline first: it ends the unit also while commands keep coming.
            let command = tokio::select! {
                biased;
                () = &mut deadline => {
                    end(&self.ended, Ended::Because(BY_DEADLINE));
                    transaction.rollback().await;
                    break;
                }
                command = self.received.recv() => command,
            };
            match command {
                Some(Command::Run(work)) => {
                    let then = tokio::select! {
                        biased;
                        then = work(&mut transaction) => then,
                        () = &mut deadline => {
                            end(&self.ended, Ended::Because(BY_DEADLINE));
                            Then::IsAbandoned
                        }
                    };
                    match then {
                        Then::GoesOn => {}
                        Then::Ends => {
                            transaction.rollback().await;
                            break;
                        }
                        Then::IsAbandoned => {
                            transaction.abandon(&self.engine).await;
                            break;
                        }
                    }
                }
                Some(Command::Commit(answer, presence)) => {
                    let committed = transaction.commit().await;
                    presence.is_over();
                    let _ = answer.send(committed); // its caller may have gone away
                    break;
                }
                Some(Command::Rollback(answer)) => {
                    transaction.rollback().await;
                    let _ = answer.send(()); // the same
                    break;
                }
                None => {
                    transaction.rollback().await;
                    break;
                }
            }
        }
        drop(self.inside);
    }
}

/// A unit of work on Postgres.
pub(crate) struct PostgresUnitOfWork {
    unit: Arc<Unit>,
    session: Session,
}

impl PostgresUnitOfWork {
    pub(crate) fn new(unit: Unit) -> Self {
        let unit = Arc::new(unit);
        Self { session: Session::Unit(Arc::clone(&unit)), unit }
    }
}

tubeatlas_ports::delegate_repositories!(PostgresUnitOfWork, session);

#[async_trait]
impl UnitOfWork for PostgresUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.unit.check_usable()?;
        let (answer, answered) = oneshot::channel();
        let presence = Presence::new(&self.unit.engine);
        let _caller = presence.of_caller();
        self.unit.commands.send(Command::Commit(answer, presence)).map_err(|_| self.unit.why_ended())?;
        let committed = answered.await.unwrap_or_else(|_| Err(self.unit.why_ended()));
        committed.map_err(|error| self.unit.engine.explain(error))
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        // If the task has left, at the deadline or after an error, all is rolled back as well.
        if self.unit.commands.send(Command::Rollback(answer)).is_ok() {
            let _ = answered.await;
        }
        Ok(())
    }
}
