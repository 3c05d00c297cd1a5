//! Videos.

use tubeatlas_domain::{Channel, ProcessingTask, Video};
use tubeatlas_ports::{Clock, Upserted, Visibility};

use super::core::{another_revision, increasing, rules_of};

use super::subject::{Row, delete_video};
use crate::check::{already_exists, missing_reference, not_found, revision_conflict, same};
use crate::fixtures::{a_channel, a_task_with, a_video, a_video_with, channel_id, video_id};
use crate::{Case, Outcome, Violation};

rules_of! { Video:
    must_vid_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_vid_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_vid_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_vid_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_vid_c_005_batches_are_bounded = core::batches_are_bounded;
    must_vid_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_vid_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_vid_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_vid_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_vid_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_vid_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_vid_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_vid_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_vid_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_vid_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_vid_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_vid_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_vid_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_vid_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_vid_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_vid_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_vid_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_vid_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_vid_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_vid_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_vid_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_vid_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_vid_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_vid_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_vid_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_vid_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_vid_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_vid_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}

pub(crate) async fn must_vid_x_001_its_channel_must_exist(case: &Case) -> Outcome {
    let (videos, id, missing) = (case.store().videos(), video_id("a-video"), channel_id("missing"));
    let orphan = a_video_with(|v| v.channel_id = Some(missing.clone()));
    missing_reference::<Video, Channel, _>(videos.create(&orphan).await, &id, &missing)?;
    missing_reference::<Video, Channel, _>(videos.upsert(&orphan).await, &id, &missing)?;
    not_found::<Video, _>(videos.update(&orphan, None).await, &id)?;
    let stored = videos.create(&a_video()).await?;
    already_exists::<Video, _>(videos.create(&orphan).await, "id", &id)?;
    missing_reference::<Video, Channel, _>(videos.update(&orphan, None).await, &id, &missing)?;
    missing_reference::<Video, Channel, _>(videos.upsert(&orphan).await, &id, &missing)?;
    let wrong = another_revision(stored.revision);
    revision_conflict::<Video, _>(videos.update(&orphan, Some(wrong)).await, &id, wrong, stored.revision)?;
    same("what is stored", &videos.get(&id, Visibility::Live).await?, &Some(stored))
}

pub(crate) async fn must_vid_x_002_a_batch_with_an_orphan_writes_nothing(case: &Case) -> Outcome {
    let (videos, missing) = (case.store().videos(), channel_id("missing"));
    let orphan = a_video_with(|v| v.channel_id = Some(missing.clone()));
    let batch = [a_video_with(|v| v.id = video_id("first")), orphan];
    let id = video_id("a-video");
    missing_reference::<Video, Channel, _>(videos.create_many(&batch).await, &id, &missing)?;
    missing_reference::<Video, Channel, _>(videos.upsert_many(&batch).await, &id, &missing)?;
    same("their number", &videos.count(&Default::default()).await?, &0)
}

/// [`a_video`], deleted ten milliseconds later.
async fn a_deleted_video(case: &Case) -> Result<Row<Video>, Violation> {
    case.store().videos().create(&a_video()).await?;
    case.clock.move_by_ms(10);
    delete_video(case.store(), "a-video").await
}

pub(crate) async fn must_vid_s_001_a_deletion_is_stamped_and_changes_nothing_else(case: &Case) -> Outcome {
    let created = case.store().videos().create(&a_video()).await?;
    let now = case.clock.move_by_ms(10);
    let deleted = delete_video(case.store(), "a-video").await?.stored;
    increasing(&[created.revision, deleted.revision])?;
    same("the deleted video", &deleted, &created.deleted(now, deleted.revision))
}

