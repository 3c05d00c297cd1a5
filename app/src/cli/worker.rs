//! `tubeatlas worker`

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing::info;

use super::Context;
use super::serve::{signals, whole};
use crate::error::AppError;
use crate::settings::Flags;
use crate::wiring::{self, Missing};
use crate::worker::{WorkerOptions, Workers};

#[derive(Debug, Args)]
pub(super) struct Worker {
    /// Do tasks out of the queue, this many at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Do exports, into files of this folder; without it they are left to other workers
    #[arg(long, value_name = "DIR")]
    export_dir: Option<String>,
    /// After so many seconds without a word from a worker another one may take its task, as when it was killed
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    lease: u32,
}

impl Worker {
    /// The settings that were given as flags.
    pub(super) fn flags(&self) -> Flags {
        Flags { export_dir: self.export_dir.clone(), ..Flags::default() }
    }

    /// Works until the process is asked to end; what it is at then is given back.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let mut asked = signals()?;
        let export_dir = context.settings.export_dir.as_deref().map(whole).transpose()?;
        let opened = Arc::new(wiring::open(&context.settings.database, Missing::Create).await?);
        let options = WorkerOptions { export_dir, lease: Duration::from_secs(self.lease.into()) };
        let workers = Workers::start(&opened, self.workers, &options)?;
        info!(workers = self.workers, exports_into = ?options.export_dir, "waiting for tasks");
        asked.recv().await;
        workers.stop(context.settings.serve.limits.shutdown_timeout).await;
        opened.store().close().await?;
        Ok(ExitCode::SUCCESS)
    }
}
