//! The connections: how they are opened, looked at before use, given back, and thrown away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, PoolError, RecycleError, RecycleResult, TimeoutType};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio_postgres::CancelToken;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;
use tubeatlas_ports::{Error, Result};

use crate::config::PostgresConfig;
use crate::error::{Context, timeout};
use crate::statement::{TextRow, sql};

/// How long a connection counts as alive after it was used, if the server has not closed it. What a ping would find
/// in that time is a network that went silent, and the call itself finds that as well.
const FRESH: Duration = Duration::from_millis(500);

/// How long a statement may still run that nobody waits for. Most end in a fraction of that, and their connection
/// can be used again.
pub(crate) const SOON: Duration = Duration::from_millis(100);

/// What writes says so when it begins. So what is sent together with a `BEGIN` that fails writes nothing; and a query
/// alone tells the server that it only reads, which then need not look for conflicts as long as nobody writes. (No
/// option of the connection, by which one tells a primary from a standby.)
const READ_ONLY_OUTSIDE: &str = "SET default_transaction_read_only TO on";

/// Opens connections, and looks at them before they are used again.
pub(crate) struct Manager {
    server: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    shown: String,
    connect_timeout: Duration,
    pre_ping: bool,
    recycle: Duration,
}

impl Manager {
    fn new(config: &PostgresConfig) -> Result<Self> {
        let mut server = config.url.server.clone();
        server.application_name(&config.application_name).connect_timeout(config.connect_timeout);
        // Whoever forgets a transaction (this program, stopped in a debugger) holds up others no longer than this.
        let forgotten = config.unit_of_work_timeout.as_millis() + 60_000;
        let settings = [
            ("default_transaction_isolation", "serializable".to_owned()),
            ("jit", "off".to_owned()),
            // Who reads a small table from end to end would have to give way to whoever writes anything in it.
            ("enable_seqscan", "off".to_owned()),
            ("statement_timeout", config.statement_timeout.as_millis().to_string()),
            ("lock_timeout", config.acquire_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", forgotten.min(i32::MAX as u128).to_string()),
        ];
        let mut options = server.get_options().unwrap_or_default().to_owned();
        for (name, value) in settings {
            options.push_str(&format!(" -c {name}={value}"));
        }
        server.options(options.trim_start());
        Ok(Self {
            server,
            tls: config.url.tls.connector()?,
            shown: config.url.shown(),
            connect_timeout: config.connect_timeout,
            pre_ping: config.pre_ping,
            recycle: config.recycle,
        })
    }

    async fn connect(&self) -> Result<AsyncPgConnection> {
        let connecting = async {
            let connected = self.server.connect(self.tls.clone()).await;
            let (client, connection) = connected.map_err(|error| self.explain(error))?;
            let connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await;
            let mut connection = connection.map_err(|error| Error::Unavailable {
                message: format!("a connection to {} could not be set up", self.shown),
                source: Some(Box::new(error)),
            })?;
            ask_for_english(&mut connection).await?;
            connection.batch_execute(READ_ONLY_OUTSIDE).await.doing("setting up a connection")?;
            Ok(connection)
        };
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::Unavailable {
                message: format!(
                    "{} has not answered within {} ms; is it overloaded, or a firewall in between?",
                    self.shown,
                    self.connect_timeout.as_millis()
                ),
                source: None,
            }),
        }
    }

    /// Why there is no connection, and what to do.
    fn explain(&self, error: tokio_postgres::Error) -> Error {
        let shown = &self.shown;
        let is = |codes: &[SqlState]| error.code().is_some_and(|code| codes.contains(code));
        let message = if is(&[SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION]) {
            format!("{shown} refuses the user name or the password; look at those in the URL")
        } else if is(&[SqlState::INVALID_CATALOG_NAME]) {
            format!(
                "{shown}: there is no such database; make it with createdb, or look at its name in the URL"
            )
        } else if is(&[SqlState::TOO_MANY_CONNECTIONS]) {
            format!(
                "{shown} has too many connections; lower the pool size of its clients, or raise its max_connections"
            )
        } else if is(&[SqlState::CANNOT_CONNECT_NOW]) {
            format!("{shown} is starting, stopping or recovering; try again")
        } else if error.code().is_some() {
            format!("{shown} refuses the connection")
        } else {
            format!(
                "{shown} does not answer, or not as asked for; does it run, and is the address in the URL right?"
            )
        };
        Error::Unavailable { message, source: Some(Box::new(error)) }
    }

    /// Whether the connection is alive, and its server still the one to write to: a primary that became a standby
    /// goes on answering.
    async fn ping(connection: &mut AsyncPgConnection) -> Result<()> {
        let standby: TextRow = sql("SELECT pg_is_in_recovery()::text AS value", Vec::new())
            .get_result(connection)
            .await
            .doing("looking at a connection")?;
        if standby.value == "false" {
            return Ok(());
        }
        Err(Error::Unavailable { message: "the server takes no writes any more".to_owned(), source: None })
    }
}

/// Errors are told apart by their texts; see `error.rs`.
async fn ask_for_english(connection: &mut AsyncPgConnection) -> Result<()> {
    let found: TextRow = sql("SELECT current_setting('lc_messages') AS value", Vec::new())
        .get_result(connection)
        .await
        .doing("setting up a connection")?;
    if ["C", "POSIX", "en"].iter().any(|english| found.value.starts_with(english)) || found.value.is_empty() {
        return Ok(());
    }
    if connection.batch_execute("SET lc_messages TO 'C'").await.is_err() {
        tracing::warn!(
            lc_messages = found.value,
            "the server's messages are not English, and this user may not change that: some errors will not be \
             recognised; ALTER ROLE … SET lc_messages TO 'C'"
        );
    }
    Ok(())
}

