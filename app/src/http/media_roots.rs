//! The folders whose media files the service hands out.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::AppError;

/// The folders, without symbolic links. A path in the catalogue is only a claim: whoever may write there could name any
/// file of the machine.
#[derive(Debug)]
pub(super) struct MediaRoots(Vec<PathBuf>);

/// A file that may be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalMedia {
    /// Where it lies, without symbolic links.
    pub(super) path: PathBuf,
    /// Its media type, of video or sound.
    pub(super) content_type: &'static str,
}

impl MediaRoots {
    /// These folders; below none, no file is found.
    ///
    /// # Errors
    /// If one of them is not there, or is no folder.
    pub(super) fn open(folders: &[PathBuf]) -> Result<Self, AppError> {
        let real = |folder: &PathBuf| {
            let failed =
                |source| AppError::File { what: "hand out media files below", path: folder.clone(), source };
            let real = std::fs::canonicalize(folder).map_err(failed)?;
            if !real.is_dir() {
                return Err(failed(io::ErrorKind::NotADirectory.into()));
            }
            Ok(real)
        };
        Ok(Self(folders.iter().map(real).collect::<Result<_, AppError>>()?))
    }

    /// The file at this path, if it is one of video or sound and really lies below one of the folders: symbolic links
    /// that lead out of them lead nowhere. Whoever can put files into the folders could still change one into a link
    /// between this look and its opening, and is trusted.
    pub(super) fn find(&self, path: &Path) -> Option<LocalMedia> {
        if !path.is_absolute() {
            return None;
        }
        let path = std::fs::canonicalize(path).ok()?;
        let content_type = content_type(&path)?;
        let is_below = self.0.iter().any(|root| path.starts_with(root));
        // A pipe or a device would never end.
        (is_below && path.is_file()).then_some(LocalMedia { path, content_type })
    }
}

/// The media type by the file's extension; `None` if it is neither video nor sound. Anything else that lies in the
/// folders, such as a database or cookies, stays there.
fn content_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mkv" => "video/x-matroska",
        "mov" => "video/quicktime",
        "ogv" => "video/ogg",
        "avi" => "video/x-msvideo",
        "flv" => "video/x-flv",
        "3gp" => "video/3gpp",
        "ts" => "video/mp2t",
        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "aac" => "audio/aac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "flac" => "audio/flac",
        "wav" => "audio/wav",
        "weba" => "audio/webm",
        "mka" => "audio/x-matroska",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_media_files_that_really_lie_below_are_found() {
        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (folder.path().join("media"), outside.path().join("secret.mp4"));
        fs::create_dir_all(root.join("sub/pipe.mp4")).unwrap();
        fs::create_dir(folder.path().join("media-private")).unwrap();
        for file in
            ["media/a.MP4", "media/sub/b.wav", "media/c.json", "media/noextension", "media-private/d.mp4"]
        {
            fs::write(folder.path().join(file), "x").unwrap();
        }
        fs::write(&elsewhere, "x").unwrap();
        symlink(&elsewhere, root.join("out.mp4")).unwrap();
        symlink(outside.path(), root.join("away")).unwrap();
        symlink(root.join("a.MP4"), root.join("in.mp4")).unwrap();
        symlink("/etc/passwd", root.join("passwd.mp4")).unwrap();

        let roots = MediaRoots::open(std::slice::from_ref(&root)).unwrap();
        let found = |path: &str| roots.find(&root.join(path)).map(|found| found.content_type);
        assert_eq!(found("a.MP4"), Some("video/mp4"));
        assert_eq!(found("sub/b.wav"), Some("audio/wav"));
        assert_eq!(found("sub/../a.MP4"), Some("video/mp4"));
        assert_eq!(found("in.mp4"), Some("video/mp4"));
        for path in [
            "out.mp4",
            "away/secret.mp4",
            "passwd.mp4",
            "sub/pipe.mp4",
            "c.json",
            "noextension",
            "nothing.mp4",
            "../media-private/d.mp4",
            "",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
        assert_eq!(roots.find(&elsewhere), None);
        assert_eq!(roots.find(Path::new("a.MP4")), None);
        assert_eq!(MediaRoots::open(&[]).unwrap().find(&root.join("a.MP4")), None);
    }

    #[test]
    fn a_folder_has_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        for path in [folder.path().join("nothing"), file] {
            assert!(matches!(MediaRoots::open(&[path]), Err(AppError::File { .. })));
        }
    }
}
