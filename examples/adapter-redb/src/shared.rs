//! What the store and its units of work share: the file, who is inside, and the right to write.

use std::sync::{Arc, PoisonError, RwLock};

use redb::Database;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tubeatlas_ports::{Clock, Error, IdGenerator, Result};

use crate::Options;
use crate::blocking::blocking;
use crate::engine::Transaction;

pub(crate) struct Shared {
    /// Taken out by `close`, so that the file is free although the store lives on.
    database: RwLock<Option<Arc<Database>>>,
    /// One permit: redb's own lock would block a thread, and never time out.
    writer: Arc<Semaphore>,
    gate: watch::Sender<Gate>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) options: Options,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    inside: usize,
}

/// The right to be inside. `close` waits until the last one is dropped.
pub(crate) struct Inside(Arc<Shared>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.gate.send_modify(|gate| gate.inside -= 1);
    }
}

/// The right to write, held while inside. The fields are dropped in this order.
pub(crate) struct Writer {
    permit: OwnedSemaphorePermit,
    inside: Inside,
}

/// A transaction, with the rights that it needs. Dropping it rolls back; the fields are dropped in this order.
pub(crate) struct Open {
    pub(crate) transaction: Transaction,
    /// Whether anything was written into the transaction.
    pub(crate) written: bool,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    pub(crate) inside: Inside,
}

/// The file, on its way to being closed, which counts as being inside. The fields are dropped in this order.
struct Closing {
    _database: Arc<Database>,
    _inside: Inside,
}

impl Shared {
    pub(crate) fn new(
        database: Database,
        options: Options,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Arc<Self> {
        Arc::new(Self {
            database: RwLock::new(Some(Arc::new(database))),
            writer: Arc::new(Semaphore::new(1)),
            gate: watch::Sender::new(Gate::default()),
            clock,
            ids,
            options,
        })
    }

    /// # Errors
    /// [`Error::Closed`] once `close` was called.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Inside> {
        let mut closed = false;
        self.gate.send_if_modified(|gate| {
            closed = gate.closed;
            gate.inside += usize::from(!closed);
            false
        });
        if closed { Err(store_closed()) } else { Ok(Inside(self.clone())) }
    }

    /// Lets nobody in any more, waits until nobody is inside, and gives the file back.
    pub(crate) async fn close(self: &Arc<Self>) -> Result<()> {
        self.gate.send_modify(|gate| gate.closed = true);
        let mut gate = self.gate.subscribe();
        loop {
            // The sender is `self.gate`, so this ends only when nobody is inside.
            let _ = gate.wait_for(|gate| gate.inside == 0).await;
            match self.take_database() {
                Some(closing) => {
                    blocking(move || {
                        drop(closing);
                        Ok(())
                    })
                    .await?;
                }
                // Another `close` took it, and may not be done with it.
                None if self.gate.borrow().inside == 0 => return Ok(()),
                None => {}
            }
        }
    }

    /// Takes the file out. Whoever does not find it any more finds the one who has it inside.
    fn take_database(self: &Arc<Self>) -> Option<Closing> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let taken = database.take()?;
        self.gate.send_modify(|gate| gate.inside += 1);
        Some(Closing { _database: taken, _inside: Inside(self.clone()) })
    }
}

impl Inside {
    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Waits for the right to write. Blocks no thread.
    pub(crate) async fn acquire(self) -> Result<Writer> {
        let wait = self.0.options.acquire_timeout;
        match timeout(wait, self.0.writer.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Writer { permit, inside: self }),
            Ok(Err(_)) => Err(store_closed()), // nobody closes the semaphore
            Err(_) => Err(Error::timeout("the right to write", wait)),
        }
    }

    /// A snapshot of what is committed now. Blocks.
    pub(crate) fn begin(self) -> Result<Open> {
        let transaction = Transaction::reading(&*self.database()?)?;
        Ok(Open { transaction, written: false, permit: None, inside: self })
    }

    fn database(&self) -> Result<Arc<Database>> {
        let database = self.0.database.read().unwrap_or_else(PoisonError::into_inner);
        database.clone().ok_or_else(store_closed)
    }
}

impl Writer {
    /// A transaction that writes. Blocks, but waits for no other: whoever has the permit has no rival.
    pub(crate) fn begin(self) -> Result<Open> {
        let transaction = Transaction::writing(&*self.inside.database()?)?;
        Ok(Open { transaction, written: false, permit: Some(self.permit), inside: self.inside })
    }
}

impl Open {
    /// Makes durable what was written, and gives everything back. Blocks.
    pub(crate) fn commit(self) -> Result<()> {
        let Self { transaction, written, permit, inside } = self;
        // A commit of nothing would write to the disk all the same.
        let done = if written { transaction.commit() } else { Ok(()) };
        drop((permit, inside)); // after the commit
        done
    }
}

fn store_closed() -> Error {
    Error::Closed { what: "the store".to_owned() }
}
