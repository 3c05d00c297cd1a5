//! `tubeatlas db`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::error::AppError;
use crate::wiring::{self, Check, Migrations, Missing, PoolCheck, Reindexed, Reverted, Stats, TableStats};

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Apply pending migrations; makes the database if there is none
    Migrate {
        /// Undo the newest N migrations instead; without --yes, only show what would be lost
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        down: Option<u16>,
        /// Undo them
        #[arg(long, requires = "down")]
        yes: bool,
    },
    /// Show which migrations are applied and pending
    Status,
    /// Check that the database answers, is set up as configured, and is whole
    Check {
        /// Also see how few connections of SQLite serve many queries
        #[arg(long)]
        pool: bool,
        /// How many tasks query at the same time
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000), requires = "pool")]
        tasks: u32,
        /// How many queries each task makes
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "pool")]
        queries: u32,
    },
    /// Copy the database into a file, while others read and write
    Backup {
        /// The file; it must not be there
        file: PathBuf,
        /// Overwrite the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Make the database from a backup, after the backup was verified
    Restore {
        /// The backup
        file: PathBuf,
        /// Overwrite the database if it holds data
        #[arg(long)]
        force: bool,
    },
    /// Read everything, and name what is damaged: pages, references, rows, counts, the full-text index
    Verify,
    /// Build the full-text index anew from the transcripts, titles and descriptions
    Reindex,
    /// Give back the room that nothing uses; needs free space of twice the database's size
    Vacuum,
    /// Show sizes and how many rows each table has
    Stats,
    /// Bring the write-ahead log into the database, and empty it
    Checkpoint,
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    checks: Vec<Check>,
    pool: Option<PoolCheck>,
}

