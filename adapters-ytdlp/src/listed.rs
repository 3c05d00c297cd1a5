//! The files of an archive as they were listed, and what an earlier import has noted of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tubeatlas_domain::{
    ContentHash, EntityKind, MAX_SOURCE_MEMO_BYTES, MAX_SOURCE_NOTE_BYTES, SourceFile, SourceFileFields,
    SourceOutcome, SourcePath, SourceYield, Timestamp, VideoId,
};
use tubeatlas_ports::archive::KnownFiles;

use crate::file_name::{self, Kind};
use crate::head::{self, Head, VideoHead};
use crate::read::{self, Failure};
use crate::walk::{Found, What};

/// The version of this reader. One that makes something else of the same files has the next: then all are read again.
pub(crate) const READER_VERSION: u32 = 1;

/// What is noted of a file for the next reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memo {
    /// The video to which it belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<VideoId>,
    /// Of a document, its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
}

/// A file of an archive.
#[derive(Debug)]
pub(crate) struct Listed {
    path: SourcePath,
    size: u64,
    modified_at: Timestamp,
    hash: Option<ContentHash>,
    /// What is noted of it.
    noted: Option<Box<SourceFile>>,
    /// Whether it has not changed since that was noted for this reader; and the video to which it belonged then.
    known: Option<Option<VideoId>>,
    /// Of a document, its head.
    pub(crate) head: Option<Box<Result<Head, Failure>>>,
}

impl Listed {
    /// Looks at a file, which is not opened.
    fn new(found: &Found, known: &mut KnownFiles) -> Option<Self> {
        let path = SourcePath::parse(found.real.to_str()?).ok()?;
        let noted = known.remove(&path).map(Box::new);
        let data = fs::metadata(&found.path).ok()?;
        let modified_at = data.modified().map_or(Timestamp::UNIX_EPOCH, timestamp);
        let mut listed =
            Self { path, size: data.len(), modified_at, hash: None, noted, known: None, head: None };
        if listed.noted.as_ref().is_some_and(|noted| noted.modified_at == modified_at) {
            listed.recall();
        }
        Some(listed)
    }

    /// Whether it may be as it was though its time has changed: then its hash tells.
    fn may_be_touched(&self) -> bool {
        let same = |noted: &SourceFile| {
            noted.hash.is_some() && noted.size == self.size && noted.modified_at != self.modified_at
        };
        self.noted.as_deref().is_some_and(same)
    }

    /// Takes it for unchanged, if what is noted of it is this reader's and of a file of this size.
    fn recall(&mut self) {
        let Some(noted) = &self.noted else { return };
        if noted.reader_version != READER_VERSION || noted.size != self.size {
            return;
        }
        let memo: Option<Memo> = noted.memo.as_deref().and_then(|memo| serde_json::from_str(memo).ok());
        if let Some(memo) = memo {
            self.hash = noted.hash;
            self.head = memo.head.map(|head| Box::new(Ok(head)));
            self.known = Some(memo.of);
        }
    }

    /// Whether it has not changed since it was noted as a file of this video, or of none.
    pub(crate) fn is_unchanged(&self, of: Option<&VideoId>) -> bool {
        self.known.as_ref().is_some_and(|known| known.as_ref() == of)
    }

    /// Takes note of its contents, which were read.
    pub(crate) fn was_read(&mut self, bytes: &[u8]) {
        self.hash = Some(ContentHash::new(Sha256::digest(bytes).into()));
    }

    /// Whether it has not changed since it was noted.
    pub(crate) fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// What became of it when it was noted.
    pub(crate) fn outcome(&self) -> Option<&SourceOutcome> {
        self.noted.as_ref().map(|noted| &noted.outcome)
    }

    /// What is to be noted if nothing has changed but its time.
    pub(crate) fn retouched(&self) -> Option<SourceFile> {
        let noted = self.noted.as_ref().filter(|noted| noted.modified_at != self.modified_at)?;
        let fields = SourceFileFields { modified_at: self.modified_at, ..noted.clone().into_fields() };
        SourceFile::new(fields).ok()
    }

    /// What is to be noted of it, if it differs from what is noted: what became of it, and the video to which it
    /// belongs.
    pub(crate) fn note(
        &self,
        outcome: SourceOutcome,
        of: Option<&VideoId>,
        gives: Option<(EntityKind, String)>,
    ) -> Option<SourceFile> {
        let head = self.head.as_ref().and_then(|head| (**head).as_ref().ok()).cloned();
        let memo = serde_json::to_string(&Memo { of: of.cloned(), head }).ok();
        let file = SourceFile::new(SourceFileFields {
            hash: self.hash,
            outcome,
            gives: gives.map(|(kind, key)| SourceYield { kind, key }),
            // A longer one is left out, and the file read again each time.
            memo: memo.filter(|memo| memo.len() <= MAX_SOURCE_MEMO_BYTES),
            ..SourceFileFields::new(self.path.clone(), self.size, self.modified_at, READER_VERSION)
        });
        file.ok().filter(|file| self.noted.as_deref() != Some(file))
    }
}

