//! Faults of the queue of tasks.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tubeatlas_domain::{
    Claimability, Entity, EntityKind, LeaseToken, NewTask, ProcessingTask, ProcessingTaskFields,
    ProcessingTaskId, Progress, TaskFailure, TaskStatus, Timestamp, Transition, TransitionError,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, MAX_LEASE_MS, MAX_PAGE_LIMIT, PageRequest, ProcessingTaskFilter, Result,
    Revision, Stored, Visibility, check_lease,
};

use super::core::{ExistsTakesInTheLive, GetManyAnswersOnce, GetManyIsUnbounded};
use super::lists::{self, Notes};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, TaskHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

type Task = Stored<ProcessingTask>;

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = lists::faults::<ProcessingTask>();
    faults.extend(reading());
    faults.extend(enqueuing());
    faults.extend(claiming());
    faults.extend(working());
    faults.extend(tidying());
    faults
}

fn reading() -> [Fault; 4] {
    [
        Fault::new(
            "TSK-R-001",
            "enqueue stores an empty target as none",
            &["the task that enqueue answers", "target: Some(\"\")", "target: None"],
            || Hooks::new().tasks(EmptyTargetIsNone),
        ),
        Fault::new("TSK-R-002", "get_many answers an id once", &["get_many with Live"], || {
            Hooks::new().reads::<ProcessingTask>(GetManyAnswersOnce)
        }),
        Fault::new(
            "TSK-R-003",
            "exists takes OnlyDeleted for WithDeleted",
            &["exists of ", "with OnlyDeleted: false", "observed: true"],
            || Hooks::new().reads::<ProcessingTask>(ExistsTakesInTheLive),
        ),
        Fault::new(
            "TSK-R-004",
            "get_many reads too many ids in two parts",
            &["Invalid, naming \"batch\"", "observed: Ok([None"],
            || Hooks::new().reads::<ProcessingTask>(GetManyIsUnbounded),
        ),
    ]
}

fn enqueuing() -> [Fault; 3] {
    [
        Fault::new(
            "TSK-E-001",
            "to enqueue the very same again succeeds",
            &["AlreadyExists { entity: ", "field: \"id\"", "observed: Ok(Stored"],
            || Hooks::new().tasks(EnqueueOfTheSameSucceeds),
        ),
        Fault::new(
            "TSK-E-002",
            "enqueue looks for the id before it looks at the task",
            &["Invalid, naming \"processing_task.max_attempts\"", "observed: Err(AlreadyExists"],
            || Hooks::new().tasks(EnqueueChecksLate),
        ),
        Fault::new(
            "TSK-E-003",
            "enqueue looks for the target, if the task is not dated back",
            &["the call succeeds", "MissingReference", "video/missing"],
            || Hooks::new().tasks(TargetMustBeThere),
        )
        .also(
            "VID-P-004",
            "it enqueues a task about a video",
            &["the call succeeds", "MissingReference", "video/a-video"],
        ),
    ]
}

