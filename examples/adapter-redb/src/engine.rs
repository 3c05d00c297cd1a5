//! All that the adapter asks of redb: tables of bytes, in a transaction that reads one moment or writes.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};
use tubeatlas_ports::{Error, Result};

use crate::error::failed;

/// The name of a table.
pub(crate) type Table = &'static str;

/// A key and its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// What is to be written: by table and key a value, or `None` where something is removed.
pub(crate) type Changes = BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>;

type Bytes = &'static [u8];

fn definition(table: Table) -> TableDefinition<'static, Bytes, Bytes> {
    TableDefinition::new(table)
}

/// A range of keys, and in which direction it is read.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) from: Bound<Vec<u8>>,
    pub(crate) to: Bound<Vec<u8>>,
    pub(crate) backwards: bool,
}

impl Span {
    /// All keys that begin so.
    pub(crate) fn prefix(prefix: Vec<u8>) -> Self {
        let mut next = prefix.clone();
        while next.last() == Some(&u8::MAX) {
            next.pop();
        }
        let to = match next.last_mut() {
            Some(last) => {
                *last += 1;
                Bound::Excluded(next)
            }
            None => Bound::Unbounded,
        };
        Self { from: Bound::Included(prefix), to, backwards: false }
    }

    /// The same keys, the largest first.
    #[must_use]
    pub(crate) fn backwards(self) -> Self {
        Self { backwards: true, ..self }
    }

    /// What follows a key of the range.
    #[must_use]
    pub(crate) fn behind(self, key: Vec<u8>) -> Self {
        if self.backwards {
            Self { to: Bound::Excluded(key), ..self }
        } else {
            Self { from: Bound::Excluded(key), ..self }
        }
    }

    /// What follows a key of the range, or all of it.
    #[must_use]
    pub(crate) fn behind_if(self, key: Option<Vec<u8>>) -> Self {
        match key {
            Some(key) => self.behind(key),
            None => self,
        }
    }

    /// Whether no key lies in it.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
                from >= to
            }
            _ => false,
        }
    }

    /// Its bounds, as ranges of slices take them.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice))
    }
}

/// A transaction of redb.
pub(crate) enum Transaction {
    /// Sees one moment, and waits for nobody.
    Read(ReadTransaction),
    /// The only one that writes.
    Write(Box<WriteTransaction>),
}

impl Transaction {
    /// A snapshot of what is committed now.
    pub(crate) fn reading(database: &Database) -> Result<Self> {
        Ok(Self::Read(database.begin_read().map_err(failed)?))
    }

    /// Blocks while there is another one that writes.
    pub(crate) fn writing(database: &Database) -> Result<Self> {
        Ok(Self::Write(Box::new(database.begin_write().map_err(failed)?)))
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Read(transaction) => get(&transaction.open_table(definition(table)).map_err(failed)?, key),
            Self::Write(transaction) => get(&transaction.open_table(definition(table)).map_err(failed)?, key),
        }
    }

    /// The first rows of a range, at most `limit`.
    pub(crate) fn rows(&self, table: Table, span: &Span, limit: usize) -> Result<Vec<Row>> {
        match self {
            Self::Read(transaction) => {
                rows(&transaction.open_table(definition(table)).map_err(failed)?, span, limit)
            }
            Self::Write(transaction) => {
                rows(&transaction.open_table(definition(table)).map_err(failed)?, span, limit)
            }
        }
    }

    /// How many rows a table has.
    pub(crate) fn len(&self, table: Table) -> Result<u64> {
        match self {
            Self::Read(transaction) => transaction.open_table(definition(table)).map_err(failed)?.len(),
            Self::Write(transaction) => transaction.open_table(definition(table)).map_err(failed)?.len(),
        }
        .map_err(failed)
    }

    /// Writes; a table that was not there is made.
    pub(crate) fn apply(&self, changes: Changes) -> Result<()> {
        let Self::Write(transaction) = self else {
            return Err(Error::ReadOnly { what: "a snapshot".to_owned() });
        };
        for (name, changes) in changes {
            let mut table = transaction.open_table(definition(name)).map_err(failed)?;
            for (key, value) in changes {
                match value {
                    Some(value) => table.insert(key.as_slice(), value.as_slice()).map_err(failed)?,
                    None => table.remove(key.as_slice()).map_err(failed)?,
                };
            }
        }
        Ok(())
    }

    /// Makes durable what was written.
    pub(crate) fn commit(self) -> Result<()> {
        match self {
            Self::Read(_) => Ok(()),
            Self::Write(transaction) => transaction.commit().map_err(failed),
        }
    }
}

fn get(table: &impl ReadableTable<Bytes, Bytes>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(table.get(key).map_err(failed)?.map(|value| value.value().to_vec()))
}

fn rows(table: &impl ReadableTable<Bytes, Bytes>, span: &Span, limit: usize) -> Result<Vec<Row>> {
    if span.is_empty() {
        return Ok(Vec::new());
    }
    let range = table.range::<&[u8]>(span.bounds()).map_err(failed)?;
    let take = |row: std::result::Result<_, redb::StorageError>| {
        let (key, value): (redb::AccessGuard<'_, Bytes>, redb::AccessGuard<'_, Bytes>) =
            row.map_err(failed)?;
        Ok((key.value().to_vec(), value.value().to_vec()))
    };
    if span.backwards {
        range.rev().take(limit).map(take).collect()
    } else {
        range.take(limit).map(take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_takes_in_what_begins_so() {
        let takes_in = |prefix: &[u8], key: &[u8]| {
            let span = Span::prefix(prefix.to_vec());
            std::ops::RangeBounds::contains(&span.bounds(), key)
        };
        assert!(takes_in(b"a", b"a") && takes_in(b"a", b"a\xff\xff") && !takes_in(b"a", b"b"));
        assert!(
            takes_in(b"a\xff", b"a\xff\xff") && !takes_in(b"a\xff", b"b") && !takes_in(b"a\xff", b"a\xfe")
        );
        assert!(takes_in(b"\xff", b"\xff\xff") && !takes_in(b"\xff", b"a"));
        assert!(takes_in(b"", b"") && takes_in(b"", b"\xff"));
    }

    #[test]
    fn a_range_behind_its_last_key_is_empty() {
        let span = || Span { from: Bound::Included(vec![1]), to: Bound::Included(vec![3]), backwards: false };
        assert!(!span().is_empty() && !span().behind(vec![2]).is_empty());
        assert!(span().behind(vec![3]).is_empty() && span().backwards().behind(vec![1]).is_empty());
        assert!(!Span::prefix(Vec::new()).is_empty());
    }
}
