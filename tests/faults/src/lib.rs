//! The contract suite is tested, too: here are adapters with one fault each, and each must be rejected by the
//! rule that its fault breaks, and by as few others as can be.
//!
//! [`FaultyStore`] passes all calls on to the store in memory. [`Hooks`] stand in between: each call goes through
//! a method of a hook, which passes it on unless a fault overrides it. A [`Fault`] is such a hook, the rule
//! that must reject it, what that rule must say, and which other rules cannot help noticing it.
//!
//! [Right adapters](Benign) of other kinds must pass, so that no rule asks for more than the ports promise.
//!
//! What is about isolation can only go wrong where units of work interleave. Those faults are [flaws](optimistic::Flaw)
//! of the [optimistic store](optimistic), which without a flaw is right and passes the whole contract.
//!
//! # How a fault is added
//! The faults stand in `faults/`, a file an area of the rules. Write a struct, override one method of its hook
//! with a mistake that somebody could make, and add it to the table of the area; take the rule out of the
//! area's `WITHOUT_FAULT`. Then try it against all rules:
//!
//! ```text
//! cargo run -p tubeatlas-faults -- CHN-L-003     # the faults of rules whose id begins so
//! cargo run -p tubeatlas-faults                  # all faults
//! cargo run -p tubeatlas-faults -- --benign 1000 # the right adapters, with so many seeds each
//! ```
//!
//! It says whether the rule rejected the fault and for the right reason, and what else did. `cargo test -p
//! tubeatlas-faults` tries each fault against its own rule and its companions alone.

mod adapter;
mod benign;
mod durable;
mod fault;
pub mod faults;
mod hooks;
mod kind;
mod lacking;
pub mod optimistic;
mod trial;

pub use adapter::{Declaring, FaultyHarness, FaultyStore};
pub use benign::Benign;
pub use durable::{Durable, Reopening};
pub use fault::{Companion, Fault};
pub use hooks::{
    Access, At, Hooks, MediaFileHook, ReadHook, SoftHook, SourceFileHook, StoreHook, TaskHook,
    TranscriptHook, WriteHook,
};
pub use kind::{Kind, WrittenKind};
pub use lacking::lacking;
pub use trial::{Trial, try_all};
