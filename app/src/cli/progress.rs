//! The progress of an import: a bar on a terminal, nothing otherwise.

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;
use crate::import::{ImportEvent, Note};

pub(super) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let bar = if output.is_text() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} read, {elapsed}") {
            bar.set_style(style);
        }
        Self { bar, output }
    }

    pub(super) fn event(&self, event: &ImportEvent<'_>) {
        match event {
            ImportEvent::Read { expected } => {
                self.bar.set_length(expected.unwrap_or(self.bar.position() + 1));
                self.bar.inc(1);
            }
            ImportEvent::Refused(Note { path, reason }) if self.output.is_text() => {
                self.bar.suspend(|| self.output.note(&format!("refused {path}: {reason}")));
            }
            ImportEvent::Refused(_) => {}
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
