//! P18: twice the load that the server can take. What it can take is found first, by senders who wait for their acks. Then
//! messages come on a schedule: nine tenths of that is the control; ours is twice as many, and nine tenths again afterwards.

use std::{
    io::{self, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use tests::process::Server;

use crate::{
    line::Line,
    offered::{Offered, Outcome, Plan},
    report::{Costs, Side, histogram, percentiles},
    serve,
    spans::{Goal, Spans, compare},
    swarm::Swarm,
};

/// Twice the load that it can take.
#[derive(Args, Clone, Debug)]
pub(crate) struct Overload {
    /// Senders, each with a connection and a conversation of its own
    #[arg(long, default_value_t = 1_024)]
    senders: usize,
    /// Messages by which it is found what the server can take, each sender with one in flight
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// How many times that is offered
    #[arg(long, default_value_t = 2.0)]
    times: f64,
    /// The part of it that is offered by the control, and after the overload
    #[arg(long, default_value_t = 0.9)]
    part: f64,
    /// Seconds of each of them
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
    /// How long the server may have a message wait; as by default, without it
    #[arg(long)]
    store_wait_ms: Option<u64>,
    /// Messages that may wait however long they do; as by default, without it
    #[arg(long)]
    node_waiting: Option<usize>,
}

/// How long nothing may be answered before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);
/// In which time it has to be as it was before.
const WINDOW: Duration = Duration::from_millis(250);
/// So many windows in a row.
const CALM: usize = 4;

impl Overload {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = (self.store != "memory").then(|| folder.path());
        let mut house = House::open(self, self.start(store)?)?;
        // The first is a warm-up.
        house.capacity(self.messages)?;
        let capacity = house.capacity(self.messages)?;
        println!(
            "system under test: load serve ({}), {} senders, which get {capacity:.0}/s when each waits for its ack; control: {} of that",
            self.store, self.senders, self.part
        );
        let what = format!("P18 accepted of {} times as many messages", self.times);
        // In nanoseconds; of the control that was last.
        let mut usual = 0;
        compare(&what, Goal::Times(2.0), self.pairs, |side| {
            let calm = Plan::of(capacity * self.part, self.seconds);
            match side {
                Side::Control => {
                    let spans = self.control(&mut house, calm)?;
                    usual = spans.latency.value_at_quantile(0.99);
                    Ok(spans)
                }
                Side::Ours => {
                    let plan = Plan::of(capacity * self.times, self.seconds);
                    self.ours(&mut house, plan.then(calm), usual)
                }
            }
        })
    }

    fn start(&self, store: Option<&Path>) -> io::Result<Server> {
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--store={}", serve::store_in(store)),
        ];
        if let Some(ms) = self.store_wait_ms {
            arguments.push(format!("--store-wait-ms={ms}"));
        }
        if let Some(requests) = self.node_waiting {
            arguments.push(format!("--node-waiting={requests}"));
        }
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        serve::start(&arguments)
    }

    fn control(&self, house: &mut House, plan: Plan) -> io::Result<Spans> {
        let offer = house.offer(plan)?;
        let (latency, refused) = sorted(&offer.outcomes);
        Ok(Spans {
            latency,
            note: format!(
                "{} accepted, {refused} refused; {}",
                offer.outcomes.len() - refused,
                offer.note
            ),
        })
    }

    fn ours(&self, house: &mut House, plan: Plan, usual: u64) -> io::Result<Spans> {
        let offer = house.offer(plan)?;
        let (overload, after) = offer.outcomes.split_at(plan.first);
        let (latency, refused) = sorted(overload);
        let again = match normal_again(plan, after, usual * 2) {
            Some(span) => format!("normal again after {} ms", span.as_millis()),
            None => "not normal again in the time".to_owned(),
        };
        Ok(Spans {
            latency,
            note: format!(
                "offered {:.0}/s, {} accepted, {refused} refused, all of them as retryable; {again}; afterwards {}; {}",
                offer.rate,
                overload.len() - refused,
                percentiles(&sorted(after).0),
                offer.note
            ),
        })
    }
}

/// The latencies of what was accepted, and how many were refused.
fn sorted(outcomes: &[Outcome]) -> (hdrhistogram::Histogram<u64>, usize) {
    let (mut latency, mut refused) = (histogram(), 0);
    for outcome in outcomes {
        match outcome.seq {
            Some(_) => latency.saturating_record(outcome.nanos),
            None => refused += 1,
        }
    }
    (latency, refused)
}

/// How long after the overload nothing is refused any more and the 99th percentile is below `limit`, in windows that follow
/// each other.
fn normal_again(plan: Plan, after: &[Outcome], limit: u64) -> Option<Duration> {
    let in_window = (WINDOW.as_secs_f64() * plan.then) as usize;
    let calm: Vec<bool> = after
        .chunks_exact(in_window.max(1))
        .map(|window| {
            let (latency, refused) = sorted(window);
            refused == 0 && latency.value_at_quantile(0.99) <= limit
        })
        .collect();
    let begin = calm
        .windows(CALM)
        .position(|windows| windows.iter().all(|calm| *calm))?;
    Some(WINDOW * begin as u32)
}

/// The server, and everybody who sends.
struct House {
    conversations: Vec<String>,
    offered: Offered,
    server: Server,
    swarm: Swarm,
    writers: Vec<Writer>,
}

