//! The source files.

use async_trait::async_trait;
use tubeatlas_domain::{SourceFile, SourcePath};
use tubeatlas_ports::{
    Result, SourceFileFilter, SourceFileOrder, SourceFilePosition, SourceFileRepository, Stored, check_batch,
};

use crate::draft::Draft;
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written, find, replace};
use crate::session::Session;

/// The key is the path, so the table stands in the order of the list.
const TABLE: Table = "source_files";
pub(crate) const TABLES: &[Table] = &[TABLE];

impl Kept for SourceFile {
    const TABLE: Table = TABLE;

    fn key(path: &SourcePath) -> Vec<u8> {
        path.as_str().into()
    }

    fn index(_: &Stored<Self>) -> Result<Vec<TableRow>> {
        Ok(Vec::new())
    }

    fn walk(filter: &SourceFileFilter, order: SourceFileOrder, after: Option<&SourceFilePosition>) -> Walk {
        let SourceFileOrder::Path = order;
        let prefix = filter.prefix.as_deref().unwrap_or_default();
        let span = Span::prefix(prefix.into()).behind_if(after.map(|after| Self::key(&after.path)));
        Walk { table: TABLE, spans: vec![span] }
    }

    fn takes_in(_: &Draft<'_>, filter: &SourceFileFilter, row: &Stored<Self>) -> Result<bool> {
        let SourceFileFilter { prefix: _, verdict } = filter; // the walk has only those with the prefix
        Ok(verdict.is_none_or(|wanted| row.outcome.verdict() == wanted))
    }
}

impl Written for SourceFile {
    fn check_references(&self, _: &Draft<'_>) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        self.write(check_batch(paths).map(|()| paths.to_vec()), |draft, _, paths| {
            let mut removed = 0;
            for path in &paths {
                if let Some(file) = find::<SourceFile>(draft, path)? {
                    replace(draft, Some(&file), None)?;
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }
}