fn claiming() -> [Fault; 15] {
    [
        Fault::new(
            "TSK-C-001",
            "the queue compares whole seconds",
            &["the task claimed: Some(ProcessingTaskId(", "0003", "observed: Some(ProcessingTaskId(", "0001"],
            || {
                Hooks::new()
                    .tasks(Buffered::in_the_order_of(|task| task.created_at.unix_micros() / 1_000_000))
            },
        ),
        Fault::new(
            "TSK-C-002",
            "claim keeps the progress of the attempt before",
            &["the task: ", "progress: Progress(0)", "observed", "progress: Progress(100)"],
            || Hooks::new().tasks(ClaimKeepsProgress::default()),
        ),
        Fault::new(
            "TSK-C-003",
            "kinds are also looked for in lower case",
            &["a claim of the kinds Some([\"b\", \"A\", \"A\"]): ", "0002", "observed: ", "0001"],
            || Hooks::new().tasks(KindsAreFolded),
        ),
        Fault::new(
            "TSK-C-004",
            "what becomes available within a minute is available at once",
            &["a claim too early: None", "observed: Some(Stored"],
            || Hooks::new().tasks(AvailabilityIsRounded),
        ),
        Fault::new(
            "TSK-C-005",
            "a lease is over in its last millisecond",
            &["a claim while it is leased: None", "observed: Some(Stored"],
            || Hooks::new().tasks(LeaseEndsEarly),
        ),
        Fault::new(
            "TSK-C-006",
            "report does not look at the token",
            &["StaleLease", "Report", "observed: Ok(Stored"],
            || Hooks::new().tasks(ReportIgnoresTheToken),
        ),
        Fault::new(
            "TSK-C-007",
            "a heartbeat comes too late a second after the lease",
            &["the call succeeds", "cannot heartbeat: the lease was lost"],
            || Hooks::new().tasks(LateHeartbeatIsRefused),
        )
        .also(
            "ADO-C-006",
            "the lease of a task that is taken in is over by a second, too",
            &["the call succeeds", "cannot heartbeat: the lease was lost"],
        ),
        Fault::new(
            "TSK-C-008",
            "a claim that finds nothing is rolled back, with what it expired",
            &["the status: Failed", "observed: Running"],
            || Hooks::new().tasks(ClaimOfNothingIsRolledBack),
        )
        .also(
            "TSK-C-009",
            "its claims find nothing, too",
            &["tasks expired so far: 100", "observed: 0"],
        ),
        Fault::new(
            "TSK-C-009",
            "a claim that finds nothing is tried again",
            &["tasks expired so far: 100", "observed: 101"],
            || Hooks::new().tasks(ClaimOfNothingIsRepeated),
        ),
        Fault::new(
            "TSK-C-010",
            "a claim that expired a task answers nothing",
            &["the task claimed: Some(ProcessingTaskId(", "observed: None"],
            || Hooks::new().tasks(ClaimExpiresOrGives),
        ),
        Fault::new(
            "TSK-C-011",
            "a lease that is too long is cut",
            &["Invalid, naming \"lease_ms\"", "observed: Ok(Some(Stored"],
            || Hooks::new().tasks(LongLeaseIsCut),
        ),
        Fault::new(
            "TSK-C-012",
            "claims at the same time get the same answer",
            &["the call succeeds", "cannot complete a task that is succeeded"],
            || Hooks::new().tasks(ClaimsAreJoined::default()),
        ),
        Fault::new(
            "TSK-C-013",
            "a task that was tried before stands behind those that were not",
            &["the task claimed: Some(ProcessingTaskId(", "0009", "observed: Some(ProcessingTaskId(", "0001"],
            || Hooks::new().tasks(Buffered::in_the_order_of(|task| (task.attempts, task.created_at))),
        ),
        Fault::new(
            "TSK-C-014",
            "a claim of one task does not look at its kind",
            &["one of another kind: None", "observed: Some(ProcessingTaskId("],
            || Hooks::new().tasks(ClaimOfOneForgetsKinds),
        ),
        Fault::new(
            "TSK-C-015",
            "a claim of one task expires all that are exhausted",
            &["the other exhausted task: ", "status: Running", "observed: ", "status: Failed"],
            || Hooks::new().tasks(ClaimOfOneExpiresAll),
        ),
    ]
}

