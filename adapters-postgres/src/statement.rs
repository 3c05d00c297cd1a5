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
use diesel::sql_types::{Array, BigInt, Nullable, Text, Untyped};
use diesel::{QueryResult, QuerySource};

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

/// A `SELECT` that locks the rows it finds, and passes over those that others have locked.
pub(crate) struct SkipLocked<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for SkipLocked<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" FOR UPDATE SKIP LOCKED");
        Ok(())
    }
}

impl<Q: Query> Query for SkipLocked<Q> {
    type SqlType = Q::SqlType;
}

kept_by_text!(SkipLocked<Q>);

/// A value in SQL that is written by hand.
pub(crate) enum Bind {
    Text(Option<String>),
    Texts(Vec<String>),
    Integer(Option<i64>),
    Integers(Vec<i64>),
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
                Some(Bind::Integer(value)) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Some(Bind::Integers(values)) => out.push_bind_param::<Array<BigInt>, _>(values)?,
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
