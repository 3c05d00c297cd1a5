//! Units of work: several calls as one transaction.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::time::timeout;
use tubeatlas_domain::{
    Channel, LeaseToken, MediaFile, ProcessingTask, Progress, TaskFailure, TaskStatus, Timestamp, Transcript,
    Transition, TransitionError, Video,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_BATCH, MAX_LEASE_MS, MAX_PAGE_LIMIT, Mode, PageRequest, Result,
    RetryPolicy, Store, UnitOfWork, Visibility, transact,
};

use super::core::another_revision;
use crate::check::{
    already_exists, closed, holds, invalid, missing_reference, not_found, read_only, refused_as,
    refused_transition, revision_conflict, same, some, still_referenced, unsupported,
};
use crate::fixtures::*;
use crate::harness::Limits;
use crate::{Case, Outcome, Violation};

/// How long one waits for another who may rightly never come, before it goes on alone.
const RENDEZVOUS: Duration = Duration::from_millis(100);

/// A time-out that a rule waits for.
const SHORT: Duration = Duration::from_millis(100);

/// Retries enough for any crowd of these rules.
pub(crate) const PATIENT: RetryPolicy =
    RetryPolicy { max_attempts: 1_000, first_delay: Duration::from_micros(50) };

fn video(id: &str) -> Video {
    a_video_with(|v| v.id = video_id(id))
}

fn titled(id: &str, title: &str) -> Video {
    a_video_with(|v| {
        v.id = video_id(id);
        v.title = title.into();
    })
}

async fn is_there(store: &(impl tubeatlas_ports::Repositories + ?Sized), id: &str) -> Result<bool> {
    store.videos().exists(&video_id(id), Visibility::WithDeleted).await
}

/// That a unit of work has ended: every call, and commit, is `Closed`.
async fn has_ended(unit: Box<dyn UnitOfWork>) -> Outcome {
    closed(unit.videos().get(&video_id("a-video"), Visibility::Live).await)?;
    closed(unit.channels().create(&a_channel()).await)?;
    closed(unit.processing_tasks().cancel(a_task().id).await)?;
    closed(unit.commit().await)
}

/// Whether a unit of work was committed; it may also have to give way to another one.
pub(crate) fn committed(result: Result<()>) -> Result<bool, Violation> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Conflict(Conflict::Serialization)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

// All or nothing

pub(crate) async fn must_uow_a_001_a_commit_makes_all_of_it_visible(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.channels().create(&a_channel()).await?;
    let video = unit.videos().create(&a_video_with(|v| v.channel_id = Some(a_channel().id.clone()))).await?;
    let transcript = unit.transcripts().create(&a_transcript()).await?;
    let graph = unit.knowledge_graphs().create(&a_knowledge_graph()).await?;
    let file = unit.media_files().create(&a_media_file()).await?;
    let source = unit.source_files().create(&a_source_file()).await?;
    let playlist = unit.playlists().create(&a_playlist()).await?;
    let task = unit.processing_tasks().enqueue(&a_task()).await?;
    unit.commit().await?;
    let live = Visibility::Live;
    same("the channel", &store.channels().exists(&a_channel().id, live).await?, &true)?;
    same("the video", &store.videos().get(&video_id("a-video"), live).await?, &Some(video))?;
    let id = &tubeatlas_domain::Entity::id(&a_transcript());
    same("the transcript", &store.transcripts().get(id, live).await?, &Some(transcript))?;
    same("the graph", &store.knowledge_graphs().get(&a_knowledge_graph().id, live).await?, &Some(graph))?;
    same("the file", &store.media_files().get(&a_media_file().id, live).await?, &Some(file))?;
    same("the playlist", &store.playlists().get(&a_playlist().id, live).await?, &Some(playlist))?;
    same("the source file", &store.source_files().get(&a_source_file().path, live).await?, &Some(source))?;
    same("the task", &store.processing_tasks().get(&a_task().id, live).await?, &Some(task))
}

/// Writes of every kind, some of them to what was there.
async fn write_of_every_kind(unit: &dyn UnitOfWork) -> Result<()> {
    unit.channels().create(&a_channel()).await?;
    unit.videos().update(&titled("there", "changed"), None).await?;
    unit.videos().create(&a_video()).await?;
    unit.transcripts().create(&a_transcript()).await?;
    unit.knowledge_graphs().create(&a_knowledge_graph()).await?;
    unit.media_files().create(&a_media_file()).await?;
    unit.source_files().create(&a_source_file()).await?;
    unit.playlists().create(&a_playlist()).await?;
    unit.processing_tasks().enqueue(&a_task()).await?;
    unit.videos().delete(&video_id("other"), None).await
}

