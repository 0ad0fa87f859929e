//! A Redis of a story's own, that may be killed and emptied.

use std::{
    env,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A server that keeps nothing. It is killed when this is dropped.
pub(crate) struct RedisServer {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one; `None`, said aloud, where the environment names no Redis and does not insist on one.
    pub(crate) fn start() -> Option<Self> {
        if env::var("IM_TEST_REDIS_URL").is_err() {
            let required = env::var("IM_TEST_REQUIRE_SERVERS").is_ok_and(|it| it == "1");
            assert!(!required, "IM_TEST_REDIS_URL is not set");
            eprintln!("SKIPPED: IM_TEST_REDIS_URL is not set; ./tests/run sets it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = serve(port, &folder) {
                let child = Some(child);
                return Some(Self {
                    child,
                    port,
                    folder,
                });
            }
        }
        panic!("redis-server does not start; is it installed?");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it where it was.
    pub(crate) fn start_again(&mut self) {
        self.kill();
        self.child = serve(self.port, &self.folder);
        assert!(self.child.is_some(), "its port was taken");
    }

    /// Makes it forget everything.
    pub(crate) async fn flush(&self) {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(b"FLUSHALL\r\n").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server and waits until it is ready; `None` when it ends before.
fn serve(port: u16, folder: &TempDir) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_ready = log.any(|line| line.is_ok_and(|it| it.contains("Ready to accept connections")));
    if !is_ready {
        child.wait().unwrap();
        return None;
    }
    // What it says later is read too: a full pipe would stop it.
    thread::spawn(move || log.for_each(drop));
    Some(child)
}

/// Below the ports that outgoing connections take.
fn free_port() -> u16 {
    loop {
        let port = 20_000 + (uuid::Uuid::new_v4().as_u128() % 10_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
