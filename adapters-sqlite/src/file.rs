//! The database's file: where it lies and how it is made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tubeatlas_ports::{Error, Result};

use crate::config::Location;

/// The database's file, and the folder that goes away with it if it is a temporary one.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    pub(crate) path: PathBuf,
    pub(crate) temporary: Option<TempDir>,
}

impl DatabaseFile {
    /// Finds the file, and makes an empty one, which only its owner may read, if there is none. SQLite gives
    /// `-wal` and `-shm` the same permissions.
    pub(crate) fn prepare(location: &Location) -> Result<Self> {
        let (path, temporary) = match location {
            Location::File(path) => (std::path::absolute(path).map_err(|e| unavailable(path, e))?, None),
            Location::Temporary => {
                let folder = tempfile::Builder::new()
                    .prefix("tubeatlas-")
                    .tempdir()
                    .map_err(|error| unavailable(&std::env::temp_dir(), error))?;
                (folder.path().join("catalogue.db"), Some(folder))
            }
        };
        refuse_unless_file(&path)?;
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(|error| unavailable(folder, error))?;
        }
        make_file(&path).map_err(|error| unavailable(&path, error))?;
        Ok(Self { path, temporary })
    }

    /// A file that is there already.
    pub(crate) fn existing(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| unavailable(path, error))?;
        refuse_unless_file(&path)?;
        fs::symlink_metadata(&path).map_err(|error| unavailable(&path, error))?;
        Ok(Self { path, temporary: None })
    }

    /// The file with this name behind the database's: `-wal`, `-shm` or `-journal`.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// The path as SQLite takes it.
    pub(crate) fn as_text(&self) -> Result<String> {
        let text = self.path.to_str().map(str::to_owned);
        text.ok_or_else(|| Error::Unavailable {
            message: format!("the path {} is not UTF-8; choose another one", self.path.display()),
            source: None,
        })
    }
}

/// Which file was opened: a path can come to name another one while the store is open.
#[derive(Debug, Clone)]
pub(crate) struct FileIdentity {
    path: PathBuf,
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileIdentity {
    /// The file that lies at the path now.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        refuse_unless_file(path)?;
        #[cfg(unix)]
        let device_and_inode = device_and_inode(path).map_err(|error| unavailable(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            device_and_inode,
        })
    }

    /// Whether both are the same file, by whatever path.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        #[cfg(unix)]
        return self.device_and_inode == other.device_and_inode;
        #[cfg(not(unix))]
        return self.path == other.path;
    }

    /// That the path still names the file that was opened. If it was moved, deleted or replaced, what is written
    /// to it is lost for whoever opens the path, and SQLite would even bring the two files' logs together
    /// (<https://sqlite.org/howtocorrupt.html>, on unlinking a database file while in use).
    pub(crate) fn check(&self) -> Result<()> {
        #[cfg(unix)]
        if device_and_inode(&self.path).ok() != Some(self.device_and_inode) {
            let message = format!(
                "the file {} was moved, deleted or replaced while it was open; put it back or open it anew",
                self.path.display()
            );
            return Err(Error::Unavailable { message, source: None });
        }
        Ok(())
    }
}

#[cfg(unix)]
fn device_and_inode(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Makes the folder and those above it, for their owner alone, where they are missing.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file if there is none. One that is there is not even opened: to close it would take away the locks
/// that SQLite has on it in this process (<https://sqlite.org/howtocorrupt.html>, on close and POSIX locks).
fn make_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

/// Refuses what lies at the path if it is no plain file. A symbolic link would let whoever may write in the folder
/// choose which file is written to, and SQLite names its log after the link for one program and after the file for
/// another.
pub(crate) fn refuse_unless_file(path: &Path) -> Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unavailable(path, error)),
        Ok(metadata) if metadata.is_file() => return Ok(()),
        Ok(metadata) => metadata.file_type(),
    };
    let problem = if kind.is_dir() {
        "is a folder; name a file in it"
    } else if kind.is_symlink() {
        "is a symbolic link; name the file itself"
    } else {
        "is a device, a pipe or a socket; name a plain file"
    };
    Err(Error::Unavailable { message: format!("{} {problem}", path.display()), source: None })
}

pub(crate) fn unavailable(path: &Path, error: io::Error) -> Error {
    let message = format!("cannot use {} for a database; check the path and its permissions", path.display());
    Error::Unavailable { message, source: Some(Box::new(error)) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_and_its_new_folder_belong_to_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("catalogue.db");
        DatabaseFile::prepare(&Location::File(path.clone())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }

    #[test]
    fn what_is_no_plain_file_is_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let (link, dangling) = (folder.path().join("link.db"), folder.path().join("dangling.db"));
        let elsewhere = folder.path().join("elsewhere.db");
        std::os::unix::fs::symlink(folder.path().join("missing.db"), &dangling).unwrap();
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        for (path, says) in [
            (folder.path(), "is a folder"),
            (&link, "is a symbolic link"),
            (&dangling, "is a symbolic link"),
            (Path::new("/dev/null"), "is a device"),
        ] {
            let error = DatabaseFile::prepare(&Location::File(path.to_owned())).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(!folder.path().join("missing.db").exists(), "the link was not followed");
    }

    #[test]
    fn a_link_that_takes_the_place_of_the_open_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("catalogue.db"), folder.path().join("moved.db"));
        DatabaseFile::prepare(&Location::File(path.clone())).unwrap();
        let identity = FileIdentity::of(&path).unwrap();
        fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &path).unwrap();
        assert!(identity.check().is_err());
    }
}
