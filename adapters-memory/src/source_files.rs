//! The source files.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use imbl::OrdSet;
use tubeatlas_domain::{SourceFile, SourcePath, SourceVerdict, Timestamp};
use tubeatlas_ports::{
    Result, SourceFileFilter, SourceFileOrder, SourceFilePosition, SourceFileRepository, Stored, check_batch,
};

use crate::repository::{Kept, Rows, Written, take};
use crate::session::Session;
use crate::state::{Groups, State, Table};

#[derive(Clone, Default, PartialEq)]
pub(crate) struct SourceFiles {
    pub(crate) by_path: Table<SourceFile>,
    by_verdict: Groups<SourceVerdict, Arc<SourcePath>>,
}

impl Kept for SourceFile {
    fn table(state: &State) -> &Table<Self> {
        &state.source_files.by_path
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.source_files.by_path
    }

    fn reindex(
        state: &mut State,
        path: &Arc<SourcePath>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let key = |file: &Stored<Self>| (file.outcome.verdict(), path.clone());
        state.source_files.by_verdict.rekey(old.map(key), new.map(key));
    }

    fn deleted_at(_: &State, _: &Stored<Self>) -> Option<Timestamp> {
        None
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a SourceFileFilter,
        order: SourceFileOrder,
        after: Option<SourceFilePosition>,
    ) -> Rows<'a, Self> {
        let SourceFileFilter { prefix, verdict } = filter;
        let SourceFileOrder::Path = order;
        let prefix = prefix.as_deref().unwrap_or_default();
        let first = SourcePath::parse(prefix).ok();
        if first.is_none() && !prefix.is_empty() {
            return Box::new(std::iter::empty()); // no path begins so
        }
        let from = match (&after, &first) {
            (Some(after), _) => Bound::Excluded(&after.path),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let SourceFiles { by_path, by_verdict } = &state.source_files;
        let rows: Rows<'a, Self> = match verdict {
            None => Box::new(by_path.range::<_, SourcePath>((from, Bound::Unbounded)).map(|(_, row)| row)),
            Some(verdict) => {
                let paths = by_verdict
                    .of(verdict)
                    .map(|paths: &'a OrdSet<_>| paths.range::<_, SourcePath>((from, Bound::Unbounded)));
                Box::new(paths.into_iter().flatten().filter_map(|path| by_path.get(path)))
            }
        };
        Box::new(rows.take_while(move |row| row.path.as_str().starts_with(prefix)))
    }
}

impl Written for SourceFile {}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        self.write(check_batch(paths), |state, _, ()| {
            let mut removed = 0;
            for path in paths {
                if let Some(file) = SourceFile::table(state).get::<SourcePath>(path).cloned() {
                    take::<SourceFile>(state, &file);
                    removed += 1;
                }
            }
            Ok(removed)
        })
        .await
    }
}
