//! The model and a store, step by step.

use std::sync::Arc;

use tubeatlas_ports::{Clock, Mode, Store};

use super::answer::{Answer, Difference, Links};
use super::call::{At, Step};
use super::side::Side;
use super::store::ModelStore;
use super::universe;
use crate::clock::{SequentialIds, TestClock};
use crate::{Capability, fixtures};

/// The model and a store that is as empty, with the same clock.
pub(super) struct Lockstep {
    clock: Arc<TestClock>,
    model: Side,
    store: Side,
    links: Links,
    /// The links as they were when the unit of work that writes began.
    links_before: Links,
}

/// Where the answers differed.
#[derive(Debug, Clone)]
pub(super) struct Divergence {
    /// How many steps had been made, this one included; all of them if it shows only in what is stored in the end.
    pub(super) steps: usize,
    pub(super) step: String,
    pub(super) expected: String,
    pub(super) observed: String,
}

impl Lockstep {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<TestClock>) -> Self {
        clock.set(fixtures::noon());
        let model = ModelStore::new(clock.clone() as Arc<dyn Clock>, Arc::new(SequentialIds::new()));
        Self {
            model: Side::new(Arc::new(model), clock.clone()),
            store: Side::new(store, clock.clone()),
            clock,
            links: Links::default(),
            links_before: Links::default(),
        }
    }

    /// Makes all the steps, and compares what is stored in the end; then closes the store.
    pub(super) async fn run(mut self, steps: &[Step], absent: &[Capability]) -> Result<(), Divergence> {
        for (n, step) in steps.iter().enumerate() {
            let outcome = self.make(step).await;
            outcome.map_err(|difference| Divergence::at(n + 1, step.to_string(), difference))?;
        }
        self.end_unit(Mode::ReadOnly);
        self.end_unit(Mode::ReadWrite);
        let reads = universe::reads_of_everything().into_iter().map(|call| Step::call(At::Store, call));
        for step in reads.filter(|step| step.does_without(absent)) {
            let outcome = self.make(&step).await;
            outcome.map_err(|difference| {
                Divergence::at(steps.len(), format!("what is stored in the end, {step}"), difference)
            })?;
        }
        let (expected, observed) = (self.model.close().await, self.store.close().await);
        self.links
            .agree(&expected, &observed)
            .map_err(|difference| Divergence::at(steps.len(), "close".to_owned(), difference))
    }

    async fn make(&mut self, step: &Step) -> Result<(), Difference> {
        if let Step::Clock(millis) = step {
            self.clock.move_by_ms(*millis);
        }
        let unit = self.store.unit_of(step);
        let was_writing = self.store.is_open(Mode::ReadWrite);
        if matches!(step, Step::Begin(Mode::ReadWrite)) && !was_writing {
            self.links_before = self.links.clone();
        }
        let observed = self.store.make(step).await;
        // A unit of work may give way at any time. That the rest of it answers accordingly is not tried here.
        if let (true, Some(mode)) = (observed.gave_way, unit) {
            self.end_unit(mode);
            return Ok(());
        }
        let expected = self.model.make(step).await;
        self.links.agree(&expected, &observed)?;
        let kept = matches!(step, Step::Commit(_)) && expected == Answer::of(&());
        if was_writing && !self.store.is_open(Mode::ReadWrite) && !kept {
            self.links = self.links_before.clone();
        }
        Ok(())
    }

    /// Drops a unit of work on both sides; what it answered means nothing.
    fn end_unit(&mut self, mode: Mode) {
        let open = self.store.is_open(mode) || self.model.is_open(mode);
        self.model.drop_unit(mode);
        self.store.drop_unit(mode);
        if open && mode == Mode::ReadWrite {
            self.links = self.links_before.clone();
        }
    }
}

impl Divergence {
    fn at(steps: usize, step: String, (expected, observed): Difference) -> Self {
        Self { steps, step, expected, observed }
    }
}
