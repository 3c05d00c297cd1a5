//! Moving whole catalogues: out of a store into a file, from a file into a store, from store to store.
//!
//! What is moved is everything that the ports show: every entity, deleted videos and what hangs on them and
//! deleted playlists too, with the times that the first store gave. Only revisions are not moved: they count
//! the changes of one store, and the other one gives its own. So to move a catalogue through any stores, and
//! out again, gives the same bytes ([`mod@format`]).
//!
//! A store is read in one unit of work, at one moment; its deadline must be long enough. It is filled in units of work
//! of some hundred entities, owners first, by `adopt_many`. What is in a store after an interruption is therefore a
//! beginning of the catalogue, and doing it again completes it.

pub mod file;
pub mod format;
mod job;
mod read;

use std::fmt;
use std::io;
use std::path::PathBuf;

use futures::{Stream, TryStreamExt, pin_mut};
use serde::Serialize;
use tubeatlas_domain::{
    Channel, EntityKind, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Transcript, Video,
};
use tubeatlas_ports::{
    Attempts, Catalogued, Error as StoreError, Mode, Repositories, Repository, RetryPolicy, Store, Stored,
    UnitOfWork, Visibility, WorkError,
};

use format::{Entry, Summary, Summing};
pub use job::{ExportJob, FileName};
pub use read::entries;

/// Why a catalogue was not moved, or not wholly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// One of the stores did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read or written.
    #[error("the file cannot be {0}")]
    File(&'static str, #[source] io::Error),
    /// Something is where the file is to be.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The file is not as it was written.
    #[error("line {line} of the file is damaged: {problem}")]
    Damaged {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is of a version that this program cannot read.
    #[error("the file has version {found}; this program reads version {}: use a newer one", format::VERSION)]
    Version {
        /// The version of the file.
        found: u64,
    },
    /// The catalogue that is to be filled holds something else.
    #[error(
        "the catalogue to be filled holds {0}, which is not, or not so, in the one that it is to be made of"
    )]
    HoldsOther(String),
    /// What was read back is not what was moved.
    #[error("the catalogue is not what it was made of: {0}; did somebody else write to it?")]
    NotTheSame(String),
}

impl WorkError for TransferError {
    fn as_port_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// What became of the entities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// They were not there, and are now.
    pub created: u64,
    /// They were there, and the same.
    pub unchanged: u64,
    /// Something else with their ids was there, and was left as it is.
    pub left: u64,
}

/// Where a move is, for whoever watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reads what is to be moved, and compares it with what is there.
    Compare,
    /// Writes.
    Fill,
    /// Reads back what was written.
    Verify,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compare => "compared",
            Self::Fill => "written",
            Self::Verify => "verified",
        })
    }
}

/// Is told of each entity, and at which step.
pub type Watch<'a> = &'a (dyn Fn(Step) + Send + Sync);

/// Reads a catalogue, and gives each line of its file to `write`: header, entities, trailer.
///
/// # Errors
/// Those of the store and of `write`.
pub async fn export(
    from: &dyn Store,
    watch: Watch<'_>,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Summary, TransferError> {
    let mut put = |line: &[u8]| write(line).map_err(|error| TransferError::File("written", error));
    let unit = from.begin(Mode::ReadOnly).await?;
    let mut sum = Summing::new();
    put(sum.header())?;
    {
        let entries = read::stored(unit.as_ref());
        pin_mut!(entries);
        while let Some(entry) = entries.try_next().await? {
            put(sum.add(&entry)?)?;
            watch(Step::Fill);
            // A store that never has to wait would let nothing else happen meanwhile.
            tokio::task::coop::consume_budget().await;
        }
    }
    unit.rollback().await?;
    let summary = sum.end();
    put(&summary.trailer())?;
    Ok(summary)
}

/// How many entities a store holds now, for whoever shows how far an export is.
///
/// # Errors
/// Those of the store.
pub async fn size(of: &dyn Store) -> Result<u64, StoreError> {
    read::size(of).await
}

/// What a store holds, by counts and digest.
async fn summarise(from: &dyn Store, watch: Watch<'_>) -> Result<Summary, TransferError> {
    let unit = from.begin(Mode::ReadOnly).await?;
    let mut sum = Summing::new();
    {
        let entries = read::stored(unit.as_ref());
        pin_mut!(entries);
        while let Some(entry) = entries.try_next().await? {
            sum.add(&entry)?;
            watch(Step::Verify);
        }
    }
    unit.rollback().await?;
    Ok(sum.end())
}

/// What a catalogue is moved out of; it is read twice.
pub trait Source {
    /// Its entities, in the order of a file.
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError>;
}

/// A catalogue in a store, at one moment.
pub struct Moment(Box<dyn UnitOfWork>);

impl Moment {
    /// The catalogue as it is now.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn of(store: &dyn Store) -> Result<Self, TransferError> {
        Ok(Self(store.begin(Mode::ReadOnly).await?))
    }
}

impl Source for Moment {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        Ok(read::stored(self.0.as_ref()))
    }
}

