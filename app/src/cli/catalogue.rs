//! `tubeatlas catalogue`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::Context;
use crate::error::AppError;
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::transfer::file::{self, OnDisk, Written};
use crate::transfer::format::Summary;
use crate::transfer::{self, Filled, Moment, Step};
use crate::wiring::{self, Missing};

#[derive(Debug, Subcommand)]
pub(super) enum Catalogue {
    /// Write the whole catalogue, as it is at one moment, into a file that any store can be made of
    Export {
        /// The file, compressed if its name ends in .zst; it must not be there
        file: PathBuf,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Make the catalogue from a file, after the file was verified; goes on where it was interrupted
    Import {
        /// The file
        file: PathBuf,
        /// Also into a catalogue that holds other things; what is there stays as it is
        #[arg(long)]
        merge: bool,
    },
    /// Make a catalogue from another one; goes on where it was interrupted
    Copy {
        /// The catalogue to read, as --database names it
        #[arg(long, value_name = "URL")]
        from: DatabaseUrl,
        /// The catalogue to make
        #[arg(long, value_name = "URL")]
        to: DatabaseUrl,
        /// Also into a catalogue that holds other things; what is there stays as it is
        #[arg(long)]
        merge: bool,
    },
}

impl Catalogue {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let settings = wiring::for_long_reads(&context.settings.database);
        let started = Instant::now();
        let bar = Bar::new(context);
        let watch = |step| bar.saw(step);
        let done = match self {
            Self::Export { file: place, force } => {
                let opened = wiring::open(&settings, Missing::Refuse).await?;
                let to = Written::begin(&place, force, "")?;
                let written = file::write(opened.store().as_ref(), to, &watch).await;
                opened.store().close().await?;
                let (summary, bytes) = written?;
                bar.end();
                let milliseconds = wiring::milliseconds(started.elapsed());
                let json = json!({
                    "path": place, "bytes": bytes, "counts": summary.counts, "sha256": summary.sha256,
                    "elapsed_ms": milliseconds,
                });
                return context
                    .output
                    .show(&json, |_| {
                        format!(
                            "{}: {}\n{bytes} bytes in {milliseconds} ms",
                            place.display(),
                            counted(&summary)
                        )
                    })
                    .map(|()| ExitCode::SUCCESS);
            }
            Self::Import { file, merge } => {
                let source = OnDisk::new(file)?;
                let opened = wiring::open(&settings, Missing::Create).await?;
                let done = transfer::fill(opened.store().as_ref(), &source, merge, &watch).await;
                opened.store().close().await?;
                done?
            }
            Self::Copy { from, to, merge } => {
                let (from_settings, to_settings) = (
                    DatabaseSettings { url: from, ..settings.clone() },
                    DatabaseSettings { url: to, ..settings },
                );
                let from = wiring::open(&from_settings, Missing::Refuse).await?;
                let to = wiring::open(&to_settings, Missing::Create).await?;
                let moment = Moment::of(from.store().as_ref()).await?;
                let done = transfer::fill(to.store().as_ref(), &moment, merge, &watch).await;
                drop(moment);
                from.store().close().await?;
                to.store().close().await?;
                done?
            }
        };
        bar.end();
        let (Filled { created, unchanged, left }, summary) = done;
        let milliseconds = wiring::milliseconds(started.elapsed());
        let json = json!({
            "created": created, "unchanged": unchanged, "left": left,
            "counts": summary.counts, "sha256": summary.sha256, "elapsed_ms": milliseconds,
        });
        context.output.show(&json, |_| {
            let left =
                if left == 0 { String::new() } else { format!(", {left} left as they are, and other") };
            format!(
                "{created} created, {unchanged} already there{left}, in {milliseconds} ms\n{}",
                counted(&summary)
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn counted(summary: &Summary) -> String {
    let counts: Vec<String> =
        summary.counts.iter().map(|(kind, n)| format!("{kind} {n}").replace('_', " ")).collect();
    format!("{}; sha256 {}", counts.join(", "), summary.sha256)
}

/// How far it is, on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(context: &Context<'_>) -> Self {
        let bar = if context.output.is_text() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}, {elapsed}, {per_sec}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn saw(&self, step: Step) {
        let name = step.to_string();
        if self.0.message() != name {
            self.0.reset();
            self.0.set_message(name);
        }
        self.0.inc(1);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
