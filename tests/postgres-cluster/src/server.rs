//! A server in a folder of its own, and the process that sees to its end.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::programs::Programs;
use crate::{Options, with_client};

/// Waits until its input ends, which it does when the process that holds the other end does, in whatever way;
/// then stops the server and removes the folder.
const WATCH: &str = r#"cat > /dev/null; "$1" -D "$2/data" -m immediate -w stop; rm -rf "$2""#;

pub(crate) struct Server {
    programs: Programs,
    folder: PathBuf,
    socket_folder: PathBuf,
    options: Options,
    /// Ends the server when its input is closed.
    watch: Child,
    /// What makes `CREATE DATABASE` copy files: without durability that is faster than writing all to the log.
    copying: &'static str,
}

impl Server {
    /// Starts a server with an empty cluster.
    pub(crate) fn start(options: Options) -> Result<Self, String> {
        let mut server = Self::with_data(options, |programs, data| {
            let mut initdb = programs.command("initdb");
            initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"]);
            run(initdb.arg(data))
        })?;
        let version = server.texts("SHOW server_version_num")?.concat();
        if version.parse().unwrap_or(0) >= 150_000 {
            server.copying = "STRATEGY FILE_COPY"; // what older ones do always
        }
        Ok(server)
    }

    /// Starts a standby that follows this server, and waits until this server commits nothing without it.
    pub(crate) fn standby(&self) -> Result<Self, String> {
        let mut standby = Self::with_data(self.options, |programs, data| {
            let mut backup = programs.command("pg_basebackup");
            backup.args(["-U", "postgres", "-c", "fast", "--no-sync", "-R", "-h"]).arg(&self.socket_folder);
            run(backup.arg("-D").arg(data))
        })?;
        standby.copying = self.copying;
        self.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.execute("postgres", "SELECT pg_reload_conf()")?;
        while self.texts("SELECT sync_state FROM pg_stat_replication")? != ["sync"] {
            std::thread::yield_now();
        }
        Ok(standby)
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) -> Result<(), String> {
        let mut promote = self.programs.command("pg_ctl");
        run(promote.arg("-D").arg(self.data()).args(["-w", "promote"]))
    }

    /// Starts a server with data that `make` puts into a folder.
    fn with_data(
        options: Options,
        make: impl FnOnce(&Programs, &Path) -> Result<(), String>,
    ) -> Result<Self, String> {
        let programs = Programs::find()?;
        let failed = |error: std::io::Error| format!("a folder for Postgres cannot be made: {error}");
        // The path of a Unix socket may have some hundred bytes, so not deep in anybody's folder. Databases are
        // copied several times faster in memory, where nothing is durable either.
        let memory = Path::new("/dev/shm");
        let in_memory = !options.durable && memory.is_dir();
        let parent = if in_memory { memory.to_owned() } else { std::env::temp_dir() };
        let folder = TempDir::with_prefix_in("tubeatlas-postgres-", parent).map_err(failed)?;
        let socket_folder = folder.path().join("socket");
        std::fs::create_dir(&socket_folder).map_err(failed)?;
        programs.give(folder.path())?;
        programs.give(&socket_folder)?;
        make(&programs, &folder.path().join("data"))?;
        // From here on the watch removes the folder.
        let folder = folder.keep();
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "watch"]).arg(programs.path("pg_ctl")).arg(&folder);
        let watch = as_user_of(&programs, &watch)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // what ends the tests from the keyboard must not end it too
            .spawn()
            .map_err(|error| format!("no process can be started that stops Postgres in the end: {error}"))?;
        let server = Self { programs, folder, socket_folder, options, watch, copying: "" };
        server.run()?;
        Ok(server)
    }

    /// Starts the server, and waits until it answers.
    pub(crate) fn run(&self) -> Result<(), String> {
        let Options { durable, max_connections, standbys } = self.options;
        let durable = if durable { "on" } else { "off" };
        let settings = [
            "listen_addresses=''".to_owned(),
            format!("unix_socket_directories='{}'", self.socket_folder.display()),
            format!("fsync={durable}"),
            format!("synchronous_commit={durable}"),
            format!("full_page_writes={durable}"),
            format!("max_connections={max_connections}"),
            "shared_buffers=64MB".to_owned(),
            // Tests run into deadlocks on purpose, and each is noticed only after this time (by default a second).
            "deadlock_timeout=20ms".to_owned(),
            format!("wal_level={}", if standbys == 0 { "minimal" } else { "replica" }),
            format!("max_wal_senders={}", 2 * standbys), // a base backup needs two
        ];
        let settings: Vec<String> = settings.iter().map(|setting| format!("-c {setting}")).collect();
        let mut start = self.programs.command("pg_ctl");
        start.arg("-D").arg(self.data()).arg("-l").arg(self.log()).args(["-w", "-t", "60", "-o"]);
        run(start.arg(settings.join(" ")).arg("start"))
            .map_err(|error| format!("{error}\n{}", std::fs::read_to_string(self.log()).unwrap_or_default()))
    }

    pub(crate) fn stop(&self, mode: &str) -> Result<(), String> {
        let mut stop = self.programs.command("pg_ctl");
        run(stop.arg("-D").arg(self.data()).args(["-m", mode, "-w", "stop"]))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    pub(crate) fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let host = self.socket_folder.display().to_string().replace('%', "%25").replace('/', "%2F");
        format!("postgres://postgres@{host}/{database}")
    }

    pub(crate) fn create(&self, database: &str, template: &str) -> Result<(), String> {
        self.execute("postgres", &format!("CREATE DATABASE {database} TEMPLATE {template} {}", self.copying))
    }

    pub(crate) fn execute(&self, database: &str, sql: &str) -> Result<(), String> {
        with_client(&self.url(database), |client| client.batch_execute(sql))
    }

    pub(crate) fn texts(&self, sql: &str) -> Result<Vec<String>, String> {
        with_client(&self.url("postgres"), |client| {
            client.query(sql, &[])?.iter().map(|row| row.try_get(0)).collect()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait(); // it does what it can, and nobody is left to be told
    }
}

fn as_user_of(programs: &Programs, command: &Command) -> Command {
    let mut as_user = programs.as_user(command.get_program());
    as_user.args(command.get_args());
    as_user
}

/// Runs a command to its end. What it starts in the background keeps none of our pipes open: its output goes to a
/// file.
fn run(command: &mut Command) -> Result<(), String> {
    let told = |what: String| format!("{}: {what}", Path::new(command.get_program()).display());
    let output = tempfile::tempfile().map_err(|error| told(error.to_string()))?;
    let copy = |file: &std::fs::File| file.try_clone().map_err(|error| told(error.to_string()));
    let (out, err, mut said) = (copy(&output)?, copy(&output)?, output);
    let status = command.stdout(out).stderr(err).status();
    let name = Path::new(command.get_program()).display().to_string();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let mut text = String::new();
            let _ = std::io::Seek::rewind(&mut said);
            let _ = std::io::Read::read_to_string(&mut said, &mut text);
            Err(format!("{name}: {status}: {}", text.trim()))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}
