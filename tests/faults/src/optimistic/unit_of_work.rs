//! [`OptimisticUnitOfWork`]: a fork, a log, and the certification of both.

use std::fmt::Debug;
use std::mem;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tubeatlas_ports::{
    ChannelFilter, Conflict, Error, Mode, Repositories, Result, Store, UnitOfWork, delegate_repositories,
};

use super::calls::Session;
use super::flaw::Flaw;
use super::fork::{Fork, Stamp};
use super::{Head, Key, Shared, lock, now};

/// A unit of work that meets the others only when it commits.
pub(super) struct OptimisticUnitOfWork {
    session: Session,
}

/// What a unit of work consists of.
pub(super) struct Unit {
    pub(super) shared: Arc<Shared>,
    pub(super) mode: Mode,
    /// How many transactions were committed when it began.
    pub(super) base: u64,
    /// What was committed then.
    pub(super) fork: Fork,
    /// The unit of work of the fork: it has the writes, and knows deadlines and what ends it.
    inner: Box<dyn UnitOfWork>,
    /// Keeps the gate from being closed behind it.
    _inside: Box<dyn UnitOfWork>,
    pub(super) log: Arc<Log>,
}

/// The calls of a unit of work, in order.
pub(super) type Log = Mutex<Vec<Logged>>;

/// A call that was made.
#[derive(Clone)]
pub(super) struct Logged {
    pub(super) method: &'static str,
    /// Which entities it names; nothing if it finds them itself.
    pub(super) about: Vec<Key>,
    /// Whether it is a write, and was not refused.
    pub(super) wrote: bool,
    pub(super) stamp: Stamp,
    pub(super) answer: String,
    /// Makes it once more.
    call: Arc<dyn Fn(&dyn Repositories) -> String + Send + Sync>,
}

impl Logged {
    /// What it answers now.
    pub(super) fn made_once_more(&self, fork: &Fork, unit: &dyn Repositories) -> String {
        fork.set(self.stamp);
        (self.call)(unit)
    }
}

impl OptimisticUnitOfWork {
    pub(super) fn begin(shared: Arc<Shared>, mode: Mode) -> Result<Self> {
        let inside = now(shared.gate.begin(Mode::ReadOnly))?;
        let log = Arc::<Log>::default();
        let mut head = lock(&shared.head);
        if shared.flaw.is_some() {
            head.note_begin(&log)?;
        }
        let (base, fork) = (head.version, Fork::of(&head.fork.store)?);
        drop(head);
        let inner = now(fork.store.begin(mode))?;
        Ok(Self { session: Session::Unit(Unit { shared, mode, base, fork, inner, _inside: inside, log }) })
    }
}

impl Unit {
    /// A read.
    pub(super) fn read<T: Debug>(
        &self,
        method: &'static str,
        about: Vec<Key>,
        call: impl Fn(&dyn Repositories) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.gives_way()?;
        if self.shared.flaw.is_some() {
            let view = self.shared.broken_view(&lock(&self.shared.head), Some(self), method)?;
            if let Some(view) = view {
                call(&*self.inner)?; // one that has ended reads nothing
                return self.make(&*view, method, about, false, call);
            }
        }
        self.make(&*self.inner, method, about, false, call)
    }

    /// A write of these entities.
    pub(super) fn write<T: Debug>(
        &self,
        method: &'static str,
        about: Vec<Key>,
        call: impl Fn(&dyn Repositories) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.gives_way()?;
        let answer = self.make(&*self.inner, method, about, true, call)?;
        self.write_in_place()?;
        Ok(answer)
    }

    /// Whether a [wary](super::Wary) store keeps it from going on.
    fn gives_way(&self) -> Result<()> {
        let Self { shared, mode, base, inner, .. } = self;
        if !shared.wary || *mode == Mode::ReadOnly || lock(&shared.head).version == *base {
            return Ok(());
        }
        now(inner.channels().count(&ChannelFilter::default()))?; // unless it has ended
        Err(Error::Conflict(Conflict::Serialization))
    }

    fn make<T: Debug>(
        &self,
        on: &dyn Repositories,
        method: &'static str,
        about: Vec<Key>,
        writes: bool,
        call: impl Fn(&dyn Repositories) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        // Calls that are made at the same time run one after the other.
        let mut log = lock(&self.log);
        let stamp = self.shared.stamp();
        self.fork.set(stamp);
        let answer = call(on);
        log.push(Logged {
            method,
            about,
            wrote: writes && answer.is_ok(),
            stamp,
            answer: format!("{answer:?}"),
            call: Arc::new(move |repositories| format!("{:?}", call(repositories))),
        });
        answer
    }

    fn commit(self) -> Result<()> {
        self.gives_way()?;
        let Self { shared, mode, base, fork, inner, _inside, log } = self;
        let log = mem::take(&mut *lock(&log));
        let mut head = lock(&shared.head);
        now(inner.commit())?; // of the fork, unless it has ended
        if mode == Mode::ReadOnly || !log.iter().any(|call| call.wrote) {
            return Ok(());
        }
        if let Some(flaw) = shared.flaw
            && flaw.commits_otherwise(&mut head, &fork, &log)?
        {
            return Ok(());
        }
        let fork = if head.version == base { fork } else { certified(&head, base, &log, shared.flaw)? };
        head.publish(fork, log.into_iter().filter(|call| call.wrote).flat_map(|call| call.about));
        Ok(())
    }
}

/// What is there when all calls are made upon what is committed now, if they answer the same.
fn certified(head: &Head, base: u64, log: &[Logged], flaw: Option<Flaw>) -> Result<Fork> {
    let conflict = || Err(Error::Conflict(Conflict::Serialization));
    // If another one has written the same since, its revision is perhaps larger than those that were given here.
    let overtaken = |key: &Key| head.last_written(key) > base;
    let mut writes =
        log.iter().filter(|call| call.wrote && flaw.is_none_or(|flaw| flaw.compares_write(call)));
    if writes.any(|call| call.about.iter().any(overtaken)) {
        return conflict();
    }
    let fork = Fork::of(&head.fork.store)?;
    let unit = now(fork.store.begin(Mode::ReadWrite))?;
    for call in log.iter().filter(|call| !flaw.is_some_and(|flaw| flaw.skips(call, head))) {
        let compares = flaw.is_none_or(|flaw| flaw.compares(call, log));
        if call.made_once_more(&fork, &*unit) != call.answer && compares {
            return conflict();
        }
    }
    match now(unit.commit()) {
        Err(error) if flaw.is_none() => Err(error),
        _ => Ok(fork),
    }
}

delegate_repositories!(OptimisticUnitOfWork, session);

#[async_trait]
impl UnitOfWork for OptimisticUnitOfWork {
    async fn commit(self: Box<Self>) -> Result<()> {
        match self.session {
            Session::Unit(unit) => unit.commit(),
            Session::Store(_) => Ok(()), // cannot be: `begin` makes all of them
        }
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        if let Session::Unit(unit) = &self.session
            && unit.shared.flaw.is_some()
        {
            lock(&unit.shared.head).note_rollback(&unit.log);
        }
        Ok(())
    }
}
