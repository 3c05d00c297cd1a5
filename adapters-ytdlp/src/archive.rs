//! [`YtDlpArchive`]: the archive, and one reading of it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use async_trait::async_trait;
use tokio::task::{JoinHandle, spawn_blocking};
use tubeatlas_ports::archive::{
    ArchiveEntry, ArchiveItem, ArchiveReader, ArchiveSource, ArchivedPlaylist, KnownFiles, Refusal,
};

use crate::gathered::Gathered;
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
    async fn prefixes(&self) -> Result<Vec<String>, Refusal> {
        let paths = self.paths.clone();
        let prefixes = self.blocking(move || walk::prefixes(&paths)).await?;
        // Of a path that is not UTF-8 nothing is noted.
        Ok(prefixes.into_iter().filter_map(|path| path.into_os_string().into_string().ok()).collect())
    }

    /// Lists the folders and looks at the head of every document that is not known, or has changed. Must be called in a
    /// tokio runtime, of either flavour; if the future is dropped, the listing stops at the next file.
    async fn open(&self, mut known: KnownFiles) -> Result<Box<dyn ArchiveReader>, Refusal> {
        let prefixes = self.prefixes().await?;
        let lies_here = |path: &str| {
            prefixes.iter().any(|it| if it.ends_with('/') { path.starts_with(it) } else { path == it })
        };
        known.retain(|path, _| lies_here(path.as_str()));
        let paths = self.paths.clone();
        let given_up = GiveUp(Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&given_up.0);
        let jobs = self
            .blocking(move || {
                let found = walk::walk(&paths, &flag)?;
                plan::plan(found, &paths, known, &flag)
            })
            .await?;
        let expected = jobs.len();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Ok(Box::new(Reader { jobs: jobs.into(), threads, ahead: VecDeque::new(), expected }))
    }
}

impl YtDlpArchive {
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        spawn_blocking(work).await.map_err(|error| Refusal {
            path: self.paths.first().cloned().unwrap_or_default(),
            reason: format!("could not be listed: {error}"),
        })?
    }
}

/// Tells a listing that nobody waits for it.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What comes next: read, or being read.
enum Ahead {
    Read(VecDeque<ArchiveItem>),
    Running(PathBuf, JoinHandle<Vec<ArchiveItem>>),
}

/// One reading. Dropping it lets the videos that are being read be read to their end, and waits for nothing.
struct Reader {
    jobs: VecDeque<Job>,
    /// How many videos are read at a time.
    threads: usize,
    /// In the order of the jobs. Kept here, so that a `next` that is dropped loses no entry.
    ahead: VecDeque<Ahead>,
    expected: usize,
}

impl Reader {
    /// Begins to read as many videos as there are cores: so many, and one more that waits, are in memory at most.
    fn read_ahead(&mut self) {
        while self.ahead.len() <= self.threads
            && let Some(job) = self.jobs.pop_front()
        {
            let (entry, files) = match job {
                Job::Video(job) => {
                    let path = job.path().map(PathBuf::from).unwrap_or_default();
                    self.ahead.push_back(Ahead::Running(path, spawn_blocking(move || video::read(*job))));
                    continue;
                }
                Job::Playlist(gathered, files) => {
                    let Gathered { path, channel, playlist, .. } = *gathered;
                    let playlist = Box::new(ArchivedPlaylist { path, channel, playlist });
                    (Ok(ArchiveEntry::Playlist(playlist)), files)
                }
                Job::Ignored(remark, files) => (Ok(ArchiveEntry::Ignored(remark)), files),
                Job::Refused(refusal, files) => (Err(refusal), files),
                Job::Unchanged(unchanged, files) => (Ok(ArchiveEntry::Unchanged(unchanged)), files),
                Job::Vanished(path) => (Ok(ArchiveEntry::Vanished(path)), Vec::new()),
            };
            self.ahead.push_back(Ahead::Read(VecDeque::from([ArchiveItem { entry, files }])));
        }
    }
}

#[async_trait]
impl ArchiveReader for Reader {
    async fn next(&mut self) -> Option<ArchiveItem> {
        loop {
            self.read_ahead();
            match self.ahead.front_mut()? {
                Ahead::Read(items) => match items.pop_front() {
                    Some(item) => return Some(item),
                    None => drop(self.ahead.pop_front()),
                },
                Ahead::Running(path, running) => {
                    let items = running.await.unwrap_or_else(|error| {
                        let reason = format!("could not be read: {error}");
                        vec![ArchiveItem {
                            entry: Err(Refusal { path: path.clone(), reason }),
                            files: Vec::new(),
                        }]
                    });
                    self.expected += items.len().saturating_sub(1);
                    if let Some(front) = self.ahead.front_mut() {
                        *front = Ahead::Read(items.into());
                    }
                }
            }
        }
    }

    fn expected_entries(&self) -> Option<u64> {
        u64::try_from(self.expected).ok()
    }
}
