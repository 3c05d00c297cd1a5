//! Stores on databases of their own.

use std::sync::Arc;

use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig, PostgresStore};
use tubeatlas_domain::{Video, VideoFields, VideoId};
use tubeatlas_ports::{Result, SystemClock, UuidV7Generator};
use tubeatlas_postgres_cluster::{Cluster, Database};

/// An empty database in the cluster of all tests.
pub(crate) fn database() -> Database {
    Cluster::shared().and_then(|cluster| cluster.database()).unwrap()
}

pub(crate) fn config(url: &str) -> PostgresConfig {
    PostgresConfig::new(DatabaseUrl::parse(url).unwrap())
}

pub(crate) async fn open(config: PostgresConfig) -> Result<PostgresStore> {
    PostgresStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await
}

pub(crate) fn video(id: &str, title: &str) -> Video {
    Video::new(VideoFields::new(VideoId::parse(id).unwrap(), title)).unwrap()
}
