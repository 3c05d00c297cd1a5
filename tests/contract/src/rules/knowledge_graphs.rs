//! Knowledge graphs.

use tubeatlas_domain::{Channel, GraphOwner, KnowledgeGraph};
use tubeatlas_ports::Visibility;

use super::core::rules_of;

use crate::check::{missing_reference, same};
use crate::fixtures::{
    a_channel, a_knowledge_graph, a_knowledge_graph_with, a_video, a_video_with, channel_id,
};
use crate::{Case, Outcome};

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
    must_gra_h_001_deletion_of_its_video_hides_it_from_every_read = owned::hidden_with_its_video;
    must_gra_h_002_restoring_its_video_brings_it_back_as_it_was = owned::restored_with_its_video;
    must_gra_h_003_purging_its_video_removes_it_for_good = owned::purged_with_its_video;
    must_gra_h_004_nothing_is_written_under_a_deleted_video = owned::nothing_is_written_under_a_deleted_video;
    must_gra_h_005_its_video_must_exist = owned::its_video_must_exist;
    must_gra_h_006_it_can_be_moved_to_another_video = owned::moves_to_another_video;
    must_gra_h_007_it_cannot_be_moved_to_what_is_missing_or_deleted = owned::does_not_move_to_what_is_not_there;
    must_gra_h_008_it_cannot_be_moved_out_of_a_deleted_video = owned::does_not_move_out_of_a_deleted_video;
    must_gra_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_gra_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_gra_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_gra_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_gra_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_gra_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_gra_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_gra_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_gra_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_gra_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
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

pub(crate) async fn must_gra_x_001_its_channel_must_exist(case: &Case) -> Outcome {
    let (store, missing) = (case.store(), channel_id("missing"));
    let orphan = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(missing.clone()));
    let graphs = store.knowledge_graphs();
    missing_reference::<KnowledgeGraph, Channel, _>(graphs.create(&orphan).await, &orphan.id, &missing)?;
    missing_reference::<KnowledgeGraph, Channel, _>(graphs.upsert(&orphan).await, &orphan.id, &missing)?;
    store.videos().create(&a_video()).await?;
    let stored = graphs.create(&a_knowledge_graph()).await?;
    missing_reference::<KnowledgeGraph, Channel, _>(
        graphs.update(&orphan, None).await,
        &orphan.id,
        &missing,
    )?;
    same("what is stored", &graphs.get(&orphan.id, Visibility::Live).await?, &Some(stored))
}

pub(crate) async fn must_gra_x_002_a_video_and_a_channel_of_one_id_are_two_owners(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&a_video()).await?;
    let owner = GraphOwner::Channel(channel_id("a-video"));
    let graph = a_knowledge_graph_with(|g| g.owner = owner.clone());
    let result = store.knowledge_graphs().create(&graph).await;
    missing_reference::<KnowledgeGraph, Channel, _>(result, &graph.id, &"a-video")
}

pub(crate) async fn must_gra_x_003_the_graph_of_a_channel_stays_when_its_videos_are_deleted(
    case: &Case,
) -> Outcome {
    let store = case.store();
    let channel = a_channel().id.clone();
    store.channels().create(&a_channel()).await?;
    let video = a_video_with(|v| v.channel_id = Some(channel.clone()));
    store.videos().create(&video).await?;
    let graph = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(channel.clone()));
    let stored = store.knowledge_graphs().create(&graph).await?;
    let graphs = store.knowledge_graphs();
    store.videos().delete(&video.id, None).await?;
    same("after the deletion", &graphs.get(&graph.id, Visibility::Live).await?, &Some(stored.clone()))?;
    same("not as deleted", &graphs.get(&graph.id, Visibility::OnlyDeleted).await?, &None)?;
    store.videos().purge(&video.id, None).await?;
    same("after the purge", &graphs.get(&graph.id, Visibility::Live).await?, &Some(stored))
}
