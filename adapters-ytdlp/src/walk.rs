//! Listing the files of an archive, and nothing else: no file is opened.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tubeatlas_ports::archive::Refusal;

/// Folders in which no archive lies: version control, a storage box's own thumbnails, and what was deleted.
const SKIPPED_FOLDERS: [&str; 6] = [".git", ".hg", "@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN"];

/// How the folders begin into which desktops put what was deleted: `.Trash-1000`, `.Trashes`.
const TRASH: &str = ".Trash";

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it lies, as it was named.
    pub(crate) path: PathBuf,
    /// Where it lies from the root of the file system, the same however the archive was named.
    pub(crate) real: PathBuf,
    /// What it is.
    pub(crate) what: What,
}

/// What something in a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A file, or a link to one.
    File,
    /// A folder; what is in it is listed as well.
    Folder,
    /// A link to a folder, which was not followed.
    FolderLink,
    /// A link to nothing.
    BrokenLink,
    /// A pipe, a device: reading it might never end.
    Special,
    /// It could not be looked at, for this reason.
    Unreadable(String),
}

/// Lists all that lies in or under `roots`, in byte order of the paths, each path once.
///
/// # Errors
/// If a root is missing or cannot be read, or `cancelled` was set meanwhile.
pub(crate) fn walk(roots: &[PathBuf], cancelled: &AtomicBool) -> Result<Vec<Found>, Refusal> {
    let refusal = |path: &Path, reason: String| Refusal { path: path.to_owned(), reason };
    let real_roots = real_roots(roots)?;
    let mut found = Vec::new();
    let mut seen = |path: PathBuf, real: PathBuf, what| found.push(Found { path, real, what });
    for (i, root) in roots.iter().enumerate() {
        // A root that lies in another one, or is another one, was or will be listed with that.
        let covered = real_roots
            .iter()
            .enumerate()
            .any(|(j, other)| real_roots[i].starts_with(other) && (real_roots[i] != *other || j < i));
        if covered {
            continue;
        }
        if real_roots[i].is_dir() {
            let mut folders = vec![(root.clone(), real_roots[i].clone())];
            while let Some((folder, real)) = folders.pop() {
                if cancelled.load(Ordering::Relaxed) {
                    return Err(refusal(root, "the reading was given up".into()));
                }
                if let Err(error) = list(&folder, &real, &mut seen, &mut folders) {
                    if folder == *root {
                        return Err(refusal(root, cannot_be_read(&error)));
                    }
                    seen(folder, real, What::Unreadable(cannot_be_read(&error)));
                }
            }
        } else {
            let what = if real_roots[i].is_file() { What::File } else { What::Special };
            seen(root.clone(), of_a_file(root, &real_roots[i]), what);
        }
    }
    found.sort_by(|a, b| a.path.as_os_str().as_encoded_bytes().cmp(b.path.as_os_str().as_encoded_bytes()));
    Ok(found)
}

/// The roots as they lie from the root of the file system.
fn real_roots(roots: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let refusal = |path: &Path, reason: String| Refusal { path: path.to_owned(), reason };
    if roots.is_empty() {
        return Err(refusal(Path::new(""), "no folder was named; name the folder of the archive".into()));
    }
    let mut real_roots = Vec::with_capacity(roots.len());
    for root in roots {
        let real = fs::canonicalize(root).map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "does not exist; name the folder in which the archive lies".into(),
                _ => cannot_be_read(&error),
            };
            refusal(root, reason)
        })?;
        real_roots.push(real);
    }
    Ok(real_roots)
}

/// Where a file that was named lies from the root of the file system. The file itself may be a link and stays one.
fn of_a_file(named: &Path, target: &Path) -> PathBuf {
    let folder = std::path::absolute(named).ok().and_then(|path| fs::canonicalize(path.parent()?).ok());
    match (folder, named.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => target.to_owned(),
    }
}

