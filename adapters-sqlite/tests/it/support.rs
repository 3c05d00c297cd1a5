//! Stores and entities for the tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_domain::{Video, VideoFields, VideoId};
use tubeatlas_ports::{Result, SystemClock, UuidV7Generator};

pub(crate) fn config(path: &Path) -> SqliteConfig {
    SqliteConfig::new(Location::File(path.to_owned()))
}

pub(crate) async fn open_with(config: SqliteConfig) -> Result<SqliteStore> {
    SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await
}

/// A store in a temporary file, whose callers give up after `acquire_timeout`.
pub(crate) async fn temporary(acquire_timeout: Duration) -> SqliteStore {
    let mut config = SqliteConfig::new(Location::Temporary);
    config.acquire_timeout = acquire_timeout;
    open_with(config).await.unwrap()
}

pub(crate) fn id(id: &str) -> VideoId {
    VideoId::parse(id).unwrap()
}

pub(crate) fn video(id: &str) -> Video {
    Video::new(VideoFields::new(VideoId::parse(id).unwrap(), format!("Title of {id}"))).unwrap()
}

/// Runs SQL on a file from outside.
pub(crate) fn sql(path: &Path, sql: &str) {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(sql).unwrap();
}
