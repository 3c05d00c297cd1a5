//! `tubeatlas sources`

use std::process::ExitCode;

use clap::Subcommand;
use tubeatlas_domain::{SourceFile, SourcePath, SourceVerdict};
use tubeatlas_ports::{SourceFileFilter, SourceFileOrder, Stored, Visibility};

use super::Context;
use super::list::{Paging, get, list, word};
use super::output::{fields, one_line};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum Sources {
    /// List them
    List {
        /// Only those whose path begins with exactly this
        #[arg(long)]
        prefix: Option<String>,
        /// Only those of which this became
        #[arg(long, value_name = "imported|refused|ignored", value_parser = word::<SourceVerdict>)]
        verdict: Option<SourceVerdict>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one
    Show {
        /// Its path, as the list shows it
        path: SourcePath,
    },
}

impl Sources {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| match self {
                Self::List { prefix, verdict, paging } => {
                    let filter = SourceFileFilter { prefix, verdict };
                    let wanted = (SourceFileOrder::Path, paging);
                    list(output, store.source_files(), &filter, wanted, |it| it, line).await
                }
                Self::Show { path } => {
                    let file = get(store.source_files(), &path, Visibility::Live).await?;
                    output.show(&file, |it| fields(it, &["path", "size", "modified_at"]))?;
                    Ok(ExitCode::SUCCESS)
                }
            })
            .await
    }
}

fn line(file: &Stored<SourceFile>) -> String {
    let verdict = file.outcome.verdict().as_str();
    let why = file.outcome.note().map(|note| format!(": {}", one_line(note))).unwrap_or_default();
    format!("{verdict:<8}  {:>12}  {}{why}", file.size, one_line(file.path.as_str()))
}
