//! One of the two stores that go in lockstep: what is open on it, and what it was seen to answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use tubeatlas_domain::{LeaseToken, ProcessingTask, ProcessingTaskId, Timestamp};
use tubeatlas_ports::{Clock, Cursor, Mode, Page, Repositories, Result, Revision, Store, Stored, UnitOfWork};

use super::answer::Answer;
use super::call::{At, Step};
use crate::clock::TestClock;

/// A store, its open units of work, and what it was seen to answer.
pub(super) struct Side {
    store: Arc<dyn Store>,
    writer: Option<Box<dyn UnitOfWork>>,
    reader: Option<Box<dyn UnitOfWork>>,
    memory: Memory,
    /// How many revisions were known when the writer began.
    known_before: usize,
}

/// What a side was seen to answer, in the order in which it was first seen.
pub(super) struct Memory {
    clock: Arc<TestClock>,
    pub(super) revisions: Vec<Revision>,
    pub(super) claims: Vec<(ProcessingTaskId, LeaseToken)>,
    /// Where each list, in each order and with each filter, goes on.
    pub(super) cursors: BTreeMap<String, Cursor>,
    pub(super) last_cursor: Option<Cursor>,
}

impl Memory {
    fn new(clock: Arc<TestClock>) -> Self {
        let (revisions, claims, cursors, last_cursor) = Default::default();
        Self { clock, revisions, claims, cursors, last_cursor }
    }

    /// The time that the clock shows in so many milliseconds.
    pub(super) fn time_in(&self, millis: i64) -> Timestamp {
        let micros = self.clock.now().unix_micros().saturating_add(millis.saturating_mul(1_000));
        Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn note_page<T>(&mut self, list: String, page: &Result<Page<T>>) {
        let Ok(page) = page else { return };
        match &page.next {
            Some(cursor) => {
                self.cursors.insert(list, cursor.clone());
                self.last_cursor = Some(cursor.clone());
            }
            None => {
                self.cursors.remove(&list);
            }
        }
    }

    pub(super) fn note_claim(&mut self, claimed: &Result<Option<Stored<ProcessingTask>>>) {
        let Ok(Some(task)) = claimed else { return };
        self.claims.extend(task.lease.as_ref().map(|lease| (task.entity.id, lease.token)));
    }

    fn note_revisions(&mut self, answer: &Answer) {
        for revision in &answer.revisions {
            if !self.revisions.contains(revision) {
                self.revisions.push(*revision);
            }
        }
    }
}

impl Side {
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<TestClock>) -> Self {
        Self { store, writer: None, reader: None, memory: Memory::new(clock), known_before: 0 }
    }

    fn slot(&mut self, mode: Mode) -> &mut Option<Box<dyn UnitOfWork>> {
        match mode {
            Mode::ReadWrite => &mut self.writer,
            Mode::ReadOnly => &mut self.reader,
        }
    }

    pub(super) fn is_open(&self, mode: Mode) -> bool {
        match mode {
            Mode::ReadWrite => self.writer.is_some(),
            Mode::ReadOnly => self.reader.is_some(),
        }
    }

    /// Which unit of work a step is about.
    pub(super) fn unit_of(&self, step: &Step) -> Option<Mode> {
        match step {
            Step::Call(At::Unit(Mode::ReadOnly), _) if self.reader.is_some() => Some(Mode::ReadOnly),
            Step::Call(at, call) => {
                let in_writer = *at == At::Unit(Mode::ReadWrite) || call.writes();
                (in_writer && self.writer.is_some()).then_some(Mode::ReadWrite)
            }
            Step::Begin(mode) | Step::Commit(mode) | Step::Rollback(mode) | Step::Drop(mode) => Some(*mode),
            Step::Clock(_) => None,
        }
    }

    /// Makes a step; the clock is not of this side.
    pub(super) async fn make(&mut self, step: &Step) -> Answer {
        let answer = match step {
            Step::Call(_, call) => {
                let unit = match self.unit_of(step) {
                    Some(Mode::ReadWrite) => &self.writer,
                    Some(Mode::ReadOnly) => &self.reader,
                    None => &None,
                };
                let to: &dyn Repositories = match unit {
                    Some(unit) => &**unit,
                    None => &*self.store,
                };
                call.make(to, &mut self.memory).await
            }
            Step::Begin(mode) if self.slot(*mode).is_some() => Answer::said("already open"),
            Step::Begin(mode) => {
                if *mode == Mode::ReadWrite {
                    self.known_before = self.memory.revisions.len();
                }
                match self.store.begin(*mode).await {
                    Ok(unit) => {
                        *self.slot(*mode) = Some(unit);
                        Answer::said("begun")
                    }
                    Err(error) => Answer::of(&Err::<(), _>(error)),
                }
            }
            Step::Commit(mode) => match self.slot(*mode).take() {
                None => Answer::said("not open"),
                Some(unit) => {
                    let answer = unit.commit().await;
                    if answer.is_err() {
                        self.forget(*mode);
                    }
                    Answer::of(&answer)
                }
            },
            Step::Rollback(mode) => match self.slot(*mode).take() {
                None => Answer::said("not open"),
                Some(unit) => {
                    self.forget(*mode);
                    Answer::of(&unit.rollback().await)
                }
            },
            Step::Drop(mode) => {
                self.drop_unit(*mode);
                Answer::said("dropped")
            }
            Step::Clock(_) => Answer::said("moved"),
        };
        self.memory.note_revisions(&answer);
        answer
    }

    /// Drops a unit of work, if it is open.
    pub(super) fn drop_unit(&mut self, mode: Mode) {
        if self.slot(mode).take().is_some() {
            self.forget(mode);
        }
    }

    /// What a unit answered that was not committed means nothing.
    fn forget(&mut self, mode: Mode) {
        if mode == Mode::ReadWrite {
            self.memory.revisions.truncate(self.known_before);
        }
    }

    pub(super) async fn close(&mut self) -> Answer {
        self.drop_unit(Mode::ReadWrite);
        self.drop_unit(Mode::ReadOnly);
        Answer::of(&self.store.close().await)
    }
}