/// Fills a store.
///
/// Without `merge` the store may hold nothing but a part of what it is filled with, which is looked at before anything
/// is written; in the end it is read again, and is the same by counts and digest. With `merge` it may hold anything:
/// what is there under an id stays as it is there, and nothing is read again.
///
/// # Errors
/// [`Damaged`](TransferError::Damaged) and [`Version`](TransferError::Version), before anything is written;
/// [`HoldsOther`](TransferError::HoldsOther), likewise; those of the store, after which what was written so far stays;
/// [`NotTheSame`](TransferError::NotTheSame).
pub async fn fill(
    to: &dyn Store,
    source: &impl Source,
    merge: bool,
    watch: Watch<'_>,
) -> Result<(Filled, Summary), TransferError> {
    let expected = compare(to, source, merge, watch).await?;
    let mut filled = Filled::default();
    let entries = source.entries()?;
    pin_mut!(entries);
    let mut batch = Batch::default();
    while let Some(entry) = entries.try_next().await? {
        watch(Step::Fill);
        if !batch.has_room_for(&entry) {
            std::mem::take(&mut batch).write(to, &mut filled).await?;
        }
        batch.add(entry);
    }
    batch.write(to, &mut filled).await?;
    if !merge {
        if filled.left > 0 {
            let problem = format!("{} entities were changed meanwhile", filled.left);
            return Err(TransferError::NotTheSame(problem));
        }
        let found = summarise(to, watch).await?;
        if found != expected {
            return Err(TransferError::NotTheSame(format!("it holds {found}, and was made of {expected}")));
        }
    }
    Ok((filled, expected))
}

/// Reads all of the source, and sees that what the store holds is a part of it: both stand in the same order.
async fn compare(
    to: &dyn Store,
    source: &impl Source,
    merge: bool,
    watch: Watch<'_>,
) -> Result<Summary, TransferError> {
    let unit = to.begin(Mode::ReadOnly).await?;
    let mut sum = Summing::new();
    {
        let there = read::stored(unit.as_ref());
        let entries = source.entries()?;
        pin_mut!(there, entries);
        let mut next = if merge { None } else { there.try_next().await? };
        while let Some(entry) = entries.try_next().await? {
            sum.add(&entry)?;
            watch(Step::Compare);
            if next.as_ref() == Some(&entry) {
                next = there.try_next().await?;
            }
        }
        if let Some(other) = next {
            return Err(TransferError::HoldsOther(other.name()));
        }
    }
    unit.rollback().await?;
    Ok(sum.end())
}

/// A kind of entity that is moved.
trait Moved: Catalogued {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self>;

    async fn adopt(to: &dyn Repositories, items: &[Stored<Self>]) -> Result<(), StoreError>;
}

macro_rules! moved {
    ($($entity:ident $repository:ident;)*) => {$(
        impl Moved for $entity {
            fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
                from.$repository()
            }

            async fn adopt(to: &dyn Repositories, items: &[Stored<Self>]) -> Result<(), StoreError> {
                to.$repository().adopt_many(items).await
            }
        }
    )*};
}

moved! {
    Channel channels;
    Video videos;
    Transcript transcripts;
    KnowledgeGraph knowledge_graphs;
    MediaFile media_files;
    ProcessingTask processing_tasks;
    SourceFile source_files;
    Playlist playlists;
}

/// Some of those that are not there are created; the others are counted.
async fn adopt_missing<E: Moved>(to: &dyn Repositories, items: &[Stored<E>]) -> Result<Filled, StoreError> {
    let ids: Vec<E::Id> = items.iter().map(|item| item.entity.id()).collect();
    let there = E::reads(to).get_many(&ids, Visibility::WithDeleted).await?;
    let mut filled = Filled::default();
    let mut missing = Vec::new();
    for (item, there) in items.iter().zip(there) {
        match there {
            None => missing.push(item.clone()),
            Some(there) => {
                let same = Stored { revision: item.revision, ..there } == *item;
                *(if same { &mut filled.unchanged } else { &mut filled.left }) += 1;
            }
        }
    }
    filled.created = missing.len() as u64;
    if !missing.is_empty() {
        E::adopt(to, &missing).await?;
    }
    Ok(filled)
}

/// Entities of one kind that are written together.
#[derive(Default)]
struct Batch(Vec<Entry>);

impl Batch {
    fn has_room_for(&self, entry: &Entry) -> bool {
        // Bounded by what the domain allows: a description has 100 kB at most, a transcript or graph some MB.
        let most = match entry.kind() {
            EntityKind::Transcript | EntityKind::KnowledgeGraph | EntityKind::Playlist => 20,
            _ => 500,
        };
        self.0.last().is_none_or(|last| last.kind() == entry.kind() && self.0.len() < most)
    }

    fn add(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Writes them in one unit of work, which is tried again when others are in the way.
    async fn write(self, to: &dyn Store, total: &mut Filled) -> Result<(), TransferError> {
        let Some(kind) = self.0.first().map(Entry::kind) else { return Ok(()) };
        let mut attempts = Attempts::new(to, Mode::ReadWrite, RetryPolicy::default());
        let filled = loop {
            let unit = attempts.begin().await?;
            let result = self.adopt(kind, unit.as_ref()).await.map_err(TransferError::Store);
            if let Some(result) = attempts.finish(unit, result).await {
                break result?;
            }
        };
        total.created += filled.created;
        total.unchanged += filled.unchanged;
        total.left += filled.left;
        Ok(())
    }

    async fn adopt(&self, kind: EntityKind, to: &dyn UnitOfWork) -> Result<Filled, StoreError> {
        macro_rules! of {
            ($entity:ident) => {{
                let items: Vec<Stored<$entity>> = self.0.iter().filter_map(Entry::stored).collect();
                adopt_missing(to, &items).await
            }};
        }
        match kind {
            EntityKind::Channel => of!(Channel),
            EntityKind::Video => of!(Video),
            EntityKind::Transcript => of!(Transcript),
            EntityKind::KnowledgeGraph => of!(KnowledgeGraph),
            EntityKind::MediaFile => of!(MediaFile),
            EntityKind::ProcessingTask => of!(ProcessingTask),
            EntityKind::SourceFile => of!(SourceFile),
            EntityKind::Playlist => of!(Playlist),
            _ => Ok(Filled::default()), // an entry is of no other kind
        }
    }
}

#[cfg(test)]
mod tests;
