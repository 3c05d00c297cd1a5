//! The one connection that writes, and how single writes share its commits.
//!
//! Single writes that arrive while another commit is under way wait in a queue and then go into one
//! transaction together: each in a savepoint of its own, so that it fails or succeeds alone; all of them are
//! answered only after the commit. A unit of work, or maintenance, has the connection to itself.
//!
//! After an error that leaves the connection in doubt it is closed, and opened anew for what comes next.

use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tubeatlas_ports::{Error, Result};

use crate::config::SqliteConfig;
use crate::connection::{
    ConnectionSettings, Connections, Counted, Taint, catching, look, run_job, set_journal_mode, thread_ended,
};
use crate::error::{Context, shared};
use crate::file::FileIdentity;
use crate::metrics::Metrics;
use crate::passages::IndexChanges;
use crate::statement;
use crate::ticket::{GiveUpOnDrop, Ticket};
use crate::wal::Wal;

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
    Alone(Ticket, Box<dyn FnOnce(Result<&mut SqliteConnection>) + Send>),
    /// A reader is gone that may have kept the log from being cut.
    Tidy,
    /// What was asked for before is done; the thread ends, and with it the connection.
    Stop,
}

/// The connection that writes, on a thread of its own.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    requests: mpsc::Sender<Request>,
    acquire_timeout: Duration,
    taint: Taint,
}

