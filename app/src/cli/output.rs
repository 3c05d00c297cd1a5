//! Writing: data to stdout, in one place, and notes to stderr.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::Format;
use crate::error::AppError;

/// Where a command's results and notes go.
pub(super) struct Output {
    format: Format,
    bold: bool,
}

impl Output {
    pub(super) fn new(format: Format) -> Self {
        let bold = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self { format, bold }
    }

    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Whether what is found can be shown in bold.
    pub(super) fn is_bold(&self) -> bool {
        self.bold
    }

    /// Writes a result: as one line of JSON, or as the text that `text` makes of it.
    pub(super) fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), AppError> {
        let mut written = match self.format {
            Format::Json => serde_json::to_string(value).map_err(|error| AppError::Output(error.into()))?,
            Format::Text => text(value),
        };
        if !written.is_empty() && !written.ends_with('\n') {
            written.push('\n');
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(written.as_bytes()).and_then(|()| stdout.flush()).map_err(AppError::Output)
    }

    /// Writes an event for programs, as one line of JSON before the result; nothing for people. If nobody reads it, it is
    /// lost.
    pub(super) fn event(&self, event: &Value) {
        if self.format == Format::Json {
            let _ = writeln!(io::stdout().lock(), "{event}");
        }
    }

    /// Writes a note for the person at the terminal. If nobody can read it, it is lost.
    pub(super) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}", clean(text));
    }
}

/// Where a document is written to.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// Write it into this file; it must not be there
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Destination {
    /// Writes a document as it is; to a terminal without what could steer it.
    pub(super) fn write(&self, document: &str) -> Result<(), AppError> {
        let Some(path) = &self.output else {
            let mut stdout = io::stdout().lock();
            let shown = if stdout.is_terminal() { clean(document) } else { document.to_owned() };
            return stdout
                .write_all(shown.as_bytes())
                .and_then(|()| stdout.flush())
                .map_err(AppError::Output);
        };
        let opened = if self.force { File::create(path) } else { File::create_new(path) };
        opened.and_then(|mut file| file.write_all(document.as_bytes())).map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AlreadyExists => "; --force overwrites it",
                _ => "",
            };
            AppError::Output(io::Error::new(error.kind(), format!("{}: {error}{hint}", path.display())))
        })
    }
}

/// A text of an archive, so that it cannot steer the terminal: control characters but line ends, and those that
/// turn the direction of writing, are shown as U+FFFD.
pub(super) fn clean(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// [`clean`], on one line.
pub(super) fn one_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// An entity field by field: those of `first` first, then the others; what is absent or empty is left out.
pub(super) fn fields<T: Serialize>(entity: &T, first: &[&str]) -> String {
    let Ok(Value::Object(mut map)) = serde_json::to_value(entity) else { return String::new() };
    let first: Vec<_> = first.iter().filter_map(|name| map.remove_entry(*name)).collect();
    let mut text = String::new();
    for (name, value) in first.into_iter().chain(map) {
        let value = match value {
            Value::Null => continue,
            Value::Array(list) if list.is_empty() => continue,
            Value::Object(map) if map.is_empty() => continue,
            Value::String(value) => clean(&value).replace('\n', "\n    "),
            value => clean(&value.to_string()),
        };
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

/// A time in a video: `mm:ss`, or `h:mm:ss` from an hour on.
pub(super) fn time(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_archive_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\n\u{9b}c"), "a\u{fffd}[2Jb\n\u{fffd}c");
        assert_eq!(clean("a\u{202e}b\u{2067}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(one_line(" a\n\tb\u{1b} "), "a b\u{fffd}");
    }

    #[test]
    fn fields_stand_in_order_without_the_absent_ones() {
        let entity = json!({"id": "x", "a": null, "b": [], "c": [1], "title": "two\nlines", "extra": {}});
        assert_eq!(fields(&entity, &["title", "id", "none"]), "title: two\n    lines\nid: x\nc: [1]\n");
    }

    #[test]
    fn times_have_hours_only_if_needed() {
        assert_eq!(["09:59", "1:00:01"], [&*time(599_999), &*time(3_601_000)]);
    }
}
