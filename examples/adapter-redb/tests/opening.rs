//! When the file of a store is free, and what is said about one that cannot be opened.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};

use adapter_redb::{Options, open};
use redb::{Database, TableDefinition};
use tubeatlas_ports::{Error, Result, Store, SystemClock, UuidV7Generator};

async fn open_at(file: &Path) -> Result<Arc<dyn Store>> {
    open(file, Options::default(), Arc::new(SystemClock), Arc::new(UuidV7Generator)).await
}

#[tokio::test]
async fn a_file_is_open_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.redb");
    let store = open_at(&file).await.unwrap();
    assert!(matches!(open_at(&file).await, Err(Error::Unavailable { .. })));
    store.close().await.unwrap();
    let again = open_at(&file).await.unwrap();
    assert_eq!(again.health().await.unwrap().details["schema"], "3");
}

#[tokio::test]
async fn a_file_of_a_newer_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.redb");
    open_at(&file).await.unwrap().close().await.unwrap();
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = TableDefinition::<&[u8], &[u8]>::new("meta");
    transaction.open_table(meta).unwrap().insert(&b"schema"[..], &b"4"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(open_at(&file).await, Err(Error::SchemaMismatch { .. })));
}

#[tokio::test]
async fn a_file_of_an_older_layout_gets_the_tables_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.redb");
    open_at(&file).await.unwrap().close().await.unwrap();
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    let table = TableDefinition::<&[u8], &[u8]>::new;
    transaction.open_table(table("meta")).unwrap().insert(&b"schema"[..], &b"1"[..]).unwrap();
    for lacking in ["source_files", "playlists", "playlists_by_title"] {
        assert!(transaction.delete_table(table(lacking)).unwrap());
    }
    transaction.commit().unwrap();
    drop(database);
    let store = open_at(&file).await.unwrap();
    assert_eq!(store.source_files().count(&Default::default()).await.unwrap(), 0);
    assert_eq!(store.playlists().count(&Default::default()).await.unwrap(), 0);
    assert_eq!(store.health().await.unwrap().details["schema"], "3");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = open_at(&folder.path().join("none/catalogue.redb")).await.map(drop).unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { .. }) && error.chain().contains("No such file"),
        "{error:?}"
    );
}

#[test]
fn whoever_closes_waits_until_the_file_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.redb");
    // The only thread on which redb may wait for the disk is busy.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let store = open_at(&file).await.unwrap();
        let (go, wait) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || wait.recv());
        let mut context = Context::from_waker(Waker::noop());
        let mut first = store.close();
        assert!(first.as_mut().poll(&mut context).is_pending());
        drop(first);
        let mut second = store.close();
        assert!(second.as_mut().poll(&mut context).is_pending(), "the first one is not done with the file");
        go.send(()).unwrap();
        second.await.unwrap();
        Database::open(&file).unwrap();
    });
}
