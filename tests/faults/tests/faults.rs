//! The table of faults is whole, and each fault is rejected by the rules that it names.
//!
//! That no other rule rejects it is seen by `cargo run -p tubeatlas-faults`, which takes longer.

use std::collections::HashSet;

use tubeatlas_contract::{RULES, Rule, Strength};
use tubeatlas_faults::{faults, try_all};

/// More companions mean that a fault is too coarse to show what its own rule is for.
const MAX_COMPANIONS: usize = 3;

fn must(id: &str) -> Option<&'static Rule> {
    sure(id).filter(|rule| rule.strength() == Strength::Must)
}

/// A rule that does not depend on the schedule or the seed.
fn sure(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id() == id && rule.strength() != Strength::Stochastic)
}

#[test]
fn every_must_rule_has_a_fault_or_stands_in_the_list_of_those_without() {
    let faults = faults::all();
    let with: HashSet<_> = faults.iter().map(|fault| fault.rule.clone()).collect();
    let without = faults::without_fault();
    for id in &without {
        assert!(must(id).is_some(), "{id}, which is said to have no fault, is no must rule");
        assert!(!with.contains(*id), "{id} has a fault; take it out of WITHOUT_FAULT");
    }
    for rule in RULES.iter().filter(|rule| rule.strength() == Strength::Must) {
        let id = rule.id();
        assert!(with.contains(&id) || without.contains(&&*id), "no fault breaks {rule:?}");
    }
}

#[test]
fn the_table_of_faults_is_well_formed() {
    let mut names = HashSet::new();
    for fault in faults::all() {
        assert!(names.insert((fault.rule.clone(), fault.name)), "{fault:?} is there twice");
        assert!(fault.companions.len() <= MAX_COMPANIONS, "{fault:?} has too many companions");
        assert!(
            fault.companions.iter().all(|c| c.reason.len() > 10),
            "a companion of {fault:?} has no reason"
        );
        let mut rules = HashSet::new();
        for (rule, says) in fault.rejections() {
            assert!(
                sure(rule).is_some(),
                "{fault:?} names {rule}, which is no rule that is sure to reject it"
            );
            assert!(rules.insert(rule.to_owned()), "{fault:?} names {rule} twice");
            assert!(says.concat().len() > 10, "what {rule} says of {fault:?} could be said of anything");
        }
    }
}

#[test]
fn each_fault_is_rejected_by_the_rules_that_it_names() {
    let faults = faults::all();
    let pairs: Vec<_> = faults
        .iter()
        .flat_map(|fault| fault.rejections().filter_map(move |(rule, _)| Some((fault, sure(rule)?))))
        .collect();
    let wrong: Vec<_> = try_all(&pairs).iter().filter_map(|trial| trial.check().err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
