//! Rules that hold for every kind of entity whose state is free. The files of the kinds name and number them.

use tubeatlas_domain::Entity;
use tubeatlas_ports::{Clock, MAX_BATCH, Repositories, Revision, Upserted, Visibility};

use super::subject::{Subject, VISIBILITIES, Written};
use crate::check::{already_exists, holds, invalid, not_found, revision_conflict, same, some};
use crate::{Case, Outcome};

/// Names and numbers rules of [`core`](self) and [`lists`](super::lists) for one kind of entity.
macro_rules! rules_of {
    ($entity:ty: $($(#[$doc:meta])* $name:ident = $module:ident::$rule:ident;)*) => {
        $(
            $(#[$doc])*
            pub(crate) async fn $name(case: &$crate::Case) -> $crate::Outcome {
                super::$module::$rule::<$entity>(case).await
            }
        )*
    };
}
pub(crate) use rules_of;

/// The revision after all others: one that nothing is at.
pub(crate) fn another_revision(of: Revision) -> Revision {
    Revision::new(of.get() + 1_000).unwrap_or(of)
}

/// That nothing of these was stored.
async fn none_is_there<E: Written>(from: &dyn Repositories, ids: &[E::Id]) -> Outcome {
    for id in ids {
        let found = E::reads(from).get(id, Visibility::WithDeleted).await?;
        holds(&format!("nothing is stored under {id}"), found.is_none(), &found)?;
    }
    Ok(())
}

fn ids<E: Entity>(entities: &[E]) -> Vec<E::Id> {
    entities.iter().map(E::id).collect()
}

// Reading

pub(crate) async fn fields_survive<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    for entity in E::shapes() {
        let created = E::writes(case.store()).create(&entity).await?;
        same("the entity that create answers", &created.entity, &entity)?;
        let read =
            some("what was created", E::reads(case.store()).get(&entity.id(), Visibility::Live).await?)?;
        same("the entity that is read back", &read.entity, &entity)?;
        same("what get answers is what create answered", &read, &created)?;
    }
    Ok(())
}

pub(crate) async fn updates_survive<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    for entity in E::shapes() {
        E::writes(case.store()).create(&entity.changed(1)).await?;
        let updated = E::writes(case.store()).update(&entity, None).await?;
        let read =
            some("what was updated", E::reads(case.store()).get(&entity.id(), Visibility::Live).await?)?;
        same("the entity that is read back", &read.entity, &entity)?;
        same("what get answers is what update answered", &read, &updated)?;
    }
    Ok(())
}

pub(crate) async fn look_alikes_differ<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let alike = E::alike();
    for entity in &alike {
        E::writes(case.store()).create(entity).await?;
    }
    for entity in &alike {
        let read = some("each", E::reads(case.store()).get(&entity.id(), Visibility::Live).await?)?;
        same("the entity with exactly this id", &read.entity, entity)?;
    }
    same("their number", &E::reads(case.store()).count(&E::Filter::default()).await?, &(alike.len() as u64))
}

pub(crate) async fn get_many_keeps_places<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    // Each in another order, all twice, with gaps.
    let mut wanted: Vec<_> = rows.iter().rev().chain(&rows).map(|row| row.stored.entity.id()).collect();
    wanted.insert(0, E::missing_id());
    wanted.insert(3, E::missing_id());
    for visibility in VISIBILITIES {
        let expected: Vec<_> = wanted
            .iter()
            .map(|id| rows.iter().find(|row| row.stored.entity.id() == *id && row.shown(visibility)))
            .map(|row| row.map(|row| row.stored.clone()))
            .collect();
        let read = E::reads(case.store()).get_many(&wanted, visibility).await?;
        same(&format!("get_many with {visibility:?}"), &read, &expected)?;
    }
    same("get_many of nothing", &E::reads(case.store()).get_many(&[], Visibility::Live).await?, &vec![])
}

