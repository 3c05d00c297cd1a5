//! [`Report`]: how an adapter stands to the whole contract.

mod render;

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

impl Totals {
    fn of(cases: &[CaseResult]) -> Self {
        let count = |status| cases.iter().filter(|case| case.status == status).count();
        Self {
            cases: cases.len(),
            pass: count(Status::Pass),
            fail: count(Status::Fail),
            skip: count(Status::Skip),
            not_applicable: count(Status::NotApplicable),
            error: count(Status::Error),
        }
    }
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
    let totals = Totals::of(&cases);
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tubeatlas_ports::Store;

    use super::*;
    use crate::{Exceptions, Setup};

    /// One case of each status but `Skip`.
    pub(super) fn a_report() -> Report {
        let case = |id: &str, flavour, status, message: Option<&str>| {
            let rule = RULES.iter().find(|rule| rule.id() == id).unwrap();
            CaseResult {
                id: rule.id(),
                name: rule.name().to_owned(),
                title: rule.title(),
                area: rule.area().to_owned(),
                strength: rule.strength(),
                flavour,
                status,
                message: message.map(str::to_owned),
                notes: BTreeMap::new(),
                duration_ms: 1_002,
            }
        };
        let (one, many) = (Flavour::CurrentThread, Flavour::MultiThread);
        let mut cases = vec![
            case("CHN-C-001", one, Status::Pass, None),
            case("CHN-C-002", many, Status::Fail, Some("<&\"]]>\u{1}\nü")),
            case("SEA-F-001", one, Status::NotApplicable, Some("no index")),
            case("CLO-H-001", one, Status::Error, Some("no server")),
        ];
        cases[0].notes.insert("polls".to_owned(), "3".to_owned());
        Report {
            schema_version: 1,
            contract: "0.1.0".to_owned(),
            adapter: "test".to_owned(),
            seed: 1,
            absent: BTreeMap::new(),
            totals: Totals::of(&cases),
            cases,
        }
    }

    /// There is no server for its stores.
    struct Absent;

    #[async_trait]
    impl Harness for Absent {
        type Guard = ();

        async fn open(&self, _: Setup) -> Result<(Arc<dyn Store>, ()), String> {
            Err("no server".to_owned())
        }

        fn exceptions(&self) -> Exceptions {
            Exceptions::none().skip("CHN-C-001", "later")
        }
    }

    #[test]
    fn a_missing_environment_is_an_error_and_never_green() {
        let report = run_all("absent", &Arc::new(Absent), &Options::default(), 2);
        let (rules, totals) = (RULES.len(), report.totals);
        assert_eq!((totals.cases, totals.skip, totals.pass, totals.fail), (rules * 2, 2, 0, 0));
        assert_eq!(totals.error + totals.not_applicable, rules * 2 - 2);
        assert!(!report.passed());
        let ids: Vec<_> = report.cases.iter().map(|case| (case.id.clone(), case.flavour)).collect();
        let expected: Vec<_> =
            RULES.iter().flat_map(|rule| Flavour::ALL.map(|flavour| (rule.id(), flavour))).collect();
        assert_eq!(ids, expected, "every rule, once on each runtime, in the order of the registry");
        let messages: Vec<_> = report.cases.iter().filter(|case| case.status == Status::Error).collect();
        assert!(messages.iter().all(|case| case.message.as_ref().unwrap().contains("no server")));
    }
}
