//! What a file is, before it is opened for writing.
//!
//! SQLite brings a write-ahead log that it finds beside a file into it, when the last connection is closed. That is
//! right for a database of ours, and must not happen to a file that is somebody else's, or of a newer program. So
//! these are recognised by connections that write nothing. (The file is not read without SQLite: closing it would
//! take away the locks that SQLite has on it in this process.)

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use diesel::sql_types::Integer;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Error, Result};

use crate::connection::{ConnectionSettings, cannot_open};
use crate::error::{Context, NOT_A_DATABASE};
use crate::file::DatabaseFile;
use crate::migrations;

/// The first bytes of a rollback journal (<https://sqlite.org/fileformat2.html#the_rollback_journal>).
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Refuses a file that is no SQLite database, and a database that is not ours or too new for this program.
/// Writes nothing, and leaves a log beside it as it is.
///
/// What was not finished when power failed cannot be looked at like this: only SQLite can undo it, and does so for whoever
/// opens the file to write. So that is let pass here, and looked at then.
pub(crate) fn probe(settings: &ConnectionSettings, file: &DatabaseFile) -> Result<()> {
    // First, because another process may be undoing it: a file that has none any more is whole when it is read below.
    let has_journal = has_journal(file)?;
    let application_id = match application_id(file)? {
        Some(application_id) => application_id,
        None if has_journal && begins_with_zeros(file)? => return Ok(()),
        None => {
            let message = format!("{} is not an SQLite database; name another file", file.path.display());
            return Err(Error::SchemaMismatch { message });
        }
    };
    // 0 may only mean that the number is still in the log.
    if application_id != 0 && i64::from(application_id) != migrations::APPLICATION_ID {
        return Err(migrations::not_ours(&file.path));
    }
    if has_journal {
        return Ok(());
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

/// The number in the file's first page; `None` if that is no database's. `immutable` has SQLite look at nothing but this
/// file, and lock nothing; no more than the first page is read, because others may be writing.
fn application_id(file: &DatabaseFile) -> Result<Option<i32>> {
    let mut connection = SqliteConnection::establish(&uri(file, "mode=ro&immutable=1")?)
        .map_err(|error| cannot_open(&file.path, error))?;
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

/// Whether a journal of SQLite lies beside the file, which is there only while something is changed without a log: the file
/// is made, say. (SQLite takes any file of that name for one, and deletes it if it makes no sense.)
fn has_journal(file: &DatabaseFile) -> Result<bool> {
    Ok(first_bytes(&file.beside("-journal"))? == Some(JOURNAL_MAGIC))
}

/// Whether the file begins like one that was just made longer, and had its first page only in the memory that failed:
/// where all databases have the same 16 bytes (<https://sqlite.org/fileformat2.html#magic_header_string>) it has none.
/// To read it here takes away no locks: this process has none on a file that SQLite has written no page to.
fn begins_with_zeros(file: &DatabaseFile) -> Result<bool> {
    Ok(first_bytes(&file.path)? == Some([0; 16]))
}

/// The first bytes of a file, if it has as many.
fn first_bytes<const N: usize>(path: &Path) -> Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => Ok(None),
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
