//! Where settings come from, and which of several values counts.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::SettingsError;

/// Every setting, as it is called in TOML. In the environment it is in capitals, with `TUBEATLAS_` before it
/// and `_` for the dot.
const NAMES: [&str; 40] = [
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
    "media_roots",
    "import_roots",
    "export_dir",
    "serve.tokens",
    "serve.allowed_hosts",
    "serve.allowed_origins",
    "serve.tls_cert",
    "serve.tls_key",
    "serve.behind_proxy",
    "serve.max_connections",
    "serve.max_in_flight",
    "serve.max_head_bytes",
    "serve.max_headers",
    "serve.max_uri_bytes",
    "serve.max_body_bytes",
    "serve.header_timeout",
    "serve.idle_timeout",
    "serve.body_timeout",
    "serve.request_timeout",
    "serve.write_timeout",
    "serve.shutdown_timeout",
    "serve.max_failed_tokens",
];

/// The tables of TOML.
const SECTIONS: [&str; 2] = ["database", "serve"];

/// What may be an array in TOML.
const LISTS: [&str; 2] = ["serve.allowed_hosts", "serve.allowed_origins"];

/// What is several folders, with a colon between them where it is one text.
const FOLDERS: [&str; 2] = ["media_roots", "import_roots"];

/// The fields of a token in TOML, in the order of its text.
const TOKEN_FIELDS: [&str; 3] = ["name", "scope", "sha256"];

const PREFIX: &str = "TUBEATLAS_";

/// The settings that were given as flags.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--database`
    pub database: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--tls-cert`
    pub tls_cert: Option<String>,
    /// `--tls-key`
    pub tls_key: Option<String>,
    /// `--behind-proxy`
    pub behind_proxy: bool,
    /// `--allow-host`, each
    pub allowed_hosts: Vec<String>,
    /// `--allow-origin`, each
    pub allowed_origins: Vec<String>,
    /// `--media-root`, each
    pub media_roots: Vec<PathBuf>,
    /// `--import-root`, each
    pub import_roots: Vec<PathBuf>,
    /// `--export-dir`
    pub export_dir: Option<String>,
}

impl Flags {
    /// Those that were given: the setting, the flag and the value.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        let joined = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        [
            ("database.url", "--database", self.database.clone()),
            ("listen", "--listen", self.listen.clone()),
            ("export_dir", "--export-dir", self.export_dir.clone()),
            ("serve.tls_cert", "--tls-cert", self.tls_cert.clone()),
            ("serve.tls_key", "--tls-key", self.tls_key.clone()),
            ("serve.behind_proxy", "--behind-proxy", self.behind_proxy.then(|| "on".to_owned())),
            ("serve.allowed_hosts", "--allow-host", joined(&self.allowed_hosts)),
            ("serve.allowed_origins", "--allow-origin", joined(&self.allowed_origins)),
        ]
        .into_iter()
        .filter_map(|(name, flag, value)| Some((name, flag, value?)))
    }
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
        for (name, flag, value) in self.flags.given() {
            given.add(name, flag.to_owned(), value);
        }
        let Flags { media_roots, import_roots, .. } = &self.flags;
        for (name, called, folders) in
            [("media_roots", "--media-root", media_roots), ("import_roots", "--import-root", import_roots)]
        {
            if !folders.is_empty() {
                given.add(name, called.to_owned(), path_list(called, folders)?);
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

    /// That a setting which was given needs another one.
    pub(super) fn lacks(&self, name: &'static str, problem: &str) -> SettingsError {
        let called = self.0.get(name).map_or_else(|| name.to_owned(), |(called, _)| called.clone());
        SettingsError::Malformed { name: called, problem: problem.to_owned() }
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
                toml::Value::Table(section) if SECTIONS.contains(&key.as_str()) => {
                    for (name, value) in section {
                        self.add_toml_value(path, &format!("{key}.{name}"), &value)?;
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
            toml::Value::Array(tables) if *name == "serve.tokens" => {
                tables.iter().map(|table| token_text(path, table)).collect::<Result<Vec<_>, _>>()?.join(",")
            }
            toml::Value::Array(items) if LISTS.contains(name) && items.iter().all(toml::Value::is_str) => {
                items.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
            }
            toml::Value::Array(paths) if FOLDERS.contains(name) => {
                let paths: Option<Vec<&str>> = paths.iter().map(toml::Value::as_str).collect();
                let problem = || "is a list of what is no text; give paths".to_owned();
                let paths = paths
                    .ok_or_else(|| SettingsError::Malformed { name: called.clone(), problem: problem() })?;
                path_list(&called, &paths)?
            }
            _ => {
                let problem = format!("is a {}; give a text, a number or true or false", value.type_str());
                return Err(SettingsError::Malformed { name: called, problem });
            }
        };
        self.add(name, called, value);
        Ok(())
    }
}

/// A token out of TOML as it is written in the environment.
fn token_text(path: &Path, value: &toml::Value) -> Result<String, SettingsError> {
    let malformed = |name: &str, problem: String| SettingsError::Malformed {
        name: format!("serve.tokens{name} in {}", path.display()),
        problem,
    };
    let Some(table) = value.as_table() else {
        return Err(malformed("", format!("has a {}; write [[serve.tokens]]", value.type_str())));
    };
    if let Some(name) = table.keys().find(|key| !TOKEN_FIELDS.contains(&key.as_str())) {
        let known = TOKEN_FIELDS.map(str::to_owned).to_vec();
        return Err(SettingsError::Unknown {
            name: format!("serve.tokens.{name} in {}", path.display()),
            known,
        });
    }
    let text = |field: &str| match table.get(field).and_then(toml::Value::as_str) {
        // Not shown: it may be a token by mistake.
        Some(text) if text.contains([':', ',']) => {
            Err(malformed(&format!(".{field}"), "has a colon or comma".into()))
        }
        Some(text) => Ok(text.to_owned()),
        None => {
            Err(malformed(&format!(".{field}"), "is not there, or no text; a token has all three".into()))
        }
    };
    Ok(TOKEN_FIELDS.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.join(":"))
}

/// Paths in the form in which one variable holds several, as `PATH` does.
fn path_list(called: &str, paths: &[impl AsRef<OsStr>]) -> Result<String, SettingsError> {
    let malformed =
        |problem: &str| SettingsError::Malformed { name: called.to_owned(), problem: problem.to_owned() };
    let joined = std::env::join_paths(paths).map_err(|_| malformed("has a path with a colon in it"))?;
    joined.into_string().map_err(|_| malformed("is not UTF-8"))
}

fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_ascii_uppercase())
}
