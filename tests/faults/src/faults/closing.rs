//! Faults of closing.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] =
    &["CLO-H-001", "CLO-X-001", "CLO-X-002", "CLO-X-003", "CLO-X-004", "CLO-X-005"];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
