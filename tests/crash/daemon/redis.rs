//! A Redis that keeps nothing.

use std::{io, path::Path, time::Instant};

use rustix::process::Signal;
use tests::process::free_port;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Duration, sleep, timeout},
};

use super::{Daemon, PATIENCE, program};
use crate::scenario::Failure;

/// How long an answer may take before another connection asks.
const ANSWER: Duration = Duration::from_millis(200);

pub(crate) struct Redis {
    daemon: Daemon,
    port: u16,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub(crate) async fn open(folder: &Path) -> Result<Self, Failure> {
        let program = program::find("redis-server").ok_or_else(|| Failure::missing("Redis"))?;
        let port = free_port()?;
        let runner = program::Runner::new("redis")?;
        let data = folder.join("redis");
        runner.folder(&data)?;
        let (port_text, data) = (port.to_string(), data.display().to_string());
        let arguments = [
            ["--bind", "127.0.0.1"],
            ["--port", &port_text],
            ["--dir", &data],
            ["--save", ""],
            ["--appendonly", "no"],
        ];
        let command = runner.command(&program, arguments.as_flattened());
        let mut redis = Self {
            daemon: Daemon::new(command, folder.join("redis.log")),
            port,
        };
        redis.start().await?;
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, empty, and waits until it answers.
    pub(crate) async fn start(&mut self) -> io::Result<()> {
        self.daemon.start()?;
        self.answered().await
    }

    pub(crate) async fn kill(&mut self) -> io::Result<()> {
        self.daemon.kill().await
    }

    /// Makes it say nothing, with its connections open.
    pub(crate) fn pause(&self) -> io::Result<()> {
        self.daemon.signal(Signal::STOP)
    }

    /// Lets it go on, and waits until it answers.
    pub(crate) async fn resume(&mut self) -> io::Result<()> {
        self.daemon.signal(Signal::CONT)?;
        self.answered().await
    }

    async fn answered(&mut self) -> io::Result<()> {
        let began = Instant::now();
        loop {
            self.daemon.is_running()?;
            if let Ok(Ok(answer)) = timeout(ANSWER, self.ping()).await
                && &answer == b"+PONG"
            {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(io::Error::other("the Redis does not answer"));
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    async fn ping(&self) -> io::Result<[u8; 5]> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}
