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

/// What of Postgres' errors has no kind of Diesel's, by texts of its source (the function in brackets).
enum Unnamed {
    Deadlock,
    LockTimeout,
    StatementTimeout,
    Ended,
    Full,
    Damaged,
}

/// The first one that stands in the text.
const UNNAMED: [(&str, Unnamed); 9] = [
    ("deadlock detected", Unnamed::Deadlock),      // DeadLockReport: 40P01
    ("due to lock timeout", Unnamed::LockTimeout), // ProcessInterrupts: 55P03
    ("due to statement timeout", Unnamed::StatementTimeout), // ProcessInterrupts: 57014
    ("terminating connection", Unnamed::Ended),    // ProcessInterrupts: 57P01, 57P05, 25P03
    ("connection to client lost", Unnamed::Ended), // ProcessInterrupts: 08006
    ("the database system is", Unnamed::Ended),    // ProcessStartupPacket: 57P03
    ("No space left on device", Unnamed::Full),    // the system's: 53100
    ("invalid page", Unnamed::Damaged),            // PageIsVerified: XX001
    ("could not read block", Unnamed::Damaged),    // mdread: XX001
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
    let unnamed = || UNNAMED.iter().find(|(sign, _)| text.contains(sign)).map(|(_, what)| what);
    let what = match kind {
        // Uniqueness and references were checked before in the same transaction: then somebody else has written at
        // the same time, and whoever tries again finds that out.
        DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::ExclusionViolation => return Error::Conflict(Conflict::Serialization),
        // The driver's, without a word of the server; and 25006, of a demoted primary.
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::ReadOnlyTransaction => Some(&Unnamed::Ended),
        _ => unnamed(),
    };
    match what {
        Some(Unnamed::Deadlock) => Error::Conflict(Conflict::Serialization),
        // The engine knows how long; see `with_timeouts`.
        Some(Unnamed::LockTimeout) => Error::Timeout { waited_for: LOCK, waited_ms: 0 },
        Some(Unnamed::StatementTimeout) => Error::Timeout { waited_for: STATEMENT, waited_ms: 0 },
        Some(Unnamed::Ended) => {
            let message =
                format!("{doing}: the server has gone away, or takes no writes any more; try again");
            Error::Unavailable { message, source: Some(Box::new(error)) }
        }
        Some(Unnamed::Full) => Error::StorageFull { source: Some(Box::new(error)) },
        Some(Unnamed::Damaged) => {
            let message = format!("{doing}; restore a backup, or ask the server's administrator");
            Error::Corrupt { message, source: Some(Box::new(error)) }
        }
        None => Error::Backend { message: doing.to_owned(), source: Some(Box::new(error)) },
    }
}

/// Whether it says no more than that another statement of the transaction had failed before (25P02, `exec_simple_query`
/// and its like). Where several were sent together, that one may be answered later.
pub(crate) fn is_consequence(error: &Error) -> bool {
    matches!(error, Error::Backend { source: Some(source), .. }
        if source.to_string().contains("current transaction is aborted"))
}

/// Of the answers to statements that were sent together, the first error that is a cause; else the first.
pub(crate) fn all_of(answers: impl IntoIterator<Item = Result<(), Error>>) -> Result<(), Error> {
    let mut consequence = Ok(());
    for answer in answers {
        match answer {
            Err(error) if is_consequence(&error) => consequence = consequence.and(Err(error)),
            answer => answer?,
        }
    }
    consequence
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_statements_sent_together_the_cause_is_told() {
        let backend = |text: &str| Error::Backend { message: "reading".into(), source: Some(text.into()) };
        let consequence = || Err(backend("current transaction is aborted, commands ignored until …"));
        let conflict = || Err(Error::Conflict(Conflict::Serialization));
        assert!(all_of([Ok(()), Ok(())]).is_ok());
        for answers in [vec![consequence(), conflict()], vec![Ok(()), conflict(), consequence()]] {
            assert!(matches!(all_of(answers), Err(Error::Conflict(_))));
        }
        assert!(is_consequence(&all_of([consequence(), Ok(())]).unwrap_err()));
        assert!(!is_consequence(&backend("relation \"videos\" does not exist")));
    }
}
