//! The one error type that callers of a store branch on.

use std::error::Error as StdError;
use std::time::Duration;

use tubeatlas_domain::{Entity, EntityKind, TransitionError, ValidationError};

use crate::Revision;

/// What a port answers when it does not do what was asked.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The cause of an error, for people who look for it. Never holds a credential.
pub type Source = Box<dyn StdError + Send + Sync + 'static>;

/// Why a store did not do what was asked.
///
/// Callers branch on the variants; the story behind an error is in its [`source`](StdError::source), and its
/// text never repeats that of the source. No text of an error ever shows a credential.
///
/// # What a variant says about the data
/// After every variant but [`Unavailable`](Self::Unavailable), [`Corrupt`](Self::Corrupt) and
/// [`Backend`](Self::Backend) a single write, or a commit, was not applied. After those three it may have
/// been, wholly: the store could not learn what became of it.
///
/// # What a variant says about a unit of work
/// [`NotFound`](Self::NotFound), [`AlreadyExists`](Self::AlreadyExists),
/// [`MissingReference`](Self::MissingReference), [`StillReferenced`](Self::StillReferenced),
/// [`Invalid`](Self::Invalid), [`ReadOnly`](Self::ReadOnly) and [`Unsupported`](Self::Unsupported) leave it as
/// usable as it was ([`Error::keeps_unit_of_work`]), in every adapter. Any other error ends it: its later
/// calls and its commit fail, and nothing of it is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was to be changed is not there, or hidden because it was deleted.
    #[error("there is no {entity} {key:?}")]
    NotFound {
        /// What it would be.
        entity: EntityKind,
        /// Its id.
        key: String,
    },
    /// What was to be created is there already, perhaps hidden because it was deleted.
    #[error("there is already a {entity} with {field} {value:?}")]
    AlreadyExists {
        /// What it is.
        entity: EntityKind,
        /// Which of its fields must be unique: `id`, or `path` of a media file.
        field: &'static str,
        /// The value that is taken.
        value: String,
    },
    /// What was to be written refers to something that is not there, or hidden because it was deleted.
    #[error("{entity} {key:?} refers to {reference} {reference_key:?}, which does not exist")]
    MissingReference {
        /// What was to be written.
        entity: EntityKind,
        /// Its id.
        key: String,
        /// What it refers to.
        reference: EntityKind,
        /// The id of what it refers to.
        reference_key: String,
    },
    /// What was to be removed is still referred to, perhaps by something deleted.
    #[error("{entity} {key:?} cannot be deleted: a {by} still refers to it")]
    StillReferenced {
        /// What was to be removed.
        entity: EntityKind,
        /// Its id.
        key: String,
        /// What refers to it.
        by: EntityKind,
    },
    /// The request itself is wrong: a bound exceeded, a cursor of another list.
    // No `#[from]`: an adapter that reads a row which the domain refuses has to answer `Corrupt`.
    #[error(transparent)]
    Invalid(ValidationError),
    /// The request does not fit what others did meanwhile.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store cannot be reached at the moment, or must be opened again, or nobody knows what became of the call.
    #[error("the store is not available: {message}")]
    Unavailable {
        /// What happened, and what to do.
        message: String,
        /// The cause, if the store gave one.
        source: Option<Source>,
    },
    /// It was not done within the configured time, and it changed nothing: it waited for a connection or for the
    /// right to write, gave way to other transactions too often, or its statement was stopped and undone. When
    /// the store cannot know that, it answers [`Unavailable`](Self::Unavailable).
    #[error("timed out after {waited_ms} ms waiting for {waited_for}")]
    Timeout {
        /// What was waited for: a connection, the right to write, …
        waited_for: &'static str,
        /// How long, in milliseconds: not shorter than what is configured.
        waited_ms: u64,
    },
    /// The store, or the unit of work, only answers reads.
    #[error("cannot write: {what} is read-only")]
    ReadOnly {
        /// What is read-only.
        what: String,
    },
    /// There is no room left. Nothing of the call, or of the unit of work, was kept, and nothing else is lost; the
    /// same open store works again once there is room. A store that must be opened again first, or that does not
    /// know whether a commit was kept, answers [`Unavailable`](Self::Unavailable).
    #[error("the storage is full; free some space and try again")]
    StorageFull {
        /// The cause, if the store gave one.
        source: Option<Source>,
    },
    /// What the store holds is damaged.
    #[error("the stored data is damaged: {message}")]
    Corrupt {
        /// What is damaged, where, and what to do.
        message: String,
        /// The cause, if the store gave one.
        source: Option<Source>,
    },
    /// The store's schema is not the one that this program needs.
    #[error("the store's schema does not fit: {message}")]
    SchemaMismatch {
        /// What was found, what was expected, and what to do.
        message: String,
    },
    /// The store was closed, or the unit of work has ended (also by its deadline).
    #[error("{what} is closed")]
    Closed {
        /// What is closed, and why if it was not asked for.
        what: String,
    },
    /// The adapter, or a unit of work, declares that it cannot do this.
    #[error("not supported: {what}")]
    Unsupported {
        /// What cannot be done.
        what: &'static str,
    },
    /// The store failed in a way for which there is no better name.
    #[error("the store failed: {message}")]
    Backend {
        /// What was being done.
        message: String,
        /// The cause, if the store gave one.
        source: Option<Source>,
    },
}

