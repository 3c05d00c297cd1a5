//! `tubeatlas worker`

use std::process::ExitCode;

use clap::Args;
use tokio::sync::watch;
use tubeatlas_domain::WorkerId;
use tubeatlas_ports::Store;

use super::Context;
use super::signals::Signals;
use crate::error::AppError;
use crate::wiring::Missing;
use crate::worker::Worker;

#[derive(Debug, Args)]
pub(super) struct WorkerCommand {
    /// How the worker is called, for people [default: the process]
    #[arg(long, value_name = "NAME")]
    name: Option<WorkerId>,
}

impl WorkerCommand {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let name = match self.name {
            Some(name) => name,
            None => name(1)?,
        };
        let mut signals = Signals::new()?;
        let (stop, stopped) = watch::channel(false);
        let opened = crate::wiring::open(&context.settings.database, Missing::Create).await?;
        let worker = Worker::new(opened.store().clone(), name);
        tokio::join!(worker.run(stopped), async {
            signals.next().await;
            stop.send_replace(true);
        });
        opened.store().close().await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The `n`th worker of this process.
pub(super) fn name(n: u32) -> Result<WorkerId, AppError> {
    Ok(WorkerId::parse(format!("tubeatlas-{}-{n}", std::process::id()))?)
}
