//! Channels.

use tubeatlas_domain::{Channel, GraphOwner, KnowledgeGraph, Playlist, Video, VideoId};
use tubeatlas_ports::Visibility;

use super::core::{another_revision, rules_of};

use crate::check::{missing_reference, revision_conflict, same, still_referenced};
use crate::fixtures::{
    a_channel, a_channel_with, a_knowledge_graph_with, a_playlist_with, a_video_with, channel_id, video_id,
};
use crate::{Case, Outcome};

rules_of! { Channel:
    must_chn_c_001_create_stamps_the_clocks_time = core::create_stamps;
    must_chn_c_002_create_of_a_taken_id_already_exists = core::create_of_what_is_there;
    must_chn_c_003_create_many_creates_each_in_order = core::create_many_creates_each;
    must_chn_c_004_create_many_is_all_or_nothing = core::create_many_is_all_or_nothing;
    must_chn_c_005_batches_are_bounded = core::batches_are_bounded;
    must_chn_d_001_what_is_deleted_is_gone = core::deleted_is_gone;
    must_chn_d_002_an_id_is_free_again_after_a_deletion = core::hard_delete_leaves_nothing;
    must_chn_d_003_delete_can_demand_a_revision = core::delete_demands_a_revision;
    must_chn_d_004_delete_many_is_all_or_nothing = core::delete_many_is_all_or_nothing;
    must_chn_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_chn_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_chn_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_chn_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_chn_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_chn_l_006_rows_deleted_between_pages_hide_and_repeat_nothing = lists::rows_deleted_between_pages;
    must_chn_l_007_a_cursor_belongs_to_its_order_filter_and_visibility = lists::cursors_belong_to_their_list;
    must_chn_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_chn_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_chn_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_chn_r_001_every_field_is_read_back_as_it_was_created = core::fields_survive;
    must_chn_r_002_every_field_is_read_back_as_it_was_updated = core::updates_survive;
    must_chn_r_003_ids_that_look_alike_are_different = core::look_alikes_differ;
    must_chn_r_004_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_chn_r_005_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_chn_r_006_get_many_is_bounded = core::get_many_is_bounded;
    must_chn_u_001_update_changes_and_renews_the_revision = core::update_changes;
    must_chn_u_002_an_update_to_the_same_writes_nothing = core::equal_update_writes_nothing;
    must_chn_u_003_update_of_what_is_missing_is_not_found = core::update_of_what_is_missing;
    must_chn_u_004_update_can_demand_a_revision = core::update_demands_a_revision;
    must_chn_u_005_update_many_is_all_or_nothing = core::update_many_is_all_or_nothing;
    must_chn_u_006_upsert_says_what_it_did = core::upsert_says_what_it_did;
    must_chn_u_007_later_items_of_upsert_many_see_the_earlier_ones = core::upsert_many_sees_earlier_items;
    must_chn_v_001_revisions_increase_whatever_the_clock_does = core::revisions_do_not_need_the_clock;
    must_chn_v_002_updated_at_never_goes_back = core::updated_at_never_goes_back;
}

/// Stores [`a_channel`] and a video of it.
async fn channel_with_video(case: &Case) -> Result<VideoId, crate::Violation> {
    case.store().channels().create(&a_channel()).await?;
    let video = a_video_with(|v| v.channel_id = Some(a_channel().id.clone()));
    Ok(case.store().videos().create(&video).await?.entity.id.clone())
}

pub(crate) async fn must_chn_x_001_a_channel_with_a_video_cannot_be_deleted(case: &Case) -> Outcome {
    let video = channel_with_video(case).await?;
    let (store, id) = (case.store(), a_channel().id.clone());
    still_referenced::<Channel, Video, _>(store.channels().delete(&id, None).await, &id)?;
    same("the channel is there", &store.channels().exists(&id, Visibility::Live).await?, &true)?;
    same("the video is there", &store.videos().exists(&video, Visibility::Live).await?, &true)
}

pub(crate) async fn must_chn_x_002_a_channel_with_a_deleted_video_cannot_be_deleted(case: &Case) -> Outcome {
    let video = channel_with_video(case).await?;
    let (store, id) = (case.store(), a_channel().id.clone());
    store.videos().delete(&video, None).await?;
    still_referenced::<Channel, Video, _>(store.channels().delete(&id, None).await, &id)?;
    store.videos().purge(&video, None).await?;
    store.channels().delete(&id, None).await?;
    same("the channel is gone", &store.channels().exists(&id, Visibility::Live).await?, &false)
}

