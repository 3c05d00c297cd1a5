//! Source files.

use tubeatlas_domain::{Entity, SourceFile, SourcePath};
use tubeatlas_ports::{MAX_BATCH, Visibility};

use super::core::rules_of;
use super::subject::Written;
use crate::check::{invalid, same};
use crate::{Case, Outcome};

rules_of! { SourceFile:
    must_src_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_src_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_src_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_src_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_src_c_005_batches_are_bounded = core::batches_are_bounded;
    must_src_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_src_d_002_an_id_is_free_again_after_a_deletion = core::hard_delete_leaves_nothing;
    must_src_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_src_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_src_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_src_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_src_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_src_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_src_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_src_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_src_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_src_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_src_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_src_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_src_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_src_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_src_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_src_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_src_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_src_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_src_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_src_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_src_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_src_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_src_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_src_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_src_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_src_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_src_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}

/// The path of the `n`th.
fn path(n: u32) -> SourcePath {
    SourceFile::nth(n).id()
}

pub(crate) async fn must_src_m_001_remove_many_removes_what_is_there_and_counts_it(case: &Case) -> Outcome {
    let files = case.store().source_files();
    let created = files.create_many(&[0, 1, 2].map(SourceFile::nth)).await?;
    same("how many of none are removed", &files.remove_many(&[]).await?, &0)?;
    let removed = files.remove_many(&[path(7), path(0), path(8), path(2)]).await?;
    same("how many are removed of two that are there and two that are not", &removed, &2)?;
    let read = files.get_many(&[path(0), path(1), path(2)], Visibility::WithDeleted).await?;
    same("what is left", &read, &vec![None, created.get(1).cloned(), None])?;
    same("how many are left", &files.count(&Default::default()).await?, &1)?;
    same("how many are removed again", &files.remove_many(&[path(0), path(2)]).await?, &0)?;
    files.create(&SourceFile::nth(0)).await?;
    Ok(())
}

pub(crate) async fn must_src_m_002_remove_many_counts_a_path_once(case: &Case) -> Outcome {
    let files = case.store().source_files();
    files.create_many(&[0, 1].map(SourceFile::nth)).await?;
    let removed = files.remove_many(&[path(0), path(1), path(0), path(9), path(9)]).await?;
    same("how many are removed", &removed, &2)
}

pub(crate) async fn must_src_m_003_remove_many_is_bounded(case: &Case) -> Outcome {
    let files = case.store().source_files();
    files.create(&SourceFile::nth(0)).await?;
    let paths: Vec<_> = (0..).map(path).take(MAX_BATCH + 1).collect();
    invalid(files.remove_many(&paths).await, "batch")?;
    invalid(files.remove_many(&vec![path(0); MAX_BATCH + 1]).await, "batch")?;
    same("whether it is there", &files.exists(&path(0), Visibility::Live).await?, &true)?;
    same("how many of the most are removed", &files.remove_many(&paths[..MAX_BATCH]).await?, &1)
}
