//! P7: one conversation, many senders. In this process, and then over WebSockets.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::Args;
use hdrhistogram::Histogram;
use im_core::{
    Actor, ClientId, Content, ConversationId, CreateConversation, Im, SendMessage, Seq, UserId,
};
use serde_json::json;
use tests::frames::{self, Frame, TEXT};

use crate::{
    durable::{read_log, runtime},
    line::Line,
    report::{Costs, Figure, Pairs, Side, histogram, percentiles},
    serve,
    sql::Sample,
    swarm::{Script, Step, Swarm},
};

/// One hot conversation.
#[derive(Args, Clone, Debug)]
pub(crate) struct Hot {
    /// Senders, each with one message in flight
    #[arg(long, default_value_t = 64)]
    senders: usize,
    /// Messages in each run in process
    #[arg(long, default_value_t = 60_000)]
    messages: usize,
    /// Messages in each run over WebSockets, where everybody also receives all of them
    #[arg(long, default_value_t = 20_000)]
    remote_messages: usize,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

fn user(place: usize) -> UserId {
    UserId::new(format!("u{place}")).expect("a valid id")
}

impl Hot {
    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = runtime()?;
        let folder = tempfile::tempdir()?;
        let warm_up = folder.path().join("warm-up.db");
        runtime.block_on(self.in_process(&warm_up))?;
        let sample = runtime.block_on(Sample::read(&warm_up, self.messages))?;
        println!(
            "system under test: the library in process; control: {} rows per commit",
            self.senders
        );
        let what = format!("P7 one conversation, {} senders, in process", self.senders);
        Pairs::run(&what, "20,000/s", self.pairs, |side| {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join("p7.db");
            match side {
                Side::Control => {
                    let rate = runtime.block_on(sample.insert(&file, self.senders))?;
                    Ok(Figure {
                        rate,
                        note: String::new(),
                    })
                }
                Side::Ours => runtime.block_on(self.in_process(&file)),
            }
        })?;
        println!(
            "system under test: load serve (sqlite), each sender online and given every message"
        );
        let what = format!("P7 one conversation, {} senders, WebSocket", self.senders);
        Pairs::run(&what, "20,000/s", self.pairs, |side| {
            let folder = tempfile::tempdir()?;
            match side {
                Side::Control => {
                    let rate = runtime
                        .block_on(sample.insert(&folder.path().join("p7.db"), self.senders))?;
                    Ok(Figure {
                        rate,
                        note: String::new(),
                    })
                }
                Side::Ours => self.remote(folder.path()),
            }
        })
        .map(drop)
    }

    async fn in_process(&self, file: &std::path::Path) -> io::Result<Figure> {
        let url = format!("sqlite://{}", file.display());
        let im = serve::builder(&url).await?.limits(serve::limits(0)).build();
        let client_id = ClientId::new("create").map_err(io::Error::other)?;
        let create = CreateConversation::group(client_id, (1..self.senders).map(user));
        let view = im
            .call(&Actor::user(user(0)), create)
            .await
            .map_err(io::Error::other)?;
        let next = Arc::new(AtomicUsize::new(0));
        let costs = Costs::begin(None);
        let begin = Instant::now();
        let senders: Vec<_> = (0..self.senders)
            .map(|place| {
                let (im, next, options) = (im.clone(), next.clone(), self.clone());
                tokio::spawn(async move { options.send(im, view.conversation, place, &next).await })
            })
            .collect();
        let (mut latency, mut acked) = (histogram(), Vec::new());
        for sender in senders {
            let (one, more) = sender.await.map_err(io::Error::other)??;
            latency.add(one).map_err(io::Error::other)?;
            acked.extend(more);
        }
        let span = begin.elapsed();
        let note = format!(
            "{}; {}",
            costs.end(None, self.messages as u64),
            percentiles(&latency)
        );
        acked.sort();
        let log = read_log(&im, &Actor::user(user(0)), view.conversation).await?;
        if log[1..] != acked || acked.len() != self.messages {
            return Err(io::Error::other(format!(
                "LOSS: {} acks, {} entries",
                acked.len(),
                log.len() - 1
            )));
        }
        Ok(Figure {
            rate: self.messages as f64 / span.as_secs_f64(),
            note,
        })
    }

