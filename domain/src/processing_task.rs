//! [`ProcessingTask`]: work to be done, and the only ways in which its state may change.
//!
//! ```text
//!            claim                    complete
//! pending ──────────▶ running ─────────────────▶ succeeded
//!    ▲  ◀───────────────┤ │ ▲
//!    │   fail, to be    │ │ └ claim, once the lease has expired
//!    │   tried again    │ │
//!    │                  │ └── fail; expire, after the last attempt ──▶ failed
//!    │                  └──── cancel (also from pending) ──▶ cancelled
//!    └───────── retry (from failed and cancelled)
//! ```
//!
//! While a task runs, `heartbeat` extends its lease and `report` notes its progress. Those two, `complete` and
//! `fail` need the token of the current lease: a worker whose lease was taken over is refused. There are no
//! other transitions.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::{JsonObject, LeaseToken, ProcessingTaskId, TaskKind, Timestamp, WorkerId, validate};

/// The longest target of a task, in bytes: a path, or an entity's kind and id.
pub const MAX_TARGET_BYTES: usize = 4_200;

/// The longest error text of a task, in bytes: a chain of causes, not a log.
pub const MAX_TASK_ERROR_BYTES: usize = 16 * 1024;

/// The most attempts of a task: what fits a signed 32-bit column.
pub const MAX_ATTEMPTS: u32 = i32::MAX.unsigned_abs();

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Waits for a worker.
    Pending,
    /// A worker holds its lease.
    Running,
    /// Done.
    Succeeded,
    /// Given up after an error.
    Failed,
    /// Given up on request.
    Cancelled,
}

impl TaskStatus {
    /// All statuses, in the order of a task's life.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The status in snake case, as JSON and stores spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing but `retry` can change the task any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much of a task is done, from 0 to 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Progress(u8);

impl Progress {
    /// Nothing is done.
    pub const NONE: Self = Self(0);
    /// All is done.
    pub const DONE: Self = Self(100);

    /// The progress of `percent` per cent.
    ///
    /// # Errors
    /// If it is more than 100.
    pub fn new(percent: u8) -> Result<Self, ValidationError> {
        if percent <= 100 {
            return Ok(Self(percent));
        }
        let problem = Problem::OutOfRange { min: 0, max: 100, actual: percent.to_string() };
        Err(ValidationError::new("processing_task.progress", problem))
    }

    /// Per cent.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Progress {
    type Error = ValidationError;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        Self::new(percent)
    }
}

impl From<Progress> for u8 {
    fn from(progress: Progress) -> Self {
        progress.0
    }
}

/// A worker's right to a task, until it expires or is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What the worker must show to speak for the task.
    pub token: LeaseToken,
    /// Who holds it.
    pub worker: WorkerId,
    /// From when on another worker may claim the task.
    pub expires_at: Timestamp,
}

/// What a worker says when it could not do a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFailure {
    error: String,
    retry_after_ms: Option<u64>,
}

impl TaskFailure {
    /// A failure with its reason. With `retry_after_ms` the task is tried again that many milliseconds later,
    /// as long as it has attempts left; without it, it has failed for good.
    ///
    /// # Errors
    /// If the reason is empty, longer than [`MAX_TASK_ERROR_BYTES`] or holds NUL.
    pub fn new(error: impl Into<String>, retry_after_ms: Option<u64>) -> Result<Self, ValidationError> {
        let error = error.into();
        validate::non_empty_text("processing_task.error", &error, MAX_TASK_ERROR_BYTES)?;
        Ok(Self { error, retry_after_ms })
    }
}

/// What is asked for when a task is put into the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its id.
    pub id: ProcessingTaskId,
    /// What sort of work it is; workers claim by kind.
    pub kind: TaskKind,
    /// What it is about, for people and filters: a path, or an entity as `video/dQw4w9WgXcQ`. Nothing checks
    /// that it exists.
    pub target: Option<String>,
    /// What the worker needs to know.
    #[serde(default)]
    pub payload: JsonObject,
    /// How often it may be tried, from 1.
    pub max_attempts: u32,
    /// From when on it may be claimed.
    pub available_at: Timestamp,
}

