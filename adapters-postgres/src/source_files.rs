//! Source files.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::FutureExt;
use tubeatlas_domain::{ContentHash, SourceFile, SourceFileFields, SourceOutcome, SourcePath, SourceYield};
use tubeatlas_ports::{
    Result, SourceFileFilter, SourceFileOrder, SourceFilePosition, SourceFileRepository, Stored,
    behind_prefix, check_batch,
};

use crate::columns::{RowName, number};
use crate::error::Context;
use crate::schema::source_files;
use crate::session::{Session, Statement, changes};
use crate::statement::{Bind, sql, update};
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

/// [`SourceFileFilter`] as a query. The indexes hold the first characters of the paths; see the migration.
macro_rules! filtered {
    ($filter:expr) => {{
        let SourceFileFilter { prefix, verdict } = $filter;
        let mut query = source_files::table.into_boxed();
        match prefix.as_deref() {
            None => {}
            // Postgres holds no such text, and refuses the question; and no file has an empty path.
            Some(prefix) if prefix.contains('\0') => query = query.filter(source_files::path.eq("")),
            Some(prefix) => {
                let from = "left(source_files.path, 500) >= left(?1, 500) AND source_files.path >= ?1";
                query = query.filter(sql::<Bool>(from, vec![Bind::Text(Some(prefix.to_owned()))]));
                if let Some(behind) = behind_prefix(prefix) {
                    let before = "left(source_files.path, 500) <= left(?1, 500) AND source_files.path < ?1";
                    query = query.filter(sql::<Bool>(before, vec![Bind::Text(Some(behind))]));
                }
            }
        }
        match verdict {
            Some(verdict) => query.filter(source_files::verdict.eq(verdict.as_str())),
            None => query,
        }
    }};
}

#[async_trait]
impl Table for SourceFile {
    async fn load_many(
        mut connection: &AsyncPgConnection,
        paths: &[SourcePath],
    ) -> Result<Vec<Loaded<Self>>> {
        let rows: Vec<SourceFileRow> = source_files::table
            .filter(source_files::path.eq_any(paths.iter().map(SourcePath::as_str)))
            .select(SourceFileRow::as_select())
            .load(&mut connection)
            .await
            .doing("reading source files")?;
        rows.into_iter().map(|row| Ok(Loaded { stored: row.into_stored()?, hidden_since: None })).collect()
    }

    async fn page(
        mut connection: &AsyncPgConnection,
        filter: &SourceFileFilter,
        order: SourceFileOrder,
        after: Option<SourceFilePosition>,
        limit: i64,
    ) -> Result<Vec<Stored<Self>>> {
        let mut query = match order {
            SourceFileOrder::Path => filtered!(filter)
                .order((sql::<Text>("left(source_files.path, 500)", Vec::new()), source_files::path)),
        };
        if let Some(SourceFilePosition { path }) = after {
            let behind = "left(source_files.path, 500) >= left(?1, 500) AND source_files.path > ?1";
            query = query.filter(sql::<Bool>(behind, vec![Bind::Text(Some(path.into()))]));
        }
        let rows: Vec<SourceFileRow> = query
            .select(SourceFileRow::as_select())
            .limit(limit)
            .load(&mut connection)
            .await
            .doing("listing source files")?;
        rows.into_iter().map(SourceFileRow::into_stored).collect()
    }

    async fn count(mut connection: &AsyncPgConnection, filter: &SourceFileFilter) -> Result<i64> {
        filtered!(filter).count().get_result(&mut connection).await.doing("counting source files")
    }
}

#[async_trait]
impl WritableTable for SourceFile {
    async fn references(_: &AsyncPgConnection, files: &[Self]) -> Result<Vec<References>> {
        Ok(vec![References::Fine; files.len()])
    }

    fn insert<'c>(mut connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>> {
        let rows = new.iter().map(SourceFileRow::new).collect::<Result<Vec<_>>>()?;
        // Their hashes are bytes, of which `insert_columns` knows nothing.
        let insert = diesel::insert_into(source_files::table).values(&rows).execute(&mut connection);
        Ok(vec![changes(insert, "creating source files")])
    }

    fn replace<'c>(
        mut connection: &'c AsyncPgConnection,
        _: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let row = SourceFileRow::new(new)?;
        let change =
            update(source_files::table, &row, source_files::path.eq(&row.path)).execute(&mut connection);
        Ok(vec![changes(change, "changing a source file")])
    }

    fn remove<'c>(
        mut connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        _: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>> {
        let delete = diesel::delete(source_files::table.find(old.path.as_str())).execute(&mut connection);
        Ok(vec![changes(delete, "deleting a source file")])
    }
}

#[async_trait]
impl SourceFileRepository for Session {
    async fn remove_many(&self, paths: &[SourcePath]) -> Result<u64> {
        self.check_usable()?;
        check_batch(paths)?;
        let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
        self.write(move |transaction| {
            async move {
                let there = source_files::table.filter(source_files::path.eq_any(paths));
                let removed = diesel::delete(there).execute(&mut transaction.connection().await?).await;
                Ok(removed.doing("removing source files")? as u64)
            }
            .boxed()
        })
        .await
    }
}
