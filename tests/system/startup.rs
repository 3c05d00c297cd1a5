//! What `serve` refuses at its start: with a sentence that says what is wrong, one that says what to do, and nothing
//! changed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::service::Service;
use crate::support::{BINARY, Run, Sandbox};

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// All that lies in the folder, by name and content.
fn folder(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(sandbox.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

/// What this command comes to. One that does start would go on, so it is killed when it says where it listens.
fn outcome(command: &mut Command) -> Run {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut stdout).unwrap();
    if !stdout.is_empty() {
        child.kill().unwrap();
    }
    Run { stdout, ..Run::from(child.wait_with_output().unwrap()) }
}

/// `serve` does not start, says all of this, and leaves everything as it was.
fn refused(sandbox: &Sandbox, arguments: &[&str], environment: &[(&str, &str)], says: &[&str]) {
    let before = folder(sandbox);
    let mut command = sandbox.command(&[&["serve"], arguments].concat());
    let run = outcome(command.envs(environment.iter().copied())).ended_with(2);
    for part in says {
        assert!(run.stderr.contains(part), "{arguments:?}: {:?} does not say {part:?}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked") && run.stdout.is_empty(), "{} {}", run.stdout, run.stderr);
    assert_eq!(folder(sandbox), before, "{arguments:?}: the folder has changed");
}

#[test]
fn a_service_that_would_be_open_to_others_is_refused() {
    let sandbox = Sandbox::new();
    let token = ("TUBEATLAS_SERVE_TOKENS", format!("me:write:{DIGEST}"));
    let token = (token.0, token.1.as_str());
    let create = "hint: `tubeatlas token create";
    let anywhere = ["--listen", "0.0.0.0:0"];
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        refused(&sandbox, &["--listen", address], &[], &[address, "without tokens", create]);
        refused(
            &sandbox,
            &["--listen", address],
            &[token],
            &[address, "without TLS", "hint: give --tls-cert"],
        );
    }
    refused(&sandbox, &[&anywhere[..], &["--behind-proxy"]].concat(), &[], &["without tokens", create]);
    let local = ["--listen", "127.0.0.1:0", "--behind-proxy"];
    refused(&sandbox, &local, &[], &["without tokens", create]);

    // With both it is open.
    let arguments = ["--listen", "0.0.0.0:0", "--behind-proxy", "--database", "memory:"];
    let service = Service::spawn(Service::command(&sandbox, &arguments).env(token.0, token.1));
    assert_eq!(service.get("/health").0, 200);
    assert_eq!(service.get("/api/v1/videos").0, 401);
}

#[test]
fn settings_of_the_service_that_are_not_allowed_are_refused_by_name() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("cert.pem"), "no certificate").unwrap();
    for (name, value, says) in [
        ("TUBEATLAS_SERVE_TOKENS", "tat_canary", "NAME:SCOPE:SHA256"),
        ("TUBEATLAS_SERVE_TOKENS", "me:read:tat_canary", "64 hexadecimal digits"),
        ("TUBEATLAS_SERVE_ALLOWED_HOSTS", "https://atlas.example", "give a name"),
        ("TUBEATLAS_SERVE_ALLOWED_ORIGINS", "atlas.example", "give a site"),
        ("TUBEATLAS_SERVE_TLS_CERT", "cert.pem", "is without serve.tls_key"),
        ("TUBEATLAS_SERVE_MAX_BODY_BYTES", "8MiB", "whole number"),
        ("TUBEATLAS_SERVE_HEADER_TIMEOUT", "0", "give seconds"),
    ] {
        refused(&sandbox, &[], &[(name, value)], &[name, says]);
        let run = outcome(sandbox.command(&["serve"]).env(name, value));
        assert!(!run.stderr.contains("tat_"), "{}", run.stderr);
    }
    for (flags, says) in [
        (["--tls-cert", "cert.pem", "--tls-key", "nowhere.pem"], "cert.pem"),
        (["--listen", "localhost:80", "--format", "json"], "an IP address and a port"),
    ] {
        refused(&sandbox, &flags, &[], &[says]);
    }
    fs::write(sandbox.path("tubeatlas.toml"), "[serve]\nmax_conections = 1\n").unwrap();
    refused(&sandbox, &[], &[], &["serve.max_conections in tubeatlas.toml", "serve.max_connections"]);
}

