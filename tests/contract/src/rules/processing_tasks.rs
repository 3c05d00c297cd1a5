//! Processing tasks: a queue that several workers share.

use std::collections::HashSet;

use tubeatlas_domain::{
    LeaseToken, MAX_TARGET_BYTES, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskFailure,
    TaskStatus, Timestamp, Transition, TransitionError,
};
use tubeatlas_ports::{
    ClaimRequest, Clock, MAX_EXPIRED_PER_CLAIM, MAX_LEASE_MS, MAX_PAGE_LIMIT, ProcessingTaskFilter,
    ProcessingTaskRepository, Result, Stored, Visibility,
};

use super::core::{increasing, rules_of};
use crate::check::{already_exists, holds, invalid, not_found, refused_transition, same, some};
use crate::fixtures::{a_full_task, a_task, a_task_with, at, noon, task_kind, uuid, worker};
use crate::{Case, Outcome, Violation};

/// How long the leases of these rules last.
const LEASE_MS: u64 = 60_000;

type Tasks<'a> = &'a dyn ProcessingTaskRepository;

rules_of! { ProcessingTask:
    must_tsk_l_001_a_list_stands_in_its_total_order = lists::orders_are_total;
    must_tsk_l_002_filters_take_in_what_they_say_and_counts_agree = lists::filters_and_counts_agree;
    must_tsk_l_003_pages_of_every_size_make_the_whole = lists::pages_make_the_whole;
    must_tsk_l_004_a_cursor_goes_on_with_any_limit = lists::a_cursor_takes_any_limit;
    must_tsk_l_005_rows_inserted_between_pages_hide_and_repeat_nothing = lists::rows_written_between_pages;
    must_tsk_l_007_a_cursor_belongs_to_its_order_and_filter = lists::cursors_belong_to_their_list;
    must_tsk_l_008_a_forged_cursor_is_invalid = lists::forged_cursors_are_invalid;
    must_tsk_l_009_limits_of_pages_are_bounded = lists::limits_are_bounded;
    must_tsk_l_010_nothing_is_an_empty_page_and_no_error = lists::an_empty_list_is_a_page;
    must_tsk_r_002_get_many_answers_each_id_at_its_place = core::get_many_keeps_places;
    must_tsk_r_003_get_and_exists_agree_on_what_is_seen = core::get_and_exists_agree;
    must_tsk_r_004_get_many_is_bounded = core::get_many_is_bounded;
}

fn request(kinds: Option<&[&str]>) -> ClaimRequest {
    let kinds = kinds.map(|kinds| kinds.iter().map(|kind| task_kind(kind)).collect());
    ClaimRequest { worker: worker("worker-1"), kinds, lease_ms: LEASE_MS, only: None }
}

fn task(n: u32) -> NewTask {
    a_task_with(|t| t.id = ProcessingTaskId::new(uuid(n)))
}

/// The number of a claimed task; none if there was none.
fn number(claimed: Option<&Stored<ProcessingTask>>) -> Option<ProcessingTaskId> {
    claimed.map(|stored| stored.entity.id)
}

async fn claim_one(tasks: Tasks<'_>) -> Result<(Stored<ProcessingTask>, LeaseToken), Violation> {
    let claimed = some("a task to claim", tasks.claim(&request(None)).await?)?;
    let token = some("its lease", claimed.lease.clone())?.token;
    Ok((claimed, token))
}

/// A task that is running.
async fn running(case: &Case) -> Result<(Stored<ProcessingTask>, LeaseToken), Violation> {
    case.store().processing_tasks().enqueue(&a_task()).await?;
    claim_one(case.store().processing_tasks()).await
}

/// What a transition answered is what the domain makes of the task, with a new revision, and is stored.
async fn transition(
    case: &Case,
    before: &Stored<ProcessingTask>,
    after: &Stored<ProcessingTask>,
    expected: Result<ProcessingTask, TransitionError>,
) -> Outcome {
    let expected = expected.map_err(|error| Violation::new("a legal transition", error.to_string()))?;
    increasing(&[before.revision, after.revision])?;
    same("the task", after, &before.changed(expected, case.clock.now(), after.revision))?;
    let read = case.store().processing_tasks().get(&before.entity.id, Visibility::Live).await?;
    same("what is stored", &read.as_ref(), &Some(after))
}

