//! What hears the channels of a node, and makes sure that it does.
//!
//! Subscriptions are gone with their connection, and nobody says so: one task subscribes anew after each reconnection, and looks
//! once a second whether the server knows of it. It also is the one that hears, so that nothing is heard between a
//! subscription and the word that something was missed.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

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
    time::sleep,
};

use super::{
    bundle,
    client::{Connected, Connections, Task},
};

/// How often it is looked whether the subscriptions are there.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before subscribing is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A node's ear at its channels, until this is dropped.
pub(super) struct Listening {
    connected: Connected,
    _hearing: Task,
}

struct Hearing {
    connected: Connected,
    channels: Arc<[String; 2]>,
    ear: Arc<dyn Ear>,
    connections: Connections,
    events: Events,
    /// Whether it was told that the connection broke, and not yet that it is back.
    is_broken: bool,
}

/// What a client tells.
struct Events {
    messages: Receiver<Message>,
    changes: Receiver<Vec<ClusterStateChange>>,
    errors: Receiver<(Error, Option<Server>)>,
}

impl Events {
    fn of(client: &Client) -> Self {
        Self {
            messages: client.message_rx(),
            changes: client.cluster_change_rx(),
            errors: client.error_rx(),
        }
    }
}

impl Listening {
    /// Subscribes, and begins to hear. Returns when the server knows of it.
    pub(super) async fn begin(
        connected: Connected,
        channels: [String; 2],
        ear: Arc<dyn Ear>,
    ) -> Result<Self, Error> {
        let client = connected.client();
        let hearing = Hearing {
            connections: connected.connections(),
            events: Events::of(&client),
            connected: connected.clone(),
            channels: Arc::new(channels),
            ear,
            is_broken: false,
        };
        subscribe(&client, &hearing.channels).await?;
        Ok(Self {
            connected,
            _hearing: Task::spawn(hearing.run()),
        })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.is_connected()
    }
}

impl Hearing {
    async fn run(mut self) {
        let looking = |it: &Self| doubt(it.connected.clone(), Arc::clone(&it.channels));
        let mut in_doubt = pin!(looking(&self));
        loop {
            tokio::select! {
                // First of all: what was sent after a break is heard after the word that there was one.
                biased;
                again = self.connections.next() => match again {
                    Some(()) => {}
                    None => return,
                },
                Ok(_) = self.events.changes.recv() => {}
                Ok((error, _)) = self.events.errors.recv() => {
                    self.note_break(&error);
                    continue;
                }
                error = &mut in_doubt => {
                    tracing::warn!(%error, "the subscriptions of this node are in doubt");
                }
                message = self.events.messages.recv() => match message {
                    Ok(message) => {
                        self.hear(message);
                        continue;
                    }
                    Err(RecvError::Lagged(count)) => {
                        tracing::warn!(count, "messages of other nodes came faster than they were heard");
                        self.ear.missed();
                        continue;
                    }
                    // The client is another one by now.
                    Err(RecvError::Closed) => {}
                },
            }
            self.resubscribe().await;
            in_doubt.set(looking(&self));
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
        loop {
            let client = self.connected.client();
            self.events = Events::of(&client);
            match subscribe(&client, &self.channels).await {
                Ok(()) => break,
                Err(error) => {
                    tracing::debug!(%error, "the channels of this node are not subscribed to yet");
                    sleep(AGAIN).await;
                }
            }
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
}

/// Subscribes; returns when the server knows of it.
async fn subscribe(client: &Client, channels: &[String; 2]) -> Result<(), Error> {
    if !client.is_connected() {
        return Err(Error::new(ErrorKind::IO, "not connected"));
    }
    if client.is_clustered() {
        for channel in channels {
            client.ssubscribe(channel.clone()).await?;
        }
    } else {
        // Returns when it is written, not when it is answered.
        client.subscribe(channels.to_vec()).await?;
    }
    look(client, channels).await
}

/// Resolves when the server seems to know of the subscriptions no more.
async fn doubt(connected: Connected, channels: Arc<[String; 2]>) -> Error {
    loop {
        sleep(LOOK).await;
        if let Err(error) = look(&connected.client(), &channels).await {
            return error;
        }
    }
}

/// Makes sure that the server knows of the subscriptions.
async fn look(client: &Client, channels: &[String; 2]) -> Result<(), Error> {
    match subscribers(client, channels).await? {
        0 => Err(Error::new(ErrorKind::Unknown, "not subscribed")),
        _ => Ok(()),
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
