//! Taking in what another store has stored, as it is there.

use tubeatlas_domain::{
    Channel, Entity, KnowledgeGraph, Lease, LeaseToken, MediaFile, NewTask, Playlist, ProcessingTask,
    ProcessingTaskId, SourceFile, Transcript, Video, search::SearchQuery,
};
use tubeatlas_ports::{
    MAX_BATCH, PlaylistFilter, Revision, SearchRequest, Stored, Visibility, check_adopted,
};

use super::subject::Written;
use crate::check::{already_exists, holds, invalid, missing_reference, same, some};
use crate::fixtures::*;
use crate::{Case, Outcome, Violation};

/// An entity as another store has it: created and changed long ago, at a revision that is large there.
fn elsewhere<E>(entity: E, n: i64) -> Result<Stored<E>, Violation> {
    let revision =
        Revision::new(1_000_000).map_err(|error| Violation::error("a revision", error.to_string()))?;
    Ok(Stored { entity, created_at: at(n), updated_at: at(2 * n + 1), revision, deleted_at: None })
}

/// What is read, with the revision of what it is compared with: that is another one.
fn but_for_the_revision<E>(read: Stored<E>, of: &Stored<E>) -> Stored<E> {
    Stored { revision: of.revision, ..read }
}

async fn taken_in<E: Written>(case: &Case) -> Outcome {
    E::owners(case.store()).await?;
    let items: Result<Vec<_>, _> = E::shapes().into_iter().zip(1..).map(|(it, n)| elsewhere(it, n)).collect();
    let items = items?;
    let writes = E::writes(case.store());
    writes.adopt_many(&items).await?;
    let mut last = None;
    for item in &items {
        let read = some("what was taken in", writes.get(&item.entity.id(), Visibility::Live).await?)?;
        holds("revisions increase from item to item", Some(read.revision) > last, &(read.revision, last))?;
        last = Some(read.revision);
        same("what is read back", &but_for_the_revision(read, item), item)?;
    }
    same("their number", &writes.count(&E::Filter::default()).await?, &(items.len() as u64))?;
    // It changes as anything else does.
    let changed = writes.update(&items[0].entity.changed(1), None).await?;
    same("created_at after a change", &changed.created_at, &items[0].created_at)?;
    holds("a change gives a larger revision", Some(changed.revision) > last, &changed.revision)
}

pub(crate) async fn must_ado_c_001_channels_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<Channel>(case).await
}

pub(crate) async fn must_ado_c_002_videos_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<Video>(case).await
}

pub(crate) async fn must_ado_c_003_transcripts_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<Transcript>(case).await
}

pub(crate) async fn must_ado_c_004_graphs_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<KnowledgeGraph>(case).await
}

pub(crate) async fn must_ado_c_005_media_files_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<MediaFile>(case).await
}

pub(crate) async fn must_ado_c_007_source_files_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<SourceFile>(case).await
}

pub(crate) async fn must_ado_c_008_playlists_are_taken_in_as_they_are_elsewhere(case: &Case) -> Outcome {
    taken_in::<Playlist>(case).await
}

pub(crate) async fn must_ado_c_006_tasks_are_taken_in_in_whatever_state_they_are(case: &Case) -> Outcome {
    let broken = |error: &dyn std::fmt::Display| Violation::error("a task in this state", error.to_string());
    let new = |n: u32| {
        let new = NewTask { id: ProcessingTaskId::new(uuid(n)), ..a_full_task() };
        ProcessingTask::enqueue(new).map_err(|error| broken(&error))
    };
    let token = LeaseToken::new(uuid(9));
    let lease = Lease { token, worker: worker("w"), expires_at: at(100) };
    let running = new(2)?.claim(lease, noon()).map_err(|error| broken(&error))?;
    let done = running.complete(token, at(60)).map_err(|error| broken(&error))?;
    let done = ProcessingTask::new(tubeatlas_domain::ProcessingTaskFields {
        id: ProcessingTaskId::new(uuid(3)),
        ..done.into_fields()
    });
    let tasks = [new(1)?, running, done.map_err(|error| broken(&error))?];
    let items: Result<Vec<_>, _> = tasks.into_iter().zip(1..).map(|(it, n)| elsewhere(it, n)).collect();
    let items = items?;
    let store = case.store().processing_tasks();
    store.adopt_many(&items).await?;
    for item in &items {
        let read = some("the task", store.get(&item.entity.id, Visibility::Live).await?)?;
        same("the task that is read back", &but_for_the_revision(read, item), item)?;
    }
    already_exists::<ProcessingTask, _>(store.adopt_many(&items[1..2]).await, "id", &items[1].entity.id)?;
    // The worker goes on, with the token that it has.
    store.heartbeat(items[1].entity.id, token, 1_000).await?;
    Ok(())
}

