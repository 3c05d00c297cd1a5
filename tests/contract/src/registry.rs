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
                must_vid_r_001_every_field_is_read_back_as_it_was_created
                must_vid_r_002_every_field_is_read_back_as_it_was_updated
                must_vid_r_003_ids_that_look_alike_are_different
                must_vid_r_004_get_many_answers_each_id_at_its_place
                must_vid_r_005_get_and_exists_agree_on_what_is_seen
                must_vid_r_006_get_many_is_bounded
                must_vid_u_001_update_changes_and_renews_the_revision
                must_vid_u_002_an_update_to_the_same_writes_nothing
                must_vid_u_003_update_of_what_is_missing_is_not_found
                must_vid_u_004_update_can_demand_a_revision
                must_vid_u_005_update_many_is_all_or_nothing
                must_vid_u_006_upsert_says_what_it_did
                must_vid_u_007_later_items_of_upsert_many_see_the_earlier_ones
                must_vid_v_001_revisions_increase_whatever_the_clock_does
                must_vid_v_002_updated_at_never_goes_back
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
}
