//! The model is a store that keeps the contract, and sequences reach what there is to reach.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_ports::{Clock, Store};

use super::call::Step;
use super::draws::Focus;
use super::sequence::Plan;
use super::side::Side;
use super::store::ModelStore;
use crate::clock::{SequentialIds, TestClock};
use crate::{Capability, Exceptions, Flavour, Harness, Options, RULES, Setup, Status, Strength, run};

struct ModelHarness;

#[async_trait]
impl Harness for ModelHarness {
    type Guard = ();

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, ()), String> {
        Ok((Arc::new(ModelStore::new(setup.clock, setup.ids)), ()))
    }

    fn exceptions(&self) -> Exceptions {
        Exceptions::none().without(Capability::Durability, "it keeps nothing")
    }
}

/// The areas whose rules have one caller, as the model has.
const AREAS: &[&str] = &[
    "channels",
    "videos",
    "transcripts",
    "knowledge_graphs",
    "media_files",
    "source_files",
    "playlists",
    "processing_tasks",
    "search",
    "units_of_work",
    "transactions",
    "closing",
];

/// Rules of these areas in which callers wait for each other, or for a deadline.
const FOR_SEVERAL_CALLERS: &[&str] =
    &["UOW-I-006", "UOW-W-001", "UOW-W-002", "UOW-W-003", "UOW-W-005", "UOW-W-006", "CLO-X-003", "CLO-X-004"];

#[test]
fn the_model_keeps_the_contract() {
    let broken: Vec<_> = RULES
        .iter()
        .filter(|rule| AREAS.contains(&rule.area()) && rule.strength() == Strength::Must)
        .filter(|rule| !FOR_SEVERAL_CALLERS.contains(&rule.id().as_str()))
        // Two that compare with the corpus which the model itself searches.
        .filter(|rule| !rule.id().starts_with("SEA-M-"))
        // Scores are each adapter's own: the model gives all hits the same.
        .filter(|rule| !["SEA-O-003", "SEA-O-004", "SEA-O-006", "SEA-O-008"].contains(&rule.id().as_str()))
        .map(|rule| run(rule, ModelHarness, Flavour::CurrentThread, &Options::default()))
        .filter(|result| matches!(result.status, Status::Fail | Status::Error))
        .map(|result| format!("{} {}", result.id, result.message.unwrap_or_default()))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The answers in some sequences of one focus.
async fn answers(focus: Focus) -> Vec<String> {
    let mut answers = Vec::new();
    for seed in 0..60 {
        let clock = Arc::new(TestClock::new());
        let model = ModelStore::new(clock.clone() as Arc<dyn Clock>, Arc::new(SequentialIds::new()));
        let mut side = Side::new(Arc::new(model), clock.clone());
        for step in Plan::new(focus, Vec::new(), seed, 40).steps() {
            if let Step::Clock(millis) = step {
                clock.move_by_ms(millis);
            }
            answers.push(side.make(&step).await.text);
        }
    }
    answers
}

#[tokio::test]
async fn sequences_get_every_answer() {
    const WRITES: &[&str] = &[
        "NotFound",
        "\"id\"",
        "\"path\"",
        "MissingReference",
        "by: Video",
        "by: KnowledgeGraph",
        "by: Playlist",
        "Conflict::Revision",
        "Invalid: batch",
        "Created",
        "Updated",
        "Unchanged",
        "LeftDeleted",
    ];
    const UNITS: &[&str] =
        &["NotFound", "Conflict::Revision", "Transition", "Closed", "ReadOnly", "Unsupported", "LeftDeleted"];
    const TASKS: &[&str] = &[
        "Illegal",
        "StaleLease",
        "Running",
        "Succeeded",
        "Cancelled",
        "no luck",
        "expired at the last attempt",
        "Invalid: lease_ms",
        "Invalid: processing_task.max_attempts",
        "nothing",
    ];
    const PAGES: &[&str] = &["and more", "and no more", "Invalid: cursor", "Invalid: limit"];
    const SEARCHES: &[&str] = &["SearchHit", "FoundCue", "and more", "Invalid: cursor", "LeftDeleted"];
    for (focus, parts) in [
        (Focus::Catalogue, WRITES),
        (Focus::Units, UNITS),
        (Focus::Tasks, TASKS),
        (Focus::Pages, PAGES),
        (Focus::Searches, SEARCHES),
    ] {
        let answers = answers(focus).await;
        for part in parts {
            let of = answers.iter().filter(|answer| answer.contains(part)).count();
            assert!(of > 0, "no answer of {focus:?} holds {part:?}");
        }
        let refused = answers.iter().filter(|answer| answer.contains("refused")).count();
        assert!(
            refused * 5 < answers.len() * 2,
            "{refused} of {} answers of {focus:?} refuse",
            answers.len()
        );
    }
}
