//! Importing archives.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Drawn, Sandbox, samples};

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
    assert_eq!(first["playlists"]["created"], 1, "{first}");
    let playlists = sandbox.json(&["playlists", "list"]).ended_with(0).json();
    assert_eq!(playlists["items"][0]["title"], "Winter sky", "{playlists}");
    assert_ne!(playlists["items"][0]["video_count"], 0, "{playlists}");

    let before = sandbox.contents();
    let second = sandbox.import_samples();
    assert_eq!(second["videos"], serde_json::json!({"created": 0, "updated": 0, "unchanged": 0}));
    assert!(second["unchanged_files"].as_u64() > Some(6 + transcripts), "{second}");
    assert_eq!(second["refused"], first["refused"], "what was refused is told again");
    assert_eq!(second["ignored"], first["ignored"]);
    assert_eq!(sandbox.contents(), before, "revisions and times are the same too");
    let tasks = sandbox.json(&["tasks", "list", "--kind", "import"]).ended_with(0).json();
    let tasks = tasks["items"].as_array().unwrap();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    assert!(tasks.iter().all(|task| task["status"] == "succeeded" && task["progress"] == 100), "{tasks:?}");

    let reread = sandbox.json(&["import", "--reread", samples().to_str().unwrap()]).ended_with(1).json();
    assert_eq!(reread["videos"], serde_json::json!({"created": 0, "updated": 0, "unchanged": 6}));
    assert_eq!(reread["transcripts"]["unchanged"].as_u64(), Some(transcripts));
    assert_eq!(sandbox.contents(), before, "nor does reading all again write anything");
}

#[test]
fn a_dry_run_tells_what_would_be_and_makes_nothing() {
    let sandbox = Sandbox::new();
    let archive = samples();
    let arguments = ["import", "--dry-run", archive.to_str().unwrap()];
    let run = sandbox.json(&arguments).ended_with(1);
    assert!(run.stderr.contains("compared with an empty one"), "{}", run.stderr);
    let dry = run.json();
    assert_eq!(dry["videos"]["created"], 6, "{dry}");
    sandbox.run(&["videos", "list"]).ended_with(2);
    assert_eq!(sandbox.import_samples(), dry);
    let before = sandbox.contents();
    sandbox.run(&[&arguments[..], &["--reread"]].concat()).ended_with(1);
    assert_eq!(sandbox.contents(), before);
}

