//! `transact` and `Attempts` on this store.

use std::sync::atomic::{AtomicU32, Ordering};

use tubeatlas_domain::Video;
use tubeatlas_ports::{Attempts, Conflict, Error, Mode, RetryPolicy, Visibility, transact};

use super::units_of_work::PATIENT;
use crate::check::{already_exists, read_only, refused_as, same};
use crate::fixtures::{a_channel, a_video, a_video_with, video_id};
use crate::{Case, Outcome};

pub(crate) async fn must_trx_t_001_success_is_committed(case: &Case) -> Outcome {
    let (channel, video) = (a_channel(), a_video());
    let revision = transact(case.store(), Mode::ReadWrite, RetryPolicy::default(), |unit| {
        let (channel, video) = (&channel, &video);
        Box::pin(async move {
            unit.channels().create(channel).await?;
            Ok::<_, Error>(unit.videos().create(video).await?.revision)
        })
    })
    .await?;
    let read = case.store().videos().get(&video.id, Visibility::Live).await?;
    same("the revision", &read.map(|stored| stored.revision), &Some(revision))?;
    same("the channel", &case.store().channels().exists(&channel.id, Visibility::Live).await?, &true)
}

pub(crate) async fn must_trx_t_002_an_error_is_rolled_back_and_handed_on(case: &Case) -> Outcome {
    let runs = AtomicU32::new(0);
    let result = transact(case.store(), Mode::ReadWrite, RetryPolicy::default(), |unit| {
        let runs = &runs;
        Box::pin(async move {
            runs.fetch_add(1, Ordering::SeqCst);
            unit.channels().create(&a_channel()).await?;
            unit.videos().create(&a_video()).await?;
            unit.videos().create(&a_video()).await
        })
    })
    .await;
    already_exists::<Video, _>(result, "id", &"a-video")?;
    same("how often it was run", &runs.load(Ordering::SeqCst), &1)?;
    same("the channels", &case.store().channels().count(&Default::default()).await?, &0)
}

pub(crate) async fn must_trx_t_003_work_that_gave_way_is_run_again_on_a_clean_unit(case: &Case) -> Outcome {
    let runs = AtomicU32::new(0);
    let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
    let conflict = || Error::Conflict(Conflict::Serialization);
    transact(case.store(), Mode::ReadWrite, policy, |unit| {
        let runs = &runs;
        Box::pin(async move {
            unit.videos().create(&a_video()).await?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 { Err(conflict()) } else { Ok(()) }
        })
    })
    .await?;
    same("how often it was run", &runs.load(Ordering::SeqCst), &3)?;
    same("the videos", &case.store().videos().count(&Default::default()).await?, &1)?;
    let result = transact(case.store(), Mode::ReadWrite, policy, |_| {
        Box::pin(async move { Err::<(), _>(conflict()) })
    })
    .await;
    refused_as(result, "the conflict, after the last attempt", |error| {
        matches!(error, Error::Conflict(Conflict::Serialization))
    })
}

pub(crate) async fn must_trx_t_004_the_loop_commits_and_rolls_back(case: &Case) -> Outcome {
    for (id, fails) in [("kept", false), ("lost", true)] {
        let video = a_video_with(|v| v.id = video_id(id));
        let mut attempts = Attempts::new(case.store(), Mode::ReadWrite, PATIENT);
        let result = loop {
            let unit = attempts.begin().await?;
            let mut result = unit.videos().create(&video).await.map(|_| ());
            if fails && result.is_ok() {
                result = unit.videos().create(&video).await.map(|_| ());
            }
            if let Some(result) = attempts.finish(unit, result).await {
                break result;
            }
        };
        if fails {
            already_exists::<Video, _>(result, "id", &id)?
        } else {
            result?
        }
        same(id, &case.store().videos().exists(&video.id, Visibility::Live).await?, &!fails)?;
    }
    Ok(())
}

pub(crate) async fn must_trx_t_005_read_only_work_reads_and_does_not_write(case: &Case) -> Outcome {
    case.store().videos().create(&a_video()).await?;
    let count = transact(case.store(), Mode::ReadOnly, RetryPolicy::default(), |unit| {
        Box::pin(async move { unit.videos().count(&Default::default()).await })
    })
    .await?;
    same("the count", &count, &1)?;
    let result = transact(case.store(), Mode::ReadOnly, RetryPolicy::default(), |unit| {
        Box::pin(async move { unit.channels().create(&a_channel()).await })
    })
    .await;
    read_only(result)
}
