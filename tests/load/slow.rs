//! R6: a part of those who listen reads slowly or not at all. The others must not notice, the server must not fill up, and
//! whoever it hangs up on comes back and misses nothing. The control is the same with everybody reading.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tests::process::Server;

use crate::{
    audit::Audit,
    crowd,
    device::{Device, Log},
    line::Line,
    marker,
    readers::{Expected, Held, PATIENCE, Readers},
    report::{Costs, Side},
    sender::Sender,
    serve,
    spans::{Goal, Spans, compare},
    swarm::Swarm,
};

/// Slow and stopped readers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Slow {
    /// Members that are online
    #[arg(long, default_value_t = 5_000)]
    members: usize,
    /// How many of them in a hundred are slow: every second of these reads nothing, the others a little each second
    #[arg(long, default_value_t = 20)]
    percent: usize,
    /// Bytes that those read
    #[arg(long, default_value_t = 4_096)]
    sip: usize,
    /// Messages per second, on a fixed schedule
    #[arg(long, default_value_t = 10)]
    rate: u64,
    /// Seconds of each run
    #[arg(long, default_value_t = 75)]
    seconds: u64,
    /// Bytes of text in each message: the buffers of the system are large, and are to be full soon
    #[arg(long, default_value_t = 5_000)]
    text: usize,
    /// How long the server waits for somebody who reads nothing
    #[arg(long, default_value_t = 30_000)]
    write_timeout_ms: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
}

/// User memory that a slow reader may cost, in KiB.
const EACH_KIB: f64 = 256.0;

impl Slow {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = serve::store_in((self.store != "memory").then(|| folder.path()));
        let patience = self.write_timeout_ms.to_string();
        let server = serve::start(&["serve", "--store", &store, "--write-timeout-ms", &patience])?;
        let mut house = House::open(self, server)?;
        println!(
            "system under test: load serve ({}), {} of {} members slow, {} bytes in a message; control: the same, and all read",
            self.store,
            self.slow(),
            self.members,
            self.text
        );
        // A warm-up.
        house.run(self, Side::Control)?;
        let what = format!("R6 those who read, beside {} % who do not", self.percent);
        compare(&what, Goal::Times(1.2), self.pairs, |side| {
            house.run(self, side)
        })
    }

    fn slow(&self) -> usize {
        self.members * self.percent / 100
    }
}

/// The server and those who listen: first the slow ones.
struct House {
    log: Arc<Log>,
    readers: Readers,
    /// The most memory that the server had while all read.
    rss_bytes: u64,
    sender: Sender,
    sent: u64,
    server: Server,
    swarm: Swarm,
}

impl House {
    fn open(options: &Slow, server: Server) -> io::Result<Self> {
        let group = crowd::set_up(&server, options.members)?;
        let mut line = Line::open(server.address, "sender", "setup")?;
        let view = line.call("conversation.get", &json!({"conversation": group}))?;
        let log = Arc::new(Log::of(&view));
        let messages = options.rate * options.seconds * (options.pairs as u64 * 2 + 1);
        let slow = (0..options.slow()).map(|_| Device::new(log.clone()));
        let audit = Audit::new(options.members, messages as usize, true);
        let mut readers = Readers::new(audit, slow.collect());
        let mut swarm = Swarm::new(server.address, true)?;
        swarm.narrow = options.slow();
        swarm.open(options.members, 64, &mut readers)?;
        Ok(Self {
            sender: Sender::open(server.address, "sender", &group)?,
            log,
            readers,
            rss_bytes: 0,
            sent: 0,
            server,
            swarm,
        })
    }

    fn run(&mut self, options: &Slow, side: Side) -> io::Result<Spans> {
        let slow = match side {
            Side::Control => 0,
            Side::Ours => options.slow(),
        };
        for place in 0..slow {
            self.swarm.hold(place)?;
        }
        self.readers.audit.latency.reset();
        let costs = Costs::begin(Some(&self.server));
        let (from, to) = (self.sent, self.sent + options.rate * options.seconds);
        self.sent = to;
        let begin = Instant::now();
        let (sender, clock) = (&mut self.sender, Arc::clone(&self.readers.audit.clock));
        let sending = AtomicBool::new(true);
        let mut held = Held::new(slow, options.sip.max(1));
        let expected = Expected {
            deliveries: to * (options.members - options.slow()) as u64,
            messages: to,
        };
        let peak = thread::scope(|scope| {
            let talking = scope.spawn(|| {
                let talked = (from..to).try_for_each(|number| {
                    let due = Duration::from_nanos((number - from) * 1_000_000_000 / options.rate);
                    thread::sleep((begin + due).saturating_duration_since(Instant::now()));
                    clock.set(number as usize, clock.at(begin + due));
                    sender.send(&marker::text(number, options.text))
                });
                let talked = talked.and_then(|()| sender.wait_for_all());
                sending.store(false, Ordering::Relaxed);
                talked
            });
            let peak =
                self.readers
                    .listen(&mut self.swarm, &self.server, &mut held, expected, &sending);
            talking
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
            peak
        })?;
        let latency = self.readers.audit.latency.clone();
        let costs = costs.end(Some(&self.server), (to - from) * options.members as u64);
        let note = match side {
            Side::Control => {
                self.rss_bytes = peak;
                format!("RSS {} MiB at most; {costs}", peak >> 20)
            }
            Side::Ours => {
                let each =
                    peak.saturating_sub(self.rss_bytes) as f64 / slow.max(1) as f64 / 1_024.0;
                let word = if each <= EACH_KIB {
                    "reached"
                } else {
                    "missed"
                };
                let ends = held.look(&mut self.swarm, &mut self.readers)?;
                self.come_back(slow, to)?;
                format!(
                    "RSS {} MiB at most, {each:.0} KiB for each who is slow (goal of {EACH_KIB} {word}); {ends}; all came back and \
                     have everything; {costs}",
                    peak >> 20
                )
            }
        };
        Ok(Spans { latency, note })
    }

    /// Has the slow ones connect again, resume, and get what they have missed.
    fn come_back(&mut self, slow: usize, messages: u64) -> io::Result<()> {
        let places: Vec<_> = (0..slow).collect();
        for places in places.chunks(64) {
            for place in places {
                self.readers.slow[*place].is_live = false;
                self.swarm.cut(*place);
                self.swarm.reopen(*place, &mut self.readers)?;
            }
            let begin = Instant::now();
            while places
                .iter()
                .any(|place| !self.readers.slow[*place].is_live)
            {
                self.swarm
                    .turn(Duration::from_millis(20), &mut self.readers)?;
                self.readers.check(&self.swarm)?;
                if begin.elapsed() > PATIENCE {
                    return Err(io::Error::other("LOSS: who was slow does not come back"));
                }
            }
        }
        let missing = self.readers.slow[..slow]
            .iter()
            .filter(|device| device.next != messages);
        match missing.count() {
            0 => Ok(()),
            count => {
                let conversation = &self.log.conversation;
                Err(io::Error::other(format!(
                    "LOSS: {count} do not have all of {conversation}"
                )))
            }
        }
    }
}
