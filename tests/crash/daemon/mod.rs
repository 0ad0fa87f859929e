//! Servers of others that are ours to kill: PostgreSQL, MariaDB and Redis, each with a folder and a port of its own.

mod database;
mod program;
mod redis;

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

pub(crate) use self::{
    database::{Brand, Database},
    redis::Redis,
};

/// How long it may take until one of them answers, or is gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process and its children. It is killed when this is dropped, and by the kernel when we are.
struct Daemon {
    /// What starts it.
    command: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Daemon {
    fn new(command: Vec<String>, log: PathBuf) -> Self {
        Self {
            command,
            log,
            child: None,
        }
    }

    /// Starts it. Only from the main thread: the kernel ends it with the thread that started it.
    fn start(&mut self) -> io::Result<()> {
        let log: File = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.child = Some(command.spawn()?);
        Ok(())
    }

    /// Kills it and its children as a power failure would, and waits until they are gone.
    async fn kill(&mut self) -> io::Result<()> {
        let family = self.strike()?;
        let began = Instant::now();
        while family.iter().any(|pid| is_alive(*pid)) {
            if began.elapsed() > PATIENCE {
                return Err(io::Error::other(format!(
                    "{} does not go",
                    self.command.join(" ")
                )));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Kills it and its children; returns who they were.
    fn strike(&mut self) -> io::Result<Vec<Pid>> {
        let Some(mut child) = self.child.take() else {
            return Ok(Vec::new());
        };
        let parent = Pid::from_child(&child);
        // First of all it must not have further children.
        kill_process(parent, Signal::STOP)?;
        let children = children(parent);
        kill_process(parent, Signal::KILL)?;
        for pid in &children {
            // One that has gone meanwhile is none to kill.
            let _ = kill_process(*pid, Signal::KILL);
        }
        child.wait()?;
        Ok(children)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match &self.child {
            Some(child) => Ok(kill_process(Pid::from_child(child), signal)?),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Fails when it has ended by itself, with the end of its log.
    fn is_running(&mut self) -> io::Result<()> {
        let ended = match &mut self.child {
            Some(child) => child.try_wait()?,
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        let Some(status) = ended else {
            return Ok(());
        };
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(10)..].join("\n");
        Err(io::Error::other(format!(
            "{} ended with {status}:\n{end}",
            self.command.join(" ")
        )))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.strike();
    }
}

/// The children of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let ids = processes.filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent.as_raw_nonzero().get()))
        .filter_map(Pid::from_raw)
        .collect()
}

fn is_alive(pid: Pid) -> bool {
    stat(pid.as_raw_nonzero().get()).is_some_and(|(state, _)| !"ZX".contains(state))
}

/// State and parent of a process.
fn stat(id: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut words = after_name.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((state, words.next()?.parse().ok()?))
}