pub(crate) async fn must_chn_x_003_a_channel_with_a_graph_cannot_be_deleted(case: &Case) -> Outcome {
    let (store, id) = (case.store(), a_channel().id.clone());
    store.channels().create(&a_channel()).await?;
    let graph = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(id.clone()));
    store.knowledge_graphs().create(&graph).await?;
    still_referenced::<Channel, KnowledgeGraph, _>(store.channels().delete(&id, None).await, &id)?;
    store.knowledge_graphs().delete(&graph.id, None).await?;
    Ok(store.channels().delete(&id, None).await?)
}

pub(crate) async fn must_chn_x_004_a_video_is_named_before_a_graph(case: &Case) -> Outcome {
    channel_with_video(case).await?;
    let (store, id) = (case.store(), a_channel().id.clone());
    let graph = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(id.clone()));
    store.knowledge_graphs().create(&graph).await?;
    still_referenced::<Channel, Video, _>(store.channels().delete(&id, None).await, &id)
}

pub(crate) async fn must_chn_x_005_a_video_that_moves_frees_its_old_channel(case: &Case) -> Outcome {
    channel_with_video(case).await?;
    let (store, id) = (case.store(), a_channel().id.clone());
    let other = a_channel_with(|c| c.id = channel_id("UC-other"));
    store.channels().create(&other).await?;
    store.videos().update(&a_video_with(|v| v.channel_id = Some(other.id.clone())), None).await?;
    store.channels().delete(&id, None).await?;
    still_referenced::<Channel, Video, _>(store.channels().delete(&other.id, None).await, &other.id)?;
    store.videos().update(&a_video_with(|v| v.channel_id = None), None).await?;
    Ok(store.channels().delete(&other.id, None).await?)
}

pub(crate) async fn must_chn_x_006_a_wrong_revision_is_told_before_a_reference(case: &Case) -> Outcome {
    channel_with_video(case).await?;
    let (channels, id) = (case.store().channels(), a_channel().id.clone());
    let stored = crate::check::some("the channel", channels.get(&id, Visibility::Live).await?)?;
    let wrong = another_revision(stored.revision);
    let result = channels.delete(&id, Some(wrong)).await;
    revision_conflict::<Channel, _>(result, &id, wrong, stored.revision)?;
    still_referenced::<Channel, Video, _>(channels.delete(&id, Some(stored.revision)).await, &id)
}

pub(crate) async fn must_chn_x_007_delete_many_with_a_referenced_channel_deletes_none(
    case: &Case,
) -> Outcome {
    channel_with_video(case).await?;
    let (channels, id) = (case.store().channels(), a_channel().id.clone());
    let free = a_channel_with(|c| c.id = channel_id("UC-free"));
    channels.create(&free).await?;
    let result = channels.delete_many(&[free.id.clone(), id.clone(), channel_id("missing")]).await;
    still_referenced::<Channel, Video, _>(result, &id)?;
    same("the free one is still there", &channels.exists(&free.id, Visibility::Live).await?, &true)
}

pub(crate) async fn must_chn_x_009_a_channel_with_a_playlist_cannot_be_deleted(case: &Case) -> Outcome {
    let (store, id) = (case.store(), a_channel().id.clone());
    store.channels().create(&a_channel()).await?;
    let playlist = a_playlist_with(|p| p.channel_id = Some(id.clone()));
    store.playlists().create(&playlist).await?;
    still_referenced::<Channel, Playlist, _>(store.channels().delete(&id, None).await, &id)?;
    store.playlists().delete(&playlist.id, None).await?;
    still_referenced::<Channel, Playlist, _>(store.channels().delete(&id, None).await, &id)?;
    store.playlists().purge(&playlist.id, None).await?;
    let playlist = store.playlists().create(&playlist).await?.entity;
    let mut moved = playlist.into_fields();
    moved.channel_id = None;
    store.playlists().update(&a_playlist_with(|p| *p = moved), None).await?;
    Ok(store.channels().delete(&id, None).await?)
}

pub(crate) async fn must_chn_x_010_a_graph_is_named_before_a_playlist(case: &Case) -> Outcome {
    let (store, id) = (case.store(), a_channel().id.clone());
    store.channels().create(&a_channel()).await?;
    store.playlists().create(&a_playlist_with(|p| p.channel_id = Some(id.clone()))).await?;
    let graph = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(id.clone()));
    store.knowledge_graphs().create(&graph).await?;
    still_referenced::<Channel, KnowledgeGraph, _>(store.channels().delete(&id, None).await, &id)
}

pub(crate) async fn must_chn_x_008_a_video_cannot_refer_to_a_channel_that_is_gone(case: &Case) -> Outcome {
    let (store, id) = (case.store(), a_channel().id.clone());
    store.channels().create(&a_channel()).await?;
    store.channels().delete(&id, None).await?;
    let video = a_video_with(|v| v.channel_id = Some(id.clone()));
    missing_reference::<Video, Channel, _>(store.videos().create(&video).await, &video_id("a-video"), &id)
}
