//! Where settings come from, and which of several values counts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::SettingsError;

/// Every setting, as it is called in TOML. In the environment it is in capitals, with `TUBEATLAS_` before it
/// and `_` for the dot.
const NAMES: [&str; 18] = [
    "database.url",
    "database.pool_size",
    "database.max_overflow",
    "database.acquire_timeout",
    "database.connect_timeout",
    "database.statement_timeout",
    "database.recycle",
    "database.application_name",
    "database.busy_timeout",
    "database.journal_mode",
    "database.synchronous",
    "database.foreign_keys",
    "database.wal_limit",
    "database.pre_ping",
    "database.echo",
    "database.unit_of_work_timeout",
    "listen",
    "log",
];

const PREFIX: &str = "TUBEATLAS_";

/// The settings that were given as flags.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--database`
    pub database: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
}

/// All that settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The flags.
    pub flags: Flags,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The content of the `.env` file, if there is one.
    pub dotenv: Option<String>,
    /// The TOML file and its content, if there is one.
    pub toml: Option<(PathBuf, String)>,
}

impl Sources {
    /// Reads the environment of the process and the files of the working directory; `config` names another
    /// TOML file, which must be there.
    ///
    /// # Errors
    /// If one of the files cannot be read.
    pub fn of_process(flags: Flags, config: Option<&Path>) -> Result<Self, SettingsError> {
        let toml = match config {
            Some(path) => Some((path.to_owned(), read(path)?)),
            None => {
                let path = PathBuf::from("tubeatlas.toml");
                read_if_there(&path)?.map(|content| (path, content))
            }
        };
        let dotenv = read_if_there(Path::new(".env"))?;
        Ok(Self { flags, environment: std::env::vars_os().collect(), dotenv, toml })
    }

    /// The values that count.
    pub(super) fn given(&self) -> Result<Given, SettingsError> {
        let mut given = Given::default();
        if let Some((path, content)) = &self.toml {
            given.add_toml(path, content)?;
        }
        if let Some(content) = &self.dotenv {
            given.add_dotenv(content)?;
        }
        for (name, value) in &self.environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
            let value = value.to_str().ok_or_else(|| SettingsError::Malformed {
                name: name.to_owned(),
                problem: "is not UTF-8".to_owned(),
            })?;
            given.add_variable(name, name.to_owned(), value)?;
        }
        let Flags { database, listen } = &self.flags;
        for (name, flag, value) in [("database.url", "--database", database), ("listen", "--listen", listen)]
        {
            if let Some(value) = value {
                given.add(name, flag.to_owned(), value.clone());
            }
        }
        Ok(given)
    }
}

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn read_if_there(path: &Path) -> Result<Option<String>, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> SettingsError {
    SettingsError::Unreadable { path: path.to_owned(), source: source.into() }
}

/// The value of each setting that was given, and how the setting is called where it was found.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<&'static str, (String, String)>);

impl Given {
    /// The value of a setting, read by `parse`; `None` if it was not given.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        debug_assert!(NAMES.contains(&name), "{name} is not among the known names");
        let Some((called, value)) = self.0.get(name) else { return Ok(None) };
        let parsed = if value.is_empty() { Err("is empty".to_owned()) } else { parse(value) };
        parsed.map(Some).map_err(|problem| SettingsError::Malformed { name: called.clone(), problem })
    }

    fn add(&mut self, name: &'static str, called: String, value: String) {
        self.0.insert(name, (called, value));
    }

    fn add_variable(&mut self, variable: &str, called: String, value: &str) -> Result<(), SettingsError> {
        match NAMES.iter().find(|name| variable_of(name) == variable) {
            Some(name) => {
                self.add(name, called, value.to_owned());
                Ok(())
            }
            None => {
                let known = NAMES.iter().map(|name| variable_of(name)).collect();
                Err(SettingsError::Unknown { name: called, known })
            }
        }
    }

    /// Variables of other programs in the same file are none of ours.
    fn add_dotenv(&mut self, content: &str) -> Result<(), SettingsError> {
        let mut before = "at its beginning".to_owned();
        for pair in dotenvy::from_read_iter(content.as_bytes()) {
            // Its error shows the line, in which there may be a password.
            let (name, value) = pair.map_err(|_| {
                unreadable(Path::new(".env"), format!("there is a line {before} that is no NAME=value"))
            })?;
            if name.starts_with(PREFIX) {
                self.add_variable(&name, format!("{name} in .env"), &value)?;
            }
            before = format!("behind {name}");
        }
        Ok(())
    }

    fn add_toml(&mut self, path: &Path, content: &str) -> Result<(), SettingsError> {
        // The message alone: the error's whole text shows the line, in which there may be a password.
        let table: toml::Table = content.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| content[..span.start].matches('\n').count()) + 1;
            unreadable(path, format!("line {line}: {}", error.message().replace('\n', " ")))
        })?;
        for (key, value) in table {
            match value {
                toml::Value::Table(section) if key == "database" => {
                    for (key, value) in section {
                        self.add_toml_value(path, &format!("database.{key}"), &value)?;
                    }
                }
                value => self.add_toml_value(path, &key, &value)?,
            }
        }
        Ok(())
    }

    fn add_toml_value(&mut self, path: &Path, key: &str, value: &toml::Value) -> Result<(), SettingsError> {
        let called = format!("{key} in {}", path.display());
        let Some(name) = NAMES.iter().find(|name| **name == key) else {
            let known = NAMES.iter().map(|&name| name.to_owned()).collect();
            return Err(SettingsError::Unknown { name: called, known });
        };
        let value = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            _ => {
                let problem = format!("is a {}; give a text, a number or true or false", value.type_str());
                return Err(SettingsError::Malformed { name: called, problem });
            }
        };
        self.add(name, called, value);
        Ok(())
    }
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_ascii_uppercase())
}
