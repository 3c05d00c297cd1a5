//! Faults of videos.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[
    "VID-C-001",
    "VID-C-002",
    "VID-C-003",
    "VID-C-004",
    "VID-C-005",
    "VID-D-001",
    "VID-D-003",
    "VID-D-004",
    "VID-L-001",
    "VID-L-002",
    "VID-L-003",
    "VID-L-004",
    "VID-L-005",
    "VID-L-006",
    "VID-L-007",
    "VID-L-008",
    "VID-L-009",
    "VID-L-010",
    "VID-P-001",
    "VID-P-002",
    "VID-P-003",
    "VID-P-004",
    "VID-P-005",
    "VID-R-001",
    "VID-R-002",
    "VID-R-003",
    "VID-R-004",
    "VID-R-005",
    "VID-R-006",
    "VID-S-001",
    "VID-S-002",
    "VID-S-003",
    "VID-S-004",
    "VID-S-005",
    "VID-S-006",
    "VID-S-007",
    "VID-S-008",
    "VID-U-001",
    "VID-U-002",
    "VID-U-003",
    "VID-U-004",
    "VID-U-005",
    "VID-U-006",
    "VID-U-007",
    "VID-V-001",
    "VID-V-002",
    "VID-X-001",
    "VID-X-002",
];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
