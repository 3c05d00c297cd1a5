//! What `serve` refuses at its start: with a sentence that says what is wrong, one that says what to do, and nothing
//! changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::service::Service;
use crate::support::{Run, Sandbox};

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

/// `serve` does not start, says all of this, and leaves everything as it was.
fn refused(sandbox: &Sandbox, arguments: &[&str], environment: &[(&str, &str)], says: &[&str]) {
    let before = folder(sandbox);
    let mut command = sandbox.command(&[&["serve"], arguments].concat());
    let run = Run::from(command.envs(environment.iter().copied()).output().unwrap()).ended_with(2);
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
        let run = Run::from(sandbox.command(&["serve"]).env(name, value).output().unwrap());
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
        ("sqlite://notes.txt", "notes.txt"),
        ("sqlite://folder", "is a folder"),
        ("sqlite://other.db", "other.db"),
        ("sqlite:///proc/nowhere.db", "/proc/nowhere.db"),
        ("mysql://me:canary@db.example/atlas", "known are sqlite://"),
        ("tubeatlas.db", "write sqlite://tubeatlas.db"),
        ("postgres://me:canary@127.0.0.1:1/atlas", "127.0.0.1:1"),
    ] {
        refused(&sandbox, &["--listen", "127.0.0.1:0", "--database", url], &[], &[says]);
        let run = sandbox.run(&["serve", "--listen", "127.0.0.1:0", "--database", url]);
        assert!(!run.stderr.contains("canary"), "{}", run.stderr);
    }
}

/// Rights mean nothing to root, who gets a file system on which nobody can write instead (above).
#[test]
fn a_folder_that_cannot_be_written_to_is_refused() {
    let sandbox = Sandbox::new();
    let locked = sandbox.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(locked.join("probe"), "").is_err() {
        let arguments = ["--listen", "127.0.0.1:0", "--database", "sqlite://locked/x.db"];
        refused(&sandbox, &arguments, &[], &["locked/x.db"]);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_port_in_use_is_refused_with_another_one_to_take() {
    let sandbox = Sandbox::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = sandbox.run(&["serve", "--database", "memory:", "--listen", &address]).ended_with(2);
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