/// That [`write_of_every_kind`] did not happen, and that the next writer is let in.
async fn nothing_happened(case: &Case) -> Outcome {
    let store = case.store();
    same("the channels", &store.channels().count(&Default::default()).await?, &0)?;
    same("the videos", &store.videos().count(&Default::default()).await?, &2)?;
    same("the transcripts", &store.transcripts().count(&Default::default()).await?, &0)?;
    same("the graphs", &store.knowledge_graphs().count(&Default::default()).await?, &0)?;
    same("the files", &store.media_files().count(&Default::default()).await?, &0)?;
    same("the playlists", &store.playlists().count(&Default::default()).await?, &0)?;
    same("the source files", &store.source_files().count(&Default::default()).await?, &0)?;
    same("the tasks", &store.processing_tasks().count(&Default::default()).await?, &0)?;
    let read = store.videos().get(&video_id("there"), Visibility::Live).await?;
    same("the title", &read.map(|stored| stored.title.clone()), &Some("A video".to_owned()))?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&video("next")).await?;
    Ok(unit.commit().await?)
}

async fn two_videos(case: &Case) -> Outcome {
    case.store().videos().create_many(&[video("there"), video("other")]).await?;
    Ok(())
}

pub(crate) async fn must_uow_a_002_a_rollback_forgets_all_of_it(case: &Case) -> Outcome {
    two_videos(case).await?;
    let unit = case.store().begin(Mode::ReadWrite).await?;
    write_of_every_kind(&*unit).await?;
    unit.rollback().await?;
    nothing_happened(case).await
}

pub(crate) async fn must_uow_a_003_dropping_it_forgets_all_of_it(case: &Case) -> Outcome {
    two_videos(case).await?;
    for _ in 0..3 {
        let unit = case.store().begin(Mode::ReadWrite).await?;
        write_of_every_kind(&*unit).await?;
        drop(unit);
    }
    nothing_happened(case).await
}

pub(crate) async fn must_uow_a_004_a_panic_of_its_owner_forgets_all_of_it(case: &Case) -> Outcome {
    two_videos(case).await?;
    let store = case.shared();
    let owner = tokio::spawn(async move {
        let unit = store.begin(Mode::ReadWrite).await?;
        write_of_every_kind(&*unit).await?;
        if unit.videos().count(&Default::default()).await? > 0 {
            // As a panic, but without its message on the screen.
            std::panic::resume_unwind(Box::new("the owner panics"));
        }
        unit.commit().await
    });
    let panicked = owner.await.is_err_and(|error| error.is_panic());
    holds("the owner panicked and did nothing else", panicked, &panicked)?;
    nothing_happened(case).await
}

pub(crate) async fn must_uow_a_005_cancelling_its_owner_forgets_all_of_it(case: &Case) -> Outcome {
    two_videos(case).await?;
    let store = case.shared();
    let (written, at_work) = tokio::sync::oneshot::channel();
    let owner = async move {
        let unit = store.begin(Mode::ReadWrite).await?;
        write_of_every_kind(&*unit).await?;
        let _ = written.send(());
        std::future::pending::<()>().await;
        unit.commit().await
    };
    tokio::select! {
        result = owner => result?,
        _ = at_work => {}
    }
    nothing_happened(case).await
}

// Isolation

pub(crate) async fn must_uow_i_001_it_reads_what_it_wrote(case: &Case) -> Outcome {
    two_videos(case).await?;
    let unit = case.store().begin(Mode::ReadWrite).await?;
    write_of_every_kind(&*unit).await?;
    let videos = unit.videos();
    let read = videos.get(&video_id("there"), Visibility::Live).await?;
    same("what it updated", &read.map(|stored| stored.title.clone()), &Some("changed".to_owned()))?;
    same("what it created", &videos.exists(&video_id("a-video"), Visibility::Live).await?, &true)?;
    same("what it deleted", &videos.exists(&video_id("other"), Visibility::Live).await?, &false)?;
    same("its count", &videos.count(&Default::default()).await?, &2)?;
    let listed = videos.list(&Default::default(), &PageRequest::default()).await?.items;
    same("its list", &listed.len(), &2)?;
    same(
        "its files",
        &unit.media_files().get_by_path(&a_media_file().path, Visibility::Live).await?.is_some(),
        &true,
    )?;
    same("its playlists", &unit.playlists().count(&Default::default()).await?, &1)?;
    same("its source files", &unit.source_files().count(&Default::default()).await?, &1)?;
    same("its tasks", &unit.processing_tasks().count(&Default::default()).await?, &1)?;
    videos.purge(&video_id("a-video"), None).await?;
    same("its transcripts after a purge", &unit.transcripts().count(&Default::default()).await?, &0)?;
    Ok(unit.commit().await?)
}

