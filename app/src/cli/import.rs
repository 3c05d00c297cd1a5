//! `tubeatlas import`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Context;
use super::output::clean;
use super::progress::Progress;
use crate::error::AppError;
use crate::import::{Counts, ImportReport, import};
use crate::wiring::{self, Missing};

#[derive(Debug, Args)]
pub(super) struct Import {
    /// A folder that yt-dlp left, or a file of one
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Import {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let archive = wiring::archive(self.paths);
        let output = context.output;
        context
            .with_store(Missing::Create, async |store| {
                let progress = Progress::new(output);
                let observer = |event: crate::import::ImportEvent<'_>| progress.event(&event);
                let result = import(&archive, store, wiring::ids().as_ref(), &observer).await;
                progress.end();
                let report = result?;
                if report.is_empty() {
                    output
                        .note("note: nothing that yt-dlp leaves was found there (it looks for *.info.json)");
                }
                output.show(&report, summary)?;
                Ok(if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
            })
            .await
    }
}

fn summary(report: &ImportReport) -> String {
    let row = |name: &str, counts: &Counts| {
        let Counts { created, updated, unchanged } = counts;
        format!("{name:<12} {created:>6} created {updated:>6} updated {unchanged:>6} unchanged\n")
    };
    let mut text = row("channels", &report.channels);
    text += &row("videos", &report.videos);
    text += &row("transcripts", &report.transcripts);
    text += &row("media files", &report.media_files);
    text += &format!(
        "{} refused, {} ignored, {} warnings",
        report.refused.len(),
        report.ignored.len(),
        report.warnings.len()
    );
    if !(report.ignored.is_empty() && report.warnings.is_empty()) {
        text += " (--format json names them)";
    }
    if !report.left_deleted.is_empty() {
        let ids: Vec<&str> = report.left_deleted.iter().map(|id| id.as_str()).collect();
        text += &clean(&format!("\ndeleted before, and left so: {}", ids.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_and_names() {
        let mut report = ImportReport::default();
        report.videos.created = 12;
        report.left_deleted = vec![tubeatlas_domain::VideoId::parse("abc").unwrap()];
        let text = summary(&report);
        assert!(text.contains("videos           12 created      0 updated      0 unchanged\n"), "{text}");
        assert!(
            text.ends_with("0 refused, 0 ignored, 0 warnings\ndeleted before, and left so: abc"),
            "{text}"
        );
    }
}
