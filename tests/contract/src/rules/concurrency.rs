//! Many at once.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use tokio::task::JoinHandle;
use tubeatlas_domain::{Video, VideoId};
use tubeatlas_ports::{Conflict, Error, MAX_PAGE_LIMIT, Mode, PageRequest, Store, Visibility, transact};

use super::core::increasing;
use super::units_of_work::PATIENT;
use crate::check::{already_exists, holds, same, some};
use crate::fixtures::{a_channel, a_transcript_with, a_video, a_video_with, cues, language, video_id};
use crate::{Case, Outcome, Violation};

/// How many tasks there are at once.
const CROWD: u32 = 50;

fn numbered(n: u32) -> Video {
    a_video_with(|v| v.id = video_id(&format!("video-{n}")))
}

/// [`a_video`] with a number that others add to.
fn counting(count: u64) -> Video {
    a_video_with(|v| v.view_count = Some(count))
}

fn counted(video: &Video) -> u64 {
    video.view_count.unwrap_or_default()
}

/// The answers of all tasks.
async fn all<T>(tasks: Vec<JoinHandle<Result<T, Violation>>>) -> Result<Vec<T>, Violation> {
    let mut answers = Vec::new();
    for result in join_all(tasks).await {
        answers.push(result.map_err(|error| Violation::new("a task ends", error.to_string()))??);
    }
    Ok(answers)
}

/// So many tasks, each with its number.
fn crowd<T, F>(
    case: &Case,
    tasks: u32,
    work: impl Fn(Arc<dyn Store>, u32) -> F,
) -> Vec<JoinHandle<Result<T, Violation>>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Violation>> + Send + 'static,
{
    (0..tasks).map(|n| tokio::spawn(work(case.shared(), n))).collect()
}

pub(crate) async fn must_con_n_001_fifty_units_of_work_at_once_are_all_committed(case: &Case) -> Outcome {
    case.store().channels().create(&a_channel()).await?;
    all(crowd(case, CROWD, |store, n| async move {
        transact(&*store, Mode::ReadWrite, PATIENT, |unit| {
            Box::pin(async move {
                unit.channels().get(&a_channel().id, Visibility::Live).await?;
                unit.videos().create(&numbered(n)).await?;
                unit.videos().exists(&numbered(n).id, Visibility::Live).await
            })
        })
        .await?;
        Ok(())
    }))
    .await?;
    same("the videos", &case.store().videos().count(&Default::default()).await?, &u64::from(CROWD))
}

pub(crate) async fn must_con_n_002_fifty_single_writes_at_once_are_all_done(case: &Case) -> Outcome {
    let revisions =
        all(crowd(
            case,
            CROWD,
            |store, n| async move { Ok(store.videos().create(&numbered(n)).await?.revision) },
        ))
        .await?;
    same("different revisions", &revisions.iter().collect::<HashSet<_>>().len(), &revisions.len())?;
    same("the videos", &case.store().videos().count(&Default::default()).await?, &u64::from(CROWD))?;
    let later = case.store().channels().create(&a_channel()).await?.revision;
    increasing(&[some("a revision", revisions.into_iter().max())?, later])
}

pub(crate) async fn must_con_n_003_no_update_that_demands_a_revision_is_lost(case: &Case) -> Outcome {
    case.store().videos().create(&counting(0)).await?;
    all(crowd(case, 16, |store, _| async move {
        loop {
            let read = store.videos().get(&video_id("a-video"), Visibility::Live).await?;
            let read = some("the video", read)?;
            let next = counting(counted(&read) + 1);
            match store.videos().update(&next, Some(read.revision)).await {
                Err(Error::Conflict(Conflict::Revision { .. })) => tokio::task::yield_now().await,
                result => return Ok(result.map(|_| ())?),
            }
        }
    }))
    .await?;
    let read = some("the video", case.store().videos().get(&video_id("a-video"), Visibility::Live).await?)?;
    same("what all have added", &counted(&read), &16)
}

pub(crate) async fn must_con_n_004_no_update_in_a_unit_of_work_is_lost(case: &Case) -> Outcome {
    case.store().videos().create(&counting(0)).await?;
    all(crowd(case, 16, |store, _| async move {
        transact(&*store, Mode::ReadWrite, PATIENT, |unit| {
            Box::pin(async move {
                let read = unit.videos().get(&video_id("a-video"), Visibility::Live).await?;
                let count = read.map_or(0, |video| counted(&video));
                unit.videos().update(&counting(count + 1), None).await
            })
        })
        .await?;
        Ok(())
    }))
    .await?;
    let read = some("the video", case.store().videos().get(&video_id("a-video"), Visibility::Live).await?)?;
    same("what all have added", &counted(&read), &16)
}

pub(crate) async fn must_con_n_005_of_many_that_create_one_id_one_succeeds(case: &Case) -> Outcome {
    let created = all(crowd(case, 16, |store, _| async move {
        match store.videos().create(&a_video()).await {
            Ok(_) => Ok(1),
            refused => already_exists::<Video, _>(refused, "id", &"a-video").map(|()| 0),
        }
    }))
    .await?;
    same("how many have created it", &created.iter().sum::<i32>(), &1)
}

