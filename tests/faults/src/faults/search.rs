//! Faults of search.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "SEA-F-001",
    "SEA-F-002",
    "SEA-H-001",
    "SEA-H-002",
    "SEA-H-003",
    "SEA-M-001",
    "SEA-M-002",
    "SEA-O-001",
    "SEA-O-002",
    "SEA-O-003",
    "SEA-O-004",
    "SEA-O-005",
    "SEA-P-001",
    "SEA-P-002",
    "SEA-P-003",
    "SEA-P-004",
    "SEA-Q-001",
    "SEA-Q-002",
    "SEA-Q-003",
    "SEA-Q-004",
    "SEA-Q-005",
    "SEA-Q-006",
    "SEA-Q-007",
    "SEA-Q-008",
    "SEA-X-001",
    "SEA-X-002",
    "SEA-X-003",
    "SEA-X-004",
    "SEA-X-005",
    "SEA-X-006",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
