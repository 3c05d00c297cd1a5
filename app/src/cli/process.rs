//! This process as a worker, and whether another one is still there.

use std::path::Path;

use tubeatlas_domain::{ValidationError, WorkerId};

/// This process, as its tasks name it: `tubeatlas-import-MACHINE-PROCESS`.
pub(super) fn worker() -> Result<WorkerId, ValidationError> {
    let machine = machine().unwrap_or_else(|| "unknown".to_owned());
    WorkerId::parse(format!("{PREFIX}{machine}-{}", std::process::id()))
}

/// Whether a worker was a process of this machine that is no more. Of another machine, or one that does not tell its
/// processes, it is not known; nor where another program has got the number since.
pub(super) fn is_gone(worker: &WorkerId) -> bool {
    let of = |worker: &WorkerId| {
        let (machine, process) = worker.as_str().strip_prefix(PREFIX)?.rsplit_once('-')?;
        Some((machine.to_owned(), process.parse::<u32>().ok()?))
    };
    let Some((machine, process)) = of(worker) else { return false };
    let can_tell = Path::new("/proc/self").exists() && self::machine().is_some_and(|own| own == machine);
    // The own number: that of a process before, as the first in a container has always the same.
    can_tell && (process == std::process::id() || !Path::new(&format!("/proc/{process}")).exists())
}

const PREFIX: &str = "tubeatlas-import-";

/// Where numbers of processes mean the same: this machine since it was started, and the container (Linux alone tells).
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let container = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    Some(format!("{}-{}", digits(&boot), digits(container.to_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_is_gone_and_no_other() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let of =
            |machine: &str, process: u32| WorkerId::parse(format!("{PREFIX}{machine}-{process}")).unwrap();
        let machine = machine().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&of(&machine, child.id())));
        assert!(!is_gone(&of("another", child.id())));
        assert!(!is_gone(&of(&machine, std::os::unix::process::parent_id())));
        assert!(is_gone(&worker().unwrap()), "of a container that was started again");
        for other in ["w", "tubeatlas-import-7", "tubeatlas-import-x-y"] {
            assert!(!is_gone(&WorkerId::parse(other).unwrap()), "{other}");
        }
    }
}