#[test]
fn a_file_that_is_gone_is_told_until_it_is_forgotten_and_takes_nothing_along() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("m")).unwrap();
    for id in ["AAAAAAAAAA1", "AAAAAAAAAA2"] {
        let document = format!(r#"{{"id": "{id}", "title": "{id}"}}"#);
        fs::write(sandbox.path(&format!("m/{id}.info.json")), document).unwrap();
    }
    sandbox.run(&["import", "m"]).ended_with(0);
    fs::remove_file(sandbox.path("m/AAAAAAAAAA2.info.json")).unwrap();
    for arguments in [&["import", "m"][..], &["import", "m", "--forget-vanished"]] {
        let report = sandbox.json(arguments).ended_with(0).json();
        assert_eq!(report["vanished"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!(report["unchanged_files"], 1, "{report}");
    }
    let report = sandbox.json(&["import", "m"]).ended_with(0).json();
    assert_eq!(report["vanished"].as_array().unwrap().len(), 0, "{report}");
    sandbox.run(&["videos", "show", "AAAAAAAAAA2"]).ended_with(0);
}

#[test]
fn the_list_of_yt_dlp_is_compared_and_completed() {
    let sandbox = Sandbox::new();
    write_archive(&sandbox);
    sandbox.run(&["import", "archive"]).ended_with(0);
    for n in 0..2 {
        let document = format!(r#"{{"id": "known-{n}", "title": "t", "extractor_key": "Youtube"}}"#);
        fs::write(sandbox.path(&format!("archive/known-{n}.info.json")), document).unwrap();
    }
    sandbox.run(&["import", "archive"]).ended_with(0);
    fs::write(sandbox.path("list.txt"), "youtube lost\nyoutube known-1\n?\nyoutube cut").unwrap();
    let run = sandbox.json(&["download-archive", "missing", "list.txt"]).ended_with(0);
    assert_eq!(run.json()["listed"], 3);
    assert_eq!(run.json()["missing"][1], serde_json::json!({"platform": "youtube", "id": "lost"}));
    assert!(run.stderr.contains("the first is line 3"), "{}", run.stderr);
    for added in [1, 0] {
        let report = sandbox.json(&["download-archive", "update", "list.txt"]).ended_with(0).json();
        assert_eq!(report, serde_json::json!({"added": added, "platform_unknown": 130}));
    }
    let list = fs::read_to_string(sandbox.path("list.txt")).unwrap();
    assert_eq!(list, "youtube lost\nyoutube known-1\n?\nyoutube cut\nyoutube known-0\n");
    sandbox.run(&["download-archive", "missing", "none.txt"]).ended_with(2);
}

#[test]
fn events_come_before_the_result() {
    let sandbox = Sandbox::new();
    let run = sandbox.json(&["import", samples().to_str().unwrap()]).ended_with(1);
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"started"), Some(&"finished")));
    let count = |name: &str| names.iter().filter(|it| **it == name).count();
    assert_eq!((count("refused"), count("started"), count("finished")), (1, 1, 1));
    let last = events.iter().rfind(|event| event["event"] == "progress").unwrap();
    assert_eq!(last["read"], last["expected"], "{last}");
    let task = events[0]["task"].as_str().unwrap();
    sandbox.run(&["tasks", "show", task]).ended_with(0);
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
    let read = created("videos") + created("playlists");
    assert_eq!(read + named("refused") + named("ignored"), documents, "{report}");
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

/// Kills an import at several moments, drawn with a seed (`TUBEATLAS_KILLS` of them); the next run completes it, and the
/// catalogue is what an undisturbed import makes (but for times, revisions and tasks).
#[test]
fn a_killed_import_is_completed_by_the_next_one() {
    const SEED: u64 = 7;
    let kills = std::env::var("TUBEATLAS_KILLS").map_or(4, |kills| kills.parse().unwrap());
    let undisturbed = Sandbox::new();
    write_archive(&undisturbed);
    let start = |sandbox: &Sandbox| echoing(sandbox, &["import", "archive"]).spawn().unwrap();
    let mut child = start(&undisturbed);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().count();
    assert!(child.wait().unwrap().success() && lines > 1_000, "{lines} lines");
    let expected = without_bookkeeping(&undisturbed);

    let mut drawn = Drawn(SEED);
    let mut completed = 0;
    for _ in 0..kills {
        let moment = drawn.below(lines);
        let sandbox = Sandbox::new();
        write_archive(&sandbox);
        let mut child = start(&sandbox);
        let _ = BufReader::new(child.stderr.take().unwrap()).lines().nth(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let report = sandbox.json(&["import", "archive"]).ended_with(0).json();
        completed += u64::from(report["unchanged_files"].as_u64() > Some(0));
        assert_eq!(
            without_bookkeeping(&sandbox),
            expected,
            "seed {SEED}, killed after {moment} of {lines} lines"
        );
        sandbox.run(&["db", "check"]).ended_with(0);
        let left = sandbox.json(&["tasks", "list", "--status", "running"]).ended_with(0).json();
        assert_eq!(
            left["items"],
            serde_json::json!([]),
            "seed {SEED}, killed after {moment} of {lines} lines"
        );
    }
    // As many are killed while they write as before it; most have something to go on from.
    assert!(completed > 0, "seed {SEED}: no kill came after a batch");
    if kills > 4 {
        println!("{kills} kills, {completed} of them after a batch");
    }
}

#[test]
fn an_import_that_is_interrupted_says_so_in_its_task_and_goes_on_later() {
    for (signal, name) in [("-INT", "SIGINT"), ("-TERM", "SIGTERM")] {
        let sandbox = Sandbox::new();
        write_archive(&sandbox);
        // From then on nobody reads the echo, which has no room for all statements of the import: so it cannot end.
        let (mut child, mut echo) = start_until(&sandbox, "INSERT INTO `processing_tasks`");
        send(signal, &child);
        let mut rest = String::new();
        echo.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2), "{rest}");
        let said = format!("error: the import was ended by {name}; what was written stays");
        assert!(rest.contains(&said), "{rest}");

        let tasks = || sandbox.json(&["tasks", "list"]).ended_with(0).json()["items"].clone();
        let interrupted = tasks();
        assert_eq!(interrupted.as_array().unwrap().len(), 1, "{interrupted}");
        assert_eq!(interrupted[0]["status"], "cancelled", "{interrupted}");
        let reason = interrupted[0]["error"].as_str().unwrap();
        assert!(reason.contains(&format!("ended by {name}")), "{interrupted}");
        sandbox.run(&["import", "archive"]).ended_with(0);
        let tasks = tasks();
        assert_eq!((&tasks[0]["status"], &tasks[1]), (&"succeeded".into(), &interrupted[0]), "{tasks}");
        let videos = sandbox.json(&["videos", "list", "--limit", "1000"]).ended_with(0).json();
        assert_eq!(videos["items"].as_array().unwrap().len(), 130);
    }
}