pub(crate) async fn stochastic_con_n_006_of_two_that_exclude_each_other_one_succeeds(case: &Case) -> Outcome {
    for round in 0..10 {
        let mine = move |n: u32| numbered(round * 2 + n);
        let created = all(crowd(case, 2, |store, n| async move {
            let created = transact(&*store, Mode::ReadWrite, PATIENT, |unit| {
                Box::pin(async move {
                    if unit.videos().exists(&mine(1 - n).id, Visibility::Live).await? {
                        return Ok::<_, Error>(0);
                    }
                    unit.videos().create(&mine(n)).await?;
                    Ok(1)
                })
            })
            .await?;
            Ok(created)
        }))
        .await?;
        same("how many found the other one not there", &created.iter().sum::<i32>(), &1)?;
    }
    Ok(())
}

pub(crate) async fn stochastic_con_n_007_a_reader_sees_all_of_a_unit_of_work_or_nothing(
    case: &Case,
) -> Outcome {
    let both: [VideoId; 2] = [numbered(0).id.clone(), numbered(1).id.clone()];
    let pair = |title: &str| {
        [0, 1].map(|n| {
            a_video_with(|v| {
                *v = numbered(n).into_fields();
                v.title = title.to_owned();
            })
        })
    };
    case.store().videos().create_many(&pair("0")).await?;
    let writer = case.shared();
    let writing = tokio::spawn(async move {
        for round in 1..=20 {
            let [a, b] = pair(&round.to_string());
            let unit = writer.begin(Mode::ReadWrite).await?;
            unit.videos().update(&a, None).await?;
            tokio::task::yield_now().await;
            unit.videos().update(&b, None).await?;
            unit.commit().await?;
        }
        Ok::<_, Violation>(())
    });
    while !writing.is_finished() {
        let read = case.store().videos().get_many(&both, Visibility::Live).await?;
        let titles: Vec<_> = read.iter().flatten().map(|video| video.title.clone()).collect();
        holds("two titles of the same round", titles.len() == 2 && titles[0] == titles[1], &titles)?;
        tokio::task::yield_now().await;
    }
    writing.await.map_err(|error| Violation::new("the writer ends", error.to_string()))?
}

pub(crate) async fn stochastic_con_n_008_list_and_count_agree_inside_a_unit_of_work(case: &Case) -> Outcome {
    let writing = crowd(case, 4, |store, n| async move {
        for m in 0..10 {
            store.videos().create(&numbered(n * 100 + m)).await?;
        }
        Ok(())
    });
    let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
    while !writing.iter().all(JoinHandle::is_finished) {
        // A unit of work that only reads may be in others' way, too, and answer a conflict.
        let (before, listed, after) = transact(case.store(), Mode::ReadOnly, PATIENT, |unit| {
            let page = &page;
            Box::pin(async move {
                let before = unit.videos().count(&Default::default()).await?;
                tokio::task::yield_now().await;
                let listed = unit.videos().list(&Default::default(), page).await?.items.len();
                Ok::<_, Error>((before, listed, unit.videos().count(&Default::default()).await?))
            })
        })
        .await?;
        same("count, list and count", &(listed as u64, after), &(before, before))?;
    }
    all(writing).await.map(drop)
}

pub(crate) async fn must_con_n_009_a_cancelled_write_happens_wholly_or_not_at_all(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&a_video()).await?;
    let batch: Vec<_> = (0..40).map(numbered).collect();
    let transcripts: Vec<_> = (0..40)
        .map(|n| {
            a_transcript_with(|t| {
                t.language = language(&format!("n-{n}"));
                t.cues = cues(&["some words"]);
            })
        })
        .collect();
    let ids: Vec<_> = batch.iter().map(|video| video.id.clone()).collect();
    let whole = |count: u64| holds("none or all", count == 0 || count == 40, &count);
    for polls in 1..=10 {
        let mut write = store.videos().create_many(&batch);
        let mut index = store.transcripts().create_many(&transcripts);
        for _ in 0..polls {
            if futures::poll!(&mut write).is_ready() || futures::poll!(&mut index).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop((write, index));
        // It may still happen: whenever one looks, all of it has happened or nothing.
        for _ in 0..5 {
            whole(store.videos().count(&Default::default()).await? - 1)?;
            whole(store.transcripts().count(&Default::default()).await?)?;
            tokio::task::yield_now().await;
        }
        // A later write comes after it, whatever became of it.
        let there = store.videos().upsert_many(&batch).await?;
        same("what is there afterwards", &there.len(), &40)?;
        store.videos().delete_many(&ids).await?;
        for id in &ids {
            store.videos().purge(id, None).await?;
        }
        store.videos().purge(&a_video().id, None).await?;
        store.videos().create(&a_video()).await?;
    }
    Ok(())
}

pub(crate) async fn must_con_n_010_cancelled_reads_leave_nothing_behind(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&a_video()).await?;
    for _ in 0..100 {
        let (id, filter, page) = (video_id("a-video"), Default::default(), PageRequest::default());
        let mut get = store.videos().get(&id, Visibility::Live);
        let mut list = store.videos().list(&filter, &page);
        let mut begin = store.begin(Mode::ReadOnly);
        let _ = futures::poll!(&mut get);
        let _ = futures::poll!(&mut list);
        let _ = futures::poll!(&mut begin);
    }
    same("a read", &store.videos().exists(&video_id("a-video"), Visibility::Live).await?, &true)?;
    store.videos().create(&numbered(1)).await?;
    Ok(store.begin(Mode::ReadOnly).await?.commit().await?)
}
