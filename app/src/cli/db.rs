//! `tubeatlas db`

use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::Context;
use crate::error::AppError;
use crate::wiring::{self, Check, Migrations, Missing, PoolCheck};

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Apply pending migrations; makes the database if there is none
    Migrate,
    /// Show which migrations are applied and pending
    Status,
    /// Check that the database answers, is set up as configured, and is whole
    Check {
        /// Also see how few connections serve many queries
        #[arg(long)]
        pool: bool,
        /// How many tasks query at the same time
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000), requires = "pool")]
        tasks: u32,
        /// How many queries each task makes
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000), requires = "pool")]
        queries: u32,
    },
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
            Self::Migrate => {
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
                let pool = if pool { opened.pool_check(tasks, queries).await? } else { None };
                let checks = opened.check().await?;
                opened.store().close().await?;
                let pool_ok = pool.as_ref().is_none_or(|pool| pool.errors == 0);
                let checked = Checked { ok: pool_ok && checks.iter().all(|check| check.ok), checks, pool };
                context.output.show(&checked, checked_text)?;
                Ok(if checked.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
            }
        }
    }
}

fn migrations_text(migrations: &Migrations) -> String {
    let applied = migrations.applied.iter().map(|name| format!("applied  {name}\n"));
    applied.chain(migrations.pending.iter().map(|name| format!("pending  {name}\n"))).collect()
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