pub(crate) async fn get_and_exists_agree<E: Subject>(case: &Case) -> Outcome {
    let rows = E::catalogue(case).await?;
    let reads = E::reads(case.store());
    for visibility in VISIBILITIES {
        for row in &rows {
            let id = row.stored.entity.id();
            let expected = row.shown(visibility).then(|| row.stored.clone());
            same(&format!("get of {id} with {visibility:?}"), &reads.get(&id, visibility).await?, &expected)?;
            let exists = reads.exists(&id, visibility).await?;
            same(&format!("exists of {id} with {visibility:?}"), &exists, &expected.is_some())?;
        }
        same("get of what is missing", &reads.get(&E::missing_id(), visibility).await?, &None)?;
        same("exists of what is missing", &reads.exists(&E::missing_id(), visibility).await?, &false)?;
    }
    Ok(())
}

pub(crate) async fn get_many_is_bounded<E: Subject>(case: &Case) -> Outcome {
    let mut wanted = vec![E::missing_id(); MAX_BATCH];
    let read = E::reads(case.store()).get_many(&wanted, Visibility::Live).await?;
    same("the answers to as many ids as are allowed", &read.len(), &MAX_BATCH)?;
    wanted.push(E::missing_id());
    invalid(E::reads(case.store()).get_many(&wanted, Visibility::Live).await, "batch")
}

// Creating

pub(crate) async fn create_stamps<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let now = case.clock.move_by_ms(1_234);
    let created = E::writes(case.store()).create(&E::nth(0)).await?;
    same("created_at, by the store's clock", &created.created_at, &now)?;
    same("updated_at, by the store's clock", &created.updated_at, &now)?;
    same("deleted_at", &created.deleted_at, &None)
}

pub(crate) async fn create_of_what_is_there<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let created = E::writes(case.store()).create(&E::nth(0)).await?;
    let id = created.entity.id();
    for again in [E::nth(0), E::nth(0).changed(1)] {
        already_exists::<E, _>(E::writes(case.store()).create(&again).await, "id", &id)?;
    }
    let read = E::reads(case.store()).get(&id, Visibility::Live).await?;
    same("what is stored is as it was", &read, &Some(created))
}

pub(crate) async fn create_many_creates_each<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let entities: Vec<_> = [3, 1, 2].map(E::nth).to_vec();
    let created = E::writes(case.store()).create_many(&entities).await?;
    same("the answers stand in the order of the items", &ids_of(&created), &ids(&entities))?;
    increasing(&created.iter().map(|stored| stored.revision).collect::<Vec<_>>())?;
    let read = E::reads(case.store()).get_many(&ids(&entities), Visibility::Live).await?;
    same("what was created", &read, &created.into_iter().map(Some).collect::<Vec<_>>())?;
    same("create_many of nothing", &E::writes(case.store()).create_many(&[]).await?, &vec![])
}

fn ids_of<E: Entity>(stored: &[tubeatlas_ports::Stored<E>]) -> Vec<E::Id> {
    stored.iter().map(|stored| stored.entity.id()).collect()
}

pub(crate) fn increasing(revisions: &[Revision]) -> Outcome {
    holds("revisions that increase from one to the next", revisions.is_sorted_by(|a, b| a < b), &revisions)
}

pub(crate) async fn create_many_is_all_or_nothing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    E::writes(case.store()).create(&E::nth(2)).await?;
    let entities = [0, 1, 2, 3, 0].map(E::nth);
    let result = E::writes(case.store()).create_many(&entities).await;
    already_exists::<E, _>(result, "id", &E::nth(2).id())?;
    none_is_there::<E>(case.store(), &ids(&[E::nth(0), E::nth(1), E::nth(3)])).await?;
    let twice = [0, 1, 0].map(E::nth);
    let result = E::writes(case.store()).create_many(&twice).await;
    already_exists::<E, _>(result, "id", &E::nth(0).id())?;
    none_is_there::<E>(case.store(), &ids(&twice)).await
}

