//! Statements that SQLite prepares once a connection.
//!
//! Diesel keeps prepared statements by their text, but never those of `update`, `sql_query` and SQL literals, whose
//! text it cannot know to be the same for the same types. And SQLite prepares a statement again each time its LIMIT
//! is bound, if that is a parameter and nothing else. What stands here has one text for each shape, and is kept.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, TypedExpressionType, ValidGrouping, is_aggregate};
use diesel::query_builder::{AsChangeset, AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Double, Nullable, Text, Untyped};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QuerySource, RunQueryDsl, SqliteConnection};

/// Neither Diesel's key by type nor its doubts: the text is the key.
macro_rules! kept_by_text {
    ($name:ident<$($of:ident),*>) => {
        impl<$($of),*> QueryId for $name<$($of),*> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<$($of),*> RunQueryDsl<SqliteConnection> for $name<$($of),*> {}
    };
}

/// An `UPDATE` whose changes name the same columns each time.
pub(crate) struct Update<F, C, W> {
    from: F,
    changes: C,
    which: W,
}

/// `UPDATE table SET changes WHERE which`.
pub(crate) fn update<T, C, W>(table: T, changes: C, which: W) -> Update<T::FromClause, C::Changeset, W>
where
    T: QuerySource,
    C: AsChangeset<Target = T>,
{
    Update { from: table.from_clause(), changes: changes.as_changeset(), which }
}

impl<F, C, W> QueryFragment<Sqlite> for Update<F, C, W>
where
    F: QueryFragment<Sqlite>,
    C: QueryFragment<Sqlite>,
    W: QueryFragment<Sqlite>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.which.walk_ast(out)
    }
}

kept_by_text!(Update<F, C, W>);

/// A `SELECT` of so many rows at most.
pub(crate) struct Limited<Q> {
    query: Q,
    limit: i64,
}

/// The first `limit` rows of the query.
pub(crate) fn limited<Q>(query: Q, limit: i64) -> Limited<Q> {
    Limited { query, limit }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" + 0"); // no parameter alone: see the head of this file
        Ok(())
    }
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

kept_by_text!(Limited<Q>);

/// A value in SQL that is written by hand.
pub(crate) enum Bind {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
}

/// SQL that is written by hand, as a statement (`Untyped`) or as an expression of type `ST`.
pub(crate) struct Sql<ST> {
    text: Cow<'static, str>,
    binds: Vec<Bind>,
    sql_type: PhantomData<ST>,
}

/// SQL in which `?1`, `?2`, … stand for the values, each as often as one likes. No value stands in the text, and no
/// other question mark.
pub(crate) fn sql<ST>(text: impl Into<Cow<'static, str>>, binds: Vec<Bind>) -> Sql<ST> {
    Sql { text: text.into(), binds, sql_type: PhantomData }
}

/// Runs a statement without values.
pub(crate) fn run(connection: &mut SqliteConnection, text: &'static str) -> QueryResult<()> {
    sql::<Untyped>(text, Vec::new()).execute(connection).map(drop)
}

impl<ST> QueryFragment<Sqlite> for Sql<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut parts = self.text.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let number: usize = part[..part.len() - rest.len()].parse().unwrap_or_default();
            match number.checked_sub(1).and_then(|i| self.binds.get(i)) {
                Some(Bind::Text(value)) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Some(Bind::Integer(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Some(Bind::Real(value)) => out.push_bind_param::<Nullable<Double>, _>(value)?,
                None => {
                    let message = format!("no value for ?{part}");
                    return Err(diesel::result::Error::QueryBuilderError(message.into()));
                }
            }
            out.push_sql(rest);
        }
        Ok(())
    }
}

impl<ST: TypedExpressionType> Expression for Sql<ST> {
    type SqlType = ST;
}

impl<ST, QS> AppearsOnTable<QS> for Sql<ST> where Self: Expression {}

impl<ST, GB> ValidGrouping<GB> for Sql<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl Query for Sql<Untyped> {
    type SqlType = Untyped;
}

kept_by_text!(Sql<ST>);

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    use diesel::sql_types::Bool;

    use crate::connection::NumberRow;
    use crate::schema::channels;

    fn connection() -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        crate::migrations::run(&mut connection, std::path::Path::new(":memory:")).unwrap();
        let insert =
            "INSERT INTO channels VALUES ('a', 'A', NULL, NULL, 0, 0, 1), ('b', 'B', NULL, NULL, 0, 0, 2)";
        connection.batch_execute(insert).unwrap();
        connection
    }

    /// How many of a statement's five executions Diesel had to prepare it for.
    fn prepared(connection: &mut SqliteConnection, run: impl Fn(&mut SqliteConnection, i64)) -> usize {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let count = std::sync::Arc::new(AtomicUsize::new(0));
        let cached = std::sync::Arc::clone(&count);
        connection.set_instrumentation(move |event: diesel::connection::InstrumentationEvent<'_>| {
            if let diesel::connection::InstrumentationEvent::CacheQuery { .. } = event {
                cached.fetch_add(1, Ordering::Relaxed);
            }
        });
        for n in 1..=5 {
            run(connection, n);
        }
        count.load(Ordering::Relaxed)
    }

    #[test]
    fn each_is_kept() {
        let mut connection = connection();
        let updates = prepared(&mut connection, |connection, n| {
            let changes = (channels::title.eq(format!("title {n}")), channels::revision.eq(n));
            assert_eq!(update(channels::table, changes, channels::id.eq("a")).execute(connection), Ok(1));
        });
        let limits = prepared(&mut connection, |connection, n| {
            let query = channels::table.select(channels::id).order(channels::id).into_boxed();
            let found: Vec<String> = limited(query, n).load(connection).unwrap();
            assert_eq!(i64::try_from(found.len()), Ok(n.min(2)));
        });
        let statements = prepared(&mut connection, |connection, n| {
            let row: NumberRow =
                sql("SELECT ?1 + ?2 + ?1 AS value", vec![Bind::Integer(Some(n)), Bind::Integer(Some(1))])
                    .get_result(connection)
                    .unwrap();
            assert_eq!(row.value, n + 1 + n);
        });
        let conditions = prepared(&mut connection, |connection, n| {
            let condition = sql::<Bool>("channels.revision = ?1", vec![Bind::Integer(Some(n))]);
            let query = channels::table.select(channels::id).into_boxed().filter(condition);
            let found: Vec<String> = query.load(connection).unwrap();
            assert_eq!(found.len(), usize::from(n == 2 || n == 5));
        });
        assert_eq!((updates, limits, statements, conditions), (1, 1, 1, 1));
    }

    #[test]
    fn a_value_that_is_missing_is_an_error() {
        let missing: QueryResult<NumberRow> =
            sql("SELECT ?2 AS value", vec![Bind::Integer(Some(1))]).get_result(&mut connection());
        assert!(missing.is_err());
    }
}