pub(crate) async fn must_ado_d_001_what_is_deleted_elsewhere_is_deleted_here(case: &Case) -> Outcome {
    let mut video = elsewhere(a_video(), 1)?;
    video.deleted_at = Some(video.updated_at);
    case.store().videos().adopt_many(std::slice::from_ref(&video)).await?;
    let transcript = elsewhere(a_transcript(), 2)?;
    case.store().transcripts().adopt_many(std::slice::from_ref(&transcript)).await?;
    let (videos, transcripts) = (case.store().videos(), case.store().transcripts());
    let (id, of_transcript) = (video.entity.id(), transcript.entity.id());
    same("the deleted video to who sees what lives", &videos.exists(&id, Visibility::Live).await?, &false)?;
    let read = some("the deleted video", videos.get(&id, Visibility::OnlyDeleted).await?)?;
    same("when it was deleted", &read.deleted_at, &video.deleted_at)?;
    let hidden = transcripts.exists(&of_transcript, Visibility::Live).await?;
    same("its transcript to who sees what lives", &hidden, &false)?;
    videos.restore(&id).await?;
    let read = some("its transcript, restored", transcripts.get(&of_transcript, Visibility::Live).await?)?;
    same("its transcript, restored", &but_for_the_revision(read, &transcript), &transcript)
}

pub(crate) async fn must_ado_d_002_a_playlist_that_is_deleted_elsewhere_is_deleted_here(
    case: &Case,
) -> Outcome {
    let mut playlist = elsewhere(a_playlist(), 1)?;
    playlist.deleted_at = Some(playlist.updated_at);
    let (playlists, id) = (case.store().playlists(), playlist.entity.id());
    playlists.adopt_many(std::slice::from_ref(&playlist)).await?;
    let seen = playlists.exists(&id, Visibility::Live).await?;
    same("the deleted playlist to who sees what lives", &seen, &false)?;
    let read = some("the deleted playlist", playlists.get(&id, Visibility::OnlyDeleted).await?)?;
    same("the deleted playlist", &but_for_the_revision(read, &playlist), &playlist)?;
    playlists.restore(&id).await?;
    let holds = PlaylistFilter { video_id: Some(video_id("a-video")), ..PlaylistFilter::default() };
    same("how many hold its video, restored", &playlists.count(&holds).await?, &1)
}

pub(crate) async fn must_ado_r_001_what_is_there_is_refused_and_nothing_is_taken_in(case: &Case) -> Outcome {
    let channels = case.store().channels();
    let there = channels.create(&a_channel()).await?;
    let items = [elsewhere(a_full_channel(), 1)?, elsewhere(Channel::changed(&a_channel(), 1), 2)?];
    already_exists::<Channel, _>(channels.adopt_many(&items).await, "id", &a_channel().id)?;
    let twice = [items[0].clone(), items[0].clone()];
    already_exists::<Channel, _>(channels.adopt_many(&twice).await, "id", &a_full_channel().id)?;
    let read = channels.get(&a_full_channel().id, Visibility::Live).await?;
    holds("nothing is taken in beside what is refused", read.is_none(), &read)?;
    same("what was there", &channels.get(&a_channel().id, Visibility::Live).await?, &Some(there))
}

pub(crate) async fn must_ado_r_002_what_it_belongs_to_must_be_there(case: &Case) -> Outcome {
    let video = a_video_with(|v| v.channel_id = Some(channel_id("missing")));
    let adopted = case.store().videos().adopt_many(&[elsewhere(video, 1)?]).await;
    missing_reference::<Video, Channel, _>(adopted, &a_video().id, &"missing")?;
    let adopted = case.store().transcripts().adopt_many(&[elsewhere(a_transcript(), 1)?]).await;
    missing_reference::<Transcript, Video, _>(adopted, &a_transcript().id(), &a_transcript().video_id)
}

pub(crate) async fn must_ado_r_003_times_that_no_store_gives_and_too_many_items_are_invalid(
    case: &Case,
) -> Outcome {
    let right = elsewhere(a_channel(), 1)?;
    let channels = case.store().channels();
    let early = Stored { updated_at: at(0), ..right.clone() };
    invalid(channels.adopt_many(&[elsewhere(a_full_channel(), 1)?, early]).await, "channel.updated_at")?;
    let deleted = Stored { deleted_at: Some(at(1)), ..right.clone() };
    invalid(channels.adopt_many(&[deleted]).await, "channel.deleted_at")?;
    let late = Stored { deleted_at: Some(at(9)), ..elsewhere(a_video(), 1)? };
    invalid(case.store().videos().adopt_many(&[late]).await, "video.deleted_at")?;
    invalid(channels.adopt_many(&vec![right.clone(); MAX_BATCH + 1]).await, "batch")?;
    holds("the ports agree", check_adopted(&[right]).is_ok(), &"they do not")?;
    let read = channels.get(&a_channel().id, Visibility::Live).await?;
    holds("nothing is taken in", read.is_none(), &read)
}

pub(crate) async fn must_ado_s_001_what_is_taken_in_is_found(case: &Case) -> Outcome {
    let video = a_video_with(|v| v.title = "A zeppelin".into());
    case.store().videos().adopt_many(&[elsewhere(video, 1)?]).await?;
    let transcript = a_transcript_with(|t| t.cues = cues(&["about a zeppelin"]));
    case.store().transcripts().adopt_many(&[elsewhere(transcript, 1)?]).await?;
    let query =
        SearchQuery::parse("zeppelin").map_err(|error| Violation::error("a query", error.to_string()))?;
    let found = case.store().transcripts().search(&SearchRequest::new(query)).await?;
    same("the number of hits, of the title and of the transcript", &found.items.len(), &2)
}