#[test]
fn a_second_signal_ends_an_import_that_waits_for_another_one() {
    let sandbox = Sandbox::new();
    write_archive(&sandbox);
    // It is in the middle of its first batch, and stays there, because nobody reads its echo.
    let (mut holder, _echo) = start_until(&sandbox, "INSERT INTO `videos`");
    let mut command = echoing(&sandbox, &["import", "archive"]);
    command.env("TUBEATLAS_DATABASE_BUSY_TIMEOUT", "600000").env("TUBEATLAS_DATABASE_ACQUIRE_TIMEOUT", "600");
    let mut waiting = command.spawn().unwrap();
    let mut echo = BufReader::new(waiting.stderr.take().unwrap());
    read_until(&mut echo, "processing_tasks");
    let begun = Instant::now();
    let status = loop {
        // Signals that come together are one.
        send("-INT", &waiting);
        if let Some(status) = waiting.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
    };
    assert_eq!(status.code(), Some(2));
    holder.kill().unwrap();
    holder.wait().unwrap();
    sandbox.run(&["import", "archive"]).ended_with(0);
    let left = sandbox.json(&["tasks", "list"]).ended_with(0).json();
    let tasks = left["items"].as_array().unwrap();
    assert!(tasks.iter().all(|task| task["status"] == "succeeded"), "{left}");
}

/// The program, which tells by the echo of its statements how far it has come.
fn echoing(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("TUBEATLAS_LOG", "debug").env("TUBEATLAS_DATABASE_ECHO", "true");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// An import that has come to this statement.
fn start_until(sandbox: &Sandbox, statement: &str) -> (Child, BufReader<ChildStderr>) {
    let mut child = echoing(sandbox, &["import", "archive"]).spawn().unwrap();
    let mut echo = BufReader::new(child.stderr.take().unwrap());
    read_until(&mut echo, statement);
    (child, echo)
}

fn read_until(echo: &mut BufReader<ChildStderr>, statement: &str) {
    let mut lines = echo.by_ref().lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(statement)), "it ended before {statement}");
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// 130 videos of two channels, with captions, a playlist, and documents that differ in what they tell of the channel: three
/// batches.
fn write_archive(sandbox: &Sandbox) {
    let folder = sandbox.path("archive");
    fs::create_dir(&folder).unwrap();
    for n in 0..130 {
        let document = serde_json::json!({
            "id": format!("v{n}"), "title": format!("Video {n}"), "channel_id": format!("UC{}", n % 2),
            "channel": format!("Name {}", n * 7 % 130), "epoch": n * 7 % 130, "playlist_id": "PL1",
            "playlist_index": 130 - n, "playlist_title": "All",
        });
        fs::write(folder.join(format!("{n}.info.json")), document.to_string()).unwrap();
        let captions = format!("1\n00:00:01,000 --> 00:00:02,000\nwhat was said in {n}\n");
        fs::write(folder.join(format!("{n}.en.srt")), captions).unwrap();
    }
}

/// The contents without what depends on when they were written.
fn without_bookkeeping(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    let mut items = Vec::new();
    for noun in ["channels", "videos", "transcripts", "playlists", "sources"] {
        let list = sandbox.json(&[noun, "list", "--limit", "1000"]).ended_with(0).json();
        for item in list["items"].as_array().unwrap() {
            let mut item = item.clone();
            for field in ["created_at", "updated_at", "revision", "modified_at"] {
                item.as_object_mut().unwrap().remove(field);
            }
            if let Some(path) = item.get_mut("path") {
                let name = path.as_str().and_then(|path| path.rsplit('/').next()).unwrap().to_owned();
                *path = name.into();
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