/// The fields of a [`ProcessingTask`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessingTaskFields {
    /// Its id.
    pub id: ProcessingTaskId,
    /// What sort of work it is.
    pub kind: TaskKind,
    /// What it is about.
    pub target: Option<String>,
    /// What the worker needs to know.
    #[serde(default)]
    pub payload: JsonObject,
    /// Where it stands.
    pub status: TaskStatus,
    /// How much of the current attempt is done.
    pub progress: Progress,
    /// How often it was claimed since it was enqueued or last retried by hand.
    pub attempts: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// From when on it may be claimed.
    pub available_at: Timestamp,
    /// Who works on it; there exactly while it is running.
    pub lease: Option<Lease>,
    /// Why the last attempt failed, if one did.
    pub error: Option<String>,
    /// When the last attempt began, if there was one.
    pub started_at: Option<Timestamp>,
    /// When it was finished; there exactly while it is succeeded, failed or cancelled.
    pub finished_at: Option<Timestamp>,
}

/// Work to be done. Changes only through its transitions, each of which gives the changed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ProcessingTaskFields", into = "ProcessingTaskFields")]
pub struct ProcessingTask(ProcessingTaskFields);

/// The ways in which a task's state may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// A worker takes the task.
    Claim,
    /// The worker extends its lease.
    Heartbeat,
    /// The worker notes its progress.
    Report,
    /// The worker is done.
    Complete,
    /// The worker could not do it.
    Fail,
    /// The lease ran out at the last attempt.
    Expire,
    /// Somebody wants it tried again.
    Retry,
    /// Somebody does not want it any more.
    Cancel,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claim => "claim",
            Self::Heartbeat => "heartbeat",
            Self::Report => "report",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Expire => "expire",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
        })
    }
}

/// Why a transition was refused. The task is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// The task's status does not allow it.
    #[error("cannot {transition} a task that is {from}")]
    Illegal {
        /// The task's status.
        from: TaskStatus,
        /// What was tried.
        transition: Transition,
    },
    /// The lease is not, or no longer, the one that the token stands for.
    #[error("cannot {transition}: the lease was lost; another worker may have claimed the task")]
    StaleLease {
        /// What was tried.
        transition: Transition,
    },
}

/// Whether a worker can have a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimability {
    /// Not now: it is finished, leased, or not yet available.
    No,
    /// Yes.
    Yes,
    /// No longer: its last lease has expired, and it has no attempts left; it is to be expired.
    Exhausted,
}

impl ProcessingTask {
    /// A task that waits for its first worker.
    ///
    /// # Errors
    /// Names the first field that is out of range, too long or holds NUL.
    pub fn enqueue(new: NewTask) -> Result<Self, ValidationError> {
        Self::new(ProcessingTaskFields {
            id: new.id,
            kind: new.kind,
            target: new.target,
            payload: new.payload,
            status: TaskStatus::Pending,
            progress: Progress::NONE,
            attempts: 0,
            max_attempts: new.max_attempts,
            available_at: new.available_at,
            lease: None,
            error: None,
            started_at: None,
            finished_at: None,
        })
    }

    /// Checks the fields of a task in any state, as a store reads it back.
    ///
    /// # Errors
    /// Names the first field that is out of range, too long, holds NUL or does not fit the status.
    pub fn new(fields: ProcessingTaskFields) -> Result<Self, ValidationError> {
        validate::optional_text("processing_task.target", fields.target.as_deref(), MAX_TARGET_BYTES)?;
        validate::optional_text("processing_task.error", fields.error.as_deref(), MAX_TASK_ERROR_BYTES)?;
        let limits = [
            ("processing_task.max_attempts", fields.max_attempts, 1, MAX_ATTEMPTS),
            ("processing_task.attempts", fields.attempts, 0, fields.max_attempts),
        ];
        for (field, value, min, max) in limits {
            if !(min..=max).contains(&value) {
                let problem =
                    Problem::OutOfRange { min: min.into(), max: max.into(), actual: value.to_string() };
                return Err(ValidationError::new(field, problem));
            }
        }
        let status = fields.status;
        let running = status == TaskStatus::Running;
        let fits = [
            ("lease", fields.lease.is_some() == running),
            ("finished_at", fields.finished_at.is_some() == status.is_finished()),
            ("attempts", fields.attempts > 0 || !running),
            ("started_at", fields.started_at.is_some() || !running),
            ("progress", fields.progress == Progress::DONE || status != TaskStatus::Succeeded),
            ("error", fields.error.is_some() || status != TaskStatus::Failed),
        ];
        if let Some((field, _)) = fits.iter().find(|(_, fits)| !fits) {
            let message = format!("does not fit the status {status}");
            return Err(ValidationError::new(
                format!("processing_task.{field}"),
                Problem::Malformed(message),
            ));
        }
        Ok(Self(fields))
    }

