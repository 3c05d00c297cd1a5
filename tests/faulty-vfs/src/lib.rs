//! A disk that loses power and fails, under SQLite's files.
//!
//! SQLite reaches its files through a *VFS*. [`Disk::under`] makes a shim over the one for Unix the default of the
//! process: what SQLite then opens below the disk's folder goes through the disk, everything else past it. Locks,
//! shared memory and the real files work as ever, so whatever uses SQLite runs on it unchanged: the adapter under
//! test is the one that is shipped.
//!
//! - **A fault at the n-th call** of read, write, truncate, sync, open or delete: see [`Fault`].
//! - **Loss of power**: the disk keeps, beside each real file, what of it has been synchronised and each write
//!   since. When power fails ([`Fault::PowerCut`]) nothing works any more until [`Disk::power_on`] puts into the files
//!   what a real disk could hold then: of each write that was not synchronised all, nothing, or some sectors of 512
//!   bytes, as the seed has it; files whose deletion or creation was not synchronised are there or not.
//!
//! What is not modelled: a disk that loses or changes what was synchronised, and sectors that are damaged while
//! they are written (SQLite takes a disk for one that does not do that, `SQLITE_IOCAP_POWERSAFE_OVERWRITE`).
//!
//! # The tests
//! `cargo test -p tubeatlas-faulty-vfs` runs a small number of cycles, and has some calls fail. As many as are claimed, and
//! each call:
//!
//! ```text
//! TUBEATLAS_POWER_CYCLES=10000 TUBEATLAS_EVERY_CALL=1 cargo test -p tubeatlas-faulty-vfs --release -- --nocapture
//! ```
//!
//! A test prints its seed; `TUBEATLAS_SEED` runs it again with that one.

mod disk;
mod model;
mod random;
mod vfs;

pub use disk::{Disk, Fault};
pub use random::Random;