fn failure(retry_after_ms: Option<u64>) -> Result<TaskFailure, Violation> {
    TaskFailure::new("no such file", retry_after_ms).map_err(|e| Violation::new("a failure", e.to_string()))
}

// Enqueuing

pub(crate) async fn must_tsk_r_001_every_field_is_read_back_as_it_was_enqueued(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let empty = a_task_with(|t| {
        t.id = ProcessingTaskId::new(uuid(1));
        t.target = Some(String::new());
        t.available_at = Timestamp::MAX;
    });
    for new in [a_full_task(), a_task(), empty] {
        let now = case.clock.move_by_ms(7);
        let enqueued = tasks.enqueue(&new).await?;
        let expected =
            ProcessingTask::enqueue(new.clone()).map_err(|e| Violation::new("a task", e.to_string()))?;
        same("the task that enqueue answers", &enqueued, &Stored::created(expected, now, enqueued.revision))?;
        same("what is read back", &tasks.get(&new.id, Visibility::Live).await?, &Some(enqueued))?;
    }
    Ok(())
}

pub(crate) async fn must_tsk_e_001_enqueue_of_a_taken_id_already_exists(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let enqueued = tasks.enqueue(&a_task()).await?;
    for again in [a_task(), a_task_with(|t| t.kind = task_kind("other"))] {
        already_exists::<ProcessingTask, _>(tasks.enqueue(&again).await, "id", &again.id)?;
    }
    same("what is stored", &tasks.get(&a_task().id, Visibility::Live).await?, &Some(enqueued))
}

pub(crate) async fn must_tsk_e_002_a_task_that_the_domain_refuses_is_invalid(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    tasks.enqueue(&a_task()).await?;
    // With a taken id, so that `Invalid` is seen to come first.
    let refused: [(&str, fn(&mut NewTask)); 4] = [
        ("processing_task.max_attempts", |t| t.max_attempts = 0),
        ("processing_task.max_attempts", |t| t.max_attempts = u32::MAX),
        ("processing_task.target", |t| t.target = Some("\0".into())),
        ("processing_task.target", |t| t.target = Some("x".repeat(MAX_TARGET_BYTES + 1))),
    ];
    for (field, spoil) in refused {
        invalid(tasks.enqueue(&a_task_with(spoil)).await, field)?;
    }
    same("their number", &tasks.count(&ProcessingTaskFilter::default()).await?, &1)
}

pub(crate) async fn must_tsk_e_003_a_target_need_not_exist(case: &Case) -> Outcome {
    let task = a_task_with(|t| t.target = Some("video/missing".into()));
    case.store().processing_tasks().enqueue(&task).await?;
    Ok(())
}

// Claiming

pub(crate) async fn must_tsk_c_001_the_oldest_task_is_claimed_first(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    // Two of the same time in the order of their ids; one enqueued later when the clock had gone back.
    for (n, then_ms) in [(5, 0), (3, 10), (1, -20), (9, 0)] {
        tasks
            .enqueue(&a_task_with(|t| {
                t.id = ProcessingTaskId::new(uuid(n));
                t.available_at = at(0);
            }))
            .await?;
        case.clock.move_by_ms(then_ms);
    }
    for n in [9, 3, 5, 1] {
        let claimed = tasks.claim(&request(None)).await?;
        same("the task claimed", &number(claimed.as_ref()), &Some(ProcessingTaskId::new(uuid(n))))?;
    }
    same("a claim of none", &tasks.claim(&request(None)).await?, &None)
}

