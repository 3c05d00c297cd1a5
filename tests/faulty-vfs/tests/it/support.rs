//! Stores, entities, and the bounds of a run.

use std::path::Path;
use std::sync::Arc;

use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore, Synchronous};
use tubeatlas_domain::{Video, VideoFields, VideoId};
use tubeatlas_faulty_vfs::Random;
use tubeatlas_ports::{Repositories, Result, SystemClock, UuidV7Generator, Visibility};

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} is {text:?}: {error}")))
}

/// How many times the power fails.
pub(crate) fn power_cycles(few: u64) -> u64 {
    variable("TUBEATLAS_POWER_CYCLES").unwrap_or(few)
}

/// Whether each call is made to fail, or only some.
pub(crate) fn every_call() -> bool {
    variable("TUBEATLAS_EVERY_CALL").is_some_and(|number| number > 0)
}

/// The seed of a test, which is printed.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = variable("TUBEATLAS_SEED").unwrap_or_else(|| {
        // Any number that differs from run to run.
        let mut hasher =
            std::hash::BuildHasher::build_hasher(&std::collections::hash_map::RandomState::new());
        std::hash::Hasher::write_u8(&mut hasher, 0);
        std::hash::Hasher::finish(&hasher)
    });
    println!("{test}: TUBEATLAS_SEED={seed}");
    seed
}

pub(crate) fn config(path: &Path, synchronous: Synchronous) -> SqliteConfig {
    let mut config = SqliteConfig::new(Location::File(path.to_owned()));
    config.synchronous = synchronous;
    config.pool_size = 1;
    config
}

pub(crate) async fn open(config: SqliteConfig) -> Result<SqliteStore> {
    SqliteStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await
}

pub(crate) fn id(number: u64) -> VideoId {
    VideoId::parse(format!("video-{number:06}")).unwrap()
}

/// A video whose row and passages fill some pages or none.
pub(crate) fn video(number: u64, random: &mut Random) -> Video {
    let mut fields = VideoFields::new(id(number), format!("Title of {number}"));
    let words = (0..random.below(300)).map(|_| format!("word{} ", random.below(10_000)));
    fields.description = Some(words.collect::<String>().trim().to_owned());
    Video::new(fields).unwrap()
}

/// Whether each video is there and can be read.
pub(crate) async fn are_there(store: &SqliteStore, ids: &[VideoId]) -> Result<Vec<bool>> {
    let mut there = Vec::new();
    for some in ids.chunks(tubeatlas_ports::MAX_BATCH) {
        let found = store.videos().get_many(some, Visibility::WithDeleted).await?;
        there.extend(found.iter().map(Option::is_some));
    }
    Ok(there)
}

/// What is wrong with the database, if anything.
pub(crate) async fn damage(store: &SqliteStore) -> Result<Vec<String>> {
    let checks = store.check().await?;
    Ok(checks.into_iter().filter(|check| !check.ok).map(|check| check.detail).collect())
}
