//! Faults of what is opened again.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] =
    &["DUR-R-001", "DUR-R-002", "DUR-R-003", "DUR-R-004", "DUR-R-005", "DUR-R-006"];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
