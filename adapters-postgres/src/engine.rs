//! [`Engine`]: what a store consists of, and who is inside it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tubeatlas_ports::{Clock, Error, IdGenerator, Result};

use crate::config::PostgresConfig;
use crate::error::with_timeouts;
use crate::pool::{Pool, SOON};

/// What a store consists of; shared by its handles and its units of work.
pub(crate) struct Engine {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(crate) config: PostgresConfig,
    pub(crate) counted_passages: Arc<CountedPassages>,
    gate: watch::Sender<Gate>,
    /// How many calls still run whose callers went away.
    abandoned: watch::Sender<usize>,
}

/// How many passages there are, as they were counted last, and the revision that was drawn last before that: as long as
/// no other one is drawn, nobody has written. (Somebody who was writing just then may be missed until the next write. It
/// is a weight, and to count all for each search would take longer than to find what it asks for.)
#[derive(Default)]
pub(crate) struct CountedPassages(Mutex<(Option<i64>, i64)>);

impl CountedPassages {
    /// The revision and the number.
    pub(crate) fn get(&self) -> (Option<i64>, i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, revision: Option<i64>, count: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (revision, count);
    }
}

/// How long a write waits for calls that were dropped before it and still run. They are stopped before that.
const PATIENCE: Duration = SOON.saturating_mul(10);

/// Whether anybody may come in, and how many are inside.
#[derive(Default)]
struct Gate {
    closed: bool,
    inside: usize,
}

/// The right to be inside. `close` waits until the last one is dropped.
pub(crate) struct Inside(Arc<Engine>);

impl Clone for Inside {
    /// Who is inside may bring others, also after the gate was closed.
    fn clone(&self) -> Self {
        self.0.gate.send_modify(|gate| gate.inside += 1);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.gate.send_modify(|gate| gate.inside -= 1);
    }
}

/// A call that still runs although its caller went away.
struct Abandoned(Arc<Engine>);

impl Drop for Abandoned {
    fn drop(&mut self) {
        self.0.abandoned.send_modify(|running| *running -= 1);
    }
}

/// What a caller and the task of its call know of each other.
#[derive(Clone)]
pub(crate) struct Presence {
    engine: Arc<Engine>,
    state: Arc<Mutex<State>>,
}

enum State {
    Running,
    Abandoned { _counted: Abandoned },
    Over,
}

impl Presence {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::clone(engine), state: Arc::new(Mutex::new(State::Running)) }
    }

    /// Said by the task.
    pub(crate) fn is_over(&self) {
        // What it was is dropped after the lock was given back.
        let _was =
            std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Over);
    }

    /// What the caller keeps while it waits.
    pub(crate) fn of_caller(&self) -> Caller {
        Caller(self.clone())
    }
}

/// Dropped by the caller when it has its answer, or goes away before.
pub(crate) struct Caller(Presence);

impl Drop for Caller {
    fn drop(&mut self) {
        let Presence { engine, state } = &self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Running = *state {
            engine.abandoned.send_modify(|running| *running += 1);
            *state = State::Abandoned { _counted: Abandoned(Arc::clone(engine)) };
        }
    }
}

fn closed() -> Error {
    Error::Closed { what: "the store".to_owned() }
}

impl Engine {
    pub(crate) fn new(
        config: PostgresConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Result<Self> {
        Ok(Self {
            pool: Pool::new(&config)?,
            clock,
            ids,
            config,
            counted_passages: Arc::default(),
            gate: watch::Sender::default(),
            abandoned: watch::Sender::default(),
        })
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.gate.borrow().closed { Err(closed()) } else { Ok(()) }
    }

    /// Comes in, unless the store was closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Inside> {
        let mut open = false;
        self.gate.send_if_modified(|gate| {
            open = !gate.closed;
            gate.inside += usize::from(open);
            false
        });
        if open { Ok(Inside(Arc::clone(self))) } else { Err(closed()) }
    }

    /// Lets nobody in any more, and waits until nobody is inside.
    pub(crate) async fn close(&self) {
        self.gate.send_modify(|gate| gate.closed = true);
        // The sender is `self.gate`, so this ends only when nobody is inside.
        let _ = self.gate.subscribe().wait_for(|gate| gate.inside == 0).await;
        self.pool.close();
    }

    /// Waits until calls have ended that were dropped before this one: who gives up a write and begins another one
    /// may count on the order. (A call that reads sees all of a dropped one or nothing, at whatever moment.)
    pub(crate) async fn settled(&self) {
        let mut abandoned = self.abandoned.subscribe();
        let _ = tokio::time::timeout(PATIENCE, abandoned.wait_for(|running| *running == 0)).await;
    }

    /// Completes an error with what only the engine knows: how long was waited.
    pub(crate) fn explain(&self, error: Error) -> Error {
        with_timeouts(error, self.config.acquire_timeout, self.config.statement_timeout)
    }
}
