//! Faults of the queue of tasks.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "TSK-C-001",
    "TSK-C-002",
    "TSK-C-003",
    "TSK-C-004",
    "TSK-C-005",
    "TSK-C-006",
    "TSK-C-007",
    "TSK-C-008",
    "TSK-C-009",
    "TSK-C-010",
    "TSK-C-011",
    "TSK-C-012",
    "TSK-C-013",
    "TSK-E-001",
    "TSK-E-002",
    "TSK-E-003",
    "TSK-F-001",
    "TSK-F-002",
    "TSK-F-003",
    "TSK-F-004",
    "TSK-L-001",
    "TSK-L-002",
    "TSK-L-003",
    "TSK-L-004",
    "TSK-L-005",
    "TSK-L-007",
    "TSK-L-008",
    "TSK-L-009",
    "TSK-L-010",
    "TSK-R-001",
    "TSK-R-002",
    "TSK-R-003",
    "TSK-R-004",
    "TSK-W-001",
    "TSK-W-002",
    "TSK-W-003",
    "TSK-W-004",
    "TSK-W-005",
    "TSK-W-006",
    "TSK-W-007",
    "TSK-W-008",
    "TSK-W-009",
    "TSK-W-010",
    "TSK-W-011",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
