//! Faults of units of work.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "UOW-A-001",
    "UOW-A-002",
    "UOW-A-003",
    "UOW-A-004",
    "UOW-A-005",
    "UOW-D-001",
    "UOW-D-002",
    "UOW-D-003",
    "UOW-E-001",
    "UOW-E-002",
    "UOW-E-003",
    "UOW-E-004",
    "UOW-E-005",
    "UOW-E-006",
    "UOW-E-007",
    "UOW-I-001",
    "UOW-I-002",
    "UOW-I-003",
    "UOW-I-004",
    "UOW-I-005",
    "UOW-I-006",
    "UOW-I-007",
    "UOW-W-001",
    "UOW-W-002",
    "UOW-W-003",
    "UOW-W-004",
    "UOW-W-005",
    "UOW-W-006",
    "UOW-W-007",
    "UOW-W-008",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
