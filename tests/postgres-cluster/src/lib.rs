//! A throw-away Postgres cluster for tests, out of the programs of a local Postgres.
//!
//! One cluster serves all tests of a process: [`Cluster::shared`]. It listens on a Unix socket alone, in a temporary
//! folder of its own, and each test gets a database of its own, copied from a template that was migrated once.
//!
//! Nothing is left behind: a second process waits for the end of the test process, however it ends, then stops the
//! server and removes the folder. The server keeps its promises to the clients but writes nothing durably
//! (`fsync=off`), unless [`Options::durable`] asks for it.
//!
//! Where Postgres is not installed every call answers an error that says what to install; a test that got no
//! cluster has to fail with it. Only tests beside many others, that need no Postgres, may do without:
//! [`Cluster::shared_if_installed`].

mod programs;
mod server;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};

use postgres::{Client, NoTls};

use programs::Programs;
use server::Server;

/// How a cluster is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether what is committed survives a crash of the server (`fsync`, `synchronous_commit`).
    pub durable: bool,
    /// How many connections the server takes (`max_connections`).
    pub max_connections: u32,
    /// How many standbys may follow it (see [`Cluster::standby`]).
    pub standbys: u32,
}

impl Default for Options {
    /// Nothing is durable; 300 connections; no standbys.
    fn default() -> Self {
        Self { durable: false, max_connections: 300, standbys: 0 }
    }
}

/// A running cluster. Stopped and removed when the last handle is dropped, or when the process ends.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    server: Server,
    /// The templates, by name, each with what became of making it.
    templates: Mutex<HashMap<String, Result<(), String>>>,
    databases: AtomicU64,
}

impl Cluster {
    /// Starts a cluster.
    ///
    /// # Errors
    /// If Postgres is not installed (and then what to install), or does not start (and then what it said).
    pub fn start(options: Options) -> Result<Self, String> {
        Ok(Self::of(Server::start(options)?))
    }

    fn of(server: Server) -> Self {
        Self { inner: Arc::new(Inner { server, templates: Mutex::default(), databases: AtomicU64::new(0) }) }
    }

    /// Starts a standby that follows this cluster, and without which this one commits nothing from now on
    /// (`synchronous_standby_names`). It needs one of [`Options::standbys`].
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn standby(&self) -> Result<Self, String> {
        Ok(Self::of(self.inner.server.standby()?))
    }

    /// Makes a standby a primary that takes writes.
    ///
    /// # Errors
    /// What it said.
    pub fn promote(&self) -> Result<(), String> {
        self.inner.server.promote()
    }

    /// The cluster that all tests of this process share; started when it is first asked for.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn shared() -> Result<Self, String> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options::default())).clone()
    }

    /// [`shared`](Self::shared) for tests that do without Postgres: where it is not installed, `None`, and one line on
    /// standard error says that they did not run. With `TUBEATLAS_TEST_POSTGRES=required` in the environment that is
    /// an error too.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn shared_if_installed() -> Result<Option<Self>, String> {
        static SAID: Once = Once::new();
        let required = std::env::var_os("TUBEATLAS_TEST_POSTGRES").is_some_and(|value| value == "required");
        match Programs::find() {
            Err(reason) if !required => {
                // Not by a macro for printing, whose output a test that passes does not show.
                SAID.call_once(|| {
                    drop(writeln!(std::io::stderr(), "tests on Postgres did not run: {reason}"))
                });
                Ok(None)
            }
            _ => Self::shared().map(Some),
        }
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// What the server said.
    pub fn database(&self) -> Result<Database, String> {
        self.copy("template0")
    }

    /// A new database that is a copy of the template of this name. `migrate`, which is given the URL of an empty
    /// database, makes the template when it is first asked for; it must have closed its connections when it
    /// returns, because Postgres copies no database that somebody uses.
    ///
    /// # Errors
    /// What `migrate` or the server said.
    pub fn database_from(
        &self,
        template: &str,
        migrate: impl FnOnce(&str) -> Result<(), String>,
    ) -> Result<Database, String> {
        let mut templates = self.inner.templates.lock().unwrap_or_else(PoisonError::into_inner);
        let made = templates.entry(template.to_owned()).or_insert_with(|| {
            self.inner.server.create(template, "template0")?;
            migrate(&self.inner.server.url(template))
        });
        made.clone()?;
        drop(templates);
        self.copy(template)
    }

    fn copy(&self, template: &str) -> Result<Database, String> {
        let number = self.inner.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.inner.server.create(&name, template)?;
        Ok(Database { url: self.inner.server.url(&name), name, cluster: self.clone() })
    }

    /// Runs SQL as the superuser, in the database `postgres`.
    ///
    /// # Errors
    /// What the server said.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        self.inner.server.execute("postgres", sql)
    }

    /// The first column of the rows of a query, as text, asked as the superuser in the database `postgres`.
    ///
    /// # Errors
    /// What the server said.
    pub fn texts(&self, sql: &str) -> Result<Vec<String>, String> {
        self.inner.server.texts(sql)
    }

    /// Stops the server at once, as a crash would (`pg_ctl stop -m immediate`), and starts it again.
    ///
    /// # Errors
    /// What it said.
    pub fn crash_and_restart(&self) -> Result<(), String> {
        self.inner.server.stop("immediate")?;
        self.inner.server.run()
    }

    /// Stops the server, in one of the modes of `pg_ctl stop`: `smart`, `fast` or `immediate`.
    ///
    /// # Errors
    /// What it said.
    pub fn stop(&self, mode: &str) -> Result<(), String> {
        self.inner.server.stop(mode)
    }

    /// Starts the server again after [`stop`](Self::stop).
    ///
    /// # Errors
    /// What it said.
    pub fn restart(&self) -> Result<(), String> {
        self.inner.server.run()
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        self.inner.server.socket_folder()
    }

    /// The URL of a database of this name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.inner.server.url(database)
    }
}

/// A database of a test, which is dropped with this, whoever is still connected to it.
pub struct Database {
    name: String,
    url: String,
    cluster: Cluster,
}

impl Database {
    /// Its URL, for the superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it as the superuser.
    ///
    /// # Errors
    /// What the server said.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        self.cluster.inner.server.execute(&self.name, sql)
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // If the server is gone, so is the database.
        let _ = self.cluster.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Has a client of its own do something, on a thread of its own: the client has a runtime inside, which cannot run
/// on a thread of another one.
fn with_client<T: Send>(
    url: &str,
    work: impl FnOnce(&mut Client) -> Result<T, postgres::Error> + Send,
) -> Result<T, String> {
    let told = |error: postgres::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("the Postgres of the tests: {error}{cause}")
    };
    let run = || work(&mut Client::connect(url, NoTls).map_err(told)?).map_err(told);
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err("the thread of a client ended".to_owned()))
}
