//! [`Benign`]: right adapters that are hard on a rule which asks for more than the ports promise.

use std::sync::Arc;

use tubeatlas_contract::{CaseResult, Flavour, Options, Report, Rule, Status, Strength, run, run_all};

use crate::optimistic::Wary;
use crate::trial::in_parallel;
use crate::{FaultyHarness, Hooks};

/// A right adapter, of which the suite must find nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benign {
    /// Its calls are pending before they are done.
    Slow,
    /// Its calls overtake each other.
    Reordering,
    /// Its units of work give way wherever they may: see [`Wary`].
    Wary,
}

impl Benign {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Slow, Self::Reordering, Self::Wary];

    /// Tries one rule.
    fn try_rule(self, rule: &'static Rule, flavour: Flavour, options: &Options) -> CaseResult {
        let seed = options.seed;
        match self {
            Self::Slow => run(rule, FaultyHarness(slow), flavour, options),
            Self::Reordering => {
                run(rule, FaultyHarness(move || Hooks::new().reordering(seed)), flavour, options)
            }
            Self::Wary => run(rule, Wary, flavour, options),
        }
    }

    /// Tries all rules on both runtimes, so many at a time.
    pub fn try_all_rules(self, options: &Options, threads: usize) -> Report {
        let (name, seed) = (format!("{self:?}"), options.seed);
        match self {
            Self::Slow => run_all(&name, &Arc::new(FaultyHarness(slow)), options, threads),
            Self::Reordering => {
                let hooks = move || Hooks::new().reordering(seed);
                run_all(&name, &Arc::new(FaultyHarness(hooks)), options, threads)
            }
            Self::Wary => run_all(&name, &Arc::new(Wary), options, threads),
        }
    }

    /// Tries the rules that depend on the schedule or on a seed, with each of these seeds on one runtime, in turn:
    /// how many cases there were, and those that found something.
    pub fn try_seeds(self, seeds: std::ops::RangeInclusive<u64>, options: &Options) -> (usize, Vec<String>) {
        let rules = || {
            (0..).zip(tubeatlas_contract::RULES).filter(|(_, rule)| rule.strength() == Strength::Stochastic)
        };
        let cases: Vec<_> = seeds.flat_map(|seed| rules().map(move |(n, rule)| (seed, n, rule))).collect();
        let results = in_parallel(&cases, |(seed, n, rule)| {
            let flavour = if (seed + n) % 2 == 0 { Flavour::CurrentThread } else { Flavour::MultiThread };
            let result = self.try_rule(rule, flavour, &Options { seed: *seed, ..options.clone() });
            match result.status {
                Status::Fail | Status::Error => {
                    Some(format!("seed {seed}, {flavour}: {}", result.message.unwrap_or_default()))
                }
                _ => None,
            }
        });
        (cases.len(), results.into_iter().flatten().collect())
    }
}

fn slow() -> Hooks {
    Hooks::new().slow_calls().slow_in_units()
}
