//! Source files.

use async_trait::async_trait;
use diesel::prelude::*;
use tubeatlas_domain::{
    ContentHash, EntityKind, SourceFile, SourceFileFields, SourceOutcome, SourcePath, SourceYield,
};
use tubeatlas_ports::{
    Result, SourceFileFilter, SourceFileOrder, SourceFilePosition, SourceFileRepository, Stored,
    behind_prefix,
};

use crate::columns::{RowName, number};
use crate::error::Context;
use crate::metrics::Call;
use crate::schema::source_files;
use crate::session::{Session, WriteContext};
use crate::statement::{limited, update};
use crate::table::{Loaded, References, Table, WritableTable};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = source_files, primary_key(path), treat_none_as_null = true, treat_none_as_default_value = false)]
struct SourceFileRow {
    path: String,
    size_bytes: i64,
    modified_at: i64,
    hash: Option<Vec<u8>>,
    reader_version: i64,
    verdict: String,
    note: Option<String>,
    gives_kind: Option<String>,
    gives_key: Option<String>,
    memo: Option<String>,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

impl SourceFileRow {
    fn new(stored: &Stored<SourceFile>) -> Result<Self> {
        let file = stored.entity.clone().into_fields();
        let (gives_kind, gives_key) = file.gives.map(|gives| (gives.kind, gives.key)).unzip();
        Ok(Self {
            path: file.path.into(),
            size_bytes: number(file.size)?,
            modified_at: file.modified_at.unix_micros(),
            hash: file.hash.map(|hash| hash.as_bytes().to_vec()),
            reader_version: file.reader_version.into(),
            verdict: file.outcome.verdict().as_str().to_owned(),
            note: file.outcome.note().map(str::to_owned),
            gives_kind: gives_kind.map(|kind| kind.as_str().to_owned()),
            gives_key,
            memo: file.memo,
            created_at: stored.created_at.unix_micros(),
            updated_at: stored.updated_at.unix_micros(),
            revision: number(stored.revision.get())?,
        })
    }

    fn into_stored(self) -> Result<Stored<SourceFile>> {
        let name = self.path.clone();
        let row = RowName { table: "source_files", key: &name };
        let hash = self.hash.map(|hash| row.check(<[u8; 32]>::try_from(hash.as_slice()))).transpose()?;
        let gives = match self.gives_kind.zip(self.gives_key) {
            Some((kind, key)) => Some(SourceYield { kind: row.word(&kind)?, key }),
            None => None,
        };
        let file = row.check(SourceFile::new(SourceFileFields {
            path: row.check(SourcePath::parse(self.path))?,
            size: row.number(self.size_bytes)?,
            modified_at: row.time(self.modified_at)?,
            hash: hash.map(ContentHash::new),
            reader_version: row.check(u32::try_from(self.reader_version))?,
            outcome: row.check(SourceOutcome::new(row.word(&self.verdict)?, self.note))?,
            gives,
            memo: self.memo,
        }))?;
        row.stored(file, self.created_at, self.updated_at, self.revision, None)
    }
}

/// [`SourceFileFilter`] as a query.
macro_rules! filtered {
    ($filter:expr) => {{
        let SourceFileFilter { prefix, verdict } = $filter;
        let mut query = source_files::table.into_boxed();
        if let Some(prefix) = prefix {
            query = query.filter(source_files::path.ge(prefix.as_str()));
            if let Some(behind) = behind_prefix(prefix) {
                query = query.filter(source_files::path.lt(behind));
            }
        }
        match verdict {
            Some(verdict) => query.filter(source_files::verdict.eq(verdict.as_str())),
            None => query,
        }
    }};
}

impl Table for SourceFile {
    fn load(connection: &mut SqliteConnection, path: &SourcePath) -> Result<Option<Loaded<Self>>> {
        let row: Option<SourceFileRow> = source_files::table
            .find(path.as_str())
            .select(SourceFileRow::as_select())
            .get_result(connection)
            .optional()
            .doing("reading a source file")?;
        row.map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).transpose()
    }

    fn page(
        connection: &mut SqliteConnection,
        filter: &SourceFileFilter,
        order: SourceFileOrder,
        after: Option<SourceFilePosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        let mut query = match order {
            SourceFileOrder::Path => filtered!(filter).order(source_files::path),
        };
        if let Some(SourceFilePosition { path }) = after {
            query = query.filter(source_files::path.gt(String::from(path)));
        }
        let rows: Vec<SourceFileRow> = limited(query.select(SourceFileRow::as_select()), limit)
            .load(connection)
            .doing("listing source files")?;
        rows.into_iter().map(SourceFileRow::into_stored).collect()
    }

    fn count(connection: &mut SqliteConnection, filter: &SourceFileFilter) -> Result<i64> {
        filtered!(filter).count().get_result(connection).doing("counting source files")
    }
}

impl WritableTable for SourceFile {
    fn references(&self, _: &mut SqliteConnection) -> Result<References> {
        Ok(References::Fine)
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()> {
        let row = SourceFileRow::new(new)?;
        diesel::insert_into(source_files::table)
            .values(&row)
            .execute(context.connection)
            .doing("creating a source file")
            .map(drop)
    }

    fn replace(context: &mut WriteContext<'_>, _: &Stored<Self>, new: &Stored<Self>) -> Result<()> {
        let row = SourceFileRow::new(new)?;
        update(source_files::table, &row, source_files::path.eq(&row.path))
            .execute(context.connection)
            .doing("changing a source file")
            .map(drop)
    }

    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()> {
        remove(context.connection, &old.path).map(drop)
    }
}

/// Removes the one with this path; whether there was one.
fn remove(connection: &mut SqliteConnection, path: &SourcePath) -> Result<bool> {
    let removed = diesel::delete(source_files::table.find(path.as_str())).execute(connection);
    Ok(removed.doing("deleting a source file")? > 0)
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        let call = Call("delete_many", EntityKind::SourceFile);
        let removed = self.write_many(call, paths, |context, path| remove(context.connection, path)).await?;
        Ok(removed.into_iter().map(u64::from).sum())
    }
}
