//! The one connection that writes, and how single writes share its commits.
//!
//! Single writes that arrive while another commit is under way wait in a queue and then go into one
//! transaction together: each in a savepoint of its own, so that it fails or succeeds alone; all of them are
//! answered only after the commit. A unit of work, or maintenance, has the connection to itself.

use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tubeatlas_ports::{Error, Result};

use crate::connection::{Connections, Counted, catching, look, run_job, thread_ended};
use crate::error::{Context, shared};
use crate::file::FileIdentity;
use crate::passages::IndexChanges;
use crate::statement;
use crate::ticket::{GiveUpOnDrop, Ticket};

/// How many writes wait at most before callers have to wait for room in the queue.
const QUEUE: usize = 1_024;

/// How many writes share a commit at most, so that the first of them does not wait for long.
const GROUP: usize = 128;

/// A write that may share a commit.
trait Grouped: Send {
    fn ticket(&self) -> &Ticket;
    /// Does the work, without telling the caller yet; answers the error if it failed.
    fn run(&mut self, connection: &mut SqliteConnection, index: &mut IndexChanges) -> Option<&Error>;
    /// Tells the caller, who got nothing if the commit failed.
    fn answer(self: Box<Self>, commit_failed: Option<&Error>);
}

struct Write<W, T> {
    ticket: Ticket,
    work: Option<W>,
    result: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<W, T> Grouped for Write<W, T>
where
    W: FnOnce(&mut SqliteConnection, &mut IndexChanges) -> Result<T> + Send,
    T: Send,
{
    fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    fn run(&mut self, connection: &mut SqliteConnection, index: &mut IndexChanges) -> Option<&Error> {
        if let Some(work) = self.work.take() {
            self.result = Some(catching(|| work(connection, index)));
        }
        self.result.as_ref()?.as_ref().err()
    }

    fn answer(self: Box<Self>, commit_failed: Option<&Error>) {
        let result = match (self.result, commit_failed) {
            (Some(Ok(value)), None) => Ok(value),
            (Some(Err(error)), _) => Err(error),
            (_, Some(error)) => Err(shared(error)),
            (None, None) => Err(thread_ended()), // cannot be: what was not run is not committed
        };
        let _ = self.caller.send(result); // the caller may have gone away
    }
}

enum Request {
    Grouped(Box<dyn Grouped>),
    Alone(Ticket, Box<dyn FnOnce(&mut SqliteConnection) + Send>),
    /// What was asked for before is done; the thread ends, and with it the connection.
    Stop,
}

/// The connection that writes, on a thread of its own.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    requests: mpsc::Sender<Request>,
    acquire_timeout: Duration,
}

impl Writer {
    /// Takes over an opened connection.
    pub(crate) fn start(
        connection: SqliteConnection,
        acquire_timeout: Duration,
        connections: &Arc<Connections>,
        file: FileIdentity,
    ) -> Result<Self> {
        let (requests, received) = mpsc::channel(QUEUE);
        let counted = Counted::new(connections);
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let _counted = counted; // dropped behind the connection
                let mut connection = connection;
                run(&mut connection, received, &file);
                if file.check().is_err() {
                    // Closing would delete the log of the file that now lies there. The connection is left to
                    // the end of the process.
                    std::mem::forget(connection);
                }
            })
            .map_err(|error| Error::Unavailable {
                message: "no thread could be started for the writer".to_owned(),
                source: Some(Box::new(error)),
            })?;
        Ok(Self { requests, acquire_timeout })
    }

    /// Does a single write: `work` in a transaction, perhaps together with others.
    ///
    /// A caller that goes away, or whose time is up, before the work has begun takes it back; once begun it
    /// runs to its end.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection, &mut IndexChanges) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answered) = oneshot::channel();
        let ticket = Ticket::new();
        let write = Write { ticket: ticket.clone(), work: Some(work), result: None, caller };
        self.submit(Request::Grouped(Box::new(write)), ticket, answered).await?
    }

    /// Has `work` done while nobody else writes; it opens its own transaction. The answer is what `work` sends
    /// to `answer`, which it may do before it is done.
    pub(crate) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection, oneshot::Sender<T>) + Send + 'static,
    ) -> Result<T> {
        let (caller, answered) = oneshot::channel();
        let ticket = Ticket::new();
        let request = Request::Alone(ticket.clone(), Box::new(move |connection| work(connection, caller)));
        self.submit(request, ticket, answered).await
    }

    /// Ends the thread when all that was asked for before is done.
    pub(crate) async fn stop(&self) {
        let _ = self.requests.send(Request::Stop).await; // it may have ended already
    }

    async fn submit<T>(
        &self,
        request: Request,
        ticket: Ticket,
        mut answered: oneshot::Receiver<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.acquire_timeout;
        let _guard = GiveUpOnDrop(ticket.clone());
        match tokio::time::timeout_at(deadline, self.requests.send(request)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(thread_ended()),
            Err(_) => return Err(self.timeout()),
        }
        match tokio::time::timeout_at(deadline, &mut answered).await {
            Ok(answer) => answer.map_err(|_| thread_ended()),
            Err(_) if ticket.give_up() => Err(self.timeout()),
            // It has begun: now it is a matter of its statements, which are bounded, and of busy_timeout.
            Err(_) => answered.await.map_err(|_| thread_ended()),
        }
    }

    fn timeout(&self) -> Error {
        Error::timeout("the right to write", self.acquire_timeout)
    }
}

