//! Faults of what is deleted softly, for each kind that is.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Error, Result, Revision, Stored, Visibility};

use super::lists::Notes;
use super::owned;
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, SoftHook, WriteHook};
use crate::kind::{Kind, SoftKind};

/// The faults of the rules S-001 to S-008, and P-001 to P-003.
pub(super) fn faults<E: SoftKind>() -> Vec<Fault> {
    let rule = E::rule;
    vec![
        Fault::new(
            rule("S-001"),
            "a deletion leaves updated_at as it was",
            &["the deleted ", "updated_at"],
            || Hooks::new().both::<E>(DeletionLeavesUpdatedAt::<E>::default()),
        ),
        Fault::new(
            rule("S-002"),
            "create replaces what is deleted",
            &["AlreadyExists", "field: \"id\"", "observed: Ok(Stored"],
            || Hooks::new().writes::<E>(CreateReplacesADeleted),
        ),
        Fault::new(
            rule("S-003"),
            "an upsert of the same answers Unchanged, be it deleted",
            &["upsert: LeftDeleted", "observed: Unchanged("],
            || Hooks::new().writes::<E>(owned::UpsertOfTheSameDeletedIsUnchanged),
        ),
        Fault::new(
            rule("S-004"),
            "an update to the same succeeds, be it deleted",
            &["NotFound", "observed: Ok(Stored"],
            || Hooks::new().writes::<E>(UpdateOfTheSameDeletedSucceeds),
        ),
        Fault::new(
            rule("S-005"),
            "restore leaves updated_at as it was",
            &["the restored ", "updated_at"],
            || Hooks::new().soft::<E>(RestoreLeavesUpdatedAt),
        ),
        Fault::new(
            rule("S-006"),
            "restore stamps what lives",
            &["restore: Stored", "updated_at", "observed: "],
            || Hooks::new().soft::<E>(RestoreStampsTheLive),
        ),
        Fault::new(
            rule("S-007"),
            "restore of what is missing takes the store for damaged",
            &["NotFound", "observed: Err(Corrupt", "no row was restored"],
            || Hooks::new().soft::<E>(RestoreOfTheMissingIsCorrupt),
        )
        .also(
            rule("P-001"),
            "what was purged is missing, too",
            &["NotFound", "observed: Err(Corrupt", "no row was restored"],
        ),
        Fault::new(
            rule("S-008"),
            "deleted_at is never before updated_at",
            &["deleted_at: Some(Timestamp("],
            || Hooks::new().reads::<E>(DeletedAtDoesNotGoBack),
        ),
        Fault::new(
            rule("P-001"),
            "what was purged goes on to exist among the deleted",
            &["exists: false", "observed: true"],
            || {
                let hook = PurgedStaysAmongTheDeleted::<E>::default();
                Hooks::new().soft::<E>(hook.clone()).reads::<E>(hook)
            },
        ),
        Fault::new(
            rule("P-002"),
            "purge does not look at the revision",
            &["Conflict(Revision", "observed: Ok(())"],
            || Hooks::new().soft::<E>(PurgeIgnoresTheRevision),
        ),
        Fault::new(
            rule("P-003"),
            "what takes the id of something purged takes its created_at as well",
            &["created_at: Timestamp("],
            || {
                let hook = PurgedLeavesItsCreatedAt::<E>::default();
                Hooks::new().soft::<E>(hook.clone()).writes::<E>(hook)
            },
        ),
    ]
}

/// When each of those that were deleted was changed before.
struct DeletionLeavesUpdatedAt<E: Kind>(Notes<E::Id, Timestamp>);

impl<E: Kind> Default for DeletionLeavesUpdatedAt<E> {
    fn default() -> Self {
        Self(Notes::default())
    }
}

#[async_trait]
impl<E: SoftKind> WriteHook<E> for DeletionLeavesUpdatedAt<E> {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let before = at.reads::<E>().get(id, Visibility::Live).await?;
        at.writes::<E>().delete(id, expected).await?;
        if let Some(before) = before {
            self.0.note(id.clone(), before.updated_at);
        }
        Ok(())
    }
}

#[async_trait]
impl<E: SoftKind> ReadHook<E> for DeletionLeavesUpdatedAt<E> {
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let mut stored = at.reads::<E>().get(id, visibility).await?;
        if let Some(stored) = &mut stored
            && stored.deleted_at.is_some()
            && let Some(before) = self.0.of(id)
        {
            stored.updated_at = before;
        }
        Ok(stored)
    }
}

struct CreateReplacesADeleted;

