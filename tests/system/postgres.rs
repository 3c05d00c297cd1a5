//! The binary on Postgres, where it is installed.

use std::process::Command;

use serde_json::Value;
use tubeatlas_postgres_cluster::{Cluster, Database};

use crate::service::Service;
use crate::support::{Run, Sandbox, samples};

/// A password, which the cluster does not ask for.
const CANARY: &str = "c4nary-p4ssw0rd";

/// A sandbox whose settings name an empty database, with a password in its URL; `None` without Postgres.
pub(crate) fn sandbox() -> Option<(Sandbox, Database)> {
    let cluster = Cluster::shared_if_installed().unwrap()?;
    let database = cluster.database().unwrap();
    Some((sandbox_of(database.url()), database))
}

fn sandbox_of(url: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let url = url.replace("postgres@", &format!("postgres:{CANARY}@"));
    std::fs::write(sandbox.path("tubeatlas.toml"), format!("[database]\nurl = '{url}'")).unwrap();
    sandbox
}

fn without_canary(run: Run) -> Run {
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(CANARY) && !text.contains("c4nary"), "{text}");
    }
    run
}

/// The same with everything logged that the program and what it is built of can log.
fn logged(mut command: Command) -> Run {
    without_canary(command.env("TUBEATLAS_LOG", "trace").output().unwrap().into())
}

#[test]
fn the_commands_do_on_postgres_what_they_do_on_sqlite() {
    let Some((sandbox, database)) = sandbox() else { return };
    let missing = sandbox.run(&["videos", "list"]).ended_with(2);
    assert!(missing.stderr.contains("there is no database postgres://***@"), "{}", missing.stderr);
    let status = sandbox.json(&["db", "status"]).ended_with(0).json();
    assert!(status["applied"].as_array().unwrap().is_empty(), "{status}");
    let migrated = sandbox.json(&["db", "migrate"]).ended_with(0).json();
    assert_eq!(migrated["applied"], status["pending"]);
    assert_eq!(sandbox.json(&["db", "migrate"]).ended_with(0).json()["applied"].as_array().unwrap().len(), 0);

    let report = sandbox.import_samples();
    let on_sqlite = Sandbox::new();
    assert_eq!(report, on_sqlite.import_samples());
    for arguments in [
        &["search", "\"dough rest\""][..],
        &["search", "aurore OR 人工の調味料", "--order", "newest"],
        &["videos", "list", "--order", "oldest", "--limit", "3"],
    ] {
        let (found, expected) = (sandbox.json(arguments), on_sqlite.json(arguments));
        assert_eq!(without_times(found.json()), without_times(expected.json()), "{arguments:?}");
    }
    let checked = sandbox.run(&["db", "check", "--pool"]).ended_with(0);
    for line in [
        "ok      answers: Postgres ",
        "database test_",
        "connections: 1 of at most 30 of this pool; ",
        "default_transaction_isolation=serializable",
        " indexes as expected",
    ] {
        assert!(checked.stdout.contains(line), "{}", checked.stdout);
    }
    assert!(checked.stderr.contains("SQLite alone"), "{}", checked.stderr);
    let found = sandbox.json(&["search", "aurore"]).ended_with(0).json();
    assert_ne!(found["hits"], serde_json::json!([]), "{found}");
    // As of a program that made another index of these texts.
    database.execute("UPDATE search_index SET version = 0").unwrap();
    database.execute("DELETE FROM passages WHERE video_id LIKE 'Aurore%'").unwrap();
    let checked = sandbox.run(&["db", "check"]).ended_with(1);
    assert!(checked.stderr.contains("build it anew with `db reindex`"), "{}", checked.stderr);
    assert!(checked.stdout.contains("FAILED  version of the search index: "), "{}", checked.stdout);
    let missed = sandbox.json(&["search", "aurore"]).ended_with(0).json();
    assert_eq!(missed["hits"], serde_json::json!([]), "{missed}");
    let reindexed = sandbox.json(&["db", "reindex"]).ended_with(0).json();
    assert!(reindexed["passages"].as_u64() > Some(0), "{reindexed}");
    assert_eq!(sandbox.json(&["search", "aurore"]).ended_with(0).json(), found);
    sandbox.run(&["db", "check"]).ended_with(0);
    database.execute("DROP INDEX ix_videos_channel_id").unwrap();
    let checked = sandbox.run(&["db", "check"]).ended_with(1);
    assert!(
        checked.stdout.contains("FAILED  schema: missing: index ix_videos_channel_id "),
        "{}",
        checked.stdout
    );
}

/// What a store adds is its own: times, revisions, scores.
fn without_times(mut value: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|name, _| {
                    !["created_at", "updated_at", "revision", "score", "next_cursor"].contains(&name.as_str())
                });
                map.values_mut().for_each(clear);
            }
            Value::Array(list) => list.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut value);
    value
}

#[test]
fn maintenance_of_files_names_the_means_of_postgres_instead() {
    let Some((sandbox, _database)) = sandbox() else { return };
    for command in [
        &["backup", "x.db"][..],
        &["restore", "x.db"],
        &["verify"],
        &["vacuum"],
        &["stats"],
        &["checkpoint"],
        &["migrate", "--down", "1"],
    ] {
        let run = sandbox.run(&[&["db"], command].concat()).ended_with(2);
        assert!(run.stderr.contains("not supported") && run.stderr.contains("pg_dump"), "{}", run.stderr);
    }
}

#[test]
fn nothing_shows_the_password() {
    let Some((sandbox, _database)) = sandbox() else { return };
    logged(sandbox.command(&["import", samples().to_str().unwrap()])).ended_with(1);
    logged(sandbox.command(&["db", "check", "--format", "json"])).ended_with(0);
    logged(sandbox.command(&["search", "aurore"])).ended_with(0);
    let elsewhere = Cluster::shared().unwrap().url("not_there");
    for (url, says) in [
        (elsewhere.as_str(), "createdb"),
        ("postgres://postgres@127.0.0.1:1/atlas", "does it run"),
        ("postgres://postgres@127.0.0.1:port/atlas", "a port or a parameter is wrong"),
        ("postgres://postgres@127.0.0.1:1/atlas?sslmode=allow", "sslmode"),
    ] {
        let sandbox = sandbox_of(url);
        for command in [&["videos", "list"][..], &["db", "migrate"], &["serve", "--listen", "127.0.0.1:0"]] {
            let run = logged(sandbox.command(command)).ended_with(2);
            assert!(run.stderr.contains(says), "{}", run.stderr);
        }
    }
}

#[test]
fn two_services_share_a_database() {
    let Some((sandbox, _database)) = sandbox() else { return };
    let services = [Service::start(&sandbox, &[]), Service::start(&sandbox, &[])];
    sandbox.import_samples();
    let status = |path: &str| services.each_ref().map(|service| service.json(path).0);
    assert_eq!(status("/health/db"), [200, 200]);
    assert_eq!(status("/api/v1/videos/Aurore-2023"), [200, 200]);
    sandbox.run(&["videos", "delete", "Aurore-2023"]).ended_with(0);
    assert_eq!(status("/api/v1/videos/Aurore-2023"), [404, 404]);
    let found = services.each_ref().map(|service| service.json("/api/v1/search?q=dough").1);
    assert_eq!(found[0], found[1]);
    assert!(!found[0]["hits"].as_array().unwrap().is_empty(), "{}", found[0]);
}
