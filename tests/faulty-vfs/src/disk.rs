//! [`Disk`]: the files below a folder, and what is to go wrong with them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::model::Model;
use crate::random::Random;
use crate::vfs;

/// What goes wrong, from or at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// This one call answers an I/O error (or that the file cannot be opened).
    IoErrorOnce,
    /// This call and all that follow do, until the disk is mended.
    IoErrors,
    /// From this call on nothing can be written that was not there: every write answers that the disk is full.
    Full,
    /// Power fails during this call. Nothing works until [`Disk::power_on`].
    PowerCut,
}

/// The kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Truncate,
    Sync,
    Open,
    Delete,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Io,
    Full,
    /// The call was under way when power failed.
    Power,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) model: Model,
    calls: u64,
    fault: Option<(u64, Fault)>,
    pub(crate) is_write_protected: bool,
}

impl State {
    /// Counts a call; how it fails, if it does.
    pub(crate) fn begin(&mut self, call: Call) -> Option<Failure> {
        self.calls += 1;
        let (at, fault) = self.fault.filter(|(at, _)| *at <= self.calls)?;
        match fault {
            Fault::IoErrorOnce if self.calls > at => None,
            Fault::IoErrorOnce | Fault::IoErrors => Some(Failure::Io),
            Fault::Full => (call == Call::Write).then_some(Failure::Full),
            Fault::PowerCut if self.calls > at => Some(Failure::Io),
            Fault::PowerCut => Some(Failure::Power),
        }
    }
}

/// The files below a folder.
pub struct Disk {
    pub(crate) folder: PathBuf,
    state: Mutex<State>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// All disks there are.
static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());

/// The disk that the path lies on.
pub(crate) fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.iter().filter_map(Weak::upgrade).find(|disk| path.starts_with(&disk.folder))
}

impl Disk {
    /// Puts a disk under what SQLite opens below `folder` from now on, as long as the disk lives.
    ///
    /// # Errors
    /// If the folder is not there, or SQLite does not take the shim.
    pub fn under(folder: &Path) -> io::Result<Arc<Self>> {
        vfs::register()?;
        let disk = Arc::new(Self { folder: folder.canonicalize()?, state: Mutex::default() });
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.retain(|disk| disk.strong_count() > 0);
        disks.push(Arc::downgrade(&disk));
        Ok(disk)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls there were since the last [`break_at`](Self::break_at) or [`mend`](Self::mend).
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Has something go wrong with the `call`-th call from now, from 1.
    pub fn break_at(&self, call: u64, fault: Fault) {
        let mut state = self.lock();
        state.calls = 0;
        state.fault = Some((call, fault));
    }

    /// Has everything work again; a disk without power stays as it is.
    pub fn mend(&self) {
        let mut state = self.lock();
        if state.fault.is_none_or(|(_, fault)| fault != Fault::PowerCut) {
            state.fault = None;
        }
        state.calls = 0;
    }

    /// Has databases that are opened from now on be read-only, or not any more, as if their permissions had been
    /// changed (which bind everybody but root).
    pub fn write_protect(&self, is_write_protected: bool) {
        self.lock().is_write_protected = is_write_protected;
    }

    /// Whether what was to go wrong has begun to.
    pub fn is_broken(&self) -> bool {
        let state = self.lock();
        state.fault.is_some_and(|(at, _)| state.calls >= at)
    }

    /// Cuts the power, if it is not cut, and turns it on again: the files become what a real disk could hold. Nobody
    /// may have a file of it open.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn power_on(&self, random: &mut Random) -> io::Result<()> {
        let mut state = self.lock();
        state.fault = None;
        state.calls = 0;
        state.model.lose_power(random)
    }
}
