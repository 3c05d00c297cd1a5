//! By which version of the domain the full-text index was made.

use diesel::dsl::exists;
use diesel::prelude::*;
use tubeatlas_domain::search::INDEX_VERSION;
use tubeatlas_ports::{Result, stale_index};

use crate::error::{Context, corrupt};
use crate::schema::{passages, search_index};

pub(crate) fn read(connection: &mut SqliteConnection) -> Result<u32> {
    let version: i64 = search_index::table
        .find(1)
        .select(search_index::version)
        .get_result(connection)
        .doing("reading the version of the index")?;
    u32::try_from(version).map_err(|error| corrupt("search_index", &1, &error))
}

/// Notes that all passages that there are were made by this program.
pub(crate) fn write(connection: &mut SqliteConnection) -> Result<()> {
    diesel::update(search_index::table.find(1))
        .set(search_index::version.eq(i64::from(INDEX_VERSION)))
        .execute(connection)
        .doing("writing the version of the index")
        .map(drop)
}

/// Answers what is to be said of the index when the database is opened. It is not built anew then: that takes as long as
/// the catalogue is large, and others may be searching. An index of nothing is of every version.
pub(crate) fn settle(connection: &mut SqliteConnection) -> Result<Option<String>> {
    let Some(message) = stale_index(read(connection)?) else { return Ok(None) };
    let any = diesel::select(exists(passages::table.select(passages::id))).get_result::<bool>(connection);
    if any.doing("looking for passages")? {
        return Ok(Some(message));
    }
    write(connection).map(|()| None)
}
