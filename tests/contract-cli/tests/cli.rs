//! The program from outside.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::Value;

fn cli(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tubeatlas-contract-cli")).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_report_of_a_file_of_sqlite_tells_every_rule_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/trial.db", folder.path().display());
    let output = cli(&["--database", &database, "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let broken: Vec<_> =
        report["cases"].as_array().unwrap().iter().filter(|case| case["status"] == "fail").collect();
    assert_eq!(output.status.code(), Some(0), "{}\n{broken:#?}", stderr(&output));
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), tubeatlas_contract::RULES.len() * 2);
    assert_eq!(report["adapter"], "sqlite");
    let skipped: Vec<_> =
        cases.iter().filter(|case| case["status"] == "skip").map(|case| case["id"].as_str()).collect();
    assert_eq!(skipped, [Some("SEA-O-007"); 2], "what the adapter declares, and nothing else");
    let killed: Vec<_> = cases.iter().filter(|case| case["notes"]["kills"].is_string()).collect();
    assert_eq!(killed.len(), 4, "processes are killed through this program too");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "databases are thrown away");
}

#[test]
fn a_database_with_data_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.db");
    std::fs::write(&file, "all I have").unwrap();
    let output = cli(&["--database", &format!("sqlite://{}", file.display())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("holds data"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "all I have");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn what_cannot_begin_says_why() {
    let nowhere = cli(&["--database", "sqlite:///does/not/exist/trial.db"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("/does/not/exist"), "{}", stderr(&nowhere));
    let unknown = cli(&["--database", "oracle://x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("oracle"), "{}", stderr(&unknown));
    let postgres = cli(&["--database", "postgres://me:secret@localhost/atlas"]);
    assert_eq!(postgres.status.code(), Some(2));
    assert!(stderr(&postgres).contains("tubeatlas-adapters-postgres"), "{}", stderr(&postgres));
}

#[test]
fn a_badge_can_be_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let badge = folder.path().join("badge.json");
    let output = cli(&["--database", "memory:", "--format", "badge", "--output", badge.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let badge: Value = serde_json::from_str(&std::fs::read_to_string(badge).unwrap()).unwrap();
    assert_eq!((&badge["schemaVersion"], &badge["color"]), (&1.into(), &"brightgreen".into()));
}
