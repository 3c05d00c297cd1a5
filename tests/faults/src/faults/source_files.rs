//! Faults of source files.

use async_trait::async_trait;
use tubeatlas_domain::{ContentHash, SourceFile, SourceFileFields, SourcePath};
use tubeatlas_ports::{MAX_BATCH, Result, Visibility};

use super::{core, lists};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, SourceFileHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = core::faults::<SourceFile>();
    faults.extend(lists::written::<SourceFile>());
    faults.extend([
        core::lost_by_create::<SourceFile>("create stores a hash of zeros as none", |file| {
            rebuilt(file, |fields| {
                fields.hash = fields.hash.filter(|hash| *hash != ContentHash::new([0; 32]))
            })
        }),
        core::kept_by_update::<SourceFile>("update takes a size of 0 for an unknown one", |old, new| {
            rebuilt(new, |fields| {
                if fields.size == 0 {
                    fields.size = old.size;
                }
            })
        }),
        core::folded_by_get::<SourceFile>("white space at the end of a path does not count", |path| {
            SourcePath::parse(path.as_str().trim_end()).unwrap_or_else(|_| path.clone())
        }),
        Fault::new(
            "SRC-M-001",
            "remove_many ends at the first path that is not there",
            &["two that are there and two that are not: 2", "observed: 0"],
            || Hooks::new().source_files(EndsAtWhatIsMissing),
        ),
        Fault::new(
            "SRC-M-002",
            "remove_many counts before it removes",
            &["how many are removed: 2", "observed: 3"],
            || Hooks::new().source_files(CountsBefore),
        ),
        Fault::new(
            "SRC-M-003",
            "remove_many removes too many in two parts",
            &["Invalid, naming \"batch\"", "observed: Ok(1)"],
            || Hooks::new().source_files(RemovesInParts),
        ),
    ]);
    faults
}

/// The file with other fields; as it is, if the domain refuses them.
fn rebuilt(file: &SourceFile, change: impl FnOnce(&mut SourceFileFields)) -> SourceFile {
    let mut fields = file.clone().into_fields();
    change(&mut fields);
    SourceFile::new(fields).unwrap_or_else(|_| file.clone())
}

struct EndsAtWhatIsMissing;

#[async_trait]
impl SourceFileHook for EndsAtWhatIsMissing {
    async fn remove_many(&self, at: &At<'_>, paths: &[SourcePath]) -> Result<u64> {
        let files = at.inner.source_files();
        if paths.len() > MAX_BATCH {
            return files.remove_many(paths).await; // refused, as it should be
        }
        let mut there = 0;
        for path in paths {
            if !files.exists(path, Visibility::Live).await? {
                break;
            }
            there += 1;
        }
        files.remove_many(&paths[..there]).await
    }
}

struct CountsBefore;

#[async_trait]
impl SourceFileHook for CountsBefore {
    async fn remove_many(&self, at: &At<'_>, paths: &[SourcePath]) -> Result<u64> {
        let files = at.inner.source_files();
        let mut there = 0;
        for path in paths.iter().take(MAX_BATCH) {
            there += u64::from(files.exists(path, Visibility::Live).await?);
        }
        files.remove_many(paths).await.map(|_| there)
    }
}

struct RemovesInParts;

#[async_trait]
impl SourceFileHook for RemovesInParts {
    async fn remove_many(&self, at: &At<'_>, paths: &[SourcePath]) -> Result<u64> {
        let files = at.inner.source_files();
        if at.unit.is_some() || paths.len() <= MAX_BATCH {
            return files.remove_many(paths).await;
        }
        let mut removed = 0;
        for part in paths.chunks(MAX_BATCH) {
            removed += files.remove_many(part).await?;
        }
        Ok(removed)
    }
}
