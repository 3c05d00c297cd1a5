//! Every released schema: a database of it, with rows, is upgraded and read; and undoing migrations.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_adapters_sqlite::{Maintenance, migrate, migration_status};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::*;
use tubeatlas_ports::*;
use uuid::Uuid;

use crate::support::{config, id, open_with, sql};

/// What the fixtures hold, of each kind something.
struct Sample {
    channel: Channel,
    videos: Vec<Video>,
    transcript: Transcript,
    graph: KnowledgeGraph,
    media_file: MediaFile,
    source_file: SourceFile,
    playlist: Playlist,
}

fn sample() -> Sample {
    let mut first = VideoFields::new(id("first"), "The first, with \"quotes\" and 'others'");
    first.channel_id = Some(ChannelId::parse("UC1").unwrap());
    first.description = Some("Zwei Zeilen\nmit Umlauten: äöü".to_owned());
    first.published_at = Some(Timestamp::from_unix_micros(1_600_000_000_000_000).unwrap());
    first.duration_ms = Some(90_061_001);
    first.view_count = Some(i64::MAX as u64);
    first.tags = vec!["one".to_owned(), "two, three".to_owned()];
    let bare = VideoFields::new(id("bare"), "");
    let channel = ChannelFields {
        id: ChannelId::parse("UC1").unwrap(),
        title: "A channel".to_owned(),
        handle: Some("@a".to_owned()),
        url: None,
    };
    let transcript = TranscriptFields {
        video_id: id("first"),
        language: LanguageTag::parse("en").unwrap(),
        kind: TranscriptKind::Automatic,
        cues: vec![
            Cue { start_ms: 5, end_ms: 9, text: "spoken \"words\"".into() },
            Cue { start_ms: 1, end_ms: 1, text: "out of order: 鰹節".into() },
        ],
    };
    let graph = KnowledgeGraphFields {
        id: KnowledgeGraphId::new(Uuid::from_u128(7)),
        owner: GraphOwner::Video(id("first")),
        model: Some("a model".to_owned()),
        processing_time_ms: None,
        version: 3,
        entities: vec![],
        relations: vec![],
    };
    let mut media_file = MediaFileFields::new(
        MediaFileId::new(Uuid::from_u128(8)),
        id("first"),
        "/archive/The first [first].mkv",
    );
    let mut playlist = PlaylistFields::new(PlaylistId::parse("PL1").unwrap(), "A playlist");
    playlist.channel_id = Some(ChannelId::parse("UC1").unwrap());
    playlist.videos = vec![id("first"), id("elsewhere"), id("first")];
    let mut source_file = SourceFileFields::new(
        SourcePath::parse("/archive/The first [first].info.json").unwrap(),
        17,
        Timestamp::UNIX_EPOCH,
        1,
    );
    source_file.hash = Some(ContentHash::new([7; 32]));
    source_file.gives = Some(SourceYield { kind: EntityKind::Video, key: "first".to_owned() });
    media_file.frame_rate = Some(FrameRate::new(30_000, 1_001).unwrap());
    Sample {
        channel: Channel::new(channel).unwrap(),
        videos: vec![Video::new(first).unwrap(), Video::new(bare).unwrap()],
        transcript: Transcript::new(transcript).unwrap(),
        graph: KnowledgeGraph::new(graph).unwrap(),
        media_file: MediaFile::new(media_file).unwrap(),
        source_file: SourceFile::new(source_file).unwrap(),
        playlist: Playlist::new(playlist).unwrap(),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

#[derive(QueryableByName)]
struct TextRow {
    #[diesel(sql_type = Text)]
    value: String,
}

fn texts(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows: Vec<TextRow> = diesel::sql_query(sql).load(connection).unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

/// All of a database as SQL. The tables of FTS5 are written as they are, for the index cannot be read.
fn dump(path: &Path) -> String {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let mut text = "PRAGMA foreign_keys = OFF;\nPRAGMA application_id = 1415725428;\n".to_owned();
    let objects =
        "SELECT s.sql || ';' AS value FROM sqlite_schema s LEFT JOIN pragma_table_list t ON t.name = s.name
                   WHERE s.sql IS NOT NULL AND coalesce(t.type, '') <> 'shadow' ORDER BY s.rowid";
    for object in texts(&mut connection, objects) {
        writeln!(text, "{object}").unwrap();
    }
    let tables =
        "SELECT name AS value FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
                  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    for table in texts(&mut connection, tables) {
        // What the statements above have put there, and when a migration was run, are no rows of ours.
        writeln!(text, "DELETE FROM {table};").unwrap();
        let columns = format!(
            "SELECT group_concat('quote(\"' || name || '\")', ' || '', '' || ') AS value FROM pragma_table_info('{table}')"
        );
        let columns =
            texts(&mut connection, &columns).remove(0).replace("quote(\"run_on\")", "quote('2026-11-21')");
        let rows =
            format!("SELECT 'INSERT INTO {table} VALUES (' || {columns} || ');' AS value FROM {table}");
        for row in texts(&mut connection, &rows) {
            writeln!(text, "{row}").unwrap();
        }
    }
    text
}

/// Writes the fixture of the newest schema, if there is none: a released schema is kept as it was.
async fn write_fixture() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("fixture.db");
    let store = open_with(config(&path)).await.unwrap();
    let sample = sample();
    store.channels().create(&sample.channel).await.unwrap();
    for video in &sample.videos {
        store.videos().create(video).await.unwrap();
    }
    store.transcripts().create(&sample.transcript).await.unwrap();
    store.knowledge_graphs().create(&sample.graph).await.unwrap();
    store.media_files().create(&sample.media_file).await.unwrap();
    store.source_files().create(&sample.source_file).await.unwrap();
    store.playlists().create(&sample.playlist).await.unwrap();
    store.videos().delete(&id("bare"), None).await.unwrap();
    store.close().await.unwrap();
    let name = newest_migration().await;
    let file = folder().join(format!("{name}.sql"));
    if !file.exists() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(file, dump(&path)).unwrap();
    }
}

async fn all_migrations() -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    migration_status(&config(&place.path().join("new.db"))).await.unwrap().pending
}