pub(crate) async fn must_uow_i_002_nobody_sees_it_before_it_is_committed(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&titled("there", "before")).await?;
    let early = store.begin(Mode::ReadOnly).await?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().update(&titled("there", "after"), None).await?;
    unit.videos().create(&video("new")).await?;
    let late = store.begin(Mode::ReadOnly).await?;
    let others: [(&str, &dyn tubeatlas_ports::Repositories); 3] =
        [("the store", store), ("a unit begun before", &*early), ("a unit begun after", &*late)];
    for (who, other) in others {
        same(&format!("what {who} sees of the new one"), &is_there(other, "new").await?, &false)?;
        let read = other.videos().get(&video_id("there"), Visibility::Live).await?;
        same(&format!("the title that {who} sees"), &read.map(|s| s.title.clone()), &Some("before".into()))?;
        same(&format!("the count that {who} sees"), &other.videos().count(&Default::default()).await?, &1)?;
    }
    drop((early, late));
    unit.commit().await?;
    same("what the store sees then", &is_there(store, "new").await?, &true)
}

pub(crate) async fn must_uow_i_003_a_read_only_unit_sees_one_moment(case: &Case) -> Outcome {
    let store = case.store();
    two_videos(case).await?;
    let unit = store.begin(Mode::ReadOnly).await?;
    // Also what it has not looked at yet belongs to its moment.
    store.videos().update(&titled("there", "changed"), None).await?;
    same("the first read", &is_there(&*unit, "new").await?, &false)?;
    store.videos().create(&video("new")).await?;
    store.videos().delete(&video_id("other"), None).await?;
    store.channels().create(&a_channel()).await?;
    let read = unit.videos().get(&video_id("there"), Visibility::Live).await?;
    same("the title", &read.map(|stored| stored.title.clone()), &Some("A video".to_owned()))?;
    same("the new video", &is_there(&*unit, "new").await?, &false)?;
    same("the count", &unit.videos().count(&Default::default()).await?, &2)?;
    same("the channels", &unit.channels().count(&Default::default()).await?, &0)?;
    unit.commit().await?;
    same("the channels afterwards", &store.channels().count(&Default::default()).await?, &1)
}

pub(crate) async fn must_uow_i_004_it_sees_all_that_was_acknowledged_before_it_began(case: &Case) -> Outcome {
    let store = case.store();
    for n in 0..10 {
        let id = format!("video-{n}");
        store.videos().create(&video(&id)).await?;
        for mode in [Mode::ReadOnly, Mode::ReadWrite] {
            let unit = store.begin(mode).await?;
            same(&format!("{id} in a unit of work, {mode:?}"), &is_there(&*unit, &id).await?, &true)?;
            unit.rollback().await?;
        }
    }
    Ok(())
}

/// The interleaving: a unit of work that writes reads; another write begins, and waits or succeeds at once, as
/// the adapter likes; the unit reads again, or has to give way.
pub(crate) async fn must_uow_i_005_a_writing_unit_sees_one_moment_too(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    let new = video("new");
    let mut other = store.videos().create(&new);
    let early = timeout(RENDEZVOUS, &mut other).await;
    let given_way = |error: &Error| matches!(error, Error::Conflict(Conflict::Serialization));
    match is_there(&*unit, "new").await {
        Err(error) if given_way(&error) => {}
        seen => same("what was created after it began", &seen?, &false)?,
    }
    match unit.videos().count(&Default::default()).await {
        Err(error) if given_way(&error) => {}
        seen => same("the count", &seen?, &0)?,
    }
    unit.rollback().await?;
    match early {
        Ok(result) => result?,
        Err(_) => other.await?,
    };
    same("what was created", &is_there(store, "new").await?, &true)
}

/// Two units of work read the same, and each writes what follows from it. An adapter may make the second wait,
/// or make one of them give way; both cannot be committed as if the other had not been there.
async fn two_at_once(case: &Case, work: impl AsyncWork) -> Result<usize, Violation> {
    let barrier = Arc::new(Barrier::new(2));
    let tasks = [0, 1].map(|n| {
        let (store, barrier) = (case.shared(), barrier.clone());
        tokio::spawn(async move {
            let unit = store.begin(Mode::ReadWrite).await?;
            let read = unit.videos().get_many(&["x", "y"].map(video_id), Visibility::Live).await;
            // The other one may have to wait until this one is done: then this one goes on alone.
            let _ = timeout(RENDEZVOUS, barrier.wait()).await;
            let written = match read {
                Ok(read) => {
                    let title = |n: usize| {
                        read.get(n)
                            .and_then(|video| video.as_ref().map(|v| v.title.clone()))
                            .unwrap_or_default()
                    };
                    match work(n, [title(0), title(1)]) {
                        ControlFlow::Continue(video) => unit.videos().update(&video, None).await.map(|_| ()),
                        ControlFlow::Break(()) => Ok(()),
                    }
                }
                Err(error) => Err(error),
            };
            match written {
                Ok(()) => committed(unit.commit().await),
                Err(error) => committed(Err(error)),
            }
        })
    });
    let mut done = 0;
    for task in tasks {
        let result = task.await.map_err(|error| Violation::new("a unit of work ends", error.to_string()))?;
        done += usize::from(result?);
    }
    holds("at least one of two units of work is committed", done > 0, &done)?;
    Ok(done)
}

