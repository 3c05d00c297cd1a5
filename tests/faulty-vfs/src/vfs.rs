//! The shim between SQLite and its VFS for Unix. The only place with `unsafe` in the workspace: SQLite's interface
//! for a VFS is C.
//!
//! The shim copies the default VFS and replaces `xOpen` and `xDelete`. A file on a disk of ours gets its table of
//! methods replaced by a copy in which some are ours; each of them asks the disk, and then calls the original. The
//! file itself stays the one of the VFS for Unix, which finds its own fields where it expects them; what is ours lies
//! behind them.

#![allow(unsafe_code, reason = "a VFS is an interface in C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{io, ptr, slice};

use libsqlite3_sys::{
    SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_READ,
    SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_DB,
    SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE, sqlite3_file, sqlite3_initialize, sqlite3_int64,
    sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::disk::{Call, Disk, Failure, disk_of};

/// The VFS below the shim, and how many bytes its files take.
struct Below {
    vfs: *mut sqlite3_vfs,
    file_bytes: usize,
}

// SAFETY: SQLite itself uses a VFS from all threads; we never change it.
unsafe impl Send for Below {}
// SAFETY: as above.
unsafe impl Sync for Below {}

static BELOW: OnceLock<Below> = OnceLock::new();

/// What the shim knows of an open file. A pointer to it lies behind the VFS's own file.
struct Opened {
    disk: Arc<Disk>,
    path: PathBuf,
    original: *const sqlite3_io_methods,
    methods: sqlite3_io_methods,
}

/// Makes the shim the default VFS, once.
pub(crate) fn register() -> io::Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        // SAFETY: called once. SQLite is initialised before its default VFS is looked for. The copied VFS lives for
        // ever, as SQLite demands of a registered one, and every pointer that was copied with it does as well.
        unsafe {
            if sqlite3_initialize() != SQLITE_OK {
                return false;
            }
            let below = sqlite3_vfs_find(ptr::null());
            let Some(file_bytes) = below.as_ref().and_then(|vfs| usize::try_from(vfs.szOsFile).ok()) else {
                return false;
            };
            let file_bytes = file_bytes.next_multiple_of(align_of::<*mut Opened>());
            let Ok(all_bytes) = c_int::try_from(file_bytes + size_of::<*mut Opened>()) else { return false };
            let shim = Box::leak(Box::new(sqlite3_vfs {
                szOsFile: all_bytes,
                zName: c"faulty".as_ptr(),
                pNext: ptr::null_mut(),
                xOpen: Some(open),
                xDelete: Some(delete),
                ..*below
            }));
            BELOW.set(Below { vfs: below, file_bytes }).is_ok() && sqlite3_vfs_register(shim, 1) == SQLITE_OK
        }
    });
    if *registered { Ok(()) } else { Err(io::Error::other("SQLite does not take the VFS")) }
}

/// The VFS below.
fn below() -> &'static Below {
    BELOW.get().unwrap_or_else(|| std::process::abort()) // nobody calls the shim before it is registered
}

/// Where the pointer to what is ours lies.
///
/// # Safety
/// `file` must be as long as the shim's `szOsFile` says.
unsafe fn slot(file: *mut sqlite3_file) -> *mut *mut Opened {
    // SAFETY: the shim's files have room for a pointer there, and it is aligned for one.
    unsafe { file.cast::<u8>().add(below().file_bytes).cast() }
}

/// What the shim knows of the file.
///
/// # Safety
/// `file` must have been opened by [`open`] with our methods, and not be closed meanwhile.
unsafe fn opened<'a>(file: *mut sqlite3_file) -> &'a Opened {
    // SAFETY: `open` put a pointer from `Box::into_raw` there, and `close` alone frees it.
    unsafe { &**slot(file) }
}

/// The path, as SQLite gives it.
///
/// # Safety
/// `name` must be a C string that lives as long as the answer is used.
unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: as the caller promises.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

