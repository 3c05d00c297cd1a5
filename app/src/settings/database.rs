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
/// | `postgres://user:password@host:port/database?sslmode=verify-full` | a database of Postgres; also `postgresql:` |
/// | `memory:` | no database, but maps; gone when the process ends |
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of SQLite.
    SqliteFile(PathBuf),
    /// SQLite in a file that is gone at the end.
    SqliteTemporary,
    /// A database of Postgres.
    Postgres(PostgresUrl),
    /// Maps in memory.
    Memory,
}

/// The URL of a database of Postgres, which may hold a password: shown without user name, password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The URL with all that it holds, for who connects; not to be shown.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for PostgresUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A driver takes the scheme in lower case alone.
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let text = format!("{}:{rest}", scheme.to_ascii_lowercase());
        match tubeatlas_adapters_postgres::DatabaseUrl::parse(&text) {
            Ok(_) => Ok(Self(text)),
            Err(tubeatlas_ports::Error::Invalid(error)) => Err(error.problem().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::url(&self.0))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
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
            "postgres" | "postgresql" => text.parse().map(Self::Postgres),
            _ => {
                let shown = redact::url(text);
                let scheme = if shown.starts_with(scheme) { scheme } else { "***" };
                Err(format!("there is no database for the scheme {scheme:?} of {shown:?}; {KNOWN}"))
            }
        }
    }
}

const MIB: u64 = 1024 * 1024;

const KNOWN: &str = "known are sqlite://FILE, sqlite:///ABSOLUTE/FILE, sqlite::memory:, \
                     postgres://USER:PASSWORD@HOST/DATABASE and memory:";

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "sqlite://{}", path.display()),
            Self::SqliteTemporary => f.write_str("sqlite::memory:"),
            Self::Postgres(url) => url.fmt(f),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// How the database is reached. The [module](super) says what the settings may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: DatabaseUrl,
    /// How many connections are kept open at most: in SQLite those that read, in Postgres all (0 opens one a use).
    pub pool_size: usize,
    /// How many connections more Postgres may be asked for while all of these are in use.
    pub max_overflow: usize,
    /// How long a call waits for a connection or the right to write.
    pub acquire_timeout: Duration,
    /// How long opening a connection to Postgres may take.
    pub connect_timeout: Duration,
    /// After which time Postgres stops a statement.
    pub statement_timeout: Duration,
    /// After which time a connection to Postgres is closed instead of being used again.
    pub recycle: Duration,
    /// By which name Postgres knows the connections.
    pub application_name: String,
    /// How long SQLite waits for another process.
    pub busy_timeout: Duration,
    /// SQLite's `journal_mode`.
    pub journal_mode: JournalMode,
    /// SQLite's `synchronous`.
    pub synchronous: Synchronous,
    /// SQLite's `foreign_keys`.
    pub foreign_keys: bool,
    /// How large SQLite's write-ahead log may stay, in bytes.
    pub wal_limit: u64,
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
            max_overflow: 10,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(60),
            recycle: Duration::from_secs(3_600),
            application_name: "tubeatlas".to_owned(),
            busy_timeout: Duration::from_secs(5),
            journal_mode: JournalMode::Wal,
            synchronous: Synchronous::Normal,
            foreign_keys: true,
            wal_limit: 32 * MIB,
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
        let url = given.read("database.url", str::parse)?.unwrap_or(default.url);
        let connections = |text: &str, least| {
            parse::whole_number(text, least..=1_000)
                .and_then(|n| usize::try_from(n).map_err(|e| e.to_string()))
        };
        let least = if matches!(url, DatabaseUrl::Postgres(_)) { 0 } else { 1 };
        Ok(Self {
            url,
            pool_size: given
                .read("database.pool_size", |text| connections(text, least))?
                .unwrap_or(default.pool_size),
            max_overflow: given
                .read("database.max_overflow", |text| connections(text, 0))?
                .unwrap_or(default.max_overflow),
            acquire_timeout: given
                .read("database.acquire_timeout", parse::seconds)?
                .unwrap_or(default.acquire_timeout),
            connect_timeout: given
                .read("database.connect_timeout", parse::seconds)?
                .unwrap_or(default.connect_timeout),
            statement_timeout: given
                .read("database.statement_timeout", parse::seconds)?
                .unwrap_or(default.statement_timeout),
            recycle: given.read("database.recycle", parse::seconds)?.unwrap_or(default.recycle),
            application_name: given
                .read("database.application_name", parse::application_name)?
                .unwrap_or(default.application_name),
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
            wal_limit: given
                .read("database.wal_limit", |text| parse::whole_number(text, 1..=65_536).map(|n| n * MIB))?
                .unwrap_or(default.wal_limit),
            pre_ping: given.read("database.pre_ping", parse::switch)?.unwrap_or(default.pre_ping),
            echo: given.read("database.echo", parse::switch)?.unwrap_or(default.echo),
            unit_of_work_timeout: given
                .read("database.unit_of_work_timeout", parse::seconds)?
                .unwrap_or(default.unit_of_work_timeout),
        })
    }
}