trait AsyncWork: Fn(usize, [String; 2]) -> ControlFlow<(), Video> + Copy + Send + 'static {}
impl<F: Fn(usize, [String; 2]) -> ControlFlow<(), Video> + Copy + Send + 'static> AsyncWork for F {}

async fn titles(case: &Case) -> Result<[String; 2], Violation> {
    let read = case.store().videos().get_many(&["x", "y"].map(video_id), Visibility::Live).await?;
    let mut titles = read.into_iter().flatten().map(|video| video.title.clone());
    Ok([titles.next().unwrap_or_default(), titles.next().unwrap_or_default()])
}

pub(crate) async fn must_uow_i_006_no_update_is_lost(case: &Case) -> Outcome {
    case.store().videos().create_many(&[titled("x", ""), titled("y", "")]).await?;
    let done = two_at_once(case, |_, [x, _]| ControlFlow::Continue(titled("x", &format!("{x}+")))).await?;
    same("what the committed units of work added", &titles(case).await?[0], &"+".repeat(done))
}

pub(crate) async fn must_uow_i_007_no_write_is_skewed(case: &Case) -> Outcome {
    case.store().videos().create_many(&[titled("x", "on call"), titled("y", "on call")]).await?;
    // Each goes home if the other one stays.
    two_at_once(case, |n, both| {
        if both.iter().all(|title| title == "on call") {
            ControlFlow::Continue(titled(["x", "y"][n], "gone"))
        } else {
            ControlFlow::Break(())
        }
    })
    .await?;
    let left = titles(case).await?;
    holds("one of the two stays", left.iter().any(|title| title == "on call"), &left)
}

// Errors

pub(crate) async fn must_uow_e_001_an_error_that_changed_nothing_leaves_it_usable(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.channels().create(&a_channel()).await?;
    let channel = a_channel().id.clone();
    let video = a_video_with(|v| v.channel_id = Some(channel.clone()));
    unit.videos().create(&video).await?;
    unit.media_files().create(&a_media_file()).await?;
    already_exists::<Video, _>(unit.videos().create(&video).await, "id", &video.id)?;
    let missing = video_id("missing");
    not_found::<Video, _>(unit.videos().update(&titled("missing", ""), None).await, &missing)?;
    not_found::<Video, _>(unit.videos().delete(&missing, None).await, &missing)?;
    let orphan = a_transcript_with(|t| t.video_id = missing.clone());
    let id = tubeatlas_domain::Entity::id(&orphan);
    missing_reference::<Transcript, Video, _>(unit.transcripts().create(&orphan).await, &id, &missing)?;
    still_referenced::<Channel, Video, _>(unit.channels().delete(&channel, None).await, &channel)?;
    invalid(
        unit.videos().list(&Default::default(), &PageRequest { limit: 0, ..Default::default() }).await,
        "limit",
    )?;
    not_found::<ProcessingTask, _>(unit.processing_tasks().cancel(a_task().id).await, &a_task().id)?;
    let same_path = a_media_file_with(|m| m.id = tubeatlas_domain::MediaFileId::new(uuid(1)));
    already_exists::<MediaFile, _>(unit.media_files().create(&same_path).await, "path", &same_path.path)?;
    unit.knowledge_graphs().create(&a_knowledge_graph()).await?;
    unit.commit().await?;
    same("the video", &is_there(store, "a-video").await?, &true)?;
    same("the graphs", &store.knowledge_graphs().count(&Default::default()).await?, &1)
}

pub(crate) async fn must_uow_e_002_a_refused_batch_leaves_what_was_done_before(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&titled("there", "before")).await?;
    let batch = [video("first"), video("there"), video("last")];
    already_exists::<Video, _>(unit.videos().create_many(&batch).await, "id", &"there")?;
    let batch = [titled("there", "batch"), video("missing")];
    not_found::<Video, _>(unit.videos().update_many(&batch).await, &"missing")?;
    let ids = ["there", "missing"].map(video_id);
    not_found::<Video, _>(unit.videos().delete_many(&ids).await, &"missing")?;
    same("the count in the unit of work", &unit.videos().count(&Default::default()).await?, &1)?;
    unit.videos().create(&video("after")).await?;
    unit.commit().await?;
    let read = store.videos().get_many(&["there", "first", "after"].map(video_id), Visibility::Live).await?;
    let titles: Vec<_> = read.iter().map(|v| v.as_ref().map(|v| v.title.as_str())).collect();
    same("the titles", &titles, &vec![Some("before"), None, Some("A video")])
}

