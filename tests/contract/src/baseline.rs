//! The baseline: what of the contract is not tried on an adapter, committed beside it, so that a change is seen.

use std::fs;
use std::path::Path;

use crate::{AREAS, Exceptions, RULES, Status};

/// What is tried and what is not, as text.
pub fn baseline(exceptions: &Exceptions) -> String {
    let mut text = String::from(
        "# How much of the contract is tried here, and what is not, with the reason. The test\n\
         # `the_baseline_is_as_committed` compares it; TUBEATLAS_WRITE_BASELINE=1 writes it anew.\n",
    );
    text += &format!("contract {}\n", env!("CARGO_PKG_VERSION"));
    for (area, _) in AREAS {
        let rules = RULES.iter().filter(|rule| rule.area() == *area);
        let tried = rules.clone().filter(|rule| exceptions.of(rule).is_none()).count();
        text += &format!("{area}: {tried} of {}\n", rules.count());
    }
    for (capability, reason) in exceptions.absent() {
        text += &format!("absent {capability}: {reason}\n");
    }
    for (kinds, reason) in exceptions.declared_at_once() {
        text += &format!("{kinds}: {reason}\n");
    }
    for rule in RULES {
        if let Some((Status::Skip, reason)) = exceptions.of(rule) {
            text += &format!("skipped {}: {reason}\n", rule.id());
        }
    }
    text
}

/// Compares the baseline with a file, or writes it.
///
/// # Errors
/// What differs, and what to do.
pub(crate) fn compare(exceptions: &Exceptions, file: &Path, write: bool) -> Result<(), String> {
    exceptions.check()?;
    let now = baseline(exceptions);
    let name = file.display();
    if write {
        return fs::write(file, now).map_err(|error| format!("{name} cannot be written: {error}"));
    }
    let hint = "if that is meant, run this test with TUBEATLAS_WRITE_BASELINE=1 and commit the file";
    let committed = fs::read_to_string(file)
        .map_err(|error| format!("the baseline {name} cannot be read ({error}); {hint}"))?;
    let committed = committed.replace("\r\n", "\n");
    let gone = committed.lines().filter(|line| !now.lines().any(|other| other == *line));
    let new = now.lines().filter(|line| !committed.lines().any(|other| other == *line));
    let changes: Vec<_> =
        gone.map(|line| format!("- {line}")).chain(new.map(|line| format!("+ {line}"))).collect();
    if committed == now {
        return Ok(());
    }
    Err(format!("what is tried differs from the baseline {name}; {hint}:\n{}", changes.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;

    #[test]
    fn a_changed_baseline_is_an_error_that_shows_the_change() {
        let file = std::env::temp_dir().join(format!("tubeatlas-baseline-{}", std::process::id()));
        let none = Exceptions::none();
        let missing = compare(&none, &file, false).unwrap_err();
        assert!(missing.contains("cannot be read") && missing.contains("TUBEATLAS_WRITE_BASELINE=1"));
        compare(&none, &file, true).unwrap();
        compare(&none, &file, false).unwrap();
        let skipping = Exceptions::none().skip("VID-U-001", "later");
        let changed = compare(&skipping, &file, false).unwrap_err();
        assert!(changed.contains("+ skipped VID-U-001: later"), "{changed}");
        let lacking = Exceptions::none().without(Capability::Search, "no index");
        let changed = compare(&lacking, &file, false).unwrap_err();
        assert!(
            changed.contains("+ absent Search: no index") && changed.contains("+ search: 0 of"),
            "{changed}"
        );
        fs::remove_file(file).unwrap();
    }
}