pub(crate) async fn must_tsk_c_002_a_claim_does_what_the_domain_says(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let mut before = tasks.enqueue(&a_task()).await?;
    // The second time after an attempt that came some way and failed.
    for _ in 0..2 {
        case.clock.move_by_ms(5);
        let taken = case.ids.taken();
        let (claimed, token) = claim_one(tasks).await?;
        let lease = some("its lease", claimed.lease.clone())?;
        same("who holds the lease", &lease.worker, &worker("worker-1"))?;
        let until = case.clock.now().saturating_add_millis(LEASE_MS);
        same("when the lease expires", &lease.expires_at, &until)?;
        holds("the token comes from the generator of ids", case.ids.taken() > taken, &token)?;
        let made = token.get().get_version_num();
        same("the version of the token's UUID, as the generator makes it", &made, &7)?;
        transition(case, &before, &claimed, before.claim(lease, case.clock.now())).await?;
        tasks.report(claimed.entity.id, token, Progress::DONE).await?;
        before = tasks.fail(claimed.entity.id, token, &failure(Some(0))?).await?;
    }
    Ok(())
}

pub(crate) async fn must_tsk_c_003_only_tasks_of_the_kinds_asked_for_are_claimed(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    for (n, kind) in [(1, "a"), (2, "A"), (3, "b"), (4, "c")] {
        tasks
            .enqueue(&a_task_with(|t| {
                t.id = ProcessingTaskId::new(uuid(n));
                t.kind = task_kind(kind);
            }))
            .await?;
    }
    let expected = |n: Option<u32>| n.map(|n| ProcessingTaskId::new(uuid(n)));
    for (kinds, n) in [
        (Some(&["missing"][..]), None),
        (Some(&[]), None),
        (Some(&["c", "b"]), Some(3)),
        (Some(&["b", "A", "A"]), Some(2)),
        (Some(&["A", "b"]), None),
        (None, Some(1)),
    ] {
        let claimed = tasks.claim(&request(kinds)).await?;
        same(&format!("a claim of the kinds {kinds:?}"), &number(claimed.as_ref()), &expected(n))?;
    }
    Ok(())
}

pub(crate) async fn must_tsk_c_004_a_task_is_not_claimed_before_it_is_available(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let available_at = noon().saturating_add_millis(1_000);
    tasks.enqueue(&a_task_with(|t| t.available_at = available_at)).await?;
    case.clock.move_by_ms(999);
    same("a claim too early", &tasks.claim(&request(None)).await?, &None)?;
    case.clock.move_by_ms(1);
    claim_one(tasks).await.map(drop)
}

pub(crate) async fn must_tsk_c_005_a_leased_task_is_claimed_again_only_when_its_lease_has_expired(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (first, stale) = running(case).await?;
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default() - 1);
    same("a claim while it is leased", &tasks.claim(&request(None)).await?, &None)?;
    case.clock.move_by_ms(1);
    let (second, token) = claim_one(tasks).await?;
    same("the attempts", &(first.attempts, second.attempts), &(1, 2))?;
    holds("another token", token != stale, &token)
}

pub(crate) async fn must_tsk_c_006_a_worker_whose_lease_was_taken_over_is_refused(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (first, stale) = running(case).await?;
    let id = first.entity.id;
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    let (second, _) = claim_one(tasks).await?;
    let error = |transition| TransitionError::StaleLease { transition };
    refused_transition(tasks.heartbeat(id, stale, 1).await, &id, error(Transition::Heartbeat))?;
    refused_transition(tasks.report(id, stale, Progress::DONE).await, &id, error(Transition::Report))?;
    refused_transition(tasks.complete(id, stale).await, &id, error(Transition::Complete))?;
    refused_transition(tasks.fail(id, stale, &failure(None)?).await, &id, error(Transition::Fail))?;
    same("what is stored", &tasks.get(&id, Visibility::Live).await?, &Some(second))
}

pub(crate) async fn must_tsk_c_007_a_worker_may_go_on_after_its_lease_if_nobody_took_it(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (task, token) = running(case).await?;
    case.clock.move_by_ms(i64::try_from(LEASE_MS * 2).unwrap_or_default());
    let beaten = tasks.heartbeat(task.entity.id, token, LEASE_MS).await?;
    same("a claim", &tasks.claim(&request(None)).await?, &None)?;
    let done = tasks.complete(task.entity.id, token).await?;
    transition(case, &beaten, &done, beaten.complete(token, case.clock.now())).await
}

