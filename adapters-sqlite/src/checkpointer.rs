//! The thread that brings the write-ahead log into the database while the writer goes on writing.
//!
//! SQLite does it in the commit that makes the log long enough: the writer, and all who wait for it, then stand still
//! until the disk has it all. A passive checkpoint on a connection of its own stands in nobody's way.

use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use diesel::sql_types::Integer;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::Result;

use crate::connection::{ConnectionSettings, catching};
use crate::error::Context;
use crate::file::FileIdentity;
use crate::statement;

/// What `PRAGMA wal_checkpoint` answers, in pages.
#[derive(QueryableByName)]
pub(crate) struct Progress {
    /// 1 if somebody was in the way.
    #[diesel(sql_type = Integer)]
    busy: i32,
    /// How many the log has.
    #[diesel(sql_type = Integer)]
    log: i32,
    /// How many of them are in the database already.
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

impl Progress {
    pub(crate) fn in_the_way(&self) -> bool {
        self.busy != 0
    }

    pub(crate) fn log(&self) -> u64 {
        u64::try_from(self.log).unwrap_or_default() // -1 if there is no log
    }

    /// Whether nothing came into the database since `before`, and there was something.
    pub(crate) fn is_none_since(&self, before: &Self) -> bool {
        self.left() > 0 && self.checkpointed <= before.checkpointed
    }

    /// How many pages are in the log alone.
    pub(crate) fn left(&self) -> u64 {
        u64::try_from(self.log.saturating_sub(self.checkpointed)).unwrap_or_default()
    }

    /// How the log is, or what became of it.
    pub(crate) fn of(connection: &mut SqliteConnection, mode: Mode) -> Result<Self> {
        let (statement, doing) = match mode {
            Mode::Look => ("PRAGMA wal_checkpoint(NOOP)", "looking at the write-ahead log"),
            Mode::Passive => {
                ("PRAGMA wal_checkpoint(PASSIVE)", "bringing the write-ahead log into the database")
            }
            Mode::Truncate => ("PRAGMA wal_checkpoint(TRUNCATE)", "cutting the write-ahead log"),
        };
        statement::sql(statement, Vec::new()).get_result(connection).doing(doing)
    }
}

/// What is done with the log (<https://sqlite.org/pragma.html#pragma_wal_checkpoint>).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Nothing.
    Look,
    /// As much of it as possible, without waiting for anybody, is brought into the database.
    Passive,
    /// All of it is, and then it is cut to nothing.
    Truncate,
}

/// The thread, which works when it is told to.
pub(crate) struct Checkpointer {
    begin: SyncSender<()>,
    state: Arc<State>,
    thread: JoinHandle<()>,
}

struct State {
    work: Mutex<Work>,
    done: Condvar,
}

/// What the thread is at, or how the last of it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Begun,
    /// Some of the log came into the database, or all of it.
    Done,
    /// Nothing did: a reader still sees what is there, or the disk refused.
    Hindered,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, work: Work) {
        *self.lock() = work;
        self.done.notify_all();
    }
}

impl Checkpointer {
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(
        path: String,
        settings: ConnectionSettings,
        file: FileIdentity,
    ) -> std::io::Result<Self> {
        let (begin, begun) = mpsc::sync_channel(1);
        let state = Arc::new(State { work: Mutex::new(Work::Done), done: Condvar::new() });
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("sqlite-checkpoint".to_owned()).spawn(move || {
            let mut connection = None;
            while begun.recv().is_ok() {
                // A panic must not leave the writer waiting.
                let work = catching(|| checkpoint(&mut connection, &path, &settings, &file));
                let work = work.unwrap_or_else(|error| {
                    tracing::debug!(%error, "the write-ahead log was not brought into the database");
                    discard(&mut connection, &file);
                    Work::Hindered
                });
                shared.set(work);
            }
            discard(&mut connection, &file);
        })?;
        Ok(Self { begin, state, thread })
    }

    pub(crate) fn work(&self) -> Work {
        *self.state.lock()
    }

    /// Has it begin, if it is not at work.
    pub(crate) fn begin(&self) {
        if self.work() != Work::Begun {
            self.state.set(Work::Begun);
            if self.begin.send(()).is_err() {
                self.state.set(Work::Hindered); // the thread has ended
            }
        }
    }

    /// Waits until it has done what it is at.
    pub(crate) fn wait(&self) {
        drop(self.state.done.wait_while(self.state.lock(), |work| *work == Work::Begun));
    }

    /// Ends the thread and closes its connection.
    pub(crate) fn stop(self) {
        drop(self.begin);
        let _ = self.thread.join(); // it catches panics
    }
}

fn checkpoint(
    connection: &mut Option<SqliteConnection>,
    path: &str,
    settings: &ConnectionSettings,
    file: &FileIdentity,
) -> Result<Work> {
    file.check()?;
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(settings.open(path)?),
    };
    let before = Progress::of(connection, Mode::Look)?;
    let after = Progress::of(connection, Mode::Passive)?;
    Ok(if after.is_none_since(&before) { Work::Hindered } else { Work::Done })
}

/// Closes the connection, unless that would delete the log of a file that lies there in place of the one it is of.
fn discard(connection: &mut Option<SqliteConnection>, file: &FileIdentity) {
    let Some(connection) = connection.take() else { return };
    if file.check().is_err() {
        std::mem::forget(connection);
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::config::{Location, SqliteConfig};
    use crate::connection::set_journal_mode;

    #[test]
    fn the_log_comes_into_the_database_beside_the_writer_unless_a_reader_still_sees_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let config = SqliteConfig::new(Location::File(path.clone()));
        let text = path.to_str().unwrap();
        let settings = ConnectionSettings::new(&config, false);
        let mut writer = settings.open(text).unwrap();
        set_journal_mode(&mut writer, &config).unwrap();
        writer.batch_execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let left = |writer: &mut SqliteConnection| Progress::of(writer, Mode::Look).unwrap().left();
        assert!(left(&mut writer) > 0);

        let file = FileIdentity::of(&path).unwrap();
        let checkpointer = Checkpointer::start(text.to_owned(), settings.clone(), file).unwrap();
        let work = |writer: &mut SqliteConnection| {
            writer.batch_execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2)").unwrap(); // it is in nobody's way
            checkpointer.begin();
            checkpointer.wait();
            writer.batch_execute("COMMIT").unwrap();
            checkpointer.work()
        };
        assert_eq!(work(&mut writer), Work::Done);
        assert!(left(&mut writer) < 3, "only what was committed behind it");

        let mut reader = ConnectionSettings::new(&config, true).open(text).unwrap();
        reader.batch_execute("BEGIN; SELECT * FROM t").unwrap();
        assert_eq!(work(&mut writer), Work::Done, "up to what the reader sees");
        assert_eq!(work(&mut writer), Work::Hindered);
        reader.batch_execute("ROLLBACK").unwrap();
        assert_eq!(work(&mut writer), Work::Done);

        std::fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
        assert_eq!(work(&mut writer), Work::Hindered, "another file may come to lie there");
        checkpointer.stop();
    }
}
