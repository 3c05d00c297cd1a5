//! `tubeatlas db`, from outside.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Run, Sandbox};

#[test]
fn a_backup_is_restored_and_has_all_that_was_there() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let before = sandbox.contents();
    let backup = sandbox.json(&["db", "backup", "backup.db"]).ended_with(0).json();
    assert_eq!(backup["bytes"], fs::metadata(sandbox.path("backup.db")).unwrap().len());
    let again = sandbox.run(&["db", "backup", "backup.db"]).ended_with(2);
    assert!(
        again.stderr.contains("is there already") && again.stderr.contains("--force"),
        "{}",
        again.stderr
    );
    sandbox.run(&["db", "backup", "backup.db", "--force"]).ended_with(0);
    sandbox.run(&["videos", "purge", "Katsuobushi"]).ended_with(0);
    sandbox.run(&["videos", "delete", "Aurore-2023"]).ended_with(0);
    assert_ne!(sandbox.contents(), before);

    let refused = sandbox.run(&["db", "restore", "backup.db"]).ended_with(2);
    assert!(refused.stderr.contains("holds data"), "{}", refused.stderr);
    let restored = sandbox.run(&["db", "restore", "backup.db", "--force"]).ended_with(0);
    assert!(restored.stdout.contains("verified"), "{}", restored.stdout);
    assert_eq!(sandbox.contents(), before);
    // Into a place where nothing was, folder and all.
    let elsewhere = ["--database", "sqlite://new/place.db"];
    sandbox.run(&[&elsewhere[..], &["db", "restore", "backup.db"]].concat()).ended_with(0);
    sandbox.run(&[&elsewhere[..], &["db", "verify"]].concat()).ended_with(0);
}

#[test]
fn verify_ends_with_1_and_names_what_reindex_mends() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let verified = sandbox.json(&["db", "verify"]).ended_with(0).json();
    assert_eq!(verified["ok"], true, "{verified}");
    // A letter of a title, in the text and not in the index, which holds it in lower case.
    let path = sandbox.path("tubeatlas.db");
    let mut bytes = fs::read(&path).unwrap();
    let title = b"Une aurore";
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(title)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + title.len() - 1] = b'x';
    }
    fs::write(&path, bytes).unwrap();
    let run = sandbox.run(&["db", "verify"]).ended_with(1);
    assert!(run.stdout.contains("FAILED  search index"), "{}", run.stdout);
    let reindexed = sandbox.json(&["db", "reindex"]).ended_with(0).json();
    assert!(reindexed["passages"].as_u64().unwrap() > 0, "{reindexed}");
    sandbox.run(&["db", "verify"]).ended_with(0);
}

#[test]
fn room_is_counted_and_given_back() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let stats = sandbox.json(&["db", "stats"]).ended_with(0).json();
    let table = |stats: &Value, name: &str| {
        stats["tables"].as_array().unwrap().iter().find(|table| table["name"] == name).unwrap().clone()
    };
    assert!(table(&stats, "videos")["rows"].as_u64().unwrap() > 1, "{stats}");
    assert_eq!(stats["pool_size"], 20);
    assert_eq!(stats["database_bytes"], fs::metadata(sandbox.path("tubeatlas.db")).unwrap().len());
    let text = sandbox.run(&["db", "stats"]).ended_with(0).stdout;
    assert!(text.contains("log       0 bytes") && text.contains("transcripts"), "{text}");
    let vacuumed = sandbox.json(&["db", "vacuum"]).ended_with(0).json();
    assert_eq!(vacuumed["bytes_before"], stats["database_bytes"]);
    let after = sandbox.json(&["db", "stats"]).ended_with(0).json();
    assert_eq!(vacuumed["bytes_after"], after["database_bytes"]);
    // But for the table of the schema: SQLite writes it in another order then (tables, indexes, virtual tables), whose
    // long texts may fill one page more.
    let content = |stats: &Value| {
        let schema = table(stats, "sqlite_schema")["table_bytes"].as_u64().unwrap();
        stats["database_bytes"].as_u64().unwrap() - schema
    };
    assert!(content(&after) <= content(&stats), "{stats} {after}");
    let again = sandbox.json(&["db", "vacuum"]).ended_with(0).json();
    assert_eq!(again["bytes_after"], vacuumed["bytes_after"]);
    let checkpoint = sandbox.json(&["db", "checkpoint"]).ended_with(0).json();
    assert_eq!(checkpoint, json!({"complete": true, "bytes_before": 0, "bytes_after": 0}));
}