fn working() -> [Fault; 11] {
    [
        Fault::new(
            "TSK-W-001",
            "a heartbeat does not shorten a lease",
            &["the task: ", "expires_at: Timestamp("],
            || Hooks::new().tasks(HeartbeatDoesNotShorten),
        ),
        Fault::new(
            "TSK-W-002",
            "progress does not go back",
            &["the task: ", "progress: Progress(0)", "observed", "progress: Progress(100)"],
            || Hooks::new().tasks(ProgressDoesNotGoBack),
        ),
        Fault::new(
            "TSK-W-003",
            "a report of the same progress is not written",
            &["updated_at: Timestamp(", "observed: Timestamp("],
            || Hooks::new().tasks(SameProgressIsNotWritten),
        ),
        Fault::new(
            "TSK-W-004",
            "complete keeps the error of the attempt before",
            &["the task: ", "error: None", "observed", "error: Some(\"no such file\")"],
            || Hooks::new().tasks(CompleteKeepsTheError),
        ),
        Fault::new(
            "TSK-W-005",
            "a failed task waits from when it was begun",
            &["the task: ", "available_at: Timestamp("],
            || Hooks::new().tasks(DelayRunsFromTheStart),
        ),
        Fault::new(
            "TSK-W-006",
            "after its last attempt a task gets another one",
            &["the status: Failed", "observed: Pending"],
            || Hooks::new().tasks(LastAttemptIsNotTheLast),
        ),
        Fault::new(
            "TSK-W-007",
            "retry keeps the progress",
            &["the task: ", "progress: Progress(0)", "observed", "progress: Progress(100)"],
            || Hooks::new().tasks(RetryKeepsProgress),
        ),
        Fault::new(
            "TSK-W-008",
            "cancel of a pending task notes that it was started",
            &["the task: ", "started_at: None", "observed", "started_at: Some("],
            || Hooks::new().tasks(CancelStarts),
        ),
        Fault::new(
            "TSK-W-009",
            "to complete what has succeeded succeeds",
            &["Illegal { from: Succeeded, transition: Complete }", "observed: Ok(Stored"],
            || Hooks::new().tasks(CompleteTwiceSucceeds),
        ),
        Fault::new(
            "TSK-W-010",
            "a heartbeat takes a missing task for a lost lease",
            &["NotFound", "observed: Err(Conflict(Transition", "StaleLease"],
            || Hooks::new().tasks(MissingIsStale),
        ),
        Fault::new(
            "TSK-W-011",
            "complete sets updated_at to finished_at, be it earlier",
            &["updated_at: Timestamp(", "observed: Timestamp("],
            || Hooks::new().tasks(UpdatedAtGoesBack),
        ),
    ]
}

fn tidying() -> [Fault; 4] {
    [
        Fault::new(
            "TSK-F-001",
            "the target of a filter ends at its first NUL",
            &["the count: 0", "observed: 1"],
            || Hooks::new().reads::<ProcessingTask>(TargetEndsAtNul),
        ),
        Fault::new(
            "TSK-F-002",
            "remove_finished takes in what was finished just then",
            &["how many were removed: 0", "observed: 1"],
            || Hooks::new().tasks(RemovesWhatWasFinishedThen),
        ),
        Fault::new(
            "TSK-F-003",
            "to remove up to 0 tasks is to remove none",
            &["Invalid, naming \"limit\"", "observed: Ok(0)"],
            || Hooks::new().tasks(ZeroRemovesNone),
        ),
        Fault::new(
            "TSK-F-004",
            "an id that is enqueued again gets its first revision",
            &["revisions that increase from one to the next", "Revision(1)]"],
            || Hooks::new().tasks(FirstRevisionAgain::default()),
        ),
    ]
}

/// The task with other fields; as it is, if the domain refuses them.
fn rebuilt(stored: Task, change: impl FnOnce(&mut ProcessingTaskFields)) -> Task {
    stored.map(|task| {
        let mut fields = task.clone().into_fields();
        change(&mut fields);
        ProcessingTask::new(fields).unwrap_or(task)
    })
}

async fn task(at: &At<'_>, id: ProcessingTaskId) -> Result<Option<Task>> {
    at.reads::<ProcessingTask>().get(&id, Visibility::Live).await
}

