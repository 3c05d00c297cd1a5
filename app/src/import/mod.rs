//! Taking an archive into the catalogue.
//!
//! An import can be run again and again: what is there and equal is left alone, what differs is changed, what
//! was deleted stays deleted. A file that is refused is named and left out; it never ends the import. Videos go
//! in by batches, each of them one unit of work: after an interruption whole videos are in or not, and the next
//! run goes on from there.

mod batch;
mod ledger;
mod report;

use tubeatlas_ports::archive::{ArchiveEntry, Refusal};
use tubeatlas_ports::{ArchiveSource, Attempts, Error, IdGenerator, Mode, RetryPolicy, Store};

use batch::{Batch, Item, Written};
use ledger::Ledger;
pub use report::{Counts, ImportReport, Note};

/// What happens during an import, for whoever shows its progress.
#[derive(Debug)]
pub enum ImportEvent<'a> {
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

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The archive cannot be read at all. Nothing was changed.
    #[error("cannot read the archive {0}")]
    Open(Refusal),
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
/// # Errors
/// If the archive cannot be read at all, or the store fails; see [`ImportError`]. What is wrong with a single
/// file is told in the report.
pub async fn import(
    source: &dyn ArchiveSource,
    store: &dyn Store,
    ids: &dyn IdGenerator,
    observer: Observer<'_>,
) -> Result<ImportReport, ImportError> {
    let mut reader = source.open().await.map_err(ImportError::Open)?;
    let mut run = Run { store, ids, observer, report: ImportReport::default(), ledger: Ledger::default() };
    let mut batch = Batch::default();
    while let Some(entry) = reader.next().await {
        observer(ImportEvent::Read { expected: reader.expected_entries() });
        match entry {
            Ok(ArchiveEntry::Video(video)) => {
                let item = run.unpack(*video);
                if !batch.has_room_for(&item) {
                    run.write(batch.take()).await?;
                }
                batch.push(item);
            }
            Ok(ArchiveEntry::Ignored(remark)) => run.report.ignored.push(remark.into()),
            Err(refusal) => run.refuse(refusal.into()),
        }
    }
    run.write(batch.take()).await?;
    Ok(run.finished())
}

struct Run<'a> {
    store: &'a dyn Store,
    ids: &'a dyn IdGenerator,
    observer: Observer<'a>,
    report: ImportReport,
    ledger: Ledger,
}

impl Run<'_> {
    fn refuse(&mut self, note: Note) {
        (self.observer)(ImportEvent::Refused(&note));
        self.report.refused.push(note);
    }

    /// Puts the remarks about a video into the report, and gives what is to be written of it.
    fn unpack(&mut self, mut video: tubeatlas_ports::archive::ArchivedVideo) -> Item {
        for refusal in std::mem::take(&mut video.refused) {
            self.refuse(refusal.into());
        }
        self.report.ignored.extend(video.ignored.drain(..).map(Note::from));
        self.report.warnings.extend(video.warnings.drain(..).map(Note::from));
        let (item, refused) = Item::new(video);
        for note in refused {
            self.refuse(note);
        }
        item
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
            let result = batch::write(unit.as_ref(), self.ids, &self.ledger, items).await;
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
        self.report.left_deleted.extend(written.left_deleted);
        self.report.warnings.extend(written.warnings);
    }

    fn finished(&mut self) -> ImportReport {
        self.report.channels = self.ledger.counts();
        std::mem::take(&mut self.report)
    }

    fn stopped(&mut self, source: Error) -> ImportError {
        ImportError::Stopped { report: Box::new(self.finished()), source }
    }
}

/// Whether the store refused something of what was to be written, rather than failed.
fn is_of_an_item(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. } | Error::MissingReference { .. } | Error::Invalid(_))
}

#[cfg(test)]
mod tests;
