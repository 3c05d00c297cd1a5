//! The port of processing tasks: a queue that several workers share.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{
    LeaseToken, NewTask, Problem, ProcessingTask, ProcessingTaskId, Progress, TaskFailure, TaskKind,
    TaskStatus, Timestamp, ValidationError, WorkerId,
};

use crate::repository::ADOPTING;
use crate::{Catalogued, Error, Repository, Result, Stored};

/// Which tasks a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingTaskFilter {
    /// Only those that stand so. A task whose lease has expired is running until somebody claims.
    pub status: Option<TaskStatus>,
    /// Only those of this kind.
    pub kind: Option<TaskKind>,
    /// Only those about exactly this.
    pub target: Option<String>,
}

/// The orders of a list of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProcessingTaskOrder {
    /// By `created_at`, latest first; of the same time by id, largest first.
    #[default]
    Newest,
    /// By `created_at`, earliest first; of the same time by id.
    Oldest,
}

/// The order key of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessingTaskPosition {
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// The id.
    pub id: ProcessingTaskId,
}

impl Catalogued for ProcessingTask {
    type Filter = ProcessingTaskFilter;
    type Order = ProcessingTaskOrder;
    type Listed = Self;
    type Position = ProcessingTaskPosition;

    fn listed(&self) -> Self {
        self.clone()
    }

    fn position(listed: &Stored<Self>) -> ProcessingTaskPosition {
        ProcessingTaskPosition { created_at: listed.created_at, id: listed.entity.id }
    }
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// Who asks.
    pub worker: WorkerId,
    /// The kinds of tasks it can do; `None` means all kinds, an empty list none.
    pub kinds: Option<Vec<TaskKind>>,
    /// How long its lease is to last unless it is extended, in milliseconds from 1 to [`MAX_LEASE_MS`].
    pub lease_ms: u64,
    /// Only this task, if it is of these kinds and claimable; every other one is left as it is. For who wants work done
    /// that it has enqueued itself.
    pub only: Option<ProcessingTaskId>,
}

/// The longest lease, in milliseconds: a week. A worker that lives extends its lease long before.
pub const MAX_LEASE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// How many exhausted tasks one claim expires at most, so that its time is bounded.
pub const MAX_EXPIRED_PER_CLAIM: u32 = 100;

/// Checks the length of a lease.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) if it is not from 1 to [`MAX_LEASE_MS`].
pub fn check_lease(lease_ms: u64) -> Result<()> {
    if (1..=MAX_LEASE_MS).contains(&lease_ms) {
        return Ok(());
    }
    let max = i64::try_from(MAX_LEASE_MS).unwrap_or(i64::MAX);
    let problem = Problem::OutOfRange { min: 1, max, actual: lease_ms.to_string() };
    Err(Error::Invalid(ValidationError::new("lease_ms", problem)))
}

/// The tasks. They change only by the transitions of [`ProcessingTask`]; each is a method here, but
/// [`expire`](ProcessingTask::expire), which is part of [`claim`](Self::claim).
///
/// # What an implementor owes
/// - Each transition reads the task, applies the domain's method of the same name at the clock's time, and
///   writes the outcome with a new revision, all as one atomic step. A legal transition always writes, also
///   when the task is the same afterwards.
/// - A transition that the domain refuses is [`Conflict::Transition`](crate::Conflict::Transition), and a task
///   that is not there is [`NotFound`](crate::Error::NotFound); nothing is written then.
/// - All but [`claim`](Self::claim) work inside a unit of work. The errors of a unit of work come first, then
///   `Unsupported`, `Invalid`, `ReadOnly`, `NotFound` or `AlreadyExists`, `Conflict::Transition`.
/// - Leases and the order of the queue follow the clock. If it jumps forward, a task may get a second worker,
///   whose token is the one that counts; if it jumps back, tasks wait longer.
#[async_trait]
pub trait ProcessingTaskRepository: Repository<ProcessingTask> {
    /// Puts a task into the queue.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::Error::AlreadyExists) if its id is taken;
    /// [`Invalid`](crate::Error::Invalid) if the domain refuses it.
    async fn enqueue(&self, task: &NewTask) -> Result<Stored<ProcessingTask>>;

    /// Gives the worker the oldest task (by `created_at`, then id) of its kinds that is
    /// [claimable](ProcessingTask::claimability) at the clock's time, under a new lease, or `None` if there
    /// is none. Before that it [expires](ProcessingTask::expire) exhausted tasks of its kinds, oldest first,
    /// at most [`MAX_EXPIRED_PER_CLAIM`]. With [`only`](ClaimRequest::only) it does both to that task alone.
    ///
    /// # What an implementor owes
    /// A claim is atomic and exclusive: whatever runs at the same time, no two claims give the same attempt
    /// of a task. It is serializable but for its choice: it may pass over tasks that an open transaction is
    /// changing, and find nothing while there is one. The lease's token comes from the
    /// [`IdGenerator`](crate::IdGenerator).
    ///
    /// # Errors
    /// [`Unsupported`](crate::Error::Unsupported) inside a unit of work, in every adapter: a claim must be
    /// visible to other workers at once. [`Invalid`](crate::Error::Invalid) for a lease of 0 or more than
    /// [`MAX_LEASE_MS`].
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>>;

    /// Sets the end of the lease to `lease_ms` milliseconds from now, be it later or earlier than before.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for a lease of 0 or more than [`MAX_LEASE_MS`].
    async fn heartbeat(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>>;

    /// Notes the progress.
    async fn report(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>>;

    /// The worker is done.
    async fn complete(&self, id: ProcessingTaskId, token: LeaseToken) -> Result<Stored<ProcessingTask>>;

    /// The worker could not do it.
    async fn fail(
        &self,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>>;

    /// Somebody wants it tried again.
    async fn retry(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>>;

    /// Somebody does not want it any more.
    async fn cancel(&self, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>>;

    /// Removes up to `limit` tasks that were finished before `before`, in the order of `finished_at`, then
    /// id; answers how many.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for a limit that is not from 1 to
    /// [`MAX_PAGE_LIMIT`](crate::MAX_PAGE_LIMIT).
    async fn remove_finished(&self, before: Timestamp, limit: u32) -> Result<u64>;

    /// Takes in tasks that another store has stored, in whatever state they are, as
    /// [`WriteRepository::adopt_many`](crate::WriteRepository::adopt_many) does: the one way into a state that is no
    /// transition.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::Error::AlreadyExists) if an id is taken; [`Invalid`](crate::Error::Invalid) as
    /// [`check_adopted`](crate::check_adopted); [`Unsupported`](crate::Error::Unsupported) in an adapter that cannot do
    /// it.
    async fn adopt_many(&self, items: &[Stored<ProcessingTask>]) -> Result<()> {
        let _ = items;
        Err(Error::Unsupported { what: ADOPTING })
    }
}