    /// The fields.
    pub fn into_fields(self) -> ProcessingTaskFields {
        self.0
    }

    /// Whether a worker can have the task at `now`: it is pending and available, or its lease has expired.
    pub fn claimability(&self, now: Timestamp) -> Claimability {
        match (self.status, &self.lease) {
            (TaskStatus::Pending, _) if self.available_at <= now => Claimability::Yes,
            (TaskStatus::Running, Some(lease)) if lease.expires_at <= now => {
                if self.attempts < self.max_attempts { Claimability::Yes } else { Claimability::Exhausted }
            }
            _ => Claimability::No,
        }
    }

    /// A worker takes the task; its progress begins again.
    ///
    /// # Errors
    /// If it is not claimable at `now`.
    pub fn claim(&self, lease: Lease, now: Timestamp) -> Result<Self, TransitionError> {
        if self.claimability(now) != Claimability::Yes {
            return Err(self.illegal(Transition::Claim));
        }
        Ok(self.changed(|task| {
            task.status = TaskStatus::Running;
            task.progress = Progress::NONE;
            task.attempts += 1;
            task.lease = Some(lease);
            task.started_at = Some(now);
        }))
    }

    /// The worker extends its lease. Allowed also after the lease has expired, as long as nobody took it.
    ///
    /// # Errors
    /// If the task is not running, or under another lease.
    pub fn heartbeat(&self, token: LeaseToken, expires_at: Timestamp) -> Result<Self, TransitionError> {
        self.check_lease(token, Transition::Heartbeat)?;
        Ok(self.changed(|task| {
            if let Some(lease) = &mut task.lease {
                lease.expires_at = expires_at;
            }
        }))
    }

    /// The worker notes its progress, which may go back.
    ///
    /// # Errors
    /// If the task is not running, or under another lease.
    pub fn report(&self, token: LeaseToken, progress: Progress) -> Result<Self, TransitionError> {
        self.check_lease(token, Transition::Report)?;
        Ok(self.changed(|task| task.progress = progress))
    }

    /// The worker is done; an error of an earlier attempt is forgotten.
    ///
    /// # Errors
    /// If the task is not running, or under another lease.
    pub fn complete(&self, token: LeaseToken, now: Timestamp) -> Result<Self, TransitionError> {
        self.check_lease(token, Transition::Complete)?;
        Ok(self.changed(|task| {
            task.finish(TaskStatus::Succeeded, now);
            task.progress = Progress::DONE;
            task.error = None;
        }))
    }

    /// The worker could not do it. The task is pending again if the failure allows a retry and attempts are
    /// left, and failed otherwise; the reason is kept.
    ///
    /// # Errors
    /// If the task is not running, or under another lease.
    pub fn fail(
        &self,
        token: LeaseToken,
        failure: &TaskFailure,
        now: Timestamp,
    ) -> Result<Self, TransitionError> {
        self.check_lease(token, Transition::Fail)?;
        Ok(self.changed(|task| {
            task.error = Some(failure.error.clone());
            match failure.retry_after_ms.filter(|_| task.attempts < task.max_attempts) {
                Some(millis) => {
                    task.status = TaskStatus::Pending;
                    task.lease = None;
                    task.available_at = now.saturating_add_millis(millis);
                }
                None => task.finish(TaskStatus::Failed, now),
            }
        }))
    }

    /// The lease of the last attempt ran out: the task has failed.
    ///
    /// # Errors
    /// If the task is not [`Claimability::Exhausted`] at `now`.
    pub fn expire(&self, now: Timestamp) -> Result<Self, TransitionError> {
        let Some(lease) = self.lease.as_ref().filter(|_| self.claimability(now) == Claimability::Exhausted)
        else {
            return Err(self.illegal(Transition::Expire));
        };
        let error = format!("the lease of worker {} expired at the last attempt", lease.worker);
        Ok(self.changed(|task| {
            task.finish(TaskStatus::Failed, now);
            task.error = Some(error);
        }))
    }