pub(crate) async fn must_uow_e_003_a_conflict_of_revisions_ends_it(case: &Case) -> Outcome {
    let store = case.store();
    let there = store.videos().create(&titled("there", "before")).await?;
    for commits in [true, false] {
        let unit = store.begin(Mode::ReadWrite).await?;
        unit.videos().create(&video("new")).await?;
        let wrong = another_revision(there.revision);
        let result = unit.videos().update(&titled("there", "after"), Some(wrong)).await;
        revision_conflict::<Video, _>(result, &"there", wrong, there.revision)?;
        // What has ended is told before anything else.
        closed(unit.videos().get_many(&vec![video_id("x"); MAX_BATCH + 1], Visibility::Live).await)?;
        if commits {
            has_ended(unit).await?
        } else {
            unit.rollback().await?
        }
        same("what it did before", &is_there(store, "new").await?, &false)?;
    }
    same("the next write", &store.videos().create(&video("new")).await.is_ok(), &true)
}

pub(crate) async fn must_uow_e_004_a_refused_transition_ends_it(case: &Case) -> Outcome {
    let store = case.store();
    store.processing_tasks().enqueue(&a_task()).await?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.processing_tasks().cancel(a_task().id).await?;
    let error = TransitionError::Illegal { from: TaskStatus::Cancelled, transition: Transition::Cancel };
    refused_transition(unit.processing_tasks().cancel(a_task().id).await, &a_task().id, error)?;
    has_ended(unit).await?;
    let task = some("the task", store.processing_tasks().get(&a_task().id, Visibility::Live).await?)?;
    same("its status", &task.status, &TaskStatus::Pending)
}

pub(crate) async fn must_uow_e_005_every_write_in_a_read_only_unit_is_refused(case: &Case) -> Outcome {
    let store = case.store();
    store.channels().create(&a_channel()).await?;
    store.videos().create(&a_video()).await?;
    store.transcripts().create(&a_transcript()).await?;
    store.knowledge_graphs().create(&a_knowledge_graph()).await?;
    store.media_files().create(&a_media_file()).await?;
    store.processing_tasks().enqueue(&a_task()).await?;
    let unit = store.begin(Mode::ReadOnly).await?;

    // What would change something, what would change nothing, what is refused later in the order of answers.
    let videos = unit.videos();
    read_only(videos.create(&video("new")).await)?;
    read_only(videos.create(&a_video()).await)?;
    read_only(videos.update(&a_video(), None).await)?;
    read_only(videos.update(&video("missing"), None).await)?;
    read_only(videos.upsert(&a_video()).await)?;
    read_only(videos.delete(&video_id("a-video"), None).await)?;
    read_only(videos.create_many(&[]).await)?;
    read_only(videos.update_many(&[a_video()]).await)?;
    read_only(videos.upsert_many(&[a_video()]).await)?;
    read_only(videos.delete_many(&[video_id("a-video")]).await)?;
    read_only(videos.restore(&video_id("a-video")).await)?;
    read_only(videos.purge(&video_id("missing"), None).await)?;
    read_only(unit.channels().delete(&a_channel().id, None).await)?;
    read_only(unit.channels().upsert(&a_channel()).await)?;
    read_only(unit.transcripts().upsert(&a_transcript()).await)?;
    read_only(unit.knowledge_graphs().update(&a_knowledge_graph(), None).await)?;
    read_only(unit.media_files().delete(&a_media_file().id, None).await)?;
    read_only(unit.playlists().update(&a_playlist(), None).await)?;
    read_only(unit.playlists().restore(&a_playlist().id).await)?;
    read_only(unit.playlists().purge(&a_playlist().id, None).await)?;
    read_only(unit.source_files().upsert(&a_source_file()).await)?;
    read_only(unit.source_files().remove_many(&[]).await)?;
    let (tasks, token) = (unit.processing_tasks(), LeaseToken::new(uuid(1)));
    let failure = TaskFailure::new("no", None).map_err(|e| Violation::new("a failure", e.to_string()))?;
    read_only(tasks.enqueue(&a_task()).await)?;
    read_only(tasks.heartbeat(a_task().id, token, MAX_LEASE_MS).await)?;
    read_only(tasks.report(a_task().id, token, Progress::NONE).await)?;
    read_only(tasks.complete(a_task().id, token).await)?;
    read_only(tasks.fail(a_task().id, token, &failure).await)?;
    read_only(tasks.retry(a_task().id).await)?;
    read_only(tasks.cancel(a_task().id).await)?;
    read_only(tasks.remove_finished(Timestamp::MAX, 1).await)?;

    // What is invalid or unsupported is told before.
    invalid(videos.create_many(&vec![a_video(); MAX_BATCH + 1]).await, "batch")?;
    invalid(
        unit.source_files().remove_many(&vec![a_source_file().path.clone(); MAX_BATCH + 1]).await,
        "batch",
    )?;
    invalid(tasks.heartbeat(a_task().id, token, 0).await, "lease_ms")?;
    invalid(tasks.remove_finished(Timestamp::MAX, MAX_PAGE_LIMIT + 1).await, "limit")?;

    same("a read afterwards", &is_there(&*unit, "a-video").await?, &true)?;
    unit.commit().await?;
    same("the videos", &store.videos().count(&Default::default()).await?, &1)
}

