//! What a file is, before it is opened for writing.
//!
//! SQLite brings a write-ahead log that it finds beside a file into it, when the last connection is closed. That is
//! right for a database of ours, and must not happen to a file that is somebody else's, or of a newer program. So
//! these are recognised by connections that write nothing. (The file is not read without SQLite: closing it would
//! take away the locks that SQLite has on it in this process.)

use std::fs;

use diesel::sql_types::Integer;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Error, Result};

use crate::connection::ConnectionSettings;
use crate::error::{Context, NOT_A_DATABASE};
use crate::file::DatabaseFile;
use crate::migrations;

/// Refuses a file that is no SQLite database, and a database that is not ours or too new for this program.
/// Writes nothing, and leaves a log beside it as it is.
pub(crate) fn probe(settings: &ConnectionSettings, file: &DatabaseFile) -> Result<()> {
    let application_id = application_id(file)?;
    // 0 may only mean that the number is still in the log.
    if application_id != 0 && i64::from(application_id) != migrations::APPLICATION_ID {
        return Err(migrations::not_ours(&file.path));
    }
    if fs::metadata(file.beside("-wal")).is_ok_and(|log| log.len() > 0) {
        let mut connection = settings.open(&uri(file, "mode=ro")?)?;
        migrations::check_file(&mut connection, &file.path)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ApplicationId {
    #[diesel(sql_type = Integer)]
    application_id: i32,
}

/// The number in the file's first page. `immutable` has SQLite look at nothing but this file, and lock nothing; no more
/// than the first page is read, because others may be writing.
fn application_id(file: &DatabaseFile) -> Result<i32> {
    let cannot_open = |error| Error::Unavailable {
        message: format!("cannot open the database {}", file.path.display()),
        source: Some(Box::new(error)),
    };
    let mut connection =
        SqliteConnection::establish(&uri(file, "mode=ro&immutable=1")?).map_err(cannot_open)?;
    let row: Result<ApplicationId> =
        diesel::sql_query("PRAGMA application_id").get_result(&mut connection).doing("reading the file");
    match row {
        Ok(row) => Ok(row.application_id),
        Err(error) if error.chain().contains(NOT_A_DATABASE) => {
            let message = format!("{} is not an SQLite database; name another file", file.path.display());
            Err(Error::SchemaMismatch { message })
        }
        // Power failed while the log was being brought into it: with the log it is whole, and opening it looks again.
        Err(Error::Corrupt { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}

/// The file as a URI (<https://sqlite.org/uri.html>).
fn uri(file: &DatabaseFile, parameters: &str) -> Result<String> {
    let path = file.as_text()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Ok(format!("file:{path}?{parameters}"))
}
