//! Importing archives.

use std::fs;
use std::process::Stdio;

use crate::support::{Sandbox, samples};

#[test]
fn the_samples_go_in_and_a_second_run_changes_nothing() {
    let sandbox = Sandbox::new();
    let first = sandbox.import_samples();
    assert_eq!(first["videos"]["created"], 6, "{first}");
    assert_eq!(first["channels"]["created"], 2, "{first}");
    let transcripts = first["transcripts"]["created"].as_u64().unwrap();
    assert!(transcripts >= 8, "{first}");
    let refused = first["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 1, "{first}");
    assert!(refused[0]["path"].as_str().unwrap().contains("Half a document"), "{first}");
    let ignored = first["ignored"].to_string();
    assert!(ignored.contains("Winter sky"), "the playlist is no video: {first}");

    let before = sandbox.contents();
    let second = sandbox.import_samples();
    assert_eq!(second["videos"], serde_json::json!({"created": 0, "updated": 0, "unchanged": 6}));
    assert_eq!(second["transcripts"]["unchanged"].as_u64(), Some(transcripts));
    assert_eq!(sandbox.contents(), before, "revisions and times are the same too");
}

#[test]
fn every_file_of_the_samples_is_accounted_for() {
    let sandbox = Sandbox::new();
    let report = sandbox.import_samples();
    let mut documents = 0;
    let mut captions = 0;
    for channel in fs::read_dir(samples()).unwrap() {
        for file in fs::read_dir(channel.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            documents += usize::from(name.ends_with(".info.json"));
            captions += usize::from(name.ends_with(".vtt") || name.ends_with(".srt"));
        }
    }
    let named = |list: &str| report[list].as_array().unwrap().len();
    let created = |kind: &str| usize::try_from(report[kind]["created"].as_u64().unwrap()).unwrap();
    assert_eq!(created("videos") + named("refused") + named("ignored"), documents, "{report}");
    assert_eq!(created("transcripts"), captions, "{report}");
}

#[test]
fn a_deleted_video_stays_deleted_and_is_named() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    sandbox.run(&["videos", "delete", "Dumpling-01"]).ended_with(0);
    let report = sandbox.import_samples();
    assert_eq!(report["left_deleted"], serde_json::json!(["Dumpling-01"]));
    sandbox.run(&["videos", "show", "Dumpling-01"]).ended_with(1);
    sandbox.run(&["videos", "restore", "Dumpling-01"]).ended_with(0);
    sandbox.run(&["videos", "show", "Dumpling-01"]).ended_with(0);
    sandbox.run(&["videos", "purge", "Dumpling-01"]).ended_with(0);
    let report = sandbox.import_samples();
    assert_eq!(report["videos"]["created"], 1, "what was purged can come again");
}

/// Kills an import at several moments; the next run completes it, and the catalogue is what an undisturbed
/// import makes (but for times and revisions).
#[test]
fn a_killed_import_is_completed_by_the_next_one() {
    let undisturbed = Sandbox::new();
    undisturbed.import_samples();
    let expected = without_bookkeeping(&undisturbed);
    for kill_after_lines in 0..3 {
        let sandbox = Sandbox::new();
        let mut child = sandbox
            .command(&["import", samples().to_str().unwrap()])
            .env("TUBEATLAS_LOG", "debug")
            .env("TUBEATLAS_DATABASE_ECHO", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The echo of its statements tells how far it has come; the moments lie in opening and in writing.
        use std::io::BufRead;
        let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let _ = stderr.lines().nth(kill_after_lines * 200 + 20);
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.import_samples();
        assert_eq!(without_bookkeeping(&sandbox), expected, "killed after {kill_after_lines}");
        sandbox.run(&["db", "check"]).ended_with(0);
    }
}

/// The contents without what depends on when they were written.
fn without_bookkeeping(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let mut items = Vec::new();
    for noun in ["channels", "videos", "transcripts"] {
        let list = sandbox.json(&[noun, "list", "--limit", "1000"]).ended_with(0).json();
        for item in list["items"].as_array().unwrap() {
            let mut item = item.clone();
            for field in ["created_at", "updated_at", "revision"] {
                item.as_object_mut().unwrap().remove(field);
            }
            items.push(item);
        }
    }
    items
}

/// Two processes that open a new database, and write, at the same moment.
#[test]
fn two_imports_at_the_same_moment_make_one_catalogue() {
    let sandbox = Sandbox::new();
    let path = samples();
    let arguments = ["import", path.to_str().unwrap(), "--format", "json"];
    let start = || {
        let mut command = sandbox.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (one, two) = (start(), start());
    let mut created = 0;
    for child in [one, two] {
        let run = crate::support::Run::from(child.wait_with_output().unwrap()).ended_with(1);
        created += run.json()["videos"]["created"].as_u64().unwrap();
    }
    assert_eq!(created, 6, "each video is created by one of them");
    sandbox.run(&["db", "check"]).ended_with(0);
}

#[test]
fn one_media_file_has_one_path_however_its_folder_is_named() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("m")).unwrap();
    fs::write(sandbox.path("m/One [AAAAAAAAAA1].info.json"), r#"{"id": "AAAAAAAAAA1", "title": "One"}"#)
        .unwrap();
    fs::write(sandbox.path("m/One [AAAAAAAAAA1].mp4"), "media").unwrap();
    for folder in ["m", "m/../m", "./m/"] {
        sandbox.run(&["import", folder]).ended_with(0);
    }
    let list = sandbox.json(&["media", "list"]).ended_with(0).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn an_archive_without_anything_is_said_to_be_one() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("empty")).unwrap();
    let run = sandbox.run(&["import", "empty"]).ended_with(0);
    assert!(run.stderr.contains("nothing that yt-dlp leaves"), "{}", run.stderr);
}
