//! Exports of the whole catalogue.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tubeatlas_domain::{JsonObject, ProcessingTaskId, TaskStatus};
use tubeatlas_ports::Error;

use super::{Held, TaskError, Work, object};
use crate::claimed::is_end;
use crate::error::{AppError, chain};
use crate::job::Job;
use crate::transfer::file::{self, OnDisk, Written};
use crate::transfer::format::{Entry, Summary};
use crate::transfer::{self, ExportJob, Step, TransferError};
use crate::wiring::Opened;

/// How often it is noted how far an export is.
const PERIOD: Duration = Duration::from_secs(1);

/// Writes catalogues into files of a folder.
pub(super) struct Exports {
    pub(super) database: Arc<Opened>,
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Work for Exports {
    fn kind(&self) -> &'static str {
        ExportJob::KIND
    }

    async fn run(&self, held: &Held<'_>) -> Result<JsonObject, TaskError> {
        let job = super::job::<ExportJob>(held)?;
        let place = self.folder.join(job.file.as_str());
        let mark = format!("{}-", held.claimed.id());
        // An earlier attempt may have been killed, or be alive and have lost its lease.
        file::remove_left_behind(&self.folder, &mark)?;
        let to = match Written::begin(&place, job.overwrite, &mark) {
            Err(TransferError::Exists(_)) => return already_there(place, held.claimed.id()).await,
            begun => begun?,
        };
        let own = self.database.for_long_reads().await.map_err(|error| match error {
            AppError::Store(error) | AppError::Open { source: error, .. } => error.into(),
            error => TaskError::for_good(chain(&error)),
        })?;
        let from = own.as_ref().map_or(held.store, |own| own.store().as_ref());
        let total = transfer::size(from).await?;
        let done = AtomicU64::new(0);
        let watch = |_: Step| {
            done.fetch_add(1, Ordering::Relaxed);
        };
        let written = tokio::select! {
            written = file::write(from, to, &watch) => written,
            ended = report(held, &done, total) => return Err(TaskError::Ended(ended)),
        };
        if let Some(own) = &own {
            own.store().close().await?;
        }
        let (summary, bytes) = written?;
        Ok(result(&summary, bytes))
    }
}

/// Notes again and again how far the export is. Ends only when somebody has ended the task.
async fn report(held: &Held<'_>, done: &AtomicU64, total: u64) -> Error {
    loop {
        tokio::time::sleep(PERIOD).await;
        match held.claimed.report(held.store, done.load(Ordering::Relaxed), total).await {
            Err(error) if is_end(&error) => return error,
            Ok(()) | Err(_) => (),
        }
    }
}

/// Something is in the place of the file. An earlier attempt may have put it there, and have been killed before it could
/// say so: then the task is in it, as it was at work, and the file is what was asked for.
async fn already_there(place: PathBuf, task: ProcessingTaskId) -> Result<JsonObject, TaskError> {
    let exists = TransferError::Exists(place.clone());
    let read = move || {
        let file = OnDisk::new(place)?;
        let mut is_ours = false;
        let summary = file.summary(|entry| {
            is_ours |= match entry {
                Entry::ProcessingTask(it) => {
                    it.entity().id == task && it.entity().status == TaskStatus::Running
                }
                _ => false,
            };
        })?;
        Ok::<_, TransferError>(is_ours.then_some((summary, file.bytes()?)))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(Some((summary, bytes)))) => Ok(result(&summary, bytes)),
        // Of another task, or no whole catalogue at all: not ours to overwrite.
        Ok(Ok(None) | Err(_)) => Err(exists.into()),
        Err(error) => Err(TaskError::for_now(chain(&error))),
    }
}

fn result(summary: &Summary, bytes: u64) -> JsonObject {
    object(json!({"bytes": bytes, "counts": summary.counts, "sha256": summary.sha256}))
}

impl From<TransferError> for TaskError {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Store(error) => error.into(),
            TransferError::Exists(_) => {
                Self::for_good(format!("{error}; ask for \"overwrite\": true, or choose another name"))
            }
            error => Self::for_now(chain(&error)),
        }
    }
}
