//! [`MemoryStore`]: the published state, and the one right to change it.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tubeatlas_ports::{Clock, Error, Health, IdGenerator, Mode, Result, Store, UnitOfWork};

use crate::MemoryConfig;
use crate::session::Session;
use crate::state::{Stamp, State};
use crate::unit_of_work::MemoryUnitOfWork;

/// A store of the catalogue in memory. A clone is the same store.
///
/// It lives as long as its process; [`close`](Store::close) forgets what it holds. A unit of work ends at the
/// latest [`MemoryConfig::unit_of_work_timeout`] after it was begun. It runs inside tokio, with time enabled,
/// and keeps no task or thread but one timer for each open unit of work.
#[derive(Clone)]
pub struct MemoryStore {
    session: Session,
    shared: Arc<Shared>,
}

/// What all clones of a store, and its units of work, share.
pub(crate) struct Shared {
    pub(crate) config: MemoryConfig,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    /// In a fork, the number after which the revisions of each write go on.
    last_revision: Option<Arc<AtomicU64>>,
    /// What readers see. Locked only to take or replace the pointer.
    published: RwLock<Arc<State>>,
    /// The one right to write; given in the order of asking.
    writer: Arc<Semaphore>,
    gate: watch::Sender<Gate>,
}

/// Who is inside, and whether anybody may still come in.
#[derive(Default)]
struct Gate {
    closed: bool,
    inside: usize,
}

/// The right to be inside, for a single call or a unit of work; `close` waits until it is dropped.
pub(crate) struct Inside(Arc<Shared>);

impl MemoryStore {
    /// An empty store. All times come from `clock`, and the tokens of leases from `ids`.
    pub fn new(config: MemoryConfig, clock: Arc<dyn Clock>, ids: Arc<dyn IdGenerator>) -> Self {
        Self::of(config, clock, ids, None, Arc::default())
    }

    /// A store of its own that begins with what this one holds at the moment, for the price of some pointers:
    /// for an adapter that lets several writers go on at once, each on a fork. What is written to one is not seen in
    /// the other.
    ///
    /// Configuration and ids are those of this store; times come from `clock`. Its revisions go on after those of
    /// this store, or, for who brings forks together again and numbers their changes, after the number that
    /// `last_revision` holds at each write, which must be as large as the last revision of what it changes.
    ///
    /// # Errors
    /// [`Closed`](Error::Closed).
    pub fn fork(&self, clock: Arc<dyn Clock>, last_revision: Option<Arc<AtomicU64>>) -> Result<Self> {
        let state = self.shared.enter()?.current();
        let (config, ids) = (self.shared.config.clone(), self.shared.ids.clone());
        Ok(Self::of(config, clock, ids, last_revision, state))
    }

    fn of(
        config: MemoryConfig,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
        last_revision: Option<Arc<AtomicU64>>,
        state: Arc<State>,
    ) -> Self {
        let shared = Arc::new(Shared {
            config,
            clock,
            ids,
            last_revision,
            published: RwLock::new(state),
            writer: Arc::new(Semaphore::new(1)),
            gate: watch::Sender::new(Gate::default()),
        });
        Self { session: Session::Store(shared.clone()), shared }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// Comes in, unless the store was closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Inside> {
        let mut closed = false;
        self.gate.send_if_modified(|gate| {
            closed = gate.closed;
            gate.inside += usize::from(!closed);
            false
        });
        if closed { Err(Error::Closed { what: "the store".to_owned() }) } else { Ok(Inside(self.clone())) }
    }

    /// Waits for the right to write, as long as the configuration allows.
    pub(crate) async fn acquire(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.writer.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let timeout = self.config.acquire_timeout;
        match tokio::time::timeout(timeout, self.writer.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // Nobody closes the semaphore.
            Ok(Err(_)) => Err(Error::Closed { what: "the store".to_owned() }),
            Err(_) => Err(Error::timeout("the right to write", timeout)),
        }
    }

