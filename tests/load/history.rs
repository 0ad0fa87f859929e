//! P15: pages of 50 out of a log of many, in a database of ten million messages. One request at a time: this is about how long
//! a page takes. The control reads the same rows by the same index, through sqlx and nothing else.

use std::{io, path::Path, time::Instant};

use clap::Args;
use hdrhistogram::Histogram;
use im_core::{
    Actor, ClientId, Content, ConversationId, CreateConversation, History, Im, SendMessage, Seq,
    UserId,
};
use sqlx::{Row as _, Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::{
    durable::runtime,
    report::{histogram, median, percentiles},
    serve, sql,
};

/// Pages of history.
#[derive(Args, Clone, Debug)]
pub(crate) struct Pages {
    /// Messages in the database
    #[arg(long, default_value_t = 10_000_000)]
    messages: usize,
    /// Conversations that they are spread over, one after the other
    #[arg(long, default_value_t = 1_000)]
    conversations: usize,
    /// Entries in a page
    #[arg(long, default_value_t = 50)]
    page: u32,
    /// Pages in each run, from all over
    #[arg(long, default_value_t = 20_000)]
    pages: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

const PAGE: &str = "SELECT seq, sender, client_id, ordinal, at_ms, body FROM entry \
    WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ? + 0";

/// Every conversation says its last message once more, under the next seq and an id that grows with it.
const GROW: &str = "INSERT INTO entry (conversation_id, seq, sender, client_id, ordinal, at_ms, fingerprint, body) \
    SELECT conversation_id, seq + 1, sender, printf('g%09d', seq + 1), ordinal + 1, at_ms, fingerprint, body \
    FROM entry WHERE client_id = ?";

impl Pages {
    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = runtime()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("p15.db");
        let house = runtime.block_on(self.house(&file))?;
        println!(
            "## P15 pages of {} out of {} messages (goal: p99 3x of the raw select)",
            self.page, self.messages
        );
        println!(
            "system under test: the library in process on SQLite, {} conversations of {} entries; control: the select",
            self.conversations, house.head.0
        );
        let mut control = runtime.block_on(sql::open(&file))?;
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for pair in 1..=self.pairs {
            let raw = runtime.block_on(self.control(&mut control, &house))?;
            println!("{pair:>2} control: {}", percentiles(&raw));
            let ours = runtime.block_on(self.ours(&house))?;
            println!("{pair:>2} ours   : {}", percentiles(&ours));
            let ratio = |quantile| {
                ours.value_at_quantile(quantile) as f64 / raw.value_at_quantile(quantile) as f64
            };
            p50.push(ratio(0.5));
            p99.push(ratio(0.99));
        }
        println!(
            "=> P15 ratio to the select: p50 {:.2} {p50:.2?}, p99 {:.2} {p99:.2?}; goal 3 for p99",
            median(&p50),
            median(&p99)
        );
        Ok(())
    }

    /// The conversations are begun by the engine. What is said in them is written beside it, while nobody has it open: the
    /// rows are the same, and it takes minutes less.
    async fn house(&self, file: &Path) -> io::Result<House> {
        let url = format!("sqlite://{}", file.display());
        let im = serve::builder(&url).await?.limits(serve::limits(0)).build();
        let mut conversations = Vec::new();
        for place in 0..self.conversations {
            let client_id = ClientId::new(format!("g{place}")).map_err(io::Error::other)?;
            let create = CreateConversation::group(client_id, []);
            let view = im.call(&me(), create).await.map_err(io::Error::other)?;
            // As the rows that follow name themselves.
            let client_id = ClientId::new("g000000002").map_err(io::Error::other)?;
            let text = Content::text("x".repeat(150));
            let message = SendMessage::new(view.conversation, client_id, text);
            im.call(&me(), message).await.map_err(io::Error::other)?;
            conversations.push(view.conversation);
        }
        drop(im);
        let head = Seq((self.messages / self.conversations) as u64 + 1);
        let mut database = sql::open(file).await?;
        grow(&mut database, head).await?;
        let im = serve::builder(&url).await?.limits(serve::limits(0)).build();
        Ok(House {
            conversations,
            head,
            im,
        })
    }

    async fn ours(&self, house: &House) -> io::Result<Histogram<u64>> {
        let mut latency = histogram();
        for number in 0..self.pages {
            let (conversation, before) = house.place(number);
            let ask = History {
                before_seq: Some(before),
                limit: Some(self.page),
                ..History::of(conversation)
            };
            let begin = Instant::now();
            let page = house.im.call(&me(), ask).await.map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            let seqs = page.items.iter().map(|entry| entry.seq.0);
            self.check(seqs, before)?;
        }
        Ok(latency)
    }

    async fn control(
        &self,
        database: &mut SqliteConnection,
        house: &House,
    ) -> io::Result<Histogram<u64>> {
        let mut latency = histogram();
        for number in 0..self.pages {
            let (conversation, before) = house.place(number);
            let begin = Instant::now();
            let query = sqlx::query(PAGE)
                .bind(&conversation.as_uuid().as_bytes()[..])
                .bind(before.0 as i64)
                .bind(i64::from(self.page));
            let rows = query.fetch_all(&mut *database).await;
            let rows = rows.map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            let seqs = rows.iter().rev().map(|row| row.get::<i64, _>(0) as u64);
            self.check(seqs, before)?;
        }
        Ok(latency)
    }

    fn check(&self, seqs: impl Iterator<Item = u64>, before: Seq) -> io::Result<()> {
        if seqs.eq(before.0 - u64::from(self.page)..before.0) {
            return Ok(());
        }
        let detail = format!("LOSS: the page before {} is wrong", before.0);
        Err(io::Error::other(detail))
    }
}

struct House {
    conversations: Vec<ConversationId>,
    /// Of each.
    head: Seq,
    im: Im,
}

impl House {
    /// Where a page ends: as good as anywhere, and the same in every run.
    fn place(&self, number: usize) -> (ConversationId, Seq) {
        let conversation = self.conversations[number * 7_919 % self.conversations.len()];
        let before = 60 + number as u64 * 104_729 % (self.head.0 - 60);
        (conversation, Seq(before))
    }
}

fn me() -> Actor {
    Actor::user(UserId::new("me").expect("a valid id"))
}

/// Adds messages to all conversations in turn, up to a head.
async fn grow(database: &mut SqliteConnection, head: Seq) -> io::Result<()> {
    for text in ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"] {
        execute(database, sqlx::query(text)).await?;
    }
    let mut seq = 2;
    while seq < head.0 {
        execute(database, sqlx::query("BEGIN")).await?;
        for _ in 0..100.min(head.0 - seq) {
            let grown = sqlx::query(GROW).bind(format!("g{seq:09}"));
            execute(database, grown).await?;
            seq += 1;
        }
        execute(database, sqlx::query("COMMIT")).await?;
    }
    Ok(())
}

async fn execute<'q>(
    database: &mut SqliteConnection,
    query: Query<'q, Sqlite, SqliteArguments>,
) -> io::Result<()> {
    let done = query.execute(database).await;
    done.map(drop).map_err(io::Error::other)
}
