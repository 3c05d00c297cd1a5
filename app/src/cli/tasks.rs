//! `tubeatlas tasks`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{ProcessingTask, ProcessingTaskId, TaskKind, TaskStatus};
use tubeatlas_ports::{ProcessingTaskFilter, ProcessingTaskOrder, Stored, Visibility};

use super::Context;
use super::list::{Paging, get, list, word};
use super::output::{Output, fields, one_line};
use crate::error::AppError;
use crate::view::TaskView;

#[derive(Debug, Subcommand)]
pub(super) enum Tasks {
    /// List them
    List {
        /// Only those that stand so
        #[arg(long, value_name = "pending|running|succeeded|failed|cancelled", value_parser = word::<TaskStatus>)]
        status: Option<TaskStatus>,
        /// Only those of this kind
        #[arg(long)]
        kind: Option<TaskKind>,
        /// Only those about exactly this
        #[arg(long)]
        target: Option<String>,
        #[arg(long, value_name = "newest|oldest", default_value = "newest", value_parser = word::<ProcessingTaskOrder>)]
        order: ProcessingTaskOrder,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one
    Show {
        /// Its id
        id: ProcessingTaskId,
    },
    /// Give one up that waits or runs
    Cancel {
        /// Its id
        id: ProcessingTaskId,
    },
    /// Put one that failed or was cancelled into the queue again
    Retry {
        /// Its id
        id: ProcessingTaskId,
    },
}

impl Tasks {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| {
                let tasks = store.processing_tasks();
                let task = match self {
                    Self::List { status, kind, target, order, paging } => {
                        let filter = ProcessingTaskFilter { status, kind, target };
                        return list(output, tasks, &filter, (order, paging), TaskView::from, line).await;
                    }
                    Self::Show { id } => get(tasks, &id, Visibility::Live).await?,
                    Self::Cancel { id } => tasks.cancel(id).await?,
                    Self::Retry { id } => tasks.retry(id).await?,
                };
                show(output, task)
            })
            .await
    }
}

fn show(output: &Output, task: Stored<ProcessingTask>) -> Result<ExitCode, AppError> {
    output
        .show(&task.map(TaskView::from), |it| fields(it, &["id", "kind", "target", "status", "progress"]))?;
    Ok(ExitCode::SUCCESS)
}

fn line(task: &Stored<TaskView>) -> String {
    let TaskView { id, kind, status, attempts, max_attempts, .. } = &task.entity;
    let target = one_line(task.target.as_deref().unwrap_or("-"));
    format!(
        "{id}  {:<9}  {:>3} %  {attempts}/{max_attempts}  {kind}  {target}",
        status.as_str(),
        task.progress.get()
    )
}
