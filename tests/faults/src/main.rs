//! Tries faults against every rule: `cargo run -p tubeatlas-faults [-- RULE…]`, where `RULE` is how the ids of the
//! rules begin whose faults are tried (`CHN`, `VID-L-003`); without any, all are.
//!
//! Fails if a fault was not rejected as it declares.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;

use tubeatlas_contract::{RULES, Strength};
use tubeatlas_faults::{faults, try_all};

fn main() -> io::Result<ExitCode> {
    let prefixes: Vec<String> = std::env::args().skip(1).collect();
    let mut faults = faults::all();
    faults
        .retain(|fault| prefixes.is_empty() || prefixes.iter().any(|prefix| fault.rule.starts_with(prefix)));
    let mut out = io::stdout();
    if faults.is_empty() {
        writeln!(out, "there is no fault of a rule that begins with {prefixes:?}")?;
        return Ok(ExitCode::FAILURE);
    }
    // All at once: where one fault waits for a time-out, the others go on.
    let pairs: Vec<_> = faults.iter().flat_map(|fault| RULES.iter().map(move |rule| (fault, rule))).collect();
    let trials = try_all(&pairs);
    let (mut caught, mut exact, mut stochastic) = (0, 0, BTreeSet::new());
    for trials in trials.chunks(RULES.len()) {
        let (mut rejected, mut as_declared) = (false, true);
        for trial in trials {
            let (id, outcome) = (trial.rule.id(), trial.check());
            rejected |= id == trial.fault.rule && outcome.is_ok();
            as_declared &= outcome.is_ok();
            if let Err(text) = outcome {
                writeln!(out, "{text}\n")?;
            }
            if trial.rule.strength() == Strength::Stochastic && trial.rejected() {
                stochastic.insert(id);
            }
        }
        caught += usize::from(rejected);
        exact += usize::from(as_declared);
    }
    let (all, companions) = (faults.len(), faults.iter().map(|fault| fault.companions.len()).sum::<usize>());
    writeln!(out, "caught {caught} of {all}, exact {exact} of {all}, companions {companions}")?;
    writeln!(out, "stochastic rules that rejected one: {}", list(stochastic))?;
    writeln!(out, "must rules without a fault: {}", faults::without_fault().len())?;
    Ok(if exact == all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list(ids: BTreeSet<String>) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.into_iter().collect::<Vec<_>>().join(", ") }
}
