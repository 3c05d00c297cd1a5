//! An import that is asked for, to be done by a worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tubeatlas_domain::{
    JsonObject, MAX_TARGET_BYTES, NewTask, Problem, ProcessingTask, ProcessingTaskId, TaskKind, Timestamp,
    ValidationError,
};

use super::TASK_KIND;

/// How often it is tried.
const MAX_ATTEMPTS: u32 = 5;

/// What is to be imported: what the payload of the task holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportJob {
    /// Folders that yt-dlp left, or files of one, on the worker's machine.
    pub paths: Vec<PathBuf>,
    /// Whether files are read that have not changed since an earlier import.
    #[serde(default)]
    pub reread: bool,
    /// Whether what is noted of files that are gone is forgotten.
    #[serde(default)]
    pub forget_vanished: bool,
}

impl ImportJob {
    /// The task of it, to be put into the queue.
    ///
    /// # Errors
    /// If the paths are too long to be kept, or hold what is no text.
    pub fn task(&self, id: ProcessingTaskId, now: Timestamp) -> Result<NewTask, ValidationError> {
        let malformed = |problem: String| ValidationError::new("paths", Problem::Malformed(problem));
        let payload = match serde_json::to_value(self) {
            Ok(Value::Object(payload)) => JsonObject::new(payload)?,
            Ok(_) => JsonObject::default(), // cannot be: a struct is an object
            Err(error) => return Err(malformed(error.to_string())),
        };
        let task = NewTask {
            id,
            kind: TaskKind::parse(TASK_KIND)?,
            target: Some(target(&self.paths)),
            payload,
            max_attempts: MAX_ATTEMPTS,
            available_at: now,
        };
        ProcessingTask::enqueue(task.clone())?;
        Ok(task)
    }

    /// The job of a task.
    ///
    /// # Errors
    /// If its payload is that of something else, such as of an import that was started by hand.
    pub fn of(task: &ProcessingTask) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(task.payload.clone().into_map()))
    }
}

/// What is imported, for people, and the same from whatever folder it is named.
pub fn target(paths: &[PathBuf]) -> String {
    let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
    let mut target = paths.iter().map(whole).collect::<Vec<_>>().join(", ");
    target.truncate(target.floor_char_boundary(MAX_TARGET_BYTES));
    target
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_job_is_read_back_from_its_task() {
        let job =
            ImportJob { paths: vec!["/a b".into(), "/ü".into()], reread: true, forget_vanished: false };
        let task = job.task(ProcessingTaskId::new(Uuid::from_u128(1)), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((task.kind.as_str(), task.target.as_deref()), ("import", Some("/a b, /ü")));
        assert_eq!(ImportJob::of(&ProcessingTask::enqueue(task.clone()).unwrap()).unwrap(), job);
        let by_hand = NewTask { payload: JsonObject::default(), ..task };
        let error = ImportJob::of(&ProcessingTask::enqueue(by_hand).unwrap()).unwrap_err();
        assert!(error.to_string().contains("paths"), "{error}");
    }
}