fn one_too_many<E: Written>() -> Vec<E> {
    (0..=MAX_BATCH).zip(0..).map(|(_, n)| E::nth(n)).collect()
}

pub(crate) async fn batches_are_bounded<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let entities = one_too_many::<E>();
    invalid(writes.create_many(&entities).await, "batch")?;
    invalid(writes.update_many(&entities).await, "batch")?;
    invalid(writes.upsert_many(&entities).await, "batch")?;
    invalid(writes.delete_many(&ids(&entities)).await, "batch")?;
    same("their number", &writes.count(&E::Filter::default()).await?, &0)?;
    let created = writes.create_many(&entities[1..]).await?;
    same("as many as are allowed are created", &created.len(), &MAX_BATCH)?;
    same(
        "as many as are allowed are unchanged",
        &writes.upsert_many(&entities[1..]).await?.len(),
        &MAX_BATCH,
    )?;
    writes.delete_many(&ids(&entities[1..])).await?;
    same("their number after the deletion", &writes.count(&E::Filter::default()).await?, &0)
}

// Changing

pub(crate) async fn update_changes<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let other = E::writes(case.store()).create(&E::nth(1)).await?;
    let created = E::writes(case.store()).create(&E::nth(0)).await?;
    let now = case.clock.move_by_ms(10);
    let updated = E::writes(case.store()).update(&E::nth(0).changed(1), None).await?;
    same("the entity", &updated.entity, &E::nth(0).changed(1))?;
    same("created_at stays", &updated.created_at, &created.created_at)?;
    same("updated_at", &updated.updated_at, &now)?;
    increasing(&[created.revision, updated.revision])?;
    let read = E::reads(case.store()).get_many(&ids(&[E::nth(0), E::nth(1)]), Visibility::Live).await?;
    same("what is read, and nothing else has changed", &read, &vec![Some(updated), Some(other)])
}

pub(crate) async fn equal_update_writes_nothing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    for entity in E::shapes() {
        let created = E::writes(case.store()).create(&entity).await?;
        case.clock.move_by_ms(10);
        for expected in [None, Some(created.revision)] {
            let updated = E::writes(case.store()).update(&entity, expected).await?;
            same("the answer to an update that changes nothing", &updated, &created)?;
        }
        let read = E::reads(case.store()).get(&entity.id(), Visibility::Live).await?;
        same("what is stored", &read, &Some(created))?;
    }
    Ok(())
}

pub(crate) async fn update_of_what_is_missing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let there = E::writes(case.store()).create(&E::nth(1)).await?;
    let id = E::nth(0).id();
    for expected in [None, Some(there.revision)] {
        not_found::<E, _>(E::writes(case.store()).update(&E::nth(0), expected).await, &id)?;
    }
    none_is_there::<E>(case.store(), &[id]).await
}

pub(crate) async fn update_demands_a_revision<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let first = writes.create(&E::nth(0)).await?;
    let second = writes.update(&E::nth(0).changed(1), Some(first.revision)).await?;
    let id = E::nth(0).id();
    for entity in [E::nth(0).changed(2), E::nth(0).changed(1)] {
        for wrong in [first.revision, another_revision(second.revision)] {
            let result = writes.update(&entity, Some(wrong)).await;
            revision_conflict::<E, _>(result, &id, wrong, second.revision)?;
        }
    }
    same("what is stored", &writes.get(&id, Visibility::Live).await?, &Some(second.clone()))?;
    let third = writes.update(&E::nth(0).changed(2), Some(second.revision)).await?;
    same("the entity", &third.entity, &E::nth(0).changed(2))
}

