//! P1 and P2: one group, all members online, every message to everybody.

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

use clap::Args;
use serde_json::json;
use tests::process::Server;

use crate::{
    audit::{Audit, user},
    line::Line,
    marker,
    report::{Costs, Figure, Pairs, Side, percentiles},
    sender::Sender,
    serve,
    swarm::Swarm,
};

/// Fan-out to the members of one group.
#[derive(Args, Clone, Debug)]
pub(crate) struct Fanout {
    /// Members that are online
    #[arg(long)]
    members: Option<usize>,
    /// Messages in each run
    #[arg(long)]
    messages: Option<usize>,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Messages in one write of the control, and about as many in one of ours
    #[arg(long)]
    per_write: Option<usize>,
    /// How long a delivery may wait for others
    #[arg(long)]
    coalesce_ms: Option<u64>,
    /// Messages per second, on a fixed schedule; 0: as fast as they are delivered
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
}

impl Fanout {
    pub(crate) fn p1(&self) -> io::Result<()> {
        let members: &[usize] = match self.members {
            Some(members) => &[members],
            None => &[5_000, 1_000],
        };
        for members in members {
            let messages = self.messages.unwrap_or(250_000 / members.max(&1));
            let what = format!("P1 fan-out to {members} members, one write each");
            self.run(
                &what,
                "0.90",
                Shape {
                    members: *members,
                    messages,
                    per_write: self.per_write.unwrap_or(1),
                },
            )?;
        }
        Ok(())
    }

    pub(crate) fn p2(&self) -> io::Result<()> {
        let members = self.members.unwrap_or(1_000);
        let messages = self.messages.unwrap_or(3_200);
        let per_write = self.per_write.unwrap_or(32);
        let what = format!("P2 fan-out to {members} members, {per_write} messages in one write");
        self.run(
            &what,
            "1,000,000/s and 0.60",
            Shape {
                members,
                messages,
                per_write,
            },
        )
    }

    fn run(&self, what: &str, goal: &str, shape: Shape) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let coalesce_ms = self
            .coalesce_ms
            .unwrap_or(if shape.per_write > 1 { 20 } else { 0 });
        let store = (self.store != "memory").then(|| folder.path());
        let ours = serve::start_ours(store, coalesce_ms)?;
        let group = set_up(&ours, shape.members)?;
        let mut ours = Ours::open(ours, &group, shape, self)?;
        // The first run is a warm-up. Its messages are what the control writes, as many at once as came at once.
        ours.run()?;
        let payload = ours.audit.first.clone();
        let per_write = if shape.per_write > 1 {
            ours.per_read.round() as usize
        } else {
            1
        };
        println!(
            "system under test: load serve ({}), {} bytes per delivery; control: {per_write} in each write",
            self.store,
            payload.len() + 4
        );
        let mut control = Control::open(Shape { per_write, ..shape }, &payload, self.pairs)?;
        Pairs::run(what, goal, self.pairs, |side| match side {
            Side::Control => control.run(),
            Side::Ours => ours.run(),
        })
        .map(drop)
    }
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    members: usize,
    messages: usize,
    per_write: usize,
}