pub(crate) async fn must_uow_e_006_a_claim_in_a_unit_of_work_is_unsupported(case: &Case) -> Outcome {
    let store = case.store();
    store.processing_tasks().enqueue(&a_task()).await?;
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let unit = store.begin(mode).await?;
        for lease_ms in [1_000, 0] {
            let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms, only: None };
            unsupported(unit.processing_tasks().claim(&request).await)?;
        }
        same("a read afterwards", &unit.processing_tasks().count(&Default::default()).await?, &1)?;
        unit.commit().await?;
    }
    let task = some("the task", store.processing_tasks().get(&a_task().id, Visibility::Live).await?)?;
    same("its status", &task.status, &TaskStatus::Pending)
}

pub(crate) async fn must_uow_e_007_the_transitions_of_a_task_are_part_of_it(case: &Case) -> Outcome {
    let store = case.store();
    let tasks = store.processing_tasks();
    tasks.enqueue(&a_task()).await?;
    let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 60_000, only: None };
    let claimed = some("a task", tasks.claim(&request).await?)?;
    let token = some("its lease", claimed.lease.clone())?.token;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.processing_tasks().complete(a_task().id, token).await?;
    same("what others see", &tasks.get(&a_task().id, Visibility::Live).await?, &Some(claimed.clone()))?;
    unit.rollback().await?;
    same("after a rollback", &tasks.get(&a_task().id, Visibility::Live).await?, &Some(claimed))?;
    let unit = store.begin(Mode::ReadWrite).await?;
    let completed = unit.processing_tasks().complete(a_task().id, token).await?;
    unit.commit().await?;
    same("after a commit", &tasks.get(&a_task().id, Visibility::Live).await?, &Some(completed))
}

// Dropped calls

pub(crate) async fn must_uow_d_001_dropping_a_call_that_had_begun_ends_it(case: &Case) -> Outcome {
    let store = case.store();
    // Dropped after one poll, two, …, until the call is ready before it can be dropped.
    for polls in 1..=20 {
        let unit = store.begin(Mode::ReadWrite).await?;
        unit.videos().create(&video("before")).await?;
        let new = video("dropped");
        let mut call = unit.videos().create(&new);
        let mut ready = false;
        for _ in 0..polls {
            if let Poll::Ready(result) = futures::poll!(&mut call) {
                result?;
                ready = true;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        if ready {
            unit.rollback().await?;
            break;
        }
        has_ended(unit).await?;
        same("what was done before", &is_there(store, "before").await?, &false)?;
        same("what the dropped call wrote", &is_there(store, "dropped").await?, &false)?;
    }
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&video("next")).await?;
    Ok(unit.commit().await?)
}

pub(crate) async fn must_uow_d_002_a_call_that_was_never_polled_has_not_happened(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&video("before")).await?;
    let (new, old) = (video("never"), video_id("before"));
    drop(unit.videos().create(&new));
    drop(unit.videos().purge(&old, None));
    same("what it would have written", &is_there(&*unit, "never").await?, &false)?;
    unit.commit().await?;
    same("what was done", &is_there(store, "before").await?, &true)?;
    drop(store.videos().create(&new));
    drop(store.begin(Mode::ReadWrite));
    same("what it would have written", &is_there(store, "never").await?, &false)
}

pub(crate) async fn must_uow_d_003_calls_polled_at_the_same_time_run_one_after_the_other(
    case: &Case,
) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    let videos: Vec<_> = (0..20).map(|n| video(&format!("video-{n}"))).collect();
    let calls = videos.iter().map(|video| unit.videos().create(video));
    let mut revisions = Vec::new();
    for stored in futures::future::join_all(calls).await {
        revisions.push(stored?.revision);
    }
    revisions.sort_unstable();
    revisions.dedup();
    same("their revisions", &revisions.len(), &videos.len())?;
    let reads = videos.iter().map(|video| unit.videos().exists(&video.id, Visibility::Live));
    for found in futures::future::join_all(reads).await {
        same("each is there", &found?, &true)?;
    }
    unit.commit().await?;
    same("their number", &store.videos().count(&Default::default()).await?, &20)
}

// Waiting

pub(crate) async fn must_uow_w_001_a_second_writer_gets_its_turn(case: &Case) -> Outcome {
    let store = case.shared();
    let first = store.begin(Mode::ReadWrite).await?;
    first.videos().create(&video("first")).await?;
    let other = store.clone();
    let mut second = tokio::spawn(async move {
        transact(&*other, Mode::ReadWrite, PATIENT, |unit| {
            Box::pin(async move { unit.videos().create(&video("second")).await })
        })
        .await
    });
    let early = timeout(RENDEZVOUS, &mut second).await;
    let kept = committed(first.commit().await)?;
    let result = match early {
        Ok(result) => result,
        Err(_) => second.await,
    };
    result.map_err(|error| Violation::new("the second writer ends", error.to_string()))??;
    same("what the first one wrote", &is_there(&*store, "first").await?, &kept)?;
    same("what the second one wrote", &is_there(&*store, "second").await?, &true)
}