pub(crate) async fn must_tsk_c_008_a_claim_expires_exhausted_tasks(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    tasks.enqueue(&a_task_with(|t| t.max_attempts = 1)).await?;
    let (before, _) = claim_one(tasks).await?;
    let now = case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    // Nobody has claimed yet: it is running.
    let running = ProcessingTaskFilter { status: Some(TaskStatus::Running), ..Default::default() };
    same("the running tasks", &tasks.count(&running).await?, &1)?;
    same("a claim", &tasks.claim(&request(None)).await?, &None)?;
    let after = some("the task", tasks.get(&before.entity.id, Visibility::Live).await?)?;
    same("the status", &after.status, &TaskStatus::Failed)?;
    transition(case, &before, &after, before.expire(now)).await
}

pub(crate) async fn must_tsk_c_009_a_claim_expires_only_tasks_of_its_kinds_and_not_without_bound(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let many = MAX_EXPIRED_PER_CLAIM + 1;
    for n in 0..=many {
        tasks
            .enqueue(&a_task_with(|t| {
                t.id = ProcessingTaskId::new(uuid(n));
                t.max_attempts = 1;
                t.kind = task_kind(if n == many { "other" } else { "transcribe" });
            }))
            .await?;
        claim_one(tasks).await?;
    }
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    let failed = ProcessingTaskFilter { status: Some(TaskStatus::Failed), ..Default::default() };
    same("a claim of no kind", &tasks.claim(&request(Some(&[]))).await?, &None)?;
    same("tasks expired by it", &tasks.count(&failed).await?, &0)?;
    let kinds = request(Some(&["transcribe"]));
    for expired in [many - 1, many, many] {
        same("a claim", &tasks.claim(&kinds).await?, &None)?;
        same("tasks expired so far", &tasks.count(&failed).await?, &u64::from(expired))?;
    }
    // Oldest first: the one that the first claim left was the last of them by id.
    let last = some("the last", tasks.get(&ProcessingTaskId::new(uuid(many - 1)), Visibility::Live).await?)?;
    let other = some("the first", tasks.get(&ProcessingTaskId::new(uuid(0)), Visibility::Live).await?)?;
    holds("the oldest is expired first", other.revision < last.revision, &(other.revision, last.revision))?;
    same("a claim of all kinds", &tasks.claim(&request(None)).await?, &None)?;
    same("all are expired", &tasks.count(&failed).await?, &u64::from(many + 1))
}

pub(crate) async fn must_tsk_c_010_an_expired_task_keeps_no_claimable_one_back(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    tasks.enqueue(&a_task_with(|t| t.max_attempts = 1)).await?;
    claim_one(tasks).await?;
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    tasks.enqueue(&task(1)).await?;
    let claimed = tasks.claim(&request(None)).await?;
    same("the task claimed", &number(claimed.as_ref()), &Some(ProcessingTaskId::new(uuid(1))))
}

pub(crate) async fn must_tsk_c_011_a_lease_is_bounded(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let before = tasks.enqueue(&a_task()).await?;
    for lease_ms in [0, MAX_LEASE_MS + 1, u64::MAX] {
        invalid(tasks.claim(&ClaimRequest { lease_ms, ..request(None) }).await, "lease_ms")?;
        invalid(tasks.heartbeat(a_task().id, LeaseToken::new(uuid(1)), lease_ms).await, "lease_ms")?;
    }
    same("what is stored", &tasks.get(&a_task().id, Visibility::Live).await?, &Some(before))?;
    let longest = ClaimRequest { lease_ms: MAX_LEASE_MS, ..request(None) };
    let claimed = some("a task", tasks.claim(&longest).await?)?;
    let lease = some("its lease", claimed.lease.clone())?;
    same("when it expires", &lease.expires_at, &case.clock.now().saturating_add_millis(MAX_LEASE_MS))
}

