//! Bad input: a clear error that names the thing, and nothing is half done.

use std::fs;

use crate::support::{Sandbox, samples};

/// The command ends with 2 and says all of this on stderr, nothing on stdout.
fn refused(sandbox: &Sandbox, arguments: &[&str], says: &[&str]) {
    let run = sandbox.run(arguments).ended_with(2);
    for part in says {
        assert!(run.stderr.contains(part), "{arguments:?}: {:?} does not say {part:?}", run.stderr);
    }
    assert_eq!(run.stdout, "", "{arguments:?}");
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

#[test]
fn what_cannot_be_a_database_is_refused_by_name() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("notes.txt"), "no database, just notes. ".repeat(50)).unwrap();
    fs::create_dir(sandbox.path("folder")).unwrap();
    fs::write(sandbox.path("file"), "").unwrap();
    for (url, says) in [
        ("postgres://localhost/x", "postgres"),
        ("mysql://u:secret@h/x", "mysql"),
        ("tubeatlas.db", "tubeatlas.db"),
        ("sqlite://notes.txt", "notes.txt"),
        ("sqlite://folder", "is a folder"),
        ("sqlite:///proc/nowhere/x.db", "/proc/nowhere"),
        ("sqlite://file/x.db", "file"),
        ("sqlite://~/x.db", "only a shell"),
    ] {
        refused(&sandbox, &["--database", url, "db", "migrate"], &[says]);
        refused(&sandbox, &["--database", url, "import", samples().to_str().unwrap()], &[says]);
    }
    assert!(fs::read_to_string(sandbox.path("notes.txt")).unwrap().starts_with("no database"));
}

#[test]
fn no_credential_is_shown() {
    let sandbox = Sandbox::new();
    for url in ["mysql://user:canary@host/x", "postgres://user:canary@host/x?password=canary"] {
        let run = sandbox.run(&["--database", url, "db", "status"]);
        assert_ne!(run.code, 0);
        assert!(!run.stderr.contains("canary") && !run.stdout.contains("canary"), "{}", run.stderr);
    }
}

#[test]
fn settings_that_are_unknown_or_malformed_are_refused_by_name() {
    let sandbox = Sandbox::new();
    for (name, value) in [
        ("TUBEATLAS_DATABASE_POOL_SIZE", "many"),
        ("TUBEATLAS_DATABASE_POOL_SIZE", "0"),
        ("TUBEATLAS_DATABASE_JOURNAL_MODE", "fast"),
        ("TUBEATLAS_DATABASE_FOREIGN_KEYS", "perhaps"),
        ("TUBEATLAS_DATABSE_URL", "sqlite://x.db"),
    ] {
        let output = sandbox.command(&["db", "status"]).env(name, value).output().unwrap();
        let run = crate::support::Run::from(output).ended_with(2);
        assert!(run.stderr.contains(name), "{}", run.stderr);
    }
    fs::write(sandbox.path("tubeatlas.toml"), "[database]\npool_sise = 3\n").unwrap();
    refused(&sandbox, &["db", "status"], &["pool_sise"]);
}

#[test]
fn archives_that_cannot_be_read_are_refused_and_bad_files_in_them_named() {
    let sandbox = Sandbox::new();
    refused(&sandbox, &["import", "nowhere"], &["nowhere"]);

    let archive = sandbox.path("archive");
    fs::create_dir_all(archive.join("x.info.json")).unwrap();
    fs::write(archive.join("broken [aaaaaaaaaaa].info.json"), "{\"id\": \"aaaaaaaaaaa\", \"title\": \"cu")
        .unwrap();
    fs::write(archive.join("binary [bbbbbbbbbbb].info.json"), [0_u8, 159, 146, 150]).unwrap();
    fs::write(archive.join("array [ccccccccccc].info.json"), "[1, 2]").unwrap();
    fs::write(archive.join("deep [ddddddddddd].info.json"), "[".repeat(100_000)).unwrap();
    fs::write(archive.join("empty [eeeeeeeeeee].info.json"), "").unwrap();
    fs::write(archive.join("good [fffffffffff].info.json"), r#"{"id": "fffffffffff", "title": "Good"}"#)
        .unwrap();
    fs::write(archive.join("good [fffffffffff].en.vtt"), "<!DOCTYPE html><html>not found</html>").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"not \xff utf-8 [ggggggggggg].info.json");
        fs::write(archive.join(name), r#"{"id": "ggggggggggg", "title": "Name"}"#).unwrap();
    }
    let report = sandbox.json(&["import", "archive"]).ended_with(1).json();
    assert_eq!(report["videos"]["created"], 1, "{report}");
    let refused = report["refused"].to_string();
    let names = ["x.info.json", "broken", "binary", "array", "deep", "empty", "en.vtt", "utf-8"];
    for name in names {
        assert!(refused.contains(name), "{name} is not in {refused}");
    }
    assert_eq!(report["refused"].as_array().unwrap().len(), names.len(), "{report}");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.run(&["db", "migrate"]).ended_with(0);
    let path = sandbox.path("tubeatlas.db");
    let mut bytes = fs::read(&path).unwrap();
    // The version that the migration has noted for itself, in place.
    let noted = b"20261121000000";
    let places: Vec<usize> =
        (0..bytes.len() - noted.len()).filter(|&at| bytes[at..].starts_with(noted)).collect();
    assert!(!places.is_empty(), "the version is in the file");
    for at in places {
        bytes[at..at + noted.len()].copy_from_slice(b"29991121000000");
    }
    fs::write(&path, &bytes).unwrap();
    refused(&sandbox, &["videos", "list"], &["newer"]);
    refused(
        &sandbox,
        &["serve", "--listen", "127.0.0.1:0"],
        &["written by a newer Tubeatlas", "; use that one"],
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn queries_of_any_kind_are_answered_or_refused_clearly() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    for query in [
        "C++",
        "AT&T",
        "don't",
        "a\"b",
        "NEAR(a b)",
        "title:x y",
        "^x",
        "x OR",
        "(((x",
        "a AND NOT b",
        "x*y",
        "'; DROP TABLE videos; --",
    ] {
        sandbox.run(&["search", "--", query]).ended_with(0);
    }
    for (query, says) in [
        ("\"", "nothing to search for"),
        ("-x", "leave out"),
        ("😀", "nothing to search for"),
        ("(((", "nothing"),
        ("title:x", "where to search"),
    ] {
        refused(&sandbox, &["search", "--", query], &[says]);
    }
    refused(&sandbox, &["search", "--", &"x".repeat(10_000)], &["10000 bytes"]);
    refused(&sandbox, &["search", "x", "--limit", "0"], &["limit"]);
    refused(&sandbox, &["search", "x", "--cursor", "forged"], &["cursor"]);
}
