//! [`Slot`]: where a unit of work keeps its transaction. Whoever empties it (commit, rollback, drop, an error, the
//! deadline) ends the unit.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;
use tubeatlas_ports::{Error, Result};

use crate::blocking::blocking;
use crate::shared::Open;

pub(crate) struct Slot {
    /// The order in which calls that are polled at the same time run.
    turn: tokio::sync::Mutex<()>,
    phase: Mutex<Phase>,
    deadline: Instant,
}

enum Phase {
    Idle(Open),
    /// A call has it.
    Busy,
    Ended,
}

/// Ends the unit of work if the call that owns it is dropped before it is ready.
struct Unfinished(Option<Arc<Slot>>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.end();
        }
    }
}

impl Slot {
    pub(crate) fn new(open: Open, deadline: Instant) -> Arc<Self> {
        let phase = Mutex::new(Phase::Idle(open));
        Arc::new(Self { turn: tokio::sync::Mutex::new(()), phase, deadline })
    }

    /// Ends the unit: at once if it is idle, else when the call that has it comes back.
    pub(crate) fn end(&self) {
        let held = self.enter(Phase::Ended);
        drop(held); // rolls back, not under the lock
    }

    /// Runs a call on the unit.
    pub(crate) async fn call<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Open) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let slot = self.clone();
        self.run(move |mut open| {
            let answer = work(&mut open);
            slot.give_back(open);
            answer
        })
        .await
    }

    /// Commits and ends the unit. A commit that has begun goes on after the deadline.
    pub(crate) async fn commit(self: &Arc<Self>) -> Result<()> {
        let answer = self.run(Open::commit).await;
        self.end();
        answer
    }

    /// Runs work on what is in the slot, which the work may give back.
    async fn run<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Open) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let mut unfinished = Unfinished(Some(self.clone())); // made at the first poll, not before
        let turn = self.turn.lock().await;
        let answer = match self.take() {
            Ok(open) => blocking(move || work(open)).await,
            Err(closed) => Err(closed),
        };
        drop(turn);
        if answer.as_ref().err().is_none_or(Error::keeps_unit_of_work) {
            unfinished.0 = None;
        }
        answer
    }

    fn take(&self) -> Result<Open> {
        if self.deadline <= Instant::now() {
            self.end();
        }
        if let Phase::Idle(open) = self.enter(Phase::Busy) {
            return Ok(open);
        }
        // Ended, or busy although it is our turn: a call panicked.
        self.end();
        Err(Error::Closed { what: "the unit of work".to_owned() })
    }

    fn give_back(&self, open: Open) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::Busy = *phase {
            *phase = Phase::Idle(open);
        } // else it was ended meanwhile, and `open` is dropped: rolled back
    }

    fn enter(&self, next: Phase) -> Phase {
        mem::replace(&mut *self.phase.lock().unwrap_or_else(PoisonError::into_inner), next)
    }
}