/// What came of a schedule.
struct Offer {
    note: String,
    /// In the order of the schedule.
    outcomes: Vec<Outcome>,
    /// Messages per second that were really handed to the system, or kept because it took no more.
    rate: f64,
}

impl House {
    fn open(options: &Overload, server: Server) -> io::Result<Self> {
        let mut conversations = Vec::new();
        for place in 0..options.senders {
            let mut line = Line::open(server.address, &format!("u{place}"), "setup")?;
            conversations.push(line.direct(&format!("peer{place}"))?);
        }
        let mut swarm = Swarm::new(server.address, true)?;
        swarm.keep_writers();
        let mut offered = Offered::new(&conversations, options.text);
        swarm.open(options.senders, 64, &mut offered)?;
        let writers = swarm.take_writers().into_iter().map(Writer::of);
        Ok(Self {
            conversations,
            offered,
            server,
            writers: writers.collect(),
            swarm,
        })
    }

    /// Messages per second with one of each sender in flight.
    fn capacity(&mut self, messages: usize) -> io::Result<f64> {
        self.offered.begin_closed(messages);
        let begin = Instant::now();
        for place in 0..self.conversations.len() {
            let mut bytes = Vec::new();
            self.offered.say_next(place, &mut bytes);
            self.swarm.send(place, &bytes)?;
        }
        wait(&mut self.swarm, &mut self.offered, &self.server)?;
        let span = begin.elapsed();
        self.audit()?;
        Ok(messages as f64 / span.as_secs_f64())
    }

    fn offer(&mut self, plan: Plan) -> io::Result<Offer> {
        let begin = Instant::now() + Duration::from_millis(20);
        let numbers = self.offered.begin(plan, begin);
        let costs = Costs::begin(Some(&self.server));
        let before = self.server.usage().rss_bytes;
        let (writers, requests) = (&mut self.writers, self.offered.requests());
        let (swarm, offered, server) = (&mut self.swarm, &mut self.offered, &self.server);
        let (first_span, peak) = thread::scope(|scope| {
            let sending = scope.spawn(move || {
                let mut first_span = Duration::ZERO;
                for (place, number) in numbers.enumerate() {
                    let due = begin + plan.due(place);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let writer = place % writers.len();
                    requests.append(writer, number, &mut writers[writer].rest);
                    writers[writer].write()?;
                    if place + 1 == plan.first {
                        first_span = begin.elapsed();
                    }
                }
                let end = Instant::now();
                while writers.iter().any(|writer| !writer.rest.is_empty()) {
                    for writer in &mut *writers {
                        writer.write()?;
                    }
                    if end.elapsed() > PATIENCE {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(first_span)
            });
            let peak = wait(swarm, offered, server);
            let first_span: io::Result<Duration> = sending
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            Ok::<_, io::Error>((first_span?, peak?))
        })?;
        let note = format!(
            "RSS {} MiB before, {} at most; {}",
            before >> 20,
            peak >> 20,
            costs.end(Some(&self.server), plan.count() as u64)
        );
        Ok(Offer {
            note,
            outcomes: self.audit()?,
            rate: plan.first as f64 / first_span.as_secs_f64(),
        })
    }

    /// What was acknowledged is in the logs, in the order in which it was sent, once; what was refused is not.
    fn audit(&mut self) -> io::Result<Vec<Outcome>> {
        let outcomes = self.offered.end().map_err(io::Error::other)?;
        for (place, conversation) in self.conversations.iter().enumerate() {
            let mut line = Line::open(self.server.address, &format!("u{place}"), "setup")?;
            let ask = serde_json::json!({"conversation": conversation});
            let head = line.call("conversation.get", &ask)?["head"]["seq"].as_u64();
            let last = self.offered.last(place);
            if head != Some(last) {
                let detail =
                    format!("LOSS: {place} was told of {last}, and the log ends at {head:?}");
                return Err(io::Error::other(detail));
            }
        }
        Ok(outcomes)
    }
}

/// Reads until everything is answered, and returns the most memory that the server had meanwhile.
fn wait(swarm: &mut Swarm, offered: &mut Offered, server: &Server) -> io::Result<u64> {
    let (mut progress, mut looked) = ((0, Instant::now()), Instant::now());
    let mut peak = server.usage().rss_bytes;
    while offered.missing() > 0 {
        swarm.turn(Duration::from_millis(20), offered)?;
        if looked.elapsed() > Duration::from_millis(100) {
            looked = Instant::now();
            peak = peak.max(server.usage().rss_bytes);
        }
        if offered.missing() != progress.0 {
            progress = (offered.missing(), Instant::now());
        }
        if offered.wrong.is_some() || swarm.lost > 0 || progress.1.elapsed() > PATIENCE {
            let (missing, lost, wrong) = (offered.missing(), swarm.lost, &offered.wrong);
            return Err(io::Error::other(format!(
                "LOSS: {missing} not answered, {lost} connections lost; {wrong:?}"
            )));
        }
    }
    Ok(peak)
}

/// A connection that keeps what the system does not take.
struct Writer {
    rest: Vec<u8>,
    stream: TcpStream,
}

impl Writer {
    fn of(stream: TcpStream) -> Self {
        Self {
            rest: Vec::new(),
            stream,
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.rest.is_empty() {
            match self.stream.write(&self.rest) {
                Ok(written) => drop(self.rest.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
