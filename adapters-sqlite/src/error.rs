//! Diesel's and SQLite's errors as the port's.
//!
//! Diesel has no kinds for most of SQLite's result codes, only their texts; those that callers branch on are
//! recognised by these (`sqlite3ErrStr` in SQLite's source).

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tubeatlas_ports::{Error, Source};

/// What SQLite says of a file that does not begin as its files do.
pub(crate) const NOT_A_DATABASE: &str = "file is not a database";

const LOCK: &str = "another process that holds the database's lock";

/// Says how long SQLite waited for the lock, where that is what an error is about.
pub(crate) fn with_busy_timeout(error: Error, busy_timeout: Duration) -> Error {
    match error {
        Error::Timeout { waited_for: LOCK, .. } => Error::timeout(LOCK, busy_timeout),
        error => error,
    }
}

/// What a statement's failure means. `doing` says what was tried.
pub(crate) fn from_diesel(doing: &str, error: DieselError) -> Error {
    let text = match &error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => String::new(),
        DieselError::DatabaseError(_, info) => info.message().to_owned(),
        DieselError::DeserializationError(cause) => {
            let message = format!("{doing}: a column holds what it should not: {cause}");
            return Error::Corrupt { message, source: Some(Box::new(error)) };
        }
        _ => String::new(),
    };
    from_text(doing, &text, Box::new(error))
}

/// What the failure of a migration means: Diesel hands on SQLite's text alone.
pub(crate) fn from_migration(doing: &str, error: Source) -> Error {
    let text = error.to_string();
    from_text(&format!("migrating the schema: {doing}"), &text, error)
}

fn from_text(doing: &str, text: &str, error: Source) -> Error {
    let message = || doing.to_owned();
    if text.contains("database is locked") || text.contains("database table is locked") {
        Error::Timeout { waited_for: LOCK, waited_ms: 0 } // the connection knows; see `with_busy_timeout`
    } else if text.contains("database or disk is full") {
        Error::StorageFull { source: Some(error) }
    } else if text.contains("readonly database") {
        Error::ReadOnly { what: "the database file, or its folder,".to_owned() }
    } else if ["malformed", "corruption found", NOT_A_DATABASE].iter().any(|sign| text.contains(sign)) {
        let message = format!("{doing}; restore a backup, or look at the file with `db check`");
        Error::Corrupt { message, source: Some(error) }
    } else if UNREACHABLE.iter().any(|sign| text.contains(sign)) {
        Error::Unavailable { message: message(), source: Some(error) }
    } else {
        Error::Backend { message: message(), source: Some(error) }
    }
}

/// What SQLite says when the disk does not do what it should. Of a virtual table (the full-text index) it only says
/// that it could not be opened, whatever the reason; that is tried again by the next statement that needs it.
const UNREACHABLE: [&str; 3] = ["disk I/O error", "unable to open", "vtable constructor failed"];

/// Whether the connection may be what is wrong, or may hold what is wrong in memory, so that it must not be used on.
///
/// After an error of the disk in the midst of a statement, SQLite's full-text index can take its totals for zero, and
/// would write them so with the next commit (`fts5StorageLoadTotals` in SQLite 3.53 notes them as valid before it
/// looks whether they could be read).
pub(crate) fn taints_connection(error: &Error) -> bool {
    matches!(
        error,
        Error::Unavailable { .. }
            | Error::Corrupt { .. }
            | Error::Backend { .. }
            | Error::StorageFull { .. }
            | Error::ReadOnly { .. } // it was opened read-only, and the file's permissions may have changed since
    )
}

/// The error that the other members of a shared commit get when it failed with `error`, which cannot be
/// cloned.
pub(crate) fn shared(error: &Error) -> Error {
    match error {
        Error::StorageFull { .. } => Error::StorageFull { source: None },
        Error::ReadOnly { what } => Error::ReadOnly { what: what.clone() },
        Error::Timeout { waited_for, waited_ms } => Error::Timeout { waited_for, waited_ms: *waited_ms },
        Error::Corrupt { .. } => Error::Corrupt { message: error.chain(), source: None },
        Error::Backend { .. } => Error::Backend { message: error.chain(), source: None },
        Error::Unavailable { message, source } => {
            let cause = source.as_ref().map(|source| format!(": {source}")).unwrap_or_default();
            Error::Unavailable { message: format!("{message}{cause}"), source: None }
        }
        other => Error::Unavailable { message: other.chain(), source: None },
    }
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
