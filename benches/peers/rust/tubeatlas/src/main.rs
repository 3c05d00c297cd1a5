//! Tubeatlas on SQLite, on its real schema (`real.rs` says what that does more than the others).
//! `TUBEATLAS_INLINE=1`: `get` without a hop.
use std::sync::Arc;

use peers_common::{Cfg, R};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore, Synchronous};
use tubeatlas_ports::{Clock, UuidV7Generator};

mod entity;
mod real;

impl real::Adapter for SqliteStore {
    const NAME: &'static str = "tubeatlas";
    const VERSION: &'static str = "sqlite_version";

    async fn open(c: &Cfg, clock: Arc<real::SetClock>) -> R<(Self, usize)> {
        let mut config = SqliteConfig::new(Location::File(c.db.clone().into()));
        config.synchronous = if c.full { Synchronous::Full } else { Synchronous::Normal };
        config.pool_size = c.pool.unwrap_or(config.pool_size);
        config.inline_reads = std::env::var_os("TUBEATLAS_INLINE").is_some();
        let pool = config.pool_size;
        let clock: Arc<dyn Clock> = clock;
        Ok((SqliteStore::open(config, clock, Arc::new(UuidV7Generator)).await?, pool))
    }
}

fn main() {
    peers_common::run::<real::P<SqliteStore>>()
}
