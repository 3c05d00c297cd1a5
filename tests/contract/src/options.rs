//! [`Options`]: how thoroughly rules are tried, and from which seed.

use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How much is tried by rules that choose what they try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// As much as fits into a test run of every day.
    #[default]
    Quick,
    /// As much as a release, or a new adapter, is worth; it takes minutes.
    Full,
}

/// Makes the command that starts this program again as a child of the suite.
pub type MakeChild = Arc<dyn Fn() -> Command + Send + Sync>;

/// How rules are tried.
#[derive(Clone)]
pub struct Options {
    /// From which rules that choose what they try take their choices. The same seed means the same choices.
    pub seed: u64,
    /// How much they try.
    pub effort: Effort,
    /// How long a rule may take with [`Effort::Quick`]; ten times as long with [`Effort::Full`].
    pub watchdog: Duration,
    /// What makes the command by which a process is started that runs
    /// [`run_child`](crate::run_child) with the same harness. Without it, rules that kill a process cannot be tried.
    pub child: Option<MakeChild>,
}

impl Default for Options {
    /// Seed 1, quick, the usual watchdog, no child.
    fn default() -> Self {
        Self { seed: 1, effort: Effort::Quick, watchdog: crate::WATCHDOG, child: None }
    }
}

impl Options {
    /// The default, changed by `TUBEATLAS_CONTRACT_SEED` (a number) and `TUBEATLAS_CONTRACT_EFFORT` (`quick` or
    /// `full`).
    ///
    /// # Errors
    /// Which variable has a value that means nothing.
    pub fn from_env() -> Result<Self, String> {
        let mut options = Self::default();
        if let Some(seed) = variable("TUBEATLAS_CONTRACT_SEED")? {
            options.seed = seed;
        }
        if let Some(effort) = variable("TUBEATLAS_CONTRACT_EFFORT")? {
            options.effort = effort;
        }
        Ok(options)
    }

    /// How long a rule may take.
    pub(crate) fn patience(&self) -> Duration {
        self.watchdog * if self.effort == Effort::Full { 10 } else { 1 }
    }
}

impl FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "quick" => Ok(Self::Quick),
            "full" => Ok(Self::Full),
            other => Err(format!("{other:?} is neither \"quick\" nor \"full\"")),
        }
    }
}

fn variable<T: FromStr<Err: std::fmt::Display>>(name: &str) -> Result<Option<T>, String> {
    match std::env::var(name) {
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
        Ok(text) => text.parse().map(Some).map_err(|error| format!("{name}: {error}")),
    }
}
