//! Reading a file whole, but not more than a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::walk::cannot_be_read;

/// The largest document or caption file that is read. The largest document seen without comments has 1.2 MB,
/// the largest caption file 0.5 MB; all comments of a video may take tens of megabytes.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Why a file was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// Whether it may be taken in another time though it does not change: a permission is missing, a disk is away.
    pub(crate) passing: bool,
}

impl From<String> for Failure {
    /// Something is wrong with its contents.
    fn from(reason: String) -> Self {
        Self { reason, passing: false }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { reason: cannot_be_read(&error), passing: true }
    }
}

/// The bytes of a file, or why they cannot be had.
pub(crate) fn whole(path: &Path) -> Result<Vec<u8>, Failure> {
    // Looked at before it is opened: opening a pipe may wait for ever.
    let data = fs::metadata(path)?;
    if !data.is_file() {
        return Err("is no regular file; only files are read".to_owned().into());
    }
    let too_large = |size: u64| {
        format!(
            "has {size} bytes or more, and at most {MAX_FILE_BYTES} are read; if it holds comments, leave them out"
        )
    };
    if data.len() > MAX_FILE_BYTES {
        return Err(too_large(data.len()).into());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        size if size > MAX_FILE_BYTES => Err(too_large(size).into()), // it has grown meanwhile
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_FILE_BYTES).unwrap();
        assert_eq!(whole(&path).unwrap().len() as u64, MAX_FILE_BYTES);
        file.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(whole(&path).unwrap_err().reason.contains("67108865 bytes"));
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let failure = whole(dir.path()).unwrap_err();
        assert!(failure.reason.contains("no regular file") && !failure.passing);
        let failure = whole(&dir.path().join("gone")).unwrap_err();
        assert!(failure.reason.contains("is gone") && failure.passing);
    }
}
