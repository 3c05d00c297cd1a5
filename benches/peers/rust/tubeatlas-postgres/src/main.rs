//! Tubeatlas on Postgres, on its real schema (`real.rs` says what that does more than the others), serializable.
use std::sync::Arc;

use peers_common::{Cfg, R, pg};
use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig, PostgresStore};
use tubeatlas_ports::{Clock, UuidV7Generator};

#[path = "../../tubeatlas/src/entity.rs"]
mod entity;
#[path = "../../tubeatlas/src/real.rs"]
mod real;

impl real::Adapter for PostgresStore {
    const NAME: &'static str = "tubeatlas";
    const VERSION: &'static str = "server_version";

    async fn open(c: &Cfg, clock: Arc<real::SetClock>) -> R<(Self, usize)> {
        let mut config = PostgresConfig::new(DatabaseUrl::parse(&c.db)?);
        (config.pool_size, config.max_overflow) = (c.pool.unwrap_or(pg::POOL), 0);
        let pool = config.pool_size;
        let clock: Arc<dyn Clock> = clock;
        Ok((PostgresStore::open(config, clock, Arc::new(UuidV7Generator)).await?, pool))
    }
}

fn main() {
    peers_common::run::<real::P<PostgresStore>>()
}
