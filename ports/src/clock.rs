//! Where time and new ids come from. Nothing else in the workspace asks the system for them.

use tubeatlas_domain::Timestamp;
use uuid::Uuid;

/// The source of the current time.
///
/// It may stand still and it may go back. Revisions and units of work do not depend on it; the leases of tasks
/// and the order of their queue do.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
        let now = std::time::SystemTime::now();
        let micros = match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MAX)
    }
}

/// The source of new ids.
pub trait IdGenerator: Send + Sync {
    /// A UUID that was not given before, by this or any other generator.
    fn new_id(&self) -> Uuid;
}

/// Makes UUIDv7 (RFC 9562): the time first, so that new rows lie beside each other in an index, then chance.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidV7Generator;

impl IdGenerator for UuidV7Generator {
    fn new_id(&self) -> Uuid {
        #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
        Uuid::now_v7()
    }
}
