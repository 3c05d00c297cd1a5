//! Media files.

use tubeatlas_domain::{MAX_PATH_BYTES, MediaFile, MediaFileId};
use tubeatlas_ports::Visibility;

use super::core::rules_of;

use super::subject::{Subject, VISIBILITIES, store_videos};
use crate::check::{already_exists, same};
use crate::fixtures::{a_media_file_with, uuid, video_id};
use crate::{Case, Outcome};

rules_of! { MediaFile:
    must_med_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_med_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_med_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_med_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_med_c_005_batches_are_bounded = core::batches_are_bounded;
    must_med_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_med_d_002_an_id_is_free_again_after_a_deletion = core::hard_delete_leaves_nothing;
    must_med_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_med_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_med_h_001_deletion_of_its_video_hides_it_from_every_read = owned::hidden_with_its_video;
    must_med_h_002_restoring_its_video_brings_it_back_as_it_was = owned::restored_with_its_video;
    must_med_h_003_purging_its_video_removes_it_for_good = owned::purged_with_its_video;
    must_med_h_004_nothing_is_written_under_a_deleted_video = owned::nothing_is_written_under_a_deleted_video;
    must_med_h_005_its_video_must_exist = owned::its_video_must_exist;
    must_med_h_006_it_can_be_moved_to_another_video = owned::moves_to_another_video;
    must_med_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted = owned::does_not_move_to_what_is_not_there;
    must_med_h_008_it_cannot_be_moved_out_of_a_deleted_video = owned::does_not_move_out_of_a_deleted_video;
    must_med_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_med_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_med_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_med_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_med_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_med_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_med_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_med_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_med_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_med_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_med_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_med_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_med_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_med_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_med_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_med_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_med_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_med_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_med_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_med_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_med_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_med_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_med_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_med_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_med_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}

/// The file with this number and path, of the video `a-video`.
fn file(n: u32, path: &str) -> MediaFile {
    a_media_file_with(|m| {
        m.id = MediaFileId::new(uuid(n));
        m.path = path.into();
    })
}

pub(crate) async fn must_med_p_001_a_file_is_found_by_exactly_its_path(case: &Case) -> Outcome {
    let rows = MediaFile::catalogue(case).await?;
    let files = case.store().media_files();
    for visibility in VISIBILITIES {
        for row in &rows {
            let expected = row.shown(visibility).then(|| row.stored.clone());
            let path = &row.stored.path;
            let read = files.get_by_path(path, visibility).await?;
            same(&format!("get_by_path of {path:?} with {visibility:?}"), &read, &expected)?;
        }
        for path in
            ["", "/media", "/media/%", "/MEDIA/Black Holes/part 1.mp4", "/media/Black Holes/part 1.mp4 "]
        {
            let read = files.get_by_path(path, visibility).await?;
            same(&format!("get_by_path of {path:?}"), &read, &None)?;
        }
    }
    Ok(())
}

pub(crate) async fn must_med_p_002_a_path_that_no_file_can_have_finds_nothing(case: &Case) -> Outcome {
    MediaFile::catalogue(case).await?;
    for path in ["\0", "a\0", "/media/Black Holes/part 1.mp4\0", &"a".repeat(MAX_PATH_BYTES + 1)] {
        let read = case.store().media_files().get_by_path(path, Visibility::WithDeleted).await?;
        same("get_by_path", &read, &None)?;
    }
    Ok(())
}

