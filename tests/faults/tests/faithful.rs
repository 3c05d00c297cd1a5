//! The adapter without a fault passes the contract: what a faulty one breaks, its fault breaks.

use std::sync::Arc;

use tubeatlas_contract::{Harness, Options, Report, Status, WATCHDOG, run_all};
use tubeatlas_faults::{Benign, Durable, FaultyHarness, Hooks};

#[test]
fn hooks_that_pass_everything_on_break_no_rule() {
    keeps_the_contract("faithful", FaultyHarness(Hooks::new));
}

#[test]
fn calls_that_are_pending_before_they_are_passed_on_break_no_rule() {
    finds_nothing(Benign::Slow);
}

#[test]
fn calls_that_overtake_each_other_break_no_rule() {
    finds_nothing(Benign::Reordering);
}

#[test]
fn units_of_work_that_give_way_to_everything_break_no_rule() {
    finds_nothing(Benign::Wary);
}

#[test]
fn a_store_that_outlives_its_closing_breaks_no_rule() {
    keeps_the_contract("durable", Durable::new(None));
}

/// These tests try four rules at a time, each.
fn patient() -> Options {
    Options { watchdog: 8 * WATCHDOG, ..Options::default() }
}

fn finds_nothing(benign: Benign) {
    passed(&benign.try_all_rules(&patient(), 4));
}

fn keeps_the_contract(name: &str, harness: impl Harness + 'static) {
    passed(&run_all(name, &Arc::new(harness), &patient(), 4));
}

fn passed(report: &Report) {
    let wrong = report.cases.iter().filter(|case| matches!(case.status, Status::Fail | Status::Error));
    let wrong: Vec<_> = wrong.filter_map(|case| case.message.clone()).collect();
    assert!(report.passed(), "{}", wrong.join("\n\n"));
}
