//! Imports.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tubeatlas_domain::JsonObject;
use tubeatlas_ports::{Clock, IdGenerator};

use super::{Held, TaskError, Work, object};
use crate::error::chain;
use crate::import::{ImportError, ImportJob, ImportOptions, ImportReport, import};
use crate::job::Job;
use crate::wiring;

/// Takes archives into the catalogue.
pub(super) struct Imports {
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl Default for Imports {
    fn default() -> Self {
        Self { ids: wiring::ids(), clock: wiring::clock() }
    }
}

#[async_trait]
impl Work for Imports {
    fn kind(&self) -> &'static str {
        ImportJob::KIND
    }

    async fn run(&self, held: &Held<'_>) -> Result<JsonObject, TaskError> {
        let job = super::job::<ImportJob>(held)?;
        let options = ImportOptions {
            claimed: Some((held.claimed.id(), held.claimed.token())),
            reread: job.reread,
            forget_vanished: job.forget_vanished,
            ..ImportOptions::new(held.worker.clone(), held.task.target.clone().unwrap_or_default())
        };
        let archive = wiring::archive(job.paths);
        let generators = (self.ids.as_ref(), self.clock.as_ref());
        match import(&archive, held.store, generators, &options, &|_| {}).await {
            Ok(report) => Ok(result(&report)),
            Err(ImportError::Cancelled(error)) => Err(TaskError::Ended(error)),
            Err(error @ ImportError::Open(_)) => Err(TaskError::for_good(chain(&error))),
            Err(error) => Err(TaskError::for_now(chain(&error))),
        }
    }
}

/// What is told of an import: how much of everything there was. The names of what was refused may be many.
fn result(report: &ImportReport) -> JsonObject {
    object(json!({
        "channels": report.channels,
        "videos": report.videos,
        "transcripts": report.transcripts,
        "media_files": report.media_files,
        "playlists": report.playlists,
        "unchanged_files": report.unchanged_files,
        "refused": report.refused.len(),
        "ignored": report.ignored.len(),
        "warnings": report.warnings.len(),
        "vanished": report.vanished.len(),
    }))
}
