//! What all ports of a SQL store share: connections to write with, a pool to read with, and the heads that are known.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use im_core::{ConversationId, Epoch, Seq};
use sea_orm::{DatabaseConnection, QueryResult};
use tokio::{sync, time::timeout};

use super::{
    block::Blocks,
    connection::{Connection, Idle, Value},
    dialect::{Dialect, Texts},
    error::{Meaning, SqlError},
    figures::Counts,
    readers::Readers,
};

/// How often a transaction that was undone is tried again.
pub(super) const ATTEMPTS: u32 = 10;

/// A connection to a server that nobody used for so long is asked whether it is still there. What restarts mostly takes longer,
/// so that what was quiet meanwhile fails nobody.
const QUIET: Duration = Duration::from_secs(1);

/// How long it may take to answer that. Behind a firewall that forgot the connection nothing answers ever.
const THERE: Duration = Duration::from_secs(1);

pub(super) struct Core {
    pub(super) texts: Arc<Texts>,
    pub(super) heads: Heads,
    pub(super) blocks: Blocks,
    pub(super) counts: Counts,
    pub(super) patience: Duration,
    pub(super) epoch: AtomicU64,
    /// How connections are made.
    pool: DatabaseConnection,
    /// Group commits.
    commits: Slot,
    /// Everything else that is written; `None` where the database lets one connection write at a time anyway.
    others: Option<Slot>,
    /// `None`: a database in memory is read through its one writer, because its connections share locks, not pages.
    readers: Option<Readers>,
}

type Slot = sync::Mutex<Option<Idle>>;

/// What a transaction does while a connection is lent to it.
pub(super) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, SqlError>> + Send + 'c>>;

/// Says that what is worked on (`'w`) outlives the loan of the connection (`'c`), which a closure cannot say otherwise.
pub(super) type Outlives<'c, 'w> = [&'c &'w (); 0];

impl Core {
    pub(super) fn new(
        pool: DatabaseConnection,
        (dialect, epoch): (Dialect, Epoch),
        patience: Duration,
        blocks: Blocks,
        readers: Option<Readers>,
    ) -> Self {
        Self {
            texts: Arc::new(Texts::new(dialect)),
            heads: Heads::default(),
            blocks,
            counts: Counts::default(),
            patience,
            epoch: AtomicU64::new(epoch.0),
            pool,
            commits: Slot::default(),
            others: (dialect != Dialect::Sqlite).then(Slot::default),
            readers,
        }
    }

    /// Whoever commits groups waits here for its connection.
    pub(super) async fn committing(&self) -> Result<Turn<'_>, SqlError> {
        self.turn(&self.commits).await
    }

    /// Whoever writes anything else waits here.
    pub(super) async fn writing(&self) -> Result<Turn<'_>, SqlError> {
        self.turn(self.others.as_ref().unwrap_or(&self.commits))
            .await
    }

    async fn turn<'s>(&self, slot: &'s Slot) -> Result<Turn<'s>, SqlError> {
        let mut slot = slot.lock().await;
        let connecting = self.connect(slot.take());
        let connected = timeout(self.patience, connecting).await;
        Ok(Turn {
            slot,
            connection: Some(connected.map_err(|_| SqlError::Timeout)??),
        })
    }

    /// The connection that was there, or another one when it is not there any more.
    async fn connect(&self, idle: Option<Idle>) -> Result<Connection, SqlError> {
        if let Some(Idle {
            mut connection,
            since,
        }) = idle
        {
            let is_server = self.texts.dialect != Dialect::Sqlite;
            if !is_server || since.elapsed() < QUIET {
                return Ok(connection);
            }
            if let Ok(Ok(())) = timeout(THERE, connection.ping()).await {
                return Ok(connection);
            }
        }
        let connection = Connection::open(&self.pool, Arc::clone(&self.texts)).await?;
        // What answers now may know less.
        self.heads.clear();
        Ok(connection)
    }

    /// Writes in a transaction of its own, again when it was undone.
    pub(super) async fn transaction<'w, T>(
        &self,
        work: impl for<'c> Fn(&'c mut Connection, Outlives<'c, 'w>) -> Work<'c, T> + Send + Sync,
    ) -> Result<T, SqlError> {
        let mut attempt = 1;
        loop {
            let mut turn = self.writing().await?;
            turn.connection().begin().await?;
            let outcome = work(turn.connection(), []).await;
            if let Some(done) = turn.end(outcome, attempt).await? {
                return Ok(done);
            }
            attempt += 1;
        }
    }

    /// Writes with one statement, which is a transaction by itself, again when it was undone. Returns how many rows it
    /// touched.
    pub(super) async fn write(
        &self,
        text: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, SqlError> {
        let mut attempt = 1;
        loop {
            let mut turn = self.writing().await?;
            let outcome = turn.connection().execute(text, 1, values).await;
            let meaning = outcome.as_ref().map_err(SqlError::meaning).err();
            if meaning != Some(Meaning::Broken) {
                // Before the pause, in which others write.
                turn.keep();
            }
            if meaning != Some(Meaning::Undone) || attempt == ATTEMPTS {
                return outcome;
            }
            pause(attempt).await;
            attempt += 1;
        }
    }

    /// Reads, outside of any transaction, with a statement whose repeated part stands `count` times.
    pub(super) async fn query(
        &self,
        text: &'static str,
        count: usize,
        values: &[Value<'_>],
    ) -> Result<Vec<QueryResult>, SqlError> {
        let reading = async {
            let Some(readers) = &self.readers else {
                let mut turn = self.writing().await?;
                let rows = turn.connection().query(text, count, values).await?;
                turn.keep();
                return Ok(rows);
            };
            let _turn = readers.turn().await;
            let mut connection = readers.connect(|idle| self.connect(idle)).await?;
            let rows = connection.query(text, count, values).await?;
            readers.keep(connection);
            Ok(rows)
        };
        let began = Instant::now();
        let read = timeout(self.patience, reading).await;
        self.counts.read_times.add_time(began.elapsed());
        read.map_err(|_| SqlError::Timeout)?
    }
}

/// The exclusive use of a connection. Unless [`keep`](Self::keep) is called the connection is closed in the end: after
/// an error, or when the caller goes away in the middle, nobody knows what state it is in.
pub(super) struct Turn<'s> {
    slot: sync::MutexGuard<'s, Option<Idle>>,
    connection: Option<Connection>,
}

