//! What hears the channels of a node, and makes sure that it does.
//!
//! Subscriptions are gone with their connection, and nobody says so: one task subscribes anew after each reconnection, and looks
//! once a second whether the server knows of it. It also is the one that hears, so that nothing is heard between a
//! subscription and the word that something was missed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike as _, EventInterface as _, PubsubInterface as _},
    types::{ClusterStateChange, Message, config::Server},
};
use im_core::port::Ear;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    bundle,
    client::{Connected, Task},
};

/// How often it is looked whether the subscriptions are there.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before subscribing is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A node's ear at its channels, until this is dropped.
pub(super) struct Listening {
    client: Client,
    _hearing: Task,
}

struct Hearing {
    connected: Connected,
    channels: [String; 2],
    ear: Arc<dyn Ear>,
    messages: Receiver<Message>,
    connections: Receiver<Server>,
    changes: Receiver<Vec<ClusterStateChange>>,
    errors: Receiver<(Error, Option<Server>)>,
    /// Whether it was told that the connection broke, and not yet that it is back.
    is_broken: bool,
}

impl Listening {
    /// Subscribes, and begins to hear. Returns when the server knows of it.
    pub(super) async fn begin(
        connected: Connected,
        channels: [String; 2],
        ear: Arc<dyn Ear>,
    ) -> Result<Self, Error> {
        let client = connected.client.clone();
        let hearing = Hearing {
            messages: client.message_rx(),
            connections: client.reconnect_rx(),
            changes: client.cluster_change_rx(),
            errors: client.error_rx(),
            is_broken: false,
            connected,
            channels,
            ear,
        };
        hearing.subscribe().await?;
        Ok(Self {
            client,
            _hearing: Task::spawn(hearing.run()),
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.is_connected()
    }
}

impl Hearing {
    async fn run(mut self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // First of all: what was sent after a break is heard after the word that there was one.
                biased;
                Ok(_) = self.connections.recv() => self.resubscribe().await,
                Ok(_) = self.changes.recv() => self.resubscribe().await,
                Ok((error, _)) = self.errors.recv() => self.note_break(&error),
                _ = look.tick() => {
                    if let Err(error) = self.look().await {
                        tracing::warn!(%error, "the subscriptions of this node are in doubt");
                        self.resubscribe().await;
                    }
                }
                message = self.messages.recv() => match message {
                    Ok(message) => self.hear(message),
                    Err(RecvError::Lagged(count)) => {
                        tracing::warn!(count, "messages of other nodes came faster than they were heard");
                        self.ear.missed();
                    }
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn hear(&self, message: Message) {
        let bundle = match message.value.convert::<Bytes>() {
            Ok(bundle) => bundle,
            Err(error) => return tracing::warn!(%error, "a message of another node is no text"),
        };
        let Some(letters) = bundle::letters(bundle) else {
            tracing::warn!("a message of another node is cut off");
            return self.ear.missed();
        };
        for letter in letters {
            self.ear.hear(letter);
        }
    }

    /// Subscribes until it succeeds, and says that something was missed.
    async fn resubscribe(&mut self) {
        while let Err(error) = self.subscribe().await {
            tracing::debug!(%error, "the channels of this node are not subscribed to yet");
            sleep(AGAIN).await;
        }
        if std::mem::take(&mut self.is_broken) {
            tracing::info!("the connection to Redis is back");
        }
        self.ear.missed();
    }

    /// Tells of an outage, once: attempts to connect again fail several times a second.
    fn note_break(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.is_broken, true) {
            tracing::warn!(%error, "the connection to Redis broke; until it is back this node goes on alone");
        }
    }

    /// Subscribes; returns when the server knows of it.
    async fn subscribe(&self) -> Result<(), Error> {
        let client = &self.connected.client;
        if client.is_clustered() {
            for channel in &self.channels {
                client.ssubscribe(channel.clone()).await?;
            }
        } else {
            // Returns when it is written, not when it is answered.
            client.subscribe(self.channels.to_vec()).await?;
        }
        self.look().await
    }

    /// Makes sure that the server knows of the subscriptions.
    async fn look(&self) -> Result<(), Error> {
        match subscribers(&self.connected.client, &self.channels).await? {
            0 => Err(Error::new(ErrorKind::Unknown, "not subscribed")),
            _ => Ok(()),
        }
    }
}

/// The fewest subscribers that one of the channels has.
async fn subscribers(client: &Client, channels: &[String; 2]) -> Result<i64, Error> {
    let mut fewest = i64::MAX;
    for channel in channels {
        let counts: HashMap<String, i64> = if client.is_clustered() {
            client.pubsub_shardnumsub(channel.clone()).await?
        } else {
            client.pubsub_numsub(channel.clone()).await?
        };
        fewest = fewest.min(counts.get(channel).copied().unwrap_or(0));
    }
    Ok(fewest)
}
