//! Diesel's and Postgres' errors as the port's.
//!
//! Diesel has kinds for a few of Postgres' error codes, and gives the texts of the others without their codes. Those
//! that callers branch on are recognised by these texts, which is why each connection asks for English ones
//! (`lc_messages`, see `pool.rs`).

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tubeatlas_ports::{Conflict, Error};

/// What a call waits for that ran into a lock.
pub(crate) const LOCK: &str = "another transaction, which holds what it needs";

const STATEMENT: &str = "the server to run a statement";

/// Texts of Postgres (its source, the function in brackets), and of its driver, for a connection that has ended.
const CONNECTION_ENDED: [&str; 7] = [
    "terminating connection",              // ProcessInterrupts: 57P01, 57P05, 25P03
    "the database system is",              // ProcessStartupPacket: 57P03
    "connection closed",                   // the driver's
    "error communicating with the server", // the driver's
    "server closed the connection",        // libpq's, through poolers
    "cannot execute", // PreventCommandIfReadOnly, PreventCommandDuringRecovery: 25006, a demoted primary
    "connection to client lost",
];

/// What a statement's failure means. `doing` says what was tried.
pub(crate) fn from_diesel(doing: &str, error: DieselError) -> Error {
    let (kind, text) = match &error {
        DieselError::DatabaseError(kind, info) => (kind, info.message()),
        DieselError::DeserializationError(cause) => {
            let message = format!("{doing}: a column holds what it should not: {cause}");
            return Error::Corrupt { message, source: Some(Box::new(error)) };
        }
        _ => return Error::Backend { message: doing.to_owned(), source: Some(Box::new(error)) },
    };
    let gave_way = match kind {
        DatabaseErrorKind::SerializationFailure => true,
        // Uniqueness and references were checked before in the same transaction: then somebody else has written at
        // the same time, and whoever tries again finds that out.
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::ExclusionViolation => true,
        _ => text.contains("deadlock detected"),
    };
    if gave_way {
        return Error::Conflict(Conflict::Serialization);
    }
    // The engine knows how long; see `with_timeouts`.
    if text.contains("due to lock timeout") {
        return Error::Timeout { waited_for: LOCK, waited_ms: 0 };
    }
    if text.contains("due to statement timeout") {
        return Error::Timeout { waited_for: STATEMENT, waited_ms: 0 };
    }
    let ended = matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand)
        || matches!(kind, DatabaseErrorKind::ReadOnlyTransaction)
        || CONNECTION_ENDED.iter().any(|sign| text.contains(sign));
    if ended {
        let message = format!("{doing}: the server has gone away, or takes no writes any more; try again");
        return Error::Unavailable { message, source: Some(Box::new(error)) };
    }
    if text.contains("No space left on device") || text.contains("disk full") {
        return Error::StorageFull { source: Some(Box::new(error)) };
    }
    if text.contains("invalid page") || text.contains("could not read block") {
        let message = format!("{doing}; restore a backup, or ask the server's administrator");
        return Error::Corrupt { message, source: Some(Box::new(error)) };
    }
    Error::Backend { message: doing.to_owned(), source: Some(Box::new(error)) }
}

/// Says how long was waited, where that is what an error is about.
pub(crate) fn with_timeouts(error: Error, lock: Duration, statement: Duration) -> Error {
    match error {
        Error::Timeout { waited_for: LOCK, .. } => timeout(LOCK, lock),
        Error::Timeout { waited_for: STATEMENT, .. } => timeout(STATEMENT, statement),
        error => error,
    }
}

pub(crate) fn timeout(waited_for: &'static str, waited: Duration) -> Error {
    Error::Timeout { waited_for, waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX) }
}

/// Whether it is what Postgres answers to a transaction that has to give way.
pub(crate) fn gave_way(error: &Error) -> bool {
    matches!(error, Error::Conflict(Conflict::Serialization))
}

/// A row that no write of ours can have made.
pub(crate) fn corrupt(table: &str, key: &dyn std::fmt::Display, problem: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { message: format!("table {table}, row {key}: {problem}"), source: None }
}

/// Turns Diesel's results into the port's, with a word on what was tried.
pub(crate) trait Context<T> {
    fn doing(self, what: &str) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, DieselError> {
    fn doing(self, what: &str) -> Result<T, Error> {
        self.map_err(|error| from_diesel(what, error))
    }
}
