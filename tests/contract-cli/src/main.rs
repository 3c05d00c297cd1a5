//! Runs the contract suite against a configured adapter, on databases that are thrown away, and writes the report.
//!
//! ```text
//! cargo run -p tubeatlas-contract-cli -- --database sqlite:///tmp/trial.db --format markdown
//! ```
//!
//! It ends with 0 if the contract is kept, with 1 if not, and with 2 if it could not begin.

mod adapter;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use adapter::Adapter;
use clap::{Parser, ValueEnum};
use tubeatlas::settings::DatabaseUrl;
use tubeatlas_contract::{Effort, Options, Report, run_all, run_child};

/// Runs the contract suite against a configured adapter, on databases that are thrown away.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Where databases may be made: sqlite://FILE (beside this file, which must not exist or be empty),
    /// sqlite::memory: or memory:
    #[arg(long, value_name = "URL")]
    database: DatabaseUrl,

    /// In which form the report is written.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,

    /// Into which file; without, to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How much is tried: quick takes seconds, full minutes.
    #[arg(long, value_parser = ["quick", "full"], default_value = "quick")]
    effort: String,

    /// From which number the rules that choose what they try take their choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many rules are tried at the same time; without, as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,

    /// Only for the program itself: be the process that is killed.
    #[arg(long, hide = true)]
    child: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Everything, for programs.
    Json,
    /// JUnit XML, for continuous integration.
    Junit,
    /// Tables, for people.
    Markdown,
    /// A badge, as the JSON that badge services take.
    Badge,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Whether the contract is kept.
fn run(arguments: &Arguments) -> Result<bool, String> {
    if arguments.child {
        // The databases are those of the process that started this one.
        return run_child(Adapter::again(arguments.database.clone())).map(|()| true);
    }
    let adapter = Arc::new(Adapter::on(arguments.database.clone())?);
    let program =
        std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let database = arguments.database.to_string();
    let options = Options {
        seed: arguments.seed,
        effort: arguments.effort.parse::<Effort>()?,
        child: Some(Arc::new(move || {
            let mut command = Command::new(&program);
            command.args(["--child", "--database", &database]);
            command
        })),
        ..Options::default()
    };
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or_else(processors);
    let report = run_all(adapter.name(), &adapter, &options, threads);
    write(&report, arguments)?;
    let totals = report.totals;
    eprintln!(
        "{} cases: {} passed, {} failed, {} skipped, {} not applicable, {} could not be tried",
        totals.cases, totals.pass, totals.fail, totals.skip, totals.not_applicable, totals.error
    );
    Ok(report.passed())
}

fn write(report: &Report, arguments: &Arguments) -> Result<(), String> {
    let text = match arguments.format {
        Format::Json => report.to_json(),
        Format::Junit => report.to_junit(),
        Format::Markdown => report.to_markdown(),
        Format::Badge => report.to_badge(),
    };
    match &arguments.output {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| format!("the report cannot be written to {}: {error}", file.display())),
        None => std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|error| format!("the report cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }
}