pub(crate) async fn must_tsk_c_012_eight_workers_get_each_task_once(case: &Case) -> Outcome {
    let numbers = 0..40;
    for n in numbers.clone() {
        case.store().processing_tasks().enqueue(&task(n)).await?;
    }
    let workers = (0..8).map(|_| {
        let store = case.shared();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            while let Some(task) = store.processing_tasks().claim(&request(None)).await? {
                let token = some("its lease", task.lease.clone())?.token;
                store.processing_tasks().complete(task.entity.id, token).await?;
                claimed.push((task.entity.id, token, task.attempts));
            }
            Ok::<_, Violation>(claimed)
        })
    });
    let mut claimed = Vec::new();
    for worker in futures::future::join_all(workers).await {
        claimed.extend(worker.map_err(|e| Violation::new("a worker ends", e.to_string()))??);
    }
    // A claim may pass over tasks that others are changing and find nothing; what is left is claimed now.
    while let Some(task) = case.store().processing_tasks().claim(&request(None)).await? {
        let token = some("its lease", task.lease.clone())?.token;
        claimed.push((task.entity.id, token, task.attempts));
    }
    same("the attempts of each", &claimed.iter().map(|c| c.2).max(), &Some(1))?;
    same("the claims", &claimed.len(), &numbers.len())?;
    same("the tasks claimed", &claimed.iter().map(|c| c.0).collect::<HashSet<_>>().len(), &numbers.len())?;
    same("the tokens given", &claimed.iter().map(|c| c.1).collect::<HashSet<_>>().len(), &numbers.len())
}

pub(crate) async fn must_tsk_c_013_a_task_whose_lease_expired_keeps_its_place_in_the_queue(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let expire = || case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    // An older one whose id is larger, and a newer one whose id is smaller; either is once the expired one.
    tasks.enqueue(&task(9)).await?;
    claim_one(tasks).await?;
    expire();
    tasks.enqueue(&task(1)).await?;
    for n in [9, 1] {
        let claimed = tasks.claim(&request(None)).await?;
        same("the task claimed", &number(claimed.as_ref()), &Some(ProcessingTaskId::new(uuid(n))))?;
    }
    tasks.cancel(ProcessingTaskId::new(uuid(9))).await?;
    tasks.retry(ProcessingTaskId::new(uuid(9))).await?;
    expire();
    let claimed = tasks.claim(&request(None)).await?;
    same("the task claimed", &number(claimed.as_ref()), &Some(ProcessingTaskId::new(uuid(9))))
}

pub(crate) async fn must_tsk_c_014_a_claim_of_one_task_gives_that_or_none(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let id = |n| ProcessingTaskId::new(uuid(n));
    let claim = async |n, kinds| tasks.claim(&ClaimRequest { only: Some(id(n)), ..request(kinds) }).await;
    for n in [1, 2, 3] {
        tasks.enqueue(&task(n)).await?;
    }
    same("one of another kind", &number(claim(2, Some(&["other"])).await?.as_ref()), &None)?;
    same("one that is not there", &number(claim(9, None).await?.as_ref()), &None)?;
    for (expected, when) in [(Some(id(2)), "is first claimed"), (None, "is leased")] {
        let claimed = claim(2, None).await?;
        same(&format!("the task, when it {when}"), &number(claimed.as_ref()), &expected)?;
    }
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    same("the task whose lease expired", &number(claim(2, None).await?.as_ref()), &Some(id(2)))?;
    let waits = a_task_with(|t| {
        t.id = id(4);
        t.available_at = case.clock.now().saturating_add_millis(1);
    });
    tasks.enqueue(&waits).await?;
    same("one that waits for its time", &number(claim(4, None).await?.as_ref()), &None)?;
    let others = [tasks.claim(&request(None)).await?, tasks.claim(&request(None)).await?];
    same("the others", &others.map(|task| number(task.as_ref())), &[Some(id(1)), Some(id(3))])
}

pub(crate) async fn must_tsk_c_015_a_claim_of_one_task_leaves_all_others_as_they_are(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let id = |n| ProcessingTaskId::new(uuid(n));
    let mut exhausted = Vec::new();
    for n in [1, 2] {
        tasks.enqueue(&a_task_with(|t| (t.id, t.max_attempts) = (id(n), 1))).await?;
        exhausted.push(some("a task to claim", tasks.claim(&request(None)).await?)?);
    }
    tasks.enqueue(&task(3)).await?;
    case.clock.move_by_ms(i64::try_from(LEASE_MS).unwrap_or_default());
    let claimed = tasks.claim(&ClaimRequest { only: Some(id(2)), ..request(None) }).await?;
    same("the exhausted task, claimed", &number(claimed.as_ref()), &None)?;
    let found = tasks.get_many(&[id(1), id(2)], Visibility::Live).await?;
    same("the other exhausted task", &found[0], &Some(exhausted[0].clone()))?;
    let status = found[1].as_ref().map(|task| task.status);
    same("the exhausted task that was asked for", &status, &Some(TaskStatus::Failed))
}

