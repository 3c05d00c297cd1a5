//! Knowledge graphs.

use tubeatlas_domain::KnowledgeGraph;

use super::core::rules_of;

rules_of! { KnowledgeGraph:
    must_gra_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_gra_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_gra_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_gra_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_gra_c_005_batches_are_bounded = core::batches_are_bounded;
    must_gra_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_gra_d_002_an_id_is_free_again_after_a_deletion = core::hard_delete_leaves_nothing;
    must_gra_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_gra_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_gra_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_gra_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_gra_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_gra_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_gra_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_gra_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_gra_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_gra_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_gra_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_gra_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_gra_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_gra_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_gra_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_gra_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_gra_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}