/// Either it was done, or it was not done in [time](impatient), and it says how long it tried.
#[track_caller]
fn done_or_timed_out<T: Debug>(result: Result<T>) -> Result<bool, Violation> {
    match result {
        Ok(_) => Ok(true),
        Err(Error::Timeout { waited_for, waited_ms }) => {
            let waited = Duration::from_millis(waited_ms);
            holds("it waited as long as configured", waited >= SHORT, &(waited_for, waited))?;
            Ok(false)
        }
        Err(error) => {
            let may = |error: &Error| error.is_retryable();
            refused_as(Err::<T, _>(error), "Timeout, Unavailable, or a conflict", may)?;
            Ok(false)
        }
    }
}

fn impatient() -> Limits {
    Limits { acquire_timeout: SHORT, ..Limits::default() }
}

pub(crate) async fn must_uow_w_002_a_second_writer_does_not_wait_longer_than_configured(
    case: &Case,
) -> Outcome {
    let store = case.another(impatient()).await?;
    store.videos().create(&titled("there", "")).await?;
    let first = store.begin(Mode::ReadWrite).await?;
    first.videos().update(&titled("there", "first"), None).await?;
    let second = async {
        let unit = store.begin(Mode::ReadWrite).await?;
        unit.videos().update(&titled("there", "second"), None).await?;
        unit.commit().await
    };
    let second = done_or_timed_out(second.await)?;
    let first = committed(first.commit().await)?;
    holds("not both wrote over the other", !(first && second), &(first, second))?;
    let expected = if first { "first" } else { "second" };
    let read = store.videos().get(&video_id("there"), Visibility::Live).await?;
    same("the title", &read.map(|stored| stored.title.clone()), &Some(expected.to_owned()))?;
    // The wait of the second has left nothing behind.
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().update(&titled("there", "third"), None).await?;
    Ok(unit.commit().await?)
}

pub(crate) async fn must_uow_w_003_a_single_write_does_not_wait_longer_than_configured(
    case: &Case,
) -> Outcome {
    let store = case.another(impatient()).await?;
    store.videos().create(&titled("there", "")).await?;
    store.processing_tasks().enqueue(&a_task()).await?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().update(&titled("there", "first"), None).await?;
    let updated = done_or_timed_out(store.videos().update(&titled("there", "second"), None).await)?;
    let created = done_or_timed_out(store.videos().create(&video("new")).await)?;
    let cancelled = done_or_timed_out(store.processing_tasks().cancel(a_task().id).await)?;
    let committed = committed(unit.commit().await)?;
    holds("not both wrote over the other", !(updated && committed), &(updated, committed))?;
    // What timed out was not done.
    same("what was to be created", &is_there(&*store, "new").await?, &created)?;
    let task = some("the task", store.processing_tasks().get(&a_task().id, Visibility::Live).await?)?;
    same("what was to be cancelled", &(task.status == TaskStatus::Cancelled), &cancelled)
}

pub(crate) async fn must_uow_w_004_reads_do_not_wait_for_an_open_writer(case: &Case) -> Outcome {
    let store = case.store();
    two_videos(case).await?;
    let unit = store.begin(Mode::ReadWrite).await?;
    write_of_every_kind(&*unit).await?;
    // Were one of them to wait, nobody would end the unit: the watchdog would.
    nobody_waits(store).await?;
    let reader = store.begin(Mode::ReadOnly).await?;
    same("a read in a unit of work", &is_there(&*reader, "there").await?, &true)?;
    reader.commit().await?;
    unit.rollback().await?;
    Ok(())
}

async fn nobody_waits(store: &dyn Store) -> Outcome {
    let (live, all) = (Visibility::Live, Visibility::WithDeleted);
    store.channels().get(&a_channel().id, live).await?;
    store.channels().list(&Default::default(), &PageRequest::default()).await?;
    store.videos().get_many(&[video_id("there"), video_id("new")], all).await?;
    store.videos().list(&Default::default(), &PageRequest::default()).await?;
    store.videos().count(&Default::default()).await?;
    store.transcripts().list(&Default::default(), &PageRequest::default()).await?;
    let query = tubeatlas_domain::search::SearchQuery::parse("lesson");
    let query = query.map_err(|error| Violation::new("a query", error.to_string()))?;
    store.transcripts().search(&tubeatlas_ports::SearchRequest::new(query)).await?;
    store.knowledge_graphs().exists(&a_knowledge_graph().id, live).await?;
    store.media_files().get_by_path("/media/a-video.mp4", live).await?;
    store.source_files().count(&Default::default()).await?;
    store.playlists().list(&Default::default(), &PageRequest::default()).await?;
    store.processing_tasks().list(&Default::default(), &PageRequest::default()).await?;
    store.health().await?;
    Ok(())
}

