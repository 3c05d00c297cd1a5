//! The settings: where they come from, and what they may be.
//!
//! A setting is looked for in this order; the first that has it counts:
//! 1. a flag of the command (`--database`, `--listen`, …);
//! 2. the environment;
//! 3. the file `.env` in the working directory;
//! 4. a TOML file: that of `--config`, else `tubeatlas.toml` in the working directory if there is one;
//! 5. the default.
//!
//! | variable | in TOML | what it may be | default |
//! |---|---|---|---|
//! | `TUBEATLAS_DATABASE_URL` | `database.url` | see [`DatabaseUrl`] | `sqlite://tubeatlas.db` |
//! | `TUBEATLAS_DATABASE_POOL_SIZE` | `database.pool_size` | connections, 1 to 1000; SQLite: that read; Postgres: kept open, also 0 | 20 |
//! | `TUBEATLAS_DATABASE_MAX_OVERFLOW` | `database.max_overflow` | Postgres: connections more under load, 0 to 1000 | 10 |
//! | `TUBEATLAS_DATABASE_ACQUIRE_TIMEOUT` | `database.acquire_timeout` | seconds | 30 |
//! | `TUBEATLAS_DATABASE_CONNECT_TIMEOUT` | `database.connect_timeout` | Postgres: seconds | 10 |
//! | `TUBEATLAS_DATABASE_STATEMENT_TIMEOUT` | `database.statement_timeout` | Postgres: seconds | 60 |
//! | `TUBEATLAS_DATABASE_RECYCLE` | `database.recycle` | Postgres: seconds until a connection is replaced | 3600 |
//! | `TUBEATLAS_DATABASE_APPLICATION_NAME` | `database.application_name` | Postgres: up to 63 characters | `tubeatlas` |
//! | `TUBEATLAS_DATABASE_BUSY_TIMEOUT` | `database.busy_timeout` | SQLite: milliseconds | 5000 |
//! | `TUBEATLAS_DATABASE_JOURNAL_MODE` | `database.journal_mode` | SQLite: wal, delete, truncate, persist | wal |
//! | `TUBEATLAS_DATABASE_SYNCHRONOUS` | `database.synchronous` | SQLite: off, normal, full, extra | normal |
//! | `TUBEATLAS_DATABASE_FOREIGN_KEYS` | `database.foreign_keys` | SQLite: on, off | on |
//! | `TUBEATLAS_DATABASE_WAL_LIMIT` | `database.wal_limit` | SQLite: MiB, 1 to 65536 | 32 |
//! | `TUBEATLAS_DATABASE_PRE_PING` | `database.pre_ping` | on, off | on |
//! | `TUBEATLAS_DATABASE_ECHO` | `database.echo` | SQLite: on, off: log each statement | off |
//! | `TUBEATLAS_DATABASE_UNIT_OF_WORK_TIMEOUT` | `database.unit_of_work_timeout` | seconds | 30 |
//! | `TUBEATLAS_LISTEN` | `listen` | address and port | `127.0.0.1:8080` |
//! | `TUBEATLAS_MEDIA_ROOTS` | `media_roots` | folders whose media files are handed out; a colon between them, in TOML a list | none |
//! | `TUBEATLAS_IMPORT_ROOTS` | `import_roots` | folders from which archives may be imported on request; likewise | none |
//! | `TUBEATLAS_EXPORT_DIR` | `export_dir` | the folder into which catalogues may be exported on request | none |
//! | `TUBEATLAS_LOG` | `log` | a filter as `info` or `tubeatlas=debug` | `info` for `serve`, else `warn` |
//! | `TUBEATLAS_SERVE_TOKENS` | `[[serve.tokens]]`, each with `name`, `scope`, `sha256` | `NAME:SCOPE:SHA256`, with commas between them | none |
//! | `TUBEATLAS_SERVE_ALLOWED_HOSTS` | `serve.allowed_hosts` | names, with commas between them; `*` allows all | none |
//! | `TUBEATLAS_SERVE_ALLOWED_ORIGINS` | `serve.allowed_origins` | as `https://atlas.example`, with commas between them | none |
//! | `TUBEATLAS_SERVE_TLS_CERT` | `serve.tls_cert` | a file in PEM | none |
//! | `TUBEATLAS_SERVE_TLS_KEY` | `serve.tls_key` | a file in PEM | none |
//! | `TUBEATLAS_SERVE_BEHIND_PROXY` | `serve.behind_proxy` | on, off | off |
//! | `TUBEATLAS_SERVE_MAX_CONNECTIONS` | `serve.max_connections` | 1 to 1000000 | 768 |
//! | `TUBEATLAS_SERVE_MAX_IN_FLIGHT` | `serve.max_in_flight` | requests, 1 to 1000000 | 256 |
//! | `TUBEATLAS_SERVE_MAX_HEAD_BYTES` | `serve.max_head_bytes` | bytes, 1024 to 1048576 | 65536 |
//! | `TUBEATLAS_SERVE_MAX_HEADERS` | `serve.max_headers` | 10 to 10000 | 100 |
//! | `TUBEATLAS_SERVE_MAX_URI_BYTES` | `serve.max_uri_bytes` | bytes, 256 to 65000 | 57344 |
//! | `TUBEATLAS_SERVE_MAX_BODY_BYTES` | `serve.max_body_bytes` | bytes, 1024 to 1073741824 | 8388608 |
//! | `TUBEATLAS_SERVE_HEADER_TIMEOUT` | `serve.header_timeout` | seconds | 10 |
//! | `TUBEATLAS_SERVE_IDLE_TIMEOUT` | `serve.idle_timeout` | seconds | 60 |
//! | `TUBEATLAS_SERVE_BODY_TIMEOUT` | `serve.body_timeout` | seconds | 30 |
//! | `TUBEATLAS_SERVE_REQUEST_TIMEOUT` | `serve.request_timeout` | seconds | 30 |
//! | `TUBEATLAS_SERVE_WRITE_TIMEOUT` | `serve.write_timeout` | seconds | 30 |
//! | `TUBEATLAS_SERVE_SHUTDOWN_TIMEOUT` | `serve.shutdown_timeout` | seconds | 10 |
//! | `TUBEATLAS_SERVE_MAX_FAILED_TOKENS` | `serve.max_failed_tokens` | a minute and address, 1 to 1000000 | 10 |
//!
//! [`Limits`] says what each limit is of. Seconds may have a fraction (`0.5`). A setting that names a store belongs to that store, and changes nothing with
//! another one, so that one environment serves several. Any other variable that begins with `TUBEATLAS_`, any other key of the
//! TOML file, and any other value is refused, by name.

