//! The command line. Data goes to stdout, everything else to stderr; the exit code is 0, 1 if something was
//! refused, not found or not as it should be, or 2 if the command was wrong or failed.

mod catalogue;
mod channels;
mod db;
mod download_archive;
mod graphs;
mod import;
mod list;
mod log;
mod media;
mod output;
mod playlists;
mod process;
mod progress;
mod search;
mod serve;
mod signals;
mod sources;
mod tasks;
mod token;
mod traces;
mod transcripts;
mod videos;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tubeatlas_ports::Store;

use crate::error::{AppError, chain};
use crate::settings::{DatabaseUrl, Flags, Settings, Sources};
use crate::wiring::{self, Missing};
use output::Output;
use traces::Traces;

/// A catalogue of videos and what was said in them.
#[derive(Debug, Parser)]
#[command(name = "tubeatlas", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Settings are read from flags, the environment (TUBEATLAS_DATABASE_URL, TUBEATLAS_LOG, …), \
                        a file .env and a file tubeatlas.toml, in this order."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Global {
    /// Where the catalogue is: sqlite://FILE, sqlite:///ABSOLUTE/FILE, sqlite::memory:, memory: or
    /// postgres://USER:PASSWORD@HOST/DATABASE (better by TUBEATLAS_DATABASE_URL: others see arguments)
    /// [default: sqlite://tubeatlas.db]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// How output and logs are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Read settings from this TOML file [default: tubeatlas.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How output and logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one line of JSON; what takes long writes events before it, a line each
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take yt-dlp archives into the catalogue; they are only read
    Import(import::Import),
    /// Find where something was said
    Search(search::Search),
    /// The channels
    #[command(subcommand)]
    Channels(channels::Channels),
    /// The videos
    #[command(subcommand)]
    Videos(videos::Videos),
    /// The playlists
    #[command(subcommand)]
    Playlists(playlists::Playlists),
    /// The transcripts
    #[command(subcommand)]
    Transcripts(transcripts::Transcripts),
    /// The knowledge graphs
    #[command(subcommand)]
    Graphs(graphs::Graphs),
    /// The processing tasks
    #[command(subcommand)]
    Tasks(tasks::Tasks),
    /// The media files
    #[command(subcommand)]
    Media(media::Media),
    /// The files that an import has read
    #[command(subcommand)]
    Sources(sources::Sources),
    /// The file in which yt-dlp keeps what it has downloaded
    #[command(subcommand)]
    DownloadArchive(download_archive::DownloadArchive),
    /// The whole catalogue: move it from store to store, or into a file and back
    #[command(subcommand)]
    Catalogue(catalogue::Catalogue),
    /// The database itself
    #[command(subcommand)]
    Db(db::Db),
    /// Answer requests over HTTP
    Serve(serve::Serve),
    /// Do tasks out of the queue: imports, exports and new indexes that were asked for over HTTP
    ///
    /// Until it is asked to end, by SIGTERM or SIGINT; what it is at then is given back to the queue. Tasks of other kinds
    /// are left to other workers, and exports to those with --export-dir.
    Worker(worker::Worker),
    /// Tokens, by which a service knows who asks
    #[command(subcommand)]
    Token(token::Token),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.format);
    let result = run(cli, &output);
    match result {
        Ok(code) => code,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output.note(&format!("error: {}", chain(&error)));
            if let Some(hint) = error.hint() {
                output.note(&format!("hint: {hint}"));
            }
            error.exit_code()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Result<ExitCode, AppError> {
    let Cli { global, command } = cli;
    let flags = match &command {
        Command::Serve(serve) => serve.flags(),
        Command::Worker(worker) => worker.flags(),
        _ => Flags::default(),
    };
    let flags = Flags { database: global.database, ..flags };
    let settings = Settings::resolve(&Sources::of_process(flags, global.config.as_deref())?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| AppError::System { what: "start the program's threads", source })?;
    let traces = match command {
        Command::Serve(_) => Traces::start(runtime.handle()),
        _ => Traces::default(),
    };
    let serves = matches!(command, Command::Serve(_) | Command::Worker(_));
    log::start(&settings, serves, global.format, traces.layer());
    traces.announce();
    let patience = settings.serve.limits.shutdown_timeout;
    let result = runtime.block_on(dispatch(command, settings, output));
    traces.end(patience);
    // What still runs then (a connection that was cut off, a read of a slow disk) is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn dispatch(command: Command, settings: Settings, output: &Output) -> Result<ExitCode, AppError> {
    let context = Context { settings, output };
    match command {
        Command::Import(command) => command.run(&context).await,
        Command::Search(command) => command.run(&context).await,
        Command::Channels(command) => command.run(&context).await,
        Command::Videos(command) => command.run(&context).await,
        Command::Playlists(command) => command.run(&context).await,
        Command::Transcripts(command) => command.run(&context).await,
        Command::Graphs(command) => command.run(&context).await,
        Command::Tasks(command) => command.run(&context).await,
        Command::Media(command) => command.run(&context).await,
        Command::Sources(command) => command.run(&context).await,
        Command::Catalogue(command) => command.run(&context).await,
        Command::DownloadArchive(command) => command.run(&context).await,
        Command::Db(command) => command.run(&context).await,
        Command::Serve(command) => command.run(&context).await,
        Command::Worker(command) => command.run(&context).await,
        Command::Token(command) => command.run(&context),
    }
}

/// What every command is given.
struct Context<'a> {
    settings: Settings,
    output: &'a Output,
}

