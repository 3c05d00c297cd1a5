//! New indexes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::JsonObject;

use super::{Held, TaskError, Work, job, object};
use crate::error::{AppError, chain};
use crate::job::Job;
use crate::wiring::Opened;

/// What is to be done: the whole index, anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReindexJob {}

impl Job for ReindexJob {
    const KIND: &'static str = "reindex";

    fn target(&self) -> Option<String> {
        None
    }
}

/// Builds the full-text index anew.
pub(super) struct Reindexing(pub(super) Arc<Opened>);

/// SQLite lets nobody write meanwhile, so that the worker cannot say either that it is alive.
const LEASE: Duration = Duration::from_secs(60 * 60);

#[async_trait]
impl Work for Reindexing {
    fn kind(&self) -> &'static str {
        ReindexJob::KIND
    }

    fn lease(&self, usual: Duration) -> Duration {
        usual.max(LEASE)
    }

    async fn run(&self, held: &Held<'_>) -> Result<JsonObject, TaskError> {
        let ReindexJob {} = job(held)?;
        match self.0.reindex().await {
            Ok(reindexed) => Ok(object(reindexed)),
            Err(AppError::Store(error)) => Err(error.into()),
            Err(error) => Err(TaskError::for_good(chain(&error))),
        }
    }
}