pub(crate) async fn update_many_is_all_or_nothing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let created = writes.create_many(&[E::nth(0), E::nth(1)]).await?;
    let result =
        writes.update_many(&[E::nth(0).changed(1), E::nth(7), E::nth(1).changed(1), E::nth(8)]).await;
    not_found::<E, _>(result, &E::nth(7).id())?;
    let all = ids(&[E::nth(0), E::nth(1)]);
    let read = writes.get_many(&all, Visibility::Live).await?;
    same("what is stored is as it was", &read, &created.iter().cloned().map(Some).collect::<Vec<_>>())?;
    none_is_there::<E>(case.store(), &ids(&[E::nth(7), E::nth(8)])).await?;

    let items = [E::nth(1).changed(1), E::nth(0), E::nth(1).changed(2), E::nth(1).changed(2)];
    let updated = writes.update_many(&items).await?;
    same("the answers", &updated.iter().map(|s| s.entity.clone()).collect::<Vec<_>>(), &items.to_vec())?;
    increasing(&[created[1].revision, updated[0].revision, updated[2].revision])?;
    same("an item that changes nothing", &updated[1], &created[0])?;
    same("an item that equals the one before it", &updated[3], &updated[2])?;
    let read = writes.get_many(&all, Visibility::Live).await?;
    same("what is stored", &read, &vec![Some(created[0].clone()), Some(updated[2].clone())])
}

pub(crate) async fn upsert_says_what_it_did<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let now = case.clock.move_by_ms(5);
    let Upserted::Created(created) = writes.upsert(&E::nth(0)).await? else {
        return holds("an upsert of something new answers Created", false, &"another answer");
    };
    same("the entity created", &created.entity, &E::nth(0))?;
    same("created_at and updated_at", &(created.created_at, created.updated_at), &(now, now))?;
    let later = case.clock.move_by_ms(5);
    let unchanged = writes.upsert(&E::nth(0)).await?;
    same("an upsert of the same", &unchanged, &Upserted::Unchanged(created.clone()))?;
    let answer = writes.upsert(&E::nth(0).changed(1)).await?;
    let Upserted::Updated(updated) = answer else {
        return holds("an upsert of something that differs answers Updated", false, &answer);
    };
    same("the entity updated", &updated.entity, &E::nth(0).changed(1))?;
    same("created_at and updated_at", &(updated.created_at, updated.updated_at), &(now, later))?;
    increasing(&[created.revision, updated.revision])?;
    same("what is stored", &writes.get(&E::nth(0).id(), Visibility::Live).await?, &Some(updated))
}

pub(crate) async fn upsert_many_sees_earlier_items<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let there = writes.create(&E::nth(5)).await?;
    let items = [E::nth(1), E::nth(5), E::nth(1), E::nth(1).changed(1), E::nth(5).changed(1)];
    let answers = writes.upsert_many(&items).await?;
    let [
        Upserted::Created(created),
        Upserted::Unchanged(unchanged),
        Upserted::Unchanged(same_again),
        Upserted::Updated(updated),
        Upserted::Updated(other),
    ] = &answers[..]
    else {
        return holds("Created, Unchanged, Unchanged, Updated, Updated", false, &answers);
    };
    same("what was there before", unchanged, &there)?;
    same("what the first item created", same_again, created)?;
    increasing(&[there.revision, created.revision, updated.revision, other.revision])?;
    let read = writes.get_many(&ids(&[E::nth(1), E::nth(5)]), Visibility::Live).await?;
    same("what is stored", &read, &vec![Some(updated.clone()), Some(other.clone())])
}

// Deleting

pub(crate) async fn deleted_is_gone<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let kept = writes.create(&E::nth(1)).await?;
    writes.create(&E::nth(0)).await?;
    let id = E::nth(0).id();
    writes.delete(&id, None).await?;
    same("get", &writes.get(&id, Visibility::Live).await?, &None)?;
    same("exists", &writes.exists(&id, Visibility::Live).await?, &false)?;
    same("count", &writes.count(&E::Filter::default()).await?, &1)?;
    let read = writes.get_many(&ids(&[E::nth(0), E::nth(1)]), Visibility::Live).await?;
    same("get_many", &read, &vec![None, Some(kept)])?;
    not_found::<E, _>(writes.delete(&id, None).await, &id)?;
    not_found::<E, _>(writes.update(&E::nth(0).changed(1), None).await, &id)
}