async fn newest_migration() -> String {
    all_migrations().await.pop().unwrap()
}

/// With `UPDATE_FIXTURES=1`, the newest schema's fixture is written first.
#[tokio::test]
async fn every_released_schema_is_upgraded_and_read() {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        write_fixture().await;
    }
    let all = all_migrations().await;
    for (at, name) in all.iter().enumerate() {
        let fixture = std::fs::read_to_string(folder().join(format!("{name}.sql")))
            .unwrap_or_else(|_| panic!("the schema of {name} is not kept: see docs/migrations.md"));
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("old.db");
        sql(&path, &fixture);
        let status = migration_status(&config(&path)).await.unwrap();
        assert_eq!((status.applied.as_slice(), status.pending.as_slice()), all.split_at(at + 1), "{name}");

        let store = open_with(config(&path)).await.unwrap();
        assert_eq!(migration_status(&config(&path)).await.unwrap().pending, Vec::<String>::new());
        // Before the version of the index was kept, nobody knows it.
        let unknown = (name.as_str() < "20261126000000").then_some(Check::INDEX_VERSION);
        for checks in [store.check().await.unwrap(), store.maintenance().verify().await.unwrap()] {
            let failed: Vec<_> = checks.iter().filter(|check| !check.ok).map(|it| it.name.as_str()).collect();
            assert_eq!(failed, Vec::from_iter(unknown), "{name}: {checks:?}");
        }
        store.maintenance().reindex().await.unwrap();
        for checks in [store.check().await.unwrap(), store.maintenance().verify().await.unwrap()] {
            assert!(checks.iter().all(|check| check.ok), "{name}: {checks:?}");
        }
        let sample = sample();
        let all = Visibility::WithDeleted;
        let channel = store.channels().get(&sample.channel.id, Visibility::Live).await.unwrap().unwrap();
        assert_eq!(channel.entity, sample.channel, "{name}");
        for (video, deleted) in sample.videos.iter().zip([false, true]) {
            let found = store.videos().get(&video.id, all).await.unwrap().unwrap();
            assert_eq!((&found.entity, found.deleted_at.is_some()), (video, deleted), "{name}");
        }
        let transcript = store.transcripts().get(&sample.transcript.id(), all).await.unwrap().unwrap();
        assert_eq!(transcript.entity, sample.transcript, "{name}");
        let graph = store.knowledge_graphs().get(&sample.graph.id, all).await.unwrap().unwrap();
        assert_eq!(graph.entity, sample.graph, "{name}");
        let media_file = store.media_files().get(&sample.media_file.id, all).await.unwrap().unwrap();
        assert_eq!(media_file.entity, sample.media_file, "{name}");
        let source_file = store.source_files().get(&sample.source_file.path, all).await.unwrap();
        let expected = (name.as_str() >= "20261123000000").then_some(sample.source_file); // there are none before
        assert_eq!(source_file.map(|stored| stored.entity), expected, "{name}");
        let playlist = store.playlists().get(&sample.playlist.id, all).await.unwrap();
        let expected = (name.as_str() >= "20261124000000").then_some(sample.playlist);
        assert_eq!(playlist.map(|stored| stored.entity), expected, "{name}");
        let query = SearchQuery::parse("\"order 鰹節\"").unwrap();
        let hits = store.transcripts().search(&SearchRequest::new(query)).await.unwrap();
        assert_eq!(hits.items.len(), 1, "{name}");
        // The sequence of revisions goes on, and the old rows can be written.
        let created = store.videos().create(&crate::support::video("new")).await.unwrap();
        assert!(created.revision > transcript.revision, "{name}");
        store.transcripts().delete(&sample.transcript.id(), None).await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn undoing_a_migration_says_first_what_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("catalogue.db");
    let all = migrate(&config(&path)).await.unwrap();
    let store = open_with(config(&path)).await.unwrap();
    store.channels().create(&sample().channel).await.unwrap();
    for video in sample().videos {
        store.videos().create(&video).await.unwrap();
    }
    store.close().await.unwrap();
    let maintenance = Maintenance::new(config(&path)).unwrap();
    let error = maintenance.revert(all.len() + 1, true).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");

    let newest_first: Vec<String> = all.iter().rev().cloned().collect();
    let asked = maintenance.revert(all.len(), false).await.unwrap();
    assert_eq!((asked.done, &asked.migrations), (false, &newest_first));
    let lost = [("channels", 1), ("passages", 1), ("search_index", 1), ("store_state", 1), ("videos", 2)];
    let lost: BTreeMap<String, u64> = lost.map(|(name, rows)| (name.to_owned(), rows)).into();
    assert_eq!(asked.lost, lost);
    assert_eq!(migration_status(&config(&path)).await.unwrap().pending, Vec::<String>::new());

    let one = maintenance.revert(1, true).await.unwrap();
    assert_eq!((one.done, one.lost, one.migrations.as_slice()), (true, BTreeMap::new(), &newest_first[..1]));
    assert_eq!(migration_status(&config(&path)).await.unwrap().pending, newest_first[..1]);
    assert_eq!(migrate(&config(&path)).await.unwrap(), newest_first[..1]);
    let store = open_with(config(&path)).await.unwrap();
    assert!(store.check().await.unwrap().iter().all(|check| check.ok));
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 2);
    store.close().await.unwrap();

    // Back to an empty database, which can be migrated again.
    assert_eq!(maintenance.revert(all.len(), true).await.unwrap().lost, lost);
    assert_eq!(migration_status(&config(&path)).await.unwrap().pending, all);
    assert_eq!(migrate(&config(&path)).await.unwrap(), all);
}

