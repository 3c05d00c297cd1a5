//! The progress of an import: a bar on a terminal, lines elsewhere, events for programs.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::Output;
use crate::import::{ImportEvent, Note};

/// With fewer entries than this, an import is over before anybody reads a line.
const MIN_ENTRIES_FOR_LINES: u64 = 100;

pub(super) struct Progress<'a> {
    bar: ProgressBar,
    output: &'a Output,
    read: AtomicU64,
    /// Whether there is a terminal to draw a bar on.
    draws: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        let draws = output.is_text() && stderr().is_terminal();
        let bar = if draws { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let template = "{spinner} {wide_bar} {pos} of {len} read, {per_sec}, {elapsed} gone, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, output, read: AtomicU64::new(0), draws }
    }

    pub(super) fn event(&self, event: &ImportEvent<'_>) {
        match event {
            ImportEvent::Started { task } => {
                self.output.event(&json!({"event": "started", "task": task}));
            }
            ImportEvent::Read { expected } => {
                let read = self.read.fetch_add(1, Ordering::Relaxed) + 1;
                let expected = expected.unwrap_or(read).max(read);
                self.bar.set_length(expected);
                self.bar.set_position(read);
                // Each per cent is told to programs, each tenth of all to people without a terminal.
                let passed = |parts: u64| read * parts / expected > (read - 1) * parts / expected;
                if passed(100) {
                    self.output.event(&json!({"event": "progress", "read": read, "expected": expected}));
                }
                if !self.draws && self.output.is_text() && expected >= MIN_ENTRIES_FOR_LINES && passed(10) {
                    self.output.note(&format!("{read} of {expected} read"));
                }
            }
            ImportEvent::Refused(Note { path, reason }) => {
                self.output.event(&json!({"event": "refused", "path": path, "reason": reason}));
                if self.output.is_text() {
                    self.bar.suspend(|| self.output.note(&format!("refused {path}: {reason}")));
                }
            }
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
