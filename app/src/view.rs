//! How entities are shown where their own JSON form shows too much.

use serde::Serialize;
use tubeatlas_domain::{
    JsonObject, Lease, ProcessingTask, ProcessingTaskFields, ProcessingTaskId, Progress, TaskKind,
    TaskStatus, Timestamp, WorkerId,
};
use utoipa::ToSchema;

/// A processing task without the token of its lease: who has that token can speak for the worker.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TaskView {
    /// Its id.
    pub id: ProcessingTaskId,
    /// What sort of work it is.
    pub kind: TaskKind,
    /// What it is about.
    pub target: Option<String>,
    /// What the worker needs to know.
    pub payload: JsonObject,
    /// Where it stands.
    pub status: TaskStatus,
    /// How much of the current attempt is done, in per cent.
    pub progress: Progress,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often it may be tried.
    pub max_attempts: u32,
    /// From when on it may be claimed.
    pub available_at: Timestamp,
    /// Who works on it, while it is running.
    pub lease: Option<LeaseView>,
    /// Why the last attempt failed, if one did.
    pub error: Option<String>,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
}

/// A lease without its token.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LeaseView {
    /// Who holds it.
    pub worker: WorkerId,
    /// From when on another worker may claim the task.
    pub expires_at: Timestamp,
}

impl From<ProcessingTask> for TaskView {
    fn from(task: ProcessingTask) -> Self {
        // Without `..`, so that a new field has to be looked at before it is shown.
        let ProcessingTaskFields {
            id,
            kind,
            target,
            payload,
            status,
            progress,
            attempts,
            max_attempts,
            available_at,
            lease,
            error,
            started_at,
            finished_at,
        } = task.into();
        let lease = lease.map(|Lease { token: _, worker, expires_at }| LeaseView { worker, expires_at });
        Self {
            id,
            kind,
            target,
            payload,
            status,
            progress,
            attempts,
            max_attempts,
            available_at,
            lease,
            error,
            started_at,
            finished_at,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tubeatlas_domain::{LeaseToken, NewTask, WorkerId};
    use uuid::Uuid;

    use super::*;

    /// A task that is running under a lease, and the token of that.
    pub(crate) fn a_running_task() -> (ProcessingTask, LeaseToken) {
        let token = LeaseToken::new(Uuid::from_u128(0xfeed));
        let task = ProcessingTask::enqueue(NewTask {
            id: ProcessingTaskId::new(Uuid::from_u128(1)),
            kind: TaskKind::parse("transcribe").unwrap(),
            target: Some("video/abc".into()),
            payload: JsonObject::default(),
            max_attempts: 3,
            available_at: Timestamp::UNIX_EPOCH,
        });
        let mut fields = ProcessingTaskFields::from(task.unwrap());
        fields.status = TaskStatus::Running;
        fields.attempts = 1;
        fields.started_at = Some(Timestamp::UNIX_EPOCH);
        let worker = WorkerId::parse("w1").unwrap();
        fields.lease = Some(Lease { token, worker, expires_at: Timestamp::MAX });
        (ProcessingTask::new(fields).unwrap(), token)
    }

    #[test]
    fn a_task_is_shown_without_its_token() {
        let (task, token) = a_running_task();
        assert!(serde_json::to_string(&task).unwrap().contains(&token.to_string()));
        let shown = serde_json::to_value(TaskView::from(task)).unwrap();
        assert!(!shown.to_string().contains(&token.to_string()));
        assert_eq!(shown["lease"]["worker"], "w1");
        assert_eq!(shown["status"], "running");
    }
}
