//! The isolation levels of everyday, as flaws of the optimistic store: each shows the anomalies that it is known for.

use tubeatlas_contract::{Flavour, Options, RULES, Rule, Status, run};
use tubeatlas_faults::optimistic::{Flaw, Optimistic};

/// Whether a rule of isolation rejects it.
fn shows(flaw: Flaw, rule: &'static Rule) -> bool {
    let result = run(rule, Optimistic(Some(flaw)), Flavour::CurrentThread, &Options::default());
    assert!(matches!(result.status, Status::Pass | Status::Fail), "{result:?}");
    result.status == Status::Fail
}

/// The ids of the rules that it does not break.
fn keeps(flaw: Flaw) -> String {
    let rules = RULES.iter().filter(|rule| rule.area() == "isolation" && !shows(flaw, rule));
    rules.map(|rule| rule.id().replace("ISO-", "")).collect::<Vec<_>>().join(" ")
}

/// What two reads of a unit of work find need not belong together: also where a rule is about another anomaly.
#[test]
fn read_committed_prevents_dirty_reads_alone() {
    assert_eq!(keeps(Flaw::ReadCommitted), "G-001 G-002 R-002 S-001 S-002 S-003 S-005");
}

#[test]
fn read_uncommitted_prevents_dirty_writes_alone() {
    assert_eq!(keeps(Flaw::ReadUncommitted), "G-001 G-005 R-005 S-001");
}

/// It shows write skew in all its forms, of which the schedule of G1c is one, and nothing else.
#[test]
fn snapshot_isolation_prevents_all_but_write_skew() {
    let kept = "G-001 G-002 G-003 G-005 G-006 G-007 G-008 G-015 R-002 R-003 R-005 R-006 R-008 \
                S-001 S-002 S-003 S-005 S-006 S-007 S-008 S-015 S-016 T-006 T-008";
    assert_eq!(keeps(Flaw::SnapshotIsolation), kept);
}

/// Only what reads a snapshot and writes nothing is safe.
#[test]
fn no_isolation_prevents_what_a_snapshot_prevents() {
    let kept = "G-003 G-005 G-006 G-008 R-003 R-005 R-006 R-008 S-006 S-008 S-014 T-006 T-008";
    assert_eq!(keeps(Flaw::NoIsolation), kept);
}

#[test]
fn a_commit_in_parts_is_seen_in_parts() {
    for id in ["ISO-G-005", "ISO-R-005", "ISO-S-005"] {
        assert!(RULES.iter().filter(|rule| rule.id() == id).all(|rule| shows(Flaw::PublishesInParts, rule)));
    }
}

#[test]
fn a_commit_in_the_place_of_another_one_loses_it() {
    for id in ["ISO-G-007", "ISO-S-007"] {
        assert!(RULES.iter().filter(|rule| rule.id() == id).all(|rule| shows(Flaw::PublishesItsFork, rule)));
    }
}
