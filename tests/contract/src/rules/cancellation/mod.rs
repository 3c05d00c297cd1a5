//! Cancellation: dropping the future of each call after each of its polls.

mod dropping;
mod methods;
mod steps;

use tubeatlas_domain::{
    Channel, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Transcript, Video,
};
use tubeatlas_ports::Mode;

use self::dropping::{Dropping, at_every_poll};
use self::methods::{
    Cascade, GetByPath, Method, Queue, Read, Reading as R, RemoveMany, Search, Single, SoftChange, Stocked,
    Write, Writing as W,
};
use self::steps::{Begin, Close, End, Health, InUnit, Owner};
use super::subject::Written;
use crate::{Case, Outcome};

fn read<E>(reading: R) -> Single<Read<E>> {
    Single(Read::new(reading))
}

fn write<E>(writing: W) -> Single<Write<E>> {
    Single(Write::new(writing))
}

/// Names and numbers the rules of what is dropped.
macro_rules! drops {
    ($($name:ident = $target:expr;)*) => {
        $(
            pub(crate) async fn $name(case: &Case) -> Outcome {
                at_every_poll(case, &$target).await
            }
        )*
    };
}

drops! {
    must_can_c_001_a_dropped_get_of_a_channel_leaves_nothing_behind = read::<Channel>(R::Get);
    must_can_c_002_a_dropped_get_many_of_channels_leaves_nothing_behind = read::<Channel>(R::GetMany);
    must_can_c_003_a_dropped_exists_of_a_channel_leaves_nothing_behind = read::<Channel>(R::Exists);
    must_can_c_004_a_dropped_list_of_channels_leaves_nothing_behind = read::<Channel>(R::List);
    must_can_c_005_a_dropped_count_of_channels_leaves_nothing_behind = read::<Channel>(R::Count);
    must_can_c_006_a_dropped_create_of_a_channel_is_all_or_nothing = write::<Channel>(W::Create);
    must_can_c_007_a_dropped_create_many_of_channels_is_all_or_nothing = write::<Channel>(W::CreateMany);
    must_can_c_008_a_dropped_update_of_a_channel_is_all_or_nothing = write::<Channel>(W::Update);
    must_can_c_009_a_dropped_update_many_of_channels_is_all_or_nothing = write::<Channel>(W::UpdateMany);
    must_can_c_010_a_dropped_upsert_of_a_channel_is_all_or_nothing = write::<Channel>(W::Upsert);
    must_can_c_011_a_dropped_upsert_many_of_channels_is_all_or_nothing = write::<Channel>(W::UpsertMany);
    must_can_c_012_a_dropped_delete_of_a_channel_is_all_or_nothing = write::<Channel>(W::Delete);
    must_can_c_013_a_dropped_delete_many_of_channels_is_all_or_nothing = write::<Channel>(W::DeleteMany);
    must_can_v_001_a_dropped_get_of_a_video_leaves_nothing_behind = read::<Video>(R::Get);
    must_can_v_002_a_dropped_get_many_of_videos_leaves_nothing_behind = read::<Video>(R::GetMany);
    must_can_v_003_a_dropped_exists_of_a_video_leaves_nothing_behind = read::<Video>(R::Exists);
    must_can_v_004_a_dropped_list_of_videos_leaves_nothing_behind = read::<Video>(R::List);
    must_can_v_005_a_dropped_count_of_videos_leaves_nothing_behind = read::<Video>(R::Count);
    must_can_v_006_a_dropped_create_of_a_video_is_all_or_nothing = write::<Video>(W::Create);
    must_can_v_007_a_dropped_create_many_of_videos_is_all_or_nothing = write::<Video>(W::CreateMany);
    must_can_v_008_a_dropped_update_of_a_video_is_all_or_nothing = write::<Video>(W::Update);
    must_can_v_009_a_dropped_update_many_of_videos_is_all_or_nothing = write::<Video>(W::UpdateMany);
    must_can_v_010_a_dropped_upsert_of_a_video_is_all_or_nothing = write::<Video>(W::Upsert);
    must_can_v_011_a_dropped_upsert_many_of_videos_is_all_or_nothing = write::<Video>(W::UpsertMany);
    must_can_v_012_a_dropped_delete_of_a_video_is_all_or_nothing = Single(Cascade::Delete);
    must_can_v_013_a_dropped_delete_many_of_videos_is_all_or_nothing = write::<Video>(W::DeleteMany);
    must_can_v_014_a_dropped_restore_of_a_video_is_all_or_nothing = Single(Cascade::Restore);
    must_can_v_015_a_dropped_purge_of_a_video_is_all_or_nothing = Single(Cascade::Purge);
    must_can_t_001_a_dropped_get_of_a_transcript_leaves_nothing_behind = read::<Transcript>(R::Get);
    must_can_t_002_a_dropped_get_many_of_transcripts_leaves_nothing_behind = read::<Transcript>(R::GetMany);
    must_can_t_003_a_dropped_exists_of_a_transcript_leaves_nothing_behind = read::<Transcript>(R::Exists);
    must_can_t_004_a_dropped_list_of_transcripts_leaves_nothing_behind = read::<Transcript>(R::List);
    must_can_t_005_a_dropped_count_of_transcripts_leaves_nothing_behind = read::<Transcript>(R::Count);
    must_can_t_006_a_dropped_create_of_a_transcript_is_all_or_nothing = write::<Transcript>(W::Create);
    must_can_t_007_a_dropped_create_many_of_transcripts_is_all_or_nothing = write::<Transcript>(W::CreateMany);
    must_can_t_008_a_dropped_update_of_a_transcript_is_all_or_nothing = write::<Transcript>(W::Update);
    must_can_t_009_a_dropped_update_many_of_transcripts_is_all_or_nothing = write::<Transcript>(W::UpdateMany);
    must_can_t_010_a_dropped_upsert_of_a_transcript_is_all_or_nothing = write::<Transcript>(W::Upsert);
    must_can_t_011_a_dropped_upsert_many_of_transcripts_is_all_or_nothing = write::<Transcript>(W::UpsertMany);
    must_can_t_012_a_dropped_delete_of_a_transcript_is_all_or_nothing = write::<Transcript>(W::Delete);
    must_can_t_013_a_dropped_delete_many_of_transcripts_is_all_or_nothing = write::<Transcript>(W::DeleteMany);
    must_can_t_014_a_dropped_search_leaves_nothing_behind = Single(Search);
    must_can_g_001_a_dropped_get_of_a_graph_leaves_nothing_behind = read::<KnowledgeGraph>(R::Get);
    must_can_g_002_a_dropped_get_many_of_graphs_leaves_nothing_behind = read::<KnowledgeGraph>(R::GetMany);
    must_can_g_003_a_dropped_exists_of_a_graph_leaves_nothing_behind = read::<KnowledgeGraph>(R::Exists);
    must_can_g_004_a_dropped_list_of_graphs_leaves_nothing_behind = read::<KnowledgeGraph>(R::List);
    must_can_g_005_a_dropped_count_of_graphs_leaves_nothing_behind = read::<KnowledgeGraph>(R::Count);
    must_can_g_006_a_dropped_create_of_a_graph_is_all_or_nothing = write::<KnowledgeGraph>(W::Create);
    must_can_g_007_a_dropped_create_many_of_graphs_is_all_or_nothing = write::<KnowledgeGraph>(W::CreateMany);
    must_can_g_008_a_dropped_update_of_a_graph_is_all_or_nothing = write::<KnowledgeGraph>(W::Update);
    must_can_g_009_a_dropped_update_many_of_graphs_is_all_or_nothing = write::<KnowledgeGraph>(W::UpdateMany);
    must_can_g_010_a_dropped_upsert_of_a_graph_is_all_or_nothing = write::<KnowledgeGraph>(W::Upsert);
    must_can_g_011_a_dropped_upsert_many_of_graphs_is_all_or_nothing = write::<KnowledgeGraph>(W::UpsertMany);
    must_can_g_012_a_dropped_delete_of_a_graph_is_all_or_nothing = write::<KnowledgeGraph>(W::Delete);
    must_can_g_013_a_dropped_delete_many_of_graphs_is_all_or_nothing = write::<KnowledgeGraph>(W::DeleteMany);
    must_can_m_001_a_dropped_get_of_a_media_file_leaves_nothing_behind = read::<MediaFile>(R::Get);
    must_can_m_002_a_dropped_get_many_of_media_files_leaves_nothing_behind = read::<MediaFile>(R::GetMany);
    must_can_m_003_a_dropped_exists_of_a_media_file_leaves_nothing_behind = read::<MediaFile>(R::Exists);
    must_can_m_004_a_dropped_list_of_media_files_leaves_nothing_behind = read::<MediaFile>(R::List);
    must_can_m_005_a_dropped_count_of_media_files_leaves_nothing_behind = read::<MediaFile>(R::Count);
    must_can_m_006_a_dropped_create_of_a_media_file_is_all_or_nothing = write::<MediaFile>(W::Create);
    must_can_m_007_a_dropped_create_many_of_media_files_is_all_or_nothing = write::<MediaFile>(W::CreateMany);
    must_can_m_008_a_dropped_update_of_a_media_file_is_all_or_nothing = write::<MediaFile>(W::Update);
    must_can_m_009_a_dropped_update_many_of_media_files_is_all_or_nothing = write::<MediaFile>(W::UpdateMany);
    must_can_m_010_a_dropped_upsert_of_a_media_file_is_all_or_nothing = write::<MediaFile>(W::Upsert);
    must_can_m_011_a_dropped_upsert_many_of_media_files_is_all_or_nothing = write::<MediaFile>(W::UpsertMany);
    must_can_m_012_a_dropped_delete_of_a_media_file_is_all_or_nothing = write::<MediaFile>(W::Delete);
    must_can_m_013_a_dropped_delete_many_of_media_files_is_all_or_nothing = write::<MediaFile>(W::DeleteMany);
    must_can_m_014_a_dropped_get_by_path_leaves_nothing_behind = Single(GetByPath);
    must_can_l_001_a_dropped_get_of_a_playlist_leaves_nothing_behind = read::<Playlist>(R::Get);
    must_can_l_002_a_dropped_get_many_of_playlists_leaves_nothing_behind = read::<Playlist>(R::GetMany);
    must_can_l_003_a_dropped_exists_of_a_playlist_leaves_nothing_behind = read::<Playlist>(R::Exists);
    must_can_l_004_a_dropped_list_of_playlists_leaves_nothing_behind = read::<Playlist>(R::List);
    must_can_l_005_a_dropped_count_of_playlists_leaves_nothing_behind = read::<Playlist>(R::Count);
    must_can_l_006_a_dropped_create_of_a_playlist_is_all_or_nothing = write::<Playlist>(W::Create);
    must_can_l_007_a_dropped_create_many_of_playlists_is_all_or_nothing = write::<Playlist>(W::CreateMany);
    must_can_l_008_a_dropped_update_of_a_playlist_is_all_or_nothing = write::<Playlist>(W::Update);
    must_can_l_009_a_dropped_update_many_of_playlists_is_all_or_nothing = write::<Playlist>(W::UpdateMany);
    must_can_l_010_a_dropped_upsert_of_a_playlist_is_all_or_nothing = write::<Playlist>(W::Upsert);
    must_can_l_011_a_dropped_upsert_many_of_playlists_is_all_or_nothing = write::<Playlist>(W::UpsertMany);
    must_can_l_012_a_dropped_delete_of_a_playlist_is_all_or_nothing = write::<Playlist>(W::Delete);
    must_can_l_013_a_dropped_delete_many_of_playlists_is_all_or_nothing = write::<Playlist>(W::DeleteMany);
    must_can_l_014_a_dropped_restore_of_a_playlist_is_all_or_nothing = Single(SoftChange::Restore);
    must_can_l_015_a_dropped_purge_of_a_playlist_is_all_or_nothing = Single(SoftChange::Purge);
    must_can_f_001_a_dropped_get_of_a_source_file_leaves_nothing_behind = read::<SourceFile>(R::Get);
    must_can_f_002_a_dropped_get_many_of_source_files_leaves_nothing_behind = read::<SourceFile>(R::GetMany);
    must_can_f_003_a_dropped_exists_of_a_source_file_leaves_nothing_behind = read::<SourceFile>(R::Exists);
    must_can_f_004_a_dropped_list_of_source_files_leaves_nothing_behind = read::<SourceFile>(R::List);
    must_can_f_005_a_dropped_count_of_source_files_leaves_nothing_behind = read::<SourceFile>(R::Count);
    must_can_f_006_a_dropped_create_of_a_source_file_is_all_or_nothing = write::<SourceFile>(W::Create);
    must_can_f_007_a_dropped_create_many_of_source_files_is_all_or_nothing = write::<SourceFile>(W::CreateMany);
    must_can_f_008_a_dropped_update_of_a_source_file_is_all_or_nothing = write::<SourceFile>(W::Update);
    must_can_f_009_a_dropped_update_many_of_source_files_is_all_or_nothing = write::<SourceFile>(W::UpdateMany);
    must_can_f_010_a_dropped_upsert_of_a_source_file_is_all_or_nothing = write::<SourceFile>(W::Upsert);
    must_can_f_011_a_dropped_upsert_many_of_source_files_is_all_or_nothing = write::<SourceFile>(W::UpsertMany);
    must_can_f_012_a_dropped_delete_of_a_source_file_is_all_or_nothing = write::<SourceFile>(W::Delete);
    must_can_f_013_a_dropped_delete_many_of_source_files_is_all_or_nothing = write::<SourceFile>(W::DeleteMany);
    must_can_f_014_a_dropped_remove_many_of_source_files_is_all_or_nothing = Single(RemoveMany::new());
    must_can_p_001_a_dropped_get_of_a_task_leaves_nothing_behind = read::<ProcessingTask>(R::Get);
    must_can_p_002_a_dropped_get_many_of_tasks_leaves_nothing_behind = read::<ProcessingTask>(R::GetMany);
    must_can_p_003_a_dropped_exists_of_a_task_leaves_nothing_behind = read::<ProcessingTask>(R::Exists);
    must_can_p_004_a_dropped_list_of_tasks_leaves_nothing_behind = read::<ProcessingTask>(R::List);
    must_can_p_005_a_dropped_count_of_tasks_leaves_nothing_behind = read::<ProcessingTask>(R::Count);
    must_can_p_006_a_dropped_enqueue_of_a_task_is_all_or_nothing = Single(Queue::Enqueue);
    must_can_p_007_a_dropped_claim_of_a_task_is_all_or_nothing = Single(Queue::Claim);
    must_can_p_008_a_dropped_heartbeat_of_a_task_is_all_or_nothing = Single(Queue::Heartbeat);
    must_can_p_009_a_dropped_report_of_a_task_is_all_or_nothing = Single(Queue::Report);
    must_can_p_010_a_dropped_complete_of_a_task_is_all_or_nothing = Single(Queue::Complete);
    must_can_p_011_a_dropped_fail_of_a_task_is_all_or_nothing = Single(Queue::Fail);
    must_can_p_012_a_dropped_retry_of_a_task_is_all_or_nothing = Single(Queue::Retry);
    must_can_p_013_a_dropped_cancel_of_a_task_is_all_or_nothing = Single(Queue::Cancel);
    must_can_p_014_a_dropped_remove_finished_of_tasks_is_all_or_nothing = Single(Queue::RemoveFinished);
    must_can_s_001_a_dropped_begin_leaves_the_right_to_write_free = Begin(Mode::ReadWrite);
    must_can_s_002_a_dropped_begin_to_read_leaves_its_connection_free = Begin(Mode::ReadOnly);
    must_can_s_003_a_dropped_health_leaves_nothing_behind = Health;
    must_can_s_004_a_dropped_close_closes_the_store_wholly_or_not_at_all = Close;
    must_can_u_001_a_dropped_commit_is_all_or_nothing = End::Commit;
    must_can_u_002_a_dropped_rollback_keeps_nothing = End::Rollback;
    must_can_u_003_an_owner_dropped_half_way_leaves_all_or_nothing = Owner(Mode::ReadWrite);
    must_can_u_004_an_owner_that_only_reads_leaves_nothing_behind = Owner(Mode::ReadOnly);
}

