//! P16: two nodes over Redis: how much longer a message takes from one to the other than within one, and how many letters
//! go between them in a second. Needs a PostgreSQL and a Redis, as `tests/run --with-servers` brings them up.

use std::{
    env, io, thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::process::Server;

use crate::{
    durable::runtime,
    letters::Letters,
    line::Line,
    marker,
    report::{Costs, Side, histogram},
    serve,
    spans::{Goal, Spans, compare},
};

/// Two nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Nodes {
    /// Messages per second, on a fixed schedule, one at a time
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Messages of each run
    #[arg(long, default_value_t = 600)]
    messages: u64,
    /// Letters in each run
    #[arg(long, default_value_t = 500_000)]
    letters: u64,
    /// Bytes in each letter
    #[arg(long, default_value_t = 400)]
    bytes: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| {
        let own = env::args().next().unwrap_or_default();
        io::Error::other(format!(
            "{name} is not set; run `tests/run --with-servers {own} p16`"
        ))
    })
}

impl Nodes {
    pub(crate) fn run(&self) -> io::Result<()> {
        let redis = variable("IM_TEST_REDIS_URL")?;
        let postgres = variable("IM_TEST_POSTGRES_URL")?;
        println!(
            "system under test: load serve on PostgreSQL, twice over Redis; control: once, alone"
        );
        self.messages(&redis, &postgres)?;
        println!(
            "system under test: the bus of im-store; control: pipelined PUBLISH, as many at once"
        );
        let letters = Letters {
            bytes: self.bytes.max(16),
            letters: self.letters,
            redis,
        };
        letters.run(self.pairs)
    }

    fn messages(&self, redis: &str, postgres: &str) -> io::Result<()> {
        let (alone, shared) = (Database::create(postgres)?, Database::create(postgres)?);
        let one = serve::start(&["serve", "--store", &alone.url])?;
        let prefix = format!("load-{}", uuid::Uuid::new_v4().simple());
        let start = || {
            serve::start(&[
                "serve",
                "--store",
                &shared.url,
                "--redis",
                redis,
                "--redis-prefix",
                &prefix,
            ])
        };
        let (a, b) = (start()?, start()?);
        let mut within = Pair::open(&one, &one)?;
        let mut across = Pair::open(&a, &b)?;
        for (what, saying) in [("durable", Saying::Message), ("typing", Saying::Typing)] {
            // A warm-up of both.
            within.talk(self, &one, saying)?;
            across.talk(self, &a, saying)?;
            let what = format!("P16 from one node to another, {what}");
            compare(
                &what,
                Goal::Extra(1_000_000),
                self.pairs,
                |side| match side {
                    Side::Control => within.talk(self, &one, saying),
                    Side::Ours => across.talk(self, &a, saying),
                },
            )?;
        }
        Ok(())
    }
}

/// Somebody who speaks and somebody who hears it.
struct Pair {
    conversation: String,
    from: Line,
    said: u64,
    to: Line,
}

impl Pair {
    fn open(here: &Server, there: &Server) -> io::Result<Self> {
        let mut from = Line::open(here.address, "alice", "d")?;
        let to = Line::open(there.address, "bob", "d")?;
        let conversation = from.direct("bob")?;
        Ok(Self {
            conversation,
            from,
            said: 0,
            to,
        })
    }

    /// Everything that is said is heard, in order, once: what comes next is what was said last.
    fn talk(&mut self, options: &Nodes, server: &Server, saying: Saying) -> io::Result<Spans> {
        let (mut latency, begin) = (histogram(), Instant::now());
        let costs = Costs::begin(Some(server));
        for number in 0..options.messages {
            self.said += 1;
            let text = marker::text(self.said, 150);
            let (method, params, push) = self.ask(saying, &text);
            let due = begin + Duration::from_nanos(number * 1_000_000_000 / options.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let id = self.from.request(method, &params)?;
            let heard = loop {
                let mut heard = self.to.next()?;
                if heard["method"] == push {
                    break heard["params"].take();
                }
            };
            latency.saturating_record(due.elapsed().as_nanos() as u64);
            if saying == Saying::Message && heard["body"]["content"]["text"] != *text {
                let detail = format!("LOSS: {text} was said, and {heard} heard");
                return Err(io::Error::other(detail));
            }
            self.from.reply(id)?;
        }
        // Who only listens is taken for gone.
        self.to.call("session.ping", &json!({}))?;
        Ok(Spans {
            latency,
            note: costs.end(Some(server), options.messages),
        })
    }

    /// What to ask for, and what the other is told then.
    fn ask(&self, saying: Saying, text: &str) -> (&'static str, Value, &'static str) {
        let conversation = &self.conversation;
        match saying {
            Saying::Message => {
                let content = json!({"kind": "text", "text": text});
                let client_id = format!("c{}", self.said);
                let message = json!({"conversation": conversation, "client_id": client_id, "content": content});
                ("message.send", message, "message.stored")
            }
            Saying::Typing => {
                let typing = json!({"conversation": conversation});
                ("conversation.typing", typing, "typing.changed")
            }
        }
    }
}

/// What is said.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Saying {
    Message,
    /// Nothing that is stored.
    Typing,
}

/// A database of our own, that is removed in the end.
struct Database {
    admin_url: String,
    name: String,
    url: String,
}

impl Database {
    fn create(admin_url: &str) -> io::Result<Self> {
        let name = format!("load_{}", uuid::Uuid::new_v4().simple());
        execute(admin_url, format!("CREATE DATABASE {name}"))?;
        let (server, _) = admin_url.rsplit_once('/').unwrap_or((admin_url, ""));
        Ok(Self {
            admin_url: admin_url.to_owned(),
            url: format!("{server}/{name}"),
            name,
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let remove = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(error) = execute(&self.admin_url, remove) {
            eprintln!("{} could not be removed: {error}", self.name);
        }
    }
}

fn execute(url: &str, sql: String) -> io::Result<()> {
    runtime()?
        .block_on(async {
            let mut connection = PgConnection::connect(url).await?;
            let done = sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await;
            done.map(drop)
        })
        .map_err(|error: sqlx::Error| io::Error::other(error))
}
