//! Faults of transactions.

use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &["TRX-T-001", "TRX-T-002", "TRX-T-003", "TRX-T-004", "TRX-T-005"];

pub(super) fn faults() -> Vec<Fault> {
    Vec::new()
}
