//! Taking an archive into the catalogue.
//!
//! An import can be run again and again: a file that has not changed is not read, what is there and equal is left alone,
//! what differs is changed, what was deleted stays deleted. A file that is refused is named and left out; it never ends
//! the import. Videos go in by batches, each of them one unit of work: after an interruption whole videos are in or not,
//! and the next run goes on from there.

mod batch;
mod job;
mod known;
mod ledger;
mod report;
mod task;

use tokio::sync::watch;
use tubeatlas_domain::{LeaseToken, ProcessingTaskId, WorkerId};
use tubeatlas_ports::archive::{ArchiveEntry, ArchiveItem, KnownFiles, Refusal, UnchangedFiles};
use tubeatlas_ports::{ArchiveSource, Attempts, Clock, Error, IdGenerator, Mode, RetryPolicy, Store};

use crate::claimed::{Claimed, LEASE, is_end};
use batch::{Batch, Item, Written};
pub use job::{ImportJob, target};
use ledger::Ledger;
pub use report::{Counts, ImportReport, Note};
pub use task::TASK_KIND;

/// What happens during an import, for whoever shows its progress.
#[derive(Debug)]
pub enum ImportEvent<'a> {
    /// It begins.
    Started {
        /// Its task, if the store keeps tasks.
        task: Option<ProcessingTaskId>,
    },
    /// One more entry was read; there are that many in all, as far as it is known.
    Read {
        /// How many entries there are, as far as it is known.
        expected: Option<u64>,
    },
    /// A file was refused.
    Refused(&'a Note),
}

/// Is told what happens during an import; must not be slow.
pub type Observer<'a> = &'a (dyn Fn(ImportEvent<'_>) + Send + Sync);

/// Who imports, and how.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Who runs it, as its task says.
    pub worker: WorkerId,
    /// What is imported, as its task says.
    pub target: String,
    /// Its task, if the worker has claimed one, keeps it alive and ends it; otherwise the import makes one, and does that.
    pub claimed: Option<(ProcessingTaskId, LeaseToken)>,
    /// Whether nothing is to be written: the report then says what would have been.
    pub dry_run: bool,
    /// Whether files are read that have not changed since an earlier import.
    pub reread: bool,
    /// Whether what is noted of files that are gone is forgotten.
    pub forget_vanished: bool,
    /// Whether it is known of a worker that it is no more, so that its task need not be waited for.
    pub is_gone: fn(&WorkerId) -> bool,
    /// What ends the import.
    pub interrupted: Interruption,
}

/// Is told why an import is to end now, if it is.
pub type Interruption = watch::Receiver<Option<&'static str>>;

impl ImportOptions {
    /// An import by this worker, of what people call so, that nothing interrupts.
    pub fn new(worker: WorkerId, target: impl Into<String>) -> Self {
        Self {
            worker,
            target: target.into(),
            claimed: None,
            dry_run: false,
            reread: false,
            forget_vanished: false,
            is_gone: |_| false,
            interrupted: watch::channel(None).1,
        }
    }
}

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive cannot be read at all. Nothing was changed.
    #[error("cannot read the archive {0}")]
    Open(Refusal),
    /// Somebody has ended its task.
    #[error(
        "the import was ended by somebody else ({}); what was written stays, and running the import again goes on from there",
        .0
    )]
    Cancelled(Error),
    /// It was asked to end.
    #[error(
        "the import was ended by {0}; what was written stays, and running the import again goes on from there"
    )]
    Interrupted(&'static str),
    /// The store failed.
    #[error(
        "the import stopped with {} of the videos that were read in the catalogue; they stay, and running the \
         import again goes on from there",
        .report.videos.total()
    )]
    Stopped {
        /// What is in.
        report: Box<ImportReport>,
        /// What the store said.
        source: Error,
    },
}

