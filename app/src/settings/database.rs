//! The settings of the database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tubeatlas_adapters_sqlite::{JournalMode, Synchronous};

use super::sources::Given;
use super::{SettingsError, parse};
use crate::redact;

/// Where the database is.
///
/// | written | is |
/// |---|---|
/// | `sqlite://tubeatlas.db` | this file in the working directory |
/// | `sqlite:///var/lib/tubeatlas.db` | this file |
/// | `sqlite::memory:` | SQLite without a file that stays |
/// | `memory:` | no database, but maps; gone when the process ends |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of SQLite.
    SqliteFile(PathBuf),
    /// SQLite in a file that is gone at the end.
    SqliteTemporary,
    /// Maps in memory.
    Memory,
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(format!(
                "{text:?} has no scheme; {KNOWN}. For a file of this name, write sqlite://{text}"
            ));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(format!("{text:?} has something behind memory:; {KNOWN}")),
            "sqlite" if rest == ":memory:" => Ok(Self::SqliteTemporary),
            "sqlite" => match rest.strip_prefix("//") {
                Some(":memory:") => Err("a database in memory is written sqlite::memory:".to_owned()),
                Some(path) if path.contains(['?', '#']) => Err(format!(
                    "{text:?} has parameters, which are not understood; give them as TUBEATLAS_DATABASE_…"
                )),
                Some(path) if path.starts_with('~') => Err(format!(
                    "{text:?} begins with ~, which only a shell understands; write the folder out"
                )),
                Some(path) if !path.is_empty() && !path.contains('\0') => {
                    Ok(Self::SqliteFile(PathBuf::from(path)))
                }
                _ => Err(format!("{text:?} names no file; {KNOWN}")),
            },
            _ => {
                let shown = redact::url(text);
                let scheme = if shown.starts_with(scheme) { scheme } else { "***" };
                Err(format!("there is no database for the scheme {scheme:?} of {shown:?}; {KNOWN}"))
            }
        }
    }
}

const KNOWN: &str = "known are sqlite://FILE, sqlite:///ABSOLUTE/FILE, sqlite::memory: and memory:";

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "sqlite://{}", path.display()),
            Self::SqliteTemporary => f.write_str("sqlite::memory:"),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// How the database is reached. The [module](super) says what the settings may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: DatabaseUrl,
    /// How many connections read at most.
    pub pool_size: usize,
    /// How long a call waits for a connection or the right to write.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process.
    pub busy_timeout: Duration,
    /// SQLite's `journal_mode`.
    pub journal_mode: JournalMode,
    /// SQLite's `synchronous`.
    pub synchronous: Synchronous,
    /// SQLite's `foreign_keys`.
    pub foreign_keys: bool,
    /// Whether a connection is asked for a sign of life before it is used.
    pub pre_ping: bool,
    /// Whether each statement is logged.
    pub echo: bool,
    /// How long a unit of work may last.
    pub unit_of_work_timeout: Duration,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::SqliteFile("tubeatlas.db".into()),
            pool_size: 20,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            journal_mode: JournalMode::Wal,
            synchronous: Synchronous::Normal,
            foreign_keys: true,
            pre_ping: true,
            echo: false,
            unit_of_work_timeout: Duration::from_secs(30),
        }
    }
}

impl DatabaseSettings {
    pub(super) fn read(given: &Given) -> Result<Self, SettingsError> {
        const JOURNAL_MODES: [(&str, JournalMode); 4] = [
            ("wal", JournalMode::Wal),
            ("delete", JournalMode::Delete),
            ("truncate", JournalMode::Truncate),
            ("persist", JournalMode::Persist),
        ];
        const SYNCHRONOUS: [(&str, Synchronous); 4] = [
            ("off", Synchronous::Off),
            ("normal", Synchronous::Normal),
            ("full", Synchronous::Full),
            ("extra", Synchronous::Extra),
        ];
        let default = Self::default();
        let pool_size = |text: &str| {
            parse::whole_number(text, 1..=1_000).and_then(|n| usize::try_from(n).map_err(|e| e.to_string()))
        };
        Ok(Self {
            url: given.read("database.url", str::parse)?.unwrap_or(default.url),
            pool_size: given.read("database.pool_size", pool_size)?.unwrap_or(default.pool_size),
            acquire_timeout: given
                .read("database.acquire_timeout", parse::seconds)?
                .unwrap_or(default.acquire_timeout),
            busy_timeout: given
                .read("database.busy_timeout", parse::milliseconds)?
                .unwrap_or(default.busy_timeout),
            journal_mode: given
                .read("database.journal_mode", |text| parse::word(text, &JOURNAL_MODES))?
                .unwrap_or(default.journal_mode),
            synchronous: given
                .read("database.synchronous", |text| parse::word(text, &SYNCHRONOUS))?
                .unwrap_or(default.synchronous),
            foreign_keys: given.read("database.foreign_keys", parse::switch)?.unwrap_or(default.foreign_keys),
            pre_ping: given.read("database.pre_ping", parse::switch)?.unwrap_or(default.pre_ping),
            echo: given.read("database.echo", parse::switch)?.unwrap_or(default.echo),
            unit_of_work_timeout: given
                .read("database.unit_of_work_timeout", parse::seconds)?
                .unwrap_or(default.unit_of_work_timeout),
        })
    }
}