#[test]
fn a_database_that_cannot_be_served_is_refused() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("notes.txt"), "no database, just notes. ".repeat(50)).unwrap();
    fs::create_dir(sandbox.path("folder")).unwrap();
    sandbox.run(&["--database", "sqlite://other.db", "db", "migrate"]).ended_with(0);
    let mut bytes = fs::read(sandbox.path("other.db")).unwrap();
    // The application's id in SQLite's header, of another program then.
    bytes[68..72].copy_from_slice(&77_u32.to_be_bytes());
    fs::write(sandbox.path("other.db"), &bytes).unwrap();
    // Newer schemas and damaged files have tests of their own.
    for (url, says) in [
        ("sqlite://notes.txt", "notes.txt is not an SQLite database; name another file"),
        ("sqlite://folder", "is a folder"),
        ("sqlite://other.db", "other.db is an SQLite database, but not one of Tubeatlas; name another file"),
        ("sqlite:///proc/nowhere.db", "/proc/nowhere.db for a database; check the path and its permissions"),
        ("mysql://me:canary@db.example/atlas", "known are sqlite://"),
        ("tubeatlas.db", "write sqlite://tubeatlas.db"),
        ("postgres://me:canary@127.0.0.1:1/atlas", "does it run, and is the address in the URL right?"),
    ] {
        refused(&sandbox, &["--listen", "127.0.0.1:0", "--database", url], &[], &[says]);
        let run = outcome(&mut sandbox.command(&["serve", "--listen", "127.0.0.1:0", "--database", url]));
        assert!(!run.stderr.contains("canary"), "{}", run.stderr);
    }
}

/// The program as a user to whom rights mean something, so not as root: then it is another user's.
fn powerless(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    const NOBODY: u32 = 65_534;
    if fs::metadata(sandbox.folder.path()).unwrap().uid() != 0 {
        return sandbox.command(arguments);
    }
    // Where the binary lies, another user may not come. By a process of its own: what this one has open for writing
    // cannot be started.
    let binary = sandbox.path("tubeatlas");
    assert!(Command::new("cp").arg(BINARY).arg(&binary).status().unwrap().success());
    chown(sandbox.path("own"), Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = sandbox.command_of(&binary, arguments);
    command.uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn what_cannot_be_written_to_is_refused() {
    let sandbox = Sandbox::new();
    let (own, locked) = (sandbox.path("own"), sandbox.path("locked"));
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(sandbox.folder.path(), 0o755);
    for folder in [&own, &locked] {
        fs::create_dir(folder).unwrap();
    }
    for url in ["sqlite://own/read-only.db", "sqlite://own/unreadable.db", "sqlite://locked/there.db"] {
        sandbox.run(&["--database", url, "db", "migrate"]).ended_with(0);
    }
    mode(&own.join("unreadable.db"), 0o000);
    for file in [own.join("read-only.db"), locked.join("there.db")] {
        mode(&file, 0o444);
    }
    mode(&locked, 0o555);
    for (url, says) in [
        ("sqlite://locked/new.db", "locked/new.db for a database; check the path and its permissions"),
        ("sqlite://locked/there.db", "hint: make the file, its folder, "),
        ("sqlite://own/read-only.db", "hint: make the file, its folder, "),
        ("sqlite://own/unreadable.db", "own/unreadable.db; check its permissions, and those of its folder"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", url];
        let run = outcome(&mut powerless(&sandbox, &arguments)).ended_with(2);
        assert!(run.stderr.contains(url) && run.stderr.contains(says), "{}", run.stderr);
        assert!(run.stdout.is_empty(), "{}", run.stdout);
    }
    mode(&locked, 0o755);
}

#[test]
fn a_port_in_use_is_refused_with_another_one_to_take() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["serve", "--database", "memory:", "--listen", &address];
    let run = outcome(&mut sandbox.command(&arguments)).ended_with(2);
    assert!(run.stderr.contains(&address) && run.stderr.contains("hint: "), "{}", run.stderr);
}

/// A program that cannot do it says so, once.
#[cfg(not(feature = "otel"))]
#[test]
fn a_collector_of_traces_is_not_passed_over_in_silence() {
    let sandbox = Sandbox::new();
    let log = fs::File::create(sandbox.path("log")).unwrap();
    let mut command = Service::command(&sandbox, &["--database", "memory:"]);
    let mut service =
        Service::spawn(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").stderr(log));
    assert_eq!(service.get("/health").0, 200);
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    let log = fs::read_to_string(sandbox.path("log")).unwrap();
    let said: Vec<&str> =
        log.lines().filter(|line| line.contains("OTEL_") || line.contains("traces")).collect();
    assert!(said.len() == 1 && said[0].contains("OTEL_EXPORTER_OTLP_ENDPOINT is set"), "{said:?}");
    assert!(said[0].contains("feature otel"), "{said:?}");
}
