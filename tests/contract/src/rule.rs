//! What a rule is, and what is said when it is broken.

use std::fmt;
use std::panic::Location;

use futures::future::BoxFuture;

use crate::{Capability, Case};

/// How binding a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// An adapter that breaks it is no adapter. Its test fails for one reason only: the promise is broken.
    Must,
    /// What a good adapter does, and nobody's data depends on.
    Should,
    /// Binding as well, but whether a wrong adapter is caught depends on how tasks happen to be scheduled. It
    /// never fails for a right one.
    Stochastic,
}

/// One promise of the ports, and how it is tried. Everything that is said about a rule is in its name, so no
/// two places can disagree: `must_vid_u_003_update_of_a_deleted_video_is_not_found`.
pub struct Rule {
    area: &'static str,
    name: &'static str,
    needs: &'static [Capability],
    run: for<'a> fn(&'a Case) -> BoxFuture<'a, Outcome>,
}

/// The area whose rules try what was declared absent.
pub(crate) const CAPABILITIES: &str = "capabilities";

/// Whether a rule holds.
pub type Outcome = Result<(), Violation>;

impl Rule {
    pub(crate) const fn new(
        area: &'static str,
        name: &'static str,
        needs: &'static [Capability],
        run: for<'a> fn(&'a Case) -> BoxFuture<'a, Outcome>,
    ) -> Self {
        Self { area, name, needs, run }
    }

    /// The part of the contract that it belongs to: `videos`.
    pub fn area(&self) -> &'static str {
        self.area
    }

    /// Its name, which is also that of its test.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its id, which never changes and is never given again: `VID-U-003`.
    pub fn id(&self) -> String {
        id(self.name)
    }

    /// What an adapter must be capable of for it to be applicable; for a rule of the area `capabilities`, what
    /// an adapter must have declared absent.
    pub fn needs(&self) -> &'static [Capability] {
        self.needs
    }

    /// How binding it is.
    pub fn strength(&self) -> Strength {
        match self.name.split('_').next() {
            Some("should") => Strength::Should,
            Some("stochastic") => Strength::Stochastic,
            _ => Strength::Must,
        }
    }

    /// What it promises, as a sentence.
    pub fn title(&self) -> String {
        title(self.name)
    }

    /// Tries it on the store of this case.
    ///
    /// # Errors
    /// What was expected, and what was observed instead.
    pub async fn check(&self, case: &Case) -> Outcome {
        (self.run)(case).await.map_err(|violation| Violation { rule: self.id(), ..violation })
    }
}

/// The id in the name of a rule.
pub(crate) fn id(name: &str) -> String {
    name.splitn(5, '_').skip(1).take(3).collect::<Vec<_>>().join("-").to_uppercase()
}

/// The sentence in the name of a rule.
pub(crate) fn title(name: &str) -> String {
    let words = name.splitn(5, '_').nth(4).unwrap_or_default().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// How a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The id of the rule.
    pub rule: String,
    /// What the ports promise.
    pub expected: String,
    /// What the store did.
    pub observed: String,
    /// The line of the suite at which it was noticed.
    pub place: String,
    /// Whether the rule could not be tried at all: what stands in the way is a matter of the harness, the
    /// environment or the suite, and nothing is known about the adapter.
    pub untried: bool,
}

impl Violation {
    /// A violation of the rule that is being tried.
    #[track_caller]
    pub fn new(expected: impl Into<String>, observed: impl Into<String>) -> Self {
        let place = Location::caller().to_string();
        let (expected, observed) = (expected.into(), observed.into());
        Self { rule: String::new(), expected, observed, place, untried: false }
    }

    /// The rule that is being tried cannot be tried, for this reason.
    #[track_caller]
    pub fn error(needed: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { untried: true, ..Self::new(needed, reason) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, expected, observed, place, untried } = self;
        let verdict = if *untried { "could not be tried" } else { "is broken" };
        write!(f, "{rule} {verdict}\n  expected: {expected}\n  observed: {observed}\n  noticed at {place}")
    }
}

impl std::error::Error for Violation {}

/// A call that a rule needs, and that did not succeed.
impl From<tubeatlas_ports::Error> for Violation {
    #[track_caller]
    fn from(error: tubeatlas_ports::Error) -> Self {
        Self::new("the call succeeds", crate::check::cut(&format!("{} ({error:?})", error.chain()), 0))
    }
}
