//! P14: pages of 25 out of lists of 200 conversations. The engine runs in this process; the control reads the same rows with
//! one statement for each page, through sqlx and nothing else.

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
use hdrhistogram::Histogram;
use im_core::{
    Actor, ClientId, Content, ConversationId, ConversationPage, Im, ListConversations, SendMessage,
    UserId,
};
use sqlx::Row as _;

use crate::{
    durable::runtime,
    report::{Costs, Figure, Pairs, Side, histogram, percentiles},
    serve, sql,
};

/// Pages of the conversation list.
#[derive(Args, Clone, Debug)]
pub(crate) struct List {
    /// Users whose lists are read
    #[arg(long, default_value_t = 50)]
    users: usize,
    /// Conversations of each, with one unread message in each
    #[arg(long, default_value_t = 200)]
    conversations: usize,
    /// Conversations in a page
    #[arg(long, default_value_t = 25)]
    page: u32,
    /// Callers, each with one request in flight
    #[arg(long, default_value_t = 4)]
    callers: usize,
    /// Pages in each run
    #[arg(long, default_value_t = 20_000)]
    pages: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

/// A page of a user's rows, with the facts and the last entry of each conversation: what cannot be avoided.
const PAGE: &str = "SELECT m.conversation_id, m.role, m.since, m.delivered, m.read_seq, m.read_ordinal, m.nickname, \
    m.settings, m.version, c.info, e.seq, e.ordinal, e.at_ms, e.sender, e.client_id, e.body FROM member m \
    JOIN conversation c ON c.id = m.conversation_id \
    JOIN entry e ON e.conversation_id = m.conversation_id AND e.seq = (SELECT x.seq FROM entry x \
    WHERE x.conversation_id = m.conversation_id ORDER BY x.seq DESC LIMIT 1) \
    WHERE m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ? + 0";

fn user(name: &str, place: usize) -> UserId {
    UserId::new(format!("{name}{place}")).expect("a valid id")
}

impl List {
    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = runtime()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("p14.db");
        let url = format!("sqlite://{}", file.display());
        let im = runtime.block_on(self.house(&url))?;
        println!(
            "system under test: the library in process on SQLite, {} callers, {} users; control: one statement for each page",
            self.callers, self.users
        );
        let what = format!(
            "P14 conversation list, {} conversations, pages of {}",
            self.conversations, self.page
        );
        let goal = "10,000/s, p99 10 ms";
        Pairs::run(&what, goal, self.pairs, |side| match side {
            Side::Control => runtime.block_on(self.control(&file)),
            Side::Ours => runtime.block_on(self.ours(&im)),
        })
        .map(drop)
    }

    async fn house(&self, url: &str) -> io::Result<Im> {
        let im = serve::builder(url).await?.limits(serve::limits(0)).build();
        let mut filling = Vec::new();
        for n in 0..self.users {
            let (im, count) = (im.clone(), self.conversations);
            filling.push(tokio::spawn(async move { fill(&im, n, count).await }));
        }
        for filled in filling {
            filled.await.map_err(io::Error::other)??;
        }
        Ok(im)
    }

    async fn ours(&self, im: &Im) -> io::Result<Figure> {
        let next = Arc::new(AtomicUsize::new(0));
        self.measured(|| {
            let (im, next, options) = (im.clone(), next.clone(), self.clone());
            tokio::spawn(async move { options.call(&im, &next).await })
        })
        .await
    }

    async fn control(&self, file: &Path) -> io::Result<Figure> {
        let next = Arc::new(AtomicUsize::new(0));
        self.measured(|| {
            let (file, next, options) = (file.to_owned(), next.clone(), self.clone());
            tokio::spawn(async move { options.select(&file, &next).await })
        })
        .await
    }

    async fn measured(
        &self,
        mut caller: impl FnMut() -> tokio::task::JoinHandle<io::Result<Histogram<u64>>>,
    ) -> io::Result<Figure> {
        let (costs, begin) = (Costs::begin(None), Instant::now());
        let callers: Vec<_> = (0..self.callers).map(|_| caller()).collect();
        let mut latency = histogram();
        for caller in callers {
            let one = caller.await.map_err(io::Error::other)??;
            latency.add(one).map_err(io::Error::other)?;
        }
        let span = begin.elapsed();
        if latency.len() != self.pages as u64 {
            return Err(wrong(&format!("{} pages", latency.len())));
        }
        Ok(Figure {
            rate: self.pages as f64 / span.as_secs_f64(),
            note: format!(
                "{}; {}",
                costs.end(None, self.pages as u64),
                percentiles(&latency)
            ),
        })
    }

    /// Goes through whole lists, page by page, until all pages of the run are read.
    async fn call(&self, im: &Im, next: &AtomicUsize) -> io::Result<Histogram<u64>> {
        let (mut latency, mut n) = (histogram(), 0);
        let (mut after, mut seen) = (None, 0);
        while next.fetch_add(1, Ordering::Relaxed) < self.pages {
            let ask = ListConversations {
                after,
                limit: Some(self.page),
                which: None,
            };
            let begin = Instant::now();
            let actor = Actor::user(user("u", n % self.users));
            let page = im.call(&actor, ask).await.map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            check(&page, after)?;
            seen += page.items.len();
            after = page.next_cursor;
            if seen >= self.conversations {
                if seen > self.conversations {
                    return Err(wrong(&format!("{seen} conversations")));
                }
                (after, seen, n) = (None, 0, n + 1);
            }
        }
        Ok(latency)
    }

    async fn select(&self, file: &Path, next: &AtomicUsize) -> io::Result<Histogram<u64>> {
        let mut database = sql::open(file).await?;
        let (mut latency, mut n) = (histogram(), 0);
        let (mut after, mut seen) = (Vec::new(), 0);
        while next.fetch_add(1, Ordering::Relaxed) < self.pages {
            let user = user("u", n % self.users);
            let begin = Instant::now();
            let query = sqlx::query(PAGE)
                .bind(user.as_str())
                .bind(&after)
                .bind(i64::from(self.page));
            let rows = query.fetch_all(&mut database).await;
            let rows = rows.map_err(io::Error::other)?;
            latency.saturating_record(begin.elapsed().as_nanos() as u64);
            seen += rows.len();
            after = rows.last().map_or_else(Vec::new, |row| row.get(0));
            if seen >= self.conversations {
                (seen, n) = (0, n + 1);
                after.clear();
            }
        }
        Ok(latency)
    }
}

/// The conversations of one user, in each of which somebody else spoke last.
async fn fill(im: &Im, n: usize, count: usize) -> io::Result<()> {
    for peer in 0..count {
        let (me, other) = (user("u", n), user("p", peer));
        let chat = im.direct(me.clone(), other.clone()).await;
        let chat = chat.map_err(io::Error::other)?;
        for (sender, text) in [(me, "how are you?"), (other, "well, and you?")] {
            let client_id = ClientId::random();
            let message = SendMessage::new(chat, client_id, Content::text(text));
            let sent = im.call(&Actor::user(sender), message).await;
            sent.map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// That a page is in order, with what was said last and one unread message in each.
fn check(page: &ConversationPage, after: Option<ConversationId>) -> io::Result<()> {
    let mut before = after;
    for view in &page.items {
        let last = view.last.as_ref().and_then(|last| last.body.as_message());
        let text = last.and_then(|message| message.content.as_text());
        let is_right =
            Some(view.conversation) > before && view.unread == 1 && text == Some("well, and you?");
        if !is_right {
            return Err(wrong(&format!("{view:?} after {before:?}")));
        }
        before = Some(view.conversation);
    }
    Ok(())
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("LOSS: {what}"))
}