impl Db {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let database = &context.settings.database;
        match self {
            Self::Migrate { down: Some(count), yes } => {
                let maintenance = wiring::maintenance(database, Missing::Refuse)?;
                let reverted = maintenance.revert(count.into(), yes).await?;
                let json = json!({
                    "reverted": reverted.migrations, "lost": reverted.lost, "done": reverted.done,
                });
                context.output.show(&json, |_| reverted_text(&reverted))?;
                if !reverted.done {
                    context.output.note("nothing was changed; make a backup, and run it again with --yes");
                }
                Ok(code(reverted.done))
            }
            Self::Migrate { down: None, .. } => {
                let applied = wiring::migrate(database).await?;
                context.output.show(&json!({"applied": applied}), |_| match applied.as_slice() {
                    [] => "nothing to apply".to_owned(),
                    applied => applied.iter().map(|name| format!("applied {name}\n")).collect(),
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Status => {
                context.output.show(&wiring::migrations(database).await?, migrations_text)?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Check { pool, tasks, queries } => {
                let opened = wiring::open(database, Missing::RefuseAndLeaveAsItIs).await?;
                // The pool first: looking at the settings opens every connection that it may have.
                let pool_asked = pool;
                let pool = if pool_asked { opened.pool_check(tasks, queries).await? } else { None };
                if pool_asked && pool.is_none() {
                    context.output.note("note: --pool looks at the connections of SQLite alone");
                }
                let checks = opened.check().await?;
                opened.store().close().await?;
                let pool_ok = pool.as_ref().is_none_or(|pool| pool.errors == 0);
                let checked = Checked { ok: pool_ok && checks.iter().all(|check| check.ok), checks, pool };
                context.output.show(&checked, checked_text)?;
                Ok(code(checked.ok))
            }
            Self::Backup { file, force } => {
                let backup = wiring::maintenance(database, Missing::Refuse)?.backup(&file, force).await?;
                let milliseconds = wiring::milliseconds(backup.elapsed);
                let json = json!({"path": backup.path, "bytes": backup.bytes, "elapsed_ms": milliseconds});
                context.output.show(&json, |_| {
                    format!("{}: {} in {milliseconds} ms", backup.path.display(), size(backup.bytes))
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Restore { file, force } => {
                let restored = wiring::maintenance(database, Missing::Create)?.restore(&file, force).await?;
                let json =
                    json!({"path": restored.path, "bytes": restored.bytes, "pending": restored.pending});
                context.output.show(&json, |_| {
                    let text = format!("{}: {}, verified\n", restored.path.display(), size(restored.bytes));
                    text + &restored
                        .pending
                        .iter()
                        .map(|name| format!("pending  {name}\n"))
                        .collect::<String>()
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Verify => {
                let checks = wiring::maintenance(database, Missing::Refuse)?.verify().await?;
                let checks: Vec<Check> = checks.into_iter().map(Check::from).collect();
                let checked = Checked { ok: checks.iter().all(|check| check.ok), checks, pool: None };
                context.output.show(&checked, checked_text)?;
                Ok(code(checked.ok))
            }
            Self::Reindex => {
                context.output.show(&wiring::reindex(database).await?, reindexed_text)?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Vacuum => {
                let it = wiring::maintenance(database, Missing::Refuse)?.vacuum().await?;
                context
                    .output
                    .show(&json!({"bytes_before": it.bytes_before, "bytes_after": it.bytes_after}), |_| {
                        format!("{}, before {}", size(it.bytes_after), size(it.bytes_before))
                    })?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Stats => {
                let stats = wiring::maintenance(database, Missing::Refuse)?.stats().await?;
                context.output.show(&stats_json(&stats, database.pool_size), |_| {
                    stats_text(&stats, database.pool_size)
                })?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Checkpoint => {
                let it = wiring::maintenance(database, Missing::Refuse)?.checkpoint().await?;
                let json = json!({
                    "complete": it.complete, "bytes_before": it.bytes_before, "bytes_after": it.bytes_after,
                });
                context.output.show(&json, |_| {
                    let how =
                        if it.complete { "" } else { "; not all of it, for somebody was reading or writing" };
                    format!("the log has {}, before {}{how}", size(it.bytes_after), size(it.bytes_before))
                })?;
                Ok(code(it.complete))
            }
        }
    }
}

fn reindexed_text(it: &Reindexed) -> String {
    let Reindexed { videos, transcripts, passages, media_files, playlists, elapsed_ms } = it;
    let paths = media_files.map(|count| format!(", the paths of {count} media files"));
    let lists = playlists.map(|count| format!(" and the videos of {count} playlists"));
    format!(
        "{passages} passages of {videos} videos and {transcripts} transcripts{}{}, in {elapsed_ms} ms",
        paths.unwrap_or_default(),
        lists.unwrap_or_default()
    )
}

/// 1 if something is not as it should be.
fn code(ok: bool) -> ExitCode {
    if ok { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn stats_json(stats: &Stats, pool_size: usize) -> serde_json::Value {
    let tables: Vec<_> = stats
        .tables
        .iter()
        .map(|TableStats { name, rows, table_bytes, index_bytes }| {
            json!({"name": name, "rows": rows, "table_bytes": table_bytes, "index_bytes": index_bytes})
        })
        .collect();
    json!({
        "database_bytes": stats.database_bytes, "wal_bytes": stats.wal_bytes, "free_bytes": stats.free_bytes,
        "page_bytes": stats.page_bytes, "pool_size": pool_size, "tables": tables,
    })
}

fn stats_text(stats: &Stats, pool_size: usize) -> String {
    let Stats { database_bytes, wal_bytes, free_bytes, page_bytes, tables } = stats;
    let mut text = format!(
        "database  {}, of which {} free, pages of {page_bytes} bytes\nlog       {}\npool      at most {pool_size} readers a process\n",
        size(*database_bytes),
        size(*free_bytes),
        size(*wal_bytes),
    );
    for TableStats { name, rows, table_bytes, index_bytes } in tables {
        let (table, index) = (size(*table_bytes), size(*index_bytes));
        text += &format!("{name:<28} {rows:>12} rows {table:>10}, indexes {index:>10}\n");
    }
    text
}

/// Bytes as a person reads them.
fn size(bytes: u64) -> String {
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0);
    while whole >= 1_024 && unit < 4 {
        (whole, rest, unit) = (whole / 1_024, whole % 1_024 * 10 / 1_024, unit + 1);
    }
    match ["bytes", "KiB", "MiB", "GiB", "TiB"][unit] {
        "bytes" => format!("{whole} bytes"),
        unit => format!("{whole}.{rest} {unit}"),
    }
}

fn migrations_text(migrations: &Migrations) -> String {
    let applied = migrations.applied.iter().map(|name| format!("applied  {name}\n"));
    applied.chain(migrations.pending.iter().map(|name| format!("pending  {name}\n"))).collect()
}

fn reverted_text(reverted: &Reverted) -> String {
    let would = if reverted.done { "" } else { "would be " };
    let migrations = reverted.migrations.iter().map(|name| format!("{would}undone  {name}\n"));
    let lost = reverted.lost.iter().map(|(name, count)| {
        let what = if name.contains('.') { "values" } else { "rows" };
        format!("{would}lost    {count} {what} of {name}\n")
    });
    migrations.chain(lost).collect()
}

fn checked_text(checked: &Checked) -> String {
    let mut text: String = checked
        .checks
        .iter()
        .map(|Check { name, ok, detail }| {
            format!("{}  {name}: {detail}\n", if *ok { "ok    " } else { "FAILED" })
        })
        .collect();
    if let Some(PoolCheck { tasks, queries, connections, errors, elapsed_ms }) = &checked.pool {
        let mark = if *errors == 0 { "ok    " } else { "FAILED" };
        text += &format!(
            "{mark}  pool: {tasks} tasks made {queries} queries over {connections} connections in {elapsed_ms} ms, \
             {errors} errors\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_cut_to_one_decimal_place() {
        assert_eq!(
            [0, 1_023, 1_024, 1_126, 1_536, 5_242_879, 1 << 40, 1 << 60].map(size),
            ["0 bytes", "1023 bytes", "1.0 KiB", "1.0 KiB", "1.5 KiB", "4.9 MiB", "1.0 TiB", "1048576.0 TiB"]
        );
    }
}