// Working

pub(crate) async fn must_tsk_w_001_a_heartbeat_sets_the_end_of_the_lease(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (mut before, token) = running(case).await?;
    for lease_ms in [LEASE_MS * 2, 1, MAX_LEASE_MS] {
        let now = case.clock.move_by_ms(3);
        let after = tasks.heartbeat(before.entity.id, token, lease_ms).await?;
        transition(case, &before, &after, before.heartbeat(token, now.saturating_add_millis(lease_ms)))
            .await?;
        before = after;
    }
    Ok(())
}

pub(crate) async fn must_tsk_w_002_progress_is_noted_and_may_go_back(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (mut before, token) = running(case).await?;
    for percent in [50, 100, 0] {
        case.clock.move_by_ms(3);
        let progress = Progress::new(percent).map_err(|e| Violation::new("a progress", e.to_string()))?;
        let after = tasks.report(before.entity.id, token, progress).await?;
        transition(case, &before, &after, before.report(token, progress)).await?;
        before = after;
    }
    Ok(())
}

pub(crate) async fn must_tsk_w_003_a_transition_that_changes_nothing_is_written_all_the_same(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (before, token) = running(case).await?;
    let now = case.clock.move_by_ms(5);
    let after = tasks.report(before.entity.id, token, before.progress).await?;
    same("the task", &after.entity, &before.entity)?;
    same("updated_at", &after.updated_at, &now)?;
    increasing(&[before.revision, after.revision])
}

pub(crate) async fn must_tsk_w_004_a_completed_task_has_succeeded(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    // At the second attempt, so that there is an error to forget.
    let (first, token) = running(case).await?;
    tasks.fail(first.entity.id, token, &failure(Some(0))?).await?;
    let (before, token) = claim_one(tasks).await?;
    let now = case.clock.move_by_ms(3);
    let after = tasks.complete(before.entity.id, token).await?;
    same("the status", &after.status, &TaskStatus::Succeeded)?;
    transition(case, &before, &after, before.complete(token, now)).await
}

pub(crate) async fn must_tsk_w_005_a_failed_task_is_tried_again_after_its_delay(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (before, token) = running(case).await?;
    let now = case.clock.move_by_ms(3);
    let failure = failure(Some(5_000))?;
    let after = tasks.fail(before.entity.id, token, &failure).await?;
    transition(case, &before, &after, before.fail(token, &failure, now)).await?;
    case.clock.move_by_ms(4_999);
    same("a claim too early", &tasks.claim(&request(None)).await?, &None)?;
    case.clock.move_by_ms(1);
    let (again, _) = claim_one(tasks).await?;
    same("the attempts, and the error of the last one", &(again.attempts, &again.error), &(2, &after.error))
}

pub(crate) async fn must_tsk_w_006_a_task_fails_for_good_without_a_delay_or_after_its_last_attempt(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    for (n, max_attempts, failure) in [(1, 3, failure(None)?), (2, 1, failure(Some(1))?)] {
        tasks
            .enqueue(&a_task_with(|t| {
                t.id = ProcessingTaskId::new(uuid(n));
                t.max_attempts = max_attempts;
            }))
            .await?;
        let (before, token) = claim_one(tasks).await?;
        let after = tasks.fail(before.entity.id, token, &failure).await?;
        same("the status", &after.status, &TaskStatus::Failed)?;
        transition(case, &before, &after, before.fail(token, &failure, case.clock.now())).await?;
    }
    case.clock.move_by_ms(1_000_000);
    same("a claim", &tasks.claim(&request(None)).await?, &None)
}

