//! Takes the file of a catalogue into memory and out again, as a program does that embeds the library.
//!
//! `cargo run --release -p tubeatlas --example through_memory -- FROM.ndjson TO.ndjson`
//!
//! The two files are equal to the byte, whatever store the first one came from.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use tubeatlas::transfer::format::Entry;
use tubeatlas::transfer::{Source, TransferError, entries, export, fill};
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_ports::{SystemClock, UuidV7Generator};

struct InFile(PathBuf);

impl Source for InFile {
    fn entries(&self) -> Result<impl Stream<Item = Result<Entry, TransferError>> + '_, TransferError> {
        let file = File::open(&self.0).map_err(|error| TransferError::File("read", error))?;
        Ok(stream::iter(entries(BufReader::new(file))?))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut files = std::env::args_os().skip(1).map(PathBuf::from);
    let (from, to) = files.next().zip(files.next()).ok_or("two files are needed: FROM.ndjson TO.ndjson")?;
    // The whole catalogue is read in one unit of work.
    let config =
        MemoryConfig { unit_of_work_timeout: Duration::from_secs(60 * 60), ..MemoryConfig::default() };
    let store = MemoryStore::new(config, Arc::new(SystemClock), Arc::new(UuidV7Generator));
    let (_, filled) = fill(&store, &InFile(from), false, &|_| {}).await?;
    let mut file = BufWriter::new(File::create_new(to)?);
    let written = export(&store, &|_| {}, |line| file.write_all(line)).await?;
    file.flush()?;
    if written.sha256 != filled.sha256 {
        return Err("what was written is not what was read".into());
    }
    Ok(())
}