#[test]
fn what_has_no_file_has_nothing_to_look_after() {
    let sandbox = Sandbox::new();
    for command in
        [&["backup", "x.db"][..], &["restore", "x.db"], &["verify"], &["reindex"], &["vacuum"], &["stats"]]
    {
        for url in ["memory:", "sqlite::memory:"] {
            let run = sandbox.run(&[&["--database", url, "db"], command].concat()).ended_with(2);
            assert!(run.stderr.contains("not supported"), "{}", run.stderr);
        }
        let run = sandbox.run(&[&["db"], command].concat()).ended_with(2);
        assert!(
            run.stderr.contains(if command[0] == "restore" { "x.db" } else { "there is no database" }),
            "{}",
            run.stderr
        );
    }
    assert_eq!(fs::read_dir(sandbox.folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn migrations_are_undone_only_when_that_was_confirmed() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let before = sandbox.contents();
    let kept = ["channels", "videos", "transcripts", "media", "sources"];
    let kept_before = sandbox.contents_of(&kept);
    let all = sandbox.json(&["db", "status"]).json()["applied"].as_array().unwrap().len().to_string();
    let asked = sandbox.run(&["db", "migrate", "--down", &all]).ended_with(1);
    assert!(
        asked.stdout.contains("would be lost") && asked.stdout.contains("rows of videos"),
        "{}",
        asked.stdout
    );
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    assert_eq!(sandbox.contents(), before);

    let undone = sandbox.json(&["db", "migrate", "--down", "3", "--yes"]).ended_with(0).json();
    let lost = json!({"playlists": 1, "playlist_videos": 2, "search_index": 1});
    assert_eq!((&undone["done"], &undone["lost"]), (&json!(true), &lost), "{undone}");
    let mut pending = sandbox.json(&["db", "status"]).ended_with(0).json()["pending"].clone();
    pending.as_array_mut().unwrap().reverse();
    assert_eq!(pending, undone["reverted"]);
    sandbox.run(&["db", "check"]).ended_with(2); // it changes nothing, and says what to do
    sandbox.run(&["db", "migrate"]).ended_with(0);
    let checked = sandbox.run(&["db", "check"]).ended_with(1);
    assert!(checked.stdout.contains("FAILED  version of the search index"), "{}", checked.stdout);
    assert!(checked.stderr.contains("build it anew with `db reindex`"), "{}", checked.stderr);
    sandbox.run(&["db", "reindex"]).ended_with(0);
    let checked = sandbox.run(&["db", "check"]).ended_with(0);
    assert_eq!(checked.stderr, "");
    assert_eq!(sandbox.contents_of(&kept), kept_before);
    for wrong in [&["--down", "0"][..], &["--down", "9"], &["--yes"]] {
        sandbox.run(&[&["db", "migrate"], wrong].concat()).ended_with(2);
    }
}

/// How many openings there are; the long proof has 200.
fn openings() -> usize {
    std::env::var("TUBEATLAS_OPENINGS").map_or(24, |number| number.parse().unwrap())
}

/// Eight processes open a file that is not there yet at the same moment, make it a database and write to it; then
/// comes the next file.
#[test]
fn openings_by_processes_at_once_never_fail() {
    const PROCESSES: usize = 8;
    for round in 0..openings().div_ceil(PROCESSES) {
        let sandbox = Sandbox::new();
        for n in 0..PROCESSES {
            let video = format!(r#"{{"id": "video{n}", "title": "Video {n}"}}"#);
            fs::create_dir(sandbox.path(&format!("archive{n}"))).unwrap();
            fs::write(sandbox.path(&format!("archive{n}/Video [video{n}].info.json")), video).unwrap();
        }
        let start = |n: usize| {
            let mut command = sandbox.command(&["import", &format!("archive{n}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let started: Vec<_> = (0..PROCESSES).map(start).collect();
        for (n, process) in started.into_iter().enumerate() {
            let run = Run::from(process.wait_with_output().unwrap());
            assert_eq!(run.code, 0, "round {round}, process {n}: {}", run.stderr);
        }
        sandbox.run(&["db", "verify"]).ended_with(0);
        let videos = sandbox.json(&["videos", "list"]).ended_with(0).json();
        assert_eq!(videos["items"].as_array().unwrap().len(), PROCESSES, "round {round}: {videos}");
    }
}
