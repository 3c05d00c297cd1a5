//! Faults of adapters that declare something absent.

use tubeatlas_contract::Capability;
use tubeatlas_domain::{KnowledgeGraph, Playlist, ProcessingTask};

use crate::fault::Fault;
use crate::hooks::{Faithful, Hooks};
use crate::lacking::lacking;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::declaring(
            "CAP-A-001",
            "a search that is declared absent finds nothing instead of being refused",
            &["Unsupported", "Ok(SearchPage"],
            Capability::Search,
            Hooks::new,
        ),
        Fault::declaring(
            "CAP-A-002",
            "units of work are declared absent and begun all the same",
            &["Unsupported", "Ok(())"],
            Capability::UnitsOfWork,
            Hooks::new,
        ),
        Fault::declaring(
            "CAP-A-003",
            "of absent graphs only the writes are refused",
            &["Unsupported", "Ok(None)"],
            Capability::KnowledgeGraphs,
            || lacking(Capability::KnowledgeGraphs).reads::<KnowledgeGraph>(Faithful),
        ),
        Fault::declaring(
            "CAP-A-004",
            "an absent media file is looked for by its path",
            &["Unsupported", "Ok(None)"],
            Capability::MediaFiles,
            || lacking(Capability::MediaFiles).media_files(Faithful),
        ),
        Fault::declaring(
            "CAP-A-005",
            "tasks are declared absent, and counted",
            &["Unsupported", "Ok("],
            Capability::ProcessingTasks,
            || lacking(Capability::ProcessingTasks).reads::<ProcessingTask>(Faithful),
        ),
        Fault::declaring(
            "CAP-A-006",
            "durability is declared absent, and there is a place to open again",
            &["no place at which it could be opened again", "somewhere"],
            Capability::Durability,
            Hooks::new,
        ),
        Fault::declaring(
            "CAP-A-007",
            "adoption is declared absent, and takes in nothing without saying so",
            &["Unsupported", "Ok(())"],
            Capability::Adoption,
            || lacking(Capability::Adoption).tasks(Faithful),
        ),
        Fault::declaring(
            "CAP-A-008",
            "absent source files are removed",
            &["Unsupported", "Ok(0)"],
            Capability::SourceFiles,
            || lacking(Capability::SourceFiles).source_files(Faithful),
        ),
        Fault::declaring(
            "CAP-A-009",
            "absent playlists are looked for to restore them",
            &["Unsupported", "NotFound"],
            Capability::Playlists,
            || lacking(Capability::Playlists).soft::<Playlist>(Faithful),
        ),
    ]
}
