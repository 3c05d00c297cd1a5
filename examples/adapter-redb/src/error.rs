//! What an error of redb means to the callers of a store.

use tubeatlas_ports::{Error, Source};

/// What an error of redb is called here.
///
/// After any error of the disk, also a full one, redb answers nothing more until the file is opened again. That is
/// less than `StorageFull` promises, so it is `Unavailable`.
pub(crate) fn failed(error: impl Into<redb::Error>) -> Error {
    match error.into() {
        error @ redb::Error::Corrupted(_) => {
            corrupt("the file; restore it from a backup".to_owned(), Some(Box::new(error)))
        }
        error @ (redb::Error::Io(_) | redb::Error::PreviousIo) => {
            unavailable("the file cannot be read or written; see to the disk and open the store again", error)
        }
        error @ redb::Error::DatabaseAlreadyOpen => {
            unavailable("somebody else has the file open; end that first", error)
        }
        error @ redb::Error::UpgradeRequired(_) => Error::SchemaMismatch {
            message: format!("another version of redb wrote the file ({error}); open it with that version"),
        },
        error => Error::Backend { message: "redb refused".to_owned(), source: Some(Box::new(error)) },
    }
}

/// What is stored is not what this adapter stores.
pub(crate) fn corrupt(message: String, source: Option<Source>) -> Error {
    Error::Corrupt { message, source }
}

fn unavailable(message: &str, error: redb::Error) -> Error {
    Error::Unavailable { message: message.to_owned(), source: Some(Box::new(error)) }
}
