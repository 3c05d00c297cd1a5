//! What hangs on a video: hidden, restored and purged with it. The files of the kinds name and number these
//! rules.

use tubeatlas_domain::Video;
use tubeatlas_ports::{MAX_BATCH, PageRequest, Repository, Stored, Upserted, Visibility};

use super::core::another_revision;
use super::subject::{Movable, OfVideo, Subject, VISIBILITIES, store_videos};
use crate::check::{already_exists, holds, invalid, missing_reference, not_found, revision_conflict, same};
use crate::fixtures::video_id;
use crate::{Case, Outcome, Violation};

/// Two videos with one each; both as stored, the second one's video is then deleted.
async fn kept_and_gone<E: OfVideo>(case: &Case) -> Result<(Stored<E>, Stored<E>), Violation> {
    store_videos(case.store(), &["kept", "gone"]).await?;
    let kept = E::writes(case.store()).create(&E::of("kept", 0)).await?;
    let gone = E::writes(case.store()).create(&E::of("gone", 1)).await?;
    case.clock.move_by_ms(10);
    case.store().videos().delete(&video_id("gone"), None).await?;
    Ok((kept, gone))
}

/// That exactly these are seen, by every read.
async fn seen<E: Subject>(
    reads: &dyn Repository<E>,
    all: &[&Stored<E>],
    expected: &[&Stored<E>],
    visibility: Visibility,
) -> Outcome {
    let shown = |stored: &Stored<E>| expected.iter().any(|e| e.entity.id() == stored.entity.id());
    let answers: Vec<_> = all.iter().map(|stored| shown(stored).then(|| (*stored).clone())).collect();
    let ids: Vec<_> = all.iter().map(|stored| stored.entity.id()).collect();
    same(&format!("get_many, {visibility:?}"), &reads.get_many(&ids, visibility).await?, &answers)?;
    for (id, answer) in ids.iter().zip(&answers) {
        same(&format!("get, {visibility:?}"), &reads.get(id, visibility).await?, answer)?;
        same(&format!("exists, {visibility:?}"), &reads.exists(id, visibility).await?, &answer.is_some())?;
    }
    let Some(filter) = E::seeing(&E::Filter::default(), visibility) else { return Ok(()) };
    for order in E::orders() {
        let page = reads.list(&filter, &PageRequest { order, limit: 9, after: None }).await?;
        let mut listed: Vec<_> = expected.to_vec();
        listed.sort_by(|a, b| E::compare(order, &E::key(a), &E::key(b)));
        let listed: Vec<_> = listed.into_iter().map(|stored| stored.clone().map(|e| e.listed())).collect();
        same(&format!("list, {visibility:?}"), &page.items, &listed)?;
    }
    same(&format!("count, {visibility:?}"), &reads.count(&filter).await?, &(expected.len() as u64))
}

pub(crate) async fn hidden_with_its_video<E: OfVideo>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    let (reads, all) = (E::reads(case.store()), [&kept, &gone]);
    seen(reads, &all, &[&kept], Visibility::Live).await?;
    seen(reads, &all, &all, Visibility::WithDeleted).await?;
    seen(reads, &all, &[&gone], Visibility::OnlyDeleted).await
}

pub(crate) async fn restored_with_its_video<E: OfVideo>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    case.store().videos().restore(&video_id("gone")).await?;
    let (reads, all) = (E::reads(case.store()), [&kept, &gone]);
    seen(reads, &all, &all, Visibility::Live).await?;
    seen(reads, &all, &[], Visibility::OnlyDeleted).await
}

pub(crate) async fn purged_with_its_video<E: OfVideo>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    store_videos(case.store(), &["alive"]).await?;
    let alive = E::writes(case.store()).create(&E::of("alive", 2)).await?;
    for id in ["gone", "alive"] {
        case.store().videos().purge(&video_id(id), None).await?;
    }
    let (reads, all) = (E::reads(case.store()), [&kept, &gone, &alive]);
    for visibility in [Visibility::Live, Visibility::WithDeleted] {
        seen(reads, &all, &[&kept], visibility).await?;
    }
    seen(reads, &all, &[], Visibility::OnlyDeleted).await?;
    // The video's id is free again; what hung on the old one does not come back with a new one.
    store_videos(case.store(), &["gone"]).await?;
    seen(reads, &all, &[&kept], Visibility::WithDeleted).await?;
    let again = E::writes(case.store()).create(&E::of("gone", 1)).await?;
    holds("a larger revision than before the purge", again.revision > gone.revision, &again.revision)
}

