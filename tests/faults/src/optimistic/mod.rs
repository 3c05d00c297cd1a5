//! A right adapter that never makes anybody wait: the reference for everything in the contract that one writer at
//! a time makes easy.
//!
//! Any number of units of work are open at once. Each works on a fork of the store in memory as it was when it
//! began, and keeps a log of its calls and what they answered. Its commit is certified (H. T. Kung and J. T.
//! Robinson, "On optimistic methods for concurrency control", 1981): nothing that it wrote was written by another
//! one since it began, and all its calls, made once more upon what is committed now, answer the same. If so, the
//! outcome of that becomes what is committed; if not, the commit is
//! [`Conflict::Serialization`](tubeatlas_ports::Conflict::Serialization). So the order of the commits is an order
//! in which all could have run one after the other. A unit of work that wrote nothing has read one moment of that
//! order, and needs no certification.
//!
//! Its broken twins, one for each [`Flaw`], leave something of this out. Its [wary](Wary) twin does too much.

mod calls;
mod flaw;
mod fork;
mod unit_of_work;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::{CallKind, Capability, Exceptions, Harness, Limits, Setup};
use tubeatlas_domain::EntityKind;
use tubeatlas_ports::{
    Clock, Error, Health, MAX_BATCH, Mode, Repositories, Result, Store, UnitOfWork, delegate_repositories,
};

use calls::Session;
use flaw::Traces;
pub use flaw::{Flaw, Who};
use fork::{Fork, Stamp};
use unit_of_work::OptimisticUnitOfWork;

/// Opens stores that certify at commit, with this flaw if there is one.
pub struct Optimistic(pub Option<Flaw>);

#[async_trait]
impl Harness for Optimistic {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        let store = OptimisticStore::new(self.0, false, setup).map_err(|error| error.chain())?;
        Ok((Arc::new(store), ()))
    }

    fn exceptions(&self) -> Exceptions {
        Exceptions::none()
            .without(Capability::Durability, "what it holds lives as long as its process")
            .at_once(&CallKind::all_but(&[CallKind::Close]), "nobody waits for anybody")
    }
}

/// Opens stores that are right, and answer [`Conflict::Serialization`](tubeatlas_ports::Conflict::Serialization) as
/// often as they may: to every call of a unit of work that may write, once anything at all was committed since it
/// began.
pub struct Wary;

#[async_trait]
impl Harness for Wary {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        let store = OptimisticStore::new(None, true, setup).map_err(|error| error.chain())?;
        Ok((Arc::new(store), ()))
    }

    fn exceptions(&self) -> Exceptions {
        Optimistic(None).exceptions()
    }
}

/// A store whose units of work are certified when they commit.
pub struct OptimisticStore {
    session: Session,
    shared: Arc<Shared>,
}

/// What the store and its units of work share.
struct Shared {
    flaw: Option<Flaw>,
    /// Whether a unit of work gives way to whatever was committed since it began.
    wary: bool,
    clock: Arc<dyn Clock>,
    /// The last revision that a call may have given.
    last_revision: AtomicU64,
    /// An empty store that knows who is inside, and whether anybody may still come in.
    gate: MemoryStore,
    head: Mutex<Head>,
}

/// What is committed.
struct Head {
    /// Nobody changes it: a change is made in a fork, which takes its place.
    fork: Fork,
    /// How many transactions that wrote were committed.
    version: u64,
    /// Which of them wrote something last.
    written: HashMap<Key, u64>,
    /// For a [`Flaw`] alone.
    traces: Traces,
}

/// What a call writes.
type Key = (EntityKind, String);

/// For a write that finds out itself which entities of a kind it writes.
fn any(kind: EntityKind) -> Key {
    (kind, String::new())
}

/// No call gives more revisions.
const REVISIONS_PER_CALL: u64 = 2 * MAX_BATCH as u64;

impl OptimisticStore {
    fn new(flaw: Option<Flaw>, wary: bool, Setup { clock, ids, limits }: Setup) -> Result<Self> {
        let Limits { acquire_timeout, unit_of_work_timeout, connections: _ } = limits;
        let config = MemoryConfig { acquire_timeout, unit_of_work_timeout };
        let gate = MemoryStore::new(config, clock.clone(), ids);
        let fork = Fork::of(&gate)?;
        let head = Head { fork, version: 0, written: HashMap::new(), traces: Traces::default() };
        let (last_revision, head) = (AtomicU64::new(0), Mutex::new(head));
        let shared = Arc::new(Shared { flaw, wary, clock, last_revision, gate, head });
        Ok(Self { session: Session::Store(shared.clone()), shared })
    }
}

impl Shared {
    /// What is committed, for a single call.
    fn enter(&self) -> Result<MutexGuard<'_, Head>> {
        // In this order: `close` takes the lock when nobody else may come in.
        let head = lock(&self.head);
        now(self.gate.health())?;
        Ok(head)
    }

    /// The time of a call, and revisions for it that no other call has.
    fn stamp(&self) -> Stamp {
        let last_revision = self.last_revision.fetch_add(REVISIONS_PER_CALL, Ordering::SeqCst);
        Stamp { now: self.clock.now(), last_revision }
    }

    /// A single read.
    fn read<T>(&self, method: &'static str, call: impl Fn(&dyn Repositories) -> Result<T>) -> Result<T> {
        let head = self.enter()?;
        if let Some(view) = self.broken_view(&head, None, method)? {
            return call(&*view);
        }
        let store = head.fork.store.clone();
        drop(head);
        call(&store)
    }

    /// A single write.
    fn write<T>(
        &self,
        method: &'static str,
        keys: Vec<Key>,
        call: impl Fn(&dyn Repositories) -> Result<T>,
    ) -> Result<T> {
        let mut head = self.enter()?;
        let (fork, stamp) = (Fork::of(&head.fork.store)?, self.stamp());
        fork.set(stamp);
        let answer = call(&fork.store)?;
        if let Some(flaw) = self.flaw {
            head.traces.note_write(&keys, stamp);
            if flaw.overlooks(method) {
                head.fork = fork;
                return Ok(answer);
            }
        }
        head.publish(fork, keys);
        Ok(answer)
    }
}

impl Head {
    /// Which transaction wrote this, or may have written it, last; 0 if none did.
    fn last_written(&self, key: &Key) -> u64 {
        let last = |key| self.written.get(key).copied().unwrap_or_default();
        last(key).max(last(&any(key.0)))
    }

    fn publish(&mut self, fork: Fork, keys: impl IntoIterator<Item = Key>) {
        self.fork = fork;
        self.version += 1;
        self.written.extend(keys.into_iter().map(|key| (key, self.version)));
    }
}

delegate_repositories!(OptimisticStore, session);

#[async_trait]
impl Store for OptimisticStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        Ok(Box::new(OptimisticUnitOfWork::begin(self.shared.clone(), mode)?))
    }

    async fn health(&self) -> Result<Health> {
        let version = self.shared.enter()?.version;
        let mut health = Health::new("optimistic");
        health.details.insert("version", version.to_string());
        Ok(health)
    }

    async fn close(&self) -> Result<()> {
        self.shared.gate.close().await?;
        // Whoever came in before is through when the lock is free.
        drop(lock(&self.shared.head));
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a store in memory answers that nobody else writes to: it never makes one wait.
fn now<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = || Error::Backend { message: "a fork made its owner wait".to_owned(), source: None };
    call.now_or_never().unwrap_or_else(|| Err(waited()))
}
