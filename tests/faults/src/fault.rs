//! [`Fault`]: a mistake, and who must notice it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tubeatlas_contract::{Capability, CaseResult, Flavour, Options, Rule, run};

use crate::adapter::{Declaring, FaultyHarness};
use crate::durable::{Durable, Reopening};
use crate::hooks::Hooks;
use crate::optimistic::{Flaw, Optimistic};

/// How long a rule may take with a fault: longer than usual, because many are tried at a time.
const PATIENCE: Duration = Duration::from_secs(120);

/// A mistake of an adapter, the rule that must reject it, and the others that cannot help noticing it.
#[derive(Clone)]
pub struct Fault {
    /// What the adapter does wrong.
    pub name: &'static str,
    /// The id of the rule that must reject it: `CHN-L-003`.
    pub rule: String,
    /// Texts that the rule's violation must show, in this order. Together they show that this very fault was
    /// noticed, and not just any.
    pub says: &'static [&'static str],
    /// The other binding rules that reject it; it passes all the rest.
    pub companions: Vec<Companion>,
    adapter: Adapter,
}

/// What has the fault.
#[derive(Clone)]
enum Adapter {
    /// The store in memory with these hooks, new ones for each store.
    Hooked(Arc<dyn Fn() -> Hooks + Send + Sync>),
    /// The same, with this declared absent.
    Declaring(Capability, Arc<dyn Fn() -> Hooks + Send + Sync>),
    /// The optimistic store with this flaw.
    Optimistic(Flaw),
    /// The durable store that does this when it is opened again.
    Durable(Reopening),
}

/// Another rule that a fault breaks.
#[derive(Debug, Clone)]
pub struct Companion {
    /// The id of the rule.
    pub rule: String,
    /// Why it notices the fault as well.
    pub reason: &'static str,
    /// As [`Fault::says`].
    pub says: &'static [&'static str],
}

impl Fault {
    /// A fault that only its own rule notices. `hooks` makes the hooks of one store.
    pub fn new(
        rule: impl Into<String>,
        name: &'static str,
        says: &'static [&'static str],
        hooks: impl Fn() -> Hooks + Send + Sync + 'static,
    ) -> Self {
        Self::of(rule.into(), name, says, Adapter::Hooked(Arc::new(hooks)))
    }

    /// A flaw of the optimistic store that only its own rule notices.
    pub fn optimistic(
        rule: impl Into<String>,
        name: &'static str,
        says: &'static [&'static str],
        flaw: Flaw,
    ) -> Self {
        Self::of(rule.into(), name, says, Adapter::Optimistic(flaw))
    }

    /// A fault of an adapter that declares this absent. The store of an adapter without durability is said to be found
    /// again, which is a fault of its own.
    pub fn declaring(
        rule: impl Into<String>,
        name: &'static str,
        says: &'static [&'static str],
        capability: Capability,
        hooks: impl Fn() -> Hooks + Send + Sync + 'static,
    ) -> Self {
        Self::of(rule.into(), name, says, Adapter::Declaring(capability, Arc::new(hooks)))
    }

    /// A fault of opening again.
    pub fn reopening(
        rule: impl Into<String>,
        name: &'static str,
        says: &'static [&'static str],
        flaw: Reopening,
    ) -> Self {
        Self::of(rule.into(), name, says, Adapter::Durable(flaw))
    }

    fn of(rule: String, name: &'static str, says: &'static [&'static str], adapter: Adapter) -> Self {
        Self { name, rule, says, companions: Vec::new(), adapter }
    }

    /// The same fault, which this rule notices as well.
    #[must_use]
    pub fn also(
        mut self,
        rule: impl Into<String>,
        reason: &'static str,
        says: &'static [&'static str],
    ) -> Self {
        self.companions.push(Companion { rule: rule.into(), reason, says });
        self
    }

    /// Tries a rule on a fresh store with this fault.
    pub(crate) fn try_rule(&self, rule: &'static Rule) -> CaseResult {
        // One thread is enough, and the same in every run: a fault that needs two to show itself makes them.
        let (flavour, options) =
            (Flavour::CurrentThread, Options { watchdog: PATIENCE, ..Options::default() });
        match &self.adapter {
            Adapter::Hooked(hooks) => {
                let hooks = hooks.clone();
                run(rule, FaultyHarness(move || hooks()), flavour, &options)
            }
            Adapter::Declaring(capability, hooks) => {
                let (capability, hooks) = (*capability, hooks.clone());
                let place = (capability == Capability::Durability).then_some("somewhere");
                run(rule, Declaring { capability, hooks: move || hooks(), place }, flavour, &options)
            }
            Adapter::Durable(flaw) => run(rule, Durable::new(Some(*flaw)), flavour, &options),
            Adapter::Optimistic(flaw) => run(rule, Optimistic(Some(*flaw)), flavour, &options),
        }
    }

    /// The rules that must reject it, its own one first, and what each must say.
    pub fn rejections(&self) -> impl Iterator<Item = (&str, &'static [&'static str])> {
        let companions = self.companions.iter().map(|companion| (&*companion.rule, companion.says));
        std::iter::once((&*self.rule, self.says)).chain(companions)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} “{}”", self.rule, self.name)
    }
}

/// Whether a violation shows these texts in this order.
pub(crate) fn shows(violation: &str, texts: &[&str]) -> bool {
    let mut rest = violation;
    texts.iter().all(|text| match rest.split_once(text) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_looked_for_in_their_order() {
        let violation = "expected: the count: 3, observed: 4";
        assert!(shows(violation, &["count: 3", "observed: 4"]));
        assert!(!shows(violation, &["observed: 4", "count: 3"]));
        assert!(!shows(violation, &["count: 3", "count"]));
    }
}
