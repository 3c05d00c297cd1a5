//! That a cluster serves, keeps databases apart, and leaves nothing behind.

use std::path::Path;
use std::process::Command;

use tubeatlas_postgres_cluster::{Cluster, Options};

/// Not one, because servers start with their process.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let all = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    all.filter_map(|process| std::fs::read_to_string(process.path().join("cmdline")).ok())
        .filter(|command| command.contains(&folder))
        .collect()
}

fn ask(url: &str, sql: &str) -> Result<i64, String> {
    let ask = || -> Result<i64, postgres::Error> {
        postgres::Client::connect(url, postgres::NoTls)?.query_one(sql, &[])?.try_get(0)
    };
    ask().map_err(|error| error.to_string())
}

#[test]
fn each_database_is_a_copy_of_its_template_and_of_nothing_else() {
    let cluster = Cluster::shared().unwrap();
    let made = |url: &str| {
        let mut client =
            postgres::Client::connect(url, postgres::NoTls).map_err(|error| error.to_string())?;
        client.batch_execute("CREATE TABLE t AS SELECT 1::bigint AS n").map_err(|error| error.to_string())
    };
    let one = cluster.database_from("made", made).unwrap();
    let other = cluster.database_from("made", |_| Err("made twice".to_owned())).unwrap();
    assert_eq!(ask(one.url(), "DELETE FROM t RETURNING n"), Ok(1));
    assert_eq!(ask(other.url(), "SELECT n FROM t"), Ok(1));
    assert_eq!(ask(one.url(), "SELECT count(*) FROM t"), Ok(0));
    let name = one.name().to_owned();
    drop(one);
    assert!(!cluster.texts("SELECT datname::text FROM pg_database").unwrap().contains(&name));
}

#[test]
fn a_template_that_could_not_be_made_stays_so() {
    let cluster = Cluster::shared().unwrap();
    for _ in 0..2 {
        let made = cluster.database_from("broken", |_| Err("why".to_owned()));
        assert_eq!(made.map(|_| ()), Err("why".to_owned()));
    }
}

#[test]
fn it_survives_a_crash_and_is_gone_in_the_end() {
    let cluster = Cluster::start(Options { durable: true, ..Options::default() }).unwrap();
    let folder = cluster.socket_folder().parent().unwrap().to_owned();
    let database = cluster.database().unwrap();
    assert_eq!(ask(database.url(), "SELECT count(*) FROM pg_class WHERE relname = 't'"), Ok(0));
    let mut client = postgres::Client::connect(database.url(), postgres::NoTls).unwrap();
    client.batch_execute("CREATE TABLE t AS SELECT 7::bigint AS n").unwrap();
    cluster.crash_and_restart().unwrap();
    assert!(client.batch_execute("SELECT 1").is_err());
    assert_eq!(ask(database.url(), "SELECT n FROM t"), Ok(7));
    assert!(!processes_in(&folder).is_empty());
    drop((client, database, cluster));
    assert!(!folder.exists());
    assert_eq!(processes_in(&folder), [""; 0]);
}

/// What the test below starts and kills.
#[test]
#[ignore = "a part of another test, which starts it"]
fn child_that_is_killed() {
    let cluster = Cluster::start(Options::default()).unwrap();
    println!("folder: {}", cluster.socket_folder().parent().unwrap().display());
    std::process::abort();
}

#[test]
fn nothing_is_left_by_a_process_that_is_aborted() {
    let me = std::env::current_exe().unwrap();
    let child =
        Command::new(me).args(["--ignored", "--exact", "child_that_is_killed", "--nocapture"]).output();
    let child = child.unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let folder = said.split("folder: ").nth(1).and_then(|rest| rest.lines().next());
    let folder = Path::new(folder.unwrap_or_else(|| panic!("{said}"))).to_owned();
    assert!(!child.status.success());
    // The watch, whose folder is in its arguments, does its work and ends.
    while !processes_in(&folder).is_empty() {
        std::thread::yield_now();
    }
    assert!(!folder.exists());
}