/// Takes an archive into the store.
///
/// It is a [task](TASK_KIND) of the store, by which others see how far it is, and may cancel it. What is noted of the
/// files is written with what they gave, so that an import that is killed at any moment is completed by the next.
///
/// # Errors
/// If the archive cannot be read at all, or the store fails; see [`ImportError`]. What is wrong with a single
/// file is told in the report.
pub async fn import(
    source: &dyn ArchiveSource,
    store: &dyn Store,
    (ids, clock): (&dyn IdGenerator, &dyn Clock),
    options: &ImportOptions,
    observer: Observer<'_>,
) -> Result<ImportReport, ImportError> {
    let prefixes = source.prefixes().await.map_err(ImportError::Open)?;
    let failed = |source| ImportError::Stopped { report: Box::default(), source };
    let task = match options.claimed {
        _ if options.dry_run => None,
        Some((id, token)) => Some(Claimed::new(id, token, LEASE)),
        None => task::start(store, ids, options, clock.now()).await.map_err(failed)?,
    };
    observer(ImportEvent::Started { task: task.as_ref().map(Claimed::id) });
    let run = Run {
        store,
        ids,
        observer,
        options,
        task: task.as_ref(),
        keeps_notes: true,
        read: (0, 0),
        report: ImportReport::default(),
        ledger: Ledger::default(),
    };
    let run = run.run(source, &prefixes);
    let Some(task) = task.as_ref().filter(|_| options.claimed.is_none()) else {
        return tokio::select! {
            result = run => result,
            why = interruption(&options.interrupted) => Err(ImportError::Interrupted(why)),
        };
    };
    // Whichever ends it, the batch that is being written is dropped, and so rolled back.
    let result = tokio::select! {
        result = run => result,
        ended = task.keep_alive(store) => Err(ImportError::Cancelled(ended)),
        why = interruption(&options.interrupted) => Err(ImportError::Interrupted(why)),
    };
    match result {
        Ok(report) => match task.complete(store).await {
            Ok(()) => Ok(report),
            Err(error) if is_end(&error) => Err(ImportError::Cancelled(error)),
            Err(source) => Err(ImportError::Stopped { report: Box::new(report), source }),
        },
        Err(ImportError::Cancelled(error)) => Err(ImportError::Cancelled(error)),
        Err(error @ ImportError::Interrupted(_)) => {
            task::cancel(task, store, &error.to_string()).await;
            Err(error)
        }
        Err(error) => {
            // If the store does not take that either, the lease will tell.
            let _ = task.fail(store, &crate::error::chain(&error), None).await;
            Err(error)
        }
    }
}

/// Ends when the import is to end, and says why.
async fn interruption(interrupted: &Interruption) -> &'static str {
    let mut interrupted = interrupted.clone();
    let asked = interrupted.wait_for(Option::is_some).await.map(|why| *why);
    match asked {
        Ok(Some(why)) => why,
        Ok(None) | Err(_) => std::future::pending().await, // nobody is left who could ask for it
    }
}

struct Run<'a> {
    store: &'a dyn Store,
    ids: &'a dyn IdGenerator,
    observer: Observer<'a>,
    options: &'a ImportOptions,
    task: Option<&'a Claimed>,
    /// Whether the store keeps notes of files.
    keeps_notes: bool,
    /// How many entries were read, and how many there are.
    read: (u64, u64),
    report: ImportReport,
    ledger: Ledger,
}

