//! Tries faults against every rule: `cargo run -p tubeatlas-faults [-- RULE…]`, where `RULE` is how the ids of the
//! rules begin whose faults are tried (`CHN`, `VID-L-003`); without any, all are.
//!
//! Fails if a fault was not rejected as it declares.
//!
//! `cargo run -p tubeatlas-faults -- --benign N` tries the right adapters of other kinds with the seeds 1 to N against the
//! rules that depend on one, and fails if anything is found.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;

use tubeatlas_contract::{Options, RULES, Strength, WATCHDOG};
use tubeatlas_faults::{Benign, faults, try_all};

fn main() -> io::Result<ExitCode> {
    let prefixes: Vec<String> = std::env::args().skip(1).collect();
    if let [option, seeds] = &prefixes[..]
        && option == "--benign"
    {
        return match seeds.parse() {
            Ok(seeds) => try_benign(seeds),
            Err(error) => Err(io::Error::other(format!("--benign {seeds:?}: {error}"))),
        };
    }
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

fn try_benign(seeds: u64) -> io::Result<ExitCode> {
    let (mut out, mut exit) = (io::stdout(), ExitCode::SUCCESS);
    for benign in Benign::ALL {
        let options = Options { watchdog: 4 * WATCHDOG, ..Options::default() };
        let (cases, found) = benign.try_seeds(1..=seeds, &options);
        for text in &found {
            writeln!(out, "{text}\n")?;
        }
        writeln!(out, "{benign:?}: {} failures in {cases} cases of {seeds} seeds", found.len())?;
        if cases == 0 || !found.is_empty() {
            exit = ExitCode::FAILURE;
        }
    }
    Ok(exit)
}

fn list(ids: BTreeSet<String>) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.into_iter().collect::<Vec<_>>().join(", ") }
}
