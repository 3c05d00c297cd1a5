//! [`Fault`]: a mistake, and who must notice it.

use std::fmt;
use std::sync::Arc;

use crate::hooks::Hooks;

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
    hooks: Arc<dyn Fn() -> Hooks + Send + Sync>,
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
        Self { name, rule: rule.into(), says, companions: Vec::new(), hooks: Arc::new(hooks) }
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

    /// The hooks of one store with this fault.
    pub fn hooks(&self) -> Hooks {
        (self.hooks)()
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
