//! What a file is, before it is opened for writing.
//!
//! SQLite brings a write-ahead log that it finds beside a file into it, when the last connection is closed. That is
//! right for a database of ours, and must not happen to a file that is somebody else's, or of a newer program. So
//! these are recognised by connections that write nothing. (The file is not read without SQLite: closing it would
//! take away the locks that SQLite has on it in this process.)

use std::fs;
use std::io::{ErrorKind, Read};

use diesel::sql_types::Integer;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Error, Result};

use crate::connection::ConnectionSettings;
use crate::error::{Context, NOT_A_DATABASE};
use crate::file::DatabaseFile;
use crate::migrations;

/// The first bytes of a rollback journal (<https://sqlite.org/fileformat2.html#the_rollback_journal>).
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Refuses a file that is no SQLite database, and a database that is not ours or too new for this program.
/// Writes nothing, and leaves a log beside it as it is.
pub(crate) fn probe(settings: &ConnectionSettings, file: &DatabaseFile) -> Result<()> {
    let application_id = match application_id(file)? {
        Some(application_id) => application_id,
        // Power failed while the file was made, or changed by a program without a write-ahead log. Only SQLite can undo
        // that, and does so for whoever opens the file to write; it is looked at then.
        None if has_journal(file)? => return Ok(()),
        None => {
            let message = format!("{} is not an SQLite database; name another file", file.path.display());
            return Err(Error::SchemaMismatch { message });
        }
    };
    // 0 may only mean that the number is still in the log.
    if application_id != 0 && i64::from(application_id) != migrations::APPLICATION_ID {
        return Err(migrations::not_ours(&file.path));
    }
    if has_journal(file)? {
        return Ok(()); // as above: a connection that writes nothing could not read the file
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

/// The number in the file's first page; `None` if that is no database's. `immutable` has SQLite look at nothing but this file, and lock nothing; no more
/// than the first page is read, because others may be writing.
fn application_id(file: &DatabaseFile) -> Result<Option<i32>> {
    let cannot_open = |error| Error::Unavailable {
        message: format!("cannot open the database {}", file.path.display()),
        source: Some(Box::new(error)),
    };
    let mut connection =
        SqliteConnection::establish(&uri(file, "mode=ro&immutable=1")?).map_err(cannot_open)?;
    let row: Result<ApplicationId> =
        diesel::sql_query("PRAGMA application_id").get_result(&mut connection).doing("reading the file");
    match row {
        Ok(row) => Ok(Some(row.application_id)),
        Err(error) if error.chain().contains(NOT_A_DATABASE) => Ok(None),
        // Power failed while the log was being brought into it: with the log it is whole, and opening it looks again.
        Err(Error::Corrupt { .. }) => Ok(Some(0)),
        Err(error) => Err(error),
    }
}

/// Whether SQLite's journal of a change that was not finished lies beside the file. (SQLite would delete any other
/// file of that name.)
fn has_journal(file: &DatabaseFile) -> Result<bool> {
    let path = file.beside("-journal");
    let mut magic = [0; JOURNAL_MAGIC.len()];
    match fs::File::open(&path).and_then(|mut journal| journal.read_exact(&mut magic)) {
        Ok(()) => Ok(magic == JOURNAL_MAGIC),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => Ok(false),
        Err(error) => Err(Error::Unavailable {
            message: format!("cannot read {}", path.display()),
            source: Some(Box::new(error)),
        }),
    }
}

/// The file as a URI (<https://sqlite.org/uri.html>).
fn uri(file: &DatabaseFile, parameters: &str) -> Result<String> {
    let path = file.as_text()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Ok(format!("file:{path}?{parameters}"))
}
