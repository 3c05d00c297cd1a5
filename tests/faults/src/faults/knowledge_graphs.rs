//! Faults of knowledge graphs.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "GRA-C-001",
    "GRA-C-002",
    "GRA-C-003",
    "GRA-C-004",
    "GRA-C-005",
    "GRA-D-001",
    "GRA-D-002",
    "GRA-D-003",
    "GRA-D-004",
    "GRA-H-001",
    "GRA-H-002",
    "GRA-H-003",
    "GRA-H-004",
    "GRA-H-005",
    "GRA-H-006",
    "GRA-H-007",
    "GRA-H-008",
    "GRA-L-001",
    "GRA-L-002",
    "GRA-L-003",
    "GRA-L-004",
    "GRA-L-005",
    "GRA-L-006",
    "GRA-L-007",
    "GRA-L-008",
    "GRA-L-009",
    "GRA-L-010",
    "GRA-R-001",
    "GRA-R-002",
    "GRA-R-003",
    "GRA-R-004",
    "GRA-R-005",
    "GRA-R-006",
    "GRA-U-001",
    "GRA-U-002",
    "GRA-U-003",
    "GRA-U-004",
    "GRA-U-005",
    "GRA-U-006",
    "GRA-U-007",
    "GRA-V-001",
    "GRA-V-002",
    "GRA-X-001",
    "GRA-X-002",
    "GRA-X-003",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
