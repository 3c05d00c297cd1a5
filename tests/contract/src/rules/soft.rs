//! What is deleted softly: hidden, restored, purged. The files of the kinds name and number these rules.

use tubeatlas_ports::{Clock, Stored, Upserted, Visibility};

use super::core::{another_revision, increasing};
use super::subject::{Soft, delete_softly};
use crate::check::{already_exists, not_found, revision_conflict, same};
use crate::{Case, Outcome, Violation};

fn first<E: Soft>() -> E {
    E::nth(0)
}

fn id<E: Soft>() -> E::Id {
    first::<E>().id()
}

/// The first one, created.
async fn created<E: Soft>(case: &Case) -> Result<Stored<E>, Violation> {
    Ok(E::writes(case.store()).create(&first()).await?)
}

/// The first one, deleted ten milliseconds later.
async fn deleted<E: Soft>(case: &Case) -> Result<Stored<E>, Violation> {
    created::<E>(case).await?;
    case.clock.move_by_ms(10);
    Ok(delete_softly::<E>(case.store(), &id::<E>()).await?.stored)
}

pub(crate) async fn a_deletion_is_stamped<E: Soft>(case: &Case) -> Outcome {
    let created = created::<E>(case).await?;
    let now = case.clock.move_by_ms(10);
    let deleted = delete_softly::<E>(case.store(), &id::<E>()).await?.stored;
    increasing(&[created.revision, deleted.revision])?;
    same(&format!("the deleted {}", E::KIND), &deleted, &created.deleted(now, deleted.revision))
}

pub(crate) async fn the_id_of_a_deleted_one_is_taken<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    let (writes, id) = (E::writes(case.store()), id::<E>());
    already_exists::<E, _>(writes.create(&first()).await, "id", &id)?;
    already_exists::<E, _>(writes.create_many(&[E::nth(1), first()]).await, "id", &id)?;
    same("what is stored", &writes.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn upsert_leaves_it_deleted<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    let (writes, id) = (E::writes(case.store()), id::<E>());
    for entity in [first(), first::<E>().changed(1), first::<E>().orphan()] {
        same("upsert", &writes.upsert(&entity).await?, &Upserted::LeftDeleted)?;
    }
    let other = E::nth(1);
    let answers = writes.upsert_many(&[first::<E>().changed(1), other.clone()]).await?;
    same("upsert_many, the deleted one", &answers[0], &Upserted::LeftDeleted)?;
    same("upsert_many, the other one", &answers[1].stored().map(|s| &s.entity), &Some(&other))?;
    same("what is stored", &writes.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn a_deleted_one_is_not_found<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    let (writes, id) = (E::writes(case.store()), id::<E>());
    let changed = first::<E>().changed(1);
    for expected in [None, Some(deleted.revision), Some(another_revision(deleted.revision))] {
        not_found::<E, _>(writes.update(&changed, expected).await, &id)?;
        not_found::<E, _>(writes.update(&first(), expected).await, &id)?;
        not_found::<E, _>(writes.delete(&id, expected).await, &id)?;
    }
    not_found::<E, _>(writes.update_many(&[changed]).await, &id)?;
    not_found::<E, _>(writes.delete_many(std::slice::from_ref(&id)).await, &id)?;
    same("what is stored", &writes.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn restore_brings_it_back<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    let (reads, id) = (E::reads(case.store()), id::<E>());
    let now = case.clock.move_by_ms(10);
    let restored = E::restore(case.store(), &id).await?;
    increasing(&[deleted.revision, restored.revision])?;
    same(&format!("the restored {}", E::KIND), &restored, &deleted.restored(now, restored.revision))?;
    same("what is read", &reads.get(&id, Visibility::Live).await?, &Some(restored))?;
    same("no longer deleted", &reads.exists(&id, Visibility::OnlyDeleted).await?, &false)
}

pub(crate) async fn restore_of_a_live_one_writes_nothing<E: Soft>(case: &Case) -> Outcome {
    let created = created::<E>(case).await?;
    case.clock.move_by_ms(10);
    same("restore", &E::restore(case.store(), &id::<E>()).await?, &created)?;
    same("what is stored", &E::reads(case.store()).get(&id::<E>(), Visibility::Live).await?, &Some(created))
}

pub(crate) async fn restore_of_what_is_missing<E: Soft>(case: &Case) -> Outcome {
    not_found::<E, _>(E::restore(case.store(), &E::missing_id()).await, &E::missing_id())
}

pub(crate) async fn deleted_at_follows_the_clock<E: Soft>(case: &Case) -> Outcome {
    let created = created::<E>(case).await?;
    let earlier = case.clock.move_by_ms(-10_000);
    let deleted = delete_softly::<E>(case.store(), &id::<E>()).await?.stored;
    same("deleted_at", &deleted.deleted_at, &Some(earlier))?;
    same("updated_at", &deleted.updated_at, &created.updated_at)?;
    case.clock.move_by_ms(-10_000);
    let restored = E::restore(case.store(), &id::<E>()).await?;
    same("updated_at", &restored.updated_at, &created.updated_at)?;
    increasing(&[created.revision, deleted.revision, restored.revision])?;
    same("the clock of this case", &(case.clock.now() < earlier), &true)
}

pub(crate) async fn purge_removes_it<E: Soft>(case: &Case) -> Outcome {
    deleted::<E>(case).await?;
    let (store, writes) = (case.store(), E::writes(case.store()));
    let live = E::nth(1);
    writes.create(&live).await?;
    for id in [id::<E>(), live.id()] {
        E::purge(store, &id, None).await?;
        same("get", &writes.get(&id, Visibility::WithDeleted).await?, &None)?;
        same("exists", &writes.exists(&id, Visibility::OnlyDeleted).await?, &false)?;
        not_found::<E, _>(E::purge(store, &id, None).await, &id)?;
        not_found::<E, _>(E::restore(store, &id).await, &id)?;
        not_found::<E, _>(writes.delete(&id, None).await, &id)?;
    }
    Ok(())
}

pub(crate) async fn purge_demands_a_revision<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    let (store, reads, id) = (case.store(), E::reads(case.store()), id::<E>());
    let wrong = another_revision(deleted.revision);
    revision_conflict::<E, _>(E::purge(store, &id, Some(wrong)).await, &id, wrong, deleted.revision)?;
    let read = reads.get(&id, Visibility::WithDeleted).await?;
    same("what is stored", &read, &Some(deleted.clone()))?;
    E::purge(store, &id, Some(deleted.revision)).await?;
    same("what is stored", &reads.get(&id, Visibility::WithDeleted).await?, &None)?;
    not_found::<E, _>(E::purge(store, &id, Some(deleted.revision)).await, &id)
}

pub(crate) async fn a_purged_id_is_free_again<E: Soft>(case: &Case) -> Outcome {
    let deleted = deleted::<E>(case).await?;
    E::purge(case.store(), &id::<E>(), None).await?;
    let now = case.clock.move_by_ms(-60_000);
    let again = created::<E>(case).await?;
    increasing(&[deleted.revision, again.revision])?;
    same("created_at", &again.created_at, &now)?;
    same("deleted_at", &again.deleted_at, &None)
}
