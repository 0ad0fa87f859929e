//! The second half of P16: how many letters one node sends to another over Redis. The control publishes as many bytes in as
//! large batches over a socket, and reads them from another.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use im_core::{
    NODE_PROTOCOL, NodeId,
    port::{Address, Bus as _, Ear},
};
use im_store::{Redis, RedisOptions};
use tokio::runtime::Runtime;

use crate::{
    durable::runtime,
    marker,
    report::{Costs, Figure, Pairs, Side},
};

/// What is sent.
pub(crate) struct Letters {
    pub(crate) bytes: usize,
    pub(crate) letters: u64,
    pub(crate) redis: String,
}

/// Letters on their way: half of what the bus lets wait.
const WINDOW: u64 = 32_768;
/// Letters that the control publishes at once: as many as the bus.
const BATCH: u64 = 1_024;
/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// What arrived.
#[derive(Default)]
struct Heard {
    count: AtomicU64,
    /// Whether something was missing, doubled or out of order.
    is_wrong: AtomicBool,
}

impl Heard {
    fn take(&self, letter: &[u8]) {
        let position = marker::position(letter);
        let number = position.and_then(|position| marker::read(letter, position));
        let expected = self.count.fetch_add(1, Ordering::Relaxed);
        if number != Some(expected) {
            self.is_wrong.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until so many have arrived.
    fn wait(&self, letters: u64) -> io::Result<()> {
        let mut progress = (self.count.load(Ordering::Relaxed), Instant::now());
        while progress.0 < letters {
            let stalled = progress.1.elapsed() > PATIENCE;
            if stalled || self.is_wrong.load(Ordering::Relaxed) {
                let detail = format!("LOSS: {} of {letters} letters, or not in order", progress.0);
                return Err(io::Error::other(detail));
            }
            thread::sleep(Duration::from_micros(50));
            let count = self.count.load(Ordering::Relaxed);
            if count > progress.0 {
                progress = (count, Instant::now());
            }
        }
        Ok(())
    }
}

impl Ear for Heard {
    fn hear(&self, bytes: Bytes) {
        self.take(&bytes);
    }

    fn missed(&self) {
        self.is_wrong.store(true, Ordering::Relaxed);
    }
}

impl Letters {
    pub(crate) fn run(&self, pairs: usize) -> io::Result<()> {
        let runtime = runtime()?;
        let what = format!("P16 letters of {} bytes", self.bytes);
        Pairs::run(&what, "0.50", pairs, |side| match side {
            Side::Control => self.control(),
            Side::Ours => self.ours(&runtime),
        })
        .map(drop)
    }

    fn ours(&self, runtime: &Runtime) -> io::Result<Figure> {
        let node = || NodeId::from_uuid(uuid::Uuid::new_v4());
        let (from, to) = (node(), node());
        let heard = Arc::new(Heard::default());
        let prefix = format!("load-{}", uuid::Uuid::new_v4().simple());
        let open = || {
            let options = RedisOptions::new("load", NODE_PROTOCOL).prefix(prefix.clone());
            let opened = runtime.block_on(Redis::open(&self.redis, options));
            opened.map_err(io::Error::other)
        };
        let (here, there) = (open()?, open()?);
        let joining = runtime.block_on(there.join(to, heard.clone()));
        joining.map_err(io::Error::other)?;
        let figure = self.send(&heard, |numbers| {
            for number in numbers {
                here.send(Address::Node(to), self.letter(number).into());
            }
            Ok(())
        })?;
        runtime.block_on(here.leave(from));
        runtime.block_on(there.leave(to));
        if here.condition().lost > 0 {
            return Err(io::Error::other(format!(
                "LOSS: {} letters",
                here.condition().lost
            )));
        }
        Ok(figure)
    }

    fn control(&self) -> io::Result<Figure> {
        let channel = format!("load-{}", uuid::Uuid::new_v4().simple());
        let heard = Arc::new(Heard::default());
        let mut subscriber = self.connect()?;
        write!(subscriber, "SUBSCRIBE {channel}\r\n")?;
        // The confirmation: the letters are told from it by where they are.
        subscriber.read_exact(&mut vec![0; confirmation(&channel)])?;
        // What is around a letter is always as long.
        let push = format!(
            "*3\r\n$7\r\nmessage\r\n${}\r\n{channel}\r\n${}\r\n",
            channel.len(),
            self.bytes
        );
        let (head, whole) = (push.len(), push.len() + self.bytes + 2);
        let mut reading = subscriber.try_clone()?;
        let hearing = heard.clone();
        thread::spawn(move || {
            let (mut chunk, mut held) = (vec![0; 256 * 1024], Vec::new());
            while let Ok(length @ 1..) = reading.read(&mut chunk) {
                held.extend_from_slice(&chunk[..length]);
                let used = held.len() / whole * whole;
                for push in held[..used].chunks_exact(whole) {
                    hearing.take(&push[head..whole - 2]);
                }
                held.drain(..used);
            }
        });
        let mut publisher = self.connect()?;
        let command = format!(
            "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${}\r\n",
            channel.len(),
            self.bytes
        );
        let mut batch = Vec::new();
        let figure = self.send(&heard, |numbers| {
            let count = numbers.end - numbers.start;
            batch.clear();
            for number in numbers {
                batch.extend_from_slice(command.as_bytes());
                batch.extend_from_slice(&self.letter(number));
                batch.extend_from_slice(b"\r\n");
            }
            publisher.write_all(&batch)?;
            // `:1` for each: one has heard it.
            let mut answers = vec![0; 4 * count as usize];
            publisher.read_exact(&mut answers)?;
            if answers.chunks_exact(4).all(|answer| answer == b":1\r\n") {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&answers[..64.min(answers.len())]).into_owned();
            Err(io::Error::other(format!("LOSS: Redis answers {text}")))
        });
        subscriber.shutdown(std::net::Shutdown::Both)?;
        figure
    }

    /// Has letters sent, as many at a time as there is room, until all have arrived.
    fn send(
        &self,
        heard: &Heard,
        mut send: impl FnMut(std::ops::Range<u64>) -> io::Result<()>,
    ) -> io::Result<Figure> {
        let (costs, begin) = (Costs::begin(None), Instant::now());
        let mut sent = 0;
        while sent < self.letters {
            let count = BATCH.min(self.letters - sent);
            heard.wait((sent + count).saturating_sub(WINDOW))?;
            send(sent..sent + count)?;
            sent += count;
        }
        heard.wait(self.letters)?;
        Ok(Figure {
            rate: self.letters as f64 / begin.elapsed().as_secs_f64(),
            note: format!("{}, of both ends", costs.end(None, self.letters)),
        })
    }

    fn letter(&self, number: u64) -> Vec<u8> {
        marker::text(number, self.bytes).into_bytes()
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let plain = self.redis.strip_prefix("redis://").unwrap_or(&self.redis);
        let place = plain.split('/').next().unwrap_or_default();
        let address = place.to_socket_addrs()?.next();
        let stream = TcpStream::connect(address.ok_or(io::ErrorKind::NotFound)?)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Bytes of the answer to SUBSCRIBE.
fn confirmation(channel: &str) -> usize {
    let length = channel.len();
    format!("*3\r\n$9\r\nsubscribe\r\n${length}\r\n{channel}\r\n:1\r\n").len()
}
