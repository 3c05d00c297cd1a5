//! `tubeatlas import`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio::sync::watch;
use tubeatlas_ports::Store;

use super::Context;
use super::output::{Output, clean};
use super::process::{is_gone, worker};
use super::progress::Progress;
use super::signals::Signals;
use crate::error::AppError;
use crate::import::{Counts, ImportEvent, ImportOptions, ImportReport, Interruption, import, target};
use crate::settings::DatabaseUrl;
use crate::wiring::{self, Missing};

#[derive(Debug, Args)]
pub(super) struct Import {
    /// A folder that yt-dlp left, or a file of one
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing, and say what would be
    #[arg(long)]
    dry_run: bool,
    /// Read also the files that have not changed since an earlier import
    #[arg(long)]
    reread: bool,
    /// Forget the files that are gone; what they gave stays in the catalogue
    #[arg(long)]
    forget_vanished: bool,
}

impl Import {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        // First of all, so that a signal during the start is not lost.
        let interrupted = interruption()?;
        let missing = if self.dry_run { Missing::Refuse } else { Missing::Create };
        let output = context.output;
        match context
            .with_store(missing, async |store| self.import(store, output, interrupted.clone()).await)
            .await
        {
            Err(AppError::NoDatabase(name)) if self.dry_run => {
                output.note(&format!("note: there is no database {name}; compared with an empty one"));
                let mut settings = context.settings.database.clone();
                settings.url = DatabaseUrl::Memory;
                let opened = wiring::open(&settings, Missing::Create).await?;
                self.import(opened.store().as_ref(), output, interrupted.clone()).await
            }
            result => result,
        }
    }

    async fn import(
        &self,
        store: &dyn Store,
        output: &Output,
        interrupted: Interruption,
    ) -> Result<ExitCode, AppError> {
        let archive = wiring::archive(self.paths.clone());
        let options = ImportOptions {
            dry_run: self.dry_run,
            reread: self.reread,
            forget_vanished: self.forget_vanished,
            is_gone,
            interrupted,
            ..ImportOptions::new(worker()?, target(&self.paths))
        };
        let progress = Progress::new(output);
        let observer = |event: ImportEvent<'_>| progress.event(&event);
        let (ids, clock) = (wiring::ids(), wiring::clock());
        let result = import(&archive, store, (ids.as_ref(), clock.as_ref()), &options, &observer).await;
        progress.end();
        let report = result?;
        if report.is_empty() {
            output.note("note: nothing that yt-dlp leaves was found there (it looks for *.info.json)");
        }
        if self.dry_run {
            output.note("note: a dry run: nothing was written");
        }
        output.show(&Finished { event: "finished", report: &report }, |_| summary(&report))?;
        Ok(if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// The signal that asks for the end, once there was one. After another one the process waits for nothing more.
fn interruption() -> Result<Interruption, AppError> {
    let mut signals = Signals::new()?;
    let (interrupt, interrupted) = watch::channel(None);
    tokio::spawn(async move {
        interrupt.send_replace(Some(signals.next().await));
        signals.next().await;
        std::process::exit(2);
    });
    Ok(interrupted)
}

/// The last event of an import.
#[derive(Serialize)]
struct Finished<'a> {
    event: &'static str,
    #[serde(flatten)]
    report: &'a ImportReport,
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
    text += &row("playlists", &report.playlists);
    if report.unchanged_files > 0 {
        text += &format!("{} files have not changed since they were imported\n", report.unchanged_files);
    }
    text += &format!(
        "{} refused, {} ignored, {} warnings",
        report.refused.len(),
        report.ignored.len(),
        report.warnings.len()
    );
    if !(report.ignored.is_empty() && report.warnings.is_empty()) {
        text += " (--format json names them)";
    }
    if !report.vanished.is_empty() {
        text += &format!(
            "\n{} files are gone since they were imported; what they gave stays (--forget-vanished forgets them):",
            report.vanished.len()
        );
        for path in report.vanished.iter().take(10) {
            text += &clean(&format!("\n  {path}"));
        }
        if report.vanished.len() > 10 {
            text += "\n  …";
        }
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
        assert!(!text.contains("since they were imported"), "{text}");
        report.unchanged_files = 7;
        let path = |n: usize| tubeatlas_domain::SourcePath::parse(format!("/a/{n}\u{1b}")).unwrap();
        report.vanished = (0..12).map(path).collect();
        let text = summary(&report);
        assert!(text.contains("7 files have not changed") && text.contains("12 files are gone"), "{text}");
        assert!(text.contains("  /a/9\u{fffd}\n  …\n") && !text.contains("/a/10"), "{text}");
    }
}
