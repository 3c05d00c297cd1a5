//! Restoring: a checked copy of a backup takes the place of the database.
//!
//! The place is taken by a rename, so at any moment the path names the old database or the new one, and each is
//! whole. What must not happen is that the old one's log meets the new file. So the old database is first brought
//! into rollback mode, which SQLite only does for the one connection that has it open, and which leaves no log; then
//! it is locked until its place is taken. (Of a database that is in rollback mode anyway, SQLite cannot tell who has it
//! open, but only who writes.)

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use tubeatlas_ports::{Check, Error, Result};

use super::backup::{copy_beside, refused, sync_folder};
use super::{Maintenance, bytes, open, verify};
use crate::check::number;
use crate::config::{JournalMode, Location, SqliteConfig};
use crate::connection::set_journal_mode;
use crate::error::{Context, with_busy_timeout};
use crate::file::{DatabaseFile, FileIdentity, make_folder, refuse_unless_file, unavailable};
use crate::migrations;
use crate::store::blocking;

/// A database that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The migrations that it needs, which the next opening applies if the configuration allows it.
    pub pending: Vec<String>,
}

impl Maintenance {
    /// Makes the database anew from `backup`, a file that [`backup`](Self::backup) made, or any other database of ours.
    /// The copy is verified first, as [`verify`](Self::verify) does, and takes the place of the database only when
    /// it is whole and durable.
    ///
    /// # Errors
    /// [`Invalid`](Error::Invalid) if the database holds anything and `overwrite` is not set, or if `backup` is
    /// empty or the database itself; [`Corrupt`](Error::Corrupt) if `backup` is damaged: the message says where;
    /// [`Unavailable`](Error::Unavailable) if anybody has the database open, which can only be told in WAL mode. A file at its place that is no database of
    /// ours is [`SchemaMismatch`](Error::SchemaMismatch) also with `overwrite`. The database is as it was then.
    pub async fn restore(&self, backup: &Path, overwrite: bool) -> Result<Restored> {
        let (config, target, backup) = (self.config.clone(), self.path.clone(), backup.to_owned());
        blocking(move || restore(&config, &target, &backup, overwrite)).await
    }
}

fn restore(config: &SqliteConfig, target: &Path, backup: &Path, overwrite: bool) -> Result<Restored> {
    let target = std::path::absolute(target).map_err(|error| unavailable(target, error))?;
    refuse_unless_file(&target)?;
    let (mut source, backup) = open(config, backup)?;
    if target.exists() && FileIdentity::of(&target)?.is_same(&FileIdentity::of(&backup.path)?) {
        return Err(refused(format!("{} is the database itself; name a backup", backup.path.display())));
    }
    if migrations::status(&mut source)?.applied.is_empty() {
        return Err(refused(format!("{} is empty; name a backup", backup.path.display())));
    }
    if !overwrite {
        drop(take_place(config, &target, overwrite)?); // before the long work; it is looked at again after it
    }
    if let Some(folder) = target.parent() {
        make_folder(folder).map_err(|error| unavailable(folder, error))?;
    }
    let copy = copy_beside(&mut source, &target)?;
    drop(source);
    let pending = check_copy(config, &copy, &backup.path)?;
    let old = take_place(config, &target, overwrite)?;
    // Where nothing was, nothing is replaced either.
    let placed =
        if old.is_none() && !overwrite { copy.persist_noclobber(&target) } else { copy.persist(&target) };
    placed.map_err(|error| unavailable(&target, error.error))?;
    sync_folder(&target)?;
    drop(old);
    Ok(Restored { bytes: bytes(&target), path: target, pending })
}

/// Verifies the copy, and answers which migrations it needs.
fn check_copy(config: &SqliteConfig, copy: &Path, backup: &Path) -> Result<Vec<String>> {
    let (mut connection, _) = open(config, copy)?;
    let wrong: Vec<String> = verify::verify(&mut connection)?
        .into_iter()
        // An older backup has an older index; opening it says so.
        .filter(|check| !check.ok && check.name != Check::INDEX_VERSION)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    if !wrong.is_empty() {
        let message = format!("{} was not restored: {}", backup.display(), wrong.join("; "));
        return Err(Error::Corrupt { message, source: None });
    }
    Ok(migrations::status(&mut connection)?.pending)
}

/// Sees to it that the database may be replaced, and that nothing of it stays: answers a connection that keeps others
/// away, if there is a database.
fn take_place(config: &SqliteConfig, target: &Path, overwrite: bool) -> Result<Option<SqliteConnection>> {
    let location = Location::File(target.to_owned());
    let config = SqliteConfig { location, journal_mode: JournalMode::Delete, ..config.clone() };
    let locked = match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => match lock(&config, target, overwrite) {
            // What is damaged cannot be locked, and what is left of its log is of no use.
            Err(Error::Corrupt { .. }) if overwrite => None,
            result => Some(result?),
        },
    };
    if locked.is_none() {
        remove_logs(target, overwrite)?;
    }
    Ok(locked)
}

fn lock(config: &SqliteConfig, target: &Path, overwrite: bool) -> Result<SqliteConnection> {
    let (mut connection, _) = open(config, target)?;
    let is_made = !migrations::status(&mut connection)?.applied.is_empty();
    // Every write takes a revision.
    if !overwrite && is_made && number(&mut connection, "SELECT revision AS value FROM store_state")? > 0 {
        let message = "holds data; restore into another file, or have it overwritten (--force)";
        return Err(refused(format!("{} {message}", target.display())));
    }
    let locked = set_journal_mode(&mut connection, config)
        .and_then(|()| connection.batch_execute("BEGIN EXCLUSIVE").doing("locking the database"));
    match locked.map_err(|error| with_busy_timeout(error, config.busy_timeout)) {
        Ok(()) => Ok(connection),
        Err(Error::Timeout { waited_ms, .. }) => {
            let message = format!(
                "{} was still open after {waited_ms} ms; stop the programs that use it",
                target.display()
            );
            Err(Error::Unavailable { message, source: None })
        }
        Err(error) => Err(error),
    }
}

/// Removes a log that has no database, because SQLite would bring it into the new one.
fn remove_logs(target: &Path, overwrite: bool) -> Result<()> {
    let file = DatabaseFile { path: target.to_owned(), temporary: None };
    for suffix in ["-wal", "-journal", "-shm"] {
        let path = file.beside(suffix);
        if !overwrite && suffix != "-shm" && bytes(&path) > 0 {
            let message =
                "is left of a database that is gone; put both back, or have it overwritten (--force)";
            return Err(refused(format!("{} {message}", path.display())));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unavailable(&path, error)),
            _ => {}
        }
    }
    Ok(())
}
