//! P4: durable sends to many conversations. The engine runs in this process; the control inserts the same rows.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::Args;
use im_core::{Actor, ClientId, Content, ConversationId, History, Im, SendMessage, Seq, UserId};
use tokio::{runtime::Runtime, sync::Mutex};

use crate::{
    report::{Costs, Figure, Pairs, Side, histogram, percentiles},
    serve,
    sql::Sample,
};

/// Durable sends to many conversations.
#[derive(Args, Clone, Debug)]
pub(crate) struct Durable {
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Senders, each with one message in flight
    #[arg(long, default_value_t = 1_024)]
    senders: usize,
    /// Messages in each run
    #[arg(long, default_value_t = 150_000)]
    messages: usize,
    /// Rows in one commit of the control; what the store takes at most while more than twice as many senders wait
    #[arg(long, default_value_t = 512)]
    batch: usize,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn user(name: &str, place: usize) -> UserId {
    UserId::new(format!("{name}{place}")).expect("a valid id")
}

impl Durable {
    /// As many messages in as many conversations as somebody else needs.
    pub(crate) fn of(conversations: usize, messages: usize) -> Self {
        Self {
            conversations,
            senders: 1_024,
            messages,
            batch: 512,
            text: 150,
            pairs: 1,
        }
    }

    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = runtime()?;
        let folder = tempfile::tempdir()?;
        // The first run is a warm-up. Its rows are what the control inserts.
        let warm_up = folder.path().join("warm-up.db");
        runtime.block_on(self.ours(&warm_up))?;
        let sample = runtime.block_on(Sample::read(&warm_up, self.messages))?;
        println!(
            "system under test: the library in process, {} conversations, {} senders; control: {} rows per commit",
            self.conversations, self.senders, self.batch
        );
        let mut run = 0;
        Pairs::run(
            "P4 durable sends, SQLite",
            "0.85 and 40,000/s",
            self.pairs,
            |side| {
                run += 1;
                let folder = tempfile::tempdir()?;
                let file = folder.path().join(format!("{run}.db"));
                match side {
                    Side::Control => {
                        let costs = Costs::begin(None);
                        let rate = runtime.block_on(sample.insert(&file, self.batch))?;
                        Ok(Figure {
                            rate,
                            note: costs.end(None, self.messages as u64),
                        })
                    }
                    Side::Ours => runtime.block_on(self.ours(&file)),
                }
            },
        )
        .map(drop)
    }

    /// Sends all messages to a new database.
    pub(crate) async fn ours(&self, file: &Path) -> io::Result<Figure> {
        let url = format!("sqlite://{}", file.display());
        let im = serve::builder(&url).await?.limits(serve::limits(0)).build();
        let mut conversations = Vec::new();
        for place in 0..self.conversations {
            conversations.push(
                im.direct(user("a", place), user("b", place))
                    .await
                    .map_err(io::Error::other)?,
            );
        }
        let shared = Arc::new(Shared {
            im: im.clone(),
            acked: self.conversations_empty(),
            conversations,
            next: AtomicUsize::new(0),
            options: self.clone(),
        });
        let costs = Costs::begin(None);
        let begin = Instant::now();
        let senders: Vec<_> = (0..self.senders)
            .map(|_| tokio::spawn(shared.clone().send()))
            .collect();
        let mut latency = histogram();
        for sender in senders {
            let one = sender.await.map_err(io::Error::other)??;
            latency.add(one).map_err(io::Error::other)?;
        }
        let span = begin.elapsed();
        let note = format!(
            "{}; {}",
            costs.end(None, self.messages as u64),
            percentiles(&latency)
        );
        shared.audit().await?;
        Ok(Figure {
            rate: self.messages as f64 / span.as_secs_f64(),
            note,
        })
    }

    fn conversations_empty(&self) -> Vec<Mutex<Vec<(Seq, ClientId)>>> {
        (0..self.conversations).map(|_| Mutex::default()).collect()
    }
}

struct Shared {
    /// What was acknowledged, by conversation.
    acked: Vec<Mutex<Vec<(Seq, ClientId)>>>,
    conversations: Vec<ConversationId>,
    im: Im,
    next: AtomicUsize,
    options: Durable,
}

impl Shared {
    async fn send(self: Arc<Self>) -> io::Result<hdrhistogram::Histogram<u64>> {
        let mut latency = histogram();
        let text = "x".repeat(self.options.text);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.options.messages {
                return Ok(latency);
            }
            let place = number % self.conversations.len();
            let begin = Instant::now();
            let message = SendMessage::new(
                self.conversations[place],
                ClientId::new(format!("c{number}")).map_err(io::Error::other)?,
                Content::text(text.clone()),
            );
            let actor = Actor::user(user("a", place));
            let sent = self
                .im
                .call(&actor, message)
                .await
                .map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            self.acked[place]
                .lock()
                .await
                .push((sent.seq, sent.client_id));
        }
    }

    /// Every message is there, once, where its sender was told.
    async fn audit(&self) -> io::Result<()> {
        let mut found = 0;
        for (place, conversation) in self.conversations.iter().enumerate() {
            let log = read_log(&self.im, &Actor::user(user("a", place)), *conversation).await?;
            let mut acked = std::mem::take(&mut *self.acked[place].lock().await);
            acked.sort();
            // The first entry begins the conversation.
            if log[1..] != acked {
                return Err(io::Error::other(format!(
                    "LOSS: conversation {place} differs from its acks"
                )));
            }
            found += acked.len();
        }
        if found != self.options.messages {
            return Err(io::Error::other(format!(
                "LOSS: {found} of {} messages",
                self.options.messages
            )));
        }
        Ok(())
    }
}

/// A whole log, as seqs and client ids, without a hole.
pub(crate) async fn read_log(
    im: &Im,
    actor: &Actor,
    conversation: ConversationId,
) -> io::Result<Vec<(Seq, ClientId)>> {
    read_log_after(im, actor, conversation, Seq::ZERO).await
}

/// What a log holds after a seq, without a hole.
pub(crate) async fn read_log_after(
    im: &Im,
    actor: &Actor,
    conversation: ConversationId,
    begin: Seq,
) -> io::Result<Vec<(Seq, ClientId)>> {
    let mut log: Vec<(Seq, ClientId)> = Vec::new();
    loop {
        let after = log.last().map_or(begin, |(seq, _)| *seq);
        let ask = History {
            after_seq: Some(after),
            limit: Some(200),
            ..History::of(conversation)
        };
        let page = im.call(actor, ask).await.map_err(io::Error::other)?;
        log.extend(
            page.items
                .into_iter()
                .map(|entry| (entry.seq, entry.client_id)),
        );
        if page.done {
            break;
        }
    }
    let hole = log
        .iter()
        .zip(begin.0 + 1..)
        .find(|((seq, _), expected)| seq.0 != *expected);
    match hole {
        Some((_, expected)) => Err(io::Error::other(format!(
            "LOSS: entry {expected} is missing"
        ))),
        None => Ok(log),
    }
}