unsafe extern "C" fn open(
    _shim: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are those of `xOpen`, for which the VFS below gets itself in place of the shim. `name` is
    // null for a temporary file. When opening fails, `pMethods` stays null, and SQLite does not close the file.
    unsafe {
        (*file).pMethods = ptr::null();
        let Some(open_below) = (*below().vfs).xOpen else { return SQLITE_CANTOPEN };
        let on_disk = if name.is_null() { None } else { disk_of(path(name)) };
        let Some(disk) = on_disk else { return open_below(below().vfs, name, file, flags, out_flags) };
        let path = path(name).to_owned();
        let mut state = disk.lock();
        if state.begin(Call::Open).is_some() {
            return SQLITE_CANTOPEN;
        }
        let is_new = !path.exists();
        let flags = if state.is_write_protected && flags & SQLITE_OPEN_MAIN_DB != 0 {
            flags & !(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_READONLY
        } else {
            flags
        };
        let code = open_below(below().vfs, name, file, flags, out_flags);
        if code != SQLITE_OK {
            return code;
        }
        let original = (*file).pMethods;
        if state.model.opened(&path, is_new).is_err() || original.is_null() {
            return SQLITE_CANTOPEN;
        }
        drop(state);
        let methods = sqlite3_io_methods {
            xClose: Some(close),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            ..*original
        };
        let opened = Box::into_raw(Box::new(Opened { disk, path, original, methods }));
        *slot(file) = opened;
        (*file).pMethods = &raw const (*opened).methods;
        SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the pointer comes from `open`, and is freed here, where SQLite is done with the file.
    unsafe {
        let opened = Box::from_raw(*slot(file));
        (*file).pMethods = opened.original;
        (*opened.original).xClose.map_or(SQLITE_OK, |close| close(file))
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are those of `xRead`, and go on to the VFS below.
    unsafe {
        let opened = opened(file);
        if opened.disk.lock().begin(Call::Read).is_some() {
            return SQLITE_IOERR_READ;
        }
        (*opened.original).xRead.map_or(SQLITE_IOERR_READ, |read| read(file, to, amount, offset))
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are those of `xWrite`, and go on to the VFS below; `from` has `amount` bytes.
    unsafe {
        let opened = opened(file);
        let (Ok(length), Ok(at)) = (usize::try_from(amount), usize::try_from(offset)) else {
            return SQLITE_IOERR_WRITE;
        };
        let bytes = slice::from_raw_parts(from.cast::<u8>(), length);
        let mut state = opened.disk.lock();
        match state.begin(Call::Write) {
            Some(Failure::Full) => return SQLITE_FULL,
            Some(Failure::Io) => return SQLITE_IOERR_WRITE,
            Some(Failure::Power) => {
                state.model.written(&opened.path, at, bytes); // some of it may have arrived
                return SQLITE_IOERR_WRITE;
            }
            None => {}
        }
        let code =
            (*opened.original).xWrite.map_or(SQLITE_IOERR_WRITE, |write| write(file, from, amount, offset));
        if code == SQLITE_OK {
            state.model.written(&opened.path, at, bytes);
        }
        code
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: the arguments are those of `xTruncate`, and go on to the VFS below.
    unsafe {
        let opened = opened(file);
        let Ok(bytes) = usize::try_from(size) else { return SQLITE_IOERR_TRUNCATE };
        let mut state = opened.disk.lock();
        if state.begin(Call::Truncate).is_some() {
            return SQLITE_IOERR_TRUNCATE;
        }
        let truncate = (*opened.original).xTruncate;
        let code = truncate.map_or(SQLITE_IOERR_TRUNCATE, |truncate| truncate(file, size));
        if code == SQLITE_OK {
            state.model.truncated(&opened.path, bytes);
        }
        code
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the arguments are those of `xSync`. The real disk need not synchronise anything: what is lost is
    // decided by the model.
    unsafe {
        let opened = opened(file);
        let _ = flags;
        let mut state = opened.disk.lock();
        if state.begin(Call::Sync).is_some() {
            return SQLITE_IOERR_FSYNC;
        }
        state.model.synchronised(&opened.path);
        SQLITE_OK
    }
}

unsafe extern "C" fn delete(_shim: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: the arguments are those of `xDelete`, for which the VFS below gets itself in place of the shim.
    unsafe {
        let Some(delete) = (*below().vfs).xDelete else { return SQLITE_IOERR_DELETE };
        let path = path(name);
        let Some(disk) = disk_of(path) else { return delete(below().vfs, name, sync_folder) };
        let mut state = disk.lock();
        if state.begin(Call::Delete).is_some() {
            return SQLITE_IOERR_DELETE;
        }
        let code = delete(below().vfs, name, 0);
        if code == SQLITE_OK {
            state.model.deleted(path, sync_folder != 0);
        }
        code
    }
}