// Inside a unit of work

pub(crate) async fn must_can_u_005_a_dropped_read_ends_its_unit_of_work(case: &Case) -> Outcome {
    reads_in_units(case, Mode::ReadWrite).await
}

pub(crate) async fn must_can_u_006_a_dropped_read_ends_its_read_only_unit_of_work(case: &Case) -> Outcome {
    reads_in_units(case, Mode::ReadOnly).await
}

pub(crate) async fn must_can_u_007_a_dropped_write_ends_its_unit_of_work(case: &Case) -> Outcome {
    let mut dropping = Dropping::new(case).await?;
    writes_in_units::<Channel>(&mut dropping).await?;
    writes_in_units::<Video>(&mut dropping).await?;
    writes_in_units::<Transcript>(&mut dropping).await?;
    writes_in_units::<KnowledgeGraph>(&mut dropping).await?;
    writes_in_units::<MediaFile>(&mut dropping).await?;
    writes_in_units::<SourceFile>(&mut dropping).await?;
    writes_in_units::<Playlist>(&mut dropping).await?;
    for call in SoftChange::ALL {
        in_unit(&mut dropping, call, Mode::ReadWrite).await?;
    }
    in_unit(&mut dropping, RemoveMany::new(), Mode::ReadWrite).await?;
    for call in Cascade::ALL {
        in_unit(&mut dropping, call, Mode::ReadWrite).await?;
    }
    for call in Queue::IN_UNIT {
        in_unit(&mut dropping, call, Mode::ReadWrite).await?;
    }
    dropping.end().await
}

