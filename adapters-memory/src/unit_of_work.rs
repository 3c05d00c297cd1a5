//! [`MemoryUnitOfWork`]: a state of its own, and the right to publish it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tubeatlas_ports::{Error, Result, UnitOfWork};

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

tubeatlas_ports::delegate_repositories!(MemoryUnitOfWork, session);

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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use tokio::runtime::Builder;
    use tubeatlas_contract::fixtures::{a_video, a_video_with, video_id};
    use tubeatlas_ports::{Mode, Repositories, Store, Visibility};

    use super::*;
    use crate::MemoryConfig;
    use crate::store::tests::{a_store, a_store_with};

    #[tokio::test]
    async fn begin_copies_nothing() {
        let store = a_store();
        let ids = (0..1_000).map(|n| video_id(&format!("v{n}")));
        store
            .videos()
            .create_many(&ids.map(|id| a_video_with(|v| v.id = id)).collect::<Vec<_>>())
            .await
            .unwrap();
        let unit = store.begin_to_write().await;
        assert!(Arc::ptr_eq(&unit.unit.state().unwrap(), &store.published()));
    }

    #[tokio::test]
    async fn a_reader_keeps_its_moment_while_others_commit() {
        let store = a_store();
        let reader = store.begin(Mode::ReadOnly).await.unwrap();
        let seen = store.published();
        let writer = store.begin(Mode::ReadWrite).await.unwrap();
        writer.videos().create(&a_video()).await.unwrap();
        assert!(!reader.videos().exists(&a_video().id, Visibility::Live).await.unwrap());
        writer.commit().await.unwrap();
        assert!(!reader.videos().exists(&a_video().id, Visibility::Live).await.unwrap());
        assert!(seen.videos.by_id.is_empty());
        assert!(store.videos().exists(&a_video().id, Visibility::Live).await.unwrap());
    }

    /// Nobody touches the unit of work; it is there until the end all the same.
    async fn the_deadline_frees_the_writer() {
        let store = a_store_with(MemoryConfig {
            unit_of_work_timeout: Duration::from_millis(20),
            ..MemoryConfig::default()
        });
        let abandoned = store.begin_to_write().await;
        abandoned.videos().create(&a_video()).await.unwrap();
        store.videos().create(&a_video_with(|v| v.id = video_id("another"))).await.unwrap();
        assert!(!store.videos().exists(&a_video().id, Visibility::Live).await.unwrap());
        let answer = Box::new(abandoned).commit().await.unwrap_err();
        assert_eq!(answer.to_string(), format!("{EXPIRED} is closed"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_deadline_frees_the_writer_of_one_thread() {
        the_deadline_frees_the_writer().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_deadline_frees_the_writer_of_several_threads() {
        the_deadline_frees_the_writer().await;
    }

    #[test]
    fn the_end_of_its_runtime_ends_a_unit_of_work() {
        for mut first in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let store = a_store();
            let runtime = first.enable_time().build().unwrap();
            let abandoned = runtime.block_on(store.begin_to_write());
            drop(runtime);
            let second = Builder::new_current_thread().enable_time().build().unwrap();
            second.block_on(async {
                store.videos().create(&a_video()).await.unwrap();
                let answer = abandoned.videos().exists(&a_video().id, Visibility::Live).await;
                assert!(matches!(answer, Err(Error::Closed { .. })), "{answer:?}");
            });
        }
    }

    #[tokio::test]
    async fn no_timer_outlives_its_unit_of_work() {
        let store = a_store();
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = alive();
        let unit = store.begin(Mode::ReadWrite).await.unwrap();
        assert_eq!(alive(), before + 1);
        unit.rollback().await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(alive(), before);
    }

    #[tokio::test]
    async fn a_call_that_panicked_changed_nothing() {
        let store = a_store();
        let unit = store.begin_to_write().await;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            unit.unit.write(Ok(()), |state, _, ()| -> Result<()> {
                state.next_revision()?;
                panic!("half way");
            })
        }));
        assert!(panicked.is_err() && unit.unit.phase.is_poisoned());
        unit.videos().create(&a_video()).await.unwrap();
        Box::new(unit).commit().await.unwrap();
        assert_eq!(store.published().revision, 1);
    }
}
