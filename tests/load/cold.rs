//! P17: how long `im-server` takes from its start to the first "ready", with many messages in its SQLite file, and how much
//! memory it has then; and the same after it was killed while people talked. The control is a process that opens the same
//! file, reads a row, and answers. The files are in the system's cache: this is about programs, not about the disk.

use std::{
    env,
    fs::Permissions,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tests::process::Server;

use crate::{
    durable::{Durable, runtime},
    line::Line,
    report::{median, print_voids},
    sender::Sender,
    stage::{Stage, command},
};

/// A cold start.
#[derive(Args, Clone, Debug)]
pub(crate) struct Cold {
    /// Messages that are stored, sent by the engine
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Conversations that they are spread over
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Messages that are sent before the server is killed
    #[arg(long, default_value_t = 2_000)]
    said: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl Cold {
    pub(crate) fn run(&self) -> io::Result<()> {
        let ours_alone = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(ours_alone).tempdir()?;
        let file = folder.path().join("im.db");
        let filling = Durable::of(self.conversations, self.messages);
        runtime()?.block_on(filling.ours(&file))?;
        let mut stage = Stage::start(folder.path(), self.pairs + 1)?;
        stage.server.stop()?;
        println!(
            "## P17 cold start, {} messages stored in {} MiB (goal: 50 ms, 12 MiB; after kill -9 1 s)",
            self.messages,
            file.metadata()?.len() >> 20
        );
        println!(
            "system under test: im-server; control: a process that opens the file and reads a row"
        );
        let mut measured = Measured::default();
        for pair in 1..=self.pairs {
            let control = raw(&file)?;
            println!("{pair:>2} control: {control}");
            let ours = started(folder.path())?;
            println!("{pair:>2} ours   : {ours}");
            let killed = self.killed(folder.path(), &stage.tokens[0], pair)?;
            println!("{pair:>2} killed : {killed}");
            measured.add(&control, &ours, &killed);
        }
        measured.print();
        Ok(())
    }

    /// A start after people talked and the server was killed. What was acknowledged is there.
    fn killed(&self, folder: &Path, token: &str, pair: usize) -> io::Result<Start> {
        let mut server = Server::start(&mut command(folder))?;
        let conversation = Line::open(server.address, token, "d")?.direct(&format!("u{pair}"))?;
        let mut sender = Sender::open(server.address, token, &conversation)?;
        for number in 0..self.said {
            sender.send(&format!("number {number}"))?;
        }
        sender.wait_for_all()?;
        server.kill()?;
        let (mut server, start) = Start::of(&mut command(folder))?;
        let mut line = Line::open(server.address, token, "d")?;
        let view = line.call("conversation.get", &json!({"conversation": conversation}))?;
        if view["head"]["ordinal"] != self.said {
            let (said, head) = (self.said, &view["head"]);
            return Err(io::Error::other(format!("LOSS: {said} acks, and {head}")));
        }
        server.stop()?;
        Ok(start)
    }
}

/// A start after an end in good order.
fn started(folder: &Path) -> io::Result<Start> {
    let (mut server, start) = Start::of(&mut command(folder))?;
    server.stop()?;
    Ok(start)
}

fn raw(file: &Path) -> io::Result<Start> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["raw", "ready", "--file"]).arg(file);
    let (mut server, start) = Start::of(&mut command)?;
    server.wait()?;
    Ok(start)
}

/// How a start went.
struct Start {
    span: Duration,
    rss_bytes: u64,
}

impl Start {
    /// From the call that starts the process to its first answer.
    fn of(command: &mut Command) -> io::Result<(Server, Self)> {
        let begin = Instant::now();
        let server = Server::start(command)?;
        loop {
            if let Some(_stream) = ask(server.address)? {
                let span = begin.elapsed();
                let rss_bytes = server.usage().rss_bytes;
                return Ok((server, Self { span, rss_bytes }));
            }
            if begin.elapsed() > PATIENCE {
                return Err(io::Error::other("it is not ready"));
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn millis(&self) -> f64 {
        self.span.as_secs_f64() * 1e3
    }

    fn mebibytes(&self) -> f64 {
        self.rss_bytes as f64 / f64::from(1 << 20)
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (millis, mebibytes) = (self.millis(), self.mebibytes());
        write!(f, "ready in {millis:.1} ms with {mebibytes:.1} MiB")
    }
}

/// The connection on which a server said that it is ready.
fn ask(address: SocketAddr) -> io::Result<Option<TcpStream>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok((&status == b"HTTP/1.1 200").then_some(stream))
}

#[derive(Default)]
struct Measured {
    control: Vec<f64>,
    ours: Vec<f64>,
    killed: Vec<f64>,
    mebibytes: Vec<f64>,
}

impl Measured {
    fn add(&mut self, control: &Start, ours: &Start, killed: &Start) {
        self.control.push(control.millis());
        self.ours.push(ours.millis());
        self.killed.push(killed.millis());
        self.mebibytes.push(ours.mebibytes());
    }

    fn print(&self) {
        let (ours, killed) = (median(&self.ours), median(&self.killed));
        let mebibytes = median(&self.mebibytes);
        let word = |reached| if reached { "reached" } else { "missed" };
        println!(
            "=> P17 ready in {ours:.1} ms (goal of 50 {}), control {:.1} ms; {mebibytes:.1} MiB (goal of 12 {}); \
             after kill -9 {killed:.1} ms (goal of 1,000 {})",
            word(ours <= 50.0),
            median(&self.control),
            word(mebibytes <= 12.0),
            word(killed <= 1_000.0)
        );
        print_voids(&self.control);
    }
}
