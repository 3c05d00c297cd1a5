//! Work that is asked for, to be done by a worker: what the payload of a task holds.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tubeatlas_domain::{
    JsonObject, NewTask, Problem, ProcessingTask, ProcessingTaskId, TaskKind, Timestamp, ValidationError,
};

/// Work of one kind.
pub trait Job: Serialize + DeserializeOwned {
    /// The kind of its tasks.
    const KIND: &'static str;

    /// How often it is tried.
    const MAX_ATTEMPTS: u32 = 5;

    /// What it is about, for people.
    fn target(&self) -> Option<String>;

    /// The task of it, to be put into the queue.
    ///
    /// # Errors
    /// If what it says is too long to be kept, or no text.
    fn task(&self, id: ProcessingTaskId, now: Timestamp) -> Result<NewTask, ValidationError> {
        let malformed = |problem: String| ValidationError::new("payload", Problem::Malformed(problem));
        let payload = match serde_json::to_value(self) {
            Ok(Value::Object(payload)) => JsonObject::new(payload)?,
            Ok(_) => JsonObject::default(), // cannot be: a struct is an object
            Err(error) => return Err(malformed(error.to_string())),
        };
        let task = NewTask {
            id,
            kind: TaskKind::parse(Self::KIND)?,
            target: self.target(),
            payload,
            max_attempts: Self::MAX_ATTEMPTS,
            available_at: now,
        };
        ProcessingTask::enqueue(task.clone())?;
        Ok(task)
    }

    /// The job of a task.
    ///
    /// # Errors
    /// If its payload is that of something else.
    fn of(task: &ProcessingTask) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(task.payload.clone().into_map()))
    }
}
