//! The file of a catalogue on a disk: read twice when it is taken in, and written whole or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use futures::{Stream, stream};
use tempfile::NamedTempFile;
use tubeatlas_ports::Store;

use super::format::{Entry, Summary, Summing};
use super::{Source, TransferError, Watch};

/// How what is not whole yet is called, beside where it is to be.
const PARTIAL: (&str, &str) = (".tubeatlas-", ".partial");

fn is_compressed(file: &Path) -> bool {
    file.extension() == Some(OsStr::new("zst"))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that is there.
#[derive(Debug)]
pub struct OnDisk(PathBuf);

impl OnDisk {
    /// The file at this path.
    ///
    /// # Errors
    /// If it cannot be read twice, as what comes through a pipe cannot.
    pub fn new(path: PathBuf) -> Result<Self, TransferError> {
        let found = std::fs::metadata(&path).map_err(|error| TransferError::File("read", error))?;
        if found.is_file() {
            return Ok(Self(path));
        }
        let problem = "it is no file; write what comes through a pipe into one, for it is read twice";
        Err(TransferError::File("read", io::Error::other(problem)))
    }

    fn read(&self) -> Result<impl Iterator<Item = Result<Entry, TransferError>> + use<>, TransferError> {
        let failed = |error| TransferError::File("read", error);
        let file = BufReader::new(File::open(&self.0).map_err(failed)?);
        let file: Box<dyn BufRead + Send> = if is_compressed(&self.0) {
            Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(failed)?))
        } else {
            Box::new(file)
        };
        super::entries(file)
    }

    /// Reads it to its end, and so sees that it is whole; shows each entity.
    ///
    /// # Errors
    /// If it is damaged, or cannot be read.
    pub fn summary(&self, mut each: impl FnMut(&Entry)) -> Result<Summary, TransferError> {
        let mut sum = Summing::new();
        for entry in self.read()? {
            let entry = entry?;
            each(&entry);
            sum.add(&entry)?;
        }
        Ok(sum.end())
    }

    /// How many bytes it has.
    ///
    /// # Errors
    /// If that cannot be told.
    pub fn bytes(&self) -> Result<u64, TransferError> {
        let found = std::fs::metadata(&self.0).map_err(|error| TransferError::File("read", error))?;
        Ok(found.len())
    }
}

impl Source for OnDisk {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        Ok(stream::iter(self.read()?))
    }
}

/// A file that is written beside its place, and put there when it is whole; compressed if its name ends in `.zst`.
#[derive(Debug)]
pub struct Written {
    to: Writer,
    place: PathBuf,
    overwrite: bool,
}

enum Writer {
    Plain(BufWriter<NamedTempFile>),
    Compressed(zstd::Encoder<'static, BufWriter<NamedTempFile>>),
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Compressed(_) => "Compressed",
        })
    }
}

impl Written {
    /// Begins it. As long as it is not whole, its name has `mark` in it, by which [`remove_left_behind`] finds it.
    ///
    /// # Errors
    /// [`Exists`](TransferError::Exists) if something is in its place that is not to be overwritten; or if nothing can be
    /// written beside it.
    pub fn begin(place: &Path, overwrite: bool, mark: &str) -> Result<Self, TransferError> {
        let failed = |error| TransferError::File("written", error);
        if !overwrite && place.symlink_metadata().is_ok() {
            return Err(TransferError::Exists(place.to_owned()));
        }
        let (prefix, suffix) = (format!("{}{mark}", PARTIAL.0), PARTIAL.1);
        let file = tempfile::Builder::new().prefix(&prefix).suffix(suffix).tempfile_in(folder_of(place));
        let file = BufWriter::new(file.map_err(failed)?);
        let to = if is_compressed(place) {
            let mut encoder = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
            encoder.include_checksum(true).map_err(failed)?;
            Writer::Compressed(encoder)
        } else {
            Writer::Plain(file)
        };
        Ok(Self { to, place: place.to_owned(), overwrite })
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.to {
            Writer::Plain(file) => file.write_all(line),
            Writer::Compressed(file) => file.write_all(line),
        }
    }

    /// Makes it durable and puts it into its place; answers how many bytes it has.
    fn end(self) -> Result<u64, TransferError> {
        let failed = |error: io::Error| TransferError::File("written", error);
        let file = match self.to {
            Writer::Plain(file) => file,
            Writer::Compressed(file) => file.finish().map_err(failed)?,
        };
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        let put =
            if self.overwrite { file.persist(&self.place) } else { file.persist_noclobber(&self.place) };
        let file = put.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => TransferError::Exists(self.place.clone()),
            _ => failed(error.error),
        })?;
        // Its name, too.
        File::open(folder_of(&self.place)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(file.metadata().map_err(failed)?.len())
    }
}

/// Writes a whole catalogue, as it is at one moment, into a file; answers also how many bytes it has. If the future is
/// dropped, nothing is left of it.
///
/// # Errors
/// Those of the store, and of the file, of which nothing is left then.
pub async fn write(
    from: &dyn Store,
    mut to: Written,
    watch: Watch<'_>,
) -> Result<(Summary, u64), TransferError> {
    let summary = super::export(from, watch, |line| to.put(line)).await?;
    let ended = tokio::task::spawn_blocking(move || to.end()).await;
    let bytes = ended.map_err(|error| TransferError::File("written", io::Error::other(error)))??;
    Ok((summary, bytes))
}

/// Removes what was begun with this mark in a folder, and is not whole because its process was killed. Whoever is writing
/// it after all cannot put it into its place any more.
///
/// # Errors
/// If the folder cannot be read, or a file not be removed.
pub fn remove_left_behind(folder: &Path, mark: &str) -> Result<(), TransferError> {
    let failed = |error| TransferError::File("written", error);
    let prefix = format!("{}{mark}", PARTIAL.0);
    for file in std::fs::read_dir(folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let name = file.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(PARTIAL.1)) {
            std::fs::remove_file(file.path()).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(place: &Path, overwrite: bool, line: &[u8]) -> Result<u64, TransferError> {
        let mut file = Written::begin(place, overwrite, "task-1-")?;
        file.put(line).unwrap();
        file.end()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all_and_replaces_another_only_if_that_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.ndjson");
        drop(Written::begin(&place, false, "task-1-").unwrap());
        assert_eq!(names(folder.path()), [""; 0], "it was given up");
        let late = Written::begin(&place, false, "task-1-").unwrap();
        assert_eq!(written(&place, false, b"one").unwrap(), 3);
        assert!(matches!(written(&place, false, b"two"), Err(TransferError::Exists(at)) if at == place));
        assert!(matches!(late.end(), Err(TransferError::Exists(at)) if at == place), "nor at the end");
        assert_eq!(std::fs::read(&place).unwrap(), b"one");
        assert_eq!(written(&place, true, b"two").unwrap(), 3);
        assert_eq!(std::fs::read(&place).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.ndjson"]);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.ndjson");
        let slow = Written::begin(&place, true, "task-1-").unwrap();
        let others = [
            ".tubeatlas-task-1-x",
            ".tubeatlas-task-11-x.partial",
            ".tubeatlas-task-2-x.partial",
            "a-.tubeatlas-task-1-x.partial",
            "task-1-x.partial",
        ];
        for name in others.iter().chain(&[".tubeatlas-task-1-x.partial"]) {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        remove_left_behind(folder.path(), "task-1-").unwrap();
        assert_eq!(names(folder.path()), others);
        assert!(matches!(slow.end(), Err(TransferError::File("written", _))), "somebody else has taken over");
        assert!(!place.exists());
    }
}