fn run(connection: &mut SqliteConnection, mut received: mpsc::Receiver<Request>, file: &FileIdentity) {
    let mut next = wait_for(&mut received);
    while let Some(request) = next.take() {
        match request {
            Request::Alone(ticket, work) => {
                if ticket.begin() {
                    run_job(connection, work);
                }
            }
            Request::Stop => return,
            Request::Grouped(first) => next = run_group(connection, first, &mut received, file),
        }
        if next.is_none() {
            next = wait_for(&mut received);
        }
    }
}

/// The next request, which is looked for before it is slept for: to be woken is the dear part of a hop.
fn wait_for(received: &mut mpsc::Receiver<Request>) -> Option<Request> {
    look(|| received.try_recv().ok()).or_else(|| received.blocking_recv())
}

/// Runs `first`, and what else waits in the queue, in one transaction. Gives back the request that ended the
/// group because it wants to be alone.
fn run_group(
    connection: &mut SqliteConnection,
    first: Box<dyn Grouped>,
    received: &mut mpsc::Receiver<Request>,
    file: &FileIdentity,
) -> Option<Request> {
    if !first.ticket().begin() {
        return None;
    }
    if let Err(error) = statement::run(connection, "BEGIN IMMEDIATE").doing("beginning a transaction") {
        first.answer(Some(&error));
        return None;
    }
    let mut members = Vec::new();
    let mut index = IndexChanges::default();
    let mut ended_by = None;
    let mut current = Some(first);
    let mut broken = None;
    while let Some(mut write) = current.take() {
        let kept = run_member(connection, write.as_mut(), &mut index);
        members.push(write);
        if let Err(error) = kept {
            broken = Some(error);
            break;
        }
        while current.is_none() && members.len() < GROUP && ended_by.is_none() {
            match received.try_recv() {
                Ok(Request::Grouped(write)) if write.ticket().begin() => current = Some(write),
                Ok(Request::Grouped(_)) => {} // given up
                Ok(alone) => ended_by = Some(alone),
                Err(_) => break,
            }
        }
    }
    let commit = match broken {
        Some(error) => Err(error),
        None => index
            .apply(connection)
            .and_then(|()| file.check())
            .and_then(|()| statement::run(connection, "COMMIT").doing("committing")),
    };
    if commit.is_err() {
        // SQLite may have rolled back already, and then there is nothing to roll back.
        let _ = connection.batch_execute("ROLLBACK");
    }
    for member in members {
        member.answer(commit.as_ref().err());
    }
    ended_by
}

/// Runs one member in a savepoint, which is undone if it fails. An error means that it could not be undone: SQLite
/// has rolled the whole transaction back, as it does when the disk is full, or the connection is in doubt.
fn run_member(
    connection: &mut SqliteConnection,
    write: &mut dyn Grouped,
    index: &mut IndexChanges,
) -> Result<()> {
    let before = index.len();
    statement::run(connection, "SAVEPOINT member").doing("setting a savepoint")?;
    let Some(error) = write.run(connection, index).map(shared) else {
        return statement::run(connection, "RELEASE member").doing("releasing a savepoint");
    };
    index.truncate(before);
    connection.batch_execute("ROLLBACK TO member; RELEASE member").map_err(|_| error)
}