pub(crate) async fn must_tsk_w_007_retry_gives_all_attempts_again(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (before, token) = running(case).await?;
    tasks.report(before.entity.id, token, Progress::DONE).await?;
    let failed = tasks.fail(before.entity.id, token, &failure(None)?).await?;
    let now = case.clock.move_by_ms(3);
    let retried = tasks.retry(before.entity.id).await?;
    transition(case, &failed, &retried, failed.retry(now)).await?;
    let (again, _) = claim_one(tasks).await?;
    same("the attempts", &again.attempts, &1)
}

pub(crate) async fn must_tsk_w_008_a_pending_or_running_task_can_be_cancelled(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let pending = tasks.enqueue(&task(1)).await?;
    let now = case.clock.move_by_ms(3);
    let cancelled = tasks.cancel(pending.entity.id).await?;
    transition(case, &pending, &cancelled, pending.cancel(now)).await?;
    same("a claim", &tasks.claim(&request(None)).await?, &None)?;
    let (running, token) = running(case).await?;
    let cancelled = tasks.cancel(running.entity.id).await?;
    transition(case, &running, &cancelled, running.cancel(now)).await?;
    let error = TransitionError::Illegal { from: TaskStatus::Cancelled, transition: Transition::Complete };
    let id = running.entity.id;
    refused_transition(tasks.complete(id, token).await, &id, error)?;
    let retried = tasks.retry(id).await?;
    transition(case, &cancelled, &retried, cancelled.retry(now)).await
}

/// One task in each status, with a token that was once its lease's.
async fn in_each_status(case: &Case) -> Result<Vec<(Stored<ProcessingTask>, LeaseToken)>, Violation> {
    let tasks = case.store().processing_tasks();
    let mut all = Vec::new();
    for (n, status) in (0..).zip(TaskStatus::ALL) {
        tasks.enqueue(&task(n)).await?;
        let (claimed, token) = claim_one(tasks).await?;
        let id = claimed.entity.id;
        let stored = match status {
            TaskStatus::Pending => tasks.fail(id, token, &failure(Some(1_000_000))?).await?,
            TaskStatus::Running => claimed,
            TaskStatus::Succeeded => tasks.complete(id, token).await?,
            TaskStatus::Failed => tasks.fail(id, token, &failure(None)?).await?,
            TaskStatus::Cancelled => tasks.cancel(id).await?,
        };
        same("the status", &stored.status, &status)?;
        all.push((stored, token));
    }
    Ok(all)
}

pub(crate) async fn must_tsk_w_009_what_the_domain_refuses_is_a_conflict_and_writes_nothing(
    case: &Case,
) -> Outcome {
    let tasks = case.store().processing_tasks();
    let mut refused = 0;
    for (before, token) in in_each_status(case).await? {
        let (id, now, failure) = (before.entity.id, case.clock.now(), failure(None)?);
        // Only what the domain refuses is tried: the others have rules of their own.
        if let Err(error) = before.heartbeat(token, now) {
            refused_transition(tasks.heartbeat(id, token, 1).await, &id, error)?;
            refused += 1;
        }
        if let Err(error) = before.report(token, Progress::NONE) {
            refused_transition(tasks.report(id, token, Progress::NONE).await, &id, error)?;
            refused += 1;
        }
        if let Err(error) = before.complete(token, now) {
            refused_transition(tasks.complete(id, token).await, &id, error)?;
            refused += 1;
        }
        if let Err(error) = before.fail(token, &failure, now) {
            refused_transition(tasks.fail(id, token, &failure).await, &id, error)?;
            refused += 1;
        }
        if let Err(error) = before.retry(now) {
            refused_transition(tasks.retry(id).await, &id, error)?;
            refused += 1;
        }
        if let Err(error) = before.cancel(now) {
            refused_transition(tasks.cancel(id).await, &id, error)?;
            refused += 1;
        }
        same("what is stored", &tasks.get(&id, Visibility::Live).await?, &Some(before))?;
    }
    same("the transitions refused", &refused, &(4 * 4 + 3 + 3))
}

