//! What was acknowledged is there when the store is opened again: after it was closed, dropped, or its process
//! killed. (That a power loss loses nothing cannot be tried from here.)

use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{Entity, TaskStatus, Video};
use tubeatlas_ports::{ClaimRequest, Mode, Repositories, SearchRequest, Store, Visibility};

use super::core::increasing;
use crate::check::{already_exists, holds, not_found, same, some};
use crate::child::{WRITERS, Work, Working, counter_of, found};
use crate::fixtures::*;
use crate::{Case, Effort, Outcome, Violation};

const LIVE: Visibility = Visibility::Live;

/// [`a_full_video`], of no channel.
fn full_video() -> Video {
    let mut fields = a_full_video().into_fields();
    fields.channel_id = None;
    a_video_with(|video| *video = fields)
}

/// One of each kind.
async fn write_all(to: &dyn Repositories) -> Outcome {
    to.channels().create(&a_channel()).await?;
    to.videos().create(&full_video()).await?;
    to.videos().create(&a_video()).await?;
    to.transcripts().create(&a_transcript()).await?;
    to.knowledge_graphs().create(&a_knowledge_graph()).await?;
    to.media_files().create(&a_media_file()).await?;
    to.source_files().create(&a_full_source_file()).await?;
    to.playlists().create(&a_playlist()).await?;
    to.processing_tasks().enqueue(&a_task()).await?;
    Ok(())
}

/// That all of [`write_all`] is there.
async fn all_is_there(from: &dyn Store) -> Outcome {
    let read = from.videos().get(&full_video().id, LIVE).await?;
    same("a video", &some("the video", read)?.entity, &full_video())?;
    same("a channel", &from.channels().exists(&a_channel().id, LIVE).await?, &true)?;
    let read = from.transcripts().get(&a_transcript().id(), LIVE).await?;
    same("a transcript", &some("the transcript", read)?.entity, &a_transcript())?;
    let read = from.knowledge_graphs().get(&a_knowledge_graph().id, LIVE).await?;
    same("a graph", &some("the graph", read)?.entity, &a_knowledge_graph())?;
    let read = from.media_files().get_by_path(&a_media_file().path, LIVE).await?;
    same("a file", &some("the file", read)?.entity, &a_media_file())?;
    let read = from.source_files().get(&a_full_source_file().path, LIVE).await?;
    same("a source file", &some("the source file", read)?.entity, &a_full_source_file())?;
    let read = from.playlists().get(&a_playlist().id, LIVE).await?;
    same("a playlist", &some("the playlist", read)?.entity, &a_playlist())?;
    same("a task", &from.processing_tasks().exists(&a_task().id, LIVE).await?, &true)
}

pub(crate) async fn must_dur_r_001_what_was_written_is_there_after_closing_and_opening(
    case: &Case,
) -> Outcome {
    let placed = case.placed().await?;
    write_all(&*placed.store).await?;
    placed.store.close().await?;
    let place = placed.place.clone();
    drop(placed);
    let again = case.reopen(&place).await?;
    all_is_there(&*again).await?;
    already_exists::<Video, _>(again.videos().create(&a_video()).await, "id", &"a-video")
}

pub(crate) async fn must_dur_r_002_a_store_that_was_dropped_without_closing_can_be_opened(
    case: &Case,
) -> Outcome {
    let placed = case.placed().await?;
    let unit = placed.store.begin(Mode::ReadWrite).await?;
    write_all(&*unit).await?;
    unit.commit().await?;
    let place = placed.place.clone();
    drop(placed);
    all_is_there(&*case.reopen(&place).await?).await
}

pub(crate) async fn must_dur_r_003_what_was_not_committed_is_not_there(case: &Case) -> Outcome {
    let placed = case.placed().await?;
    placed.store.videos().create(&full_video()).await?;
    let unit = placed.store.begin(Mode::ReadWrite).await?;
    unit.channels().create(&a_channel()).await?;
    unit.videos().delete(&full_video().id, None).await?;
    unit.rollback().await?;
    let unit = placed.store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&a_video()).await?;
    let place = placed.place.clone();
    drop(unit);
    drop(placed);
    let again = case.reopen(&place).await?;
    same("the channels", &again.channels().count(&Default::default()).await?, &0)?;
    same("the video of an open unit", &again.videos().exists(&a_video().id, LIVE).await?, &false)?;
    same("the video written before", &again.videos().exists(&full_video().id, LIVE).await?, &true)
}

pub(crate) async fn must_dur_r_004_deletions_and_revisions_go_on_after_opening(case: &Case) -> Outcome {
    let placed = case.placed().await?;
    write_all(&*placed.store).await?;
    placed.store.videos().delete(&a_video().id, None).await?;
    let last = placed.store.videos().create(&a_video_with(|v| v.id = video_id("last"))).await?;
    placed.store.videos().purge(&video_id("last"), None).await?;
    placed.store.close().await?;
    let again = case.reopen(&placed.place).await?;
    let read = again.videos().get(&a_video().id, LIVE).await?;
    holds("what was deleted is hidden", read.is_none(), &read)?;
    let transcripts = again.transcripts().count(&Default::default()).await?;
    same("what hangs on it", &transcripts, &0)?;
    not_found::<Video, _>(again.videos().restore(&video_id("last")).await, &"last")?;
    let next = again.videos().create(&a_video_with(|v| v.id = video_id("last"))).await?;
    increasing(&[last.revision, next.revision])?;
    let restored = again.videos().restore(&a_video().id).await?;
    increasing(&[next.revision, restored.revision])?;
    same("what hangs on it", &again.transcripts().count(&Default::default()).await?, &1)
}