pub(crate) async fn must_med_p_003_no_two_files_have_the_same_path(case: &Case) -> Outcome {
    store_videos(case.store(), &["a-video"]).await?;
    let files = case.store().media_files();
    let (first, second) = (files.create(&file(1, "/a")).await?, files.create(&file(2, "/b")).await?);
    already_exists::<MediaFile, _>(files.create(&file(3, "/a")).await, "path", &"/a")?;
    already_exists::<MediaFile, _>(files.upsert(&file(3, "/a")).await, "path", &"/a")?;
    already_exists::<MediaFile, _>(files.update(&file(2, "/a"), Some(second.revision)).await, "path", &"/a")?;
    already_exists::<MediaFile, _>(files.upsert(&file(2, "/a")).await, "path", &"/a")?;
    let batch = [file(4, "/c"), file(5, "/c")];
    already_exists::<MediaFile, _>(files.create_many(&batch).await, "path", &"/c")?;
    let ids = [1, 2, 3, 4, 5].map(|n| MediaFileId::new(uuid(n)));
    let read = files.get_many(&ids, Visibility::WithDeleted).await?;
    same("what is stored", &read, &vec![Some(first), Some(second), None, None, None])
}

pub(crate) async fn must_med_p_004_the_path_of_a_hidden_file_is_taken(case: &Case) -> Outcome {
    store_videos(case.store(), &["a-video", "gone"]).await?;
    let files = case.store().media_files();
    let hidden = a_media_file_with(|m| {
        m.id = MediaFileId::new(uuid(1));
        m.video_id = video_id("gone");
        m.path = "/a".into();
    });
    files.create(&hidden).await?;
    files.create(&file(2, "/b")).await?;
    case.store().videos().delete(&video_id("gone"), None).await?;
    already_exists::<MediaFile, _>(files.create(&file(3, "/a")).await, "path", &"/a")?;
    already_exists::<MediaFile, _>(files.update(&file(2, "/a"), None).await, "path", &"/a")?;
    already_exists::<MediaFile, _>(files.upsert(&file(2, "/a")).await, "path", &"/a")?;
    case.store().videos().purge(&video_id("gone"), None).await?;
    files.update(&file(2, "/a"), None).await?;
    Ok(())
}

pub(crate) async fn must_med_p_005_a_taken_id_is_told_before_a_taken_path(case: &Case) -> Outcome {
    store_videos(case.store(), &["a-video"]).await?;
    let files = case.store().media_files();
    files.create_many(&[file(1, "/a"), file(2, "/b")]).await?;
    already_exists::<MediaFile, _>(files.create(&file(1, "/a")).await, "id", &uuid(1))?;
    already_exists::<MediaFile, _>(files.create(&file(1, "/b")).await, "id", &uuid(1))?;
    // A taken path comes before a missing video.
    let orphan = a_media_file_with(|m| {
        m.video_id = video_id("missing");
        m.path = "/a".into();
    });
    already_exists::<MediaFile, _>(files.create(&orphan).await, "path", &"/a")
}

pub(crate) async fn must_med_p_006_items_of_a_batch_can_hand_on_their_paths(case: &Case) -> Outcome {
    store_videos(case.store(), &["a-video"]).await?;
    let files = case.store().media_files();
    files.create_many(&[file(1, "/a"), file(2, "/b")]).await?;
    files.update_many(&[file(1, "/c"), file(2, "/a"), file(1, "/b")]).await?;
    for (path, n) in [("/a", 2), ("/b", 1)] {
        let read = files.get_by_path(path, Visibility::Live).await?;
        same("the file with this path", &read.map(|stored| stored.entity), &Some(file(n, path)))?;
    }
    same("the path between", &files.get_by_path("/c", Visibility::Live).await?, &None)?;
    let swap = [file(1, "/a"), file(2, "/b")];
    already_exists::<MediaFile, _>(files.update_many(&swap).await, "path", &"/a")
}

pub(crate) async fn must_med_p_007_a_path_is_free_after_a_change_and_a_deletion(case: &Case) -> Outcome {
    store_videos(case.store(), &["a-video"]).await?;
    let files = case.store().media_files();
    files.create(&file(1, "/a")).await?;
    files.update(&file(1, "/b"), None).await?;
    files.create(&file(2, "/a")).await?;
    files.delete(&MediaFileId::new(uuid(1)), None).await?;
    files.create(&file(3, "/b")).await?;
    let read = files.get_by_path("/b", Visibility::Live).await?;
    same("the file with the path", &read.map(|stored| stored.entity.id), &Some(MediaFileId::new(uuid(3))))
}
