//! [`Case`]: the surroundings of one run of one rule.

use std::sync::{Arc, Mutex, PoisonError};

use tubeatlas_ports::Store;

use crate::clock::{SequentialIds, TestClock};
use crate::harness::{Guard, Harness, Limits, Opener, Setup};
use crate::rule::Violation;

/// The surroundings of one run of one rule: a fresh store, its clock and its ids.
pub struct Case {
    opener: Arc<dyn Opener>,
    store: Arc<dyn Store>,
    /// The clock of all stores of this case.
    pub clock: Arc<TestClock>,
    /// Where all stores of this case take their ids from.
    pub ids: Arc<SequentialIds>,
    // The last field: guards are dropped after the store.
    guards: Mutex<Vec<Guard>>,
}

impl Case {
    /// Opens a fresh store.
    ///
    /// # Errors
    /// If the harness gives none.
    pub async fn open(harness: impl Harness + 'static) -> Result<Self, Violation> {
        let opener: Arc<dyn Opener> = Arc::new(harness);
        let (clock, ids) = (Arc::new(TestClock::new()), Arc::new(SequentialIds::new()));
        let setup = Setup { clock: clock.clone(), ids: ids.clone(), limits: Limits::default() };
        let (store, guard) = opener.open_any(setup).await.map_err(no_store)?;
        Ok(Self { opener, store, clock, ids, guards: Mutex::new(vec![guard]) })
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store, to be carried into another task.
    pub fn shared(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Another fresh store, with other limits.
    pub(crate) async fn another(&self, limits: Limits) -> Result<Arc<dyn Store>, Violation> {
        let setup = Setup { clock: self.clock.clone(), ids: self.ids.clone(), limits };
        let (store, guard) = self.opener.open_any(setup).await.map_err(no_store)?;
        self.guards.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
        Ok(store)
    }
}

#[track_caller]
fn no_store(reason: String) -> Violation {
    Violation::new("the harness opens a fresh store", reason)
}