pub(crate) async fn hard_delete_leaves_nothing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let first = writes.create(&E::nth(0)).await?;
    writes.delete(&E::nth(0).id(), None).await?;
    none_is_there::<E>(case.store(), &[E::nth(0).id()]).await?;
    let again = writes.create(&E::nth(0).changed(1)).await?;
    same("the entity created again", &again.entity, &E::nth(0).changed(1))?;
    increasing(&[first.revision, again.revision])
}

pub(crate) async fn delete_demands_a_revision<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let first = writes.create(&E::nth(0)).await?;
    let second = writes.update(&E::nth(0).changed(1), None).await?;
    let id = E::nth(0).id();
    for wrong in [first.revision, another_revision(second.revision)] {
        let result = writes.delete(&id, Some(wrong)).await;
        revision_conflict::<E, _>(result, &id, wrong, second.revision)?;
    }
    same("what is stored", &writes.get(&id, Visibility::Live).await?, &Some(second.clone()))?;
    writes.delete(&id, Some(second.revision)).await?;
    same("what is stored", &writes.get(&id, Visibility::Live).await?, &None)?;
    not_found::<E, _>(writes.delete(&id, Some(second.revision)).await, &id)
}

pub(crate) async fn delete_many_is_all_or_nothing<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let entities = [0, 1, 2].map(E::nth);
    let created: Vec<_> = writes.create_many(&entities).await?.into_iter().map(Some).collect();
    let all = ids(&entities);
    for (wrong, missing) in [(E::nth(9).id(), E::nth(9).id()), (all[0].clone(), all[0].clone())] {
        let result = writes.delete_many(&[all[0].clone(), all[1].clone(), wrong]).await;
        not_found::<E, _>(result, &missing)?;
        same("what is stored", &writes.get_many(&all, Visibility::Live).await?, &created)?;
    }
    writes.delete_many(&all[..2]).await?;
    let read = writes.get_many(&all, Visibility::Live).await?;
    same("what is left", &read, &vec![None, None, created[2].clone()])
}

// Revisions and times

pub(crate) async fn revisions_do_not_need_the_clock<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let mut revisions = vec![writes.create(&E::nth(0)).await?.revision];
    for n in 1..6 {
        // Stands still twice, then goes back.
        case.clock.move_by_ms(if n > 2 { -1_000 } else { 0 });
        revisions.push(writes.update(&E::nth(0).changed(n), None).await?.revision);
        revisions.push(writes.create(&E::nth(n)).await?.revision);
        E::remove(case.store(), &E::nth(n).id()).await?;
        revisions.push(writes.create(&E::nth(n)).await?.revision);
    }
    increasing(&revisions)
}

pub(crate) async fn updated_at_never_goes_back<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let writes = E::writes(case.store());
    let created = writes.create(&E::nth(0)).await?;
    let earlier = case.clock.move_by_ms(-60_000);
    let updated = writes.update(&E::nth(0).changed(1), None).await?;
    same("updated_at", &updated.updated_at, &created.updated_at)?;
    let answer = writes.upsert(&E::nth(0).changed(2)).await?;
    let upserted = some("what was upserted", answer.stored().cloned())?;
    same("updated_at", &upserted.updated_at, &created.updated_at)?;
    let new = writes.create(&E::nth(1)).await?;
    same("created_at of something new", &(new.created_at, case.clock.now()), &(earlier, earlier))?;
    let later = case.clock.move_by_ms(60_001);
    same("updated_at", &writes.update(&E::nth(0), None).await?.updated_at, &later)
}
