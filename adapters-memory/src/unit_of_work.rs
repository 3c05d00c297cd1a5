//! [`MemoryUnitOfWork`]: a state of its own, and the right to publish it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tubeatlas_ports::{
    ChannelRepository, Error, KnowledgeGraphRepository, MediaFileRepository, ProcessingTaskRepository,
    Repositories, Result, TranscriptRepository, UnitOfWork, VideoRepository,
};

use crate::session::Session;
use crate::state::{Stamp, State};
use crate::store::Inside;

const ENDED: &str = "the unit of work";
const FAILED: &str = "the unit of work, which an error ended,";
const EXPIRED: &str = "the unit of work, whose deadline has passed or whose runtime was shut down,";

/// A unit of work. Dropping it ends it.
pub(crate) struct MemoryUnitOfWork {
    session: Session,
    unit: Arc<Unit>,
    timer: AbortHandle,
}

/// The part of a unit of work that its timer can reach too.
pub(crate) struct Unit {
    phase: Mutex<Phase>,
    /// `None` if it lies beyond what the clock can say.
    deadline: Option<Instant>,
}

enum Phase {
    Open(Open),
    /// And how an error names it.
    Ended(&'static str),
}

/// All that an open unit of work holds; dropping it rolls back.
pub(crate) struct Open {
    state: Arc<State>,
    /// The right to write; a unit without it only reads. Given back before `inside` is left.
    permit: Option<OwnedSemaphorePermit>,
    inside: Inside,
}

/// Ends a unit of work when it is dropped: by its timer, or with the runtime on which the timer would run.
struct EndOnDrop(Arc<Unit>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(EXPIRED);
    }
}

impl MemoryUnitOfWork {
    pub(crate) fn begin(inside: Inside, permit: Option<OwnedSemaphorePermit>) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| Error::Unavailable {
            message: "a unit of work needs a tokio runtime, for its deadline".to_owned(),
            source: Some(Box::new(error)),
        })?;
        let timeout = inside.store().config.unit_of_work_timeout;
        let open = Open { state: inside.current(), permit, inside };
        let deadline = Instant::now().checked_add(timeout);
        let unit = Arc::new(Unit { phase: Mutex::new(Phase::Open(open)), deadline });
        let end = EndOnDrop(unit.clone());
        let timer = runtime.spawn(async move {
            tokio::time::sleep(timeout).await;
            drop(end);
        });
        Ok(Self { session: Session::Unit(unit.clone()), unit, timer: timer.abort_handle() })
    }
}

impl Drop for MemoryUnitOfWork {
    fn drop(&mut self) {
        self.unit.end(ENDED);
        self.timer.abort();
    }
}

impl Unit {
    /// Runs one call, unless the unit has ended; an error that ends it does so.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut Open) -> Result<T>) -> Result<T> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.end(EXPIRED);
        }
        // A call that panicked has changed nothing, so what it leaves behind is whole.
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match &mut *phase {
            Phase::Open(open) => call(open),
            Phase::Ended(what) => Err(Error::Closed { what: (*what).to_owned() }),
        };
        drop(phase);
        if answer.as_ref().is_err_and(|error| !error.keeps_unit_of_work()) {
            self.end(FAILED);
        }
        answer
    }

    /// The unit's own state.
    pub(crate) fn state(&self) -> Result<Arc<State>> {
        self.call(|open| Ok(open.state.clone()))
    }

    /// Changes the unit's own state.
    pub(crate) fn write<V, T>(
        &self,
        valid: Result<V>,
        write: impl FnOnce(&mut State, &Stamp<'_>, V) -> Result<T>,
    ) -> Result<T> {
        self.call(|open| {
            let valid = valid?;
            if open.permit.is_none() {
                return Err(Error::ReadOnly { what: ENDED.to_owned() });
            }
            let store = open.inside.store();
            let (state, answer) = store.changed(&open.state, |state, stamp| write(state, stamp, valid))?;
            open.state = state;
            Ok(answer)
        })
    }

    /// Ends the unit, unless it has ended, and gives back what it held.
    fn end(&self, what: &'static str) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::Open(_) = &*phase {
            let held = mem::replace(&mut *phase, Phase::Ended(what));
            drop(phase);
            drop(held); // not under the lock: it may be much
        }
    }
}

impl Repositories for MemoryUnitOfWork {
    fn channels(&self) -> &dyn ChannelRepository {
        &self.session
    }

    fn videos(&self) -> &dyn VideoRepository {
        &self.session
    }

    fn transcripts(&self) -> &dyn TranscriptRepository {
        &self.session
    }

    fn knowledge_graphs(&self) -> &dyn KnowledgeGraphRepository {
        &self.session
    }

    fn processing_tasks(&self) -> &dyn ProcessingTaskRepository {
        &self.session
    }

    fn media_files(&self) -> &dyn MediaFileRepository {
        &self.session
    }
}

#[async_trait]
impl UnitOfWork for MemoryUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.unit.call(|open| {
            if open.permit.is_some() {
                open.inside.store().publish(open.state.clone());
            }
            Ok(())
        })
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