    /// Somebody wants it tried again, at once and with all its attempts.
    ///
    /// # Errors
    /// If the task is neither failed nor cancelled.
    pub fn retry(&self, now: Timestamp) -> Result<Self, TransitionError> {
        if !matches!(self.status, TaskStatus::Failed | TaskStatus::Cancelled) {
            return Err(self.illegal(Transition::Retry));
        }
        Ok(self.changed(|task| {
            task.status = TaskStatus::Pending;
            task.progress = Progress::NONE;
            task.attempts = 0;
            task.available_at = now;
            task.finished_at = None;
        }))
    }

    /// Somebody does not want it any more. Its worker learns it when it next speaks for the task.
    ///
    /// # Errors
    /// If the task is finished.
    pub fn cancel(&self, now: Timestamp) -> Result<Self, TransitionError> {
        if self.status.is_finished() {
            return Err(self.illegal(Transition::Cancel));
        }
        Ok(self.changed(|task| task.finish(TaskStatus::Cancelled, now)))
    }

    fn illegal(&self, transition: Transition) -> TransitionError {
        TransitionError::Illegal { from: self.status, transition }
    }

    fn check_lease(&self, token: LeaseToken, transition: Transition) -> Result<(), TransitionError> {
        match &self.lease {
            None => Err(self.illegal(transition)),
            Some(lease) if lease.token == token => Ok(()),
            Some(_) => Err(TransitionError::StaleLease { transition }),
        }
    }

    fn changed(&self, change: impl FnOnce(&mut ProcessingTaskFields)) -> Self {
        let mut fields = self.0.clone();
        change(&mut fields);
        Self(fields)
    }
}

impl ProcessingTaskFields {
    fn finish(&mut self, status: TaskStatus, now: Timestamp) {
        self.status = status;
        self.lease = None;
        self.finished_at = Some(now);
    }
}

