//! What is said about a file that cannot be opened.

use std::path::Path;
use std::sync::Arc;

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
    assert_eq!(again.health().await.unwrap().details["schema"], "1");
}

#[tokio::test]
async fn a_file_of_another_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.redb");
    open_at(&file).await.unwrap().close().await.unwrap();
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = TableDefinition::<&[u8], &[u8]>::new("meta");
    transaction.open_table(meta).unwrap().insert(&b"schema"[..], &b"2"[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(open_at(&file).await, Err(Error::SchemaMismatch { .. })));
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
