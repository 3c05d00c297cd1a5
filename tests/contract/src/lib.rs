//! The contract suite: what every storage adapter of Tubeatlas must pass.
//!
//! 658 rules say, each in one sentence, what the [ports](tubeatlas_ports) promise; each is a test. This is all
//! that the author of an adapter writes, in a file under `tests/`:
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use tubeatlas_contract::{Harness, Setup, contract_tests};
//! use tubeatlas_ports::Store;
//!
//! struct MyHarness;
//!
//! #[async_trait]
//! impl Harness for MyHarness {
//!     type Guard = (); // a temporary directory, say
//!
//!     async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, Self::Guard), String> {
//! #       fn my_store(_: Setup) -> Result<Arc<dyn Store>, String> { Err(String::new()) }
//!         Ok((my_store(setup)?, ()))
//!     }
//! }
//!
//! contract_tests!(MyHarness);
//! # fn main() {}
//! ```
//!
//! That makes one test of each rule on each flavour of tokio runtime, such as
//! `multi_thread::must_vid_u_003_update_of_what_is_missing_is_not_found`. A failed test says which rule was
//! broken, what was expected, and what was observed.
//!
//! # How rules are made
//! - A rule fails only if a promise of the ports was broken. Where the ports leave a choice (to wait or to
//!   answer a conflict, say), every choice passes.
//! - Rules depend on no real time: the store's clock is a [`TestClock`]. Only what is about time-outs waits for
//!   them, and [`WATCHDOG`] ends what hangs.
//! - Nothing is skipped, and no rule needs anything but the ports. A rule never panics; it reports.
//!
//! The [`guide`] leads from an empty crate to a green report.
//!
//! [`fixtures`] are entities for the tests of whoever embeds Tubeatlas; [`RULES`] are the rules as values.

mod baseline;
mod capability;
mod case;
mod check;
mod child;
mod clock;
pub mod fixtures;
pub mod guide;
mod harness;
mod in_folder;
mod linearizability;
mod macros;
mod model;
mod options;
pub mod queries;
mod random;
mod registry;
mod report;
mod rule;
mod rules;
mod run;
mod testing;

pub use baseline::baseline;
pub use capability::{CallKind, Capability, Exceptions};
pub use case::Case;
pub use child::run_child;
pub use clock::{SequentialIds, TestClock};
pub use harness::{Harness, Limits, Setup};
pub use in_folder::InFolder;
pub use options::{Effort, MakeChild, Options};
pub use registry::{AREAS, RULES, UNTESTED, Untested};
pub use report::{CaseResult, Report, Status, Totals, run_all};
pub use rule::{Outcome, Rule, Strength, Violation};
pub use run::{Flavour, WATCHDOG, run};
#[doc(hidden)]
pub use testing::{test, test_baseline, test_child};
