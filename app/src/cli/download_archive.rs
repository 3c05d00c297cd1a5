//! `tubeatlas download-archive`

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::Context;
use super::output::Output;
use crate::download_archive::{Downloaded, catalogued, missing, parse};
use crate::error::AppError;

#[derive(Debug, Subcommand)]
pub(super) enum DownloadArchive {
    /// Tell which videos the file lists that are not in the catalogue
    Missing {
        /// The file that yt-dlp's --download-archive keeps
        file: PathBuf,
    },
    /// Add the videos of the catalogue to the file that it does not list, deleted ones too; make it if there is none
    Update {
        /// The file that yt-dlp's --download-archive keeps
        file: PathBuf,
    },
}

impl DownloadArchive {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let output = context.output;
        context
            .with_catalogue(async |store| {
                match self {
                    Self::Missing { file } => {
                        let listed = read(&file, output).map_err(|error| failed(&file, "read", error))?;
                        let missing = missing(store, &listed).await?;
                        let result = json!({"listed": listed.len(), "missing": missing});
                        output.show(&result, |_| missing.iter().map(|it| format!("{it}\n")).collect())?;
                        output.note(&format!(
                            "{} of {} are not in the catalogue",
                            missing.len(),
                            listed.len()
                        ));
                    }
                    Self::Update { file } => {
                        let listed = match read(&file, output) {
                            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
                            listed => listed.map_err(|error| failed(&file, "read", error))?,
                        };
                        let (catalogued, unknown) = catalogued(store).await?;
                        let added: Vec<&Downloaded> = catalogued.difference(&listed).collect();
                        append(&file, &added).map_err(|error| failed(&file, "write", error))?;
                        let result = json!({"added": added.len(), "platform_unknown": unknown});
                        output.show(&result, |_| format!("{} added", added.len()))?;
                        if unknown > 0 {
                            output.note(&format!(
                                "note: of {unknown} videos the platform is not known; left out"
                            ));
                        }
                    }
                }
                Ok(ExitCode::SUCCESS)
            })
            .await
    }
}

fn read(file: &Path, output: &Output) -> io::Result<BTreeSet<Downloaded>> {
    let (listed, malformed) = parse(&String::from_utf8_lossy(&fs::read(file)?));
    if let Some(first) = malformed.first() {
        let lines = malformed.len();
        output.note(&format!(
            "note: {lines} lines name no platform and id, the first is line {first}; passed over"
        ));
    }
    Ok(listed)
}

/// Adds lines in one write, so that a program that reads the file at the same time sees whole lines.
fn append(file: &Path, added: &[&Downloaded]) -> io::Result<()> {
    let mut lines: String = added.iter().map(|it| format!("{it}\n")).collect();
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(file)?;
    if !lines.is_empty() && !ends_with_a_line_end(&mut file)? {
        lines.insert(0, '\n');
    }
    file.write_all(lines.as_bytes())
}

fn ends_with_a_line_end(file: &mut fs::File) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn failed(file: &Path, what: &'static str, source: io::Error) -> AppError {
    AppError::File { what, path: file.to_owned(), source }
}
