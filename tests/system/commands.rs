//! Searching, listing and showing.

use serde_json::Value;

use crate::support::Sandbox;

fn search(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let run = sandbox.json(&[&["search"], arguments].concat()).ended_with(0);
    run.json()["hits"].as_array().unwrap().clone()
}

/// The first cue of the only hit: video, language, start, text and link.
fn only(hits: &[Value]) -> (String, String, u64, String, String) {
    assert_eq!(hits.len(), 1, "{hits:?}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (hit, cue) = (&hits[0], &hits[0]["cues"][0]);
    let start = cue["start_ms"].as_u64().unwrap();
    (text(&hit["video_id"]), text(&hit["language"]), start, text(&cue["text"]), text(&hit["url"]))
}

#[test]
fn what_was_said_is_found_with_its_moment() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();

    // Across a cue border, in English; the link leads to the cue in which the phrase begins.
    let (video, language, start, text, url) = only(&search(&sandbox, &["\"dough rest for half an hour\""]));
    assert_eq!((video.as_str(), language.as_str(), start), ("Dumpling-01", "en", 19_500));
    assert!(text.contains("let the dough rest"), "{text}");
    assert_eq!(url, "https://videos.example/watch?v=Dumpling-01&t=19s");

    // Without accents and case, in French; a word behind an apostrophe; entities are decoded.
    let (video, language, start, ..) = only(&search(&sandbox, &["\"AURORE BOREALE\"", "--language", "fr"]));
    assert_eq!((video.as_str(), language.as_str(), start), ("Aurore-2023", "fr", 9_500));
    assert_eq!(only(&search(&sandbox, &["oxygène"])).2, 29_000);

    // Japanese has no spaces: a run of characters is a phrase.
    let (video, language, start, ..) = only(&search(&sandbox, &["人工の調味料"]));
    assert_eq!((video.as_str(), language.as_str(), start), ("Katsuobushi", "ja", 43_200));

    // A prefix, an exclusion, a channel.
    assert_eq!(search(&sandbox, &["dumplin*", "--language", "en"]).len(), 1);
    assert!(search(&sandbox, &["dough -earlobe"]).is_empty());
    assert_eq!(search(&sandbox, &["damp", "cloth", "--language", "en"]).len(), 1, "words need no quotes");
    assert!(search(&sandbox, &["dough", "--channel", "UC-nobody"]).is_empty());
}

#[test]
fn highlights_are_byte_ranges_of_the_cue() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let hits = search(&sandbox, &["昆布", "--language", "ja"]);
    let cue = &hits[0]["cues"][0];
    let text = cue["text"].as_str().unwrap();
    for range in cue["highlights"].as_array().unwrap() {
        let at = |i: usize| usize::try_from(range[i].as_u64().unwrap()).unwrap();
        assert_eq!(&text[at(0)..at(1)], "昆布");
    }
}

#[test]
fn pages_follow_each_other_without_gap() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let all = sandbox.json(&["videos", "list"]).json();
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec!["videos", "list", "--limit", "4"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = sandbox.json(&arguments).ended_with(0).json();
        found.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(found, ids(&all));
    let run = sandbox.run(&["channels", "list", "--cursor", &cursor.unwrap()]).ended_with(2);
    assert!(run.stderr.contains("belongs to another list"), "{}", run.stderr);
}

#[test]
fn the_database_is_checked_and_its_pool_too() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let status = sandbox.json(&["db", "status"]).ended_with(0).json();
    assert_eq!(status["pending"], serde_json::json!([]));
    let check = sandbox.json(&["db", "check", "--pool", "--tasks", "50", "--queries", "10"]).ended_with(0);
    let check = check.json();
    assert_eq!(check["ok"], true, "{check}");
    assert_eq!(check["pool"]["queries"], 500, "{check}");
    assert!(check["pool"]["connections"].as_u64().unwrap() <= 20, "{check}");
    let settings = check["checks"].to_string();
    assert!(settings.contains("20 readers") && settings.contains("foreign_keys=1"), "{check}");
}

