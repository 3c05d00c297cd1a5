//! What an error of redb means to the callers of a store.

use std::io::ErrorKind;

use tubeatlas_ports::{Error, Source};

/// An error of redb, met while nothing was being committed: surely nothing was changed.
pub(crate) fn failed(error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Io(error)
            if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
        {
            Error::StorageFull { source: Some(Box::new(error)) }
        }
        error @ redb::Error::Corrupted(_) => {
            corrupt("the file; restore it from a backup".to_owned(), Some(Box::new(error)))
        }
        error @ (redb::Error::Io(_) | redb::Error::PreviousIo) => {
            unavailable("the file cannot be read or written; see to the disk and open the store again", error)
        }
        error @ redb::Error::DatabaseAlreadyOpen => {
            unavailable("another process has the file open; end that one first", error)
        }
        error @ redb::Error::UpgradeRequired(_) => Error::SchemaMismatch {
            message: format!("another version of redb wrote the file ({error}); open it with that version"),
        },
        error => Error::Backend { message: "redb refused".to_owned(), source: Some(Box::new(error)) },
    }
}

/// An error of a commit. Nobody knows whether it reached the disk, so no answer may say that it did not.
pub(crate) fn commit_failed(error: redb::CommitError) -> Error {
    match failed(error) {
        Error::StorageFull { source } => {
            Error::Unavailable { message: "the disk became full during a commit".to_owned(), source }
        }
        error => error,
    }
}

/// What is stored is not what this adapter stores.
pub(crate) fn corrupt(message: String, source: Option<Source>) -> Error {
    Error::Corrupt { message, source }
}

fn unavailable(message: &str, error: redb::Error) -> Error {
    Error::Unavailable { message: message.to_owned(), source: Some(Box::new(error)) }
}
