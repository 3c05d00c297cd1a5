//! The adapter without a fault passes the contract: what a faulty one breaks, its fault breaks.

use std::sync::Arc;

use tubeatlas_contract::{Harness, Options, Status, WATCHDOG, run_all};
use tubeatlas_faults::optimistic::Wary;
use tubeatlas_faults::{Durable, FaultyHarness, Hooks};

#[test]
fn hooks_that_pass_everything_on_break_no_rule() {
    breaks_no_rule("faithful", Hooks::new);
}

#[test]
fn calls_that_are_pending_before_they_are_passed_on_break_no_rule() {
    breaks_no_rule("slow", || Hooks::new().slow_calls().slow_in_units());
}

#[test]
fn calls_that_overtake_each_other_break_no_rule() {
    breaks_no_rule("reordering", || Hooks::new().reordering(1));
}

#[test]
fn units_of_work_that_give_way_to_everything_break_no_rule() {
    keeps_the_contract("wary", Wary);
}

#[test]
fn a_store_that_outlives_its_closing_breaks_no_rule() {
    keeps_the_contract("durable", Durable::new(None));
}

fn breaks_no_rule(name: &str, hooks: fn() -> Hooks) {
    keeps_the_contract(name, FaultyHarness(hooks));
}

fn keeps_the_contract(name: &str, harness: impl Harness + 'static) {
    // These tests try four rules at a time, each.
    let options = Options { watchdog: 8 * WATCHDOG, ..Options::default() };
    let report = run_all(name, &Arc::new(harness), &options, 4);
    let wrong = report.cases.iter().filter(|case| matches!(case.status, Status::Fail | Status::Error));
    let wrong: Vec<_> = wrong.filter_map(|case| case.message.clone()).collect();
    assert!(report.passed(), "{}", wrong.join("\n\n"));
}
