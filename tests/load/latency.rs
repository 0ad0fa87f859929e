//! P5 and P6: how long things take while there is little to do. Both run against `im-server` as it is delivered, with
//! its rate limits off; time counts from when a message should have been sent.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tests::{
    frames::{self, Frame, TEXT},
    process::Server,
};

use crate::{
    line::Line,
    report::{histogram, median, percentiles, verdict},
    serve,
    stage::Stage,
    swarm::{Script, Step, Swarm},
};

/// Latency of acks.
#[derive(Args, Clone, Debug)]
pub(crate) struct Acks {
    /// Messages per second, on a fixed schedule
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Senders that take turns
    #[arg(long, default_value_t = 100)]
    senders: usize,
    /// Seconds of each run
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

/// Latency from end to end.
#[derive(Args, Clone, Debug)]
pub(crate) struct EndToEnd {
    /// Messages per second
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Messages of each run
    #[arg(long, default_value_t = 600)]
    messages: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

fn message(conversation: &str, number: u64) -> Value {
    let content = json!({"kind": "text", "text": "x".repeat(150)});
    json!({"conversation": conversation, "client_id": format!("c{number}"), "content": content})
}

impl Acks {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let stage = Stage::start(folder.path(), self.senders * 2)?;
        let before = stage.server.usage().written_bytes;
        self.ours(&stage, 0)?;
        let total = self.rate * self.seconds;
        let bytes = (stage.server.usage().written_bytes - before) / total;
        println!(
            "## P5 acks at {} durable sends/s (goal: p50 1.5x, p99 3x of fdatasync)",
            self.rate
        );
        println!(
            "system under test: im-server; control: {bytes} bytes and fdatasync for each, on the same schedule"
        );
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for pair in 1..=self.pairs {
            let control = self.control(&folder.path().join("control"), bytes as usize)?;
            println!("{pair:>2} control: {}", percentiles(&control));
            if control.value_at_quantile(0.5) > 1_000_000_000 / self.rate * 5 {
                println!(
                    "   VOID: this disk does not sync {} times per second now",
                    self.rate
                );
            }
            let cpu = stage.server.usage();
            let ours = self.ours(&stage, pair as u64)?;
            let each = stage.server.usage().cpu_since(&cpu).as_micros() as u64 / total;
            println!(
                "{pair:>2} ours   : {}; server {each} us CPU each",
                percentiles(&ours)
            );
            let ratio = |quantile| {
                ours.value_at_quantile(quantile) as f64 / control.value_at_quantile(quantile) as f64
            };
            p50.push(ratio(0.5));
            p99.push(ratio(0.99));
        }
        println!(
            "=> P5 ratio to fdatasync: p50 {:.2} {p50:.2?}, p99 {:.2} {p99:.2?}; goal 1.5 and 3",
            median(&p50),
            median(&p99)
        );
        Ok(())
    }

    fn control(&self, file: &Path, bytes: usize) -> io::Result<Histogram<u64>> {
        let mut file = File::create(file)?;
        let (page, mut latency) = (vec![7; bytes.max(1)], histogram());
        let begin = Instant::now();
        for number in 0..self.rate * self.seconds {
            let due = begin + Duration::from_nanos(number * 1_000_000_000 / self.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            file.write_all(&page)?;
            file.sync_data()?;
            latency.saturating_record(due.elapsed().as_nanos() as u64);
        }
        Ok(latency)
    }

    fn ours(&self, stage: &Stage, run: u64) -> io::Result<Histogram<u64>> {
        let mut conversations = Vec::new();
        for sender in 0..self.senders {
            let mut line = Line::open(stage.server.address, &stage.tokens[sender], "setup")?;
            let peer = format!("u{}", self.senders + sender);
            conversations.push(line.direct(&peer)?);
        }
        let mut swarm = Swarm::new(stage.server.address, true)?;
        swarm.keep_writers();
        let mut script = Acked::new(self, &stage.tokens);
        swarm.open(self.senders, self.senders, &mut script)?;
        let mut writers = swarm.take_writers();
        let total = self.rate * self.seconds;
        script.begin = Instant::now() + Duration::from_millis(20);
        let begin = script.begin;
        thread::scope(|scope| {
            let sending = scope.spawn(|| {
                for number in 0..total {
                    let place = number as usize % self.senders;
                    let params = message(&conversations[place], run * 1_000_000 + number);
                    let request = json!({"jsonrpc": "2.0", "id": number, "method": "message.send", "params": params});
                    let mut bytes = Vec::new();
                    frames::append(TEXT, request.to_string().as_bytes(), &mut bytes);
                    let due = begin + Duration::from_nanos(number * 1_000_000_000 / self.rate);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    writers[place].write_all(&bytes)?;
                }
                Ok::<(), io::Error>(())
            });
            let mut since = (Instant::now(), 0);
            while script.acks < total {
                swarm.turn(Duration::from_millis(100), &mut script)?;
                if script.acks > since.1 {
                    since = (Instant::now(), script.acks);
                }
                if script.wrong.is_some() || swarm.lost > 0 || since.0.elapsed().as_secs() > 20 {
                    let (acks, wrong) = (script.acks, &script.wrong);
                    return Err(io::Error::other(format!(
                        "LOSS: {acks} of {total} acks; {wrong:?}"
                    )));
                }
            }
            sending
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        })?;
        Ok(script.latency)
    }
}

/// Takes the time of each ack, and sees that each sender's seqs have no hole.
struct Acked<'a> {
    acks: u64,
    begin: Instant,
    last: Vec<u64>,
    latency: Histogram<u64>,
    rate: u64,
    tokens: &'a [String],
    wrong: Option<String>,
}

impl<'a> Acked<'a> {
    fn new(options: &Acks, tokens: &'a [String]) -> Self {
        Self {
            acks: 0,
            begin: Instant::now(),
            last: vec![0; options.senders],
            latency: histogram(),
            rate: options.rate,
            tokens,
            wrong: None,
        }
    }
}

impl Script for Acked<'_> {
    fn hello(&mut self, peer: usize) -> Vec<u8> {
        frames::upgrade("/v1/ws", &self.tokens[peer]).into_bytes()
    }

