//! Where programs of others are, and as whom they run.

use std::{
    env, fs, io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

/// A program: in the `PATH`, where Debian keeps what only root uses, or where it keeps one PostgreSQL for each version.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = versions
        .filter_map(|item| Some(item.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let mut found = folders.iter().map(|folder| folder.join(name));
    found.find(|path| path.is_file())
}

/// Whoever runs a server that refuses to run as root.
pub(super) struct Runner(Option<Ids>);

struct Ids {
    user: u32,
    group: u32,
}

impl Runner {
    /// Us; for root the user of the server's package, or nobody.
    pub(super) fn new(package: &str) -> io::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let ids = ids(package).or_else(|_| ids("nobody"))?;
        Ok(Self(Some(ids)))
    }

    /// Makes a folder that belongs to it.
    pub(super) fn folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)?;
        self.own(path)
    }

    /// Gives it a file.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.0 {
            Some(ids) => chown(path, Some(ids.user), Some(ids.group)),
            None => Ok(()),
        }
    }

    /// A command that it runs, and that ends with us.
    pub(super) fn command(&self, program: &Path, arguments: &[&str]) -> Vec<String> {
        let mut command = vec!["setpriv".to_owned(), "--pdeathsig=KILL".to_owned()];
        if let Some(Ids { user, group }) = &self.0 {
            command.push(format!("--reuid={user}"));
            command.push(format!("--regid={group}"));
            command.push("--clear-groups".to_owned());
        }
        command.push("--".to_owned());
        command.push(program.display().to_string());
        command.extend(arguments.iter().map(|&argument| argument.to_owned()));
        command
    }
}

fn ids(user: &str) -> io::Result<Ids> {
    let number = |option| {
        let output = Command::new("id").args([option, user]).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        printed.trim().parse().map_err(io::Error::other)
    };
    Ok(Ids {
        user: number("-u")?,
        group: number("-g")?,
    })
}

/// Runs a command to its end.
pub(super) fn run(command: &[String]) -> io::Result<()> {
    let output = Command::new(&command[0])
        .args(&command[1..])
        .env("LC_ALL", "C")
        .current_dir("/")
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{}: {} {}",
        command.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}