pub(crate) async fn must_tsk_w_010_a_transition_of_a_missing_task_is_not_found(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (id, token) = (ProcessingTaskId::new(uuid(404)), LeaseToken::new(uuid(1)));
    not_found::<ProcessingTask, _>(tasks.heartbeat(id, token, 1).await, &id)?;
    not_found::<ProcessingTask, _>(tasks.report(id, token, Progress::NONE).await, &id)?;
    not_found::<ProcessingTask, _>(tasks.complete(id, token).await, &id)?;
    not_found::<ProcessingTask, _>(tasks.fail(id, token, &failure(None)?).await, &id)?;
    not_found::<ProcessingTask, _>(tasks.retry(id).await, &id)?;
    not_found::<ProcessingTask, _>(tasks.cancel(id).await, &id)
}

pub(crate) async fn must_tsk_w_011_updated_at_never_goes_back(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    let (before, token) = running(case).await?;
    let earlier = case.clock.move_by_ms(-10_000);
    let after = tasks.complete(before.entity.id, token).await?;
    same("updated_at", &after.updated_at, &before.updated_at)?;
    same("finished_at, by the clock", &after.finished_at, &Some(earlier))
}

// Filters and tidying up

pub(crate) async fn must_tsk_f_001_a_target_that_no_task_can_have_finds_nothing(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    tasks.enqueue(&a_task_with(|t| t.target = Some("video".into()))).await?;
    for target in ["\0", "video\0", &"x".repeat(MAX_TARGET_BYTES + 1)] {
        let filter = ProcessingTaskFilter { target: Some(target.into()), ..Default::default() };
        same("the count", &tasks.count(&filter).await?, &0)?;
        same("the list", &tasks.list(&filter, &Default::default()).await?.items, &vec![])?;
    }
    Ok(())
}

pub(crate) async fn must_tsk_f_002_finished_tasks_are_removed_oldest_first(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    // Finished in the order 2, then 1 and 3 at the same time; 4 and 5 are not finished.
    for n in 1..=5 {
        tasks.enqueue(&task(n)).await?;
    }
    let id = |n| ProcessingTaskId::new(uuid(n));
    tasks.cancel(id(2)).await?;
    let second = case.clock.move_by_ms(10);
    tasks.cancel(id(3)).await?;
    tasks.cancel(id(1)).await?;
    let after = case.clock.move_by_ms(10);
    claim_one(tasks).await?;
    for (before, limit, removed, left) in [
        (noon(), 10, 0, &[1, 2, 3, 4, 5][..]),
        (second, 10, 1, &[1, 3, 4, 5]),
        (second, 10, 0, &[1, 3, 4, 5]),
        (after, 1, 1, &[3, 4, 5]),
        (Timestamp::MAX, MAX_PAGE_LIMIT, 1, &[4, 5]),
        (Timestamp::MAX, 1, 0, &[4, 5]),
    ] {
        same("how many were removed", &tasks.remove_finished(before, limit).await?, &removed)?;
        let read = tasks.get_many(&[1, 2, 3, 4, 5].map(id), Visibility::Live).await?;
        let there: Vec<_> = read.into_iter().flatten().map(|stored| stored.entity.id).collect();
        same("what is left", &there, &left.iter().map(|n| id(*n)).collect::<Vec<_>>())?;
    }
    Ok(())
}

pub(crate) async fn must_tsk_f_003_the_limit_of_a_removal_is_bounded(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    for limit in [0, MAX_PAGE_LIMIT + 1, u32::MAX] {
        invalid(tasks.remove_finished(Timestamp::MAX, limit).await, "limit")?;
    }
    same("a removal of nothing", &tasks.remove_finished(Timestamp::MAX, MAX_PAGE_LIMIT).await?, &0)
}

pub(crate) async fn must_tsk_f_004_a_removed_id_is_free_again_with_a_larger_revision(case: &Case) -> Outcome {
    let tasks = case.store().processing_tasks();
    tasks.enqueue(&task(1)).await?;
    let cancelled = tasks.cancel(ProcessingTaskId::new(uuid(1))).await?;
    tasks.remove_finished(Timestamp::MAX, 1).await?;
    let again = tasks.enqueue(&task(1)).await?;
    increasing(&[cancelled.revision, again.revision])
}
