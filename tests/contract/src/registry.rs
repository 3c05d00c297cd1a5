//! The one list of rules.

use crate::macros::rules_table;

/// Calls a macro with all rules: `[context] area: rule rule …; area: …;`.
///
/// An id is never given to another rule, also when its rule is gone.
#[doc(hidden)]
#[macro_export]
macro_rules! __for_each_rule {
    ([$($callback:tt)*] [$($context:tt)*]) => {
        $($callback)* ! { [$($context)*]
            channels:
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
                must_chn_x_003_a_channel_with_a_graph_cannot_be_deleted
                must_chn_x_004_a_video_is_named_before_a_graph
                must_chn_x_005_a_video_that_moves_frees_its_old_channel
                must_chn_x_006_a_wrong_revision_is_told_before_a_reference
                must_chn_x_007_delete_many_with_a_referenced_channel_deletes_none
                must_chn_x_008_a_video_cannot_refer_to_a_channel_that_is_gone
                ;
            videos:
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
                must_vid_p_004_tasks_that_name_a_purged_video_stay
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
            transcripts:
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
            knowledge_graphs:
                must_gra_c_001_create_stamps_the_clocks_time
                must_gra_c_002_create_of_a_taken_id_already_exists
                must_gra_c_003_create_many_creates_each_in_order
                must_gra_c_004_create_many_is_all_or_nothing
                must_gra_c_005_batches_are_bounded
                must_gra_d_001_what_is_deleted_is_gone
                must_gra_d_002_an_id_is_free_again_after_a_deletion
                must_gra_d_003_delete_can_demand_a_revision
                must_gra_d_004_delete_many_is_all_or_nothing
                must_gra_h_001_deletion_of_its_video_hides_it_from_every_read
                must_gra_h_002_restoring_its_video_brings_it_back_as_it_was
                must_gra_h_003_purging_its_video_removes_it_for_good
                must_gra_h_004_nothing_is_written_under_a_deleted_video
                must_gra_h_005_its_video_must_exist
                must_gra_h_006_it_can_be_moved_to_another_video
                must_gra_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted
                must_gra_h_008_it_cannot_be_moved_out_of_a_deleted_video
                must_gra_l_001_a_list_stands_in_its_total_order
                must_gra_l_002_filters_take_in_what_they_say_and_counts_agree
                must_gra_l_003_pages_of_every_size_make_the_whole
                must_gra_l_004_a_cursor_goes_on_with_any_limit
                must_gra_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_gra_l_006_rows_deleted_between_pages_hide_and_repeat_nothing
                must_gra_l_007_a_cursor_belongs_to_its_order_filter_and_visibility
                must_gra_l_008_a_forged_cursor_is_invalid
                must_gra_l_009_limits_of_pages_are_bounded
                must_gra_l_010_nothing_is_an_empty_page_and_no_error
                must_gra_r_001_every_field_is_read_back_as_it_was_created
                must_gra_r_002_every_field_is_read_back_as_it_was_updated
                must_gra_r_003_ids_that_look_alike_are_different
                must_gra_r_004_get_many_answers_each_id_at_its_place
                must_gra_r_005_get_and_exists_agree_on_what_is_seen
                must_gra_r_006_get_many_is_bounded
                must_gra_u_001_update_changes_and_renews_the_revision
                must_gra_u_002_an_update_to_the_same_writes_nothing
                must_gra_u_003_update_of_what_is_missing_is_not_found
                must_gra_u_004_update_can_demand_a_revision
                must_gra_u_005_update_many_is_all_or_nothing
                must_gra_u_006_upsert_says_what_it_did
                must_gra_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_gra_v_001_revisions_increase_whatever_the_clock_does
                must_gra_v_002_updated_at_never_goes_back
                must_gra_x_001_its_channel_must_exist
                must_gra_x_002_a_video_and_a_channel_of_one_id_are_two_owners
                must_gra_x_003_the_graph_of_a_channel_stays_when_its_videos_are_deleted
                ;
            media_files:
                must_med_c_001_create_stamps_the_clocks_time
                must_med_c_002_create_of_a_taken_id_already_exists
                must_med_c_003_create_many_creates_each_in_order
                must_med_c_004_create_many_is_all_or_nothing
                must_med_c_005_batches_are_bounded
                must_med_d_001_what_is_deleted_is_gone
                must_med_d_002_an_id_is_free_again_after_a_deletion
                must_med_d_003_delete_can_demand_a_revision
                must_med_d_004_delete_many_is_all_or_nothing
                must_med_h_001_deletion_of_its_video_hides_it_from_every_read
                must_med_h_002_restoring_its_video_brings_it_back_as_it_was
                must_med_h_003_purging_its_video_removes_it_for_good
                must_med_h_004_nothing_is_written_under_a_deleted_video
                must_med_h_005_its_video_must_exist
                must_med_h_006_it_can_be_moved_to_another_video
                must_med_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted
                must_med_h_008_it_cannot_be_moved_out_of_a_deleted_video
                must_med_l_001_a_list_stands_in_its_total_order
                must_med_l_002_filters_take_in_what_they_say_and_counts_agree
                must_med_l_003_pages_of_every_size_make_the_whole
                must_med_l_004_a_cursor_goes_on_with_any_limit
                must_med_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_med_l_006_rows_deleted_between_pages_hide_and_repeat_nothing
                must_med_l_007_a_cursor_belongs_to_its_order_filter_and_visibility
                must_med_l_008_a_forged_cursor_is_invalid
                must_med_l_009_limits_of_pages_are_bounded
                must_med_l_010_nothing_is_an_empty_page_and_no_error
                must_med_p_001_a_file_is_found_by_exactly_its_path
                must_med_p_002_a_path_that_no_file_can_have_finds_nothing
                must_med_p_003_no_two_files_have_the_same_path
                must_med_p_004_the_path_of_a_hidden_file_is_taken
                must_med_p_005_a_taken_id_is_told_before_a_taken_path
                must_med_p_006_items_of_a_batch_can_hand_on_their_paths
                must_med_p_007_a_path_is_free_after_a_change_and_a_deletion
                must_med_r_001_every_field_is_read_back_as_it_was_created
                must_med_r_002_every_field_is_read_back_as_it_was_updated
                must_med_r_003_ids_that_look_alike_are_different
                must_med_r_004_get_many_answers_each_id_at_its_place
                must_med_r_005_get_and_exists_agree_on_what_is_seen
                must_med_r_006_get_many_is_bounded
                must_med_u_001_update_changes_and_renews_the_revision
                must_med_u_002_an_update_to_the_same_writes_nothing
                must_med_u_003_update_of_what_is_missing_is_not_found
                must_med_u_004_update_can_demand_a_revision
                must_med_u_005_update_many_is_all_or_nothing
                must_med_u_006_upsert_says_what_it_did
                must_med_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_med_v_001_revisions_increase_whatever_the_clock_does
                must_med_v_002_updated_at_never_goes_back
                ;
            lists:
                ;
            processing_tasks:
                must_tsk_c_001_the_oldest_task_is_claimed_first
                must_tsk_c_002_a_claim_does_what_the_domain_says
                must_tsk_c_003_only_tasks_of_the_kinds_asked_for_are_claimed
                must_tsk_c_004_a_task_is_not_claimed_before_it_is_available
                must_tsk_c_005_a_leased_task_is_claimed_again_only_when_its_lease_has_expired
                must_tsk_c_006_a_worker_whose_lease_was_taken_over_is_refused
                must_tsk_c_007_a_worker_may_go_on_after_its_lease_if_nobody_took_it
                must_tsk_c_008_a_claim_expires_exhausted_tasks
                must_tsk_c_009_a_claim_expires_only_tasks_of_its_kinds_and_not_without_bound
                must_tsk_c_010_an_expired_task_keeps_no_claimable_one_back
                must_tsk_c_011_a_lease_is_bounded
                must_tsk_c_012_eight_workers_get_each_task_once
                must_tsk_c_013_a_task_whose_lease_expired_keeps_its_place_in_the_queue
                must_tsk_e_001_enqueue_of_a_taken_id_already_exists
                must_tsk_e_002_a_task_that_the_domain_refuses_is_invalid
                must_tsk_e_003_a_target_need_not_exist
                must_tsk_f_001_a_target_that_no_task_can_have_finds_nothing
                must_tsk_f_002_finished_tasks_are_removed_oldest_first
                must_tsk_f_003_the_limit_of_a_removal_is_bounded
                must_tsk_f_004_a_removed_id_is_free_again_with_a_larger_revision
                must_tsk_l_001_a_list_stands_in_its_total_order
                must_tsk_l_002_filters_take_in_what_they_say_and_counts_agree
                must_tsk_l_003_pages_of_every_size_make_the_whole
                must_tsk_l_004_a_cursor_goes_on_with_any_limit
                must_tsk_l_005_rows_inserted_between_pages_hide_and_repeat_nothing
                must_tsk_l_007_a_cursor_belongs_to_its_order_and_filter
                must_tsk_l_008_a_forged_cursor_is_invalid
                must_tsk_l_009_limits_of_pages_are_bounded
                must_tsk_l_010_nothing_is_an_empty_page_and_no_error
                must_tsk_r_001_every_field_is_read_back_as_it_was_enqueued
                must_tsk_r_002_get_many_answers_each_id_at_its_place
                must_tsk_r_003_get_and_exists_agree_on_what_is_seen
                must_tsk_r_004_get_many_is_bounded
                must_tsk_w_001_a_heartbeat_sets_the_end_of_the_lease
                must_tsk_w_002_progress_is_noted_and_may_go_back
                must_tsk_w_003_a_transition_that_changes_nothing_is_written_all_the_same
                must_tsk_w_004_a_completed_task_has_succeeded
                must_tsk_w_005_a_failed_task_is_tried_again_after_its_delay
                must_tsk_w_006_a_task_fails_for_good_without_a_delay_or_after_its_last_attempt
                must_tsk_w_007_retry_gives_all_attempts_again
                must_tsk_w_008_a_pending_or_running_task_can_be_cancelled
                must_tsk_w_009_what_the_domain_refuses_is_a_conflict_and_writes_nothing
                must_tsk_w_010_a_transition_of_a_missing_task_is_not_found
                must_tsk_w_011_updated_at_never_goes_back
                ;
            search:
                must_sea_f_001_channel_video_and_language_narrow_a_search
                must_sea_f_002_deleted_videos_are_found_only_by_those_who_ask
                must_sea_h_001_a_hit_shows_its_video_and_the_cues_of_the_domain
                must_sea_h_002_title_and_description_are_one_text_without_language
                must_sea_h_003_a_transcript_is_one_hit_however_often_it_matches
                must_sea_m_001_sixty_queries_find_what_the_model_finds
                must_sea_m_002_the_model_holds_after_many_writes
                must_sea_o_001_hits_by_date_stand_in_their_total_order
                must_sea_o_002_scores_are_finite_and_in_order_and_absent_by_date
                must_sea_o_003_more_occurrences_do_not_score_lower
                must_sea_o_004_a_rarer_word_does_not_score_lower
                must_sea_o_005_a_longer_passage_does_not_score_higher
                must_sea_p_001_pages_of_every_size_make_the_whole
                must_sea_p_002_writes_between_pages_by_date_hide_and_repeat_nothing
                must_sea_p_003_a_cursor_belongs_to_its_search
                must_sea_p_004_the_limit_of_a_page_is_bounded
                must_sea_q_001_a_word_is_found_whatever_its_case_and_accents
                must_sea_q_002_a_phrase_is_found_across_cues_and_in_its_order_only
                must_sea_q_003_a_prefix_finds_what_begins_so
                must_sea_q_004_exclusion_or_and_and
                must_sea_q_005_a_query_must_hold_in_one_passage
                must_sea_q_006_every_script_is_found
                must_sea_q_007_no_query_speaks_the_engines_own_language
                must_sea_q_008_long_words_phrases_and_queries_are_answered
                must_sea_x_001_search_follows_every_write_of_a_transcript
                must_sea_x_002_search_follows_title_and_description
                must_sea_x_003_search_follows_deletion_restoring_and_purge_of_the_video
                must_sea_x_004_search_inside_a_unit_of_work_sees_its_writes_alone
                must_sea_x_005_a_refused_write_leaves_no_trace_in_search
                must_sea_x_006_search_follows_channel_and_date_of_the_video
                ;
            units_of_work:
                must_uow_a_001_a_commit_makes_all_of_it_visible
                must_uow_a_002_a_rollback_forgets_all_of_it
                must_uow_a_003_dropping_it_forgets_all_of_it
                must_uow_a_004_a_panic_of_its_owner_forgets_all_of_it
                must_uow_a_005_cancelling_its_owner_forgets_all_of_it
                must_uow_d_001_dropping_a_call_that_had_begun_ends_it
                must_uow_d_002_a_call_that_was_never_polled_has_not_happened
                must_uow_d_003_calls_polled_at_the_same_time_run_one_after_the_other
                must_uow_e_001_an_error_that_changed_nothing_leaves_it_usable
                must_uow_e_002_a_refused_batch_leaves_what_was_done_before
                must_uow_e_003_a_conflict_of_revisions_ends_it
                must_uow_e_004_a_refused_transition_ends_it
                must_uow_e_005_every_write_in_a_read_only_unit_is_refused
                must_uow_e_006_a_claim_in_a_unit_of_work_is_unsupported
                must_uow_e_007_the_transitions_of_a_task_are_part_of_it
                must_uow_i_001_it_reads_what_it_wrote
                must_uow_i_002_nobody_sees_it_before_it_is_committed
                must_uow_i_003_a_read_only_unit_sees_one_moment
                must_uow_i_004_it_sees_all_that_was_acknowledged_before_it_began
                must_uow_i_005_a_writing_unit_sees_one_moment_too
                must_uow_i_006_no_update_is_lost
                must_uow_i_007_no_write_is_skewed
                must_uow_w_001_a_second_writer_gets_its_turn
                must_uow_w_002_a_second_writer_does_not_wait_longer_than_configured
                must_uow_w_003_a_single_write_does_not_wait_longer_than_configured
                must_uow_w_004_reads_do_not_wait_for_an_open_writer
                must_uow_w_005_after_its_deadline_it_has_ended
                must_uow_w_006_a_forgotten_writer_lets_the_next_one_in_after_its_deadline
                must_uow_w_007_more_units_than_connections_are_answered_in_time
                must_uow_w_008_a_waiter_that_gives_up_leaves_nothing_behind
                ;
            transactions:
                must_trx_t_001_success_is_committed
                must_trx_t_002_an_error_is_rolled_back_and_handed_on
                must_trx_t_003_work_that_gave_way_is_run_again_on_a_clean_unit
                must_trx_t_004_the_loop_commits_and_rolls_back
                must_trx_t_005_read_only_work_reads_and_does_not_write
                ;
            concurrency:
                must_con_n_001_fifty_units_of_work_at_once_are_all_committed
                must_con_n_002_fifty_single_writes_at_once_are_all_done
                must_con_n_003_no_update_that_demands_a_revision_is_lost
                must_con_n_004_no_update_in_a_unit_of_work_is_lost
                must_con_n_005_of_many_that_create_one_id_one_succeeds
                stochastic_con_n_006_of_two_that_exclude_each_other_one_succeeds
                stochastic_con_n_007_a_reader_sees_all_of_a_unit_of_work_or_nothing
                stochastic_con_n_008_list_and_count_agree_inside_a_unit_of_work
                must_con_n_009_a_cancelled_write_happens_wholly_or_not_at_all
                must_con_n_010_cancelled_reads_leave_nothing_behind
                ;
            closing:
                must_clo_h_001_a_store_that_works_says_so
                must_clo_x_001_a_closed_store_answers_closed
                must_clo_x_002_closing_again_succeeds
                must_clo_x_003_an_open_unit_of_work_goes_on_and_close_waits_for_it
                must_clo_x_004_dropping_a_close_does_not_open_it_again
                must_clo_x_005_closing_one_store_leaves_others_open
                ;
        }
    };
}

__for_each_rule! { [rules_table] [] }

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

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
    }

    #[test]
    fn rules_stand_by_area_and_id() {
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
    fn rules_md_lists_the_rules() {
        let mut text = format!("# The {} rules\n\nMade from the registry; do not edit.\n", RULES.len());
        for area in RULES.chunk_by(|a, b| a.area() == b.area()) {
            text += &format!("\n## {} ({})\n\n", area[0].area().replace('_', " "), area.len());
            text += "| id | strength | what it promises |\n|---|---|---|\n";
            for rule in area {
                text += &format!("| {} | {:?} | {} |\n", rule.id(), rule.strength(), rule.title());
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/RULES.md");
        if std::env::var_os("TUBEATLAS_WRITE_RULES").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap_or_default() == text, "RULES.md is out of date");
    }
}
