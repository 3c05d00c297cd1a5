//! How a store is configured.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tubeatlas_domain::{Problem, ValidationError};
use tubeatlas_ports::{Error, Result};

use crate::tls::TlsMode;

/// Where the database lies: a URL, which may hold a password and is never shown.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(crate) server: tokio_postgres::Config,
    pub(crate) tls: TlsMode,
}

impl DatabaseUrl {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`. Several hosts, separated by commas, are tried
    /// in order, and the first one that accepts writes is taken (`target_session_attrs=read-write`, unless the URL
    /// says otherwise).
    ///
    /// `sslmode` is `disable`, `prefer` (encrypted if the server can), `require` (encrypted, whoever the server is),
    /// `verify-ca` or `verify-full`; the latter two ask for a certificate of an authority in the file `sslrootcert`,
    /// or of the system if there is none. Without `sslmode` it is `prefer`.
    ///
    /// # Errors
    /// [`Invalid`](Error::Invalid) if it is no such URL, or has a setting that cannot be honoured. The message repeats
    /// nothing of the URL.
    pub fn parse(url: &str) -> Result<Self> {
        // The driver also reads `key=value` pairs, out of which `sslmode` would not be taken.
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(invalid("it does not begin with postgres://".to_owned()));
        }
        let (url, tls) = TlsMode::take_from(url)?;
        // The parser's message quotes what it does not know, which may be a part of a password with a `?` in it.
        let mut server = tokio_postgres::Config::from_str(&url).map_err(|_| {
            let hint = "a port or a parameter is wrong, or a sign in the password is not percent-encoded";
            invalid(format!("it is no URL of a Postgres database: {hint}"))
        })?;
        if server.get_hosts().is_empty() && server.get_hostaddrs().is_empty() {
            return Err(invalid("it names no host: postgres://user:password@host:port/database".to_owned()));
        }
        server.ssl_mode(tls.as_asked_of_the_server());
        if !url.contains("target_session_attrs") {
            server.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        }
        Ok(Self { server, tls })
    }

    /// What may be shown of it: hosts, ports, database, user.
    pub(crate) fn shown(&self) -> String {
        use tokio_postgres::config::Host;
        let hosts = self.server.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let ports: Vec<String> = self.server.get_ports().iter().map(ToString::to_string).collect();
        format!(
            "{} (port {}), database {:?}, user {:?}",
            hosts.collect::<Vec<_>>().join(", "),
            if ports.is_empty() { "5432".to_owned() } else { ports.join(", ") },
            self.server.get_dbname().unwrap_or_default(),
            self.server.get_user().unwrap_or_default(),
        )
    }
}

/// Shows no password.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({}, {:?})", self.shown(), self.tls)
    }
}

pub(crate) fn invalid(message: String) -> Error {
    Error::Invalid(ValidationError::new("database url", Problem::Malformed(message)))
}

/// How a store is configured.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// Where the database lies.
    pub url: DatabaseUrl,
    /// How many connections are kept open at most. With 0 each use opens one of its own, and closes it (for tests).
    pub pool_size: usize,
    /// How many more may be opened while all of these are in use; they are closed after it. At least one connection
    /// may be open.
    pub max_overflow: usize,
    /// How long a call waits for a connection, or for what another transaction holds, and how long it tries again
    /// when it had to give way, before it answers `Timeout`.
    pub acquire_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// After which time the server stops a statement.
    pub statement_timeout: Duration,
    /// Whether each connection that was not used for half a second is asked for a sign of life, and whether the server
    /// still accepts writes, before it is used. (One that the server has closed is never used again, in either case.)
    pub pre_ping: bool,
    /// After which time a connection is closed instead of being used again.
    pub recycle: Duration,
    /// By which name the server knows the connections.
    pub application_name: String,
    /// How long a unit of work may last before it is rolled back.
    pub unit_of_work_timeout: Duration,
    /// Whether opening applies pending migrations; without, a database that needs some is refused.
    pub migrate: bool,
}

/// The longest time-out, some 24 days: the server counts milliseconds in 32 bits.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

impl PostgresConfig {
    /// The defaults, for this URL: 20 connections and 10 more, 30 s to acquire, 10 s to connect, 60 s a statement,
    /// pre-ping, recycled after an hour, units of work of at most 30 s, migrations applied.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            pool_size: 20,
            max_overflow: 10,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(60),
            pre_ping: true,
            recycle: Duration::from_secs(3_600),
            application_name: "tubeatlas".to_owned(),
            unit_of_work_timeout: Duration::from_secs(30),
            migrate: true,
        }
    }

    /// The same with time-outs that the server can count. To the server 0 would mean for ever.
    pub(crate) fn within_bounds(mut self) -> Self {
        for timeout in [
            &mut self.acquire_timeout,
            &mut self.connect_timeout,
            &mut self.statement_timeout,
            &mut self.unit_of_work_timeout,
        ] {
            *timeout = (*timeout).clamp(Duration::from_millis(1), LONGEST);
        }
        self
    }

    /// How many connections may be open at once.
    pub(crate) fn max_connections(&self) -> usize {
        (self.pool_size + self.max_overflow).max(1)
    }
}
