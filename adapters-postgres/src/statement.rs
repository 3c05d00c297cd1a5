//! Statements that are prepared once a connection.
//!
//! Diesel keeps prepared statements by their text, but never those of `update`, `sql_query` and SQL literals, whose
//! text it cannot know to be the same for the same types; each use would prepare it anew, at the price of a round
//! trip more. What stands here has one text for each shape, and is kept.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::expression::{AppearsOnTable, Expression, TypedExpressionType, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AsChangeset, AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Untyped};
use diesel::{QueryResult, QuerySource};
use uuid::Uuid;

/// Neither Diesel's key by type nor its doubts: the text is the key.
macro_rules! kept_by_text {
    ($name:ident<$($of:ident),*>) => {
        impl<$($of),*> QueryId for $name<$($of),*> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
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

impl<F, C, W> QueryFragment<Pg> for Update<F, C, W>
where
    F: QueryFragment<Pg>,
    C: QueryFragment<Pg>,
    W: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.from.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.which.walk_ast(out)
    }
}

kept_by_text!(Update<F, C, W>);

/// A `SELECT` that locks the rows it finds, and passes over those that others have locked; with each that is locked then
/// comes a revision for it.
pub(crate) struct SkipLocked<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for SkipLocked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT *, nextval('store_revision') FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE SKIP LOCKED) AS locked");
        Ok(())
    }
}

impl<Q: Query> Query for SkipLocked<Q> {
    type SqlType = (Q::SqlType, BigInt);
}

kept_by_text!(SkipLocked<Q>);

/// The rows of one `SELECT`, and then those of another, so many in all. Postgres reads the second one when the first has
/// no more, as long as each has a `LIMIT` of its own (which also keeps them from running side by side).
pub(crate) struct InTurn<Q> {
    pub(crate) first: Q,
    pub(crate) then: Q,
    pub(crate) limit: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for InTurn<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.first.walk_ast(out.reborrow())?;
        out.push_sql(") UNION ALL (");
        self.then.walk_ast(out.reborrow())?;
        out.push_sql(") LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl<Q: Query> Query for InTurn<Q> {
    type SqlType = Q::SqlType;
}

kept_by_text!(InTurn<Q>);

/// A value in SQL that is written by hand.
pub(crate) enum Bind {
    Text(Option<String>),
    Texts(Vec<String>),
    OptionalTexts(Vec<Option<String>>),
    Integer(Option<i64>),
    Integers(Vec<i64>),
    OptionalIntegers(Vec<Option<i64>>),
    SmallIntegers(Vec<i32>),
    OptionalSmallIntegers(Vec<Option<i32>>),
    Uuids(Vec<Uuid>),
    OptionalUuids(Vec<Option<Uuid>>),
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

impl<ST> QueryFragment<Pg> for Sql<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut parts = self.text.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let number: usize = part[..part.len() - rest.len()].parse().unwrap_or_default();
            match number.checked_sub(1).and_then(|i| self.binds.get(i)) {
                Some(Bind::Text(value)) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Some(Bind::Texts(values)) => out.push_bind_param::<Array<Text>, _>(values)?,
                Some(Bind::OptionalTexts(values)) => {
                    out.push_bind_param::<Array<Nullable<Text>>, _>(values)?;
                }
                Some(Bind::Integer(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Some(Bind::Integers(values)) => out.push_bind_param::<Array<BigInt>, _>(values)?,
                Some(Bind::OptionalIntegers(values)) => {
                    out.push_bind_param::<Array<Nullable<BigInt>>, _>(values)?;
                }
                Some(Bind::SmallIntegers(values)) => out.push_bind_param::<Array<Integer>, _>(values)?,
                Some(Bind::OptionalSmallIntegers(values)) => {
                    out.push_bind_param::<Array<Nullable<Integer>>, _>(values)?;
                }
                Some(Bind::Uuids(values)) => {
                    out.push_bind_param::<Array<diesel::sql_types::Uuid>, _>(values)?
                }
                Some(Bind::OptionalUuids(values)) => {
                    out.push_bind_param::<Array<Nullable<diesel::sql_types::Uuid>>, _>(values)?;
                }
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

/// The values of a column of rows that are inserted together: its name, the type of an array of them, and these.
pub(crate) type Column = (&'static str, &'static str, Bind);

/// What stands in columns: a value in one, a row in several.
pub(crate) trait Columns: Sized {
    /// The columns of such values; a value alone stands in a column of this name.
    fn columns(name: &'static str, values: Vec<Self>) -> Vec<Column>;
}

macro_rules! column {
    ($($type:ty: $array:literal $bind:ident $optional:ident,)*) => {$(
        impl Columns for $type {
            fn columns(name: &'static str, values: Vec<Self>) -> Vec<Column> {
                vec![(name, $array, Bind::$bind(values))]
            }
        }

        impl Columns for Option<$type> {
            fn columns(name: &'static str, values: Vec<Self>) -> Vec<Column> {
                vec![(name, $array, Bind::$optional(values))]
            }
        }
    )*};
}

column! {
    String: "text[]" Texts OptionalTexts,
    i64: "bigint[]" Integers OptionalIntegers,
    i32: "integer[]" SmallIntegers OptionalSmallIntegers,
    Uuid: "uuid[]" Uuids OptionalUuids,
}

/// Says which columns a row has: the names of all its fields.
macro_rules! row_of_columns {
    ($row:ident: $($field:ident),+ $(,)?) => {
        impl $crate::statement::Columns for $row {
            fn columns(_: &'static str, rows: Vec<Self>) -> Vec<$crate::statement::Column> {
                $(let mut $field = Vec::with_capacity(rows.len());)+
                for row in rows {
                    let Self { $($field: _),+ } = &row; // none is missing
                    $($field.push(row.$field);)+
                }
                let columns = [$($crate::statement::Columns::columns(stringify!($field), $field)),+];
                columns.into_iter().flatten().collect()
            }
        }
    };
}
pub(crate) use row_of_columns;

/// Inserts rows of one table by one statement, which is the same for any number of them: each column is one value,
/// an array. (Rows of many values each would be prepared anew for each number of them.)
pub(crate) fn insert_columns<R: Columns>(table: &str, rows: Vec<R>) -> Sql<Untyped> {
    let columns = R::columns("", rows);
    let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
    let arrays = (1..).zip(&columns).map(|(place, (_, array, _))| format!("?{place}::{array}"));
    let arrays: Vec<String> = arrays.collect();
    let text =
        format!("INSERT INTO {table} ({}) SELECT * FROM unnest({})", names.join(", "), arrays.join(", "));
    sql(text, columns.into_iter().map(|(.., values)| values).collect())
}

/// A row of one text.
#[derive(diesel::QueryableByName)]
pub(crate) struct TextRow {
    #[diesel(sql_type = Text)]
    pub(crate) value: String,
}

/// A row of one number.
#[derive(diesel::QueryableByName)]
pub(crate) struct NumberRow {
    #[diesel(sql_type = BigInt)]
    pub(crate) value: i64,
}
