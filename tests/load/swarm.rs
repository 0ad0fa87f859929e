//! Many connections on one thread, as cheap as the system lets them be: epoll, one buffer for all, frames cut but not
//! parsed. The same for the control and for the server under test.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use socket2::{Domain, Protocol, Socket, Type};
use tests::frames::{self, Frame, Splitter, TEXT};

use crate::audit::user;

/// What connections do.
pub(crate) trait Script {
    /// The first bytes of a connection: by default each is of a user of its own.
    fn hello(&mut self, peer: usize) -> Vec<u8> {
        frames::upgrade("/v1/ws", &user(peer)).into_bytes()
    }

    /// What to send after the answer to an upgrade: by default it opens a session, by a request with the id 0.
    fn upgraded(&mut self, _peer: usize, out: &mut Vec<u8>) {
        let open = br#"{"jsonrpc":"2.0","id":0,"method":"session.open","params":{"device":"d"}}"#;
        frames::append(TEXT, open, out);
    }

    /// A connection has something to read.
    fn wakes(&mut self) {}

    /// Takes a frame; bytes put into `out` are sent. Says whether the connection is where it should be.
    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step;
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Nothing in particular.
    On,
    /// It is complete: another may begin.
    Done,
}

/// Bytes that a narrow connection receives without reading: about as little as the system lets one have.
const NARROW: usize = 4 * 1024;

/// The connections and their reader.
pub(crate) struct Swarm {
    address: SocketAddr,
    chunk: Box<[u8]>,
    events: Events,
    /// Whether peers begin with an HTTP upgrade.
    upgrades: bool,
    pub(crate) lost: usize,
    /// How many of the first connections have little room for what they do not read.
    pub(crate) narrow: usize,
    peers: Vec<Peer>,
    poll: Poll,
    /// Read calls that brought something.
    pub(crate) reads: u64,
    /// Where another thread may write, when that was asked for.
    writers: Option<Vec<std::net::TcpStream>>,
}

struct Peer {
    is_done: bool,
    splitter: Splitter,
    /// The head of the answer to an upgrade, until it is complete.
    head: Option<Vec<u8>>,
    stream: Option<TcpStream>,
}

impl Swarm {
    pub(crate) fn new(address: SocketAddr, upgrades: bool) -> io::Result<Self> {
        Ok(Self {
            address,
            chunk: vec![0; 256 * 1024].into(),
            events: Events::with_capacity(1_024),
            upgrades,
            lost: 0,
            narrow: 0,
            peers: Vec::new(),
            poll: Poll::new()?,
            reads: 0,
            writers: None,
        })
    }

    /// Keeps a second handle of each connection that is opened from now on, for a thread that writes on a schedule:
    /// waiting for events is only exact to a millisecond.
    pub(crate) fn keep_writers(&mut self) {
        self.writers = Some(Vec::new());
    }

    /// The handles that were kept, by place.
    pub(crate) fn take_writers(&mut self) -> Vec<std::net::TcpStream> {
        self.writers.take().unwrap_or_default()
    }

    /// Opens connections until there are `count`, at most `in_flight` of them incomplete at a time.
    pub(crate) fn open(
        &mut self,
        count: usize,
        in_flight: usize,
        script: &mut impl Script,
    ) -> io::Result<()> {
        let mut open = 0;
        let mut progress = Instant::now();
        loop {
            while self.peers.len() < count && open < in_flight {
                self.connect(script)?;
                open += 1;
            }
            if open == 0 {
                return Ok(());
            }
            let done = self.turn(Duration::from_millis(100), script)?;
            open -= done.min(open);
            if done > 0 {
                progress = Instant::now();
            }
            if self.lost > 0 || progress.elapsed() > Duration::from_secs(15) {
                let detail = format!(
                    "{} of {count} connections are open, {} were lost",
                    self.peers.len(),
                    self.lost
                );
                return Err(io::Error::other(detail));
            }
        }
    }

    /// Opens connections that have nothing to say until they are spoken to.
    pub(crate) fn connect_all(&mut self, count: usize, script: &mut impl Script) -> io::Result<()> {
        while self.peers.len() < count {
            self.connect(script)?;
        }
        Ok(())
    }

    fn connect(&mut self, script: &mut impl Script) -> io::Result<()> {
        let peer = self.dial(self.peers.len(), script)?;
        self.peers.push(peer);
        Ok(())
    }

    /// Breaks a connection, as a network does.
    pub(crate) fn cut(&mut self, place: usize) {
        self.peers[place].stream = None;
    }

