//! Transcripts.

use tubeatlas_domain::Transcript;

use super::core::rules_of;

rules_of! { Transcript:
    must_trn_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_trn_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_trn_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_trn_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_trn_c_005_batches_are_bounded = core::batches_are_bounded;
    must_trn_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_trn_d_002_an_id_is_free_again_after_a_deletion = core::hard_delete_leaves_nothing;
    must_trn_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_trn_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_trn_h_001_deletion_of_its_video_hides_it_from_every_read = owned::hidden_with_its_video;
    must_trn_h_002_restoring_its_video_brings_it_back_as_it_was = owned::restored_with_its_video;
    must_trn_h_003_purging_its_video_removes_it_for_good = owned::purged_with_its_video;
    must_trn_h_004_nothing_is_written_under_a_deleted_video = owned::nothing_is_written_under_a_deleted_video;
    must_trn_h_005_its_video_must_exist = owned::its_video_must_exist;
    must_trn_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_trn_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_trn_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_trn_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_trn_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_trn_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_trn_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_trn_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_trn_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_trn_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_trn_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_trn_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_trn_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_trn_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_trn_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_trn_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_trn_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_trn_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_trn_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_trn_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_trn_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_trn_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_trn_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_trn_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_trn_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}
