//! The members of one group, all of them online, and who speaks to them: the engine, and a program that only writes.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tests::process::Server;

use crate::{
    audit::{Audit, user},
    line::Line,
    marker,
    report::{Costs, Figure},
    sender::Sender,
    serve,
    swarm::Swarm,
};

/// How many hear how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) members: usize,
    /// Messages in each run.
    pub(crate) messages: usize,
    /// Messages in one write.
    pub(crate) per_write: usize,
    /// Messages per second; 0: as fast as they are delivered.
    pub(crate) rate: u64,
    /// Bytes of text in each message.
    pub(crate) text: usize,
}

/// Makes the group. Nobody is online yet, so nothing is pushed.
pub(crate) fn set_up(server: &Server, members: usize) -> io::Result<String> {
    let mut line = Line::open(server.address, "sender", "setup")?;
    let create = json!({"client_id": "create", "name": "all", "joining": "invited"});
    let view = line.call("conversation.create", &create)?;
    let group = view["conversation"].as_str().unwrap_or_default().to_owned();
    let users: Vec<_> = (0..members).map(user).collect();
    for (place, users) in users.chunks(500).enumerate() {
        let add =
            json!({"conversation": group, "client_id": format!("add{place}"), "users": users});
        line.call("group.add", &add)?;
    }
    Ok(group)
}

/// The raw writes.
pub(crate) struct Control {
    pub(crate) audit: Audit,
    command: BufReader<TcpStream>,
    frame: Vec<u8>,
    sent: usize,
    server: Server,
    shape: Shape,
    swarm: Swarm,
}

impl Control {
    /// Connects the members. `payload` is what is written to them, `runs` how often.
    pub(crate) fn open(shape: Shape, payload: &[u8], runs: usize) -> io::Result<Self> {
        let server = serve::start(&["raw", "fanout"])?;
        let command = BufReader::new(TcpStream::connect(server.address)?);
        // As a server frames it.
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        frame.extend_from_slice(payload);
        let mut control = Self {
            audit: Audit::new(shape.members, shape.messages * runs, false),
            command,
            frame,
            sent: 0,
            swarm: Swarm::new(server.address, false)?,
            server,
            shape,
        };
        writeln!(control.command.get_mut(), "open {}", shape.members)?;
        control
            .swarm
            .connect_all(shape.members, &mut control.audit)?;
        control.command.read_line(&mut String::new())?;
        Ok(control)
    }

    pub(crate) fn run(&mut self) -> io::Result<Figure> {
        let Shape {
            members, messages, ..
        } = self.shape;
        let costs = Costs::begin(Some(&self.server));
        self.audit.latency.reset();
        let (from, to) = (self.sent, self.sent + messages);
        self.sent = to;
        let begin = Instant::now();
        let mut command = self.command.get_ref().try_clone()?;
        let (shape, frame, clock) = (self.shape, &self.frame, Arc::clone(&self.audit.clock));
        let schedule = Schedule::new(shape, from, begin);
        let (end, commands) = thread::scope(|scope| {
            let commanding = scope.spawn(move || {
                let mut write = |first, count| {
                    let (each, length) = (shape.per_write, frame.len());
                    let line = format!("write {first} {count} {each} {length}\n");
                    command.write_all(&[line.as_bytes(), frame].concat())
                };
                if shape.rate == 0 {
                    write(from, messages)?;
                    return Ok(1);
                }
                for number in from..to {
                    clock.set(number, clock.at(schedule.wait(number)));
                    write(number, 1)?;
                }
                Ok(messages)
            });
            let count = (to * members) as u64;
            let end = self.audit.read(&mut self.swarm, count, &AtomicU64::new(0));
            let commands: io::Result<usize> = commanding
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            Ok::<_, io::Error>((end?, commands?))
        })?;
        for _ in 0..commands {
            self.command.read_line(&mut String::new())?;
        }
        let count = (messages * members) as u64;
        Ok(Figure {
            rate: count as f64 / (end - begin).as_secs_f64(),
            note: costs.end(Some(&self.server), count),
        })
    }
}