pub(crate) async fn nothing_is_written_under_a_deleted_video<E: OfVideo>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    let writes = E::writes(case.store());
    let (id, new) = (gone.entity.id(), E::of("gone", 7));
    let video = video_id("gone");
    missing_reference::<E, Video, _>(writes.create(&new).await, &new.id(), &video)?;
    already_exists::<E, _>(writes.create(&gone.entity).await, "id", &id)?;
    not_found::<E, _>(writes.update(&gone.entity, None).await, &id)?;
    not_found::<E, _>(writes.update(&gone.entity.changed(1), Some(gone.revision)).await, &id)?;
    not_found::<E, _>(writes.delete(&id, None).await, &id)?;
    not_found::<E, _>(writes.delete_many(&[kept.entity.id(), id.clone()]).await, &id)?;
    let wrong = Some(another_revision(gone.revision));
    not_found::<E, _>(writes.update(&gone.entity, wrong).await, &id)?;
    not_found::<E, _>(writes.delete(&id, wrong).await, &id)?;
    for entity in [gone.entity.clone(), gone.entity.changed(1), new] {
        same("upsert", &writes.upsert(&entity).await?, &Upserted::LeftDeleted)?;
    }
    let answers = writes.upsert_many(&[gone.entity.changed(1), kept.entity.clone()]).await?;
    same("upsert_many", &answers, &vec![Upserted::LeftDeleted, Upserted::Unchanged(kept.clone())])?;
    case.store().videos().restore(&video).await?;
    let all = [&kept, &gone];
    seen(E::reads(case.store()), &all, &all, Visibility::Live).await
}

pub(crate) async fn its_video_must_exist<E: OfVideo>(case: &Case) -> Outcome {
    store_videos(case.store(), &["there"]).await?;
    let writes = E::writes(case.store());
    let (orphan, fine) = (E::of("missing", 1), E::of("there", 0));
    let (id, video) = (orphan.id(), video_id("missing"));
    missing_reference::<E, Video, _>(writes.create(&orphan).await, &id, &video)?;
    missing_reference::<E, Video, _>(writes.upsert(&orphan).await, &id, &video)?;
    let both = [fine, orphan.clone()];
    missing_reference::<E, Video, _>(writes.create_many(&both).await, &id, &video)?;
    missing_reference::<E, Video, _>(writes.upsert_many(&both).await, &id, &video)?;
    // What is not there cannot be changed; that it would refer to nothing comes second.
    not_found::<E, _>(writes.update(&orphan, None).await, &id)?;
    let mut batch = vec![orphan; MAX_BATCH];
    missing_reference::<E, Video, _>(writes.create_many(&batch).await, &id, &video)?;
    batch.push(batch[0].clone());
    invalid(writes.create_many(&batch).await, "batch")?;
    for visibility in VISIBILITIES {
        seen::<E>(writes, &[], &[], visibility).await?;
    }
    Ok(())
}

pub(crate) async fn moves_to_another_video<E: Movable>(case: &Case) -> Outcome {
    store_videos(case.store(), &["from", "to", "then"]).await?;
    let writes = E::writes(case.store());
    let first = writes.create(&E::of("from", 0)).await?;
    let moved = writes.update(&first.entity.moved("to"), Some(first.revision)).await?;
    same("the entity", &moved.entity, &first.entity.moved("to"))?;
    let answer = writes.upsert(&first.entity.moved("then")).await?;
    let Upserted::Updated(moved) = answer else { return holds("Updated", false, &answer) };
    // It follows its new owner from now on, and no longer its old one.
    case.store().videos().purge(&video_id("from"), None).await?;
    case.store().videos().delete(&video_id("to"), None).await?;
    seen(E::reads(case.store()), &[&moved], &[&moved], Visibility::Live).await?;
    case.store().videos().delete(&video_id("then"), None).await?;
    seen(E::reads(case.store()), &[&moved], &[], Visibility::Live).await?;
    seen(E::reads(case.store()), &[&moved], &[&moved], Visibility::OnlyDeleted).await
}

pub(crate) async fn does_not_move_to_what_is_not_there<E: Movable>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    let (writes, id) = (E::writes(case.store()), kept.entity.id());
    for target in ["missing", "gone"] {
        let (moved, video) = (kept.entity.moved(target), video_id(target));
        missing_reference::<E, Video, _>(writes.update(&moved, None).await, &id, &video)?;
        missing_reference::<E, Video, _>(writes.upsert(&moved).await, &id, &video)?;
        missing_reference::<E, Video, _>(
            writes.update_many(std::slice::from_ref(&moved)).await,
            &id,
            &video,
        )?;
        let wrong = another_revision(kept.revision);
        let result = writes.update(&moved, Some(wrong)).await;
        revision_conflict::<E, _>(result, &id, wrong, kept.revision)?;
    }
    let all = [&kept, &gone];
    seen(E::reads(case.store()), &all, &[&kept], Visibility::Live).await
}

pub(crate) async fn does_not_move_out_of_a_deleted_video<E: Movable>(case: &Case) -> Outcome {
    let (kept, gone) = kept_and_gone::<E>(case).await?;
    let (writes, id) = (E::writes(case.store()), gone.entity.id());
    for target in ["kept", "missing"] {
        let moved = gone.entity.moved(target);
        not_found::<E, _>(writes.update(&moved, None).await, &id)?;
        same("upsert", &writes.upsert(&moved).await?, &Upserted::LeftDeleted)?;
    }
    case.store().videos().restore(&video_id("gone")).await?;
    let all = [&kept, &gone];
    seen(E::reads(case.store()), &all, &all, Visibility::Live).await
}
