//! The controls: the unavoidable part of the work and nothing else.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IoSlice, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use clap::{Args, ValueEnum};
use sqlx::Connection as _;
use tests::frames;

use crate::sql;

/// A program that does only what cannot be avoided.
#[derive(Args, Clone, Debug)]
pub(crate) struct Raw {
    what: What,
    /// For `relay`: where to append and sync, and how many bytes. For `ready`: the SQLite file
    #[arg(long)]
    file: Option<PathBuf>,
    #[arg(long, default_value_t = 0)]
    bytes: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Writes given bytes to all connections
    Fanout,
    /// Answers an HTTP upgrade, then sends back what it gets
    Echo,
    /// Appends to a file, syncs it, and passes bytes from the first connection to the second
    Relay,
    /// Opens an SQLite file, reads a row, and answers one HTTP request
    Ready,
}

impl Raw {
    pub(crate) fn run(&self) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        if let (What::Ready, Some(file)) = (self.what, &self.file) {
            return ready(&listener, file);
        }
        println!("listening on http://{}", listener.local_addr()?);
        match self.what {
            What::Fanout => fanout(&listener),
            What::Echo => echo(listener),
            What::Relay => relay(
                &listener,
                self.file.as_deref().map(File::create).transpose()?,
                self.bytes,
            ),
            What::Ready => Err(io::Error::other("--file is missing")),
        }
    }
}

/// The first connection commands: `open COUNT`, then `write FIRST COUNT EACH LENGTH` and LENGTH bytes: a frame whose
/// marker is counted up from FIRST, EACH of them in one system call.
fn fanout(listener: &TcpListener) -> io::Result<()> {
    let mut command = BufReader::new(listener.accept()?.0);
    let mut peers: Vec<TcpStream> = Vec::new();
    let mut line = String::new();
    while command.read_line(&mut line)? > 0 {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default().to_owned();
        let numbers: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
        line.clear();
        match (verb.as_str(), &numbers[..]) {
            ("open", &[count]) => {
                while peers.len() < count {
                    let peer = listener.accept()?.0;
                    peer.set_nodelay(true)?;
                    peers.push(peer);
                }
            }
            ("write", &[first, count, each, length]) => {
                let mut frame = vec![0; length];
                command.read_exact(&mut frame)?;
                write_all(&mut peers, &frame, first..first + count, each)?;
            }
            _ => return Err(io::Error::other(format!("what is {verb} {numbers:?}?"))),
        }
        command.get_mut().write_all(b"done\n")?;
    }
    Ok(())
}

fn write_all(
    peers: &mut [TcpStream],
    frame: &[u8],
    range: std::ops::Range<usize>,
    each: usize,
) -> io::Result<()> {
    let marker = crate::marker::position(frame).ok_or(io::ErrorKind::InvalidInput)?;
    let mut frames = vec![frame.to_vec(); each];
    let mut next = range.start;
    while next < range.end {
        let now = each.min(range.end - next);
        for (frame, number) in frames.iter_mut().zip(next..) {
            crate::marker::set(frame, marker, number as u64);
        }
        for peer in &mut *peers {
            if now == 1 {
                peer.write_all(&frames[0])?;
                continue;
            }
            let mut slices: Vec<_> = frames[..now]
                .iter()
                .map(|frame| IoSlice::new(frame))
                .collect();
            let mut slices = &mut slices[..];
            while !slices.is_empty() {
                let written = peer.write_vectored(slices)?;
                IoSlice::advance_slices(&mut slices, written);
            }
        }
        next += now;
    }
    Ok(())
}

/// Small enough for a thread to hold ten thousand connections with epoll; two threads as tokio would have.
fn echo(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let stream = listener.accept().await?.0;
            tokio::spawn(echo_one(stream));
        }
    })
}

async fn echo_one(stream: tokio::net::TcpStream) -> io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: im.v1.json\r\n\r\n";
    stream.set_nodelay(true)?;
    let mut is_open = false;
    loop {
        stream.readable().await?;
        // Only while there is something: an idle connection owns no buffer.
        let mut chunk = [0; 2_048];
        let length = match stream.try_read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if std::mem::replace(&mut is_open, true) {
            // A client's frame with a mask of zeroes, made a server's: 4 bytes shorter, and its bit taken away.
            let head = if chunk[1] & 0x7f == 126 { 4 } else { 2 };
            chunk[1] &= 0x7f;
            chunk.copy_within(head + 4..length, head);
            stream.try_write(&chunk[..length - 4])?;
        } else if frames::head_length(&chunk[..length]).is_some() {
            stream.try_write(ANSWER)?;
        }
    }
}

fn relay(listener: &TcpListener, mut file: Option<File>, bytes: usize) -> io::Result<()> {
    let (mut from, mut to) = (listener.accept()?.0, listener.accept()?.0);
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let page = vec![7; bytes];
    let passing = thread::spawn(move || -> io::Result<()> {
        let mut chunk = [0; 4_096];
        loop {
            let length = from.read(&mut chunk)?;
            if length == 0 {
                return Ok(());
            }
            if let Some(file) = &mut file {
                file.write_all(&page)?;
                file.sync_data()?;
            }
            to.write_all(&chunk[..length])?;
        }
    });
    passing
        .join()
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

fn ready(listener: &TcpListener, file: &Path) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut database = sql::open(file).await?;
        let row = sqlx::query("SELECT seq FROM entry LIMIT 1").fetch_one(&mut database);
        row.await.map_err(io::Error::other)?;
        println!("listening on http://{}", listener.local_addr()?);
        let mut stream = listener.accept()?.0;
        let mut head = Vec::new();
        while frames::head_length(&head).is_none() {
            let mut chunk = [0; 1_024];
            let length = stream.read(&mut chunk)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            head.extend_from_slice(&chunk[..length]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")?;
        // Whoever asked looks at this process before it hangs up, one way or another.
        let _ = stream.read(&mut [0]);
        database.close().await.map_err(io::Error::other)
    })
}
