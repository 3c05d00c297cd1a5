//! The one list of rules.

use crate::macros::rules_table;
#[cfg(test)]
use crate::rule::{id, title};

/// Calls a macro with all rules: `[context] area "what it is about": rule rule [what it needs] …; area …;`.
///
/// An id is never given to another rule, also when its rule is gone.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_rule {
    ([$($callback:tt)*] [$($context:tt)*]) => {
        $($callback)* ! { [$($context)*]
            channels "Channels own videos and graphs, and cannot be deleted while they do.":
                must_chn_c_001_create_stamps_the_clocks_time
                must_chn_c_002_create_of_a_taken_id_already_exists
                must_chn_c_003_create_many_creates_each_in_order
                must_chn_c_004_create_many_is_all_or_nothing
                must_chn_c_005_batches_are_bounded
                must_chn_d_001_what_is_deleted_is_gone
                must_chn_d_002_an_id_is_free_again_after_a_deletion
                must_chn_d_003_delete_can_demand_a_revision
                must_chn_d_004_delete_many_is_all_or_nothing
                must_chn_l_001_a_list_stands_in_its_total_order
                must_chn_l_002_filters_take_in_what_they_say_and_counts_agree
                must_chn_l_003_pages_of_every_size_make_the_whole
                must_chn_l_004_a_cursor_goes_on_with_any_limit
                must_chn_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_chn_l_006_rows_deleted_between_pages_hide_and_repeat_nothing
                must_chn_l_007_a_cursor_belongs_to_its_order_filter_and_visibility
                must_chn_l_008_a_forged_cursor_is_invalid
                must_chn_l_009_limits_of_pages_are_bounded
                must_chn_l_010_nothing_is_an_empty_page_and_no_error
                must_chn_r_001_every_field_is_read_back_as_it_was_created
                must_chn_r_002_every_field_is_read_back_as_it_was_updated
                must_chn_r_003_ids_that_look_alike_are_different
                must_chn_r_004_get_many_answers_each_id_at_its_place
                must_chn_r_005_get_and_exists_agree_on_what_is_seen
                must_chn_r_006_get_many_is_bounded
                must_chn_u_001_update_changes_and_renews_the_revision
                must_chn_u_002_an_update_to_the_same_writes_nothing
                must_chn_u_003_update_of_what_is_missing_is_not_found
                must_chn_u_004_update_can_demand_a_revision
                must_chn_u_005_update_many_is_all_or_nothing
                must_chn_u_006_upsert_says_what_it_did
                must_chn_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_chn_v_001_revisions_increase_whatever_the_clock_does
                must_chn_v_002_updated_at_never_goes_back
                must_chn_x_001_a_channel_with_a_video_cannot_be_deleted
                must_chn_x_002_a_channel_with_a_deleted_video_cannot_be_deleted
                must_chn_x_003_a_channel_with_a_graph_cannot_be_deleted [KnowledgeGraphs]
                must_chn_x_004_a_video_is_named_before_a_graph [KnowledgeGraphs]
                must_chn_x_005_a_video_that_moves_frees_its_old_channel
                must_chn_x_006_a_wrong_revision_is_told_before_a_reference
                must_chn_x_007_delete_many_with_a_referenced_channel_deletes_none
                must_chn_x_008_a_video_cannot_refer_to_a_channel_that_is_gone
                must_chn_x_009_a_channel_with_a_playlist_cannot_be_deleted [Playlists]
                must_chn_x_010_a_graph_is_named_before_a_playlist [KnowledgeGraphs Playlists]
                ;
            videos "Videos are deleted softly: hidden, restored, or purged with all that hangs on them.":
                must_vid_c_001_create_stamps_the_clocks_time
                must_vid_c_002_create_of_a_taken_id_already_exists
                must_vid_c_003_create_many_creates_each_in_order
                must_vid_c_004_create_many_is_all_or_nothing
                must_vid_c_005_batches_are_bounded
                must_vid_d_001_what_is_deleted_is_gone
                must_vid_d_003_delete_can_demand_a_revision
                must_vid_d_004_delete_many_is_all_or_nothing
                must_vid_l_001_a_list_stands_in_its_total_order
                must_vid_l_002_filters_take_in_what_they_say_and_counts_agree
                must_vid_l_003_pages_of_every_size_make_the_whole
                must_vid_l_004_a_cursor_goes_on_with_any_limit
                must_vid_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_vid_l_006_rows_deleted_between_pages_hide_and_repeat_nothing
                must_vid_l_007_a_cursor_belongs_to_its_order_filter_and_visibility
                must_vid_l_008_a_forged_cursor_is_invalid
                must_vid_l_009_limits_of_pages_are_bounded
                must_vid_l_010_nothing_is_an_empty_page_and_no_error
                must_vid_p_001_purge_removes_it_deleted_or_not
                must_vid_p_002_purge_can_demand_a_revision
                must_vid_p_003_a_purged_id_is_free_again_with_a_larger_revision
                must_vid_p_004_tasks_that_name_a_purged_video_stay [ProcessingTasks]
                must_vid_p_005_purge_touches_no_other_video
                must_vid_r_001_every_field_is_read_back_as_it_was_created
                must_vid_r_002_every_field_is_read_back_as_it_was_updated
                must_vid_r_003_ids_that_look_alike_are_different
                must_vid_r_004_get_many_answers_each_id_at_its_place
                must_vid_r_005_get_and_exists_agree_on_what_is_seen
                must_vid_r_006_get_many_is_bounded
                must_vid_s_001_a_deletion_is_stamped_and_changes_nothing_else
                must_vid_s_002_the_id_of_a_deleted_video_is_taken
                must_vid_s_003_upsert_leaves_a_deleted_video_deleted_and_says_so
                must_vid_s_004_a_deleted_video_is_not_found_by_update_and_delete
                must_vid_s_005_restore_brings_it_back_and_is_stamped
                must_vid_s_006_restore_of_a_live_video_writes_nothing
                must_vid_s_007_restore_of_what_is_missing_is_not_found
                must_vid_s_008_deleted_at_follows_the_clock_and_updated_at_does_not_go_back
                must_vid_u_001_update_changes_and_renews_the_revision
                must_vid_u_002_an_update_to_the_same_writes_nothing
                must_vid_u_003_update_of_what_is_missing_is_not_found
                must_vid_u_004_update_can_demand_a_revision
                must_vid_u_005_update_many_is_all_or_nothing
                must_vid_u_006_upsert_says_what_it_did
                must_vid_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_vid_v_001_revisions_increase_whatever_the_clock_does
                must_vid_v_002_updated_at_never_goes_back
                must_vid_x_001_its_channel_must_exist
                must_vid_x_002_a_batch_with_an_orphan_writes_nothing
                ;
            transcripts "Transcripts hang on a video, one for each language; lists show them without their cues.":
                must_trn_c_001_create_stamps_the_clocks_time
                must_trn_c_002_create_of_a_taken_id_already_exists
                must_trn_c_003_create_many_creates_each_in_order
                must_trn_c_004_create_many_is_all_or_nothing
                must_trn_c_005_batches_are_bounded
                must_trn_d_001_what_is_deleted_is_gone
                must_trn_d_002_an_id_is_free_again_after_a_deletion
                must_trn_d_003_delete_can_demand_a_revision
                must_trn_d_004_delete_many_is_all_or_nothing
                must_trn_h_001_deletion_of_its_video_hides_it_from_every_read
                must_trn_h_002_restoring_its_video_brings_it_back_as_it_was
                must_trn_h_003_purging_its_video_removes_it_for_good
                must_trn_h_004_nothing_is_written_under_a_deleted_video
                must_trn_h_005_its_video_must_exist
                must_trn_l_001_a_list_stands_in_its_total_order
                must_trn_l_002_filters_take_in_what_they_say_and_counts_agree
                must_trn_l_003_pages_of_every_size_make_the_whole
                must_trn_l_004_a_cursor_goes_on_with_any_limit
                must_trn_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_trn_l_006_rows_deleted_between_pages_hide_and_repeat_nothing
                must_trn_l_007_a_cursor_belongs_to_its_order_filter_and_visibility
                must_trn_l_008_a_forged_cursor_is_invalid
                must_trn_l_009_limits_of_pages_are_bounded
                must_trn_l_010_nothing_is_an_empty_page_and_no_error
                must_trn_r_001_every_field_is_read_back_as_it_was_created
                must_trn_r_002_every_field_is_read_back_as_it_was_updated
                must_trn_r_003_ids_that_look_alike_are_different
                must_trn_r_004_get_many_answers_each_id_at_its_place
                must_trn_r_005_get_and_exists_agree_on_what_is_seen
                must_trn_r_006_get_many_is_bounded
                must_trn_u_001_update_changes_and_renews_the_revision
                must_trn_u_002_an_update_to_the_same_writes_nothing
                must_trn_u_003_update_of_what_is_missing_is_not_found
                must_trn_u_004_update_can_demand_a_revision
                must_trn_u_005_update_many_is_all_or_nothing
                must_trn_u_006_upsert_says_what_it_did
                must_trn_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_trn_v_001_revisions_increase_whatever_the_clock_does
                must_trn_v_002_updated_at_never_goes_back
                ;
            knowledge_graphs "Knowledge graphs hang on a video or on a channel; lists show them without their content.":
                must_gra_c_001_create_stamps_the_clocks_time [KnowledgeGraphs]
                must_gra_c_002_create_of_a_taken_id_already_exists [KnowledgeGraphs]
                must_gra_c_003_create_many_creates_each_in_order [KnowledgeGraphs]
                must_gra_c_004_create_many_is_all_or_nothing [KnowledgeGraphs]
                must_gra_c_005_batches_are_bounded [KnowledgeGraphs]
                must_gra_d_001_what_is_deleted_is_gone [KnowledgeGraphs]
                must_gra_d_002_an_id_is_free_again_after_a_deletion [KnowledgeGraphs]
                must_gra_d_003_delete_can_demand_a_revision [KnowledgeGraphs]
                must_gra_d_004_delete_many_is_all_or_nothing [KnowledgeGraphs]
                must_gra_h_001_deletion_of_its_video_hides_it_from_every_read [KnowledgeGraphs]
                must_gra_h_002_restoring_its_video_brings_it_back_as_it_was [KnowledgeGraphs]
                must_gra_h_003_purging_its_video_removes_it_for_good [KnowledgeGraphs]
                must_gra_h_004_nothing_is_written_under_a_deleted_video [KnowledgeGraphs]
                must_gra_h_005_its_video_must_exist [KnowledgeGraphs]
                must_gra_h_006_it_can_be_moved_to_another_video [KnowledgeGraphs]
                must_gra_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted [KnowledgeGraphs]
                must_gra_h_008_it_cannot_be_moved_out_of_a_deleted_video [KnowledgeGraphs]
                must_gra_l_001_a_list_stands_in_its_total_order [KnowledgeGraphs]
                must_gra_l_002_filters_take_in_what_they_say_and_counts_agree [KnowledgeGraphs]
                must_gra_l_003_pages_of_every_size_make_the_whole [KnowledgeGraphs]
                must_gra_l_004_a_cursor_goes_on_with_any_limit [KnowledgeGraphs]
                must_gra_l_005_rows_inserted_between_pages_hide_and_repeat_nothing [KnowledgeGraphs]
                must_gra_l_006_rows_deleted_between_pages_hide_and_repeat_nothing [KnowledgeGraphs]
                must_gra_l_007_a_cursor_belongs_to_its_order_filter_and_visibility [KnowledgeGraphs]
                must_gra_l_008_a_forged_cursor_is_invalid [KnowledgeGraphs]
                must_gra_l_009_limits_of_pages_are_bounded [KnowledgeGraphs]
                must_gra_l_010_nothing_is_an_empty_page_and_no_error [KnowledgeGraphs]
                must_gra_r_001_every_field_is_read_back_as_it_was_created [KnowledgeGraphs]
                must_gra_r_002_every_field_is_read_back_as_it_was_updated [KnowledgeGraphs]
                must_gra_r_003_ids_that_look_alike_are_different [KnowledgeGraphs]
                must_gra_r_004_get_many_answers_each_id_at_its_place [KnowledgeGraphs]
                must_gra_r_005_get_and_exists_agree_on_what_is_seen [KnowledgeGraphs]
                must_gra_r_006_get_many_is_bounded [KnowledgeGraphs]
                must_gra_u_001_update_changes_and_renews_the_revision [KnowledgeGraphs]
                must_gra_u_002_an_update_to_the_same_writes_nothing [KnowledgeGraphs]
                must_gra_u_003_update_of_what_is_missing_is_not_found [KnowledgeGraphs]
                must_gra_u_004_update_can_demand_a_revision [KnowledgeGraphs]
                must_gra_u_005_update_many_is_all_or_nothing [KnowledgeGraphs]
                must_gra_u_006_upsert_says_what_it_did [KnowledgeGraphs]
                must_gra_u_007_later_items_of_upsert_many_see_the_earlier_ones [KnowledgeGraphs]
                must_gra_v_001_revisions_increase_whatever_the_clock_does [KnowledgeGraphs]
                must_gra_v_002_updated_at_never_goes_back [KnowledgeGraphs]
                must_gra_x_001_its_channel_must_exist [KnowledgeGraphs]
                must_gra_x_002_a_video_and_a_channel_of_one_id_are_two_owners [KnowledgeGraphs]
                must_gra_x_003_the_graph_of_a_channel_stays_when_its_videos_are_deleted [KnowledgeGraphs]
                ;
            media_files "Media files hang on a video; no two have the same path.":
                must_med_c_001_create_stamps_the_clocks_time [MediaFiles]
                must_med_c_002_create_of_a_taken_id_already_exists [MediaFiles]
                must_med_c_003_create_many_creates_each_in_order [MediaFiles]
                must_med_c_004_create_many_is_all_or_nothing [MediaFiles]
                must_med_c_005_batches_are_bounded [MediaFiles]
                must_med_d_001_what_is_deleted_is_gone [MediaFiles]
                must_med_d_002_an_id_is_free_again_after_a_deletion [MediaFiles]
                must_med_d_003_delete_can_demand_a_revision [MediaFiles]
                must_med_d_004_delete_many_is_all_or_nothing [MediaFiles]
                must_med_h_001_deletion_of_its_video_hides_it_from_every_read [MediaFiles]
                must_med_h_002_restoring_its_video_brings_it_back_as_it_was [MediaFiles]
                must_med_h_003_purging_its_video_removes_it_for_good [MediaFiles]
                must_med_h_004_nothing_is_written_under_a_deleted_video [MediaFiles]
                must_med_h_005_its_video_must_exist [MediaFiles]
                must_med_h_006_it_can_be_moved_to_another_video [MediaFiles]
                must_med_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted [MediaFiles]
                must_med_h_008_it_cannot_be_moved_out_of_a_deleted_video [MediaFiles]
                must_med_l_001_a_list_stands_in_its_total_order [MediaFiles]
                must_med_l_002_filters_take_in_what_they_say_and_counts_agree [MediaFiles]
                must_med_l_003_pages_of_every_size_make_the_whole [MediaFiles]
                must_med_l_004_a_cursor_goes_on_with_any_limit [MediaFiles]
                must_med_l_005_rows_inserted_between_pages_hide_and_repeat_nothing [MediaFiles]
                must_med_l_006_rows_deleted_between_pages_hide_and_repeat_nothing [MediaFiles]
                must_med_l_007_a_cursor_belongs_to_its_order_filter_and_visibility [MediaFiles]
                must_med_l_008_a_forged_cursor_is_invalid [MediaFiles]
                must_med_l_009_limits_of_pages_are_bounded [MediaFiles]
                must_med_l_010_nothing_is_an_empty_page_and_no_error [MediaFiles]
                must_med_p_001_a_file_is_found_by_exactly_its_path [MediaFiles]
                must_med_p_002_a_path_that_no_file_can_have_finds_nothing [MediaFiles]
                must_med_p_003_no_two_files_have_the_same_path [MediaFiles]
                must_med_p_004_the_path_of_a_hidden_file_is_taken [MediaFiles]
                must_med_p_005_a_taken_id_is_told_before_a_taken_path [MediaFiles]
                must_med_p_006_items_of_a_batch_can_hand_on_their_paths [MediaFiles]
                must_med_p_007_a_path_is_free_after_a_change_and_a_deletion [MediaFiles]
                must_med_r_001_every_field_is_read_back_as_it_was_created [MediaFiles]
                must_med_r_002_every_field_is_read_back_as_it_was_updated [MediaFiles]
                must_med_r_003_ids_that_look_alike_are_different [MediaFiles]
                must_med_r_004_get_many_answers_each_id_at_its_place [MediaFiles]
                must_med_r_005_get_and_exists_agree_on_what_is_seen [MediaFiles]
                must_med_r_006_get_many_is_bounded [MediaFiles]
                must_med_u_001_update_changes_and_renews_the_revision [MediaFiles]
                must_med_u_002_an_update_to_the_same_writes_nothing [MediaFiles]
                must_med_u_003_update_of_what_is_missing_is_not_found [MediaFiles]
                must_med_u_004_update_can_demand_a_revision [MediaFiles]
                must_med_u_005_update_many_is_all_or_nothing [MediaFiles]
                must_med_u_006_upsert_says_what_it_did [MediaFiles]
                must_med_u_007_later_items_of_upsert_many_see_the_earlier_ones [MediaFiles]
                must_med_v_001_revisions_increase_whatever_the_clock_does [MediaFiles]
                must_med_v_002_updated_at_never_goes_back [MediaFiles]
                ;
            source_files "What an import knows about each file that it has met, by its path.":
                must_src_c_001_create_stamps_the_clocks_time [SourceFiles]
                must_src_c_002_create_of_a_taken_id_already_exists [SourceFiles]
                must_src_c_003_create_many_creates_each_in_order [SourceFiles]
                must_src_c_004_create_many_is_all_or_nothing [SourceFiles]
                must_src_c_005_batches_are_bounded [SourceFiles]
                must_src_d_001_what_is_deleted_is_gone [SourceFiles]
                must_src_d_002_an_id_is_free_again_after_a_deletion [SourceFiles]
                must_src_d_003_delete_can_demand_a_revision [SourceFiles]
                must_src_d_004_delete_many_is_all_or_nothing [SourceFiles]
                must_src_l_001_a_list_stands_in_its_total_order [SourceFiles]
                must_src_l_002_filters_take_in_what_they_say_and_counts_agree [SourceFiles]
                must_src_l_003_pages_of_every_size_make_the_whole [SourceFiles]
                must_src_l_004_a_cursor_goes_on_with_any_limit [SourceFiles]
                must_src_l_005_rows_inserted_between_pages_hide_and_repeat_nothing [SourceFiles]
                must_src_l_006_rows_deleted_between_pages_hide_and_repeat_nothing [SourceFiles]
                must_src_l_007_a_cursor_belongs_to_its_order_filter_and_visibility [SourceFiles]
                must_src_l_008_a_forged_cursor_is_invalid [SourceFiles]
                must_src_l_009_limits_of_pages_are_bounded [SourceFiles]
                must_src_l_010_nothing_is_an_empty_page_and_no_error [SourceFiles]
                must_src_m_001_remove_many_removes_what_is_there_and_counts_it [SourceFiles]
                must_src_m_002_remove_many_counts_a_path_once [SourceFiles]
                must_src_m_003_remove_many_is_bounded [SourceFiles]
                must_src_r_001_every_field_is_read_back_as_it_was_created [SourceFiles]
                must_src_r_002_every_field_is_read_back_as_it_was_updated [SourceFiles]
                must_src_r_003_ids_that_look_alike_are_different [SourceFiles]
                must_src_r_004_get_many_answers_each_id_at_its_place [SourceFiles]
                must_src_r_005_get_and_exists_agree_on_what_is_seen [SourceFiles]
                must_src_r_006_get_many_is_bounded [SourceFiles]
                must_src_u_001_update_changes_and_renews_the_revision [SourceFiles]
                must_src_u_002_an_update_to_the_same_writes_nothing [SourceFiles]
                must_src_u_003_update_of_what_is_missing_is_not_found [SourceFiles]
                must_src_u_004_update_can_demand_a_revision [SourceFiles]
                must_src_u_005_update_many_is_all_or_nothing [SourceFiles]
                must_src_u_006_upsert_says_what_it_did [SourceFiles]
                must_src_u_007_later_items_of_upsert_many_see_the_earlier_ones [SourceFiles]
                must_src_v_001_revisions_increase_whatever_the_clock_does [SourceFiles]
                must_src_v_002_updated_at_never_goes_back [SourceFiles]
                ;
            playlists "Playlists are ordered lists of videos, and deleted softly.":
                must_pla_c_001_create_stamps_the_clocks_time [Playlists]
                must_pla_c_002_create_of_a_taken_id_already_exists [Playlists]
                must_pla_c_003_create_many_creates_each_in_order [Playlists]
                must_pla_c_004_create_many_is_all_or_nothing [Playlists]
                must_pla_c_005_batches_are_bounded [Playlists]
                must_pla_d_001_what_is_deleted_is_gone [Playlists]
                must_pla_d_003_delete_can_demand_a_revision [Playlists]
                must_pla_d_004_delete_many_is_all_or_nothing [Playlists]
                must_pla_l_001_a_list_stands_in_its_total_order [Playlists]
                must_pla_l_002_filters_take_in_what_they_say_and_counts_agree [Playlists]
                must_pla_l_003_pages_of_every_size_make_the_whole [Playlists]
                must_pla_l_004_a_cursor_goes_on_with_any_limit [Playlists]
                must_pla_l_005_rows_inserted_between_pages_hide_and_repeat_nothing [Playlists]
                must_pla_l_006_rows_deleted_between_pages_hide_and_repeat_nothing [Playlists]
                must_pla_l_007_a_cursor_belongs_to_its_order_filter_and_visibility [Playlists]
                must_pla_l_008_a_forged_cursor_is_invalid [Playlists]
                must_pla_l_009_limits_of_pages_are_bounded [Playlists]
                must_pla_l_010_nothing_is_an_empty_page_and_no_error [Playlists]
                must_pla_p_001_purge_removes_it_deleted_or_not [Playlists]
                must_pla_p_002_purge_can_demand_a_revision [Playlists]
                must_pla_p_003_a_purged_id_is_free_again_with_a_larger_revision [Playlists]
                must_pla_r_001_every_field_is_read_back_as_it_was_created [Playlists]
                must_pla_r_002_every_field_is_read_back_as_it_was_updated [Playlists]
                must_pla_r_003_ids_that_look_alike_are_different [Playlists]
                must_pla_r_004_get_many_answers_each_id_at_its_place [Playlists]
                must_pla_r_005_get_and_exists_agree_on_what_is_seen [Playlists]
                must_pla_r_006_get_many_is_bounded [Playlists]
                must_pla_s_001_a_deletion_is_stamped_and_changes_nothing_else [Playlists]
                must_pla_s_002_the_id_of_a_deleted_playlist_is_taken [Playlists]
                must_pla_s_003_upsert_leaves_a_deleted_playlist_deleted_and_says_so [Playlists]
                must_pla_s_004_a_deleted_playlist_is_not_found_by_update_and_delete [Playlists]
                must_pla_s_005_restore_brings_it_back_and_is_stamped [Playlists]
                must_pla_s_006_restore_of_a_live_playlist_writes_nothing [Playlists]
                must_pla_s_007_restore_of_what_is_missing_is_not_found [Playlists]
                must_pla_s_008_deleted_at_follows_the_clock_and_updated_at_does_not_go_back [Playlists]
                must_pla_u_001_update_changes_and_renews_the_revision [Playlists]
                must_pla_u_002_an_update_to_the_same_writes_nothing [Playlists]
                must_pla_u_003_update_of_what_is_missing_is_not_found [Playlists]
                must_pla_u_004_update_can_demand_a_revision [Playlists]
                must_pla_u_005_update_many_is_all_or_nothing [Playlists]
                must_pla_u_006_upsert_says_what_it_did [Playlists]
                must_pla_u_007_later_items_of_upsert_many_see_the_earlier_ones [Playlists]
                must_pla_v_001_revisions_increase_whatever_the_clock_does [Playlists]
                must_pla_v_002_updated_at_never_goes_back [Playlists]
                must_pla_x_001_its_channel_must_exist [Playlists]
                must_pla_x_002_a_batch_with_an_orphan_writes_nothing [Playlists]
                must_pla_x_003_its_videos_need_not_be_there [Playlists]
                ;
            processing_tasks "Processing tasks change only by the transitions of the domain; a claim gives one to one worker.":
                must_tsk_c_001_the_oldest_task_is_claimed_first [ProcessingTasks]
                must_tsk_c_002_a_claim_does_what_the_domain_says [ProcessingTasks]
                must_tsk_c_003_only_tasks_of_the_kinds_asked_for_are_claimed [ProcessingTasks]
                must_tsk_c_004_a_task_is_not_claimed_before_it_is_available [ProcessingTasks]
                must_tsk_c_005_a_leased_task_is_claimed_again_only_when_its_lease_has_expired [ProcessingTasks]
                must_tsk_c_006_a_worker_whose_lease_was_taken_over_is_refused [ProcessingTasks]
                must_tsk_c_007_a_worker_may_go_on_after_its_lease_if_nobody_took_it [ProcessingTasks]
                must_tsk_c_008_a_claim_expires_exhausted_tasks [ProcessingTasks]
                must_tsk_c_009_a_claim_expires_only_tasks_of_its_kinds_and_not_without_bound [ProcessingTasks]
                must_tsk_c_010_an_expired_task_keeps_no_claimable_one_back [ProcessingTasks]
                must_tsk_c_011_a_lease_is_bounded [ProcessingTasks]
                must_tsk_c_012_eight_workers_get_each_task_once [ProcessingTasks]
                must_tsk_c_013_a_task_whose_lease_expired_keeps_its_place_in_the_queue [ProcessingTasks]
                must_tsk_c_014_a_claim_of_one_task_gives_that_or_none [ProcessingTasks]
                must_tsk_c_015_a_claim_of_one_task_leaves_all_others_as_they_are [ProcessingTasks]
                must_tsk_e_001_enqueue_of_a_taken_id_already_exists [ProcessingTasks]
                must_tsk_e_002_a_task_that_the_domain_refuses_is_invalid [ProcessingTasks]
                must_tsk_e_003_a_target_need_not_exist [ProcessingTasks]
                must_tsk_f_001_a_target_that_no_task_can_have_finds_nothing [ProcessingTasks]
                must_tsk_f_002_finished_tasks_are_removed_oldest_first [ProcessingTasks]
                must_tsk_f_003_the_limit_of_a_removal_is_bounded [ProcessingTasks]
                must_tsk_f_004_a_removed_id_is_free_again_with_a_larger_revision [ProcessingTasks]
                must_tsk_l_001_a_list_stands_in_its_total_order [ProcessingTasks]
                must_tsk_l_002_filters_take_in_what_they_say_and_counts_agree [ProcessingTasks]
                must_tsk_l_003_pages_of_every_size_make_the_whole [ProcessingTasks]
                must_tsk_l_004_a_cursor_goes_on_with_any_limit [ProcessingTasks]
                must_tsk_l_005_rows_inserted_between_pages_hide_and_repeat_nothing [ProcessingTasks]
                must_tsk_l_007_a_cursor_belongs_to_its_order_and_filter [ProcessingTasks]
                must_tsk_l_008_a_forged_cursor_is_invalid [ProcessingTasks]
                must_tsk_l_009_limits_of_pages_are_bounded [ProcessingTasks]
                must_tsk_l_010_nothing_is_an_empty_page_and_no_error [ProcessingTasks]
                must_tsk_r_001_every_field_is_read_back_as_it_was_enqueued [ProcessingTasks]
                must_tsk_r_002_get_many_answers_each_id_at_its_place [ProcessingTasks]
                must_tsk_r_003_get_and_exists_agree_on_what_is_seen [ProcessingTasks]
                must_tsk_r_004_get_many_is_bounded [ProcessingTasks]
                must_tsk_w_001_a_heartbeat_sets_the_end_of_the_lease [ProcessingTasks]
                must_tsk_w_002_progress_is_noted_and_may_go_back [ProcessingTasks]
                must_tsk_w_003_a_transition_that_changes_nothing_is_written_all_the_same [ProcessingTasks]
                must_tsk_w_004_a_completed_task_has_succeeded [ProcessingTasks]
                must_tsk_w_005_a_failed_task_is_tried_again_after_its_delay [ProcessingTasks]
                must_tsk_w_006_a_task_fails_for_good_without_a_delay_or_after_its_last_attempt [ProcessingTasks]
                must_tsk_w_007_retry_gives_all_attempts_again [ProcessingTasks]
                must_tsk_w_008_a_pending_or_running_task_can_be_cancelled [ProcessingTasks]
                must_tsk_w_009_what_the_domain_refuses_is_a_conflict_and_writes_nothing [ProcessingTasks]
                must_tsk_w_010_a_transition_of_a_missing_task_is_not_found [ProcessingTasks]
                must_tsk_w_011_updated_at_never_goes_back [ProcessingTasks]
                ;
            search "Search finds the passages in which the query holds, as the domain says, and shows them by video and language.":
                must_sea_f_001_channel_video_and_language_narrow_a_search [Search]
                must_sea_f_002_deleted_videos_are_found_only_by_those_who_ask [Search]
                must_sea_f_003_kind_date_and_title_narrow_a_search [Search]
                must_sea_h_001_a_hit_shows_its_video_and_the_cues_of_the_domain [Search]
                must_sea_h_002_title_and_description_are_one_text_without_language [Search]
                must_sea_h_003_a_transcript_is_one_hit_however_often_it_matches [Search]
                must_sea_m_001_sixty_queries_find_what_the_model_finds [Search]
                must_sea_m_002_the_model_holds_after_many_writes [Search]
                must_sea_m_003_sixty_queries_of_groups_find_what_the_model_finds [Search]
                must_sea_o_001_hits_by_date_stand_in_their_total_order [Search]
                must_sea_o_002_scores_are_finite_and_in_order_and_absent_by_date [Search]
                must_sea_o_003_more_occurrences_score_higher [Search]
                must_sea_o_004_a_rarer_word_scores_higher [Search]
                must_sea_o_005_a_longer_passage_does_not_score_higher [Search]
                must_sea_o_006_more_of_the_words_score_higher [Search]
                should_sea_o_007_scores_depend_on_what_is_there_alone [Search]
                must_sea_o_008_titles_and_descriptions_weigh_more [Search]
                must_sea_p_001_pages_of_every_size_make_the_whole [Search]
                must_sea_p_002_writes_between_pages_by_date_hide_and_repeat_nothing [Search]
                must_sea_p_003_a_cursor_belongs_to_its_search [Search]
                must_sea_p_004_the_limit_of_a_page_is_bounded [Search]
                must_sea_p_005_no_word_is_common_among_few_passages [Search]
                must_sea_q_001_a_word_is_found_whatever_its_case_and_accents [Search]
                must_sea_q_002_a_phrase_is_found_across_cues_and_in_its_order_only [Search]
                must_sea_q_003_a_prefix_finds_what_begins_so [Search]
                must_sea_q_004_exclusion_or_and_and [Search]
                must_sea_q_005_a_query_must_hold_in_one_passage [Search]
                must_sea_q_006_every_script_is_found [Search]
                must_sea_q_007_no_query_speaks_the_engines_own_language [Search]
                must_sea_q_008_long_words_phrases_and_queries_are_answered [Search]
                must_sea_q_009_groups_stand_in_groups [Search]
                must_sea_t_001_latin_words_are_found_without_their_accents [Search]
                must_sea_t_002_german_words_are_found_by_vowels_and_double_s [Search]
                must_sea_t_003_turkish_words_are_found_whichever_i_they_have [Search]
                must_sea_t_004_greek_words_are_found_without_tonos_and_by_any_sigma [Search]
                must_sea_t_005_cyrillic_letters_are_told_apart_and_io_is_ie [Search]
                must_sea_t_006_arabic_words_are_found_in_every_spelling [Search]
                must_sea_t_007_hebrew_words_are_found_without_niqqud [Search]
                must_sea_t_008_hindi_words_are_found_in_every_spelling [Search]
                must_sea_t_009_thai_words_are_found_inside_of_others [Search]
                must_sea_t_010_chinese_words_are_found_inside_of_others [Search]
                must_sea_t_011_japanese_words_are_found_in_any_width [Search]
                must_sea_t_012_korean_words_are_found_with_their_particles [Search]
                must_sea_t_013_names_with_signs_are_found_as_phrases [Search]
                must_sea_t_014_words_of_further_scripts_are_found [Search]
                must_sea_x_001_search_follows_every_write_of_a_transcript [Search]
                must_sea_x_002_search_follows_title_and_description [Search]
                must_sea_x_003_search_follows_deletion_restoring_and_purge_of_the_video [Search]
                must_sea_x_004_search_inside_a_unit_of_work_sees_its_writes_alone [Search UnitsOfWork]
                must_sea_x_005_a_refused_write_leaves_no_trace_in_search [Search UnitsOfWork]
                must_sea_x_006_search_follows_channel_and_date_of_the_video [Search]
                ;
            units_of_work "A unit of work is several calls as one transaction: all of it at commit, or nothing.":
                must_uow_a_001_a_commit_makes_all_of_it_visible [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_a_002_a_rollback_forgets_all_of_it [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_a_003_dropping_it_forgets_all_of_it [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_a_004_a_panic_of_its_owner_forgets_all_of_it [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_a_005_cancelling_its_owner_forgets_all_of_it [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_d_001_dropping_a_call_that_had_begun_ends_it [UnitsOfWork]
                must_uow_d_002_a_call_that_was_never_polled_has_not_happened [UnitsOfWork]
                must_uow_d_003_calls_polled_at_the_same_time_run_one_after_the_other [UnitsOfWork]
                must_uow_e_001_an_error_that_changed_nothing_leaves_it_usable [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks]
                must_uow_e_002_a_refused_batch_leaves_what_was_done_before [UnitsOfWork]
                must_uow_e_003_a_conflict_of_revisions_ends_it [UnitsOfWork]
                must_uow_e_004_a_refused_transition_ends_it [UnitsOfWork ProcessingTasks]
                must_uow_e_005_every_write_in_a_read_only_unit_is_refused [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_e_006_a_claim_in_a_unit_of_work_is_unsupported [UnitsOfWork ProcessingTasks]
                must_uow_e_007_the_transitions_of_a_task_are_part_of_it [UnitsOfWork ProcessingTasks]
                must_uow_i_001_it_reads_what_it_wrote [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_i_002_nobody_sees_it_before_it_is_committed [UnitsOfWork]
                must_uow_i_003_a_read_only_unit_sees_one_moment [UnitsOfWork]
                must_uow_i_004_it_sees_all_that_was_acknowledged_before_it_began [UnitsOfWork]
                must_uow_i_005_a_writing_unit_sees_one_moment_too [UnitsOfWork]
                must_uow_i_006_no_update_is_lost [UnitsOfWork]
                must_uow_i_007_no_write_is_skewed [UnitsOfWork]
                must_uow_w_001_a_second_writer_gets_its_turn [UnitsOfWork]
                must_uow_w_002_a_second_writer_does_not_wait_longer_than_configured [UnitsOfWork]
                must_uow_w_003_a_single_write_does_not_wait_longer_than_configured [UnitsOfWork ProcessingTasks]
                must_uow_w_004_reads_do_not_wait_for_an_open_writer [Search UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_uow_w_005_after_its_deadline_it_has_ended [UnitsOfWork]
                must_uow_w_006_a_forgotten_writer_lets_the_next_one_in_after_its_deadline [UnitsOfWork]
                must_uow_w_007_more_units_than_connections_are_answered_in_time [UnitsOfWork]
                must_uow_w_008_a_waiter_that_gives_up_leaves_nothing_behind [UnitsOfWork]
                ;
            transactions "`transact` and the loop of attempts, on the units of work of the adapter.":
                must_trx_t_001_success_is_committed [UnitsOfWork]
                must_trx_t_002_an_error_is_rolled_back_and_handed_on [UnitsOfWork]
                must_trx_t_003_work_that_gave_way_is_run_again_on_a_clean_unit [UnitsOfWork]
                must_trx_t_004_the_loop_commits_and_rolls_back [UnitsOfWork]
                must_trx_t_005_read_only_work_reads_and_does_not_write [UnitsOfWork]
                ;
            isolation "No anomaly: what units of work and single calls read and leave is explained by a serial order.":
                must_iso_g_001_writes_of_two_units_of_work_do_not_mix [UnitsOfWork]
                must_iso_g_002_nothing_is_read_that_is_rolled_back [UnitsOfWork]
                must_iso_g_003_nothing_is_read_that_is_overwritten_before_its_commit [UnitsOfWork]
                must_iso_g_004_two_units_of_work_do_not_read_from_each_other [UnitsOfWork]
                must_iso_g_005_what_was_observed_does_not_vanish [UnitsOfWork]
                must_iso_g_006_what_a_predicate_takes_in_stays_so [UnitsOfWork Search]
                must_iso_g_007_no_update_is_lost [UnitsOfWork]
                must_iso_g_008_two_reads_belong_to_one_moment [UnitsOfWork]
                must_iso_g_009_no_write_is_skewed_that_follows_from_an_entity [UnitsOfWork]
                must_iso_g_010_no_write_is_skewed_that_follows_from_a_list [UnitsOfWork]
                must_iso_g_011_no_write_is_skewed_that_follows_from_a_count [UnitsOfWork]
                must_iso_g_012_no_write_is_skewed_that_follows_from_a_search [UnitsOfWork Search]
                must_iso_g_013_what_a_third_one_has_seen_binds_the_first [UnitsOfWork]
                must_iso_g_014_nothing_is_attached_to_what_another_one_deletes [UnitsOfWork]
                must_iso_g_015_two_units_of_work_do_not_create_one_id [UnitsOfWork]
                must_iso_r_002_a_reader_sees_nothing_that_is_rolled_back [UnitsOfWork]
                must_iso_r_003_a_reader_sees_nothing_that_is_overwritten_before_its_commit [UnitsOfWork]
                must_iso_r_005_what_a_reader_observed_does_not_vanish [UnitsOfWork]
                must_iso_r_006_what_a_readers_predicate_takes_in_stays_so [UnitsOfWork Search]
                must_iso_r_008_two_reads_of_a_reader_belong_to_one_moment [UnitsOfWork]
                must_iso_r_013_what_a_reader_has_seen_binds_the_writers [UnitsOfWork]
                must_iso_s_001_a_batch_does_not_mix_with_a_unit_of_work [UnitsOfWork]
                must_iso_s_002_a_single_read_sees_nothing_that_is_rolled_back [UnitsOfWork Search]
                must_iso_s_003_a_single_read_sees_nothing_that_is_overwritten_before_its_commit [UnitsOfWork Search]
                must_iso_s_005_what_a_single_read_observed_does_not_vanish [UnitsOfWork]
                must_iso_s_006_a_single_write_does_not_change_what_a_predicate_takes_in [UnitsOfWork Search]
                must_iso_s_007_no_single_update_is_lost [UnitsOfWork]
                must_iso_s_008_a_batch_does_not_come_between_two_reads [UnitsOfWork]
                must_iso_s_013_what_a_single_read_has_seen_binds_the_writer [UnitsOfWork]
                must_iso_s_014_a_single_deletion_leaves_no_reference_behind [UnitsOfWork]
                must_iso_s_015_a_single_call_and_a_unit_of_work_do_not_create_one_id [UnitsOfWork]
                must_iso_s_016_no_update_is_lost_that_demands_a_revision [UnitsOfWork]
                must_iso_t_006_a_single_write_does_not_change_what_a_readers_predicate_takes_in [UnitsOfWork Search]
                must_iso_t_008_a_batch_does_not_come_between_two_reads_of_a_reader [UnitsOfWork]
                ;
            concurrency "Many callers at once.":
                must_con_n_001_fifty_units_of_work_at_once_are_all_committed [UnitsOfWork]
                must_con_n_002_fifty_single_writes_at_once_are_all_done
                must_con_n_003_no_update_that_demands_a_revision_is_lost
                must_con_n_004_no_update_in_a_unit_of_work_is_lost [UnitsOfWork]
                must_con_n_005_of_many_that_create_one_id_one_succeeds
                stochastic_con_n_006_of_two_that_exclude_each_other_one_succeeds [UnitsOfWork]
                stochastic_con_n_007_a_reader_sees_all_of_a_unit_of_work_or_nothing [UnitsOfWork]
                stochastic_con_n_008_list_and_count_agree_inside_a_unit_of_work [UnitsOfWork]
                must_con_n_009_a_cancelled_write_happens_wholly_or_not_at_all
                must_con_n_010_cancelled_reads_leave_nothing_behind [UnitsOfWork]
                ;
            linearizability "What many clients see at once could have been seen by one after the other.":
                stochastic_lin_c_001_cancelled_calls_of_keys_happen_at_one_moment_or_never
                stochastic_lin_c_002_cancelled_calls_of_the_queue_happen_at_one_moment_or_never [ProcessingTasks]
                stochastic_lin_c_003_cancelled_units_of_work_happen_at_one_moment_or_never [UnitsOfWork]
                stochastic_lin_k_001_calls_of_keys_happen_at_one_moment_each
                stochastic_lin_k_002_revisions_follow_the_order_of_changes
                stochastic_lin_q_001_calls_of_the_queue_happen_at_one_moment_each [ProcessingTasks]
                stochastic_lin_u_001_units_of_work_happen_at_one_moment_each [UnitsOfWork]
                ;
            cancellation "The future of each call, dropped after each of its polls: nothing is torn, lost or kept waiting.":
                must_can_c_001_a_dropped_get_of_a_channel_leaves_nothing_behind [UnitsOfWork]
                must_can_c_002_a_dropped_get_many_of_channels_leaves_nothing_behind [UnitsOfWork]
                must_can_c_003_a_dropped_exists_of_a_channel_leaves_nothing_behind [UnitsOfWork]
                must_can_c_004_a_dropped_list_of_channels_leaves_nothing_behind [UnitsOfWork]
                must_can_c_005_a_dropped_count_of_channels_leaves_nothing_behind [UnitsOfWork]
                must_can_c_006_a_dropped_create_of_a_channel_is_all_or_nothing [UnitsOfWork]
                must_can_c_007_a_dropped_create_many_of_channels_is_all_or_nothing [UnitsOfWork]
                must_can_c_008_a_dropped_update_of_a_channel_is_all_or_nothing [UnitsOfWork]
                must_can_c_009_a_dropped_update_many_of_channels_is_all_or_nothing [UnitsOfWork]
                must_can_c_010_a_dropped_upsert_of_a_channel_is_all_or_nothing [UnitsOfWork]
                must_can_c_011_a_dropped_upsert_many_of_channels_is_all_or_nothing [UnitsOfWork]
                must_can_c_012_a_dropped_delete_of_a_channel_is_all_or_nothing [UnitsOfWork]
                must_can_c_013_a_dropped_delete_many_of_channels_is_all_or_nothing [UnitsOfWork]
                must_can_f_001_a_dropped_get_of_a_source_file_leaves_nothing_behind [UnitsOfWork SourceFiles]
                must_can_f_002_a_dropped_get_many_of_source_files_leaves_nothing_behind [UnitsOfWork SourceFiles]
                must_can_f_003_a_dropped_exists_of_a_source_file_leaves_nothing_behind [UnitsOfWork SourceFiles]
                must_can_f_004_a_dropped_list_of_source_files_leaves_nothing_behind [UnitsOfWork SourceFiles]
                must_can_f_005_a_dropped_count_of_source_files_leaves_nothing_behind [UnitsOfWork SourceFiles]
                must_can_f_006_a_dropped_create_of_a_source_file_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_007_a_dropped_create_many_of_source_files_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_008_a_dropped_update_of_a_source_file_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_009_a_dropped_update_many_of_source_files_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_010_a_dropped_upsert_of_a_source_file_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_011_a_dropped_upsert_many_of_source_files_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_012_a_dropped_delete_of_a_source_file_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_013_a_dropped_delete_many_of_source_files_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_f_014_a_dropped_remove_many_of_source_files_is_all_or_nothing [UnitsOfWork SourceFiles]
                must_can_g_001_a_dropped_get_of_a_graph_leaves_nothing_behind [UnitsOfWork KnowledgeGraphs]
                must_can_g_002_a_dropped_get_many_of_graphs_leaves_nothing_behind [UnitsOfWork KnowledgeGraphs]
                must_can_g_003_a_dropped_exists_of_a_graph_leaves_nothing_behind [UnitsOfWork KnowledgeGraphs]
                must_can_g_004_a_dropped_list_of_graphs_leaves_nothing_behind [UnitsOfWork KnowledgeGraphs]
                must_can_g_005_a_dropped_count_of_graphs_leaves_nothing_behind [UnitsOfWork KnowledgeGraphs]
                must_can_g_006_a_dropped_create_of_a_graph_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_007_a_dropped_create_many_of_graphs_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_008_a_dropped_update_of_a_graph_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_009_a_dropped_update_many_of_graphs_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_010_a_dropped_upsert_of_a_graph_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_011_a_dropped_upsert_many_of_graphs_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_012_a_dropped_delete_of_a_graph_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_g_013_a_dropped_delete_many_of_graphs_is_all_or_nothing [UnitsOfWork KnowledgeGraphs]
                must_can_l_001_a_dropped_get_of_a_playlist_leaves_nothing_behind [UnitsOfWork Playlists]
                must_can_l_002_a_dropped_get_many_of_playlists_leaves_nothing_behind [UnitsOfWork Playlists]
                must_can_l_003_a_dropped_exists_of_a_playlist_leaves_nothing_behind [UnitsOfWork Playlists]
                must_can_l_004_a_dropped_list_of_playlists_leaves_nothing_behind [UnitsOfWork Playlists]
                must_can_l_005_a_dropped_count_of_playlists_leaves_nothing_behind [UnitsOfWork Playlists]
                must_can_l_006_a_dropped_create_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_007_a_dropped_create_many_of_playlists_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_008_a_dropped_update_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_009_a_dropped_update_many_of_playlists_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_010_a_dropped_upsert_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_011_a_dropped_upsert_many_of_playlists_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_012_a_dropped_delete_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_013_a_dropped_delete_many_of_playlists_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_014_a_dropped_restore_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_l_015_a_dropped_purge_of_a_playlist_is_all_or_nothing [UnitsOfWork Playlists]
                must_can_m_001_a_dropped_get_of_a_media_file_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_m_002_a_dropped_get_many_of_media_files_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_m_003_a_dropped_exists_of_a_media_file_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_m_004_a_dropped_list_of_media_files_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_m_005_a_dropped_count_of_media_files_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_m_006_a_dropped_create_of_a_media_file_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_007_a_dropped_create_many_of_media_files_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_008_a_dropped_update_of_a_media_file_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_009_a_dropped_update_many_of_media_files_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_010_a_dropped_upsert_of_a_media_file_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_011_a_dropped_upsert_many_of_media_files_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_012_a_dropped_delete_of_a_media_file_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_013_a_dropped_delete_many_of_media_files_is_all_or_nothing [UnitsOfWork MediaFiles]
                must_can_m_014_a_dropped_get_by_path_leaves_nothing_behind [UnitsOfWork MediaFiles]
                must_can_p_001_a_dropped_get_of_a_task_leaves_nothing_behind [UnitsOfWork ProcessingTasks]
                must_can_p_002_a_dropped_get_many_of_tasks_leaves_nothing_behind [UnitsOfWork ProcessingTasks]
                must_can_p_003_a_dropped_exists_of_a_task_leaves_nothing_behind [UnitsOfWork ProcessingTasks]
                must_can_p_004_a_dropped_list_of_tasks_leaves_nothing_behind [UnitsOfWork ProcessingTasks]
                must_can_p_005_a_dropped_count_of_tasks_leaves_nothing_behind [UnitsOfWork ProcessingTasks]
                must_can_p_006_a_dropped_enqueue_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_007_a_dropped_claim_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_008_a_dropped_heartbeat_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_009_a_dropped_report_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_010_a_dropped_complete_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_011_a_dropped_fail_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_012_a_dropped_retry_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_013_a_dropped_cancel_of_a_task_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_p_014_a_dropped_remove_finished_of_tasks_is_all_or_nothing [UnitsOfWork ProcessingTasks]
                must_can_s_001_a_dropped_begin_leaves_the_right_to_write_free [UnitsOfWork]
                must_can_s_002_a_dropped_begin_to_read_leaves_its_connection_free [UnitsOfWork]
                must_can_s_003_a_dropped_health_leaves_nothing_behind [UnitsOfWork]
                must_can_s_004_a_dropped_close_closes_the_store_wholly_or_not_at_all [UnitsOfWork]
                must_can_t_001_a_dropped_get_of_a_transcript_leaves_nothing_behind [UnitsOfWork]
                must_can_t_002_a_dropped_get_many_of_transcripts_leaves_nothing_behind [UnitsOfWork]
                must_can_t_003_a_dropped_exists_of_a_transcript_leaves_nothing_behind [UnitsOfWork]
                must_can_t_004_a_dropped_list_of_transcripts_leaves_nothing_behind [UnitsOfWork]
                must_can_t_005_a_dropped_count_of_transcripts_leaves_nothing_behind [UnitsOfWork]
                must_can_t_006_a_dropped_create_of_a_transcript_is_all_or_nothing [UnitsOfWork]
                must_can_t_007_a_dropped_create_many_of_transcripts_is_all_or_nothing [UnitsOfWork]
                must_can_t_008_a_dropped_update_of_a_transcript_is_all_or_nothing [UnitsOfWork]
                must_can_t_009_a_dropped_update_many_of_transcripts_is_all_or_nothing [UnitsOfWork]
                must_can_t_010_a_dropped_upsert_of_a_transcript_is_all_or_nothing [UnitsOfWork]
                must_can_t_011_a_dropped_upsert_many_of_transcripts_is_all_or_nothing [UnitsOfWork]
                must_can_t_012_a_dropped_delete_of_a_transcript_is_all_or_nothing [UnitsOfWork]
                must_can_t_013_a_dropped_delete_many_of_transcripts_is_all_or_nothing [UnitsOfWork]
                must_can_t_014_a_dropped_search_leaves_nothing_behind [UnitsOfWork Search]
                must_can_u_001_a_dropped_commit_is_all_or_nothing [UnitsOfWork]
                must_can_u_002_a_dropped_rollback_keeps_nothing [UnitsOfWork]
                must_can_u_003_an_owner_dropped_half_way_leaves_all_or_nothing [UnitsOfWork]
                must_can_u_004_an_owner_that_only_reads_leaves_nothing_behind [UnitsOfWork]
                must_can_u_005_a_dropped_read_ends_its_unit_of_work [UnitsOfWork Search KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_can_u_006_a_dropped_read_ends_its_read_only_unit_of_work [UnitsOfWork Search KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_can_u_007_a_dropped_write_ends_its_unit_of_work [UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_can_u_008_dropping_a_unit_of_work_gives_back_what_it_holds [UnitsOfWork]
                must_can_v_001_a_dropped_get_of_a_video_leaves_nothing_behind [UnitsOfWork]
                must_can_v_002_a_dropped_get_many_of_videos_leaves_nothing_behind [UnitsOfWork]
                must_can_v_003_a_dropped_exists_of_a_video_leaves_nothing_behind [UnitsOfWork]
                must_can_v_004_a_dropped_list_of_videos_leaves_nothing_behind [UnitsOfWork]
                must_can_v_005_a_dropped_count_of_videos_leaves_nothing_behind [UnitsOfWork]
                must_can_v_006_a_dropped_create_of_a_video_is_all_or_nothing [UnitsOfWork]
                must_can_v_007_a_dropped_create_many_of_videos_is_all_or_nothing [UnitsOfWork]
                must_can_v_008_a_dropped_update_of_a_video_is_all_or_nothing [UnitsOfWork]
                must_can_v_009_a_dropped_update_many_of_videos_is_all_or_nothing [UnitsOfWork]
                must_can_v_010_a_dropped_upsert_of_a_video_is_all_or_nothing [UnitsOfWork]
                must_can_v_011_a_dropped_upsert_many_of_videos_is_all_or_nothing [UnitsOfWork]
                must_can_v_012_a_dropped_delete_of_a_video_is_all_or_nothing [UnitsOfWork KnowledgeGraphs MediaFiles]
                must_can_v_013_a_dropped_delete_many_of_videos_is_all_or_nothing [UnitsOfWork]
                must_can_v_014_a_dropped_restore_of_a_video_is_all_or_nothing [UnitsOfWork KnowledgeGraphs MediaFiles]
                must_can_v_015_a_dropped_purge_of_a_video_is_all_or_nothing [UnitsOfWork KnowledgeGraphs MediaFiles]
                ;
            closing "Health, and the end of a store.":
                must_clo_h_001_a_store_that_works_says_so
                must_clo_x_001_a_closed_store_answers_closed
                must_clo_x_002_closing_again_succeeds
                must_clo_x_003_an_open_unit_of_work_goes_on_and_close_waits_for_it [UnitsOfWork]
                must_clo_x_004_dropping_a_close_does_not_open_it_again [UnitsOfWork]
                must_clo_x_005_closing_one_store_leaves_others_open
                ;
            durability "What was acknowledged is there when the store is opened again, also after its process was killed.":
                stochastic_dur_k_001_no_acknowledged_write_is_lost_by_a_kill [Durability]
                stochastic_dur_k_002_no_unit_of_work_is_torn_by_a_kill [Durability UnitsOfWork]
                must_dur_r_001_what_was_written_is_there_after_closing_and_opening [Durability KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_dur_r_002_a_store_that_was_dropped_without_closing_can_be_opened [Durability UnitsOfWork KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_dur_r_003_what_was_not_committed_is_not_there [Durability UnitsOfWork]
                must_dur_r_004_deletions_and_revisions_go_on_after_opening [Durability KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_dur_r_005_search_finds_after_opening_what_it_found_before [Durability Search KnowledgeGraphs MediaFiles ProcessingTasks SourceFiles Playlists]
                must_dur_r_006_a_lease_outlives_its_store [Durability ProcessingTasks]
                ;
            model "Sequences of calls, drawn from a seed: a store answers each of them as a plain model does.":
                stochastic_mod_s_001_sequences_of_calls_answer_as_the_model
                stochastic_mod_s_002_sequences_with_units_of_work_answer_as_the_model [UnitsOfWork]
                stochastic_mod_s_003_sequences_of_tasks_under_a_jumping_clock_answer_as_the_model [ProcessingTasks]
                stochastic_mod_s_004_sequences_of_pages_between_writes_answer_as_the_model
                stochastic_mod_s_005_sequences_of_searches_between_writes_answer_as_the_model [Search]
                ;
            adoption "What another store has stored is taken in as it is there.":
                must_ado_c_001_channels_are_taken_in_as_they_are_elsewhere [Adoption]
                must_ado_c_002_videos_are_taken_in_as_they_are_elsewhere [Adoption]
                must_ado_c_003_transcripts_are_taken_in_as_they_are_elsewhere [Adoption]
                must_ado_c_004_graphs_are_taken_in_as_they_are_elsewhere [Adoption KnowledgeGraphs]
                must_ado_c_005_media_files_are_taken_in_as_they_are_elsewhere [Adoption MediaFiles]
                must_ado_c_006_tasks_are_taken_in_in_whatever_state_they_are [Adoption ProcessingTasks]
                must_ado_c_007_source_files_are_taken_in_as_they_are_elsewhere [Adoption SourceFiles]
                must_ado_c_008_playlists_are_taken_in_as_they_are_elsewhere [Adoption Playlists]
                must_ado_d_001_what_is_deleted_elsewhere_is_deleted_here [Adoption]
                must_ado_d_002_a_playlist_that_is_deleted_elsewhere_is_deleted_here [Adoption Playlists]
                must_ado_r_001_what_is_there_is_refused_and_nothing_is_taken_in [Adoption]
                must_ado_r_002_what_it_belongs_to_must_be_there [Adoption]
                must_ado_r_003_times_that_no_store_gives_and_too_many_items_are_invalid [Adoption]
                must_ado_s_001_what_is_taken_in_is_found [Adoption Search]
                ;
            capabilities "What is declared absent is refused as `Unsupported`. Each rule is for adapters that declare so.":
                must_cap_a_001_absent_search_is_refused [Search]
                must_cap_a_002_absent_units_of_work_are_refused [UnitsOfWork]
                must_cap_a_003_absent_knowledge_graphs_are_refused [KnowledgeGraphs]
                must_cap_a_004_absent_media_files_are_refused [MediaFiles]
                must_cap_a_005_absent_processing_tasks_are_refused [ProcessingTasks]
                must_cap_a_006_absent_durability_offers_no_reopening [Durability]
                must_cap_a_007_absent_adoption_is_refused [Adoption]
                must_cap_a_008_absent_source_files_are_refused [SourceFiles]
                must_cap_a_009_absent_playlists_are_refused [Playlists]
                ;
        }
    };
}

__for_each_rule! { [rules_table] [] }

/// A promise that no rule tries, because nothing can try it through the ports alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untested {
    /// Its name; its id is made of it as that of a rule.
    pub name: &'static str,
    /// What stands in the way, and who should try it instead.
    pub why: &'static str,
}

/// The promises that the suite cannot try. They bind an adapter all the same.
pub static UNTESTED: &[Untested] = &[
    Untested {
        name: "untested_dur_p_001_full_synchronisation_survives_a_power_loss",
        why: "A kill leaves the caches of the operating system whole. Try it with a simulated disk.",
    },
    Untested {
        name: "untested_err_s_001_a_full_disk_is_storage_full_and_loses_nothing",
        why: "The suite has no disk to fill. Try it with a small file system, or a quota.",
    },
    Untested {
        name: "untested_err_s_002_a_stored_row_that_the_domain_refuses_is_corrupt",
        why: "The ports write no such row. Damage a stored one by the engine's own means.",
    },
    Untested {
        name: "untested_err_s_003_a_store_that_can_only_be_read_answers_read_only",
        why: "Whether a store can only be read is a matter of its configuration.",
    },
    Untested {
        name: "untested_err_s_004_a_newer_schema_is_a_schema_mismatch",
        why: "Schemas are the adapter's own.",
    },
    Untested {
        name: "untested_err_u_001_a_server_that_stalls_is_unavailable_or_a_timeout_in_time",
        why: "The suite has no server to stop. Stop yours, or put a proxy between.",
    },
    Untested {
        name: "untested_err_c_001_no_error_shows_a_credential",
        why: "The suite knows none. Open a store with a credential that is easy to find, and look for it.",
    },
    Untested {
        name: "untested_tsk_p_001_a_claim_may_pass_over_a_task_that_is_being_changed",
        why: "A permission; there is nothing to break.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The contract as a text.
    fn contract_md() -> String {
        let mut text = format!(
            "# The contract\n\n{} rules that every storage adapter keeps, made from the registry of the suite \
             (`src/registry.rs`); do not edit.\n\n\
             A **must** rule fails for one reason only: the promise is broken. A **should** rule is what a good \
             adapter does. A **stochastic** rule binds like a must rule, but whether it catches a wrong adapter \
             depends on how tasks are scheduled or on the seed; a right adapter never fails it. Each rule is \
             tried on both flavours of tokio runtime, on a fresh store. An id is never given to another rule. \
             What a rule needs and an adapter may declare absent stands in brackets.\n",
            RULES.len()
        );
        for (area, about) in AREAS {
            let rules: Vec<_> = RULES.iter().filter(|rule| rule.area() == *area).collect();
            text += &format!("\n## {} ({})\n\n{about}\n\n", area.replace('_', " "), rules.len());
            for rule in rules {
                let strength = format!("{:?}", rule.strength()).to_lowercase();
                let needs: Vec<_> = rule.needs().iter().map(ToString::to_string).collect();
                let needs = if needs.is_empty() { String::new() } else { format!(" [{}]", needs.join(", ")) };
                text += &format!("- **{}** ({strength}) {}.{needs}\n", rule.id(), rule.title());
            }
        }
        text += &format!(
            "\n## untested ({})\n\nPromises that no suite can try through the ports.\n\n",
            UNTESTED.len()
        );
        for untested in UNTESTED {
            text += &format!("- **{}** {}. {}\n", id(untested.name), title(untested.name), untested.why);
        }
        text
    }

    #[test]
    fn ids_are_unique_and_well_formed() {
        let mut ids = HashSet::new();
        for rule in RULES {
            let id = rule.id();
            let parts: Vec<_> = id.split('-').collect();
            assert!(
                parts.len() == 3
                    && parts[0].len() == 3
                    && parts[1].len() == 1
                    && parts[2].len() == 3
                    && parts[2].parse::<u16>().is_ok(),
                "{id} of {rule:?}"
            );
            assert!(rule.title().len() > 10, "{rule:?} has no title");
            assert!(["must", "should", "stochastic"].contains(&rule.name().split('_').next().unwrap()));
            assert!(ids.insert(id), "{rule:?} has the id of another rule");
        }
        for untested in UNTESTED {
            assert!(ids.insert(id(untested.name)), "{untested:?}");
        }
    }

    #[test]
    fn rules_stand_by_area_and_id() {
        assert!(
            AREAS
                .iter()
                .map(|(area, _)| *area)
                .eq(RULES.chunk_by(|a, b| a.area() == b.area()).map(|area| area[0].area()))
        );
        for area in RULES.chunk_by(|a, b| a.area() == b.area()) {
            assert!(area.is_sorted_by_key(|rule| rule.id()), "{}", area[0].area());
            assert_eq!(RULES.iter().filter(|rule| rule.area() == area[0].area()).count(), area.len());
        }
    }

    #[test]
    fn the_front_page_counts_the_rules() {
        let page = include_str!("lib.rs");
        assert!(page.contains(&format!("{} rules", RULES.len())), "there are {} rules", RULES.len());
    }

    /// `TUBEATLAS_WRITE_RULES=1 cargo test -p tubeatlas-contract` writes it anew.
    #[test]
    fn contract_md_lists_the_rules() {
        let text = contract_md();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRACT.md");
        if std::env::var_os("TUBEATLAS_WRITE_RULES").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap_or_default() == text, "CONTRACT.md is out of date");
    }
}
