//! [`Flaw`]: what the broken twins do wrong. Nothing of this is used by the right adapter.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use tubeatlas_ports::{Mode, Result, Store, UnitOfWork};

use super::fork::{Fork, Stamp};
use super::unit_of_work::{Log, Logged, Unit};
use super::{Head, Key, Shared, lock, now};

/// What a broken twin does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The isolation level of this name: writes are written for all at once.
    NoIsolation,
    /// The isolation level of this name: all reads see what others have open, and nothing is certified.
    ReadUncommitted,
    /// The isolation level of this name: units of work read what is committed at each call, and nothing is
    /// certified.
    ReadCommitted,
    /// The isolation level of this name: writes are certified, answers are not.
    SnapshotIsolation,
    /// A commit puts the unit's fork in the place of what is committed, whatever others did meanwhile.
    PublishesItsFork,
    /// A commit publishes the first write at once, and the rest when the next unit of work begins.
    PublishesInParts,
    /// A commit certifies answers alone, and of the updates of one entity lets the one win that was made last.
    LastUpdateWins,
    /// Certification compares all answers but those of this method.
    Forgets(&'static str),
    /// Certification leaves out what the unit of work has itself written.
    ForgetsWhatItWrites,
    /// Certification leaves out that something was not there, and that it was created.
    ForgetsWhatWasMissing,
    /// Certification does not know of single updates.
    SingleUpdatesGoUnnoticed,
    /// Calls of this method see what is committed at the moment.
    ReadsCommitted(Who, &'static str),
    /// Calls of this method see what units of work have open.
    ReadsUncommitted(Who, &'static str),
    /// The first `get` sees what is committed at the moment, the later ones what was at the beginning.
    TakesItsSnapshotTwice(Who),
    /// A `get` that meets a commit which wrote something twice finds the first version of it.
    ReadsOverwrittenVersions(Who),
    /// A `get` still finds what was rolled back meanwhile.
    ReadsWhatWasRolledBack(Who),
}

/// Whose reads are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Units of work that may write.
    Writers,
    /// Units of work that only read.
    Readers,
    /// Single calls.
    Singles,
}

/// What the right adapter need not remember.
#[derive(Default)]
pub(super) struct Traces {
    /// What units of work that are open have done.
    open: Vec<Weak<Log>>,
    /// Writes that are committed, and not yet published.
    late: Vec<Logged>,
    /// What was rolled back since the last beginning.
    rolled_back: Vec<Logged>,
    /// What was there before the last commit wrote something for the second time.
    halfway: Option<Fork>,
    /// When something was written last.
    stamps: HashMap<Key, u64>,
}

impl Traces {
    pub(super) fn note_write(&mut self, keys: &[Key], stamp: Stamp) {
        self.halfway = None;
        for key in keys {
            let last = self.stamps.entry(key.clone()).or_default();
            *last = stamp.last_revision.max(*last);
        }
    }
}

impl Flaw {
    /// Whether certification compares what this call wrote with what others wrote.
    pub(super) fn compares_write(self, call: &Logged) -> bool {
        match self {
            Self::ReadUncommitted | Self::ReadCommitted | Self::ForgetsWhatItWrites => false,
            Self::LastUpdateWins => call.method != "update",
            Self::ForgetsWhatWasMissing => call.method != "create",
            _ => true,
        }
    }

    /// Whether certification compares what this call answered.
    pub(super) fn compares(self, call: &Logged, log: &[Logged]) -> bool {
        match self {
            Self::ReadUncommitted | Self::ReadCommitted | Self::SnapshotIsolation => false,
            Self::LastUpdateWins => call.method != "update",
            Self::Forgets(method) => call.method != method,
            Self::ForgetsWhatItWrites => {
                call.wrote || !log.iter().any(|other| other.wrote && other.about == call.about)
            }
            Self::ForgetsWhatWasMissing => call.answer != "Ok(None)" && call.method != "create",
            _ => true,
        }
    }

    /// Whether certification leaves out this call, because a later one has overtaken it.
    pub(super) fn skips(self, call: &Logged, head: &Head) -> bool {
        let later = |key| head.traces.stamps.get(key).is_some_and(|stamp| *stamp > call.stamp.last_revision);
        self == Self::LastUpdateWins && call.method == "update" && call.about.iter().any(later)
    }

    /// Whether certification does not know of a single write.
    pub(super) fn overlooks(self, method: &str) -> bool {
        self == Self::SingleUpdatesGoUnnoticed && method == "update"
    }

    /// Whether it has committed a unit of work in its own way.
    pub(super) fn commits_otherwise(self, head: &mut Head, fork: &Fork, log: &[Logged]) -> Result<bool> {
        head.note_commit(log)?;
        match self {
            Self::PublishesItsFork => head.publish(Fork::of(&fork.store)?, written(log)),
            Self::NoIsolation => {}
            Self::PublishesInParts => {
                let (first, rest) = log.split_at(1 + log.iter().take_while(|call| !call.wrote).count());
                let part = upon(&head.fork, first)?;
                head.publish(part, written(first));
                head.traces.late = rest.to_vec();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn written(log: &[Logged]) -> Vec<Key> {
    log.iter().filter(|call| call.wrote).flat_map(|call| call.about.clone()).collect()
}

/// What is there when these calls are made upon a store, whatever they answer.
fn upon<'a>(fork: &Fork, log: impl IntoIterator<Item = &'a Logged>) -> Result<Fork> {
    let fork = Fork::of(&fork.store)?;
    for call in log {
        call.made_once_more(&fork, &fork.store);
    }
    Ok(fork)
}

impl Head {
    /// Remembers what the flaws need of a unit of work that begins.
    pub(super) fn note_begin(&mut self, log: &Arc<Log>) -> Result<()> {
        self.traces.rolled_back.clear();
        self.traces.open.push(Arc::downgrade(log));
        let late = std::mem::take(&mut self.traces.late);
        if !late.is_empty() {
            let fork = upon(&self.fork, &late)?;
            self.publish(fork, written(&late));
        }
        Ok(())
    }

    fn note_commit(&mut self, log: &[Logged]) -> Result<()> {
        let mut once = HashSet::new();
        let twice = log.iter().position(|call| call.wrote && !call.about.iter().all(|key| once.insert(key)));
        for call in log.iter().filter(|call| call.wrote) {
            self.traces.note_write(&call.about, call.stamp);
        }
        self.traces.halfway = twice.map(|twice| upon(&self.fork, log.iter().take(twice))).transpose()?;
        Ok(())
    }

    pub(super) fn note_rollback(&mut self, log: &Log) {
        self.traces.rolled_back = lock(log).clone();
    }

    /// What all units of work that are open have done, in the order in which they began.
    fn open(&self) -> Vec<Logged> {
        let open: Vec<_> = self.traces.open.iter().filter_map(Weak::upgrade).collect();
        open.iter().flat_map(|log| lock(log).clone()).collect()
    }
}

impl Shared {
    /// On what a broken read is made, in the place of what it should see.
    pub(super) fn broken_view(
        &self,
        head: &Head,
        unit: Option<&Unit>,
        method: &'static str,
    ) -> Result<Option<Box<dyn UnitOfWork>>> {
        let Some(flaw) = self.flaw else { return Ok(None) };
        let who = match unit.map(|unit| unit.mode) {
            None => Who::Singles,
            Some(Mode::ReadOnly) => Who::Readers,
            Some(Mode::ReadWrite) => Who::Writers,
        };
        let own = unit.map(|unit| lock(&unit.log).clone()).unwrap_or_default();
        let get = |by| by == who && method == "get";
        let Traces { rolled_back, halfway, .. } = &head.traces;
        let view = match flaw {
            Flaw::ReadUncommitted => upon(&head.fork, &head.open()),
            Flaw::ReadsUncommitted(by, of) if (by, of) == (who, method) => upon(&head.fork, &head.open()),
            Flaw::ReadCommitted => upon(&head.fork, &own),
            Flaw::ReadsCommitted(by, of) if (by, of) == (who, method) => upon(&head.fork, &own),
            Flaw::TakesItsSnapshotTwice(by) if get(by) && !own.iter().any(|call| call.method == "get") => {
                upon(&head.fork, &own)
            }
            Flaw::ReadsOverwrittenVersions(by)
                if get(by) && unit.is_none_or(|unit| unit.base < head.version) =>
            {
                let Some(halfway) = halfway else { return Ok(None) };
                upon(halfway, &own)
            }
            Flaw::ReadsWhatWasRolledBack(by) if get(by) && !rolled_back.is_empty() => {
                let start = unit.map_or(&head.fork, |unit| &unit.fork);
                upon(start, rolled_back.iter().chain(&own))
            }
            _ => return Ok(None),
        };
        now(view?.store.begin(Mode::ReadOnly)).map(Some)
    }
}

impl Unit {
    pub(super) fn write_in_place(&self) -> Result<()> {
        if self.shared.flaw == Some(Flaw::NoIsolation) {
            let mut head = lock(&self.shared.head);
            let log = lock(&self.log);
            let fork = upon(&head.fork, log.last())?;
            head.publish(fork, Vec::new());
        }
        Ok(())
    }
}