pub(crate) async fn must_vid_s_002_the_id_of_a_deleted_video_is_taken(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    already_exists::<Video, _>(videos.create(&a_video()).await, "id", &id)?;
    let batch = [a_video_with(|v| v.id = video_id("other")), a_video()];
    already_exists::<Video, _>(videos.create_many(&batch).await, "id", &id)?;
    same("what is stored", &videos.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn must_vid_s_003_upsert_leaves_a_deleted_video_deleted_and_says_so(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    let changed = a_video_with(|v| v.title = "Changed".into());
    let orphan = a_video_with(|v| v.channel_id = Some(channel_id("missing")));
    for video in [a_video(), changed.clone(), orphan] {
        same("upsert", &videos.upsert(&video).await?, &Upserted::LeftDeleted)?;
    }
    let other = a_video_with(|v| v.id = video_id("other"));
    let answers = videos.upsert_many(&[changed, other.clone()]).await?;
    same("upsert_many, the deleted one", &answers[0], &Upserted::LeftDeleted)?;
    same("upsert_many, the other one", &answers[1].stored().map(|s| &s.entity), &Some(&other))?;
    same("what is stored", &videos.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn must_vid_s_004_a_deleted_video_is_not_found_by_update_and_delete(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    let changed = a_video_with(|v| v.title = "Changed".into());
    for expected in [None, Some(deleted.revision), Some(another_revision(deleted.revision))] {
        not_found::<Video, _>(videos.update(&changed, expected).await, &id)?;
        not_found::<Video, _>(videos.update(&a_video(), expected).await, &id)?;
        not_found::<Video, _>(videos.delete(&id, expected).await, &id)?;
    }
    not_found::<Video, _>(videos.update_many(&[changed]).await, &id)?;
    not_found::<Video, _>(videos.delete_many(std::slice::from_ref(&id)).await, &id)?;
    same("what is stored", &videos.get(&id, Visibility::WithDeleted).await?, &Some(deleted))
}

pub(crate) async fn must_vid_s_005_restore_brings_it_back_and_is_stamped(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    let now = case.clock.move_by_ms(10);
    let restored = videos.restore(&id).await?;
    increasing(&[deleted.revision, restored.revision])?;
    same("the restored video", &restored, &deleted.restored(now, restored.revision))?;
    same("what is read", &videos.get(&id, Visibility::Live).await?, &Some(restored))?;
    same("no longer deleted", &videos.exists(&id, Visibility::OnlyDeleted).await?, &false)
}

pub(crate) async fn must_vid_s_006_restore_of_a_live_video_writes_nothing(case: &Case) -> Outcome {
    let created = case.store().videos().create(&a_video()).await?;
    case.clock.move_by_ms(10);
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    same("restore", &videos.restore(&id).await?, &created)?;
    same("what is stored", &videos.get(&id, Visibility::Live).await?, &Some(created))
}

pub(crate) async fn must_vid_s_007_restore_of_what_is_missing_is_not_found(case: &Case) -> Outcome {
    let (videos, id) = (case.store().videos(), video_id("missing"));
    not_found::<Video, _>(videos.restore(&id).await, &id)
}

pub(crate) async fn must_vid_s_008_deleted_at_follows_the_clock_and_updated_at_does_not_go_back(
    case: &Case,
) -> Outcome {
    let created = case.store().videos().create(&a_video()).await?;
    let earlier = case.clock.move_by_ms(-10_000);
    let deleted = delete_video(case.store(), "a-video").await?.stored;
    same("deleted_at", &deleted.deleted_at, &Some(earlier))?;
    same("updated_at", &deleted.updated_at, &created.updated_at)?;
    case.clock.move_by_ms(-10_000);
    let restored = case.store().videos().restore(&video_id("a-video")).await?;
    same("updated_at", &restored.updated_at, &created.updated_at)?;
    increasing(&[created.revision, deleted.revision, restored.revision])?;
    same("the clock of this case", &(case.clock.now() < earlier), &true)
}

pub(crate) async fn must_vid_p_001_purge_removes_it_deleted_or_not(case: &Case) -> Outcome {
    a_deleted_video(case).await?;
    let videos = case.store().videos();
    videos.create(&a_video_with(|v| v.id = video_id("live"))).await?;
    for id in ["a-video", "live"].map(video_id) {
        videos.purge(&id, None).await?;
        same("get", &videos.get(&id, Visibility::WithDeleted).await?, &None)?;
        same("exists", &videos.exists(&id, Visibility::OnlyDeleted).await?, &false)?;
        not_found::<Video, _>(videos.purge(&id, None).await, &id)?;
        not_found::<Video, _>(videos.restore(&id).await, &id)?;
        not_found::<Video, _>(videos.delete(&id, None).await, &id)?;
    }
    Ok(())
}

pub(crate) async fn must_vid_p_002_purge_can_demand_a_revision(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    let wrong = another_revision(deleted.revision);
    revision_conflict::<Video, _>(videos.purge(&id, Some(wrong)).await, &id, wrong, deleted.revision)?;
    let read = videos.get(&id, Visibility::WithDeleted).await?;
    same("what is stored", &read, &Some(deleted.clone()))?;
    videos.purge(&id, Some(deleted.revision)).await?;
    same("what is stored", &videos.get(&id, Visibility::WithDeleted).await?, &None)?;
    not_found::<Video, _>(videos.purge(&id, Some(deleted.revision)).await, &id)
}

pub(crate) async fn must_vid_p_003_a_purged_id_is_free_again_with_a_larger_revision(case: &Case) -> Outcome {
    let deleted = a_deleted_video(case).await?.stored;
    let (videos, id) = (case.store().videos(), video_id("a-video"));
    videos.purge(&id, None).await?;
    let now = case.clock.move_by_ms(-60_000);
    let again = videos.create(&a_video()).await?;
    increasing(&[deleted.revision, again.revision])?;
    same("created_at", &again.created_at, &now)?;
    same("deleted_at", &again.deleted_at, &None)
}

pub(crate) async fn must_vid_p_004_tasks_that_name_a_purged_video_stay(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&a_video()).await?;
    let task = a_task_with(|t| t.target = Some("video/a-video".into()));
    let enqueued = store.processing_tasks().enqueue(&task).await?;
    store.videos().delete(&video_id("a-video"), None).await?;
    store.videos().purge(&video_id("a-video"), None).await?;
    let read: Option<tubeatlas_ports::Stored<ProcessingTask>> =
        store.processing_tasks().get(&task.id, Visibility::Live).await?;
    same("the task", &read, &Some(enqueued))
}

pub(crate) async fn must_vid_p_005_purge_touches_no_other_video(case: &Case) -> Outcome {
    let store = case.store();
    store.channels().create(&a_channel()).await?;
    let of_channel = |id: &str| {
        a_video_with(|v| {
            v.id = video_id(id);
            v.channel_id = Some(a_channel().id.clone());
        })
    };
    let kept = store.videos().create(&of_channel("A-video")).await?;
    store.videos().create(&of_channel("a-video")).await?;
    store.videos().purge(&video_id("a-video"), None).await?;
    same("the other video", &store.videos().get(&video_id("A-video"), Visibility::Live).await?, &Some(kept))?;
    same("the channel", &store.channels().exists(&a_channel().id, Visibility::Live).await?, &true)
}
