//! The faults, a file an area of the rules.

mod adoption;
mod cancellation;
mod capabilities;
mod channels;
mod closing;
mod concurrency;
mod core;
mod durability;
mod isolation;
mod knowledge_graphs;
mod lists;
mod media_files;
mod owned;
mod playlists;
mod processing_tasks;
mod search;
mod soft;
mod source_files;
mod transactions;
mod transcripts;
mod units_of_work;
mod videos;

use crate::fault::{Companion, Fault};

/// Of each area its faults, and the ids of its rules that no fault breaks yet.
const AREAS: [(fn() -> Vec<Fault>, &[&str]); 18] = [
    (channels::faults, channels::WITHOUT_FAULT),
    (videos::faults, videos::WITHOUT_FAULT),
    (transcripts::faults, transcripts::WITHOUT_FAULT),
    (knowledge_graphs::faults, knowledge_graphs::WITHOUT_FAULT),
    (media_files::faults, media_files::WITHOUT_FAULT),
    (playlists::faults, playlists::WITHOUT_FAULT),
    (source_files::faults, source_files::WITHOUT_FAULT),
    (processing_tasks::faults, processing_tasks::WITHOUT_FAULT),
    (search::faults, search::WITHOUT_FAULT),
    (units_of_work::faults, units_of_work::WITHOUT_FAULT),
    (transactions::faults, transactions::WITHOUT_FAULT),
    (isolation::faults, isolation::WITHOUT_FAULT),
    (concurrency::faults, concurrency::WITHOUT_FAULT),
    (cancellation::faults, cancellation::WITHOUT_FAULT),
    (closing::faults, closing::WITHOUT_FAULT),
    (durability::faults, durability::WITHOUT_FAULT),
    (adoption::faults, adoption::WITHOUT_FAULT),
    (capabilities::faults, capabilities::WITHOUT_FAULT),
];

/// All faults, by area.
pub fn all() -> Vec<Fault> {
    AREAS.iter().flat_map(|(faults, _)| faults()).collect()
}

/// The ids of the binding rules that no fault breaks yet.
pub fn without_fault() -> Vec<&'static str> {
    AREAS.iter().flat_map(|(_, without)| without.iter().copied()).collect()
}

/// Adds a companion to the faults of this rule: one that only some kinds of entities have.
fn also(
    faults: &mut [Fault],
    rule: &str,
    companion: &str,
    reason: &'static str,
    says: &'static [&'static str],
) {
    for fault in faults.iter_mut().filter(|fault| fault.rule == rule) {
        fault.companions.push(Companion { rule: companion.to_owned(), reason, says });
    }
}
