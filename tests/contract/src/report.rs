//! [`Report`]: how an adapter stands to the whole contract.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::{Flavour, Harness, Options, RULES, Strength, run};

/// How a rule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Pass,
    /// The adapter breaks it.
    Fail,
    /// It was left out, for a reason that the harness gives.
    Skip,
    /// The adapter declares that it does without what the rule needs, or the rule tries what was declared
    /// absent and nothing was.
    NotApplicable,
    /// It could not be tried: a matter of the harness, the environment or the suite. Nothing is known.
    Error,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::NotApplicable => "not applicable",
            Self::Error => "error",
        })
    }
}

/// What came of one rule on one flavour of runtime.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CaseResult {
    /// The id of the rule: `VID-U-003`.
    pub id: String,
    /// Its name, which is that of its test.
    pub name: String,
    /// What it promises.
    pub title: String,
    /// The area that it belongs to.
    pub area: String,
    /// How binding it is.
    pub strength: Strength,
    /// On which runtime it was tried.
    #[serde(rename = "runtime")]
    pub flavour: Flavour,
    /// How it ended.
    pub status: Status,
    /// How it was broken, or why it was not tried.
    pub message: Option<String>,
    /// Figures of the run, by name.
    pub notes: BTreeMap<String, String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What came of the whole contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of this form. It rises when a field is taken away or changes its meaning.
    pub schema_version: u32,
    /// The version of the contract.
    pub contract: String,
    /// The name of the adapter, as its harness was called.
    pub adapter: String,
    /// From which the rules took their choices.
    pub seed: u64,
    /// What was declared absent, by capability, with the reason.
    pub absent: BTreeMap<String, String>,
    /// How many cases ended how. A case is a rule on a runtime.
    pub totals: Totals,
    /// Every case, in the order of the rules, then of the runtimes.
    pub cases: Vec<CaseResult>,
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Totals {
    /// All.
    pub cases: usize,
    /// Passed.
    pub pass: usize,
    /// Broken.
    pub fail: usize,
    /// Left out.
    pub skip: usize,
    /// Not applicable.
    pub not_applicable: usize,
    /// Could not be tried.
    pub error: usize,
}

impl Report {
    /// Whether the adapter keeps the contract: nothing failed, nothing could not be tried, and something passed.
    pub fn passed(&self) -> bool {
        self.totals.fail == 0 && self.totals.error == 0 && self.totals.pass > 0
    }

    /// How many cases of an area ended so.
    pub fn count(&self, area: &str, status: Status) -> usize {
        self.cases.iter().filter(|case| case.area == area && case.status == status).count()
    }
}

/// Tries every rule on both flavours of runtime, on `threads` threads. Never panics; what goes wrong stands in
/// the report, whose order depends on nothing but the rules.
pub fn run_all<H: Harness + 'static>(
    adapter: &str,
    harness: &Arc<H>,
    options: &Options,
    threads: usize,
) -> Report {
    let planned: Vec<_> = RULES.iter().flat_map(|rule| Flavour::ALL.map(|flavour| (rule, flavour))).collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(planned.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((place, (rule, flavour))) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, planned.get(n)?)))
                {
                    let result = run(rule, harness.clone(), *flavour, options);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, _)| *place);
    let cases: Vec<CaseResult> = results.into_iter().map(|(_, result)| result).collect();
    let count = |status| cases.iter().filter(|case| case.status == status).count();
    let totals = Totals {
        cases: cases.len(),
        pass: count(Status::Pass),
        fail: count(Status::Fail),
        skip: count(Status::Skip),
        not_applicable: count(Status::NotApplicable),
        error: count(Status::Error),
    };
    let exceptions = harness.exceptions();
    let absent =
        exceptions.absent().iter().map(|(what, reason)| (what.to_string(), reason.clone())).collect();
    Report {
        schema_version: 1,
        contract: env!("CARGO_PKG_VERSION").to_owned(),
        adapter: adapter.to_owned(),
        seed: options.seed,
        absent,
        totals,
        cases,
    }
}