/// As of a program that took ü for another letter than u.
#[tokio::test]
async fn an_index_of_an_older_version_is_told_of_until_it_is_built_anew() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("catalogue.db");
    let store = open_with(config(&path)).await.unwrap();
    assert!(store.check().await.unwrap().iter().all(|check| check.ok), "an empty index is of every version");
    store.videos().create(&Video::new(VideoFields::new(id("v"), "Grüße")).unwrap()).await.unwrap();
    store.close().await.unwrap();
    sql(
        &path,
        "DELETE FROM passages_fts WHERE rowid = 1;
         INSERT INTO passages_fts (rowid, tokens) VALUES (1, 'grüsse');
         UPDATE search_index SET version = 0;",
    );

    let request = || SearchRequest::new(SearchQuery::parse("grusse").unwrap());
    let store = open_with(config(&path)).await.unwrap();
    assert_eq!(store.transcripts().search(&request()).await.unwrap().items.len(), 0);
    let maintenance = store.maintenance();
    for checks in [store.check().await.unwrap(), maintenance.verify().await.unwrap()] {
        let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
        assert_eq!(failed.len(), 1, "{checks:?}");
        assert_eq!(failed[0].name, Check::INDEX_VERSION);
        assert!(failed[0].detail.contains("(version 0, and not 1)"), "{checks:?}");
        assert!(failed[0].detail.ends_with("build it anew with `db reindex`"), "{checks:?}");
    }
    // It is the same in a backup, which can be restored all the same.
    let backup = place.path().join("backup.db");
    maintenance.backup(&backup, false).await.unwrap();
    let copy = Maintenance::new(config(&place.path().join("restored.db"))).unwrap();
    copy.restore(&backup, false).await.unwrap();
    assert_eq!(copy.verify().await.unwrap().iter().filter(|check| !check.ok).count(), 1);

    maintenance.reindex().await.unwrap();
    assert_eq!(store.transcripts().search(&request()).await.unwrap().items.len(), 1);
    for checks in [store.check().await.unwrap(), maintenance.verify().await.unwrap()] {
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    }
    store.close().await.unwrap();
}
