//! Whether what many clients saw at the same time can be explained by one call after the other.
//!
//! Clients call a store at once, and each call is recorded with its answer and its interval: from when it was
//! made until it was answered ([`client`], [`history`]). A history is *linearizable* if every call can be given
//! one moment within its interval, such that the calls in the order of these moments, one after the other,
//! would have been answered as they were. A [`Model`] says which answers a call may get in a state; the
//! [`checker`] looks for the moments. A history for which there are none is made small before it is shown
//! ([`counterexample`]).
//!
//! A call that was cancelled has no answer: its interval is open, and it may have its moment at any time after
//! it was made, or never.
//!
//! The models are those of [`keys`], [`queue`] and [`accounts`]; each stands beside the work that its clients
//! do. In [`accounts`] a call is a whole unit of work; there, linearizability is strict serializability.

pub(crate) mod accounts;
pub(crate) mod checker;
pub(crate) mod client;
pub(crate) mod counterexample;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod queue;
#[cfg(test)]
mod tests;

pub(crate) use checker::Model;
pub(crate) use client::{Client, Crowd};
pub(crate) use history::{Operation, sort};

use crate::{Outcome, Violation};

/// That the history is linearizable; `what` says which one it is, and how to get it again.
#[track_caller]
pub(crate) fn verify<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>], what: &str) -> Outcome {
    if checker::is_linearizable(model, history) {
        return Ok(());
    }
    let found = counterexample::minimal(model, history);
    Err(Violation::new(
        format!("{what}: each call happens at one moment between when it is made and when it is answered"),
        format!("no such moments explain these answers\n{found}"),
    ))
}
