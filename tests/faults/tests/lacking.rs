//! An adapter that does without a part of the ports, says so and refuses it, keeps the contract. So each rule says
//! rightly what it needs.

use std::sync::Arc;

use tubeatlas_contract::{Capability, Options, Status, run_all};
use tubeatlas_faults::{Declaring, lacking};

fn keeps_the_contract(capability: Capability) {
    let harness = Arc::new(Declaring { capability, hooks: move || lacking(capability), place: None });
    let report = run_all("lacking", &harness, &Options::default(), 4);
    let wrong = report.cases.iter().filter(|case| matches!(case.status, Status::Fail | Status::Error));
    let wrong: Vec<_> = wrong.filter_map(|case| case.message.clone()).collect();
    assert!(report.passed(), "without {capability}, {} rules:\n{}", wrong.len(), wrong.join("\n\n"));
    let refusals = report.count("capabilities", Status::Pass);
    assert_eq!(refusals, if capability == Capability::Durability { 2 } else { 4 }, "both runtimes");
}

#[test]
fn without_search() {
    keeps_the_contract(Capability::Search);
}

#[test]
fn without_units_of_work() {
    keeps_the_contract(Capability::UnitsOfWork);
}

#[test]
fn without_knowledge_graphs() {
    keeps_the_contract(Capability::KnowledgeGraphs);
}

#[test]
fn without_media_files() {
    keeps_the_contract(Capability::MediaFiles);
}

#[test]
fn without_processing_tasks() {
    keeps_the_contract(Capability::ProcessingTasks);
}

#[test]
fn without_source_files() {
    keeps_the_contract(Capability::SourceFiles);
}

#[test]
fn without_playlists() {
    keeps_the_contract(Capability::Playlists);
}

#[test]
fn without_adoption() {
    keeps_the_contract(Capability::Adoption);
}