#[async_trait]
impl<E: SoftKind> WriteHook<E> for CreateReplacesADeleted {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        if at.reads::<E>().exists(&entity.id(), Visibility::OnlyDeleted).await? {
            E::purge(at.inner, &entity.id(), None).await?;
        }
        at.writes::<E>().create(entity).await
    }
}

struct UpdateOfTheSameDeletedSucceeds;

#[async_trait]
impl<E: SoftKind> WriteHook<E> for UpdateOfTheSameDeletedSucceeds {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        match at.reads::<E>().get(&entity.id(), Visibility::OnlyDeleted).await? {
            Some(stored) if stored.entity == *entity => Ok(stored),
            _ => at.writes::<E>().update(entity, expected).await,
        }
    }
}

struct RestoreLeavesUpdatedAt;

#[async_trait]
impl<E: SoftKind> SoftHook<E> for RestoreLeavesUpdatedAt {
    async fn restore(&self, at: &At<'_>, id: &E::Id) -> Result<Stored<E>> {
        let before = at.reads::<E>().get(id, Visibility::OnlyDeleted).await?;
        let restored = E::restore(at.inner, id).await?;
        Ok(match before {
            Some(before) => Stored { updated_at: before.updated_at, ..restored },
            None => restored,
        })
    }
}

struct RestoreStampsTheLive;

#[async_trait]
impl<E: SoftKind> SoftHook<E> for RestoreStampsTheLive {
    async fn restore(&self, at: &At<'_>, id: &E::Id) -> Result<Stored<E>> {
        let restored = E::restore(at.inner, id).await?;
        Ok(Stored { updated_at: restored.updated_at.max(at.clock.now()), ..restored })
    }
}

struct RestoreOfTheMissingIsCorrupt;

#[async_trait]
impl<E: SoftKind> SoftHook<E> for RestoreOfTheMissingIsCorrupt {
    async fn restore(&self, at: &At<'_>, id: &E::Id) -> Result<Stored<E>> {
        match E::restore(at.inner, id).await {
            Err(Error::NotFound { .. }) => {
                Err(Error::Corrupt { message: "no row was restored".into(), source: None })
            }
            answer => answer,
        }
    }
}

struct DeletedAtDoesNotGoBack;

#[async_trait]
impl<E: SoftKind> ReadHook<E> for DeletedAtDoesNotGoBack {
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let stored = at.reads::<E>().get(id, visibility).await?;
        Ok(stored.map(|stored| Stored {
            deleted_at: stored.deleted_at.map(|at| at.max(stored.updated_at)),
            ..stored
        }))
    }
}

/// Those that were purged.
struct PurgedStaysAmongTheDeleted<E: Kind>(Arc<Notes<E::Id, ()>>);

impl<E: Kind> Default for PurgedStaysAmongTheDeleted<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E: Kind> Clone for PurgedStaysAmongTheDeleted<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[async_trait]
impl<E: SoftKind> SoftHook<E> for PurgedStaysAmongTheDeleted<E> {
    async fn purge(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        E::purge(at.inner, id, expected).await?;
        self.0.note(id.clone(), ());
        Ok(())
    }
}

#[async_trait]
impl<E: SoftKind> ReadHook<E> for PurgedStaysAmongTheDeleted<E> {
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let purged = visibility == Visibility::OnlyDeleted && self.0.of(id).is_some();
        Ok(purged || at.reads::<E>().exists(id, visibility).await?)
    }
}

struct PurgeIgnoresTheRevision;

#[async_trait]
impl<E: SoftKind> SoftHook<E> for PurgeIgnoresTheRevision {
    async fn purge(&self, at: &At<'_>, id: &E::Id, _: Option<Revision>) -> Result<()> {
        E::purge(at.inner, id, None).await
    }
}

/// When those that were purged had been created.
struct PurgedLeavesItsCreatedAt<E: Kind>(Arc<Notes<E::Id, Timestamp>>);

impl<E: Kind> Default for PurgedLeavesItsCreatedAt<E> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<E: Kind> Clone for PurgedLeavesItsCreatedAt<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[async_trait]
impl<E: SoftKind> SoftHook<E> for PurgedLeavesItsCreatedAt<E> {
    async fn purge(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let stored = at.reads::<E>().get(id, Visibility::WithDeleted).await?;
        E::purge(at.inner, id, expected).await?;
        if let Some(stored) = stored {
            self.0.note(id.clone(), stored.created_at);
        }
        Ok(())
    }
}

#[async_trait]
impl<E: SoftKind> WriteHook<E> for PurgedLeavesItsCreatedAt<E> {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let created = at.writes::<E>().create(entity).await?;
        Ok(Stored { created_at: self.0.of(&entity.id()).unwrap_or(created.created_at), ..created })
    }
}