    fn upgraded(&mut self, _: usize, out: &mut Vec<u8>) {
        let open = br#"{"jsonrpc":"2.0","id":"o","method":"session.open","params":{"device":"d"}}"#;
        frames::append(TEXT, open, out);
    }

    fn frame(&mut self, peer: usize, frame: Frame<'_>, _: &mut Vec<u8>) -> Step {
        // One's own message is also pushed to oneself.
        if !frame.payload.starts_with(br#"{"jsonrpc":"2.0","id":"#) {
            return Step::On;
        }
        let now = Instant::now();
        let reply: Value = serde_json::from_slice(frame.payload).unwrap_or_default();
        let Some(number) = reply["id"].as_u64() else {
            return Step::Done;
        };
        let due = self.begin + Duration::from_nanos(number * 1_000_000_000 / self.rate);
        self.latency
            .saturating_record((now - due).as_nanos() as u64);
        let seq = reply["result"]["seq"].as_u64().unwrap_or_default();
        let last = std::mem::replace(&mut self.last[peer], seq);
        if seq == 0 || last > 0 && seq != last + 1 {
            self.wrong
                .get_or_insert(format!("after seq {last} came {reply}"));
        }
        self.acks += 1;
        Step::On
    }
}

impl EndToEnd {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let stage = Stage::start(folder.path(), 2)?;
        let file = folder.path().join("control");
        let durable = serve::start(&[
            "raw",
            "relay",
            "--bytes",
            "20000",
            "--file",
            &file.display().to_string(),
        ])?;
        let ephemeral = serve::start(&["raw", "relay"])?;
        println!("## P6 end to end, idle (goal: p99 5 ms durable, 1 ms typing)");
        println!(
            "system under test: im-server; control: a relay with and without fdatasync, the same schedule"
        );
        let mut from = Line::open(stage.server.address, &stage.tokens[0], "d")?;
        let mut to = Line::open(stage.server.address, &stage.tokens[1], "d")?;
        let conversation = from.direct("u1")?;
        let mut durable = Relay::open(&durable)?;
        let mut ephemeral = Relay::open(&ephemeral)?;
        for pair in 1..=self.pairs {
            println!(
                "{pair:>2} control durable: {}",
                percentiles(&self.relay(&mut durable)?)
            );
            let ours = self.ours(&mut from, &mut to, |number| {
                (
                    "message.send",
                    message(&conversation, pair as u64 * 1_000_000 + number),
                    "message.stored",
                )
            })?;
            println!("{pair:>2} ours    durable: {}", verdict(&ours, 5_000_000));
            println!(
                "{pair:>2} control typing : {}",
                percentiles(&self.relay(&mut ephemeral)?)
            );
            let ours = self.ours(&mut from, &mut to, |_| {
                (
                    "conversation.typing",
                    json!({"conversation": conversation}),
                    "typing.changed",
                )
            })?;
            println!("{pair:>2} ours    typing : {}", verdict(&ours, 1_000_000));
            // Who only listens is taken for gone.
            to.call("session.ping", &json!({}))?;
        }
        Ok(())
    }

    /// Waits until a message should be sent.
    fn wait(&self, begin: Instant, number: u64) -> Instant {
        let due = begin + Duration::from_nanos(number * 1_000_000_000 / self.rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due
    }

    fn relay(&self, relay: &mut Relay) -> io::Result<Histogram<u64>> {
        let (mut latency, begin) = (histogram(), Instant::now());
        for number in 0..self.messages {
            let due = self.wait(begin, number);
            relay.from.write_all(&[b'x'; 350])?;
            relay.to.read_exact(&mut [0; 350])?;
            latency.saturating_record(due.elapsed().as_nanos() as u64);
        }
        Ok(latency)
    }

    /// `ask` says what to ask for, and what the other is to be told then.
    fn ours(
        &self,
        from: &mut Line,
        to: &mut Line,
        ask: impl Fn(u64) -> (&'static str, Value, &'static str),
    ) -> io::Result<Histogram<u64>> {
        let (mut latency, begin) = (histogram(), Instant::now());
        for number in 0..self.messages {
            let (method, params, push) = ask(number);
            let due = self.wait(begin, number);
            let id = from.request(method, &params)?;
            while to.next()?["method"] != push {}
            latency.saturating_record(due.elapsed().as_nanos() as u64);
            from.reply(id)?;
        }
        Ok(latency)
    }
}

struct Relay {
    from: TcpStream,
    to: TcpStream,
}

impl Relay {
    fn open(server: &Server) -> io::Result<Self> {
        let from = TcpStream::connect(server.address)?;
        let to = TcpStream::connect(server.address)?;
        from.set_nodelay(true)?;
        to.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { from, to })
    }
}
