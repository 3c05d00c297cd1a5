//! Where the programs of Postgres lie, and as whom they are run.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Debian keeps each version in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user and group that nobody is, if there is no user `postgres`.
const NOBODY: (u32, u32) = (65_534, 65_534);

/// The programs of one version.
pub(crate) struct Programs {
    folder: PathBuf,
    /// As whom they are run; `None` as whoever runs the tests. Postgres refuses to run as root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// The newest of those that are installed.
    pub(crate) fn find() -> Result<Self, String> {
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let folder = newest_of_debian()
            .into_iter()
            .chain(std::env::split_paths(&on_path))
            .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()));
        let folder = folder.ok_or_else(|| {
            format!(
                "there is no Postgres for the tests, neither in {DEBIAN}/*/bin nor on the PATH: install it \
                 (Debian and Ubuntu: apt-get install postgresql; its own server need not run)"
            )
        })?;
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
        Ok(Self { folder, user: is_root.then(user_of_postgres) })
    }

    /// Gives a folder to the user that the programs are run as.
    pub(crate) fn give(&self, folder: &Path) -> Result<(), String> {
        let Some((user, group)) = self.user else { return Ok(()) };
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .map_err(|error| format!("{} cannot be given to user {user}: {error}", folder.display()))
    }

    /// A command of one of the programs.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = self.as_user(self.folder.join(name));
        command.stdin(Stdio::null());
        command
    }

    /// A command that is run as the same user.
    pub(crate) fn as_user(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env_remove("PGDATA").env_remove("PGHOST").env_remove("PGPORT");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// The path of a program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?.filter_map(|entry| {
        let version: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Some((version, Path::new(DEBIAN).join(version.to_string()).join("bin")))
    });
    versions.max().map(|(_, folder)| folder)
}

/// The ids of the user `postgres`, or of nobody.
fn user_of_postgres() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("postgres")).then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        Some((user, fields.next()?.parse().ok()?))
    });
    ids.unwrap_or(NOBODY)
}
