//! What a store adds to an entity.

use std::fmt;

use serde::{Deserialize, Serialize};
use tubeatlas_domain::{Entity, MAX_NUMBER, Problem, Timestamp, ValidationError};

use crate::{Catalogued, Conflict, Error, Result};

/// The number of a change. They come from one sequence for the whole store:
/// - no two changes share a revision;
/// - each change of an entity, also one that takes its id again after a purge, has a larger one than all
///   earlier changes under that id;
/// - of two writes, one of which was acknowledged before the other began, the later has the larger one.
///
/// All this also when the clock stands still or goes back. There may be gaps, and writes that overlap in time
/// may commit in another order than that of their revisions. A revision that was answered inside a unit of
/// work means nothing unless the unit commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Revision(u64);

impl Revision {
    /// The revision with this number, which is from 1 to [`MAX_NUMBER`].
    ///
    /// # Errors
    /// If it is not.
    pub fn new(number: u64) -> Result<Self, ValidationError> {
        if (1..=MAX_NUMBER).contains(&number) {
            return Ok(Self(number));
        }
        let problem = Problem::OutOfRange { min: 1, max: i64::MAX, actual: number.to_string() };
        Err(ValidationError::new("revision", problem))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Revision {
    type Error = ValidationError;

    fn try_from(number: u64) -> Result<Self, ValidationError> {
        Self::new(number)
    }
}

impl From<Revision> for u64 {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something stored, and what the store knows about it.
///
/// Its JSON form is the entity's with four fields more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<E> {
    /// What was stored. "Unchanged" compares this alone.
    #[serde(flatten)]
    pub entity: E,
    /// When it was created, by the store's clock.
    pub created_at: Timestamp,
    /// When it was last changed, by the store's clock; never before `created_at`, and never going back.
    pub updated_at: Timestamp,
    /// The number of its last change.
    pub revision: Revision,
    /// When it was deleted; only videos and playlists are soft-deleted, so `None` for everything else.
    pub deleted_at: Option<Timestamp>,
}

impl<E> Stored<E> {
    /// Something created at `now`.
    pub fn created(entity: E, now: Timestamp, revision: Revision) -> Self {
        Self { entity, created_at: now, updated_at: now, revision, deleted_at: None }
    }

    /// The same thing changed to `entity` at `now`. A clock that went back does not take `updated_at` back.
    #[must_use]
    pub fn changed<F>(&self, entity: F, now: Timestamp, revision: Revision) -> Stored<F> {
        Stored {
            entity,
            created_at: self.created_at,
            updated_at: self.updated_at.max(now),
            revision,
            deleted_at: self.deleted_at,
        }
    }

    /// The same thing, softly deleted at `now`.
    #[must_use]
    pub fn deleted(&self, now: Timestamp, revision: Revision) -> Self
    where
        E: Clone,
    {
        Self { deleted_at: Some(now), ..self.changed(self.entity.clone(), now, revision) }
    }

    /// The same thing, no longer deleted, at `now`.
    #[must_use]
    pub fn restored(&self, now: Timestamp, revision: Revision) -> Self
    where
        E: Clone,
    {
        Self { deleted_at: None, ..self.changed(self.entity.clone(), now, revision) }
    }
}

impl<E> Stored<E> {
    /// What was stored seen through `view`, with everything else as it is.
    pub fn map<F>(self, view: impl FnOnce(E) -> F) -> Stored<F> {
        Stored {
            entity: view(self.entity),
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision,
            deleted_at: self.deleted_at,
        }
    }
}

impl<E: Entity> Stored<E> {
    /// That it is still at the revision that is demanded, if one is.
    ///
    /// # Errors
    /// [`Conflict::Revision`] if it is at another one.
    pub fn check_revision(&self, expected: Option<Revision>) -> Result<()> {
        match expected {
            Some(expected) if expected != self.revision => Err(Error::Conflict(Conflict::Revision {
                entity: E::KIND,
                key: self.entity.id().to_string(),
                expected,
                actual: self.revision,
            })),
            _ => Ok(()),
        }
    }
}

impl<E: Catalogued> Stored<E> {
    /// What a list shows of it.
    pub fn listed(&self) -> Stored<E::Listed> {
        Stored {
            entity: self.entity.listed(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            revision: self.revision,
            deleted_at: self.deleted_at,
        }
    }
}

impl<E> std::ops::Deref for Stored<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.entity
    }
}

/// Whether a read sees what is deleted: playlists, videos, and the transcripts, graphs and files of deleted
/// videos. Channels, tasks, source files and the graphs of channels are never deleted softly: for them the
/// first two mean the same, and the third shows nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only what is not deleted.
    #[default]
    Live,
    /// Everything.
    WithDeleted,
    /// Only what is deleted.
    OnlyDeleted,
}

impl Visibility {
    /// Whether something is seen that is, or whose video is, deleted (`Some`) or not (`None`).
    pub fn shows(self, deleted_at: Option<Timestamp>) -> bool {
        match self {
            Self::Live => deleted_at.is_none(),
            Self::WithDeleted => true,
            Self::OnlyDeleted => deleted_at.is_some(),
        }
    }
}

/// What became of an upsert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upserted<E> {
    /// It was not there and was created.
    Created(Stored<E>),
    /// It was there and differed, and was changed.
    Updated(Stored<E>),
    /// It was there and equal; nothing was written, revision and times are the old ones.
    Unchanged(Stored<E>),
    /// It, or the video it belongs to, is deleted; nothing was written, and it stays deleted.
    LeftDeleted,
}

impl<E> Upserted<E> {
    /// What is stored now, unless it was left deleted.
    pub fn stored(&self) -> Option<&Stored<E>> {
        match self {
            Self::Created(stored) | Self::Updated(stored) | Self::Unchanged(stored) => Some(stored),
            Self::LeftDeleted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_does_not_take_updated_at_back() {
        let at = |micros| Timestamp::from_unix_micros(micros).unwrap();
        let created = Stored::created("a", at(10), Revision::new(1).unwrap());
        let changed = created.changed("b", at(5), Revision::new(2).unwrap());
        assert_eq!((changed.created_at, changed.updated_at), (at(10), at(10)));
        assert_eq!(changed.changed("c", at(11), Revision::new(3).unwrap()).updated_at, at(11));
    }

    #[test]
    fn a_revision_fits_a_signed_column() {
        assert!(Revision::new(0).is_err() && Revision::new(u64::MAX).is_err());
        assert_eq!(Revision::new(MAX_NUMBER).unwrap().get(), MAX_NUMBER);
    }

    #[test]
    fn a_revision_is_checked_when_it_is_read_too() {
        let read = serde_json::from_str::<Revision>;
        assert_eq!(read("17").unwrap(), Revision::new(17).unwrap());
        assert_eq!(serde_json::to_string(&Revision::new(17).unwrap()).unwrap(), "17");
        for number in ["0", "9223372036854775808"] {
            assert!(read(number).unwrap_err().to_string().contains("revision"), "{number}");
        }
    }
}
