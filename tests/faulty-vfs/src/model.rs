//! What a disk holds for certain, and what only in its cache.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::random::Random;

/// A disk writes a sector wholly or not at all.
const SECTOR: usize = 512;

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(content, *offset, bytes),
            Self::Truncate(size) => content.resize(*size, 0),
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// A file: what was synchronised, and what happened since.
#[derive(Default)]
struct File {
    durable: Vec<u8>,
    since: Vec<Change>,
}

impl File {
    /// What is left of it when power fails. `kept` of 100 changes are kept whole; the others are lost or torn.
    fn survivor(mut self, kept: u64, random: &mut Random) -> Vec<u8> {
        for change in &self.since {
            match change {
                _ if random.chance(kept) => change.apply(&mut self.durable),
                Change::Write { offset, bytes } if random.chance(50) => {
                    // Sectors are those of the disk, not of the write.
                    let mut at = *offset;
                    let mut rest = bytes.as_slice();
                    while !rest.is_empty() {
                        let (sector, behind) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                        if random.chance(50) {
                            put(&mut self.durable, at, sector);
                        }
                        at += sector.len();
                        rest = behind;
                    }
                }
                _ => {}
            }
        }
        self.durable
    }
}

/// A name in a folder. What it names may differ from what the disk says it names, until the folder is
/// synchronised.
#[derive(Default)]
struct Name {
    now: Option<File>,
    /// What the disk's folder has under this name, if that is not known to be `now`.
    before: Option<Option<File>>,
}

/// All files that SQLite has opened on the disk.
#[derive(Default)]
pub(crate) struct Model {
    names: BTreeMap<PathBuf, Name>,
}

impl Model {
    /// SQLite has opened the file. One that was there before counts as synchronised.
    pub(crate) fn opened(&mut self, path: &Path, is_new: bool) -> io::Result<()> {
        let name = self.names.entry(path.to_owned()).or_default();
        if is_new {
            let before = name.now.take();
            name.before.get_or_insert(before);
            name.now = Some(File::default());
        } else if name.now.is_none() {
            name.now = Some(File { durable: fs::read(path)?, since: Vec::new() });
        }
        Ok(())
    }

    fn change(&mut self, path: &Path, change: Change) {
        let file = self.names.get_mut(path).and_then(|name| name.now.as_mut());
        if let Some(file) = file {
            file.since.push(change);
        }
    }

    pub(crate) fn written(&mut self, path: &Path, offset: usize, bytes: &[u8]) {
        self.change(path, Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(crate) fn truncated(&mut self, path: &Path, size: usize) {
        self.change(path, Change::Truncate(size));
    }

    /// The file was synchronised, and with a new file its folder: SQLite does that for a log or journal.
    pub(crate) fn synchronised(&mut self, path: &Path) {
        let Some(name) = self.names.get_mut(path) else { return };
        let is_new = name.before.is_some();
        if let Some(file) = &mut name.now {
            for change in file.since.drain(..) {
                change.apply(&mut file.durable);
            }
        }
        if is_new {
            self.folder_synchronised(path);
        }
    }

    /// The folder in which the file lies was synchronised: all its names are certain.
    fn folder_synchronised(&mut self, path: &Path) {
        for (other, name) in &mut self.names {
            if other.parent() == path.parent() {
                name.before = None;
            }
        }
    }

    pub(crate) fn deleted(&mut self, path: &Path, folder_synchronised: bool) {
        let name = self.names.entry(path.to_owned()).or_default();
        let before = name.now.take();
        name.before.get_or_insert(before);
        if folder_synchronised {
            self.folder_synchronised(path);
        }
    }

    /// Power has failed, and the files become what a disk could hold then. The shared memory beside a database is
    /// gone.
    pub(crate) fn lose_power(&mut self, random: &mut Random) -> io::Result<()> {
        let kept = [0, 50, 90, 100][usize::from(random.next_number().to_le_bytes()[0] % 4)];
        for (path, name) in &mut self.names {
            let now = name.now.take();
            let survivor = match name.before.take() {
                Some(before) if random.chance(50) => before,
                _ => now,
            };
            match survivor.map(|file| file.survivor(kept, random)) {
                Some(content) => {
                    fs::write(path, &content)?; // into the same inode
                    name.now = Some(File { durable: content, since: Vec::new() });
                }
                None => remove(path)?,
            }
            let mut shared_memory = path.clone().into_os_string();
            shared_memory.push("-shm");
            remove(shared_memory.as_ref())?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_after(seed: u64, work: impl Fn(&mut Model, &Path)) -> Option<Vec<u8>> {
        let folder = std::env::temp_dir().join(format!("tubeatlas-model-{}-{seed}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        fs::write(&path, vec![b'a'; 2_000]).unwrap();
        let mut model = Model::default();
        model.opened(&path, false).unwrap();
        work(&mut model, &path);
        model.lose_power(&mut Random::new(seed)).unwrap();
        let content = fs::read(&path).ok();
        fs::remove_dir_all(&folder).unwrap();
        content
    }

    #[test]
    fn what_was_synchronised_stays_and_what_was_not_is_kept_lost_or_torn() {
        let (mut kept, mut lost, mut torn) = (0, 0, 0);
        for seed in 0..200 {
            let content = content_after(seed, |model, path| {
                model.written(path, 0, &[b'b'; 100]);
                model.synchronised(path);
                model.written(path, 500, &[b'c'; 1_000]);
            });
            let content = content.unwrap();
            assert_eq!((&content[..100], content.len()), (&[b'b'; 100][..], 2_000), "seed {seed}");
            let written = content[500..1_500].iter().filter(|byte| **byte == b'c').count();
            // Sectors end at 512, 1,024 and 1,536.
            assert!([0, 12, 476, 488, 512, 524, 988, 1_000].contains(&written), "seed {seed}: {written}");
            match written {
                0 => lost += 1,
                1_000 => kept += 1,
                _ => torn += 1,
            }
        }
        assert!(kept > 20 && lost > 20 && torn > 20, "{kept} {lost} {torn}");
    }

    #[test]
    fn a_deletion_is_certain_only_when_the_folder_was_synchronised() {
        let there = |synchronised| {
            let after = |seed| content_after(seed, |model, path| model.deleted(path, synchronised));
            (1_000..1_100).filter(|seed| after(*seed).is_some()).count()
        };
        assert_eq!(there(true), 0);
        assert!((20..80).contains(&there(false)));
    }
}
