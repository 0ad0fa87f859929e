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
    #[arg(long, default_value_t = 50)]
    seconds: u64,
    /// Bytes of text in each message: the buffers of the system are to be full soon
    #[arg(long, default_value_t = 2_000)]
    text: usize,
    /// How long the server waits for somebody who reads nothing
    #[arg(long, default_value_t = 30_000)]
    write_timeout_ms: u64,
    /// Bytes that the system may keep for a connection on the server's side: left alone it keeps 4 MB, which nobody fills in
    /// a short run
    #[arg(long, default_value_t = 65_536)]
    send_buffer: usize,
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
        println!(
            "system under test: load serve ({}), {} of {} members slow, {} bytes in a message; control: the same, and all read",
            self.store,
            self.slow(),
            self.members,
            self.text
        );
        let what = format!("R6 those who read, beside {} % who do not", self.percent);
        // The most memory that the server had while all read, in the control that was last.
        let mut usual = 0;
        compare(&what, Goal::Times(1.2), self.pairs, |side| {
            // A fresh process each time: what one has once had, it does not give back at once.
            let folder = tempfile::tempdir()?;
            let store = serve::store_in((self.store != "memory").then(|| folder.path()));
            let mut house = House::open(self, self.start(&store)?)?;
            match side {
                Side::Control => house.control(self, &mut usual),
                Side::Ours => house.ours(self, usual),
            }
        })
    }

    fn start(&self, store: &str) -> io::Result<Server> {
        serve::start(&[
            "serve",
            "--store",
            store,
            "--write-timeout-ms",
            &self.write_timeout_ms.to_string(),
            "--send-buffer",
            &self.send_buffer.to_string(),
        ])
    }

    fn messages(&self) -> u64 {
        self.rate * self.seconds
    }

    fn slow(&self) -> usize {
        self.members * self.percent / 100
    }
}

/// The server and those who listen: first the slow ones.
struct House {
    log: Arc<Log>,
    readers: Readers,
    sender: Sender,
    server: Server,
    swarm: Swarm,
}

impl House {
    fn open(options: &Slow, server: Server) -> io::Result<Self> {
        let group = crowd::set_up(&server, options.members)?;
        let mut line = Line::open(server.address, "sender", "setup")?;
        let view = line.call("conversation.get", &json!({"conversation": group}))?;
        let log = Arc::new(Log::of(&view));
        let slow = (0..options.slow()).map(|_| Device::new(log.clone()));
        let audit = Audit::new(options.members, options.messages() as usize, true);
        let mut readers = Readers::new(audit, slow.collect());
        let mut swarm = Swarm::new(server.address, true)?;
        swarm.narrow = options.slow();
        swarm.open(options.members, 64, &mut readers)?;
        Ok(Self {
            sender: Sender::open(server.address, "sender", &group)?,
            log,
            readers,
            server,
            swarm,
        })
    }

    fn control(&mut self, options: &Slow, usual: &mut u64) -> io::Result<Spans> {
        let costs = Costs::begin(Some(&self.server));
        let mut held = Held::new(0, options.sip);
        let peak = self.talk(options, &mut held)?;
        *usual = peak;
        Ok(Spans {
            latency: self.readers.audit.latency.clone(),
            note: format!(
                "RSS {} MiB at most; {}",
                peak >> 20,
                self.costs(&costs, options)
            ),
        })
    }

    fn ours(&mut self, options: &Slow, usual: u64) -> io::Result<Spans> {
        let slow = options.slow();
        for place in 0..slow {
            self.swarm.hold(place)?;
        }
        let costs = Costs::begin(Some(&self.server));
        let mut held = Held::new(slow, options.sip.max(1));
        let peak = self.talk(options, &mut held)?;
        let costs = self.costs(&costs, options);
        let each = peak.saturating_sub(usual) as f64 / slow.max(1) as f64 / 1_024.0;
        let word = if each <= EACH_KIB {
            "reached"
        } else {
            "missed"
        };
        let latency = self.readers.audit.latency.clone();
        let ends = held.look(&mut self.swarm, &mut self.readers)?;
        self.come_back(slow, options.messages())?;
        let note = format!(
            "RSS {} MiB at most, {each:.0} KiB more for each who is slow (goal of {EACH_KIB} {word}); {ends}; all came back and \
             have everything; {costs}",
            peak >> 20
        );
        Ok(Spans { latency, note })
    }

    fn costs(&self, costs: &Costs, options: &Slow) -> String {
        let deliveries = options.messages() * options.members as u64;
        costs.end(Some(&self.server), deliveries)
    }

    /// Sends everything on schedule, and returns the most memory that the server had.
    fn talk(&mut self, options: &Slow, held: &mut Held) -> io::Result<u64> {
        let begin = Instant::now();
        let (sender, clock) = (&mut self.sender, Arc::clone(&self.readers.audit.clock));
        let talks = AtomicBool::new(true);
        let expected = Expected {
            deliveries: options.messages() * (options.members - options.slow()) as u64,
            messages: options.messages(),
        };
        thread::scope(|scope| {
            let talking = scope.spawn(|| {
                let talked = (0..options.messages()).try_for_each(|number| {
                    let due = begin + Duration::from_nanos(number * 1_000_000_000 / options.rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    clock.set(number as usize, clock.at(due));
                    sender.send(&marker::text(number, options.text))
                });
                let talked = talked.and_then(|()| sender.wait_for_all());
                talks.store(false, Ordering::Relaxed);
                talked
            });
            let peak = self
                .readers
                .listen(&mut self.swarm, &self.server, held, expected, &talks);
            talking
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
            peak
        })
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
