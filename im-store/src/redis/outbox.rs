//! What is to be sent: a bounded queue, and one task that publishes what is in it, in order.
//!
//! While one batch is on its way the next one gathers: the more is to be sent, the more goes at once.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use fred::{
    error::Error,
    interfaces::{ClientLike as _, PubsubInterface as _},
    types::{Value, config::Options},
};
use im_core::port::{Address, BusCondition};
use tokio::sync::{Notify, oneshot};

use super::{bundle::Bundling, client::Connected, keys::Keys};

/// Messages that wait at most.
const MESSAGES: usize = 65_536;

/// Bytes that wait at most, beyond the last message.
const BYTES: usize = 64 << 20;

/// Messages, and bytes beyond the last one, that go at once.
const BATCH: (usize, usize) = (1_024, 1 << 20);

/// What is to be sent.
#[derive(Clone)]
struct Letter {
    to: Address,
    bytes: Bytes,
    /// Since when it waits.
    since: Instant,
}

/// The queue.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Rung when something waits.
    bell: Notify,
    lost: AtomicU64,
    /// How long the last message that went out had waited, in microseconds.
    lag: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Letter>,
    bytes: usize,
    /// How many messages were taken out so far.
    taken: u64,
    /// Since when the oldest of what is on its way waits.
    under_way: Option<Instant>,
    /// Who waits until so many were, and what was taken is gone.
    flushing: Vec<(u64, oneshot::Sender<()>)>,
}

impl Outbox {
    /// Puts a message into the queue; loses it where there is no room.
    pub(super) fn put(&self, to: Address, bytes: Bytes) {
        let has_room = {
            let mut waiting = self.waiting();
            let has_room = waiting.messages.len() < MESSAGES && waiting.bytes < BYTES;
            if has_room {
                waiting.bytes += bytes.len();
                let since = Instant::now();
                waiting.messages.push_back(Letter { to, bytes, since });
            }
            has_room
        };
        if has_room {
            self.bell.notify_one();
        } else {
            self.lose(1);
        }
    }

    /// Waits until what is in the queue now is gone or lost.
    pub(super) async fn flush(&self) {
        let (sender, gone) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            let last = waiting.taken + waiting.messages.len() as u64;
            waiting.flushing.push((last, sender));
        }
        self.bell.notify_one();
        let _ = gone.await;
    }

    /// How the sending goes; whether there is a connection is not known here.
    pub(super) fn condition(&self) -> BusCondition {
        let waiting = self.waiting();
        let first = waiting.messages.front().map(|letter| letter.since);
        let oldest = waiting.under_way.or(first);
        let last = Duration::from_micros(self.lag.load(Ordering::Relaxed));
        BusCondition {
            is_connected: false,
            lost: self.lost.load(Ordering::Relaxed),
            waiting: waiting.messages.len() as u64,
            lag: oldest.map_or(last, |since| last.max(since.elapsed())),
        }
    }

    /// A batch is gone, or lost.
    fn finished(&self) {
        let begun = self.waiting().under_way.take();
        let lag = begun.map_or(Duration::ZERO, |since| since.elapsed());
        let lag = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        self.lag.store(lag, Ordering::Relaxed);
    }

    fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes the next batch. Whoever waited for what was taken before is told.
    fn take(&self) -> Vec<Letter> {
        let mut waiting = self.waiting();
        let taken = waiting.taken;
        let told = waiting.flushing.extract_if(.., |(last, _)| *last <= taken);
        for (_, sender) in told {
            let _ = sender.send(());
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH.0 && bytes < BATCH.1 {
            let Some(message) = waiting.messages.pop_front() else {
                break;
            };
            bytes += message.bytes.len();
            batch.push(message);
        }
        waiting.bytes -= bytes;
        waiting.taken += batch.len() as u64;
        waiting.under_way = batch.first().map(|letter| letter.since);
        batch
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Publishes what is put into the outbox.
pub(super) async fn publish(outbox: Arc<Outbox>, publisher: Connected, keys: Keys) {
    loop {
        let batch = outbox.take();
        if batch.is_empty() {
            outbox.bell.notified().await;
            continue;
        }
        let count = batch.len() as u64;
        if let Err(error) = send(&publisher, &keys, batch).await {
            // The engines notice by their numbers; that the connection broke is told elsewhere.
            tracing::debug!(%error, count, "messages to other nodes were lost");
            outbox.lose(count);
        }
        outbox.finished();
    }
}

/// Sends a batch, each letter once or not at all.
async fn send(publisher: &Connected, keys: &Keys, batch: Vec<Letter>) -> Result<(), Error> {
    let client = publisher.client();
    let options = Options {
        max_attempts: Some(1),
        fail_fast: true,
        ..Options::default()
    };
    let pipeline = client.pipeline().with_options(&options);
    let is_cluster = client.is_clustered();
    let mut bundling = Bundling::default();
    for letter in batch {
        bundling.put(letter.to, &letter.bytes);
    }
    for (to, bytes) in bundling.into_bundles() {
        let channel = match to {
            Address::All => keys.to_all(),
            Address::Node(node) => keys.to_node(node),
        };
        // Put into the pipeline, not sent yet. In a Redis Cluster the channels are spread over the servers, and each keeps to
        // its own: otherwise messages would take turns among all of them, and overtake each other.
        if is_cluster {
            let _: Value = pipeline.spublish(channel, bytes).await?;
        } else {
            let _: Value = pipeline.publish(channel, bytes).await?;
        }
    }
    pipeline.all::<Value>().await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bounds_is_lost_and_counted() {
        let outbox = Outbox::default();
        for _ in 0..MESSAGES + 10 {
            outbox.put(Address::All, Bytes::new());
        }
        assert_eq!(outbox.condition().lost, 10);
        assert_eq!(outbox.take().len(), BATCH.0);

        let outbox = Outbox::default();
        for _ in 0..3 {
            outbox.put(Address::All, Bytes::from(vec![0; BYTES / 2]));
        }
        assert_eq!(outbox.condition().lost, 1);
        assert_eq!(outbox.take().len(), 1);
        assert_eq!(outbox.take().len(), 1);
        outbox.put(Address::All, Bytes::from(vec![0; BYTES * 2]));
        assert_eq!(
            outbox.condition().lost,
            1,
            "one message of any size always has room"
        );
    }
}
