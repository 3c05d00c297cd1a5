//! Search among many transcripts of real length, by class of query; and what it takes to import them.
//!
//! `cargo run --release -p tubeatlas-benches --bin search_scale -- FILE [TRANSCRIPTS]` (default 100,000)
//!
//! Fills FILE, if it is not there yet, by `create_many`, 250 transcripts a transaction.

#![allow(clippy::print_stdout)] // its output is what it is for

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tubeatlas_adapters_sqlite::{Location, Maintenance, SqliteConfig, SqliteStore};
use tubeatlas_benches::speech::{Speech, word};
use tubeatlas_benches::{Numbers, Result, channel_id, fill, open, percentile, process, video_id};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{Repositories, SearchOrder, SearchRequest, Store};

const BATCH: u32 = 250;
const QUERIES: u32 = 100;

/// How frequent a word is: the ranks among which it is drawn, and their number.
type Ranks = (u32, u32);
const COMMON: Ranks = (0, 40);
const MIDDLING: Ranks = (300, 700);
const RARE: Ranks = (20_000, 30_000);

/// How the words of a class become a query.
type Form = fn(&[String]) -> String;

const ALL: Form = |words| words.join(" ");
const PHRASE: Form = |words| format!("\"{}\"", words.join(" "));
const PREFIX: Form = |words| format!("{}*", words.join(" "));

const CLASSES: [(&str, &[Ranks], Form); 14] = [
    ("one rare word", &[RARE], ALL),
    ("two rare words", &[RARE, RARE], ALL),
    ("rare OR rare", &[RARE, RARE], |words| words.join(" OR ")),
    ("rare and common", &[RARE, COMMON], ALL),
    ("rare and middling", &[RARE, MIDDLING], ALL),
    ("two middling words", &[MIDDLING, MIDDLING], ALL),
    ("middling and common", &[MIDDLING, COMMON], ALL),
    ("two common words", &[COMMON, COMMON], ALL),
    ("common, not common", &[COMMON, COMMON], |words| words.join(" -")),
    ("phrase of common words", &[COMMON, COMMON], PHRASE),
    ("phrase of middling words", &[MIDDLING, MIDDLING], PHRASE),
    ("rare prefix (6 letters)", &[RARE], PREFIX),
    ("prefix of 61 words (4 letters)", &[(60, 3_600)], PREFIX),
    ("prefix of 3,661 words (2 letters)", &[(0, 60)], PREFIX),
];

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let file = PathBuf::from(args.next().ok_or("FILE is missing")?);
    let transcripts: u32 = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let only = args.next();
    let is_new = !file.exists();
    let store = open(Location::File(file.clone())).await?;
    if is_new {
        import(&store, transcripts).await?;
        store.close().await?;
        sizes(&file).await?;
    }
    let store = open(Location::File(file)).await?;
    println!("{:<35} {:>9} {:>9} {:>9} {:>9}", "query", "p50 ms", "p99 ms", "max ms", "hits");
    for (name, ranks, form) in CLASSES {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let mut numbers = Numbers::new(42);
        let (mut latencies, mut hits) = (Vec::new(), 0);
        for n in 0..QUERIES {
            let words: Vec<String> =
                ranks.iter().map(|(from, count)| word(from + numbers.below(*count))).collect();
            let query = SearchQuery::parse(&form(&words))?;
            let mut request = SearchRequest::new(query);
            match n % 10 {
                7 => request.order = SearchOrder::Newest,
                8 => request.channel_id = Some(channel_id(numbers.below(1_000))?),
                9 => request.video_id = Some(video_id(numbers.below(transcripts))?),
                _ => {}
            }
            let begun = Instant::now();
            hits += store.transcripts().search(&request).await?.items.len();
            latencies.push(begun.elapsed());
        }
        let mut of = |per_cent| percentile(&mut latencies, per_cent).as_secs_f64() * 1e3;
        println!("{name:<35} {:>9.2} {:>9.2} {:>9.2} {hits:>9}", of(50), of(99), of(100));
    }
    store.close().await?;
    Ok(())
}

async fn import(store: &SqliteStore, transcripts: u32) -> Result<()> {
    fill(store, transcripts).await?;
    let speech = Speech::default();
    let (mut spent, mut text_bytes) = (Duration::ZERO, 0);
    for from in (0..transcripts).step_by(BATCH as usize) {
        let until = transcripts.min(from + BATCH);
        let batch = (from..until).map(|n| speech.transcript(n)).collect::<Result<Vec<_>, _>>()?;
        text_bytes += batch.iter().map(|transcript| transcript.summary().text_bytes).sum::<u64>();
        let begun = Instant::now();
        store.transcripts().create_many(&batch).await?;
        spent += begun.elapsed();
    }
    println!(
        "imported {transcripts} transcripts ({} MB of text) in {:.0} s: {:.0} a second, peak memory {} MB",
        text_bytes / 1_000_000,
        spent.as_secs_f64(),
        f64::from(transcripts) / spent.as_secs_f64(),
        process::peak_memory()? / 1_000_000
    );
    Ok(())
}

async fn sizes(file: &std::path::Path) -> Result<()> {
    println!("{} MB on disk", std::fs::metadata(file)?.len() / 1_000_000);
    let stats = Maintenance::new(SqliteConfig::new(Location::File(file.to_owned())))?.stats().await?;
    for table in stats.tables {
        let kilobytes = (table.table_bytes + table.index_bytes) / 1_000;
        println!("  {:<30} {:>12} rows {kilobytes:>9} KB", table.name, table.rows);
    }
    Ok(())
}
