//! The adapter without a fault passes the contract: what a faulty one breaks, its fault breaks.

use std::sync::Arc;

use tubeatlas_contract::{Options, Status, run_all};
use tubeatlas_faults::{FaultyHarness, Hooks};

#[test]
fn hooks_that_pass_everything_on_break_no_rule() {
    breaks_no_rule("faithful", Hooks::new);
}

#[test]
fn calls_that_are_pending_before_they_are_passed_on_break_no_rule() {
    breaks_no_rule("slow", || Hooks::new().slow_calls().slow_in_units());
}

fn breaks_no_rule(name: &str, hooks: fn() -> Hooks) {
    let report = run_all(name, &Arc::new(FaultyHarness(hooks)), &Options::default(), 4);
    let wrong = report.cases.iter().filter(|case| matches!(case.status, Status::Fail | Status::Error));
    let wrong: Vec<_> = wrong.filter_map(|case| case.message.clone()).collect();
    assert!(report.passed(), "{}", wrong.join("\n\n"));
}
