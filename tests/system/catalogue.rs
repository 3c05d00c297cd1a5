//! `tubeatlas catalogue`, from outside.

use std::fs;

use tubeatlas_postgres_cluster::Cluster;

use crate::support::Sandbox;

#[test]
fn a_catalogue_goes_through_a_file_into_a_new_database() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    sandbox.run(&["videos", "delete", "Aurore-2023"]).ended_with(0);
    let exported = sandbox.json(&["catalogue", "export", "all.ndjson.zst"]).ended_with(0).json();
    assert_eq!(exported["counts"]["video"], 6, "{exported}");
    assert_eq!(exported["bytes"], fs::metadata(sandbox.path("all.ndjson.zst")).unwrap().len());
    let again = sandbox.run(&["catalogue", "export", "all.ndjson.zst"]).ended_with(2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    sandbox.run(&["catalogue", "export", "all.ndjson"]).ended_with(0);

    let elsewhere = |command: &[&str]| sandbox.json(&[&["--database", "sqlite://new.db"], command].concat());
    let imported = elsewhere(&["catalogue", "import", "all.ndjson.zst"]).ended_with(0).json();
    assert_eq!((&imported["sha256"], &imported["unchanged"]), (&exported["sha256"], &0.into()), "{imported}");
    let repeated = elsewhere(&["catalogue", "import", "all.ndjson"]).ended_with(0).json();
    assert_eq!((&repeated["created"], &repeated["unchanged"]), (&0.into(), &imported["created"]));
    elsewhere(&["catalogue", "export", "again.ndjson"]).ended_with(0);
    let bytes = |name: &str| fs::read(sandbox.path(name)).unwrap();
    assert!(bytes("again.ndjson") == bytes("all.ndjson"));
    elsewhere(&["db", "verify"]).ended_with(0);

    // It holds what the other one does not.
    elsewhere(&["videos", "restore", "Aurore-2023"]).ended_with(0);
    let refused = elsewhere(&["catalogue", "import", "all.ndjson"]).ended_with(1);
    assert!(
        refused.stderr.contains("video Aurore-2023") && refused.stderr.contains("--merge"),
        "{}",
        refused.stderr
    );
    let merged = elsewhere(&["catalogue", "import", "all.ndjson", "--merge"]).ended_with(0).json();
    assert_eq!((&merged["created"], &merged["left"]), (&0.into(), &1.into()), "{merged}");
}

#[test]
fn a_damaged_file_makes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    sandbox.run(&["catalogue", "export", "all.ndjson.zst"]).ended_with(0);
    let mut bytes = fs::read(sandbox.path("all.ndjson.zst")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(sandbox.path("damaged.ndjson.zst"), &bytes).unwrap();
    fs::write(sandbox.path("cut.ndjson.zst"), &bytes[..middle]).unwrap();
    for file in ["damaged.ndjson.zst", "cut.ndjson.zst"] {
        let command = ["--database", "sqlite://new.db", "catalogue", "import", file];
        let refused = sandbox.run(&command).ended_with(2);
        assert!(refused.stderr.contains("of the file is damaged"), "{}", refused.stderr);
        let count = sandbox.json(&["--database", "sqlite://new.db", "videos", "list"]).ended_with(0).json();
        assert!(count["items"].as_array().unwrap().is_empty(), "{count}");
    }
    let missing = sandbox.run(&["catalogue", "import", "nothing.ndjson"]).ended_with(2);
    assert!(missing.stderr.contains("the file cannot be read"), "{}", missing.stderr);
}

#[test]
fn a_catalogue_is_the_same_on_postgres() {
    let Some(cluster) = Cluster::shared_if_installed().unwrap() else { return };
    let (first, second) = (cluster.database().unwrap(), cluster.database().unwrap());
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    sandbox.run(&["videos", "delete", "Aurore-2023"]).ended_with(0);
    let sqlite = "sqlite://tubeatlas.db";
    for (from, to) in [(sqlite, first.url()), (first.url(), second.url()), (second.url(), "sqlite://back.db")]
    {
        let copied = sandbox.json(&["catalogue", "copy", "--from", from, "--to", to]).ended_with(0).json();
        assert_eq!(copied["unchanged"], 0, "{copied}");
        let copied = sandbox.json(&["catalogue", "copy", "--from", from, "--to", to]).ended_with(0).json();
        assert_eq!(copied["created"], 0, "{copied}");
    }
    let export = |url: &str, name: &str| {
        sandbox.run(&["--database", url, "catalogue", "export", name]).ended_with(0);
        fs::read(sandbox.path(name)).unwrap()
    };
    let bytes = export(sqlite, "sqlite.ndjson");
    assert!(export(first.url(), "first.ndjson") == bytes);
    assert!(export(second.url(), "second.ndjson") == bytes);
    assert!(export("sqlite://back.db", "back.ndjson") == bytes);
    // What was moved is found on Postgres.
    let search = ["--database", second.url(), "search", "\"dough rest\""];
    assert_eq!(sandbox.json(&search).ended_with(0).json()["hits"].as_array().unwrap().len(), 1);
}
