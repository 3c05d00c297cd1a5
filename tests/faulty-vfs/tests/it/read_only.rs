//! A database that may not be written: reads are answered, writes refused, until it may be again.

use tubeatlas_adapters_sqlite::Synchronous;
use tubeatlas_faulty_vfs::{Disk, Random};
use tubeatlas_ports::{Error, Mode, Repositories, Store, Visibility};

use crate::support::{config, id, open, video};

#[tokio::test]
async fn a_write_protected_database_answers_reads_and_refuses_writes() {
    let mut random = Random::new(1);
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::under(folder.path()).unwrap();
    let config = config(&folder.path().join("catalogue.db"), Synchronous::Full);
    let store = open(config.clone()).await.unwrap();
    store.videos().create(&video(1, &mut random)).await.unwrap();
    store.close().await.unwrap();

    disk.write_protect(true);
    let store = open(config).await.unwrap();
    assert!(store.videos().exists(&id(1), Visibility::Live).await.unwrap());
    for refused in [
        store.videos().create(&video(2, &mut random)).await.map(drop),
        store.videos().delete(&id(1), None).await,
        store.begin(Mode::ReadWrite).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    }
    let unit = store.begin(Mode::ReadOnly).await.unwrap();
    assert!(unit.videos().exists(&id(1), Visibility::Live).await.unwrap());
    unit.commit().await.unwrap();

    disk.write_protect(false);
    store.videos().create(&video(3, &mut random)).await.unwrap();
    store.close().await.unwrap();
}