pub(crate) async fn must_can_u_008_dropping_a_unit_of_work_gives_back_what_it_holds(case: &Case) -> Outcome {
    steps::drop_units(case).await
}

async fn in_unit(dropping: &mut Dropping<'_>, method: impl Method, mode: Mode) -> Outcome {
    dropping.at_every_poll(&InUnit(method, mode)).await
}

async fn reads_in_units(case: &Case, mode: Mode) -> Outcome {
    let mut dropping = Dropping::new(case).await?;
    reads_of_kind_in_units::<Channel>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<Video>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<Transcript>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<KnowledgeGraph>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<MediaFile>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<SourceFile>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<Playlist>(&mut dropping, mode).await?;
    reads_of_kind_in_units::<ProcessingTask>(&mut dropping, mode).await?;
    in_unit(&mut dropping, Search, mode).await?;
    in_unit(&mut dropping, GetByPath, mode).await?;
    dropping.end().await
}

async fn reads_of_kind_in_units<E: Stocked>(dropping: &mut Dropping<'_>, mode: Mode) -> Outcome {
    for reading in R::ALL {
        in_unit(dropping, Read::<E>::new(reading), mode).await?;
    }
    Ok(())
}

async fn writes_in_units<E: Written>(dropping: &mut Dropping<'_>) -> Outcome {
    for writing in W::ALL {
        in_unit(dropping, Write::<E>::new(writing), Mode::ReadWrite).await?;
    }
    Ok(())
}