    /// Changes a copy of a state, which is answered only if all went well.
    pub(crate) fn changed<T>(
        &self,
        state: &State,
        write: impl FnOnce(&mut State, &Stamp<'_>) -> Result<T>,
    ) -> Result<(Arc<State>, T)> {
        let mut state = state.clone();
        if let Some(last) = &self.last_revision {
            state.revision = last.load(Ordering::SeqCst);
        }
        let answer = write(&mut state, &Stamp { now: self.clock.now(), ids: &*self.ids })?;
        Ok((Arc::new(state), answer))
    }

    /// A write that is a transaction of its own.
    pub(crate) async fn write<V, T>(
        self: &Arc<Self>,
        valid: Result<V>,
        write: impl FnOnce(&mut State, &Stamp<'_>, V) -> Result<T>,
    ) -> Result<T> {
        let inside = self.enter()?;
        let valid = valid?;
        let _permit = self.acquire().await?;
        let (state, answer) = self.changed(&inside.current(), |state, stamp| write(state, stamp, valid))?;
        self.publish(state);
        Ok(answer)
    }

    /// Lets everybody see this state from now on. Only for whoever has the right to write.
    pub(crate) fn publish(&self, state: Arc<State>) {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        let old = mem::replace(&mut *published, state);
        drop(published);
        drop(old); // may be the last to hold it: not under the lock
    }
}

impl Inside {
    /// What is published at this moment. No lock holder can leave it half done: also a poisoned one is whole.
    pub(crate) fn current(&self) -> Arc<State> {
        self.0.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn store(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.gate.send_modify(|gate| gate.inside = gate.inside.saturating_sub(1));
    }
}

tubeatlas_ports::delegate_repositories!(MemoryStore, session);

#[async_trait]
impl Store for MemoryStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let inside = self.shared.enter()?;
        let permit = match mode {
            Mode::ReadWrite => Some(self.shared.acquire().await?),
            Mode::ReadOnly => None,
        };
        Ok(Box::new(MemoryUnitOfWork::begin(inside, permit)?))
    }

    async fn health(&self) -> Result<Health> {
        let state = self.shared.enter()?.current();
        let counts = [
            ("channels", state.channels.by_id.len()),
            ("videos", state.videos.by_id.len()),
            ("transcripts", state.transcripts.by_id.len()),
            ("knowledge_graphs", state.knowledge_graphs.by_id.len()),
            ("processing_tasks", state.processing_tasks.by_id.len()),
            ("media_files", state.media_files.by_id.len()),
        ];
        let mut health = Health::new("memory");
        health.details.extend(counts.map(|(name, count)| (name, count.to_string())));
        health.details.insert("revision", state.revision.to_string());
        Ok(health)
    }

    async fn close(&self) -> Result<()> {
        self.shared.gate.send_modify(|gate| gate.closed = true);
        let mut gate = self.shared.gate.subscribe();
        // The other end is held by `self`, so this waits for nothing else.
        let _ = gate.wait_for(|gate| gate.inside == 0).await;
        self.shared.publish(Arc::default());
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use tubeatlas_contract::fixtures::{a_channel, a_video, a_video_with, video_id};
    use tubeatlas_contract::{SequentialIds, TestClock};
    use tubeatlas_domain::VideoId;
    use tubeatlas_ports::{Repositories, Visibility};

    use super::*;

    pub(crate) fn a_store() -> MemoryStore {
        a_store_with(MemoryConfig::default())
    }

    pub(crate) fn a_store_with(config: MemoryConfig) -> MemoryStore {
        MemoryStore::new(config, Arc::new(TestClock::new()), Arc::new(SequentialIds::new()))
    }

    impl MemoryStore {
        pub(crate) fn published(&self) -> Arc<State> {
            self.shared.enter().unwrap().current()
        }

        /// `begin` that answers the type itself.
        pub(crate) async fn begin_to_write(&self) -> MemoryUnitOfWork {
            let inside = self.shared.enter().unwrap();
            MemoryUnitOfWork::begin(inside, Some(self.shared.acquire().await.unwrap())).unwrap()
        }
    }

    #[tokio::test]
    async fn a_write_copies_nothing_but_the_way_to_what_it_changes() {
        let store = a_store();
        store.channels().create(&a_channel()).await.unwrap();
        store.videos().create(&a_video()).await.unwrap();
        let before = store.published();
        store.videos().create(&a_video_with(|v| v.id = video_id("another"))).await.unwrap();
        let after = store.published();
        assert!(before.channels.by_id.ptr_eq(&after.channels.by_id));
        assert!(!before.videos.by_id.ptr_eq(&after.videos.by_id));
        let video = |state: &State| state.videos.by_id.get::<VideoId>(&a_video().id).cloned().unwrap();
        assert!(Arc::ptr_eq(&video(&before), &video(&after)));
    }

    #[tokio::test]
    async fn a_refused_write_publishes_nothing() {
        let store = a_store();
        store.videos().create(&a_video()).await.unwrap();
        let before = store.published();
        let batch = [a_video_with(|v| v.id = video_id("another")), a_video()];
        assert!(matches!(store.videos().create_many(&batch).await, Err(Error::AlreadyExists { .. })));
        assert!(Arc::ptr_eq(&before, &store.published()));
    }

    #[tokio::test]
    async fn a_fork_goes_its_own_way() {
        let store = a_store();
        store.videos().create(&a_video()).await.unwrap();
        let (clock, last) = (Arc::new(TestClock::new()), Arc::new(AtomicU64::new(100)));
        clock.move_by_ms(1);
        let fork = store.fork(clock.clone(), Some(last.clone())).unwrap();
        assert!(Arc::ptr_eq(&fork.published(), &store.published()));

        let another = |id: &str| a_video_with(|v| v.id = video_id(id));
        let created = fork.videos().create(&another("another")).await.unwrap();
        assert_eq!((created.revision.get(), created.created_at), (101, clock.now()));
        store.videos().delete(&a_video().id, None).await.unwrap();
        assert_eq!(store.published().revision, 2);
        assert!(!store.videos().exists(&video_id("another"), Visibility::Live).await.unwrap());
        assert!(fork.videos().exists(&a_video().id, Visibility::Live).await.unwrap());

        // Also in a unit of work each write is numbered anew.
        let unit = fork.begin(Mode::ReadWrite).await.unwrap();
        for number in [300, 200] {
            last.store(number, Ordering::SeqCst);
            let created = unit.videos().create(&another(&number.to_string())).await.unwrap();
            assert_eq!(created.revision.get(), number + 1);
        }
        store.close().await.unwrap();
        unit.commit().await.unwrap();
        assert!(matches!(store.fork(clock, Some(last)), Err(Error::Closed { .. })));
    }

    #[tokio::test]
    async fn a_poisoned_lock_is_as_good_as_new() {
        let store = a_store();
        store.videos().create(&a_video()).await.unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _published = store.shared.published.write().unwrap();
            panic!("with the lock in hand");
        }));
        assert!(panicked.is_err() && store.shared.published.is_poisoned());
        store.videos().create(&a_video_with(|v| v.id = video_id("another"))).await.unwrap();
        assert!(store.videos().exists(&a_video().id, Visibility::Live).await.unwrap());
    }

    #[tokio::test]
    async fn who_stops_waiting_is_out_of_the_way() {
        let store = a_store();
        let unit = store.begin_to_write().await;
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.videos().create(&a_video()).await }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        drop(unit);
        drop(store.shared.writer.try_acquire().unwrap());
        assert!(store.published().videos.by_id.is_empty());
    }

    #[tokio::test]
    async fn what_was_closed_holds_nothing() {
        let store = a_store();
        store.videos().create(&a_video()).await.unwrap();
        let catalogue = Arc::downgrade(&store.published());
        store.close().await.unwrap();
        assert!(catalogue.upgrade().is_none());
        store.close().await.unwrap();
    }

    #[tokio::test]
    async fn closing_waits_for_what_is_open() {
        let store = a_store();
        let unit = store.begin(Mode::ReadWrite).await.unwrap();
        let closing = tokio::spawn({
            let store = store.clone();
            async move { store.close().await }
        });
        tokio::task::yield_now().await;
        assert!(matches!(store.health().await, Err(Error::Closed { .. })));
        unit.videos().create(&a_video()).await.unwrap();
        assert!(!closing.is_finished());
        unit.commit().await.unwrap();
        closing.await.unwrap().unwrap();
    }
}