/// The tasks of the kinds asked for that stand so at this time.
async fn in_queue(at: &At<'_>, request: &ClaimRequest, wanted: Claimability) -> Result<Vec<Task>> {
    let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
    let all = at.reads::<ProcessingTask>().list(&ProcessingTaskFilter::default(), &page).await?;
    let asked_for = |task: &Task| {
        request.kinds.as_ref().is_none_or(|kinds| kinds.contains(&task.kind))
            && request.only.is_none_or(|only| task.entity.id == only)
    };
    let now = at.clock.now();
    Ok(all.items.into_iter().filter(|task| asked_for(task) && task.claimability(now) == wanted).collect())
}

fn stale(id: ProcessingTaskId, transition: Transition) -> Error {
    let error = TransitionError::StaleLease { transition };
    Conflict::Transition { key: id.to_string(), error }.into()
}

/// Whether it was refused with this error.
fn refused<T>(answer: &Result<T>, wanted: &TransitionError) -> bool {
    matches!(answer, Err(Error::Conflict(Conflict::Transition { error, .. })) if error == wanted)
}

struct EmptyTargetIsNone;

#[async_trait]
impl TaskHook for EmptyTargetIsNone {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Task> {
        let target = task.target.clone().filter(|target| !target.is_empty());
        at.inner.processing_tasks().enqueue(&NewTask { target, ..task.clone() }).await
    }
}

struct EnqueueOfTheSameSucceeds;

#[async_trait]
impl TaskHook for EnqueueOfTheSameSucceeds {
    async fn enqueue(&self, at: &At<'_>, new: &NewTask) -> Result<Task> {
        let answer = at.inner.processing_tasks().enqueue(new).await;
        if let Err(Error::AlreadyExists { .. }) = answer
            && let Some(stored) = task(at, new.id).await?
            && ProcessingTask::enqueue(new.clone()).is_ok_and(|new| new == stored.entity)
        {
            return Ok(stored);
        }
        answer
    }
}

struct EnqueueChecksLate;

#[async_trait]
impl TaskHook for EnqueueChecksLate {
    async fn enqueue(&self, at: &At<'_>, new: &NewTask) -> Result<Task> {
        let answer = at.inner.processing_tasks().enqueue(new).await;
        if matches!(answer, Err(Error::Invalid(_))) && task(at, new.id).await?.is_some() {
            return Err(Error::already_exists::<ProcessingTask>("id", new.id));
        }
        answer
    }
}

struct TargetMustBeThere;

#[async_trait]
impl TaskHook for TargetMustBeThere {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Task> {
        let video = task.target.as_ref().filter(|target| target.starts_with("video/"));
        if let (Some(video), true) = (video, task.available_at >= at.clock.now()) {
            return Err(Error::MissingReference {
                entity: ProcessingTask::KIND,
                key: task.id.to_string(),
                reference: EntityKind::Video,
                reference_key: video.clone(),
            });
        }
        at.inner.processing_tasks().enqueue(task).await
    }
}

/// A worker of any kind takes all tasks there are into a buffer, and gets them from there in an order of its own.
struct Buffered<K> {
    order: fn(&Task) -> K,
    buffer: Mutex<Vec<Task>>,
}

impl<K> Buffered<K> {
    fn in_the_order_of(order: fn(&Task) -> K) -> Self {
        Self { order, buffer: Mutex::default() }
    }
}

#[async_trait]
impl<K: Ord> TaskHook for Buffered<K> {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let tasks = at.inner.processing_tasks();
        if request.kinds.is_some() {
            return tasks.claim(request).await;
        }
        let mut claimed = Vec::new();
        while let Some(task) = tasks.claim(request).await? {
            claimed.push(task);
        }
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.append(&mut claimed);
        buffer.sort_by_key(|task| ((self.order)(task), task.entity.id));
        Ok(if buffer.is_empty() { None } else { Some(buffer.remove(0)) })
    }
}

/// The progress of each task.
#[derive(Default)]
struct ClaimKeepsProgress(Notes<ProcessingTaskId, Progress>);

