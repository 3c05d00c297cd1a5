//! Backup, restore, verify, reindex, vacuum, checkpoint, stats.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tubeatlas_adapters_sqlite::{
    Maintenance, SqliteConfig, SqliteStore, Stats, TableStats, migration_status,
};
use tubeatlas_domain::{
    Cue, LanguageTag, MediaFile, MediaFileFields, MediaFileId, Playlist, PlaylistFields, PlaylistId,
    SourceFile, SourceFileFields, SourcePath, Timestamp, Transcript, TranscriptFields, TranscriptKind,
};
use tubeatlas_ports::{Check, Error, Mode, Repositories, SearchRequest, Store, VideoFilter, Visibility};

use crate::support::{config, id, open_with, sql, video};

/// A folder with a database in it, whose lock is not waited for for long.
struct Place {
    folder: tempfile::TempDir,
    config: SqliteConfig,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let busy_timeout = Duration::from_millis(50);
        let config = SqliteConfig { busy_timeout, ..config(&folder.path().join("catalogue.db")) };
        Self { folder, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn database(&self) -> PathBuf {
        self.path("catalogue.db")
    }

    fn maintenance(&self) -> Maintenance {
        Maintenance::new(self.config.clone()).unwrap()
    }

    async fn open(&self) -> SqliteStore {
        open_with(self.config.clone()).await.unwrap()
    }

    /// Makes the database with these videos, and closes it.
    async fn with_videos(&self, ids: &[&str]) {
        let store = self.open().await;
        for id in ids {
            store.videos().create(&video(id)).await.unwrap();
        }
        store.close().await.unwrap();
    }

    async fn count(&self) -> u64 {
        let store = self.open().await;
        let count = store.videos().count(&VideoFilter::default()).await.unwrap();
        store.close().await.unwrap();
        count
    }

    /// The names of all files in the folder.
    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn transcript(video: &str, language: &str, text: &str) -> Transcript {
    Transcript::new(TranscriptFields {
        video_id: id(video),
        language: LanguageTag::parse(language).unwrap(),
        kind: TranscriptKind::Manual,
        cues: vec![Cue { start_ms: 0, end_ms: 1_000, text: text.to_owned() }],
    })
    .unwrap()
}

fn assert_whole(checks: &[Check]) {
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert!(checks.iter().any(|check| check.name == "search index"), "{checks:?}");
}

/// How many backups are made; the long proof has a thousand.
fn backups() -> usize {
    std::env::var("TUBEATLAS_BACKUPS").map_or(5, |number| number.parse().unwrap())
}

/// How many tasks write, and in how many places each of them does so in turn.
const WRITERS: usize = 4;
const PLACES: u64 = 50;

/// Writes `n` at three places in one unit of work.
async fn write_three(store: &SqliteStore, task: usize, n: u64) {
    let (a, b) = (format!("a{task}x{}", n % PLACES), format!("b{task}x{}", n % PLACES));
    let titled = |id: &str| {
        let mut fields = video(id).into_fields();
        fields.title = n.to_string();
        tubeatlas_domain::Video::new(fields).unwrap()
    };
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    unit.videos().upsert(&titled(&a)).await.unwrap();
    unit.transcripts().upsert(&transcript(&a, "en", &n.to_string())).await.unwrap();
    unit.videos().upsert(&titled(&b)).await.unwrap();
    unit.commit().await.unwrap();
}

/// The last `n` that a task has written, after it was checked that what it wrote is the same at all three places.
async fn last_written(store: &SqliteStore, task: usize) -> u64 {
    let mut last = 0;
    for place in 0..PLACES {
        let (a, b) = (id(&format!("a{task}x{place}")), id(&format!("b{task}x{place}")));
        let title = async |id| {
            let video = store.videos().get(id, Visibility::Live).await.unwrap();
            video.map(|video| video.title.clone())
        };
        let language = LanguageTag::parse("en").unwrap();
        let said = tubeatlas_domain::TranscriptId { video_id: a.clone(), language };
        let said = store.transcripts().get(&said, Visibility::Live).await.unwrap();
        let said = said.map(|transcript| transcript.cues[0].text.clone());
        assert_eq!(
            (title(&a).await, title(&b).await),
            (said.clone(), said.clone()),
            "half of a unit of work"
        );
        last = last.max(said.map_or(0, |n| n.parse().unwrap()));
    }
    last
}

/// Backups are made while four tasks write as fast as they can. Each is restored to a new place, verified and read: it
/// has what was acknowledged before it began, and no half of a unit of work.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backups_under_load_are_whole_and_of_one_moment() {
    let place = Place::new();
    let store = open_with(config(&place.database())).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged: Arc<[AtomicU64; WRITERS]> = Arc::default();
    let mut writers = tokio::task::JoinSet::new();
    for task in 0..WRITERS {
        let (store, stop, acknowledged) = (store.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
        writers.spawn(async move {
            for n in 1.. {
                write_three(&store, task, n).await;
                acknowledged[task].store(n, Ordering::SeqCst);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
    }
    let written = || acknowledged.each_ref().map(|n| n.load(Ordering::SeqCst));
    let mut first = [0; WRITERS];
    for n in 0..backups() {
        while written().iter().zip(first).any(|(now, before)| *now <= before) {
            tokio::task::yield_now().await; // each has written since the last backup began
        }
        let at_least = written();
        let target = place.path("backup.db");
        let backup = store.maintenance().backup(&target, n > 0).await.unwrap();
        assert_eq!(backup.bytes, fs::metadata(&target).unwrap().len());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let at_most = written().map(|n| n + 1); // the last one may not have been acknowledged
        let restored = Place::new();
        restored.maintenance().restore(&target, false).await.unwrap();
        assert_whole(&restored.maintenance().verify().await.unwrap());
        let copy = restored.open().await;
        for task in 0..WRITERS {
            let last = last_written(&copy, task).await;
            let range = at_least[task]..=at_most[task];
            assert!(range.contains(&last), "backup {n} has {last} of task {task}, not one of {range:?}");
        }
        copy.close().await.unwrap();
        first = at_least;
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
    println!("{} backups restored and verified; units of work meanwhile: {:?}", backups(), written());
    store.close().await.unwrap();
    assert_eq!(place.files(), ["backup.db", "catalogue.db"], "nothing is left over");
}

#[tokio::test]
async fn a_backup_replaces_nothing_unasked_and_never_the_database() {
    let place = Place::new();
    place.with_videos(&["v"]).await;
    let maintenance = place.maintenance();
    let target = place.path("backup.db");
    fs::write(&target, "precious").unwrap();
    let error = maintenance.backup(&target, false).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)) && error.to_string().contains("is there already"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    maintenance.backup(&target, true).await.unwrap();
    assert!(migration_status(&config(&target)).await.unwrap().pending.is_empty());

    let error = maintenance.backup(&place.database(), true).await.unwrap_err();
    assert!(error.to_string().contains("is the database itself"), "{error}");
    let in_use = open_with(config(&place.path("other.db"))).await.unwrap();
    let error = maintenance.backup(&place.path("other.db"), true).await.unwrap_err();
    assert!(error.to_string().contains("is in use"), "{error}");
    in_use.close().await.unwrap();
    let error = maintenance.backup(&place.path("missing/backup.db"), false).await.unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(place.files(), ["backup.db", "catalogue.db", "other.db"], "nothing is left over");
    assert_eq!(place.count().await, 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_made() {
    let place = Place::new();
    let maintenance = place.maintenance();
    for error in [
        maintenance.backup(&place.path("backup.db"), false).await.unwrap_err(),
        maintenance.restore(&place.path("backup.db"), false).await.unwrap_err(),
        maintenance.verify().await.unwrap_err(),
        maintenance.vacuum().await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    assert!(place.files().is_empty());
    let temporary = SqliteConfig::new(tubeatlas_adapters_sqlite::Location::Temporary);
    assert!(matches!(Maintenance::new(temporary), Err(Error::Unsupported { .. })));
}

#[tokio::test]
async fn a_database_that_holds_data_is_only_replaced_when_asked() {
    let place = Place::new();
    place.with_videos(&["a", "b"]).await;
    let maintenance = place.maintenance();
    let backup = place.path("backup.db");
    maintenance.backup(&backup, false).await.unwrap();
    place.with_videos(&["c"]).await;
    let error = maintenance.restore(&backup, false).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)) && error.to_string().contains("holds data"), "{error}");
    assert_eq!(place.count().await, 3);
    let error = maintenance.restore(&place.database(), true).await.unwrap_err();
    assert!(error.to_string().contains("is the database itself"), "{error}");

    let store = place.open().await;
    let error = maintenance.restore(&backup, true).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("stop the programs"), "{error}");
    assert_eq!(store.videos().count(&VideoFilter::default()).await.unwrap(), 3);
    store.close().await.unwrap();

    let restored = maintenance.restore(&backup, true).await.unwrap();
    assert_eq!((restored.path.clone(), restored.pending), (place.database(), vec![]));
    assert_eq!(place.count().await, 2);
    assert_eq!(place.files(), ["backup.db", "catalogue.db"], "nothing is left over");

    // A new and empty one need not be overwritten.
    let empty = Place::new();
    empty.with_videos(&[]).await;
    empty.maintenance().restore(&backup, false).await.unwrap();
    assert_eq!(empty.count().await, 2);
}

/// The log of the old database, left by a process that was killed, must not be brought into the new one.
#[tokio::test]
async fn the_log_of_the_old_database_goes_with_it() {
    let place = Place::new();
    place.with_videos(&["old"]).await;
    let backup = place.path("backup.db");
    place.maintenance().backup(&backup, false).await.unwrap();
    let store = place.open().await;
    for n in 0..50 {
        store.videos().create(&video(&format!("n{n}"))).await.unwrap();
    }
    let killed = Place::new();
    fs::copy(place.database(), killed.database()).unwrap();
    fs::copy(place.path("catalogue.db-wal"), killed.path("catalogue.db-wal")).unwrap();
    let orphan = Place::new();
    fs::copy(place.path("catalogue.db-wal"), orphan.path("catalogue.db-wal")).unwrap();
    store.close().await.unwrap();

    killed.maintenance().restore(&backup, true).await.unwrap();
    assert_eq!(killed.files(), ["catalogue.db"]);
    assert_eq!(killed.count().await, 1);
    assert_whole(&killed.maintenance().verify().await.unwrap());

    let error = orphan.maintenance().restore(&backup, false).await.unwrap_err();
    assert!(error.to_string().contains("is left of a database"), "{error}");
    orphan.maintenance().restore(&backup, true).await.unwrap();
    assert_eq!((orphan.count().await, orphan.files()), (1, vec!["catalogue.db".to_owned()]));
}

#[tokio::test]
async fn what_is_no_whole_backup_of_ours_is_not_restored() {
    let place = Place::new();
    let many: Vec<String> = (0..200).map(|n| format!("v{n}")).collect();
    place.with_videos(&many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let maintenance = place.maintenance();
    let good = place.path("good.db");
    maintenance.backup(&good, false).await.unwrap();
    let bytes = fs::read(&good).unwrap();
    let bad = |name: &str, bytes: &[u8]| {
        let path = place.path(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let mut damaged = bytes.clone();
    let title = damaged.windows(12).rposition(|window| window == b"Title of v77").unwrap();
    let page = title / 4_096 * 4_096;
    damaged[page..page + 8].fill(0xff);
    let unindexed = bad("unindexed.db", &bytes);
    sql(&unindexed, "DELETE FROM passages_fts WHERE rowid = 3");
    let foreign = place.path("foreign.db");
    sql(&foreign, "CREATE TABLE t (x)");
    let newer = bad("newer.db", &bytes);
    sql(&newer, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
    for (path, says) in [
        (bad("cut.db", &bytes[..bytes.len() / 2]), "damaged"),
        (bad("damaged.db", &damaged), "damaged"),
        (unindexed, "search index"),
        (foreign, "not one of Tubeatlas"),
        (newer, "newer Tubeatlas"),
        (bad("text.db", "no database at all".repeat(100).as_bytes()), "not an SQLite database"),
        (bad("empty.db", b""), "is empty"),
    ] {
        let error = maintenance.restore(&path, true).await.unwrap_err();
        assert!(error.to_string().contains(says), "{}: {}", path.display(), error.chain());
        let partial: Vec<String> =
            place.files().into_iter().filter(|name| name.contains("partial")).collect();
        assert!(partial.is_empty(), "{partial:?}");
    }
    assert_eq!(place.count().await, 200);
    // What stands at its place is replaced if it is damaged, but not if it is somebody else's.
    let other = Place::new();
    fs::write(other.database(), &damaged).unwrap();
    other.maintenance().restore(&good, true).await.unwrap();
    assert_eq!(other.count().await, 200);
    fs::copy(place.path("foreign.db"), other.database()).unwrap();
    let error = other.maintenance().restore(&good, true).await.unwrap_err();
    assert!(matches!(error, Error::SchemaMismatch { .. }), "{error:?}");
}

/// Makes the database with what verification looks at.
async fn catalogue(place: &Place) {
    let store = place.open().await;
    for n in 0..3 {
        let video_id = format!("v{n}");
        store.videos().create(&video(&video_id)).await.unwrap();
        let text = format!("one two three {n} four five");
        store.transcripts().create(&transcript(&video_id, "en", &text)).await.unwrap();
        let fields = MediaFileFields::new(
            MediaFileId::new(uuid::Uuid::from_u128(n + 1)),
            id(&video_id),
            format!("/archive/video {n}.mkv"),
        );
        store.media_files().create(&MediaFile::new(fields).unwrap()).await.unwrap();
    }
    store.videos().delete(&id("v2"), None).await.unwrap(); // what is deleted is looked at as well
    let mut playlist = PlaylistFields::new(PlaylistId::parse("PL").unwrap(), "A playlist");
    playlist.videos = ["v1", "elsewhere", "v1"].map(id).to_vec();
    store.playlists().create(&Playlist::new(playlist).unwrap()).await.unwrap();
    let source = SourcePath::parse("/archive/0.json").unwrap();
    let source = SourceFileFields::new(source, 1, Timestamp::UNIX_EPOCH, 1);
    store.source_files().create(&SourceFile::new(source).unwrap()).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn verify_names_what_is_wrong() {
    for (check, says, damage) in [
        (
            "search index",
            "passage 0 of v1 (en) has other tokens than its text; build it anew",
            TOKENS_SWAPPED,
        ),
        (
            "search index",
            "the index has tokens of a passage 99 ",
            "INSERT INTO passages_fts (rowid, tokens) VALUES (99, 'x'); DELETE FROM passages WHERE id = 1",
        ),
        ("search index", "passage 0 of v0 (en) has other tokens", "DELETE FROM passages_fts WHERE rowid = 2"),
        (
            "search index",
            "v0 (title and description) has 0 passages, not its 1",
            "DELETE FROM passages_fts WHERE rowid = 1; DELETE FROM passages WHERE id = 1",
        ),
        (
            "search index",
            "v2 (de) has passages and no transcript",
            "UPDATE passages SET language = 'de' WHERE video_id = 'v2' AND language = 'en'",
        ),
        (
            "transcripts",
            "v1/en has other counts than its cues",
            "UPDATE transcripts SET cue_count = 7 WHERE video_id = 'v1'",
        ),
        (
            "transcripts",
            "transcripts, row v1/en",
            "UPDATE transcripts SET cues = x'ff' WHERE video_id = 'v1'",
        ),
        ("search index", "not compared", "UPDATE transcripts SET cues = x'ff' WHERE video_id = 'v1'"),
        (
            "media files",
            "00000000-0000-0000-0000-000000000002 is not found by the words",
            "DELETE FROM media_file_words WHERE word = '1'",
        ),
        (
            "playlists",
            "PL is not found by the videos that it holds",
            "DELETE FROM playlist_videos WHERE video_id = 'v1'",
        ),
        ("playlists", "PL has another count than its videos", "UPDATE playlists SET video_count = 7"),
        ("source files", "source_files, row /archive/0.json", "UPDATE source_files SET size_bytes = -1"),
        ("videos", "videos, row v2", "UPDATE videos SET duration_ms = -1 WHERE id = 'v2'"),
        ("revision", "the last one given is 3", "UPDATE store_state SET revision = 3"),
        (
            "references",
            "videos row 1 refers to a missing channels",
            "UPDATE videos SET channel_id = 'nobody' WHERE id = 'v0'",
        ),
        ("integrity", "ix_videos_channel_id", INDEX_ROW_LOST),
    ] {
        let place = Place::new();
        catalogue(&place).await;
        assert_whole(&place.maintenance().verify().await.unwrap());
        sql(&place.database(), &format!("PRAGMA foreign_keys = OFF; {damage}"));
        let checks = place.maintenance().verify().await.unwrap();
        let found = checks.iter().find(|found| found.name == check).unwrap();
        assert!(!found.ok && found.detail.contains(says), "{damage}: {checks:?}");
    }
}

/// The same documents and counts, but other words.
const TOKENS_SWAPPED: &str = "DELETE FROM passages_fts WHERE rowid = 4;
     INSERT INTO passages_fts (rowid, tokens) VALUES (4, 'one two three 1 five four')";

/// An index that lacks a row of its table: made over fewer rows, and then said to be over all.
const INDEX_ROW_LOST: &str = "DROP INDEX ix_videos_channel_id;
     CREATE INDEX ix_videos_channel_id ON videos (channel_id, id, deleted_at) WHERE id <> 'v1';
     PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_videos_channel_id ON videos (channel_id, id, deleted_at)'
         WHERE name = 'ix_videos_channel_id'";

#[tokio::test]
async fn reindex_mends_what_is_searched() {
    let place = Place::new();
    catalogue(&place).await;
    for damage in [
        TOKENS_SWAPPED,
        "DELETE FROM passages_fts; DELETE FROM passages",
        "DELETE FROM media_file_words",
        "DELETE FROM playlist_videos",
        "UPDATE playlist_videos SET video_id = 'v0' WHERE video_id = 'v1'",
        "INSERT INTO passages_fts (rowid, tokens) VALUES (99, 'x')",
        "DELETE FROM passages_fts_data", // FTS5 itself says that it is malformed
    ] {
        sql(&place.database(), damage);
        let checks = place.maintenance().verify().await.unwrap();
        assert!(checks.iter().any(|check| !check.ok), "{damage}: {checks:?}");
        let reindexed = place.maintenance().reindex().await.unwrap();
        let counts = (reindexed.videos, reindexed.transcripts, reindexed.passages, reindexed.media_files);
        assert_eq!((counts, reindexed.playlists), ((3, 3, 6, 3), 1), "{damage}");
        assert_whole(&place.maintenance().verify().await.unwrap());
    }
    let store = place.open().await;
    let query = tubeatlas_domain::search::SearchQuery::parse("\"three 1 four\"").unwrap();
    let hits = store.transcripts().search(&SearchRequest::new(query)).await.unwrap();
    assert_eq!(hits.items.len(), 1);
    // Nobody can write meanwhile, and it waits for nobody for ever.
    let unit = store.begin(Mode::ReadWrite).await.unwrap();
    let error = place.maintenance().reindex().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { waited_ms: 50, .. }), "{error:?}");
    unit.rollback().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn vacuum_gives_room_back_and_stats_count_it() {
    let place = Place::new();
    catalogue(&place).await;
    let store = place.open().await;
    let long: Vec<String> = (0..30).map(|n| format!("long{n}")).collect();
    for id in &long {
        let mut fields = video(id).into_fields();
        fields.description = Some("some words ".repeat(400));
        store.videos().create(&tubeatlas_domain::Video::new(fields).unwrap()).await.unwrap();
    }
    let maintenance = store.maintenance();
    let stats = maintenance.stats().await.unwrap();
    let table = |name: &str| stats.tables.iter().find(|table| table.name == name).unwrap().clone();
    assert_eq!((table("videos").rows, table("transcripts").rows, table("media_files").rows), (33, 3, 3));
    assert_eq!(table("passages").rows, table("passages_fts").rows);
    assert!(table("videos").table_bytes > 30 * 4_000 && table("videos").index_bytes > 0, "{stats:?}");
    assert!(stats.wal_bytes > 0, "{stats:?}");
    let counted: u64 = stats.tables.iter().map(|table| table.table_bytes + table.index_bytes).sum();
    assert_eq!(counted + stats.free_bytes, stats.database_bytes, "{stats:?}");
    for id in &long {
        store.videos().purge(&crate::support::id(id), None).await.unwrap();
    }
    let before = maintenance.stats().await.unwrap();
    let vacuumed = maintenance.vacuum().await.unwrap();
    let after = maintenance.stats().await.unwrap();
    assert_eq!((vacuumed.bytes_before, vacuumed.bytes_after), (before.database_bytes, after.database_bytes));
    assert_eq!(fs::metadata(place.database()).unwrap().len(), after.database_bytes);
    assert!(before.free_bytes > 0 && after.free_bytes == 0, "{before:?}, {after:?}");
    // But for the table of the schema: SQLite writes it in another order then (tables, indexes, virtual tables), whose
    // long texts may fill one page more.
    let bytes = |stats: &Stats| {
        let of = |table: &TableStats| (table.name.clone(), table.table_bytes + table.index_bytes);
        stats.tables.iter().filter(|table| table.name != "sqlite_schema").map(of).collect::<BTreeMap<_, _>>()
    };
    for (table, bytes_after) in bytes(&after) {
        assert!(bytes_after <= bytes(&before)[&table], "{table}: {before:?}, {after:?}");
    }
    // The store goes on.
    assert!(store.videos().get(&id("v0"), Visibility::Live).await.unwrap().is_some());
    assert_whole(&maintenance.verify().await.unwrap());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_checkpoint_empties_the_log_unless_somebody_reads() {
    let place = Place::new();
    let store = place.open().await;
    store.videos().create(&video("a")).await.unwrap();
    let reader = store.begin(Mode::ReadOnly).await.unwrap();
    store.videos().create(&video("b")).await.unwrap();
    let held = store.maintenance().checkpoint().await.unwrap();
    assert!(!held.complete && held.bytes_after > 0, "{held:?}");
    reader.rollback().await.unwrap();
    let free = store.maintenance().checkpoint().await.unwrap();
    assert!(free.complete && free.bytes_before > 0 && free.bytes_after == 0, "{free:?}");
    store.close().await.unwrap();
}

/// What most needs a backup is a database before its upgrade.
#[tokio::test]
async fn a_database_that_needs_migrations_can_be_backed_up_and_restored() {
    let place = Place::new();
    place.with_videos(&["a"]).await;
    let later = migration_status(&place.config).await.unwrap().applied.len() - 1;
    place.maintenance().revert(later, true).await.unwrap();
    let pending = migration_status(&place.config).await.unwrap().pending;
    assert_eq!(pending.len(), later);
    let maintenance = place.maintenance();
    maintenance.backup(&place.path("backup.db"), false).await.unwrap();
    assert_eq!(
        migration_status(&place.config).await.unwrap().pending,
        pending,
        "the backup migrated nothing"
    );
    assert!(matches!(maintenance.reindex().await.unwrap_err(), Error::SchemaMismatch { .. }));
    let restored = maintenance.restore(&place.path("backup.db"), true).await.unwrap();
    assert_eq!(restored.pending, pending);
    assert_eq!(place.count().await, 1);
    maintenance.reindex().await.unwrap(); // nobody knows which version its index was made by
    assert_whole(&maintenance.verify().await.unwrap());
}
