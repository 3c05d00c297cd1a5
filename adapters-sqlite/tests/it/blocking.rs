//! A caller that is not async.

use std::sync::Arc;

use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_ports::blocking::Blocking;
use tubeatlas_ports::{Error, Mode, Store, SystemClock, UuidV7Generator, VideoFilter, Visibility};

use crate::support::{id, video};

#[test]
fn a_script_writes_reads_and_closes() {
    let config = SqliteConfig::new(Location::Temporary);
    let open = SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator));
    let store: Blocking<Arc<dyn Store>> =
        Blocking::open(async { Ok(Arc::new(open.await?) as Arc<dyn Store>) }).unwrap();
    store.wait(store.videos().create(&video("one"))).unwrap();
    let unit = store.wait(store.begin(Mode::ReadWrite)).unwrap();
    store.wait(unit.videos().create(&video("two"))).unwrap();
    store.wait(unit.commit()).unwrap();
    std::thread::scope(|scope| {
        for name in ["three", "four"] {
            let store = &store;
            scope.spawn(move || store.wait(store.videos().create(&video(name))).unwrap());
        }
    });
    assert_eq!(store.wait(store.videos().count(&VideoFilter::default())).unwrap(), 4);
    store.wait(store.close()).unwrap();
    let closed = store.wait(store.videos().exists(&id("one"), Visibility::Live));
    assert!(matches!(closed, Err(Error::Closed { .. })), "{closed:?}");
}
