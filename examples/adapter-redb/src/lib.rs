//! A Tubeatlas store in one file, on [redb]: an embedded key-value engine with one writer and snapshots for readers.
//!
//! All promises of `tubeatlas-ports` are kept. What was acknowledged is on the disk (redb syncs it), so that it
//! outlives the process, and a loss of power as far as the disk keeps what it acknowledges. One process at a time
//! has the file open; a second one is told [`Unavailable`](tubeatlas_ports::Error::Unavailable).
//!
//! [redb]: https://docs.rs/redb

mod blocking;
mod channel;
mod draft;
mod engine;
mod entity;
mod error;
mod keys;
mod knowledge_graph;
mod media_file;
mod options;
mod playlist;
mod processing_task;
mod search;
mod session;
mod shared;
mod slot;
mod source_file;
mod transcript;
mod video;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::Database;
use tubeatlas_ports::{
    Clock, Error, Health, IdGenerator, Mode, Result, Store, UnitOfWork, delegate_repositories,
};

use crate::blocking::blocking;
use crate::draft::{Draft, META, SCHEMA_KEY, encode};
use crate::engine::{Changes, Table, Transaction};
use crate::error::failed;
pub use crate::options::Options;
use crate::session::{Session, Unit};
use crate::shared::Shared;

/// The layout of the tables that this program reads and writes. Layout 1 had no source
/// files, layout 2 no playlists.
const SCHEMA: u64 = 3;

/// All tables. They are made when a file is, or when an older one is opened, because a snapshot cannot read a
/// table that was never made.
const TABLES: &[&[Table]] = &[
    &[META],
    channel::TABLES,
    video::TABLES,
    transcript::TABLES,
    knowledge_graph::TABLES,
    processing_task::TABLES,
    media_file::TABLES,
    source_file::TABLES,
    playlist::TABLES,
    search::TABLES,
];

/// Opens the store in this file, which is made if it is not there. Must be called in a tokio runtime with time.
///
/// # Errors
/// [`Unavailable`](Error::Unavailable) if the file cannot be read and written, or is open elsewhere;
/// [`SchemaMismatch`](Error::SchemaMismatch) if a newer version of this program wrote it;
/// [`Corrupt`](Error::Corrupt) if it is damaged.
pub async fn open(
    file: impl AsRef<Path> + Send,
    options: Options,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
) -> Result<Arc<dyn Store>> {
    let file = file.as_ref().to_owned();
    let database = blocking(move || {
        let database = Database::create(file).map_err(failed)?;
        prepare(&database)?;
        Ok(database)
    })
    .await?;
    let shared = Shared::new(database, options, clock, ids);
    Ok(Arc::new(RedbStore { session: Session::Store(shared.clone()), shared }))
}

/// Makes the tables of a new file, and looks whether those of an old one are the ones of this program.
fn prepare(database: &Database) -> Result<()> {
    let transaction = Transaction::writing(database)?;
    transaction.apply(Changes::from([(META, Default::default())]))?;
    match Draft::over(&transaction).read::<u64>(META, SCHEMA_KEY)? {
        Some(SCHEMA) => Ok(()),
        Some(other) if other > SCHEMA => Err(Error::SchemaMismatch {
            message: format!(
                "the file has layout {other}, this program needs {SCHEMA}; open it with another one"
            ),
        }),
        _ => {
            let mut changes: Changes = TABLES
                .iter()
                .flat_map(|tables| tables.iter())
                .map(|name| (*name, Default::default()))
                .collect();
            changes.entry(META).or_default().insert(SCHEMA_KEY.to_vec(), Some(encode(&SCHEMA)?));
            transaction.apply(changes)?;
            transaction.commit()
        }
    }
}

struct RedbStore {
    session: Session,
    shared: Arc<Shared>,
}

delegate_repositories!(RedbStore, session);

#[async_trait]
impl Store for RedbStore {
    async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>> {
        let inside = self.shared.enter()?;
        Ok(Box::new(Unit::begin(inside, mode).await?))
    }

    async fn health(&self) -> Result<Health> {
        self.session
            .read(|draft| {
                let mut health = Health::new("redb");
                let schema: Option<u64> = draft.read(META, SCHEMA_KEY)?;
                health.details.insert("schema", schema.unwrap_or_default().to_string());
                health.details.insert("videos", draft.len(video::TABLE)?.to_string());
                Ok(health)
            })
            .await
    }

    async fn close(&self) -> Result<()> {
        self.shared.close().await
    }
}