/// Makes the group. Nobody is online yet, so nothing is pushed.
fn set_up(server: &Server, members: usize) -> io::Result<String> {
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
struct Control {
    audit: Audit,
    command: BufReader<TcpStream>,
    frame: Vec<u8>,
    sent: usize,
    server: Server,
    shape: Shape,
    swarm: Swarm,
}

impl Control {
    fn open(shape: Shape, payload: &[u8], pairs: usize) -> io::Result<Self> {
        let server = serve::start(&["raw", "fanout"])?;
        let command = BufReader::new(TcpStream::connect(server.address)?);
        // As a server frames it.
        let mut frame = vec![0x81, 126];
        frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        frame.extend_from_slice(payload);
        let mut control = Self {
            audit: Audit::new(shape.members, shape.messages * pairs, false),
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

    fn run(&mut self) -> io::Result<Figure> {
        let Shape {
            members,
            messages,
            per_write,
        } = self.shape;
        let costs = Costs::begin(Some(&self.server));
        let begin = Instant::now();
        let command = format!(
            "write {} {messages} {per_write} {}\n",
            self.sent,
            self.frame.len()
        );
        self.command
            .get_mut()
            .write_all(&[command.as_bytes(), &self.frame].concat())?;
        self.sent += messages;
        let end = self.audit.read(
            &mut self.swarm,
            (self.sent * members) as u64,
            &AtomicU64::new(0),
        )?;
        self.command.read_line(&mut String::new())?;
        let count = (messages * members) as u64;
        Ok(Figure {
            rate: count as f64 / (end - begin).as_secs_f64(),
            note: costs.end(Some(&self.server), count),
        })
    }
}

/// The system under test.
struct Ours {
    audit: Audit,
    options: Fanout,
    /// Messages that came with one read, in the last run.
    per_read: f64,
    sender: Sender,
    sent: usize,
    server: Server,
    shape: Shape,
    swarm: Swarm,
}

impl Ours {
    fn open(server: Server, group: &str, shape: Shape, options: &Fanout) -> io::Result<Self> {
        let mut swarm = Swarm::new(server.address, true)?;
        let mut audit = Audit::new(shape.members, shape.messages * (options.pairs + 1), true);
        swarm.open(shape.members, 64, &mut audit)?;
        Ok(Self {
            audit,
            options: options.clone(),
            per_read: 1.0,
            sender: Sender::open(server.address, "sender", group)?,
            sent: 0,
            server,
            shape,
            swarm,
        })
    }

    fn run(&mut self) -> io::Result<Figure> {
        let Shape {
            members,
            messages,
            per_write,
        } = self.shape;
        let costs = Costs::begin(Some(&self.server));
        self.audit.latency.reset();
        let (from, to) = (self.sent, self.sent + messages);
        self.sent = to;
        let arrived = AtomicU64::new((from * members) as u64);
        let (begin, reads) = (Instant::now(), self.swarm.reads);
        let schedule = Schedule {
            rate: self.options.rate,
            window: if per_write > 1 { 3 * per_write } else { 2 },
        };
        let (sender, text, clock) = (
            &mut self.sender,
            self.options.text,
            Arc::clone(&self.audit.clock),
        );
        let end = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                for number in from..to {
                    schedule.wait(number, from, begin, || {
                        arrived.load(Ordering::Relaxed) as usize / members
                    });
                    let due = schedule.due(number, from);
                    clock.set(
                        number,
                        due.map_or_else(|| clock.now(), |due| clock.at(begin + due)),
                    );
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
        self.sender.wait_for(to as u64)?;
        let count = (messages * members) as u64;
        self.per_read = count as f64 / (self.swarm.reads - reads).max(1) as f64;
        Ok(Figure {
            rate: count as f64 / (end - begin).as_secs_f64(),
            note: format!(
                "{}; {:.1} per read; {}",
                costs.end(Some(&self.server), count),
                self.per_read,
                percentiles(&self.audit.latency)
            ),
        })
    }
}

/// When a message may go.
#[derive(Clone, Copy)]
struct Schedule {
    /// Messages per second; 0: when there is room in the window.
    rate: u64,
    /// Messages on their way.
    window: usize,
}

impl Schedule {
    fn due(self, number: usize, from: usize) -> Option<Duration> {
        (self.rate > 0).then(|| Duration::from_secs_f64((number - from) as f64 / self.rate as f64))
    }

    fn wait(self, number: usize, from: usize, begin: Instant, delivered: impl Fn() -> usize) {
        if let Some(due) = self.due(number, from) {
            thread::sleep((begin + due).saturating_duration_since(Instant::now()));
            return;
        }
        let begin = Instant::now();
        // Whoever reads says when something is lost.
        while number >= delivered().saturating_add(self.window)
            && begin.elapsed() < Duration::from_secs(30)
        {
            thread::sleep(Duration::from_micros(50));
        }
    }
}