impl Writer {
    /// Takes over an opened connection to the file at `path`.
    pub(crate) fn start(
        mut connection: SqliteConnection,
        path: String,
        config: &SqliteConfig,
        connections: &Arc<Connections>,
        file: FileIdentity,
        metrics: Arc<Metrics>,
    ) -> Result<Self> {
        let (requests, received) = mpsc::channel(QUEUE);
        let counted = Counted::new(connections);
        let (config, acquire_timeout, taint) = (config.clone(), config.acquire_timeout, Taint::default());
        let wal = Wal::new(&path, &config, file.clone());
        wal.take_over(&mut connection)?;
        let connection = Some(connection);
        let thread = Thread { connection, path, config, file, wal, metrics, taint: taint.clone() };
        std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                let _counted = counted; // dropped behind the connection
                thread.run(received);
            })
            .map_err(|error| Error::Unavailable {
                message: "no thread could be started for the writer".to_owned(),
                source: Some(Box::new(error)),
            })?;
        Ok(Self { requests, acquire_timeout, taint })
    }

    /// The mark that has the connection replaced, for those who have it to themselves.
    pub(crate) fn taint(&self) -> Taint {
        self.taint.clone()
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
        let (failed, mut failure) = oneshot::channel();
        let ticket = Ticket::new();
        let work = move |connection: Result<&mut SqliteConnection>| match connection {
            Ok(connection) => work(connection, caller),
            Err(error) => {
                let _ = failed.send(error); // the caller may have gone away
                drop(caller);
            }
        };
        let request = Request::Alone(ticket.clone(), Box::new(work));
        let answer = self.submit(request, ticket, answered).await;
        answer.map_err(|error| failure.try_recv().unwrap_or(error))
    }

    /// Has the log cut if it is over its limit: a reader is gone that may have been in the way. Unless the queue is
    /// full; then the writes in it see to that.
    pub(crate) fn tidy(&self) {
        let _ = self.requests.try_send(Request::Tidy);
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

/// The writer's thread and its connection.
struct Thread {
    /// None after an error that left it in doubt.
    connection: Option<SqliteConnection>,
    path: String,
    config: SqliteConfig,
    file: FileIdentity,
    wal: Wal,
    metrics: Arc<Metrics>,
    taint: Taint,
}

impl Thread {
    fn run(mut self, mut received: mpsc::Receiver<Request>) {
        let mut next = wait_for(&mut received);
        while let Some(request) = next.take() {
            let tidy = matches!(request, Request::Tidy);
            match request {
                Request::Tidy => {}
                Request::Alone(ticket, work) => {
                    if ticket.begin() {
                        match self.connection() {
                            Ok(connection) => run_job(connection, |connection| work(Ok(connection))),
                            Err(error) => work(Err(error)),
                        }
                    }
                }
                Request::Stop => break,
                Request::Grouped(first) => next = self.run_group(first, &mut received),
            }
            if let Some(connection) = &mut self.connection {
                // What was written has been answered: an error concerns nobody but the connection.
                self.taint.look_at(&self.wal.checkpoint(connection));
                self.taint.look_at(&self.wal.bound(connection, tidy, &self.metrics));
            }
            if self.taint.take() {
                self.discard();
            }
            if next.is_none() {
                next = wait_for(&mut received);
            }
        }
        self.wal.stop(); // the writer's connection is the last one: see `close`
        self.discard();
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.file.check()?;
                let mut connection = ConnectionSettings::new(&self.config, false).open(&self.path)?;
                set_journal_mode(&mut connection, &self.config)?;
                self.wal.take_over(&mut connection)?;
                connection
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn discard(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.file.check().is_err() {
            // Closing would delete the log of the file that now lies there. The connection is left to the end of
            // the process.
            std::mem::forget(connection);
        }
    }

    fn run_group(
        &mut self,
        first: Box<dyn Grouped>,
        received: &mut mpsc::Receiver<Request>,
    ) -> Option<Request> {
        if !first.ticket().begin() {
            return None;
        }
        self.metrics.queue_depth(received.len());
        let (file, taint, metrics) = (self.file.clone(), self.taint.clone(), Arc::clone(&self.metrics));
        match self.connection() {
            Ok(connection) => run_group(connection, first, received, &file, &taint, &metrics),
            Err(error) => {
                first.answer(Some(&error));
                None
            }
        }
    }
}

/// The next request, which is looked for before it is slept for: to be woken is the dear part of a hop.
fn wait_for(received: &mut mpsc::Receiver<Request>) -> Option<Request> {
    look(|| received.try_recv().ok()).or_else(|| received.blocking_recv())
}

/// Runs `first`, which has begun, and what else waits in the queue, in one transaction. Gives back the request that ended the
/// group because it wants to be alone.
fn run_group(
    connection: &mut SqliteConnection,
    first: Box<dyn Grouped>,
    received: &mut mpsc::Receiver<Request>,
    file: &FileIdentity,
    taint: &Taint,
    metrics: &Metrics,
) -> Option<Request> {
    let begun = statement::run(connection, "BEGIN IMMEDIATE").doing("beginning a transaction");
    taint.look_at(&begun);
    if let Err(error) = begun {
        first.answer(Some(&error));
        return None;
    }
    let mut members = Vec::new();
    let mut index = IndexChanges::default();
    let mut ended_by = None;
    let mut current = Some(first);
    if received.is_empty()
        && let Some(mut write) = current.take()
    {
        // All of the transaction is undone if it fails: SQLite need not keep each page as it was before.
        if let Some(error) = write.run(connection, &mut index).map(shared) {
            taint.look_at::<()>(&Err(error));
            let _ = connection.batch_execute("ROLLBACK"); // SQLite may have done so already
            write.answer(None);
            return None;
        }
        members.push(write);
        current = next_member(received, &mut ended_by);
    }
    let mut broken = None;
    while let Some(mut write) = current.take() {
        let kept = run_member(connection, write.as_mut(), &mut index, taint);
        members.push(write);
        if let Err(error) = kept {
            broken = Some(error);
            break;
        }
        if members.len() < GROUP {
            current = next_member(received, &mut ended_by);
        }
    }
    let commit = match broken {
        Some(error) => Err(error),
        None => index.apply(connection).and_then(|()| file.check()).and_then(|()| {
            let begun = std::time::Instant::now();
            let committed = statement::run(connection, "COMMIT").doing("committing");
            metrics.commit(members.len(), begun.elapsed());
            committed
        }),
    };
    taint.look_at(&commit);
    if commit.is_err() {
        // SQLite may have rolled back already, and then there is nothing to roll back.
        let _ = connection.batch_execute("ROLLBACK");
    }
    for member in members {
        member.answer(commit.as_ref().err());
    }
    ended_by
}

/// The next write in the queue that may join a group; or else the request that ends it because it wants to be alone.
fn next_member(
    received: &mut mpsc::Receiver<Request>,
    ended_by: &mut Option<Request>,
) -> Option<Box<dyn Grouped>> {
    loop {
        match received.try_recv() {
            Ok(Request::Grouped(write)) if write.ticket().begin() => return Some(write),
            Ok(Request::Grouped(_)) => {} // given up
            Ok(alone) => {
                *ended_by = Some(alone);
                return None;
            }
            Err(_) => return None,
        }
    }
}

/// Runs one member in a savepoint, which is undone if it fails. An error means that it could not be undone: SQLite
/// has rolled the whole transaction back, as it does when the disk is full, or the connection is in doubt.
fn run_member(
    connection: &mut SqliteConnection,
    write: &mut dyn Grouped,
    index: &mut IndexChanges,
    taint: &Taint,
) -> Result<()> {
    let before = index.len();
    statement::run(connection, "SAVEPOINT member").doing("setting a savepoint")?;
    let Some(error) = write.run(connection, index).map(shared) else {
        return statement::run(connection, "RELEASE member").doing("releasing a savepoint");
    };
    index.truncate(before);
    let failed: Result<()> = Err(error);
    taint.look_at(&failed);
    connection.batch_execute("ROLLBACK TO member; RELEASE member").or(failed)
}