    /// Opens another connection instead of one that is gone.
    pub(crate) fn reopen(&mut self, place: usize, script: &mut impl Script) -> io::Result<()> {
        self.peers[place] = self.dial(place, script)?;
        Ok(())
    }

    fn dial(&mut self, place: usize, script: &mut impl Script) -> io::Result<Peer> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        // Each source address has its own ports: 15,000 connections for each of them. The first needs no search for one.
        if place >= 15_000 {
            let source = Ipv4Addr::new(127, 0, 1, (place / 15_000) as u8);
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        if place < self.narrow {
            socket.set_recv_buffer_size(NARROW)?;
        }
        // A reset when it is dropped: tens of thousands of ports in TIME_WAIT would be in the next run's way.
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_tcp_nodelay(true)?;
        socket.connect(&self.address.into())?;
        socket.set_nonblocking(true)?;
        if let Some(writers) = &mut self.writers {
            writers.push(socket.try_clone()?.into());
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll
            .registry()
            .register(&mut stream, Token(place), Interest::READABLE)?;
        stream.write_all(&script.hello(place))?;
        Ok(Peer {
            is_done: false,
            splitter: Splitter::default(),
            head: self.upgrades.then(Vec::new),
            stream: Some(stream),
        })
    }

    /// Reads nothing more from a connection, but for [`Swarm::sip`].
    pub(crate) fn hold(&mut self, place: usize) -> io::Result<()> {
        match &mut self.peers[place].stream {
            Some(stream) => self.poll.registry().deregister(stream),
            None => Ok(()),
        }
    }

    /// Reads once from a connection that is held, at most so many bytes.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing, and how the connection ended, when it did.
    pub(crate) fn sip(
        &mut self,
        place: usize,
        bytes: usize,
        script: &mut impl Script,
    ) -> io::Result<()> {
        let peer = &mut self.peers[place];
        script.wakes();
        let stream = peer.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let length = stream.read(&mut self.chunk[..bytes])?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut out = Vec::new();
        peer.take(place, &self.chunk[..length], script, &mut out)?;
        peer.answer(&out)
    }

    /// Reads what is there. Returns how many connections became complete.
    pub(crate) fn turn(&mut self, wait: Duration, script: &mut impl Script) -> io::Result<usize> {
        let mut done = 0;
        self.poll.poll(&mut self.events, Some(wait))?;
        for event in &self.events {
            let Token(place) = event.token();
            let peer = &mut self.peers[place];
            script.wakes();
            match peer.read(place, &mut self.chunk, script) {
                Ok(steps) => {
                    self.reads += steps.reads;
                    if steps.done && !std::mem::replace(&mut peer.is_done, true) {
                        done += 1;
                    }
                }
                Err(_) => {
                    peer.stream = None;
                    self.lost += 1;
                }
            }
        }
        Ok(done)
    }

    /// Sends to one connection.
    pub(crate) fn send(&mut self, place: usize, bytes: &[u8]) -> io::Result<()> {
        match &mut self.peers[place].stream {
            Some(stream) => stream.write_all(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

struct Steps {
    reads: u64,
    done: bool,
}

impl Peer {
    fn read(
        &mut self,
        place: usize,
        chunk: &mut [u8],
        script: &mut impl Script,
    ) -> io::Result<Steps> {
        let mut out = Vec::new();
        let mut steps = Steps {
            reads: 0,
            done: false,
        };
        while let Some(stream) = &mut self.stream {
            let length = match stream.read(chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            steps.reads += 1;
            steps.done |= self.take(place, &chunk[..length], script, &mut out)?;
            if length < chunk.len() {
                break;
            }
        }
        self.answer(&out)?;
        Ok(steps)
    }

    /// Cuts what was read. Says whether the connection is where it should be.
    fn take(
        &mut self,
        place: usize,
        bytes: &[u8],
        script: &mut impl Script,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let after_head;
        let mut framed = bytes;
        if let Some(head) = &mut self.head {
            head.extend_from_slice(bytes);
            let Some(end) = frames::head_length(head) else {
                return Ok(false);
            };
            if !head.starts_with(b"HTTP/1.1 101") {
                return Err(io::Error::other(String::from_utf8_lossy(head).into_owned()));
            }
            after_head = head.split_off(end);
            framed = &after_head;
            self.head = None;
            script.upgraded(place, out);
        }
        let mut is_done = false;
        self.splitter.feed(framed, |frame| {
            is_done |= script.frame(place, frame, out) == Step::Done;
        });
        Ok(is_done)
    }

    fn answer(&mut self, out: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) if !out.is_empty() => stream.write_all(out),
            _ => Ok(()),
        }
    }
}
