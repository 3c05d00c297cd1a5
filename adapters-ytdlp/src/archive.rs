//! [`YtDlpArchive`]: the archive, and one reading of it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::task::{JoinHandle, spawn_blocking};
use tubeatlas_ports::archive::{ArchiveEntry, ArchiveReader, ArchiveSource, Refusal};

use crate::plan::{self, Job};
use crate::{video, walk};

/// The files and folders that yt-dlp left, as an archive to import. See the [crate] for what is read.
#[derive(Debug, Clone)]
pub struct YtDlpArchive {
    paths: Vec<PathBuf>,
}

impl YtDlpArchive {
    /// The archive that lies in these folders and files.
    ///
    /// Folders are read with all that lies under them; of a file nothing but itself is read. A path that
    /// lies in another one is read once.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths }
    }
}

#[async_trait]
impl ArchiveSource for YtDlpArchive {
    /// Lists the folders and looks at the head of every document. Must be called in a tokio runtime, of either
    /// flavour; if the future is dropped, the listing stops at the next file.
    async fn open(&self) -> Result<Box<dyn ArchiveReader>, Refusal> {
        let paths = self.paths.clone();
        let given_up = GiveUp(Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&given_up.0);
        let listing = spawn_blocking(move || {
            let found = walk::walk(&paths, &flag)?;
            plan::plan(found, &paths, &flag)
        });
        let jobs = listing.await.map_err(|error| Refusal {
            path: self.paths.first().cloned().unwrap_or_default(),
            reason: format!("could not be listed: {error}"),
        })??;
        let expected = jobs.len();
        Ok(Box::new(Reader { jobs: jobs.into(), running: None, read: VecDeque::new(), expected }))
    }
}

/// Tells a listing that nobody waits for it.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

type Entries = Vec<Result<ArchiveEntry, Refusal>>;

/// One reading. Dropping it lets a video that is being read be read to its end, and waits for nothing.
struct Reader {
    jobs: VecDeque<Job>,
    /// The video that is being read: kept here, so that a `next` that is dropped loses no entry.
    running: Option<(PathBuf, JoinHandle<Entries>)>,
    read: VecDeque<Result<ArchiveEntry, Refusal>>,
    expected: usize,
}

#[async_trait]
impl ArchiveReader for Reader {
    async fn next(&mut self) -> Option<Result<ArchiveEntry, Refusal>> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                return Some(entry);
            }
            if let Some((path, running)) = &mut self.running {
                let entries = match running.await {
                    Ok(entries) => entries,
                    Err(error) => {
                        let reason = format!("could not be read: {error}");
                        vec![Err(Refusal { path: path.clone(), reason })]
                    }
                };
                self.running = None;
                self.expected += entries.len().saturating_sub(1);
                self.read = entries.into();
                continue;
            }
            match self.jobs.pop_front()? {
                Job::Ignored(remark) => return Some(Ok(ArchiveEntry::Ignored(remark))),
                Job::Refused(refusal) => return Some(Err(refusal)),
                Job::Video(job) => {
                    let path = job.path().map(PathBuf::from).unwrap_or_default();
                    self.running = Some((path, spawn_blocking(move || video::read(*job))));
                }
            }
        }
    }

    fn expected_entries(&self) -> Option<u64> {
        u64::try_from(self.expected).ok()
    }
}
