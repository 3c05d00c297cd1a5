//! Opening: what is refused, what is made, and that many may do it at once.

use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use tubeatlas_adapters_sqlite::{
    JournalMode, Location, SqliteConfig, Synchronous, migrate, migration_status,
};
use tubeatlas_ports::{Error, Repositories, Store, VideoFilter};

use crate::support::{config, open_with, sql, video};

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "these are my notes, and no database; ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    // SQLite takes what has this name for its own: it would delete it, or, if it is a journal that was left when power
    // failed while a database was made, empty the file.
    let journal = folder.path().join("notes.txt-journal");
    let magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let numbers = [0, 0, 0, 512, 4_096_u32].map(u32::to_be_bytes).concat();
    let mut left = [&magic[..], &numbers].concat();
    left.resize(512, 0);
    for beside in
        [None, Some(&b""[..]), Some(b"day 1: "), Some(b"day 1: wrote the notes"), Some(&magic), Some(&left)]
    {
        beside.inspect(|beside| std::fs::write(&journal, beside).unwrap());
        let error = open_with(config(&path)).await.unwrap_err();
        assert!(matches!(&error, Error::SchemaMismatch { .. }), "{error:?}");
        assert!(error.to_string().contains("notes.txt is not an SQLite database"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(std::fs::read(&journal).ok().as_deref(), beside);
    }
}

/// The folder's `.cargo/config.toml` says how SQLite is compiled, and why.
#[test]
fn sqlite_is_compiled_without_locks_that_all_connections_share() {
    #[derive(diesel::QueryableByName)]
    struct Compiled {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        memory_management: bool,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        without_statistics: bool,
    }
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let compiled: Compiled = diesel::sql_query(
        "SELECT sqlite_compileoption_used('ENABLE_MEMORY_MANAGEMENT') AS memory_management,
                sqlite_compileoption_used('DEFAULT_MEMSTATUS=0') AS without_statistics",
    )
    .get_result(&mut connection)
    .unwrap();
    assert!(!compiled.memory_management && compiled.without_statistics);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    sql(&path, "CREATE TABLE videos (id TEXT); INSERT INTO videos VALUES ('x')");
    let before = std::fs::read(&path).unwrap();
    let error = open_with(config(&path)).await.unwrap_err();
    assert!(matches!(&error, Error::SchemaMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("not one of Tubeatlas"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn the_database_of_a_newer_program_is_refused_by_the_migration_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.db");
    open_with(config(&path)).await.unwrap().close().await.unwrap();
    sql(&path, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
    let error = open_with(config(&path)).await.unwrap_err();
    assert!(matches!(&error, Error::SchemaMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("99991231235959"), "{error}");
}

/// All files of a folder with their contents, but for `-shm`, which is no more than memory that processes share.
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| !path.to_str().unwrap().ends_with("-shm"));
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// Copies a database and its log as they are while it is open, as the end of a process would leave them.
fn left_behind(path: &std::path::Path, make: impl FnOnce(&mut SqliteConnection)) {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original.db");
    let mut connection = SqliteConnection::establish(original.to_str().unwrap()).unwrap();
    make(&mut connection);
    std::fs::copy(&original, path).unwrap();
    std::fs::copy(folder.path().join("original.db-wal"), format!("{}-wal", path.display())).unwrap();
}

#[tokio::test]
async fn what_is_refused_is_left_with_its_log() {
    // A name with what has a meaning in SQLite's URIs.
    let folder = tempfile::Builder::new().suffix("100% #1 ?").tempdir().unwrap();
    let path = folder.path().join("refused.db");
    for (says, make) in [
        ("not one of Tubeatlas", "PRAGMA journal_mode = WAL; CREATE TABLE videos (id)"),
        (
            "not one of Tubeatlas",
            "PRAGMA application_id = 7; PRAGMA journal_mode = WAL; CREATE TABLE videos (id)",
        ),
        (
            "newer Tubeatlas (it has 99991231235959",
            "PRAGMA journal_mode = WAL; PRAGMA application_id = 1415725428;
             CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY, run_on TEXT);
             INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')",
        ),
    ] {
        left_behind(&path, |connection| connection.batch_execute(make).unwrap());
        let before = contents(folder.path());
        assert_eq!(before.len(), 2, "{before:?}");
        let error = open_with(config(&path)).await.unwrap_err();
        assert!(matches!(&error, Error::SchemaMismatch { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(contents(folder.path()) == before, "{says}: something was changed");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn all_files_of_the_database_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("catalogue.db");
    let store = open_with(config(&path)).await.unwrap();
    store.videos().create(&video("v")).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        files += 1;
    }
    assert_eq!(files, 3, "the database, -wal and -shm");
}

#[tokio::test]
async fn without_leave_to_migrate_a_new_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    let error = open_with(SqliteConfig { migrate: false, ..config(&path) }).await.unwrap_err();
    assert!(matches!(&error, Error::SchemaMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("db migrate"), "{error}");

    let pending = migration_status(&config(&path)).await.unwrap().pending;
    assert!(!pending.is_empty());
    assert_eq!(migrate(&config(&path)).await.unwrap(), pending);
    assert_eq!(migrate(&config(&path)).await.unwrap(), Vec::<String>::new());
    let status = migration_status(&config(&path)).await.unwrap();
    assert_eq!((status.applied, status.pending), (pending, vec![]));
    open_with(SqliteConfig { migrate: false, ..config(&path) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_file_at_the_same_moment() {
    for round in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.db");
        let mut opening = tokio::task::JoinSet::new();
        for n in 0..8 {
            let config = config(&path);
            opening.spawn(async move {
                let store = open_with(config).await?;
                store.videos().create(&video(&format!("v{n}"))).await?;
                store.close().await
            });
        }
        for result in opening.join_all().await {
            result.unwrap_or_else(|error| panic!("round {round}: {}", error.chain()));
        }
        let store = open_with(config(&path)).await.unwrap();
        assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 8);
    }
}

#[tokio::test]
async fn every_connection_has_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    for (synchronous, journal_mode, foreign_keys) in [
        (Synchronous::Normal, JournalMode::Wal, true),
        (Synchronous::Full, JournalMode::Truncate, false),
        (Synchronous::Extra, JournalMode::Delete, true),
    ] {
        let config = SqliteConfig {
            synchronous,
            journal_mode,
            foreign_keys,
            pool_size: 5,
            busy_timeout: std::time::Duration::from_millis(1_234),
            ..config(&folder.path().join("settings.db"))
        };
        let store = open_with(config).await.unwrap();
        let checks = store.check().await.unwrap();
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        let settings = &checks.iter().find(|check| check.name.starts_with("settings")).unwrap().detail;
        let fk = i32::from(foreign_keys);
        let sync = synchronous.as_number();
        for wanted in [
            format!("journal_mode={}", journal_mode.as_str()),
            format!(
                "5 readers: busy_timeout=1234 foreign_keys={fk} synchronous={sync} query_only=1 trusted_schema=0 cell_size_check=1"
            ),
            format!("writer: busy_timeout=1234 foreign_keys={fk} synchronous={sync} query_only=0"),
        ] {
            assert!(settings.contains(&wanted), "{settings:?} lacks {wanted:?}");
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn check_names_a_difference_in_the_schema_and_in_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drift.db");
    let store = open_with(config(&path)).await.unwrap();
    store.videos().create(&video("v")).await.unwrap();
    store.close().await.unwrap();
    sql(
        &path,
        "DROP INDEX ix_videos_published_at; CREATE TABLE extra (x); DELETE FROM passages_fts;
         PRAGMA foreign_keys = OFF; UPDATE videos SET channel_id = 'nobody'",
    );
    let store = open_with(config(&path)).await.unwrap();
    let checks = store.check().await.unwrap();
    for (name, says) in [
        ("schema", "missing: index ix_videos_published_at"),
        ("schema", "unexpected: table extra"),
        ("search index", "1 passages, 0 entries"),
        ("references", "videos"),
    ] {
        let found =
            checks.iter().filter(|check| check.name == name && !check.ok && check.detail.contains(says));
        assert_eq!(found.count(), 1, "{says}: {checks:?}");
    }
}

#[tokio::test]
async fn a_temporary_database_is_gone_when_it_is_closed() {
    let store = open_with(SqliteConfig::new(Location::Temporary)).await.unwrap();
    store.videos().create(&video("v")).await.unwrap();
    let path = store.health().await.unwrap().details["path"].clone();
    assert!(std::path::Path::new(&path).exists());
    store.close().await.unwrap();
    assert!(!std::path::Path::new(&path).exists());
}

#[tokio::test]
async fn few_connections_serve_many_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig { pool_size: 3, ..config(&folder.path().join("pool.db")) };
    let store = open_with(config).await.unwrap();
    let check = store.pool_check(50, 20).await.unwrap();
    assert_eq!((check.tasks, check.queries, check.errors), (50, 1_000, 0));
    assert!((1..=3).contains(&check.connections), "{check:?}");
}
