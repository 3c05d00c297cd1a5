//! An import that is asked for, to be done by a worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tubeatlas_domain::MAX_TARGET_BYTES;

use super::TASK_KIND;
use crate::job::Job;

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

impl Job for ImportJob {
    const KIND: &'static str = TASK_KIND;

    fn target(&self) -> Option<String> {
        Some(target(&self.paths))
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
    use tubeatlas_domain::{JsonObject, NewTask, ProcessingTask, ProcessingTaskId, Timestamp};
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
