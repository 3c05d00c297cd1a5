//! Faults of calls at the same time.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] =
    &["CON-N-001", "CON-N-002", "CON-N-003", "CON-N-004", "CON-N-005", "CON-N-009", "CON-N-010"];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
