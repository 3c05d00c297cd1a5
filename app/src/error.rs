//! What can go wrong with a command, and how it is told.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tubeatlas_domain::{EntityKind, ValidationError};
use tubeatlas_ports::Error as StoreError;

use crate::graphs::GraphError;
use crate::import::ImportError;
use crate::server::TlsError;
use crate::settings::SettingsError;
use crate::transfer::TransferError;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The settings are refused.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database cannot be opened.
    #[error("cannot open the database {database}")]
    Open {
        /// Where it is.
        database: String,
        /// What is in the way.
        source: StoreError,
    },
    /// There is no database yet, and nothing would come of making one.
    #[error("there is no database {0}")]
    NoDatabase(String),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The import did not come to its end.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A catalogue was not moved.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A knowledge graph was not made, or not found in.
    #[error(transparent)]
    Graph(GraphError),
    /// The database is not as it should be.
    #[error("the database did not pass its checks: {}", .0.join("; "))]
    ChecksFailed(Vec<String>),
    /// The service cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The service would be open to others than it should be.
    #[error("the service may not listen on {address} {why}")]
    Exposed {
        /// Where.
        address: SocketAddr,
        /// What is missing, and what could happen.
        why: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The service cannot speak TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A token cannot be made.
    #[error("cannot make a token: {0}")]
    Token(String),
    /// What was asked for cannot be written out.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// A file that was named cannot be read or written.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system refused something that a program needs.
    #[error("cannot {what}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl From<ValidationError> for AppError {
    fn from(error: ValidationError) -> Self {
        Self::Store(StoreError::Invalid(error))
    }
}

impl From<GraphError> for AppError {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::Store(error) => Self::Store(error),
            error => Self::Graph(error),
        }
    }
}

impl AppError {
    /// Whether nobody reads the output any more, which is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// 1 if what was asked for is not there, or not in a state for it; 2 if the command failed.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(
                StoreError::NotFound { .. }
                | StoreError::AlreadyExists { .. }
                | StoreError::StillReferenced { .. }
                | StoreError::Conflict(_),
            )
            | Self::Transfer(TransferError::HoldsOther(_))
            | Self::Graph(
                GraphError::NothingTaken | GraphError::NoEntity { .. } | GraphError::NothingToMerge(_),
            )
            | Self::ChecksFailed(_) => ExitCode::from(1),
            _ => ExitCode::from(2),
        }
    }

    /// What to do about it, if there is something that the error does not say itself.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoDatabase(_) => Some(
                "`tubeatlas import PATH` or `tubeatlas db migrate` makes one; `--database` names one that lies elsewhere",
            ),
            Self::Exposed { advice, .. } => Some(advice),
            Self::Listen { .. } => Some("`--listen 127.0.0.1:0` takes any port that is free"),
            Self::Store(error)
            | Self::Open { source: error, .. }
            | Self::Transfer(TransferError::Store(error)) => store_hint(error),
            Self::Transfer(TransferError::HoldsOther(_)) => {
                Some("name a new database, or let --merge keep what is there and add the rest")
            }
            Self::Transfer(TransferError::Exists(_)) => Some("--force overwrites it"),
            Self::Import(ImportError::Stopped { source, .. }) => store_hint(source),
            _ => None,
        }
    }
}

fn store_hint(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Timeout { waited_for, .. } if waited_for.contains("another process") => {
            Some("another program is writing; try again, or allow more TUBEATLAS_DATABASE_BUSY_TIMEOUT")
        }
        StoreError::Timeout { .. } => {
            Some("try again when there is less to do, or allow more TUBEATLAS_DATABASE_ACQUIRE_TIMEOUT")
        }
        StoreError::ReadOnly { .. } => {
            Some("make the file, its folder, and the files beside it that end in -wal and -shm writable")
        }
        StoreError::NotFound { entity: EntityKind::Channel | EntityKind::ProcessingTask, .. } => {
            Some("the `list` commands show what there is")
        }
        StoreError::NotFound { .. } => {
            Some("the `list` commands show what there is, and with --deleted what was deleted")
        }
        _ => None,
    }
}

/// The error and its causes in one line. A cause that the text before it ends with is not repeated.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_says_everything_once() {
        let source = Some("disk I/O error".into());
        let source = StoreError::Unavailable { message: "the file is gone".into(), source };
        let error = AppError::Open { database: "sqlite://x.db".into(), source };
        assert_eq!(
            chain(&error),
            "cannot open the database sqlite://x.db: the store is not available: the file is gone: disk I/O error"
        );
        let twice = StoreError::Backend { message: "x: y".into(), source: Some("x: y".into()) };
        assert_eq!(chain(&AppError::Store(twice)), "the store failed: x: y");
    }

    #[test]
    fn what_is_not_there_is_1_and_a_failure_is_2() {
        let missing = StoreError::NotFound { entity: EntityKind::Video, key: "x".into() };
        assert_eq!(AppError::Store(missing).exit_code(), ExitCode::from(1));
        assert_eq!(AppError::NoDatabase("x".into()).exit_code(), ExitCode::from(2));
    }
}