/// The system under test.
pub(crate) struct Ours {
    pub(crate) audit: Audit,
    /// Messages that came with one read, in the last run.
    pub(crate) per_read: f64,
    sender: Sender,
    sent: usize,
    server: Server,
    shape: Shape,
    swarm: Swarm,
}

impl Ours {
    /// Opens the members' sessions, for so many runs.
    pub(crate) fn open(server: Server, group: &str, shape: Shape, runs: usize) -> io::Result<Self> {
        let mut swarm = Swarm::new(server.address, true)?;
        let mut audit = Audit::new(shape.members, shape.messages * runs, true);
        swarm.open(shape.members, 64, &mut audit)?;
        Ok(Self {
            audit,
            per_read: 1.0,
            sender: Sender::open(server.address, "sender", group)?,
            sent: 0,
            server,
            shape,
            swarm,
        })
    }

    pub(crate) fn run(&mut self) -> io::Result<Figure> {
        let Shape {
            members, messages, ..
        } = self.shape;
        let costs = Costs::begin(Some(&self.server));
        self.audit.latency.reset();
        let (from, to) = (self.sent, self.sent + messages);
        self.sent = to;
        let arrived = AtomicU64::new((from * members) as u64);
        let (begin, reads) = (Instant::now(), self.swarm.reads);
        let schedule = Schedule::new(self.shape, from, begin);
        let (sender, text, clock) = (
            &mut self.sender,
            self.shape.text,
            Arc::clone(&self.audit.clock),
        );
        let end = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                for number in from..to {
                    schedule.wait_for_room(number, || {
                        arrived.load(Ordering::Relaxed) as usize / members
                    });
                    clock.set(number, clock.at(schedule.wait(number)));
                    sender.send(&marker::text(number as u64, text))?;
                }
                Ok::<(), io::Error>(())
            });
            let end = self
                .audit
                .read(&mut self.swarm, (to * members) as u64, &arrived);
            // After a loss nobody may wait for what will not come.
            arrived.store(u64::MAX, Ordering::Relaxed);
            sending
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
            end
        })?;
        self.sender.wait_for_all()?;
        let count = (messages * members) as u64;
        self.per_read = count as f64 / (self.swarm.reads - reads).max(1) as f64;
        Ok(Figure {
            rate: count as f64 / (end - begin).as_secs_f64(),
            note: format!(
                "{}; {:.1} per read",
                costs.end(Some(&self.server), count),
                self.per_read
            ),
        })
    }
}

/// When the messages of a run go.
#[derive(Clone, Copy)]
struct Schedule {
    begin: Instant,
    /// The number of the first message.
    from: usize,
    /// Messages per second; 0: when there is room in the window.
    rate: u64,
    /// Messages on their way.
    window: usize,
}

impl Schedule {
    fn new(shape: Shape, from: usize, begin: Instant) -> Self {
        let window = match shape.per_write {
            0 | 1 => 2,
            per_write => 3 * per_write,
        };
        Self {
            begin,
            from,
            rate: shape.rate,
            window,
        }
    }

    /// Waits until a message is due, and says since when it is.
    fn wait(self, number: usize) -> Instant {
        if self.rate == 0 {
            return Instant::now();
        }
        let span = Duration::from_secs_f64((number - self.from) as f64 / self.rate as f64);
        let due = self.begin + span;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due
    }

    /// Without a rate: waits until few enough are on their way.
    fn wait_for_room(self, number: usize, delivered: impl Fn() -> usize) {
        let begin = Instant::now();
        // Whoever reads says when something is lost.
        while self.rate == 0
            && number >= delivered().saturating_add(self.window)
            && begin.elapsed() < Duration::from_secs(30)
        {
            thread::sleep(Duration::from_micros(50));
        }
    }
}