crate::entity::checked_fields!(
    ProcessingTask,
    ProcessingTaskFields,
    ProcessingTaskId,
    EntityKind::ProcessingTask,
    |it| it.id
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add_millis(seconds * 1_000)
    }

    fn token(n: u128) -> LeaseToken {
        LeaseToken::new(Uuid::from_u128(n))
    }

    fn lease(n: u128, expires: u64) -> Lease {
        Lease { token: token(n), worker: WorkerId::parse("w").unwrap(), expires_at: at(expires) }
    }

    fn pending(max_attempts: u32) -> ProcessingTask {
        ProcessingTask::enqueue(NewTask {
            id: ProcessingTaskId::new(Uuid::nil()),
            kind: TaskKind::parse("import").unwrap(),
            target: None,
            payload: JsonObject::default(),
            max_attempts,
            available_at: at(10),
        })
        .unwrap()
    }

    fn failure(retry_after_ms: Option<u64>) -> TaskFailure {
        TaskFailure::new("no luck", retry_after_ms).unwrap()
    }

    /// Every status, reached by transitions alone; the running one under token 1 until second 20.
    fn in_every_status() -> [ProcessingTask; 5] {
        let running = pending(2).claim(lease(1, 20), at(10)).unwrap();
        [
            pending(2),
            running.clone(),
            running.complete(token(1), at(11)).unwrap(),
            running.fail(token(1), &failure(None), at(11)).unwrap(),
            running.cancel(at(11)).unwrap(),
        ]
    }

    #[test]
    fn these_transitions_are_legal_and_no_others() {
        use TaskStatus::*;
        for task in in_every_status() {
            let outcome = |result: Result<ProcessingTask, TransitionError>| result.ok().map(|t| t.status);
            let status = task.status;
            let only = |from: &[TaskStatus], to: TaskStatus| from.contains(&status).then_some(to);
            assert_eq!(outcome(task.claim(lease(2, 99), at(15))), only(&[Pending], Running), "{status}");
            assert_eq!(
                outcome(task.claim(lease(2, 99), at(20))),
                only(&[Pending, Running], Running),
                "{status}"
            );
            assert_eq!(outcome(task.heartbeat(token(1), at(30))), only(&[Running], Running), "{status}");
            assert_eq!(outcome(task.report(token(1), Progress::DONE)), only(&[Running], Running), "{status}");
            assert_eq!(outcome(task.complete(token(1), at(12))), only(&[Running], Succeeded), "{status}");
            assert_eq!(
                outcome(task.fail(token(1), &failure(None), at(12))),
                only(&[Running], Failed),
                "{status}"
            );
            assert_eq!(
                outcome(task.fail(token(1), &failure(Some(1)), at(12))),
                only(&[Running], Pending),
                "{status}"
            );
            assert_eq!(outcome(task.retry(at(12))), only(&[Failed, Cancelled], Pending), "{status}");
            assert_eq!(outcome(task.cancel(at(12))), only(&[Pending, Running], Cancelled), "{status}");
            assert_eq!(outcome(task.expire(at(99))), None, "{status}: attempts are left");
        }
    }

    #[test]
    fn another_workers_token_is_stale_and_changes_nothing() {
        let running = pending(1).claim(lease(1, 20), at(10)).unwrap();
        for refused in [
            running.heartbeat(token(2), at(30)),
            running.report(token(2), Progress::DONE),
            running.complete(token(2), at(12)),
            running.fail(token(2), &failure(None), at(12)),
        ] {
            assert!(matches!(refused, Err(TransitionError::StaleLease { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_task_is_claimed_when_it_is_available_and_again_when_its_lease_has_expired() {
        let task = pending(2);
        assert_eq!(task.claimability(at(9)), Claimability::No);
        assert_eq!(task.claimability(at(10)), Claimability::Yes);
        let first = task.claim(lease(1, 20), at(10)).unwrap();
        assert_eq!((first.attempts, first.started_at), (1, Some(at(10))));
        assert_eq!(first.claimability(at(19)), Claimability::No);
        let second = first.claim(lease(2, 40), at(20)).unwrap();
        assert_eq!(second.attempts, 2);
        assert_eq!(second.claimability(at(39)), Claimability::No);
        assert_eq!(second.claimability(at(40)), Claimability::Exhausted);
        let expired = second.expire(at(40)).unwrap();
        assert_eq!((expired.status, expired.finished_at), (TaskStatus::Failed, Some(at(40))));
        assert!(expired.error.as_deref().unwrap().contains("worker w expired"));
    }

    #[test]
    fn a_failure_waits_before_the_next_attempt_and_gives_up_after_the_last() {
        let first = pending(2).claim(lease(1, 20), at(10)).unwrap();
        let waiting = first.fail(token(1), &failure(Some(5_000)), at(12)).unwrap();
        assert_eq!((waiting.status, waiting.available_at), (TaskStatus::Pending, at(17)));
        assert_eq!(waiting.error.as_deref(), Some("no luck"));
        let second = waiting.claim(lease(2, 40), at(17)).unwrap();
        let given_up = second.fail(token(2), &failure(Some(5_000)), at(18)).unwrap();
        assert_eq!((given_up.status, given_up.finished_at), (TaskStatus::Failed, Some(at(18))));
        let again = given_up.retry(at(50)).unwrap();
        assert_eq!((again.attempts, again.available_at, again.finished_at), (0, at(50), None));
    }

    #[test]
    fn fields_that_do_not_fit_the_status_are_refused() {
        let cases: [(usize, &str, fn(&mut ProcessingTaskFields)); 7] = [
            (0, "lease", |t| t.status = TaskStatus::Running),
            (1, "lease", |t| t.lease = None),
            (1, "started_at", |t| t.started_at = None),
            (2, "progress", |t| t.progress = Progress::NONE),
            (3, "error", |t| t.error = None),
            (0, "finished_at", |t| t.finished_at = Some(Timestamp::UNIX_EPOCH)),
            (0, "attempts", |t| t.attempts = 3),
        ];
        for (status, field, spoil) in cases {
            let mut fields = in_every_status()[status].clone().into_fields();
            spoil(&mut fields);
            let error = ProcessingTask::new(fields).unwrap_err();
            assert_eq!(error.field(), format!("processing_task.{field}"));
        }
    }

    proptest! {
        /// Whatever is done in whatever order, the task stays one that the constructor accepts.
        #[test]
        fn every_path_stays_consistent(steps in prop::collection::vec((0..8u8, 1..3u128, 0..60u64), 0..40)) {
            let mut task = pending(2);
            for (step, n, now) in steps {
                let now = at(now);
                let next = match step {
                    0 => task.claim(lease(n, 30), now),
                    1 => task.heartbeat(token(n), now),
                    2 => task.report(token(n), Progress::DONE),
                    3 => task.complete(token(n), now),
                    4 => task.fail(token(n), &failure(Some(1)), now),
                    5 => task.expire(now),
                    6 => task.retry(now),
                    _ => task.cancel(now),
                };
                if let Ok(next) = next {
                    prop_assert!(ProcessingTask::new(next.clone().into_fields()).is_ok(), "{:?}", next);
                    task = next;
                }
            }
        }
    }
}