/// With what the real paths begin of all that lies in or under `roots`: of a folder its path and a separator, of a
/// file its path.
///
/// # Errors
/// If a root is missing or cannot be read.
pub(crate) fn prefixes(roots: &[PathBuf]) -> Result<Vec<PathBuf>, Refusal> {
    let real = real_roots(roots)?;
    let prefix = |(root, real): (&PathBuf, &PathBuf)| match real.is_dir() {
        true => real.join(""),
        false => of_a_file(root, real),
    };
    Ok(roots.iter().zip(&real).map(prefix).collect())
}

/// Lists one folder.
fn list(
    folder: &Path,
    real: &Path,
    seen: &mut impl FnMut(PathBuf, PathBuf, What),
    folders: &mut Vec<(PathBuf, PathBuf)>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let what = match entry.file_type() {
            Ok(kind) if kind.is_dir() => What::Folder,
            Ok(kind) if kind.is_file() => What::File,
            Ok(kind) if kind.is_symlink() => match fs::metadata(&path) {
                Ok(target) if target.is_dir() => What::FolderLink,
                Ok(target) if target.is_file() => What::File,
                Ok(_) => What::Special,
                Err(_) => What::BrokenLink,
            },
            Ok(_) => What::Special,
            Err(error) => What::Unreadable(cannot_be_read(&error)),
        };
        let name = entry.file_name();
        if what == What::Folder {
            if SKIPPED_FOLDERS.iter().any(|skipped| name == OsStr::new(skipped))
                || name.as_encoded_bytes().starts_with(TRASH.as_bytes())
            {
                continue;
            }
            folders.push((path.clone(), real.join(&name)));
        }
        seen(path, real.join(name), what);
    }
    Ok(())
}

/// Why something cannot be read, and what to do.
pub(crate) fn cannot_be_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("cannot be read: {error}; give the permission to read it"),
        io::ErrorKind::NotFound => "is gone since the archive was listed; import again".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(roots: &[PathBuf]) -> Vec<PathBuf> {
        walk(roots, &AtomicBool::new(false)).unwrap().into_iter().map(|found| found.path).collect()
    }

    #[test]
    fn files_are_listed_once_and_in_byte_order() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        fs::create_dir_all(root.join("a/b")).unwrap();
        for skipped in [".git", ".Trash-1000", "#recycle"] {
            fs::create_dir_all(root.join(skipped)).unwrap();
            fs::write(root.join(skipped).join("x"), "").unwrap();
        }
        for name in ["a.x", "a/z", "a/b/y", "B", "é"] {
            fs::write(root.join(name), "").unwrap();
        }
        let expected: Vec<_> =
            ["B", "a", "a.x", "a/b", "a/b/y", "a/z", "é"].map(|name| root.join(name)).into();
        assert_eq!(paths(std::slice::from_ref(&root)), expected);
        assert_eq!(paths(&[root.join("a/b"), root.clone(), root.clone(), root.join("B")]), expected);
        assert_eq!(paths(&[root.join("B")]), [root.join("B")]);
    }

    #[test]
    #[cfg(unix)]
    fn links_to_folders_are_named_and_not_followed() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("file"), "").unwrap();
        symlink(root, root.join("loop")).unwrap();
        symlink(root.join("file"), root.join("link")).unwrap();
        symlink(root.join("nothing"), root.join("broken")).unwrap();
        let found = walk(&[root.to_owned()], &AtomicBool::new(false)).unwrap();
        let what: Vec<_> = found.into_iter().map(|found| found.what).collect();
        assert_eq!(what, [What::BrokenLink, What::File, What::File, What::FolderLink]);
        // A root that is a link was named by a person, and is followed.
        assert_eq!(paths(&[root.join("loop")]).len(), 4);
    }

    #[test]
    fn a_missing_root_is_refused_by_name() {
        let error = walk(&[PathBuf::from("/no/such/folder")], &AtomicBool::new(false)).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder: does not exist; name"), "{error}");
        assert!(walk(&[], &AtomicBool::new(false)).unwrap_err().reason.contains("no folder was named"));
    }
}
