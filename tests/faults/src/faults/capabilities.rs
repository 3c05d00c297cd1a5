//! Faults of adapters that declare something absent.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] =
    &["CAP-A-001", "CAP-A-002", "CAP-A-003", "CAP-A-004", "CAP-A-005", "CAP-A-006"];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
