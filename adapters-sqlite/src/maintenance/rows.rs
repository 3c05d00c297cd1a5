//! Reading whole tables, some rows at a time.

use diesel::SqliteConnection;
use tubeatlas_ports::{Result, Stored};

use crate::table::Table;

/// How many rows are in memory at a time.
const ROWS: i64 = 100;

/// Calls `visit` for each row of `filter`, and answers how many there were.
pub(super) fn each<E: Table>(
    connection: &mut SqliteConnection,
    filter: &E::Filter,
    order: E::Order,
    mut visit: impl FnMut(&mut SqliteConnection, Stored<E::Listed>) -> Result<()>,
) -> Result<u64> {
    let (mut after, mut count) = (None, 0);
    loop {
        let rows = E::page(connection, filter, order, after, ROWS)?;
        after = rows.last().map(E::position);
        if after.is_none() {
            return Ok(count);
        }
        for row in rows {
            visit(connection, row)?;
            count += 1;
        }
    }
}
