//! Trying faults against rules.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tubeatlas_contract::{Rule, Status, Strength};

use crate::fault::{Fault, shows};

/// What came of trying one fault against one rule.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The fault.
    pub fault: &'a Fault,
    /// The rule.
    pub rule: &'static Rule,
    /// How the rule ended.
    pub status: Status,
    /// How it was broken, or why it was not tried.
    pub message: String,
}

impl<'a> Trial<'a> {
    /// Tries a fault against a rule, on a fresh store.
    pub fn new(fault: &'a Fault, rule: &'static Rule) -> Self {
        let result = fault.try_rule(rule);
        Self { fault, rule, status: result.status, message: result.message.unwrap_or_default() }
    }

    /// Whether the rule rejected the fault.
    pub fn rejected(&self) -> bool {
        self.status == Status::Fail
    }

    /// Whether it came as the fault declares. A rule that depends on the schedule may reject a fault or not.
    ///
    /// # Errors
    /// What differs, for the person who looks for it.
    pub fn check(&self) -> Result<(), String> {
        let Self { fault, rule, status, message } = self;
        let id = rule.id();
        let declared = fault.rejections().find(|(declared, _)| *declared == id);
        match (status, declared) {
            (Status::Error, _) => Err(format!("{fault:?} could not be tried:\n{message}")),
            (Status::Fail, Some((_, says))) if !shows(message, says) => {
                Err(format!("{fault:?} was rejected, but not for {says:?}:\n{message}"))
            }
            (Status::Fail, None) if rule.strength() != Strength::Stochastic => {
                Err(format!("{fault:?} was rejected by another rule:\n{message}"))
            }
            (Status::Pass | Status::Skip | Status::NotApplicable, Some(_)) => {
                Err(format!("{fault:?} was not rejected by {id} ({status})"))
            }
            _ => Ok(()),
        }
    }
}

/// How many rules are tried at a time for each processor: some of them wait for time-outs.
const TRIALS_PER_PROCESSOR: usize = 4;

/// Tries each of these pairs, some at a time; the answers stand in their order.
pub fn try_all<'a>(pairs: &[(&'a Fault, &'static Rule)]) -> Vec<Trial<'a>> {
    in_parallel(pairs, |(fault, rule)| Trial::new(fault, rule))
}

/// Does the work for each item, some at a time; the answers stand in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..processors * TRIALS_PER_PROCESSOR {
            scope.spawn(|| {
                while let Some((n, item)) = {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    items.get(n).map(|item| (n, item))
                } {
                    let answer = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((n, answer));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, answer)| answer).collect()
}
