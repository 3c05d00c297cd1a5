//! Running a rule on either flavour of tokio runtime, under a watchdog.

use std::sync::mpsc;
use std::time::Duration;

use crate::{Case, Harness, Outcome, RULES, Rule, Violation};

/// How long a rule may take. Far beyond what any needs: only what hangs meets it.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// How much longer a runtime may take to end a rule that does not.
const GRACE: Duration = Duration::from_secs(10);

/// On which flavour of tokio runtime a rule is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// One thread: a call that blocks it is noticed, because nothing else goes on.
    CurrentThread,
    /// Several threads: what runs at the same time really does.
    MultiThread,
}

/// Runs a rule on a fresh store, in a runtime of its own.
///
/// # Errors
/// How the rule was broken; also if it panicked, or did not answer within [`WATCHDOG`].
pub fn run(rule: &'static Rule, harness: impl Harness + 'static, flavour: Flavour) -> Outcome {
    let broken = |observed: String| Violation::new("the rule runs to its end", observed);
    let (done, answer) = mpsc::channel();
    // A thread of its own: if a call blocks the runtime, somebody outside of it must notice.
    let thread = std::thread::spawn(move || {
        let mut builder = match flavour {
            Flavour::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Flavour::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        };
        let outcome = match builder.enable_all().build() {
            Err(error) => Err(broken(format!("no tokio runtime: {error}"))),
            Ok(runtime) => runtime.block_on(async {
                let rule = async {
                    let case = Case::open(harness).await?;
                    rule.check(&case).await
                };
                // What only waits ends here, with all that it holds.
                let late = |_| Err(broken(format!("did not answer within {WATCHDOG:?}")));
                tokio::time::timeout(WATCHDOG, rule).await.unwrap_or_else(late)
            }),
        };
        // Nobody listens any more if the watchdog came first.
        let _ = done.send(outcome);
    });
    let outcome = match answer.recv_timeout(WATCHDOG + GRACE) {
        Ok(outcome) => {
            let _ = thread.join();
            outcome
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(broken(format!("blocked its runtime for more than {WATCHDOG:?}")))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let panic = thread.join().err();
            let message = panic.as_ref().and_then(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                text.or_else(|| panic.downcast_ref::<&str>().copied())
            });
            Err(broken(format!("panicked: {}", message.unwrap_or("without a message"))))
        }
    };
    outcome.map_err(|violation| Violation { rule: rule.id(), ..violation })
}

/// What a generated test does: finds its rule, runs it, and panics with the violation.
#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "a test fails by panicking")]
pub fn test(name: &str, harness: impl Harness + 'static, flavour: Flavour) {
    let Some(rule) = RULES.iter().find(|rule| rule.name() == name) else {
        panic!("there is no rule {name}");
    };
    if let Err(violation) = run(rule, harness, flavour) {
        panic!("{violation}");
    }
}
