//! Running the binary in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_tubeatlas");

/// The sample archive of the project.
pub(crate) fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/archive")
}

/// Numbers drawn from a seed, which is what is drawn from next.
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    /// The next one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A folder in which the binary runs, with an environment without settings.
pub(crate) struct Sandbox {
    pub(crate) folder: TempDir,
}

/// What a run of the binary came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The last line of JSON: the result, behind the events of what takes long.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.stdout.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error} in {:?}; stderr: {}", self.stdout, self.stderr))
    }

    /// The same, after it was checked that the run ended with `code`.
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(BINARY), arguments)
    }

    /// The same of a binary that lies elsewhere.
    pub(crate) fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TUBEATLAS_") {
                command.env_remove(name);
            }
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().expect("the binary starts").into()
    }

    /// Runs it with `--format json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Run {
        self.run(&[arguments, &["--format", "json"]].concat())
    }

    /// Imports the sample archive.
    pub(crate) fn import_samples(&self) -> Value {
        // One file of the samples is broken on purpose, hence 1.
        self.json(&["import", samples().to_str().unwrap()]).ended_with(1).json()
    }

    /// All that the catalogue holds, with revisions and times, in one text.
    pub(crate) fn contents(&self) -> String {
        self.contents_of(&["channels", "videos", "transcripts", "media", "playlists", "sources"])
    }

    /// The same of these nouns.
    pub(crate) fn contents_of(&self, nouns: &[&str]) -> String {
        let mut text = String::new();
        for noun in nouns {
            let list = self.json(&[noun, "list", "--limit", "1000"]).ended_with(0).json();
            assert!(list["next_cursor"].is_null(), "one page holds it all");
            text += &list.to_string();
        }
        text
    }
}
