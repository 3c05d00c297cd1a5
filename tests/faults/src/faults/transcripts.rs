//! Faults of transcripts.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "TRN-C-001",
    "TRN-C-002",
    "TRN-C-003",
    "TRN-C-004",
    "TRN-C-005",
    "TRN-D-001",
    "TRN-D-002",
    "TRN-D-003",
    "TRN-D-004",
    "TRN-H-001",
    "TRN-H-002",
    "TRN-H-003",
    "TRN-H-004",
    "TRN-H-005",
    "TRN-L-001",
    "TRN-L-002",
    "TRN-L-003",
    "TRN-L-004",
    "TRN-L-005",
    "TRN-L-006",
    "TRN-L-007",
    "TRN-L-008",
    "TRN-L-009",
    "TRN-L-010",
    "TRN-R-001",
    "TRN-R-002",
    "TRN-R-003",
    "TRN-R-004",
    "TRN-R-005",
    "TRN-R-006",
    "TRN-U-001",
    "TRN-U-002",
    "TRN-U-003",
    "TRN-U-004",
    "TRN-U-005",
    "TRN-U-006",
    "TRN-U-007",
    "TRN-V-001",
    "TRN-V-002",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