#[async_trait]
impl TaskHook for ClaimKeepsProgress {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let claimed = at.inner.processing_tasks().claim(request).await?;
        Ok(claimed.map(|task| match self.0.of(&task.entity.id) {
            Some(progress) => rebuilt(task, |fields| fields.progress = progress),
            None => task,
        }))
    }

    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Task> {
        let reported = at.inner.processing_tasks().report(id, token, progress).await?;
        self.0.note(id, progress);
        Ok(reported)
    }
}

struct KindsAreFolded;

#[async_trait]
impl TaskHook for KindsAreFolded {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let mut request = request.clone();
        if let Some(kinds) = &mut request.kinds {
            let folded: Vec<_> =
                kinds.iter().filter_map(|kind| kind.as_str().to_lowercase().parse().ok()).collect();
            kinds.extend(folded);
        }
        at.inner.processing_tasks().claim(&request).await
    }
}

struct AvailabilityIsRounded;

#[async_trait]
impl TaskHook for AvailabilityIsRounded {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Task> {
        let (now, mut task) = (at.clock.now(), task.clone());
        if task.available_at <= now.saturating_add_millis(60_000) {
            task.available_at = task.available_at.min(now);
        }
        at.inner.processing_tasks().enqueue(&task).await
    }
}

struct LeaseEndsEarly;

#[async_trait]
impl TaskHook for LeaseEndsEarly {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let claimed = at.inner.processing_tasks().claim(request).await?;
        if claimed.is_some() {
            return Ok(claimed);
        }
        let soon = at.clock.now().saturating_add_millis(1);
        let leased = in_queue(at, request, Claimability::No).await?.into_iter();
        Ok(leased.rev().find(|task| task.lease.as_ref().is_some_and(|lease| lease.expires_at <= soon)))
    }
}

struct ReportIgnoresTheToken;

#[async_trait]
impl TaskHook for ReportIgnoresTheToken {
    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Task> {
        let lease = task(at, id).await?.and_then(|task| task.lease.clone());
        let token = lease.map_or(token, |lease| lease.token);
        at.inner.processing_tasks().report(id, token, progress).await
    }
}

struct LateHeartbeatIsRefused;

#[async_trait]
impl TaskHook for LateHeartbeatIsRefused {
    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Task> {
        if let Some(lease) = task(at, id).await?.and_then(|task| task.lease.clone())
            && lease.expires_at.saturating_add_millis(1_000) <= at.clock.now()
        {
            return Err(stale(id, Transition::Heartbeat));
        }
        at.inner.processing_tasks().heartbeat(id, token, lease_ms).await
    }
}

struct ClaimOfNothingIsRolledBack;

#[async_trait]
impl TaskHook for ClaimOfNothingIsRolledBack {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let may_find = at.unit.is_none() && check_lease(request.lease_ms).is_ok();
        if may_find && in_queue(at, request, Claimability::Yes).await?.is_empty() {
            return Ok(None);
        }
        at.inner.processing_tasks().claim(request).await
    }
}

struct ClaimOfNothingIsRepeated;

#[async_trait]
impl TaskHook for ClaimOfNothingIsRepeated {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        match at.inner.processing_tasks().claim(request).await? {
            None => at.inner.processing_tasks().claim(request).await,
            claimed => Ok(claimed),
        }
    }
}

struct ClaimExpiresOrGives;

#[async_trait]
impl TaskHook for ClaimExpiresOrGives {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let expires = !in_queue(at, request, Claimability::Exhausted).await?.is_empty();
        Ok(at.inner.processing_tasks().claim(request).await?.filter(|_| !expires))
    }
}

struct ClaimOfOneForgetsKinds;

#[async_trait]
impl TaskHook for ClaimOfOneForgetsKinds {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let kinds = request.kinds.clone().filter(|_| request.only.is_none());
        at.inner.processing_tasks().claim(&ClaimRequest { kinds, ..request.clone() }).await
    }
}