#[test]
fn settings_come_from_environment_and_files_and_the_nearest_counts() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("tubeatlas.toml"), "[database]\nurl = \"sqlite://from-toml.db\"\n").unwrap();
    sandbox.run(&["db", "migrate"]).ended_with(0);
    assert!(sandbox.path("from-toml.db").exists());
    std::fs::write(sandbox.path(".env"), "TUBEATLAS_DATABASE_URL=sqlite://from-dotenv.db\n").unwrap();
    sandbox.run(&["db", "migrate"]).ended_with(0);
    assert!(sandbox.path("from-dotenv.db").exists());
    let mut command = sandbox.command(&["db", "migrate"]);
    command.env("TUBEATLAS_DATABASE_URL", "sqlite://from-environment.db").output().unwrap();
    assert!(sandbox.path("from-environment.db").exists());
    sandbox.run(&["db", "migrate", "--database", "sqlite://from-flag.db"]).ended_with(0);
    assert!(sandbox.path("from-flag.db").exists());
}

#[test]
fn ids_may_begin_with_a_hyphen() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("archive")).unwrap();
    let document = r#"{"id": "-abc1234567", "title": "Hyphen", "channel_id": "-UC", "channel": "C"}"#;
    std::fs::write(sandbox.path("archive/Hyphen [-abc1234567].info.json"), document).unwrap();
    let report = sandbox.run(&["import", "archive"]).ended_with(0);
    assert!(report.stderr.contains("new database sqlite://tubeatlas.db"), "{}", report.stderr);
    sandbox.run(&["videos", "show", "-abc1234567"]).ended_with(0);
    sandbox.run(&["channels", "show", "-UC"]).ended_with(0);
    let hits = search(&sandbox, &["hyphen", "--video", "-abc1234567"]);
    assert_eq!(hits.len(), 1);
}

#[test]
fn transcripts_are_exported_and_imported_again() {
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let list = sandbox.json(&["transcripts", "list", "--limit", "1000"]).ended_with(0).json();
    std::fs::create_dir(sandbox.path("again")).unwrap();
    let mut exported = Vec::new();
    for (i, item) in list["items"].as_array().unwrap().iter().enumerate() {
        let (video, language) = (item["video_id"].as_str().unwrap(), item["language"].as_str().unwrap());
        for (form, ending) in [("vtt", "vtt"), ("json", "json3")] {
            let id = format!("dQw4w9W{}{i:03}", &form[..1]);
            let file = format!("again/{video} [{id}].{language}.{ending}");
            let arguments = ["transcripts", "export", video, language, "--as", form];
            let stdout = sandbox.run(&arguments).ended_with(0).stdout;
            sandbox.run(&[&arguments[..], &["--output", &file]].concat()).ended_with(0);
            assert_eq!(std::fs::read_to_string(sandbox.path(&file)).unwrap(), stdout);
            let refused = sandbox.run(&[&arguments[..], &["--output", &file]].concat()).ended_with(2);
            assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
            exported.push((video.to_owned(), language.to_owned(), id));
        }
        let text =
            sandbox.run(&["transcripts", "export", video, language, "--as", "txt"]).ended_with(0).stdout;
        assert!(!text.contains("-->") && text.lines().count() > 1, "{text}");
    }
    assert!(exported.len() >= 12, "{exported:?}");
    sandbox.json(&["import", "again"]).ended_with(0);
    for (video, language, id) in exported {
        let show =
            |video: &str| sandbox.json(&["transcripts", "show", video, &language]).ended_with(0).json();
        let (before, after) = (show(&video), show(&id));
        assert_eq!(
            (&before["cues"], &before["kind"]),
            (&after["cues"], &after["kind"]),
            "{video} {language}"
        );
    }
    let run = sandbox.run(&["transcripts", "export", "none", "en", "--as", "vtt"]).ended_with(1);
    assert!(run.stderr.contains("none/en"), "{}", run.stderr);
}