impl Context<'_> {
    /// Runs `work` on the store, and closes it.
    async fn with_store<F>(&self, missing: Missing, work: F) -> Result<ExitCode, AppError>
    where
        F: AsyncFnOnce(&dyn Store) -> Result<ExitCode, AppError>,
    {
        if self.settings.database.url == DatabaseUrl::Memory {
            self.output.note("note: with memory: nothing is kept after this command");
        }
        let opened = wiring::open(&self.settings.database, missing).await?;
        if opened.is_new() {
            self.output.note(&format!("note: new database {}", self.settings.database.url));
        }
        let store = Arc::clone(opened.store());
        let result = work(store.as_ref()).await;
        let closed = store.close().await;
        let code = result?;
        closed?;
        Ok(code)
    }

    /// Runs `work` on the store of a catalogue that is there.
    async fn with_catalogue<F>(&self, work: F) -> Result<ExitCode, AppError>
    where
        F: AsyncFnOnce(&dyn Store) -> Result<ExitCode, AppError>,
    {
        self.with_store(Missing::Refuse, work).await
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_noun_lists_and_shows() {
        for noun in ["channels", "videos", "transcripts", "graphs", "tasks", "media", "sources", "playlists"]
        {
            assert!(Cli::try_parse_from(["tubeatlas", noun, "list", "--limit", "3"]).is_ok(), "{noun}");
            assert!(Cli::try_parse_from(["tubeatlas", noun, "show"]).is_err(), "{noun}");
        }
        assert!(Cli::try_parse_from(["tubeatlas", "channels", "show", "UC1"]).is_ok());
        assert!(Cli::try_parse_from(["tubeatlas", "transcripts", "show", "v", "en"]).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, named) in [
            (&["videos", "list", "--order", "best"][..], "newest"),
            (&["videos", "list", "--from", "yesterday"], "2021-11-11"),
            (&["videos", "list", "--deleted", "--with-deleted"], "--with-deleted"),
            (&["videos", "show", ""], "empty"),
            (&["search", "x", "--language", "日本"], "language"),
            (&["tasks", "show", "17"], "UUID"),
            (&["import"], "PATH"),
        ] {
            let error = Cli::try_parse_from([&["tubeatlas"], arguments].concat()).unwrap_err();
            assert!(error.to_string().contains(named), "{arguments:?}: {error}");
        }
    }
}