struct ClaimOfOneExpiresAll;

#[async_trait]
impl TaskHook for ClaimOfOneExpiresAll {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let tasks = at.inner.processing_tasks();
        for task in
            in_queue(at, &ClaimRequest { only: None, ..request.clone() }, Claimability::Exhausted).await?
        {
            tasks.claim(&ClaimRequest { only: Some(task.entity.id), ..request.clone() }).await?;
        }
        tasks.claim(request).await
    }
}

struct LongLeaseIsCut;

#[async_trait]
impl TaskHook for LongLeaseIsCut {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let lease_ms = request.lease_ms.min(MAX_LEASE_MS);
        at.inner.processing_tasks().claim(&ClaimRequest { lease_ms, ..request.clone() }).await
    }
}

/// The claim that is under way, if any.
#[derive(Default)]
struct ClaimsAreJoined(Mutex<Option<Arc<OnceCell<Option<Task>>>>>);

impl ClaimsAreJoined {
    fn under_way(&self) -> std::sync::MutexGuard<'_, Option<Arc<OnceCell<Option<Task>>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TaskHook for ClaimsAreJoined {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Task>> {
        let joined = self.under_way().get_or_insert_default().clone();
        tokio::task::yield_now().await;
        let claimed = joined.get_or_try_init(|| at.inner.processing_tasks().claim(request)).await.cloned();
        *self.under_way() = None;
        claimed
    }
}

struct HeartbeatDoesNotShorten;

#[async_trait]
impl TaskHook for HeartbeatDoesNotShorten {
    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Task> {
        let mut longer = lease_ms;
        if let Some(lease) = task(at, id).await?.and_then(|task| task.lease.clone())
            && check_lease(lease_ms).is_ok()
        {
            let left = lease.expires_at.unix_micros().saturating_sub(at.clock.now().unix_micros()) / 1_000;
            longer = longer.max(u64::try_from(left).unwrap_or_default());
        }
        at.inner.processing_tasks().heartbeat(id, token, longer).await
    }
}

struct ProgressDoesNotGoBack;

#[async_trait]
impl TaskHook for ProgressDoesNotGoBack {
    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Task> {
        let so_far = task(at, id).await?.map_or(progress, |task| task.progress);
        at.inner.processing_tasks().report(id, token, progress.max(so_far)).await
    }
}

struct SameProgressIsNotWritten;

#[async_trait]
impl TaskHook for SameProgressIsNotWritten {
    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Task> {
        if let Some(task) = task(at, id).await?
            && task.lease.as_ref().is_some_and(|lease| lease.token == token)
            && task.progress == progress
        {
            return Ok(task);
        }
        at.inner.processing_tasks().report(id, token, progress).await
    }
}

struct CompleteKeepsTheError;

#[async_trait]
impl TaskHook for CompleteKeepsTheError {
    async fn complete(&self, at: &At<'_>, id: ProcessingTaskId, token: LeaseToken) -> Result<Task> {
        let error = task(at, id).await?.and_then(|task| task.error.clone());
        let completed = at.inner.processing_tasks().complete(id, token).await?;
        Ok(rebuilt(completed, |fields| fields.error = error))
    }
}

struct DelayRunsFromTheStart;