impl managed::Manager for Manager {
    type Type = AsyncPgConnection;
    type Error = Error;

    async fn create(&self) -> Result<AsyncPgConnection> {
        self.connect().await
    }

    async fn recycle(&self, connection: &mut AsyncPgConnection, metrics: &Metrics) -> RecycleResult<Error> {
        if metrics.age() >= self.recycle {
            return Err(RecycleError::message("it is old"));
        }
        // The driver has noticed that the server closed it, as one does that stops: a look at a flag, for each use.
        if connection.is_broken() {
            return Err(RecycleError::message("the server has closed it"));
        }
        if self.pre_ping && metrics.last_used() >= FRESH {
            Self::ping(connection).await.map_err(RecycleError::Backend)?;
        }
        Ok(())
    }
}

/// The pool.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: managed::Pool<Manager>,
    pool_size: usize,
    acquire_timeout: Duration,
}

impl Pool {
    pub(crate) fn new(config: &PostgresConfig) -> Result<Self> {
        let pool = managed::Pool::builder(Manager::new(config)?)
            .max_size(config.max_connections())
            .wait_timeout(Some(config.acquire_timeout))
            .recycle_timeout(Some(config.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Backend {
                message: "the pool cannot be made".to_owned(),
                source: Some(Box::new(error)),
            })?;
        Ok(Self { pool, pool_size: config.pool_size, acquire_timeout: config.acquire_timeout })
    }

    /// A connection, after a wait if all are in use.
    pub(crate) async fn get(&self) -> Result<Connection> {
        match self.pool.get().await {
            Ok(object) => Ok(Connection {
                object: Some(object),
                clean: true,
                spoiled: Arc::default(),
                pool: self.clone(),
            }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(timeout("a connection", self.acquire_timeout)),
            Err(PoolError::Closed) => Err(Error::Closed { what: "the store".to_owned() }),
            Err(error) => Err(Error::Unavailable {
                message: "there is no connection".to_owned(),
                source: Some(Box::new(error)),
            }),
        }
    }

    /// How many connections are open, and how many of them are not in use.
    pub(crate) fn status(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }

    /// Closes those that are not in use, and the others when they are given back.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Whether one that is given back is one too many.
    fn is_overflowing(&self) -> bool {
        let status = self.pool.status();
        status.size > self.pool_size && (status.waiting == 0 || self.pool_size == 0)
    }

    /// Rolls back on a connection whose user has left while a statement was running. If that statement does not end
    /// soon, the server is asked to stop it, and the connection is thrown away.
    pub(crate) async fn abandon(&self, mut connection: Connection) {
        if let Ok(Ok(())) = tokio::time::timeout(SOON, connection.batch_execute("ROLLBACK")).await {
            return connection.cleaned();
        }
        let stop = connection.stop();
        stop.now().await;
        drop(connection);
    }
}

/// What can stop the statement that runs on a connection.
pub(crate) struct Stop {
    token: CancelToken,
    spoiled: Arc<AtomicBool>,
    pool: Pool,
}

impl Stop {
    /// Asks the server to stop the statement. The connection is not used again after this, because the server may
    /// get around to it only when the next statement runs.
    pub(crate) async fn now(&self) {
        self.spoiled.store(true, Ordering::Release);
        let manager = self.pool.pool.manager();
        // Without an answer the server notices by itself, when the statement ends or its time is up.
        let stopping = self.token.cancel_query(manager.tls.clone());
        let _ = tokio::time::timeout(manager.connect_timeout, stopping).await;
    }
}

/// A connection that is in use. When it is dropped it goes back to the pool; but if it is not known to be out of
/// every transaction, it is closed, and the server rolls back.
pub(crate) struct Connection {
    object: Option<managed::Object<Manager>>,
    clean: bool,
    spoiled: Arc<AtomicBool>,
    pool: Pool,
}

impl Connection {
    /// What can stop the statement that runs on it.
    pub(crate) fn stop(&self) -> Stop {
        Stop { token: self.cancel_token(), spoiled: Arc::clone(&self.spoiled), pool: self.pool.clone() }
    }

    /// Says that a statement was begun, of which it is not known yet how it ends.
    pub(crate) fn soil(&mut self) {
        self.clean = false;
    }

    /// Says that nothing is open on it any more.
    pub(crate) fn cleaned(&mut self) {
        self.clean = true;
    }
}

impl std::ops::Deref for Connection {
    type Target = AsyncPgConnection;

    #[expect(clippy::expect_used, reason = "only `drop` takes it out")]
    fn deref(&self) -> &AsyncPgConnection {
        self.object.as_ref().expect("a connection until it is dropped")
    }
}

impl std::ops::DerefMut for Connection {
    #[expect(clippy::expect_used, reason = "only `drop` takes it out")]
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        self.object.as_mut().expect("a connection until it is dropped")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if !self.clean || AtomicBool::load(&self.spoiled, Ordering::Acquire) || self.pool.is_overflowing() {
            drop(managed::Object::take(object));
        }
    }
}
