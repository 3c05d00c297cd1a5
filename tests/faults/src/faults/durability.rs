//! Faults of what is opened again.

use crate::durable::Reopening;
use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::reopening(
            "DUR-R-001",
            "closing forgets the media files",
            &["the file is there", "nothing"],
            Reopening::ForgetsFilesAtClose,
        ),
        Fault::reopening(
            "DUR-R-002",
            "a store that was not closed has lost its graphs",
            &["the graph is there", "nothing"],
            Reopening::ForgetsGraphsWithoutClose,
        ),
        Fault::reopening(
            "DUR-R-003",
            "what an open unit of work wrote is written when the store is opened again",
            &["the video of an open unit: false", "true"],
            Reopening::ReplaysOpenUnits,
        ),
        Fault::reopening(
            "DUR-R-004",
            "revisions begin anew when the store is opened again",
            &["revisions", "Revision(1)"],
            Reopening::NumbersAnew,
        ),
        Fault::reopening(
            "DUR-R-005",
            "the index of the search is not kept",
            &["the hits: [(", "observed: []"],
            Reopening::LosesTheIndex,
        ),
        Fault::reopening(
            "DUR-R-006",
            "leases are not kept",
            &["the call succeeds", "NotFound"],
            Reopening::ForgetsLeases,
        ),
    ]
}
