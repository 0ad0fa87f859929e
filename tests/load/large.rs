//! P9: a group of 100,000, all of them offline, against a group of 100 in the same database: what is done in it costs the
//! same. Rates are per second of processor time, so that the disk, which both wait for alike, hides nothing.

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
use im_core::{
    Actor, AddMembers, ClientId, Content, ConversationId, CreateConversation, Im, JoinGroup,
    Joining, LeaveGroup, ListMembers, SendMessage, Seq, TrustEveryone, UserId,
};
use im_store::SqlStore;
use tests::process::Usage;

use crate::{
    durable::{read_log_after, runtime},
    report::{Figure, Pairs, Side},
    serve,
};

/// A large group.
#[derive(Args, Clone, Debug)]
pub(crate) struct Large {
    /// Members of the large group
    #[arg(long, default_value_t = 100_000)]
    members: usize,
    /// Members of the small one, which is the control
    #[arg(long, default_value_t = 100)]
    small: usize,
    /// Members who send, each with one message in flight; or join and leave
    #[arg(long, default_value_t = 64)]
    senders: usize,
    /// Messages in each run
    #[arg(long, default_value_t = 40_000)]
    messages: usize,
    /// Users who join and leave again in each run
    #[arg(long, default_value_t = 2_000)]
    joins: usize,
    /// Pages of 50 members in each run
    #[arg(long, default_value_t = 10_000)]
    pages: usize,
    /// First messages in each run of engines that know nothing of the group yet
    #[arg(long, default_value_t = 2_000)]
    starts: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

/// Members whom one request adds.
const AT_ONCE: usize = 1_000;
/// Members in a page.
const PAGE: usize = 50;
/// Other conversations in the database.
const OTHERS: usize = 64;

/// The ids of members in the order of their bytes.
fn member(place: usize) -> UserId {
    UserId::new(format!("m{place:06}")).expect("a valid id")
}

fn key(text: String) -> ClientId {
    ClientId::new(text).expect("a valid id")
}

/// The two groups.
struct House {
    im: Im,
    large: Group,
    small: Group,
    store: SqlStore,
}

#[derive(Clone, Copy)]
struct Group {
    id: ConversationId,
    members: usize,
}

impl Large {
    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = runtime()?;
        let folder = tempfile::tempdir()?;
        let house = runtime.block_on(self.house(&folder.path().join("p9.db")))?;
        println!(
            "system under test: the library in process on SQLite; control: the same in a group of {}",
            self.small
        );
        let mut run = 0;
        let mut measure = |what: &str, goal: &str, doing: Doing| {
            let what = format!("P9 {what}, per second of CPU, {} members", self.members);
            Pairs::run(&what, goal, self.pairs, |side| {
                run += 1;
                runtime.block_on(self.measured(&house, side, doing, run))
            })
            .map(drop)
        };
        measure("sends", "a ratio of 1/1.2 = 0.83", Doing::Sends)?;
        measure("joins and leaves", "0.83", Doing::Joins)?;
        measure("pages of members", "0.83", Doing::Pages)?;
        measure("first sends of an engine", "0.83", Doing::Starts)
    }

    async fn house(&self, file: &Path) -> io::Result<House> {
        let url = format!("sqlite://{}", file.display());
        let store = SqlStore::open(&url).await.map_err(io::Error::other)?;
        let im = engine(&store);
        // In an index the last conversation takes a new entry at less cost than all others: neither group is it.
        for place in 0..OTHERS {
            self.group(&im, &format!("other{place}"), self.small)
                .await?;
        }
        let small = self.group(&im, "small", self.small).await?;
        let begin = Instant::now();
        let large = self.group(&im, "large", self.members).await?;
        println!(
            "a group of {} made in {:.1} s, {AT_ONCE} members in a request",
            self.members,
            begin.elapsed().as_secs_f64()
        );
        Ok(House {
            im,
            large,
            small,
            store,
        })
    }

    async fn group(&self, im: &Im, name: &str, members: usize) -> io::Result<Group> {
        let owner = Actor::user(member(0));
        let create = CreateConversation {
            joining: Joining::Open,
            ..CreateConversation::group(key(name.to_owned()), [])
        };
        let view = im.call(&owner, create).await.map_err(io::Error::other)?;
        let id = view.conversation;
        let places: Vec<usize> = (1..members).collect();
        for (batch, places) in places.chunks(AT_ONCE).enumerate() {
            let add = AddMembers {
                conversation: id,
                client_id: key(format!("add{batch}")),
                users: places.iter().copied().map(member).collect(),
            };
            im.call(&owner, add).await.map_err(io::Error::other)?;
        }
        Ok(Group { id, members })
    }

    async fn measured(
        &self,
        house: &House,
        side: Side,
        doing: Doing,
        run: usize,
    ) -> io::Result<Figure> {
        let group = match side {
            Side::Control => house.small,
            Side::Ours => house.large,
        };
        let round = Arc::new(Round {
            group,
            im: house.im.clone(),
            next: AtomicUsize::new(0),
            options: self.clone(),
            run,
        });
        match doing {
            Doing::Sends => round.send().await,
            Doing::Joins => round.join_and_leave().await,
            Doing::Pages => round.list().await,
            Doing::Starts => round.start(&house.store).await,
        }
    }
}

/// An engine that knows nothing yet.
fn engine(store: &SqlStore) -> Im {
    Im::builder(store.clone(), TrustEveryone)
        .limits(serve::limits(0))
        .build()
}

/// What something takes.
struct Meter {
    before: Usage,
    begin: Instant,
}

impl Meter {
    fn begin() -> Self {
        Self {
            before: Usage::own(),
            begin: Instant::now(),
        }
    }