/// That a file was refused or ignored for this reason.
pub(crate) fn for_reason(verdict: fn(String) -> SourceOutcome, reason: &str) -> SourceOutcome {
    let reason = reason.replace('\0', "");
    verdict(reason[..reason.floor_char_boundary(MAX_SOURCE_NOTE_BYTES)].to_owned())
}

fn timestamp(time: std::time::SystemTime) -> Timestamp {
    let since = |earlier: std::time::SystemTime, later: std::time::SystemTime| {
        later.duration_since(earlier).ok().and_then(|it| i64::try_from(it.as_micros()).ok())
    };
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let micros = since(epoch, time).or_else(|| since(time, epoch).map(|micros| -micros));
    micros.and_then(|micros| Timestamp::from_unix_micros(micros).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The files of an archive that are of a kind that is known, by their paths as they were found.
#[derive(Debug, Default)]
pub(crate) struct Files(HashMap<PathBuf, Box<Listed>>);

impl Files {
    /// Looks at the files; those that have to be opened for it, on all cores: documents that are new or changed, and
    /// files that changed in nothing but their time. Takes what is noted of them out of `known`.
    pub(crate) fn look(found: &[Found], known: &mut KnownFiles, cancelled: &AtomicBool) -> Self {
        let mut files = HashMap::new();
        let mut to_open = Vec::new();
        for found in found.iter().filter(|found| found.what == What::File) {
            let name = found.path.file_name().and_then(|name| name.to_str());
            let Some(kind) = name.and_then(file_name::parse).map(|name| name.kind) else { continue };
            let listed = Listed::new(found, known);
            let is_document = kind == Kind::Document;
            let opened = match &listed {
                Some(listed) => listed.known.is_none() && (is_document || listed.may_be_touched()),
                None => false,
            };
            if opened {
                to_open.push((found.path.as_path(), is_document));
            }
            files.extend(listed.map(|listed| (found.path.clone(), Box::new(listed))));
        }
        for (path, opened) in open_all(&to_open, cancelled) {
            let Some(listed) = files.get_mut(path) else { continue };
            listed.hash = opened.hash;
            let noted = listed.noted.as_ref().and_then(|noted| noted.hash);
            if listed.may_be_touched() && noted == opened.hash {
                listed.recall();
            }
            if listed.known.is_none() {
                listed.head = opened.head.map(Box::new);
            }
        }
        Self(files)
    }

    pub(crate) fn get(&self, path: &Path) -> Option<&Listed> {
        self.0.get(path).map(|listed| &**listed)
    }

    /// Takes one out.
    pub(crate) fn take(&mut self, path: &Path) -> Option<Box<Listed>> {
        self.0.remove(path)
    }
}

/// What opening a file has told.
struct Opened {
    hash: Option<ContentHash>,
    head: Option<Result<Head, Failure>>,
}

/// Reads a document's head.
pub(crate) fn head_of(path: &Path) -> Result<Head, Failure> {
    Ok(titled(head::head(&read::whole(path)?)?, path))
}

/// The heads of the videos' documents among these.
pub(crate) fn video_heads(noted: &KnownFiles) -> Vec<(PathBuf, VideoHead)> {
    let head = |file: &SourceFile| match serde_json::from_str::<Memo>(file.memo.as_deref()?).ok()?.head {
        Some(Head::Video(head)) => Some((PathBuf::from(file.path.as_str()), head)),
        _ => None,
    };
    noted.values().filter_map(head).collect()
}

fn open(path: &Path, is_document: bool) -> Opened {
    if !is_document {
        return Opened { hash: hash_of(path).ok(), head: None };
    }
    match read::whole(path) {
        Ok(bytes) => {
            let head = head::head(&bytes).map(|head| titled(head, path)).map_err(Failure::from);
            Opened { hash: Some(ContentHash::new(Sha256::digest(&bytes).into())), head: Some(head) }
        }
        Err(failure) => Opened { hash: None, head: Some(Err(failure)) },
    }
}

/// Opens the files on all cores. When it is cancelled, it leaves the rest out.
fn open_all<'a>(files: &[(&'a Path, bool)], cancelled: &AtomicBool) -> Vec<(&'a Path, Opened)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut opened = Vec::new();
        while !cancelled.load(Ordering::Relaxed)
            && let Some(&(path, is_document)) = files.get(next.fetch_add(1, Ordering::Relaxed))
        {
            opened.push((path, open(path, is_document)));
        }
        opened
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut opened = work();
        for other in others {
            match other.join() {
                Ok(more) => opened.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        opened
    })
}

/// Notes whether the file is named after the video's title, and forgets the title.
fn titled(mut head: Head, path: &Path) -> Head {
    if let Head::Video(video) = &mut head {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse);
        let base = name.and_then(|name| Some(name.bases.first()?.base)).unwrap_or_default();
        let title = std::mem::take(&mut video.title);
        video.titled = file_name::holds_title(base, &title);
    }
    head
}

fn hash_of(path: &Path) -> io::Result<ContentHash> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(ContentHash::new(hasher.finalize().into())),
            bytes => hasher.update(&buffer[..bytes]),
        }
    }
}