/// How a request does not fit what others did meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// Units of work ran into each other, and this one had to give way. Running it again can help.
    #[error("the unit of work conflicts with another one; run it again")]
    Serialization,
    /// It was to be changed only if still at a revision, and it is at another one.
    #[error("{entity} {key:?} is at revision {actual}, not at revision {expected}; read it again")]
    Revision {
        /// What was to be changed.
        entity: EntityKind,
        /// Its id.
        key: String,
        /// The revision that was demanded.
        expected: Revision,
        /// The revision that it is at.
        actual: Revision,
    },
    /// The task's state does not allow the transition, or its lease was lost.
    #[error("processing task {key:?}: {error}")]
    Transition {
        /// The task's id.
        key: String,
        /// Which transition, and why not.
        error: TransitionError,
    },
}

impl Error {
    /// It was not done in this time.
    pub fn timeout(waited_for: &'static str, waited: Duration) -> Self {
        Self::Timeout { waited_for, waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX) }
    }

    /// There is no entity with this id, or it is hidden.
    pub fn not_found<E: Entity>(id: &E::Id) -> Self {
        Self::NotFound { entity: E::KIND, key: id.to_string() }
    }

    /// Another entity has this value in `field`, which must be unique.
    pub fn already_exists<E: Entity>(field: &'static str, value: impl ToString) -> Self {
        Self::AlreadyExists { entity: E::KIND, field, value: value.to_string() }
    }

    /// The entity refers to something that is not there, or hidden.
    pub fn missing_reference<E: Entity>(entity: &E, reference: EntityKind, key: impl ToString) -> Self {
        Self::MissingReference {
            entity: E::KIND,
            key: entity.id().to_string(),
            reference,
            reference_key: key.to_string(),
        }
    }

    /// Whether the same request may succeed when it is made again a little later, without anybody mending
    /// anything: after [`Conflict::Serialization`], [`Unavailable`](Self::Unavailable) and
    /// [`Timeout`](Self::Timeout).
    ///
    /// Whether a retry can do harm is another question; see the type's documentation.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Conflict(Conflict::Serialization) | Self::Unavailable { .. } | Self::Timeout { .. }
        )
    }

    /// Whether a unit of work in which this was answered can go on; see the type's documentation.
    pub fn keeps_unit_of_work(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. }
                | Self::AlreadyExists { .. }
                | Self::MissingReference { .. }
                | Self::StillReferenced { .. }
                | Self::Invalid(_)
                | Self::ReadOnly { .. }
                | Self::Unsupported { .. }
        )
    }

    /// The error and its causes in one line, for a log or a person.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}
