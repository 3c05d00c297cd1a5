//! The port of processing tasks: a queue that several workers share.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{
    LeaseToken, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskFailure, TaskKind, TaskStatus,
    Timestamp, WorkerId,
};

use crate::{Catalogued, Repository, Result, Stored};

/// Which tasks a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingTaskFilter {
    /// Only those that stand so. A task whose lease has expired is running until somebody claims or expires
    /// it.
    pub status: Option<TaskStatus>,
    /// Only those of this kind.
    pub kind: Option<TaskKind>,
    /// Only those about exactly this.
    pub target: Option<String>,
}

/// The orders of a list of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The kinds of tasks it can do; none means all kinds.
    pub kinds: Vec<TaskKind>,
    /// How long its lease is to last, in milliseconds, unless it is extended.
    pub lease_ms: u64,
}

/// The tasks. They change only by the transitions of [`ProcessingTask`], each of which is one method here.
///
/// # What an implementor owes
/// - Each transition reads the task, applies the domain's method of the same name at the clock's time, and
///   writes the outcome with a new revision, all as one atomic step.
/// - A transition that the domain refuses is [`Conflict::Transition`](crate::Conflict::Transition), and a task
///   that is not there is [`NotFound`](crate::Error::NotFound); nothing is written then.
/// - All but [`claim`](Self::claim) work inside a unit of work.
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
    /// is none. On its way it [expires](ProcessingTask::expire) older tasks that are exhausted, each with a
    /// new revision.
    ///
    /// # What an implementor owes
    /// A claim is atomic and exclusive: whatever runs at the same time, no two claims give the same attempt
    /// of a task. It may pass over a task that another claim is taking at that moment. The lease's token
    /// comes from the [`IdGenerator`](crate::IdGenerator).
    ///
    /// # Errors
    /// [`Unsupported`](crate::Error::Unsupported) inside a unit of work, in every adapter: a claim must be
    /// visible to other workers at once.
    async fn claim(&self, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>>;

    /// Extends the lease to `lease_ms` milliseconds from now.
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
}
