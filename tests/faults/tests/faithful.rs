//! The adapter without a fault passes the contract: what a faulty one breaks, its fault breaks.

use std::sync::Arc;

use tubeatlas_contract::{Options, Status, run_all};
use tubeatlas_faults::{FaultyHarness, Hooks};

#[test]
fn hooks_that_pass_everything_on_break_no_rule() {
    let report = run_all("faithful", &Arc::new(FaultyHarness(Hooks::new)), &Options::default(), 4);
    let wrong = report.cases.iter().filter(|case| matches!(case.status, Status::Fail | Status::Error));
    let wrong: Vec<_> = wrong.filter_map(|case| case.message.clone()).collect();
    assert!(report.passed(), "{}", wrong.join("\n\n"));
}