impl Turn<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("present until it is kept")
    }

    /// Gives the connection back for the next one.
    pub(super) fn keep(mut self) {
        *self.slot = self.connection.take().map(Idle::from);
    }

    /// Ends a transaction: commits, or takes everything back. `None` when it was undone and should be tried again.
    pub(super) async fn end<T>(
        mut self,
        outcome: Result<T, SqlError>,
        attempt: u32,
    ) -> Result<Option<T>, SqlError> {
        let outcome = match outcome {
            Ok(value) => match self.connection().command("COMMIT").await {
                Ok(()) => Ok(value),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match outcome {
            Ok(value) => {
                self.keep();
                Ok(Some(value))
            }
            Err(error) if error.meaning() == Meaning::Broken => Err(error),
            Err(error) => {
                self.connection().command("ROLLBACK").await?;
                self.keep();
                if error.meaning() == Meaning::Undone && attempt < ATTEMPTS {
                    pause(attempt).await;
                    return Ok(None);
                }
                Err(error)
            }
        }
    }
}

/// Lets the other transaction finish; each process waits for another time, so that two do not meet for ever.
pub(super) async fn pause(attempt: u32) {
    let spread = u64::from(std::process::id() % 7);
    tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 3 + spread)).await;
}

/// Seqs that are known to be in the log, by conversation.
///
/// An append after seq `n` may be stored only if entry `n` is: then by induction no log ever has a hole. Entries are
/// never deleted, so what was seen once is a proof for ever, and a plain send needs no look into the database. Only a
/// database that lost commits it had acknowledged (a fail-over to a lagging replica) breaks the proof; that cannot
/// happen without breaking the connection, and then everything is forgotten.
#[derive(Default)]
pub(super) struct Heads {
    generations: Mutex<Generations>,
}

/// What was used lately is in `young`; when that is full it becomes `old`, and what was `old` is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<ConversationId, Seq>,
    old: HashMap<ConversationId, Seq>,
}

impl Heads {
    /// Conversations per generation, about 2 MiB each.
    const MOST: usize = 65_536;

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The last seq that is known to exist.
    pub(super) fn known(&self, conversation: ConversationId) -> Seq {
        let generations = self.lock();
        let young = generations.young.get(&conversation);
        let known = young.or_else(|| generations.old.get(&conversation));
        known.copied().unwrap_or_default()
    }

    /// Notes entries that are durable.
    pub(super) fn note(&self, heads: impl IntoIterator<Item = (ConversationId, Seq)>) {
        let mut generations = self.lock();
        for (conversation, seq) in heads {
            if generations.young.len() >= Self::MOST {
                generations.old = std::mem::take(&mut generations.young);
            }
            let known = generations.young.entry(conversation).or_default();
            *known = seq.max(*known);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.lock() = Generations::default();
    }
}
