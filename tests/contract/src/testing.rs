//! What the tests do that [`contract_tests!`](crate::contract_tests) makes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::{Flavour, Harness, Options, RULES, Status, baseline, run, run_child};

/// Finds a rule, tries it, and panics if it does not hold or could not be tried.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
#[expect(clippy::print_stdout, reason = "what is not tried must be seen")]
pub fn test(name: &str, harness: impl Harness + 'static, flavour: Flavour, module: &str) {
    let Some(rule) = RULES.iter().find(|rule| rule.name() == name) else {
        panic!("there is no rule {name}");
    };
    let mut options = match Options::from_env() {
        Ok(options) => options,
        Err(reason) => panic!("{reason}"),
    };
    // The test that is the child stands beside the module of this one; a test's name has no crate's name before it.
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let child = match parent.split_once("::") {
        Some((_, modules)) => format!("{modules}::child_of_the_contract"),
        None => "child_of_the_contract".to_owned(),
    };
    options.child = std::env::current_exe().ok().map(|program| -> crate::MakeChild {
        Arc::new(move || {
            let mut command = Command::new(&program);
            command.args(["--exact", &child, "--ignored", "--nocapture", "--test-threads=1"]);
            command
        })
    });
    let result = run(rule, harness, flavour, &options);
    let message = result.message.unwrap_or_default();
    match result.status {
        Status::Pass => {}
        Status::Skip | Status::NotApplicable => println!("{}: {} ({message})", result.id, result.status),
        Status::Fail | Status::Error => panic!("{message}\n  seed: {}", options.seed),
    }
}

/// Compares what is not tried with a committed file, or writes it.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn test_baseline(harness: impl Harness, file: &str) {
    let write = std::env::var_os("TUBEATLAS_WRITE_BASELINE").is_some();
    if let Err(reason) = baseline::compare(&harness.exceptions(), Path::new(file), write) {
        panic!("{reason}");
    }
}

/// Does what the process that started this one asks for.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn test_child(harness: impl Harness + 'static) {
    if let Err(reason) = run_child(harness) {
        panic!("{reason}");
    }
}