/// Asks a unit of work until it has ended by itself: the answer by which it shows that.
async fn ending(unit: &dyn UnitOfWork) -> Result<bool> {
    loop {
        match unit.videos().exists(&video_id("there"), Visibility::Live).await {
            Ok(_) => tokio::time::sleep(SHORT / 10).await,
            Err(error) => return Err(error),
        }
    }
}

/// Asks a unit of work until it has ended by itself.
async fn ends_by_itself(unit: &dyn UnitOfWork) -> Outcome {
    closed(ending(unit).await)
}

fn has_ended_or_given_way<T: Debug>(result: Result<T>) -> Outcome {
    refused_as(result, "Closed, or that it has to give way to another one", |error| {
        matches!(error, Error::Closed { .. } | Error::Conflict(Conflict::Serialization))
    })
}

pub(crate) async fn must_uow_w_005_after_its_deadline_it_has_ended(case: &Case) -> Outcome {
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let limits = Limits { unit_of_work_timeout: SHORT, ..Limits::default() };
        let store = case.another(limits).await?;
        let unit = store.begin(mode).await?;
        let lost = store.begin(Mode::ReadOnly).await?;
        if mode == Mode::ReadWrite {
            unit.videos().create(&video("there")).await?;
        }
        ends_by_itself(&*unit).await?;
        has_ended(unit).await?;
        ends_by_itself(&*lost).await?;
        lost.rollback().await?;
        same("what it wrote", &is_there(&*store, "there").await?, &false)?;
    }
    Ok(())
}

pub(crate) async fn must_uow_w_006_a_forgotten_writer_lets_the_next_one_in_after_its_deadline(
    case: &Case,
) -> Outcome {
    let limits = Limits { unit_of_work_timeout: SHORT, ..Limits::default() };
    let store = case.another(limits).await?;
    store.videos().create(&titled("there", "before")).await?;
    let forgotten = store.begin(Mode::ReadWrite).await?;
    forgotten.videos().update(&titled("there", "forgotten"), None).await?;
    // Nobody touches the forgotten one; the watchdog is far beyond its deadline.
    store.videos().update(&titled("there", "single"), None).await?;
    transact(&*store, Mode::ReadWrite, PATIENT, |unit| {
        Box::pin(async move { unit.videos().update(&titled("there", "unit"), None).await })
    })
    .await?;
    // Its deadline has passed; and another one has written meanwhile, to which it may have given way before.
    has_ended_or_given_way(ending(&*forgotten).await)?;
    has_ended_or_given_way(forgotten.commit().await)?;
    let read = store.videos().get(&video_id("there"), Visibility::Live).await?;
    same("the title", &read.map(|stored| stored.title.clone()), &Some("unit".to_owned()))
}

pub(crate) async fn must_uow_w_007_more_units_than_connections_are_answered_in_time(case: &Case) -> Outcome {
    let store = case.another(Limits { connections: 2, ..impatient() }).await?;
    store.videos().create(&video("there")).await?;
    let mut units = Vec::new();
    for _ in 0..6 {
        match store.begin(Mode::ReadOnly).await {
            Ok(unit) => units.push(unit),
            Err(error) => {
                done_or_timed_out(Err::<(), _>(error))?;
            }
        }
    }
    holds("some were opened", !units.is_empty(), &units.len())?;
    done_or_timed_out(store.videos().exists(&video_id("there"), Visibility::Live).await)?;
    for unit in &units {
        same("a read in each", &is_there(&**unit, "there").await?, &true)?;
    }
    drop(units);
    same("a read afterwards", &is_there(&*store, "there").await?, &true)?;
    Ok(store.begin(Mode::ReadOnly).await?.commit().await?)
}

pub(crate) async fn must_uow_w_008_a_waiter_that_gives_up_leaves_nothing_behind(case: &Case) -> Outcome {
    let store = case.store();
    let first = store.begin(Mode::ReadWrite).await?;
    first.videos().create(&video("first")).await?;
    let new = video("new");
    for _ in 0..10 {
        let (mut begin, mut write) = (store.begin(Mode::ReadWrite), store.videos().upsert(&new));
        let _ = futures::poll!(&mut begin);
        let _ = futures::poll!(&mut write);
        tokio::task::yield_now().await;
    }
    let kept = committed(first.commit().await)?;
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&video("next")).await?;
    unit.commit().await?;
    same("what the first one wrote", &is_there(store, "first").await?, &kept)?;
    same("what the next one wrote", &is_there(store, "next").await?, &true)
}
