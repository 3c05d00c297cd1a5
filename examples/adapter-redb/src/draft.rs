//! [`Draft`]: how a call reads and writes. What it writes lies over the transaction until all of the call went
//! well, so that a call that is refused leaves nothing in a unit of work that goes on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::vec;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tubeatlas_ports::{Error, Result, Revision};

use crate::engine::{Changes, Row, Span, Table, Transaction};
use crate::error::corrupt;

/// What the store says of itself: [`SCHEMA_KEY`] and the last revision.
pub(crate) const META: Table = "meta";
/// The number of the layout of the tables.
pub(crate) const SCHEMA_KEY: &[u8] = b"schema";
const REVISION_KEY: &[u8] = b"revision";

/// How many rows are read at once: few enough for the memory, and enough to open a table rarely.
const CHUNK: usize = 100;

/// What one call reads, and what it writes over that.
pub(crate) struct Draft<'a> {
    below: &'a Transaction,
    changes: Changes,
}

impl<'a> Draft<'a> {
    pub(crate) fn over(below: &'a Transaction) -> Self {
        Self { below, changes: Changes::new() }
    }

    /// What was written.
    pub(crate) fn into_changes(self) -> Changes {
        self.changes
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.changes.get(table).and_then(|changes| changes.get(key)) {
            Some(change) => Ok(change.clone()),
            None => self.below.get(table, key),
        }
    }

    pub(crate) fn has(&self, table: Table, key: &[u8]) -> Result<bool> {
        Ok(self.get(table, key)?.is_some())
    }

    /// What was stored with [`encode`].
    pub(crate) fn read<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>> {
        self.get(table, key)?.map(|value| decode(table, &value)).transpose()
    }

    pub(crate) fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.changes.entry(table).or_default().insert(key, Some(value));
    }

    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.changes.entry(table).or_default().insert(key, None);
    }

    /// The rows of a range, read in chunks: the table may be read elsewhere meanwhile.
    pub(crate) fn scan(&self, table: Table, span: Span) -> Scan<'_> {
        Scan { draft: self, table, rest: Some(span), rows: Vec::new().into_iter() }
    }

    /// Whether any key begins so.
    pub(crate) fn any(&self, table: Table, prefix: Vec<u8>) -> Result<bool> {
        Ok(self.scan(table, Span::prefix(prefix)).next().transpose()?.is_some())
    }

    /// How many rows a table has.
    pub(crate) fn len(&self, table: Table) -> Result<u64> {
        let mut len = self.below.len(table)?;
        for (key, change) in self.changes.get(table).into_iter().flatten() {
            match (self.below.get(table, key)?.is_some(), change.is_some()) {
                (false, true) => len += 1,
                (true, false) => len -= 1,
                _ => {}
            }
        }
        Ok(len)
    }

    /// The first rows of a range, and what of it is left to read. There may be no row and yet a rest.
    fn chunk(&self, table: Table, span: &Span) -> Result<(Vec<Row>, Option<Span>)> {
        let below = self.below.rows(table, span, CHUNK)?;
        // What was changed is taken in up to the last row that was read below.
        let mut covered = span.clone();
        let mut rest = None;
        if let Some((last, _)) = below.last().filter(|_| below.len() == CHUNK) {
            rest = Some(span.clone().behind(last.clone()));
            let end = Bound::Included(last.clone());
            if span.backwards { covered.from = end } else { covered.to = end }
        }
        let Some(changes) = self.changes.get(table).filter(|_| !covered.is_empty()) else {
            return Ok((below, rest));
        };
        let mut rows: BTreeMap<_, _> = below.into_iter().collect();
        for (key, change) in changes.range::<[u8], _>(covered.bounds()) {
            match change {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        let rows = rows.into_iter();
        Ok((if span.backwards { rows.rev().collect() } else { rows.collect() }, rest))
    }

    /// The next revision: one for each thing that is written, never one twice.
    pub(crate) fn next_revision(&mut self) -> Result<Revision> {
        let last: u64 = self.read(META, REVISION_KEY)?.unwrap_or(0);
        let next = Revision::new(last + 1).map_err(|error| Error::Backend {
            message: "all revisions are used up".to_owned(),
            source: Some(Box::new(error)),
        })?;
        self.put(META, REVISION_KEY.to_vec(), encode(&next)?);
        Ok(next)
    }
}

/// The rows of a range, in its direction. Ends after the first error.
pub(crate) struct Scan<'a> {
    draft: &'a Draft<'a>,
    table: Table,
    rest: Option<Span>,
    rows: vec::IntoIter<Row>,
}

impl Iterator for Scan<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let span = self.rest.take()?;
            match self.draft.chunk(self.table, &span) {
                Ok((rows, rest)) => (self.rows, self.rest) = (rows.into_iter(), rest),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The form in which values are stored: JSON.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::Backend {
        message: "something cannot be written as JSON".to_owned(),
        source: Some(Box::new(error)),
    })
}

/// Reads what [`encode`] wrote; the domain checks it again.
pub(crate) fn decode<T: DeserializeOwned>(table: Table, value: &[u8]) -> Result<T> {
    serde_json::from_slice(value)
        .map_err(|error| corrupt(format!("a row of the table {table}"), Some(Box::new(error))))
}

#[cfg(test)]
mod tests {
    use redb::Database;
    use redb::backends::InMemoryBackend;

    use super::*;

    const ROWS: Table = "rows";

    /// A draft must show what is there once it was taken over.
    #[test]
    fn a_draft_reads_as_what_comes_of_it() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let transaction = Transaction::writing(&database).unwrap();
        let key = |n: u16| n.to_be_bytes().to_vec();
        let mut draft = Draft::over(&transaction);
        // Rows over several chunks, of which one whole chunk is removed by the second draft.
        (0..500).filter(|n| n % 3 != 0).for_each(|n| draft.put(ROWS, key(n), vec![1]));
        let changes = draft.into_changes();
        transaction.apply(changes).unwrap();
        let mut draft = Draft::over(&transaction);
        (100..300).for_each(|n| draft.remove(ROWS, key(n)));
        (0..600).filter(|n| n % 7 == 0).for_each(|n| draft.put(ROWS, key(n), vec![2]));

        let spans = || {
            let part = |from, to| Span {
                from: Bound::Included(key(from)),
                to: Bound::Excluded(key(to)),
                backwards: false,
            };
            let spans =
                [Span::prefix(Vec::new()), Span::prefix(vec![1]), part(90, 310), part(120, 130), part(9, 9)];
            spans.into_iter().flat_map(|span| [span.clone(), span.backwards()])
        };
        let read = |draft: &Draft<'_>| {
            let all = |span| draft.scan(ROWS, span).collect::<Result<Vec<_>>>().unwrap();
            let gets = (0..600).map(|n| draft.get(ROWS, &key(n)).unwrap()).collect::<Vec<_>>();
            (spans().map(all).collect::<Vec<_>>(), gets, draft.len(ROWS).unwrap())
        };
        let drafted = read(&draft);
        let changes = draft.into_changes();
        transaction.apply(changes).unwrap();
        let written = read(&Draft::over(&transaction));
        assert_eq!(drafted, written);
        assert_eq!(written.0[0].len() as u64, written.2);
        assert!(written.0[1].iter().eq(written.0[0].iter().rev()), "backwards is the other way round");
    }
}