#[async_trait]
impl TaskHook for DelayRunsFromTheStart {
    async fn fail(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Task> {
        let now = at.clock.now();
        let failed = at.inner.processing_tasks().fail(id, token, failure).await?;
        let delay = failed.available_at.unix_micros().saturating_sub(now.unix_micros()) / 1_000;
        Ok(match (failed.started_at, failed.status) {
            (Some(start), TaskStatus::Pending) => {
                let delay = u64::try_from(delay).unwrap_or_default();
                rebuilt(failed, |fields| fields.available_at = start.saturating_add_millis(delay))
            }
            _ => failed,
        })
    }
}

struct LastAttemptIsNotTheLast;

#[async_trait]
impl TaskHook for LastAttemptIsNotTheLast {
    async fn fail(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Task> {
        let failed = at.inner.processing_tasks().fail(id, token, failure).await?;
        if failed.status == TaskStatus::Failed && failed.attempts == failed.max_attempts {
            return at.inner.processing_tasks().retry(id).await;
        }
        Ok(failed)
    }
}

struct RetryKeepsProgress;

#[async_trait]
impl TaskHook for RetryKeepsProgress {
    async fn retry(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Task> {
        let progress = task(at, id).await?.map_or(Progress::NONE, |task| task.progress);
        let retried = at.inner.processing_tasks().retry(id).await?;
        Ok(rebuilt(retried, |fields| fields.progress = progress))
    }
}

struct CancelStarts;

#[async_trait]
impl TaskHook for CancelStarts {
    async fn cancel(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Task> {
        let cancelled = at.inner.processing_tasks().cancel(id).await?;
        Ok(rebuilt(cancelled, |fields| fields.started_at = fields.started_at.or(fields.finished_at)))
    }
}

struct CompleteTwiceSucceeds;

#[async_trait]
impl TaskHook for CompleteTwiceSucceeds {
    async fn complete(&self, at: &At<'_>, id: ProcessingTaskId, token: LeaseToken) -> Result<Task> {
        let answer = at.inner.processing_tasks().complete(id, token).await;
        let twice =
            TransitionError::Illegal { from: TaskStatus::Succeeded, transition: Transition::Complete };
        match task(at, id).await? {
            Some(task) if refused(&answer, &twice) => Ok(task),
            _ => answer,
        }
    }
}

struct MissingIsStale;

#[async_trait]
impl TaskHook for MissingIsStale {
    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Task> {
        match at.inner.processing_tasks().heartbeat(id, token, lease_ms).await {
            Err(Error::NotFound { .. }) => Err(stale(id, Transition::Heartbeat)),
            answer => answer,
        }
    }
}

struct UpdatedAtGoesBack;

#[async_trait]
impl TaskHook for UpdatedAtGoesBack {
    async fn complete(&self, at: &At<'_>, id: ProcessingTaskId, token: LeaseToken) -> Result<Task> {
        let completed = at.inner.processing_tasks().complete(id, token).await?;
        let updated_at = completed.finished_at.unwrap_or(completed.updated_at);
        Ok(Stored { updated_at, ..completed })
    }
}

struct TargetEndsAtNul;

#[async_trait]
impl ReadHook<ProcessingTask> for TargetEndsAtNul {
    async fn count(&self, at: &At<'_>, filter: &ProcessingTaskFilter) -> Result<u64> {
        let target = filter.target.as_ref().and_then(|target| target.split('\0').next()).map(str::to_owned);
        at.reads::<ProcessingTask>().count(&ProcessingTaskFilter { target, ..filter.clone() }).await
    }
}

struct RemovesWhatWasFinishedThen;

#[async_trait]
impl TaskHook for RemovesWhatWasFinishedThen {
    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        at.inner.processing_tasks().remove_finished(before.saturating_add_millis(1), limit).await
    }
}

struct ZeroRemovesNone;

#[async_trait]
impl TaskHook for ZeroRemovesNone {
    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        if limit == 0 {
            return Ok(0);
        }
        at.inner.processing_tasks().remove_finished(before, limit).await
    }
}

/// The revision of each task when it was first enqueued, by a single call.
#[derive(Default)]
struct FirstRevisionAgain(Notes<ProcessingTaskId, Revision>);

#[async_trait]
impl TaskHook for FirstRevisionAgain {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Task> {
        let enqueued = at.inner.processing_tasks().enqueue(task).await?;
        if let Some(revision) = self.0.of(&task.id) {
            return Ok(Stored { revision, ..enqueued });
        }
        if at.unit.is_none() {
            self.0.note(task.id, enqueued.revision);
        }
        Ok(enqueued)
    }
}