    async fn send(
        &self,
        im: Im,
        conversation: ConversationId,
        place: usize,
        next: &AtomicUsize,
    ) -> io::Result<(Histogram<u64>, Vec<(Seq, ClientId)>)> {
        let (mut latency, mut acked) = (histogram(), Vec::new());
        let (actor, text) = (Actor::user(user(place)), "x".repeat(self.text));
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.messages {
                return Ok((latency, acked));
            }
            let begin = Instant::now();
            let message = SendMessage::new(
                conversation,
                ClientId::new(format!("c{number}")).map_err(io::Error::other)?,
                Content::text(text.clone()),
            );
            let sent = im.call(&actor, message).await.map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            acked.push((sent.seq, sent.client_id));
        }
    }

    fn remote(&self, folder: &std::path::Path) -> io::Result<Figure> {
        let server = serve::start_ours(Some(folder), 0)?;
        let mut line = Line::open(server.address, "u0", "setup")?;
        let members: Vec<_> = (1..self.senders).map(|place| format!("u{place}")).collect();
        let create = json!({"client_id": "create", "name": "hot", "members": members});
        let view = line.call("conversation.create", &create)?;
        let group = view["conversation"].as_str().unwrap_or_default().to_owned();
        drop(line);
        let mut swarm = Swarm::new(server.address, true)?;
        let mut script = Chatter::new(self, group);
        swarm.open(self.senders, self.senders, &mut script)?;
        let costs = Costs::begin(Some(&server));
        let begin = Instant::now();
        for place in 0..self.senders {
            let mut bytes = Vec::new();
            script.say(place, &mut bytes);
            swarm.send(place, &bytes)?;
        }
        let mut since = (Instant::now(), 0);
        while !script.is_complete() {
            swarm.turn(std::time::Duration::from_millis(100), &mut script)?;
            if script.arrived > since.1 {
                since = (Instant::now(), script.arrived);
            }
            if script.wrong.is_some() || swarm.lost > 0 || since.0.elapsed().as_secs() > 20 {
                return Err(io::Error::other(format!(
                    "LOSS: {} acks, {} deliveries, {} connections lost; {:?}",
                    script.acks, script.arrived, swarm.lost, script.wrong
                )));
            }
        }
        let span = begin.elapsed();
        let note = format!(
            "{}; {}",
            costs.end(Some(&server), self.remote_messages as u64),
            percentiles(&script.latency)
        );
        Ok(Figure {
            rate: self.remote_messages as f64 / span.as_secs_f64(),
            note,
        })
    }
}

/// Everybody says the next thing when the last one is acknowledged, and hears all in order.
struct Chatter {
    acks: usize,
    arrived: usize,
    begun: Vec<Instant>,
    group: String,
    latency: Histogram<u64>,
    messages: usize,
    said: usize,
    /// The next seq for each.
    next: Vec<u64>,
    /// Where the seq stands in a push: what is before it is always as long.
    seq_at: Option<usize>,
    text: String,
    wrong: Option<String>,
}

impl Chatter {
    fn new(options: &Hot, group: String) -> Self {
        Self {
            acks: 0,
            arrived: 0,
            begun: vec![Instant::now(); options.senders],
            group,
            latency: histogram(),
            messages: options.remote_messages,
            said: 0,
            next: vec![2; options.senders],
            seq_at: None,
            text: "x".repeat(options.text),
            wrong: None,
        }
    }

    /// The seq of a push, without parsing what is around it.
    fn seq(&mut self, payload: &[u8]) -> Option<u64> {
        const KEY: &[u8] = b"\"seq\":";
        if self.seq_at.is_none() {
            let found = payload.windows(KEY.len()).position(|part| part == KEY);
            self.seq_at = found.map(|key| key + KEY.len());
        }
        let digits = payload.get(self.seq_at?..)?;
        let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |seq, digit| seq * 10 + u64::from(digit - b'0')))
    }

    fn is_complete(&self) -> bool {
        self.acks == self.messages && self.arrived == self.messages * self.next.len()
    }

    fn say(&mut self, place: usize, out: &mut Vec<u8>) {
        if self.said == self.messages {
            return;
        }
        self.said += 1;
        self.begun[place] = Instant::now();
        let (group, said, text) = (&self.group, self.said, &self.text);
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"message.send","params":{{"conversation":"{group}","client_id":"c{said}","content":{{"kind":"text","text":"{text}"}}}}}}"#
        );
        frames::append(TEXT, request.as_bytes(), out);
    }
}

impl Script for Chatter {
    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        let payload = frame.payload;
        if payload.starts_with(br#"{"jsonrpc":"2.0","method":"message.stored""#) {
            let expected = self.next[peer];
            if self.seq(payload) != Some(expected) {
                let text = String::from_utf8_lossy(payload);
                self.wrong.get_or_insert(format!(
                    "peer {peer} expected seq {expected} and got {text}"
                ));
            }
            self.next[peer] += 1;
            self.arrived += 1;
        } else if payload.starts_with(br#"{"jsonrpc":"2.0","id":1,"result""#) {
            self.latency
                .saturating_record(self.begun[peer].elapsed().as_nanos() as u64);
            self.acks += 1;
            self.say(peer, out);
        } else if payload.starts_with(br#"{"jsonrpc":"2.0","id":0,"result""#) {
            return Step::Done;
        } else {
            self.wrong
                .get_or_insert(String::from_utf8_lossy(payload).into_owned());
        }
        Step::On
    }
}
