//! `tubeatlas catalogue`

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use futures::{Stream, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tempfile::NamedTempFile;

use super::Context;
use crate::error::AppError;
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::transfer::format::{Entry, Summary};
use crate::transfer::{self, Filled, Moment, Source, Step, TransferError};
use crate::wiring::{self, Missing};

/// How long a store may be read for at one moment.
const MOMENT: Duration = Duration::from_secs(24 * 60 * 60);

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
        let settings = DatabaseSettings {
            unit_of_work_timeout: context.settings.database.unit_of_work_timeout.max(MOMENT),
            ..context.settings.database.clone()
        };
        let started = Instant::now();
        let bar = Bar::new(context);
        let watch = |step| bar.saw(step);
        let done = match self {
            Self::Export { file, force } => {
                let opened = wiring::open(&settings, Missing::Refuse).await?;
                let mut to = Written::new(&file, force)?;
                let summary = transfer::export(opened.store().as_ref(), &watch, |line| to.put(line)).await;
                opened.store().close().await?;
                let summary = summary?;
                let bytes = to.end(&file, force)?;
                bar.end();
                let milliseconds = wiring::milliseconds(started.elapsed());
                let json = json!({
                    "path": file, "bytes": bytes, "counts": summary.counts, "sha256": summary.sha256,
                    "elapsed_ms": milliseconds,
                });
                return context
                    .output
                    .show(&json, |_| {
                        format!(
                            "{}: {}\n{bytes} bytes in {milliseconds} ms",
                            file.display(),
                            counted(&summary)
                        )
                    })
                    .map(|()| ExitCode::SUCCESS);
            }
            Self::Import { file, merge } => {
                let source = OnDisk(file);
                source.check()?;
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

fn is_compressed(file: &Path) -> bool {
    file.extension() == Some(OsStr::new("zst"))
}

/// The file of a catalogue.
struct OnDisk(PathBuf);

impl OnDisk {
    /// That it can be read twice.
    fn check(&self) -> Result<(), TransferError> {
        let found = std::fs::metadata(&self.0).map_err(|error| TransferError::File("read", error))?;
        if found.is_file() {
            return Ok(());
        }
        let problem = "it is no file; write what comes through a pipe into one, for it is read twice";
        Err(TransferError::File("read", io::Error::other(problem)))
    }
}

impl Source for OnDisk {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        let failed = |error| TransferError::File("read", error);
        let file = BufReader::new(File::open(&self.0).map_err(failed)?);
        let file: Box<dyn BufRead> = if is_compressed(&self.0) {
            Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(failed)?))
        } else {
            Box::new(file)
        };
        Ok(stream::iter(transfer::entries(file)?))
    }
}

/// A file that is written beside its place, and put there when it is whole.
struct Written {
    to: Writer,
}

enum Writer {
    Plain(BufWriter<NamedTempFile>),
    Compressed(zstd::Encoder<'static, BufWriter<NamedTempFile>>),
}

impl Written {
    fn new(place: &Path, force: bool) -> Result<Self, TransferError> {
        let failed = |error| TransferError::File("written", error);
        if !force && place.symlink_metadata().is_ok() {
            let problem = format!("{} is there already; --force overwrites it", place.display());
            return Err(failed(io::Error::other(problem)));
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".tubeatlas-").suffix(".partial").tempfile_in(folder);
        let file = BufWriter::new(file.map_err(failed)?);
        let to = if is_compressed(place) {
            let mut encoder = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
            encoder.include_checksum(true).map_err(failed)?;
            Writer::Compressed(encoder)
        } else {
            Writer::Plain(file)
        };
        Ok(Self { to })
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.to {
            Writer::Plain(file) => file.write_all(line),
            Writer::Compressed(file) => file.write_all(line),
        }
    }

    /// Makes it durable and puts it into its place; answers how many bytes it has.
    fn end(self, place: &Path, force: bool) -> Result<u64, TransferError> {
        let end = || -> io::Result<u64> {
            let file = match self.to {
                Writer::Plain(file) => file,
                Writer::Compressed(file) => file.finish()?,
            };
            let file = file.into_inner().map_err(|error| error.into_error())?;
            file.as_file().sync_all()?;
            let file = if force { file.persist(place) } else { file.persist_noclobber(place) };
            Ok(file.map_err(|error| error.error)?.metadata()?.len())
        };
        end().map_err(|error| TransferError::File("written", error))
    }
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
