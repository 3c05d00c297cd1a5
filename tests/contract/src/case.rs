//! [`Case`]: the surroundings of one run of one rule.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use tubeatlas_ports::Store;

use crate::capability::{Capability, Exceptions};
use crate::clock::{SequentialIds, TestClock};
use crate::harness::{Guard, Limits, Opener, Setup};
use crate::options::{Effort, MakeChild, Options};
use crate::rule::{Outcome, Violation};
use crate::run::Flavour;

/// Figures of a run, by name.
pub(crate) type Notes = BTreeMap<String, String>;

/// The surroundings of one run of one rule: a fresh store, its clock and its ids.
pub struct Case {
    opener: Arc<dyn Opener>,
    exceptions: Exceptions,
    store: Arc<dyn Store>,
    /// The clock of all stores of this case.
    pub clock: Arc<TestClock>,
    /// Where all stores of this case take their ids from.
    pub ids: Arc<SequentialIds>,
    options: Options,
    flavour: Flavour,
    notes: Arc<Mutex<Notes>>,
    // The last field: guards are dropped after the store.
    guards: Mutex<Vec<Guard>>,
}

/// A store that was opened at a place, and can be opened there again.
pub(crate) struct Placed {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: String,
}

impl Case {
    /// Opens a fresh store.
    pub(crate) async fn open(
        opener: Arc<dyn Opener>,
        flavour: Flavour,
        options: Options,
        notes: Arc<Mutex<Notes>>,
    ) -> Result<Self, Violation> {
        let (clock, ids) = (Arc::new(TestClock::new()), Arc::new(SequentialIds::new()));
        let setup = Setup { clock: clock.clone(), ids: ids.clone(), limits: Limits::default() };
        let (store, guard) = opener.open_any(setup).await.map_err(no_store)?;
        let exceptions = opener.exceptions_of();
        Ok(Self {
            opener,
            exceptions,
            store,
            clock,
            ids,
            options,
            flavour,
            notes,
            guards: Mutex::new(vec![guard]),
        })
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store, to be carried into another task.
    pub fn shared(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Where a rule that chooses what it tries takes its choices from.
    pub fn seed(&self) -> u64 {
        self.options.seed
    }

    /// How much a rule that chooses what it tries should try.
    pub fn effort(&self) -> Effort {
        self.options.effort
    }

    /// The runtime in which the rule is run.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Whether the adapter declares that it cannot do this.
    pub fn lacks(&self, capability: Capability) -> bool {
        self.exceptions.lacks(capability)
    }

    /// Notes a figure for the report of this run; a later one of the same name takes its place.
    pub fn note(&self, name: &str, value: impl Display) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.insert(name.to_owned(), value.to_string());
    }

    /// What was declared.
    pub(crate) fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    /// Another fresh store, with other limits.
    pub(crate) async fn another(&self, limits: Limits) -> Result<Arc<dyn Store>, Violation> {
        let (store, guard) = self.opener.open_any(self.setup(limits)).await.map_err(no_store)?;
        self.keep(guard);
        Ok(store)
    }

    /// Another fresh store, which can be opened again.
    pub(crate) async fn placed(&self) -> Result<Placed, Violation> {
        let setup = self.setup(Limits::default());
        let (store, guard) = self.opener.open_any(setup).await.map_err(no_store)?;
        let place = self.opener.place_of(&guard);
        self.keep(guard);
        let needed = "the harness says where its store can be opened again, or declares Durability absent";
        let place = place.ok_or_else(|| Violation::error(needed, "`place` answers None"))?;
        Ok(Placed { store, place })
    }

    /// What is stored at this place.
    pub(crate) async fn reopen(&self, place: &str) -> Result<Arc<dyn Store>, Violation> {
        let store = self.opener.reopen_any(place, self.setup(Limits::default())).await;
        store.map_err(|reason| Violation::new("the store is opened again", reason))
    }

    /// That the harness offers no way to open a store again.
    pub(crate) async fn offers_no_reopening(&self) -> Outcome {
        let (store, guard) = self.opener.open_any(self.setup(Limits::default())).await.map_err(no_store)?;
        let place = self.opener.place_of(&guard);
        drop(store);
        let expected = "a store without durability has no place at which it could be opened again";
        match place {
            None => Ok(()),
            Some(place) => Err(Violation::new(expected, place)),
        }
    }

    /// What makes the command that starts this program again as a child.
    pub(crate) fn child(&self) -> Result<MakeChild, Violation> {
        let needed = "the options say how a child process is started";
        self.options.child.clone().ok_or_else(|| Violation::error(needed, "`Options::child` is None"))
    }

    fn setup(&self, limits: Limits) -> Setup {
        Setup { clock: self.clock.clone(), ids: self.ids.clone(), limits }
    }

    fn keep(&self, guard: Guard) {
        self.guards.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
    }
}

#[track_caller]
fn no_store(reason: String) -> Violation {
    Violation::error("the harness opens a fresh store", reason)
}
