//! P13: devices whose TCP connections are killed again and again while people talk. They come back, resume with their
//! cursors, and miss nothing. The control's peers come back as often, and get the same frames echoed.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;
use tests::{frames::Frame, process::Server};

use crate::{
    device::{Device, Log},
    line::Line,
    marker,
    report::{Costs, Side, histogram, percentiles},
    returning::{Echoes, Returning, Rhythm, come_and_go},
    sender::Sender,
    serve,
    spans::{Goal, Spans, compare},
    swarm::{Script, Step, Swarm},
};

/// Catching up after gaps.
#[derive(Args, Clone, Debug)]
pub(crate) struct Gaps {
    /// Devices, each of a user of its own
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Devices in each group
    #[arg(long, default_value_t = 100)]
    group: usize,
    /// Messages per second, on a fixed schedule, to the groups in turn
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Time between two ends of one connection; those of different ones are spread over it
    #[arg(long, default_value_t = 15_000)]
    every_ms: u64,
    /// How long a device is away
    #[arg(long, default_value_t = 2_000)]
    away_ms: u64,
    /// Seconds of each run
    #[arg(long, default_value_t = 45)]
    seconds: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
}

impl Gaps {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = (self.store != "memory").then(|| folder.path());
        let server = serve::start_ours(store, 0)?;
        let control = serve::start(&["raw", "echo"])?;
        let logs = self.set_up(&server)?;
        let mut sender = Sender::open(server.address, "owner", "")?;
        let mut crowd = Crowd::new(self, &logs);
        println!(
            "system under test: load serve ({}), {} devices in {} groups, each killed every {} ms and away for {} ms, {} messages/s; \
             control: the same frames echoed over raw TCP",
            self.store,
            self.devices,
            logs.len(),
            self.every_ms,
            self.away_ms,
            self.rate
        );
        let what = format!("P13 what {} devices missed, from coming back", self.devices);
        compare(
            &what,
            Goal::Within(250_000_000),
            self.pairs,
            |side| match side {
                Side::Control => self.control(&control),
                Side::Ours => self.ours(&server, &logs, &mut sender, &mut crowd),
            },
        )
    }

    /// Makes the groups. Nobody is online yet, so nothing is pushed.
    fn set_up(&self, server: &Server) -> io::Result<Vec<Arc<Log>>> {
        let mut line = Line::open(server.address, "owner", "setup")?;
        let users: Vec<_> = (0..self.devices).map(|place| format!("u{place}")).collect();
        let mut logs = Vec::new();
        for (place, users) in users.chunks(self.group).enumerate() {
            let create =
                json!({"client_id": format!("create{place}"), "name": "all", "members": users});
            let view = line.call("conversation.create", &create)?;
            logs.push(Arc::new(Log::of(&view)));
        }
        Ok(logs)
    }

    fn ours(
        &self,
        server: &Server,
        logs: &[Arc<Log>],
        sender: &mut Sender,
        crowd: &mut Crowd,
    ) -> io::Result<Spans> {
        let mut swarm = Swarm::new(server.address, true)?;
        swarm.open(self.devices, 64, crowd)?;
        // Of each group in each run.
        let each = (self.rate * self.seconds).div_ceil(logs.len() as u64);
        let first = crowd.begin(each);
        let costs = Costs::begin(Some(server));
        let begin = crowd.begun;
        let cuts = thread::scope(|scope| {
            let sending = scope.spawn(|| {
                for number in 0..each * logs.len() as u64 {
                    let due = begin + self.due(number);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let (group, round) = (number as usize % logs.len(), number / logs.len() as u64);
                    sender.send_to(&logs[group].conversation, &marker::text(first + round, 150))?;
                }
                sender.wait_for_all()
            });
            let cuts = come_and_go(self.rhythm(), &mut swarm, crowd, begin)?;
            sending
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
            Ok::<_, io::Error>(cuts)
        })?;
        let count = each * self.devices as u64;
        let note = format!(
            "{cuts} connections killed, {} of {count} deliveries were missed and pulled, 100.000 % delivered; the others {}; {}",
            crowd.missed.len(),
            percentiles(&crowd.live),
            costs.end(Some(server), count)
        );
        Ok(Spans {
            latency: crowd.missed.clone(),
            note,
        })
    }

    fn control(&self, server: &Server) -> io::Result<Spans> {
        let mut swarm = Swarm::new(server.address, true)?;
        let mut echoes = Echoes::new(self.devices);
        swarm.open(self.devices, 64, &mut echoes)?;
        echoes.latency.reset();
        let costs = Costs::begin(Some(server));
        let cuts = come_and_go(self.rhythm(), &mut swarm, &mut echoes, Instant::now())?;
        let note = format!(
            "{cuts} connections killed; {}",
            costs.end(Some(server), cuts as u64)
        );
        Ok(Spans {
            latency: echoes.latency,
            note,
        })
    }

    fn rhythm(&self) -> Rhythm {
        Rhythm {
            away: Duration::from_millis(self.away_ms),
            every: Duration::from_millis(self.every_ms),
            peers: self.devices,
            span: Duration::from_secs(self.seconds),
        }
    }

    fn due(&self, number: u64) -> Duration {
        Duration::from_nanos(number * 1_000_000_000 / self.rate)
    }
}

