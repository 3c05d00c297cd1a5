//! `tubeatlas worker`

use std::process::ExitCode;

use clap::Args;
use tracing::info;

use super::Context;
use super::serve::signals;
use crate::error::AppError;
use crate::wiring::{self, Missing};
use crate::worker::Workers;

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// Do tasks out of the queue, this many at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
}

impl Worker {
    /// Works until the process is asked to end; what it is at then is given back.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let mut asked = signals()?;
        let opened = wiring::open(&context.settings.database, Missing::Create).await?;
        let workers = Workers::start(opened.store(), self.workers)?;
        info!(workers = self.workers, "waiting for tasks");
        asked.recv().await;
        workers.stop(context.settings.serve.limits.shutdown_timeout).await;
        opened.store().close().await?;
        Ok(ExitCode::SUCCESS)
    }
}