mod database;
mod parse;
mod serve;
mod sources;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use database::{DatabaseSettings, DatabaseUrl, PostgresUrl};
pub use serve::{Limits, ServeSettings, TlsFiles};
pub use sources::{Flags, Sources};
pub use tubeatlas_adapters_sqlite::{JournalMode, Synchronous};

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no setting of this name.
    #[error("there is no setting {name}; there are {}", .known.join(", "))]
    Unknown {
        /// The name, and where it was found.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The value of a setting is not allowed.
    #[error("{name}: {problem}")]
    Malformed {
        /// The setting, as it is called where it was found.
        name: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A file of settings cannot be read.
    #[error("cannot read the settings in {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How the database is reached.
    pub database: DatabaseSettings,
    /// Where the service listens.
    pub listen: SocketAddr,
    /// How it serves.
    pub serve: ServeSettings,
    /// What is logged; `None` leaves it to the command.
    pub log: Option<String>,
    /// The folders whose media files the service hands out.
    pub media_roots: Vec<PathBuf>,
    /// The folders from which archives may be imported on request.
    pub import_roots: Vec<PathBuf>,
    /// The folder into which catalogues may be exported on request.
    pub export_dir: Option<PathBuf>,
}

impl Settings {
    /// Reads the settings out of their sources.
    ///
    /// # Errors
    /// Names the first setting that is not known, or whose value is not allowed.
    pub fn resolve(sources: &Sources) -> Result<Self, SettingsError> {
        let given = sources.given()?;
        Ok(Self {
            database: DatabaseSettings::read(&given)?,
            listen: given.read("listen", parse::address)?.unwrap_or(([127, 0, 0, 1], 8080).into()),
            serve: ServeSettings::read(&given)?,
            log: given.read("log", parse::log_filter)?,
            media_roots: given.read("media_roots", parse::folders)?.unwrap_or_default(),
            import_roots: given.read("import_roots", parse::folders)?.unwrap_or_default(),
            export_dir: given.read("export_dir", parse::path)?,
        })
    }
}

#[cfg(test)]
mod tests;
