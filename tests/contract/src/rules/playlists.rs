//! Playlists.

use tubeatlas_domain::{Channel, Playlist};
use tubeatlas_ports::{PlaylistFilter, Visibility};

use super::core::{another_revision, rules_of};
use crate::check::{already_exists, missing_reference, not_found, revision_conflict, same, some};
use crate::fixtures::{a_playlist, a_playlist_with, a_video, channel_id, playlist_id, video_id};
use crate::{Case, Outcome};

rules_of! { Playlist:
    must_pla_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_pla_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_pla_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_pla_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_pla_c_005_batches_are_bounded = core::batches_are_bounded;
    must_pla_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_pla_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_pla_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_pla_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_pla_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_pla_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_pla_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_pla_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_pla_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_pla_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_pla_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_pla_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_pla_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_pla_p_001_purge_removes_it_deleted_or_not = soft::purge_removes_it;
    must_pla_p_002_purge_can_demand_a_revision = soft::purge_demands_a_revision;
    must_pla_p_003_a_purged_id_is_free_again_with_a_larger_revision = soft::a_purged_id_is_free_again;
    must_pla_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_pla_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_pla_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_pla_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_pla_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_pla_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_pla_s_001_a_deletion_is_stamped_and_changes_nothing_else = soft::a_deletion_is_stamped;
    must_pla_s_002_the_id_of_a_deleted_playlist_is_taken = soft::the_id_of_a_deleted_one_is_taken;
    must_pla_s_003_upsert_leaves_a_deleted_playlist_deleted_and_says_so = soft::upsert_leaves_it_deleted;
    must_pla_s_004_a_deleted_playlist_is_not_found_by_update_and_delete = soft::a_deleted_one_is_not_found;
    must_pla_s_005_restore_brings_it_back_and_is_stamped = soft::restore_brings_it_back;
    must_pla_s_006_restore_of_a_live_playlist_writes_nothing = soft::restore_of_a_live_one_writes_nothing;
    must_pla_s_007_restore_of_what_is_missing_is_not_found = soft::restore_of_what_is_missing;
    must_pla_s_008_deleted_at_follows_the_clock_and_updated_at_does_not_go_back = soft::deleted_at_follows_the_clock;
    must_pla_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_pla_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_pla_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_pla_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_pla_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_pla_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_pla_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_pla_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_pla_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}

pub(crate) async fn must_pla_x_001_its_channel_must_exist(case: &Case) -> Outcome {
    let (playlists, id, missing) =
        (case.store().playlists(), playlist_id("a-playlist"), channel_id("missing"));
    let orphan = a_playlist_with(|p| p.channel_id = Some(missing.clone()));
    missing_reference::<Playlist, Channel, _>(playlists.create(&orphan).await, &id, &missing)?;
    missing_reference::<Playlist, Channel, _>(playlists.upsert(&orphan).await, &id, &missing)?;
    not_found::<Playlist, _>(playlists.update(&orphan, None).await, &id)?;
    let stored = playlists.create(&a_playlist()).await?;
    already_exists::<Playlist, _>(playlists.create(&orphan).await, "id", &id)?;
    missing_reference::<Playlist, Channel, _>(playlists.update(&orphan, None).await, &id, &missing)?;
    missing_reference::<Playlist, Channel, _>(playlists.upsert(&orphan).await, &id, &missing)?;
    let wrong = another_revision(stored.revision);
    let answer = playlists.update(&orphan, Some(wrong)).await;
    revision_conflict::<Playlist, _>(answer, &id, wrong, stored.revision)?;
    same("what is stored", &playlists.get(&id, Visibility::Live).await?, &Some(stored))
}

pub(crate) async fn must_pla_x_002_a_batch_with_an_orphan_writes_nothing(case: &Case) -> Outcome {
    let (playlists, missing) = (case.store().playlists(), channel_id("missing"));
    let orphan = a_playlist_with(|p| p.channel_id = Some(missing.clone()));
    let batch = [a_playlist_with(|p| p.id = playlist_id("first")), orphan];
    let id = playlist_id("a-playlist");
    missing_reference::<Playlist, Channel, _>(playlists.create_many(&batch).await, &id, &missing)?;
    missing_reference::<Playlist, Channel, _>(playlists.upsert_many(&batch).await, &id, &missing)?;
    same("their number", &playlists.count(&Default::default()).await?, &0)
}

/// What is done to a video is nothing to the playlists that hold it.
pub(crate) async fn must_pla_x_003_its_videos_need_not_be_there(case: &Case) -> Outcome {
    let (store, playlists) = (case.store(), case.store().playlists());
    let stored = playlists.create(&a_playlist()).await?;
    let holds = PlaylistFilter { video_id: Some(video_id("a-video")), ..PlaylistFilter::default() };
    for step in 0..4 {
        match step {
            0 => {}
            1 => drop(store.videos().create(&a_video()).await?),
            2 => store.videos().delete(&video_id("a-video"), None).await?,
            _ => store.videos().purge(&video_id("a-video"), None).await?,
        }
        let read = playlists.get(&a_playlist().id, Visibility::Live).await?;
        same("the playlist", &some("the playlist", read)?, &stored)?;
        same("how many hold the video", &playlists.count(&holds).await?, &1)?;
    }
    Ok(())
}
