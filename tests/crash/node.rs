//! A server of ours: what it is started with, and its process, which comes and goes.

use std::{
    fs::{File, OpenOptions},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use tests::process::{Server, im_server};
use tokio::task::spawn_blocking;

/// A server, running or not.
pub(crate) struct Node {
    /// Where it listens. With port 0: where it listened last.
    pub(crate) address: SocketAddr,
    data: PathBuf,
    log: PathBuf,
    listen: SocketAddr,
    settings: Vec<(&'static str, String)>,
    server: Option<Server>,
}

impl Node {
    /// One whose data is `data` in a folder, and that has not been started.
    pub(crate) fn new(folder: &Path, data: &str, listen: SocketAddr) -> Self {
        let settings = [
            ("IM_LIMITS_SENDS_PER_SECOND", "0"),
            ("IM_LIMITS_REQUESTS_PER_SECOND", "0"),
        ];
        let settings = settings.map(|(name, value)| (name, value.to_owned()));
        Self {
            address: listen,
            data: folder.join(data),
            log: folder.join("server.log"),
            listen,
            settings: settings.into(),
            server: None,
        }
    }

    /// Has a variable in its environment from its next start on.
    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.settings.retain(|(name, _)| *name != variable);
        self.settings.push((variable, value.to_owned()));
    }

    /// Starts it, and returns when it listens. Others are not held up meanwhile.
    pub(crate) async fn start(&mut self) -> io::Result<()> {
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = self.command();
        command
            .args(["--listen", &self.listen.to_string(), "--log", "warn"])
            .stderr(log);
        let started = spawn_blocking(move || Server::start(&mut command));
        let server = started.await.map_err(io::Error::other)??;
        self.address = server.address;
        self.server = Some(server);
        Ok(())
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        match self.server.take() {
            Some(mut server) => server.kill(),
            None => Ok(()),
        }
    }

    /// Asks it to end, and waits until it has. Others are not held up meanwhile.
    pub(crate) async fn stop(&mut self) -> io::Result<ExitStatus> {
        let Some(mut server) = self.server.take() else {
            return Err(io::Error::other("it is not running"));
        };
        let stopped = spawn_blocking(move || server.stop());
        stopped.await.map_err(io::Error::other)?
    }

    /// Makes a key for back ends.
    pub(crate) fn create_key(&self) -> io::Result<String> {
        let output = self.command().args(["key", "create", "crash"]).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let key = printed
            .split_whitespace()
            .find(|word| word.starts_with("imk_"));
        let failed = || {
            io::Error::other(format!(
                "no key: {printed} {}",
                String::from_utf8_lossy(&output.stderr)
            ))
        };
        key.map(str::to_owned).ok_or_else(failed)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(im_server());
        command
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}