/// Devices that resume.
struct Crowd {
    begun: Instant,
    /// When each came last.
    came: Vec<Instant>,
    count: u64,
    devices: Vec<Device>,
    expected: u64,
    /// The number of the first message of this run.
    first: u64,
    groups: u64,
    /// Of what was pushed when it was said.
    live: Histogram<u64>,
    /// Of what was pulled.
    missed: Histogram<u64>,
    now: Instant,
    options: Gaps,
    wrong: Option<String>,
}

impl Crowd {
    fn new(options: &Gaps, logs: &[Arc<Log>]) -> Self {
        let now = Instant::now();
        let devices = (0..options.devices).map(|place| &logs[place / options.group]);
        Self {
            begun: now,
            came: vec![now; options.devices],
            count: 0,
            devices: devices.map(|log| Device::new(log.clone())).collect(),
            expected: 0,
            first: 0,
            groups: logs.len() as u64,
            live: histogram(),
            missed: histogram(),
            now,
            options: options.clone(),
            wrong: None,
        }
    }

    /// Begins a run with so many messages in each group, and returns the number of the first of them.
    fn begin(&mut self, each: u64) -> u64 {
        self.begun = Instant::now() + Duration::from_millis(20);
        self.count = 0;
        // All devices have everything: the run before ended with that.
        self.first = self.devices.first().map_or(0, |device| device.next);
        self.expected = each * self.devices.len() as u64;
        self.live.reset();
        self.missed.reset();
        self.first
    }

    fn take(&mut self, peer: usize, number: u64, pushed: bool) {
        self.count += 1;
        let group = (peer / self.options.group) as u64;
        let place = number.saturating_sub(self.first) * self.groups + group;
        let due = self.begun + self.options.due(place);
        let latency = if pushed {
            &mut self.live
        } else {
            &mut self.missed
        };
        // What was said while the device was away could not come before it was back.
        let since = if pushed {
            due
        } else {
            due.max(self.came[peer])
        };
        let span = self.now.saturating_duration_since(since);
        latency.saturating_record(span.as_nanos().max(1) as u64);
    }
}

impl Script for Crowd {
    fn upgraded(&mut self, peer: usize, out: &mut Vec<u8>) {
        self.devices[peer].open(out);
    }

    fn wakes(&mut self) {
        self.now = Instant::now();
    }

    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        let device = &mut self.devices[peer];
        let (before, pushed) = (device.next, device.is_live);
        let step = device.frame(frame, out);
        let after = device.next;
        if device.is_behind || device.closed.is_some() {
            let what =
                format!("peer {peer} was told to fetch, or closed: fewer messages per second");
            self.wrong.get_or_insert(what);
        }
        for number in before..after {
            self.take(peer, number, pushed);
        }
        step.unwrap_or_else(|wrong| {
            self.wrong.get_or_insert(format!("peer {peer}: {wrong}"));
            Step::On
        })
    }
}

impl Returning for Crowd {
    fn comes(&mut self, peer: usize, now: Instant) {
        self.came[peer] = now;
        self.devices[peer].is_live = false;
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn is_complete(&self) -> bool {
        self.count == self.expected && self.devices.iter().all(|device| device.is_live)
    }

    fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }
}
