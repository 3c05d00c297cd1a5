//! What an adapter may declare that it does not do.

use std::fmt;

use crate::rule::{CAPABILITIES, Rule};
use crate::{RULES, Status};

/// A part of the ports that an adapter may do without, if it says so. Nothing is declared by being silent: an
/// adapter that declares nothing is tried for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// [`search`](tubeatlas_ports::TranscriptRepository::search).
    Search,
    /// [`begin`](tubeatlas_ports::Store::begin), in either mode.
    UnitsOfWork,
    /// Every method of the repository of knowledge graphs.
    KnowledgeGraphs,
    /// Every method of the repository of media files.
    MediaFiles,
    /// Every method of the repository of processing tasks.
    ProcessingTasks,
    /// That what was acknowledged is still there when the store is opened again. An adapter without it keeps
    /// nothing; its harness has no [`reopen`](crate::Harness::reopen).
    Durability,
    /// [`adopt_many`](tubeatlas_ports::WriteRepository::adopt_many), of every repository that writes.
    Adoption,
    /// Every method of the repository of source files.
    SourceFiles,
    /// Every method of the repository of playlists.
    Playlists,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Search,
        Self::UnitsOfWork,
        Self::KnowledgeGraphs,
        Self::MediaFiles,
        Self::ProcessingTasks,
        Self::Durability,
        Self::Adoption,
        Self::SourceFiles,
        Self::Playlists,
    ];
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The sorts of calls of a store, as the rules of cancellation tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// A read of a repository of the store, but search.
    Read,
    /// A search of the store.
    Search,
    /// A write of a repository of the store.
    Write,
    /// `begin` for reading and writing.
    BeginReadWrite,
    /// `begin` for reading.
    BeginReadOnly,
    /// `health` of the store.
    Health,
    /// `close` of the store.
    Close,
    /// A read of a repository of a unit of work, but search.
    ReadInUnit,
    /// A search of a unit of work.
    SearchInUnit,
    /// A write of a repository of a unit of work.
    WriteInUnit,
    /// `commit` of a unit of work.
    Commit,
    /// `rollback` of a unit of work.
    Rollback,
}

impl CallKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::Search,
        Self::Write,
        Self::BeginReadWrite,
        Self::BeginReadOnly,
        Self::Health,
        Self::Close,
        Self::ReadInUnit,
        Self::SearchInUnit,
        Self::WriteInUnit,
        Self::Commit,
        Self::Rollback,
    ];

    /// All but these.
    pub fn all_but(these: &[Self]) -> Vec<Self> {
        Self::ALL.into_iter().filter(|kind| !these.contains(kind)).collect()
    }
}

/// What is not asked of an adapter, each with its reason. It begins with nothing.
///
/// ```
/// use tubeatlas_contract::{Capability, Exceptions};
///
/// Exceptions::none()
///     .without(Capability::Search, "the engine has no index; use the search of another store")
///     .skip("MED-P-004", "hidden paths are not reserved yet, see our ticket 17");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions {
    absent: Vec<(Capability, String)>,
    skipped: Vec<(String, String)>,
    at_once: Vec<(Vec<CallKind>, String)>,
}

impl Exceptions {
    /// No exceptions: everything is tried.
    pub fn none() -> Self {
        Self::default()
    }

    /// Declares that the adapter cannot do this. The rules that need it are not applicable then; instead it is
    /// tried that every call of it is refused as [`Unsupported`](tubeatlas_ports::Error::Unsupported).
    #[must_use]
    pub fn without(mut self, capability: Capability, reason: &str) -> Self {
        self.absent.push((capability, reason.to_owned()));
        self
    }

    /// Leaves out the rule with this id (`VID-U-003`), although the adapter ought to keep it.
    #[must_use]
    pub fn skip(mut self, rule: &str, reason: &str) -> Self {
        self.skipped.push((rule.to_owned(), reason.to_owned()));
        self
    }

    /// Declares that calls of these sorts are always answered in the first poll of their future. Then they cannot be
    /// dropped half-way, and the rules of cancellation do not ask for it; a call that is pending all the same
    /// breaks its rule. The rules try each call while nothing is held, while the right to write is held, and while
    /// all connections are: nothing need be said of what is pending in one of these.
    #[must_use]
    pub fn at_once(mut self, kinds: &[CallKind], reason: &str) -> Self {
        self.at_once.push((kinds.to_vec(), reason.to_owned()));
        self
    }

