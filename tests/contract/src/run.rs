//! Running a rule on either flavour of tokio runtime, under a watchdog.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::case::Notes;
use crate::harness::Opener;
use crate::{Case, CaseResult, Harness, Options, Outcome, Rule, Status, Violation};

/// How long a rule may take. Far beyond what any needs: only what hangs meets it.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// How much longer a runtime may take to end a rule that does not.
const GRACE: Duration = Duration::from_secs(10);

/// On which flavour of tokio runtime a rule is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// One thread: a call that blocks it is noticed, because nothing else goes on.
    CurrentThread,
    /// Several threads: what runs at the same time really does.
    MultiThread,
}

impl Flavour {
    /// Both, in the order of reports.
    pub const ALL: [Self; 2] = [Self::CurrentThread, Self::MultiThread];
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CurrentThread => "current_thread",
            Self::MultiThread => "multi_thread",
        })
    }
}

/// Tries one rule on a fresh store, in a runtime of its own. Never panics.
pub fn run(
    rule: &'static Rule,
    harness: impl Harness + 'static,
    flavour: Flavour,
    options: &Options,
) -> CaseResult {
    let exceptions = harness.exceptions();
    let result = |status, message: Option<String>| CaseResult {
        id: rule.id(),
        name: rule.name().to_owned(),
        title: rule.title(),
        area: rule.area().to_owned(),
        strength: rule.strength(),
        flavour,
        status,
        message,
        notes: Notes::new(),
        duration_ms: 0,
    };
    if let Err(reason) = exceptions.check() {
        return result(Status::Error, Some(reason));
    }
    if let Some((status, reason)) = exceptions.of(rule) {
        return result(status, Some(reason));
    }
    let notes = Arc::new(Mutex::new(Notes::new()));
    let began = Instant::now();
    let outcome = try_on_thread(rule, Arc::new(harness), flavour, options, &notes);
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, message) = match outcome {
        Ok(()) => (Status::Pass, None),
        Err(violation) => {
            let violation = Violation { rule: rule.id(), ..violation };
            (if violation.untried { Status::Error } else { Status::Fail }, Some(violation.to_string()))
        }
    };
    CaseResult { notes, duration_ms, ..result(status, message) }
}

fn try_on_thread(
    rule: &'static Rule,
    opener: Arc<dyn Opener>,
    flavour: Flavour,
    options: &Options,
    notes: &Arc<Mutex<Notes>>,
) -> Outcome {
    let broken = |observed: String| Violation::new("the rule runs to its end", observed);
    let (done, answer) = mpsc::channel();
    let patience = options.patience();
    let (options, notes) = (options.clone(), notes.clone());
    // A thread of its own: if a call blocks the runtime, somebody outside of it must notice.
    let thread = std::thread::Builder::new().name(rule.id()).spawn(move || {
        let mut builder = match flavour {
            Flavour::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Flavour::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        };
        let outcome = match builder.enable_all().build() {
            Err(error) => Err(Violation::error("there is a tokio runtime", error.to_string())),
            Ok(runtime) => runtime.block_on(async {
                let rule = async {
                    let case = Case::open(opener, flavour, options, notes).await?;
                    rule.check(&case).await
                };
                // What only waits ends here, with all that it holds.
                let late = |_| Err(broken(format!("did not answer within {patience:?}")));
                tokio::time::timeout(patience, rule).await.unwrap_or_else(late)
            }),
        };
        // Nobody listens any more if the watchdog came first.
        let _ = done.send(outcome);
    });
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => return Err(Violation::error("there is a thread for the rule", error.to_string())),
    };
    match answer.recv_timeout(patience + GRACE) {
        Ok(outcome) => {
            let _ = thread.join();
            outcome
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(broken(format!("blocked its runtime for more than {patience:?}")))
        }
        // Rules do not panic (their lints deny it), so it was the adapter.
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let panic = thread.join().err();
            let message = panic.as_ref().and_then(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                text.or_else(|| panic.downcast_ref::<&str>().copied())
            });
            Err(broken(format!("panicked: {}", message.unwrap_or("without a message"))))
        }
    }
}
