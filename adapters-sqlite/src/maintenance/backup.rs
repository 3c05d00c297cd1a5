//! Backups: `VACUUM INTO` a file beside the wanted one, which then takes its place.
//!
//! `VACUUM INTO` copies what one read transaction sees, so it is consistent, and neither waits for writers nor keeps
//! them waiting. SQLite's backup interface does that too as long as it copies everything in one step. In several
//! steps, which is what it offers more, it begins again whenever another process has written: under full load it
//! did not end (`docs/operation.md` has the figures). It copies pages without looking into them, which is faster by 15
//! to 35 %; but it copies free pages and damage, too, and Diesel offers it only through `unsafe` code. `VACUUM INTO`
//! reads every row and writes each table and index anew: the backup is as small as it can be.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{RunQueryDsl, SqliteConnection};
use tempfile::TempPath;
use tubeatlas_domain::{Problem, ValidationError};
use tubeatlas_ports::{Error, Result};

use super::{Maintenance, bytes};
use crate::error::Context;
use crate::file::{DatabaseFile, FileIdentity, refuse_unless_file, unavailable};

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Maintenance {
    /// Copies the database as it is at one moment into `target`, while others read and write. The file is a whole
    /// database, readable by its owner alone, and durable when this answers; until then `target` is as it was. It
    /// needs a snapshot for as long as it takes, during which the write-ahead log cannot be emptied.
    ///
    /// # Errors
    /// [`Invalid`](Error::Invalid) if there is a `target` and `overwrite` is not set, or if it is the database
    /// itself or another one in use.
    pub async fn backup(&self, target: &Path, overwrite: bool) -> Result<Backup> {
        let target = target.to_owned();
        self.run(move |connection, file| {
            let begun = Instant::now();
            let target = std::path::absolute(&target).map_err(|error| unavailable(&target, error))?;
            check_target(file, &target, overwrite)?;
            let copy = copy_beside(connection, &target)?;
            let placed = if overwrite { copy.persist(&target) } else { copy.persist_noclobber(&target) };
            placed.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => exists(&target),
                _ => unavailable(&target, error.error),
            })?;
            sync_folder(&target)?;
            Ok(Backup { bytes: bytes(&target), path: target, elapsed: begun.elapsed() })
        })
        .await
    }
}

fn check_target(database: &DatabaseFile, target: &Path, overwrite: bool) -> Result<()> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    refuse_unless_file(target)?;
    if FileIdentity::of(target)?.is_same(&FileIdentity::of(&database.path)?) {
        return Err(refused(format!("{} is the database itself; name another file", target.display())));
    }
    if !overwrite {
        return Err(exists(target));
    }
    let log = DatabaseFile::existing(target)?.beside("-wal");
    if log.exists() {
        let message =
            format!("{} is in use, for there is {}; name another file", target.display(), log.display());
        return Err(refused(message));
    }
    Ok(())
}

/// Copies the database into a new file in the folder of `target`, and has it durable. It goes away if it is not
/// renamed.
pub(super) fn copy_beside(connection: &mut SqliteConnection, target: &Path) -> Result<TempPath> {
    let folder = folder(target);
    let copy = tempfile::Builder::new()
        .prefix(".tubeatlas-")
        .suffix(".partial")
        .tempfile_in(folder) // for the owner alone; VACUUM INTO takes an empty file
        .map_err(|error| unavailable(folder, error))?
        .into_temp_path();
    let path = DatabaseFile::existing(&copy)?.as_text()?;
    // The copy is made durable at the end, and at once.
    connection.batch_execute("PRAGMA synchronous = OFF").doing("preparing the copy")?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(path)
        .execute(connection)
        .doing("copying the database")?;
    fs::File::open(&copy).and_then(|file| file.sync_all()).map_err(|error| unavailable(&copy, error))?;
    Ok(copy)
}

/// Has the name of a file that was renamed durable.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    let folder = folder(path);
    // Other systems cannot open a folder.
    if cfg!(unix) {
        fs::File::open(folder)
            .and_then(|file| file.sync_all())
            .map_err(|error| unavailable(folder, error))?;
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn exists(target: &Path) -> Error {
    refused(format!(
        "{} is there already; name another file, or have it overwritten (--force)",
        target.display()
    ))
}

pub(super) fn refused(message: String) -> Error {
    Error::Invalid(ValidationError::new("file", Problem::Malformed(message)))
}