pub(crate) async fn must_dur_r_005_search_finds_after_opening_what_it_found_before(case: &Case) -> Outcome {
    let placed = case.placed().await?;
    write_all(&*placed.store).await?;
    let query =
        |words| SearchQuery::parse(words).map_err(|error| Violation::error("a query", error.to_string()));
    let word = a_transcript().text().split(' ').next().unwrap_or_default().to_owned();
    let request = SearchRequest::new(query(&word)?);
    let before = placed.store.transcripts().search(&request).await?;
    holds("a word of the transcript is found", !before.items.is_empty(), &word)?;
    placed.store.close().await?;
    let again = case.reopen(&placed.place).await?;
    let keys = |page: &tubeatlas_ports::SearchPage| {
        page.items.iter().map(|hit| (hit.video_id.clone(), hit.language.clone())).collect::<Vec<_>>()
    };
    let after = again.transcripts().search(&request).await?;
    same("the hits", &keys(&after), &keys(&before))?;
    again.transcripts().delete(&a_transcript().id(), None).await?;
    let gone = again.transcripts().search(&request).await?;
    holds("the index is changed by what is written now", gone.items.len() < after.items.len(), &keys(&gone))
}

pub(crate) async fn must_dur_r_006_a_lease_outlives_its_store(case: &Case) -> Outcome {
    let placed = case.placed().await?;
    placed.store.processing_tasks().enqueue(&a_task()).await?;
    let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 1_000, only: None };
    let claimed = some("a claim", placed.store.processing_tasks().claim(&request).await?)?;
    placed.store.close().await?;
    let again = case.reopen(&placed.place).await?;
    let other = again.processing_tasks().claim(&request).await?;
    holds("a leased task is not claimed again", other.is_none(), &other)?;
    let lease = some("a lease", claimed.lease.clone())?;
    let done = again.processing_tasks().complete(claimed.entity.id, lease.token).await?;
    same("the task", &done.status, &TaskStatus::Succeeded)
}

/// Kills children at work, again and again at one place, and looks each time at what they left.
async fn kill_and_look(case: &Case, work: Work) -> Outcome {
    let make = case.child()?;
    let placed = case.placed().await?;
    placed.store.close().await?;
    let place = placed.place.clone();
    let rounds = if case.effort() == Effort::Full { 100 } else { 3 };
    let mut first = 0;
    let mut acknowledged = 0;
    for round in 0..rounds {
        // Now before the first acknowledgement, now after many.
        let after =
            u32::try_from((case.seed().wrapping_mul(7_919).wrapping_add(round * 104_729)) % 211).unwrap_or(0);
        let after = if round % 5 == 4 { 0 } else { after + 1 };
        let last = Working::start(&make, &place, work, first)?.killed_after(after).await?;
        let store = case.reopen(&place).await?;
        let mut next = first;
        for (writer, last) in (0..WRITERS).zip(last) {
            let acknowledged_to = last.map_or(first, |last| last + 1);
            acknowledged += acknowledged_to - first;
            for number in first..acknowledged_to {
                let there = found(&*store, writer, number).await?;
                let whole = (true, work == Work::Units);
                same(
                    &format!(
                        "what was acknowledged: number {number} of writer {writer}, killed after {after}"
                    ),
                    &there,
                    &whole,
                )?;
            }
            // One more may have happened without an answer; after it there is nothing.
            let there = found(&*store, writer, acknowledged_to).await?;
            let torn = work == Work::Units && there.0 != there.1;
            holds("a unit of work is there wholly or not at all", !torn, &there)?;
            let beyond = found(&*store, writer, acknowledged_to + 1).await?;
            same("what was never begun", &beyond, &(false, false))?;
            let numbers = acknowledged_to + u64::from(there.0);
            if work == Work::Units && numbers > first {
                let read = store.videos().get(&counter_of(writer, 0).id, LIVE).await?;
                let count = some("the counter", read)?.view_count;
                same("the counter of the units of work", &count, &Some(numbers - 1))?;
            }
            next = next.max(numbers);
        }
        store.close().await?;
        // All writers begin anew at one number that none has used; the gap below it is filled by nobody.
        first = next;
    }
    case.note("kills", rounds);
    case.note("acknowledged", acknowledged);
    Ok(())
}

pub(crate) async fn stochastic_dur_k_001_no_acknowledged_write_is_lost_by_a_kill(case: &Case) -> Outcome {
    kill_and_look(case, Work::Calls).await
}

pub(crate) async fn stochastic_dur_k_002_no_unit_of_work_is_torn_by_a_kill(case: &Case) -> Outcome {
    kill_and_look(case, Work::Units).await
}