impl Run<'_> {
    async fn run(
        mut self,
        source: &dyn ArchiveSource,
        prefixes: &[String],
    ) -> Result<ImportReport, ImportError> {
        let known = known::known_files(self.store, prefixes).await.map_err(|error| self.stopped(error))?;
        self.keeps_notes = known.is_some();
        let known = known.unwrap_or_default();
        let known = if self.options.reread { KnownFiles::new() } else { known };
        let mut reader = source.open(known).await.map_err(ImportError::Open)?;
        let mut batch = Batch::default();
        while let Some(item) = reader.next().await {
            let expected = reader.expected_entries();
            (self.observer)(ImportEvent::Read { expected });
            self.read = (self.read.0 + 1, expected.unwrap_or(0).max(self.read.0 + 1));
            let Some(item) = self.unpack(item) else { continue };
            if !batch.has_room_for(&item) {
                self.write(batch.take()).await?;
            }
            batch.push(item);
        }
        self.write(batch.take()).await?;
        self.forget_vanished().await.map_err(|error| self.stopped(error))?;
        Ok(self.finished())
    }

    fn refuse(&mut self, note: Note) {
        (self.observer)(ImportEvent::Refused(&note));
        self.report.refused.push(note);
    }

    /// Puts the remarks about an entry into the report, and gives what is to be written of it.
    fn unpack(&mut self, ArchiveItem { entry, files }: ArchiveItem) -> Option<Item> {
        let files = if self.keeps_notes { files } else { Vec::new() };
        match entry {
            Ok(ArchiveEntry::Video(mut video)) => {
                for refusal in std::mem::take(&mut video.refused) {
                    self.refuse(refusal.into());
                }
                self.report.ignored.extend(video.ignored.drain(..).map(Note::from));
                self.report.warnings.extend(video.warnings.drain(..).map(Note::from));
                let (item, refused) = Item::video(*video, files);
                for note in refused {
                    self.refuse(note);
                }
                return Some(item);
            }
            Ok(ArchiveEntry::Playlist(playlist)) => return Some(Item::playlist(*playlist, files)),
            Ok(ArchiveEntry::Unchanged(UnchangedFiles { files, refused, ignored })) => {
                self.report.unchanged_files += files;
                self.report.ignored.extend(ignored.into_iter().map(Note::from));
                for refusal in refused {
                    self.refuse(refusal.into());
                }
            }
            Ok(ArchiveEntry::Vanished(path)) => self.report.vanished.push(path),
            Ok(ArchiveEntry::Ignored(remark)) => self.report.ignored.push(remark.into()),
            Err(refusal) => self.refuse(refusal.into()),
        }
        Item::notes(files)
    }

    /// Writes a batch in one unit of work; if one of its videos is at fault, each of them in one of its own.
    async fn write(&mut self, items: Vec<Item>) -> Result<(), ImportError> {
        if items.is_empty() {
            return Ok(());
        }
        match self.commit(&items).await {
            Ok(written) => self.book(written),
            Err(error) if is_of_an_item(&error) => {
                for item in items.chunks(1) {
                    match self.commit(item).await {
                        Ok(written) => self.book(written),
                        Err(error) if is_of_an_item(&error) => {
                            item.iter().for_each(|item| self.refuse(Note::new(&item.path, error.chain())));
                        }
                        Err(error) => return Err(self.stopped(error)),
                    }
                }
            }
            Err(error) => return Err(self.stopped(error)),
        }
        Ok(())
    }

    async fn commit(&self, items: &[Item]) -> Result<Written, Error> {
        let mut attempts = Attempts::new(self.store, Mode::ReadWrite, RetryPolicy::default());
        loop {
            let unit = attempts.begin().await?;
            let mut result = batch::write(unit.as_ref(), self.ids, &self.ledger, items).await;
            if self.options.dry_run {
                unit.rollback().await?;
                return result;
            }
            if let (Some(task), Ok(_)) = (self.task, &result)
                && let Err(error) = task.report(unit.as_ref(), self.read.0, self.read.1).await
            {
                result = Err(error);
            }
            if let Some(result) = attempts.finish(unit, result).await {
                return result;
            }
        }
    }

    fn book(&mut self, written: Written) {
        self.ledger.book(written.channels);
        self.report.videos += written.videos;
        self.report.transcripts += written.transcripts;
        self.report.media_files += written.media_files;
        self.report.playlists += written.playlists;
        self.report.left_deleted.extend(written.left_deleted);
        self.report.warnings.extend(written.warnings);
    }

    async fn forget_vanished(&self) -> Result<(), Error> {
        if self.options.forget_vanished && !self.options.dry_run {
            for paths in self.report.vanished.chunks(tubeatlas_ports::MAX_BATCH) {
                self.store.source_files().remove_many(paths).await?;
            }
        }
        Ok(())
    }

    fn finished(&mut self) -> ImportReport {
        self.report.channels = self.ledger.counts();
        std::mem::take(&mut self.report)
    }

    fn stopped(&mut self, source: Error) -> ImportError {
        match is_end(&source) {
            true => ImportError::Cancelled(source),
            false => ImportError::Stopped { report: Box::new(self.finished()), source },
        }
    }
}

/// Whether the store refused something of what was to be written, rather than failed.
fn is_of_an_item(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. } | Error::MissingReference { .. } | Error::Invalid(_))
}

#[cfg(test)]
mod task_tests;
#[cfg(test)]
mod tests;