    fn end(&self, count: usize) -> Figure {
        let (now, span) = (Usage::own(), self.begin.elapsed());
        let cpu = now.cpu_since(&self.before).as_secs_f64();
        let written = now.written_bytes - self.before.written_bytes;
        let each = |seconds: f64| seconds * 1e6 / count as f64;
        Figure {
            rate: count as f64 / cpu.max(0.001),
            note: format!(
                "{:.1} us CPU and {} bytes written each, one each {:.1} us; process {} MiB",
                each(cpu),
                written / count as u64,
                each(span.as_secs_f64()),
                now.rss_bytes >> 20,
            ),
        }
    }
}

/// What is measured.
#[derive(Clone, Copy)]
enum Doing {
    Joins,
    Pages,
    Sends,
    Starts,
}

/// One run on one side.
struct Round {
    group: Group,
    im: Im,
    next: AtomicUsize,
    options: Large,
    run: usize,
}

impl Round {
    /// Sends from several members at once. Every message is in the log, once.
    async fn send(self: &Arc<Self>) -> io::Result<Figure> {
        let before = self.head().await?;
        let meter = Meter::begin();
        let senders = (0..self.options.senders).map(|place| {
            let round = self.clone();
            tokio::spawn(async move { round.send_as(member(place % round.group.members)).await })
        });
        let senders: Vec<_> = senders.collect();
        let mut acked = Vec::new();
        for sender in senders {
            acked.extend(sender.await.map_err(io::Error::other)??);
        }
        let figure = meter.end(acked.len());
        acked.sort();
        let owner = Actor::user(member(0));
        let log = read_log_after(&self.im, &owner, self.group.id, before).await?;
        if log != acked || acked.len() != self.options.messages {
            let (found, acked) = (log.len(), acked.len());
            return Err(lost(&format!("{acked} acks, {found} entries")));
        }
        Ok(figure)
    }

    async fn send_as(&self, user: UserId) -> io::Result<Vec<(Seq, ClientId)>> {
        let (actor, mut acked) = (Actor::user(user), Vec::new());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.options.messages {
                return Ok(acked);
            }
            let client_id = key(format!("c{}-{number}", self.run));
            let text = Content::text("x".repeat(150));
            let message = SendMessage::new(self.group.id, client_id, text);
            let sent = self.im.call(&actor, message).await;
            let sent = sent.map_err(io::Error::other)?;
            acked.push((sent.seq, sent.client_id));
        }
    }

    /// Has users of no group join and leave. The number of members rises and falls with it.
    async fn join_and_leave(&self) -> io::Result<Figure> {
        let (conversation, run) = (self.group.id, self.run);
        let meter = Meter::begin();
        for place in 0..self.options.joins {
            let actor = Actor::user(member(900_000 + place));
            let client_id = key(format!("j{run}-{place}"));
            let join = JoinGroup {
                conversation,
                client_id,
            };
            self.im.call(&actor, join).await.map_err(io::Error::other)?;
        }
        self.expect_members(self.options.joins).await?;
        for place in 0..self.options.joins {
            let actor = Actor::user(member(900_000 + place));
            let client_id = key(format!("l{run}-{place}"));
            let leave = LeaveGroup {
                conversation,
                client_id,
            };
            self.im
                .call(&actor, leave)
                .await
                .map_err(io::Error::other)?;
        }
        let figure = meter.end(self.options.joins * 2);
        self.expect_members(0).await?;
        Ok(figure)
    }

    async fn expect_members(&self, more: usize) -> io::Result<()> {
        let view = self.view().await?;
        let (found, expected) = (view.info.member_count as usize, self.group.members + more);
        if found == expected {
            return Ok(());
        }
        Err(lost(&format!("{found} members instead of {expected}")))
    }

    /// Lists members, from all over the group. Each page holds those who follow.
    async fn list(&self) -> io::Result<Figure> {
        let owner = Actor::user(member(0));
        let places = self.group.members - PAGE;
        let meter = Meter::begin();
        for page in 0..self.options.pages {
            // As good as random, and the same in every run.
            let place = page * 7_919 % places;
            let ask = ListMembers {
                conversation: self.group.id,
                after: Some(member(place)),
                limit: Some(PAGE as u32),
            };
            let page = self.im.call(&owner, ask).await.map_err(io::Error::other)?;
            let users = page.items.into_iter().map(|member| member.user);
            if !users.eq((place + 1..=place + PAGE).map(member)) {
                return Err(lost(&format!("the page after {place} is wrong")));
            }
        }
        Ok(meter.end(self.options.pages))
    }

    /// Has engines that know nothing of the group send one message each.
    async fn start(&self, store: &SqlStore) -> io::Result<Figure> {
        let mut head = self.head().await?;
        let meter = Meter::begin();
        for number in 0..self.options.starts {
            let client_id = key(format!("s{}-{number}", self.run));
            let message = SendMessage::new(self.group.id, client_id, Content::text("first"));
            let sent = engine(store).call(&Actor::user(member(1)), message).await;
            let sent = sent.map_err(io::Error::other)?;
            if sent.seq != head.next() {
                return Err(lost(&format!("{:?} after {head:?}", sent.seq)));
            }
            head = sent.seq;
        }
        Ok(meter.end(self.options.starts))
    }

    async fn head(&self) -> io::Result<Seq> {
        Ok(self.view().await?.head.seq)
    }

    async fn view(&self) -> io::Result<im_core::ConversationView> {
        let ask = im_core::GetConversation {
            conversation: self.group.id,
        };
        let owner = Actor::user(member(0));
        self.im.call(&owner, ask).await.map_err(io::Error::other)
    }
}

fn lost(what: &str) -> io::Error {
    io::Error::other(format!("LOSS: {what}"))
}