    /// Whether calls of this sort were declared to be answered in the first poll.
    pub(crate) fn answers_at_once(&self, kind: CallKind) -> bool {
        self.at_once.iter().any(|(declared, _)| declared.contains(&kind))
    }

    /// What was declared to be answered in the first poll, and why.
    pub(crate) fn declared_at_once(&self) -> impl Iterator<Item = (String, &String)> {
        let names =
            |kinds: &[CallKind]| kinds.iter().map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(", ");
        self.at_once.iter().map(move |(kinds, reason)| (format!("at once {}", names(kinds)), reason))
    }

    /// Whether this capability was declared absent.
    pub fn lacks(&self, capability: Capability) -> bool {
        self.absent.iter().any(|(absent, _)| *absent == capability)
    }

    /// What was declared absent, and why.
    pub fn absent(&self) -> &[(Capability, String)] {
        &self.absent
    }

    /// Why this rule is not tried, and as what it counts; `None` if it is tried.
    pub(crate) fn of(&self, rule: &Rule) -> Option<(Status, String)> {
        if let Some((_, reason)) = self.skipped.iter().find(|(id, _)| *id == rule.id()) {
            return Some((Status::Skip, reason.clone()));
        }
        let lacking = rule.needs().iter().find(|capability| self.lacks(**capability));
        if rule.area() == CAPABILITIES {
            let declared = lacking.is_none();
            return declared.then(|| (Status::NotApplicable, "nothing of it is declared absent".to_owned()));
        }
        let (capability, reason) = self.absent.iter().find(|(absent, _)| Some(absent) == lacking)?;
        Some((Status::NotApplicable, format!("without {capability}: {reason}")))
    }

    /// Whether each exception is one: of a rule that there is, with a reason, said once.
    ///
    /// # Errors
    /// Which is not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let absent = self.absent.iter().map(|(capability, reason)| (capability.to_string(), reason));
        let skipped = self.skipped.iter().map(|(id, reason)| (id.clone(), reason));
        let mut seen = Vec::new();
        for (what, reason) in absent.chain(skipped).chain(self.declared_at_once()) {
            if reason.trim().is_empty() {
                return Err(format!("the exception {what} has no reason"));
            }
            if seen.contains(&what) {
                return Err(format!("the exception {what} stands twice"));
            }
            seen.push(what);
        }
        match self.skipped.iter().find(|(id, _)| !RULES.iter().any(|rule| rule.id() == *id)) {
            Some((id, _)) => Err(format!("there is no rule {id} that could be skipped")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str) -> &'static Rule {
        RULES.iter().find(|rule| rule.id() == id).unwrap()
    }

    #[test]
    fn nothing_declared_means_everything_is_tried() {
        let tried = |rule: &&Rule| Exceptions::none().of(rule).is_none();
        let rules = RULES.iter().filter(|rule| rule.area() != CAPABILITIES);
        assert!(rules.clone().all(|rule| tried(&rule)) && rules.count() > 300);
    }

    #[test]
    fn what_is_absent_makes_its_rules_inapplicable_and_the_refusal_applicable() {
        let exceptions = Exceptions::none().without(Capability::Search, "no index");
        let (status, reason) = exceptions.of(rule("SEA-Q-001")).unwrap();
        assert_eq!((status, reason.as_str()), (Status::NotApplicable, "without Search: no index"));
        assert_eq!(exceptions.of(rule("VID-U-001")), None);
        assert_eq!(exceptions.of(rule("CAP-A-001")), None);
        assert!(Exceptions::none().of(rule("CAP-A-001")).is_some());
        assert!(exceptions.of(rule("CAP-A-002")).is_some());
    }

    #[test]
    fn an_exception_needs_a_rule_and_a_reason() {
        let skip = |id, reason| Exceptions::none().skip(id, reason);
        assert!(skip("VID-U-001", "later").check().is_ok());
        assert_eq!(skip("VID-U-001", "later").of(rule("VID-U-001")).unwrap().0, Status::Skip);
        assert!(skip("VID-U-001", " ").check().unwrap_err().contains("no reason"));
        assert!(skip("VID-Z-999", "later").check().unwrap_err().contains("VID-Z-999"));
        let twice = skip("VID-U-001", "later").skip("VID-U-001", "later");
        assert!(twice.check().unwrap_err().contains("twice"));
        let at_once = |reason| Exceptions::none().at_once(&[CallKind::Health], reason);
        assert!(at_once("it is a number in memory").check().is_ok());
        assert!(at_once("").check().unwrap_err().contains("at once Health has no reason"));
    }
}
