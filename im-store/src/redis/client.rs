//! Connections: how they are made, and that they come again.
//!
//! A connection that breaks is noticed at once. One that is silent is not, as when a cable is pulled or the server is stopped:
//! the client's own watch begins anew with each command, so that it never ends while there are commands. So each connection is
//! asked once a second whether it is there.
//!
//! A client whose connection ended, or is silent, is given up whole: it counts the commands that wait in it, and those that went
//! down with its connection are counted for ever, so that it would hold back what comes later for more that seems to wait.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::Client,
    error::ErrorKind,
    interfaces::{ClientLike as _, EventInterface as _},
    types::{
        Builder, ConnectHandle, RespVersion, Value,
        config::{Config, ReconnectPolicy, Server},
    },
};
use futures_util::future::join_all;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::RedisError;

/// How long a command or a connection may take. A Redis that is there takes less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a connection is asked whether it is there.
const BEAT: Duration = Duration::from_secs(1);

/// Between two attempts to connect again, in milliseconds: the first and the longest.
const PAUSES: (u32, u32) = (20, 500);

/// Commands that wait in one client at most.
const WAITING: usize = 10_000;

/// Messages that were read and not yet heard, at most. More than come in a turn of the executor.
const UNHEARD: usize = 8_192;

/// How long to wait before a client that gave up is started anew.
const RESTART: Duration = Duration::from_millis(250);

/// What a connection is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Commands and their replies.
    Commands,
    /// Messages.
    Messages,
}

/// A connection that is made again for as long as one of its clones is there.
#[derive(Clone)]
pub(super) struct Connected {
    client: watch::Receiver<Client>,
    _keeping: Arc<Task>,
}

/// Tells when a connection was made again.
pub(super) struct Connections {
    client: watch::Receiver<Client>,
    made: broadcast::Receiver<Server>,
}

/// A task that ends with this.
pub(super) struct Task(JoinHandle<()>);

impl Connected {
    /// Connects.
    pub(super) async fn open(
        config: &Config,
        server: &str,
        purpose: Purpose,
    ) -> Result<Self, RedisError> {
        let failed = |error| RedisError::of_connecting(server, &error);
        let client = builder(config, purpose).build().map_err(failed)?;
        let connection = client.init().await.map_err(failed)?;
        let mut config = config.clone();
        // Who was there once is waited for.
        config.fail_fast = false;
        let successors = builder(&config, purpose);
        let (current, client) = watch::channel(client);
        Ok(Self {
            client,
            _keeping: Arc::new(Task::spawn(keep(current, connection, successors))),
        })
    }

    /// The client of now. Another one takes its place when its connection ends.
    pub(super) fn client(&self) -> Client {
        self.client.borrow().clone()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.borrow().is_connected()
    }

    pub(super) fn connections(&self) -> Connections {
        let mut client = self.client.clone();
        let made = client.borrow_and_update().reconnect_rx();
        Connections { client, made }
    }
}

impl Connections {
    /// Resolves when a connection was made again, or another client is about to. `None`: none will be. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<()> {
        tokio::select! {
            Ok(_) | Err(RecvError::Lagged(_)) = self.made.recv() => {}
            changed = self.client.changed() => {
                changed.ok()?;
                self.made = self.client.borrow_and_update().reconnect_rx();
            }
        }
        Some(())
    }
}

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn builder(config: &Config, purpose: Purpose) -> Builder {
    let mut config = config.clone();
    if purpose == Purpose::Messages {
        // Commands beside subscriptions, by which it is seen that the subscriptions are there.
        config.version = RespVersion::RESP3;
    }
    let mut builder = Builder::from_config(config);
    let (first, longest) = PAUSES;
    builder
        .set_policy(ReconnectPolicy::new_exponential(0, first, longest, 2))
        .with_performance_config(|it| {
            it.default_command_timeout = PATIENCE;
            if purpose == Purpose::Messages {
                it.broadcast_channel_capacity = UNHEARD;
            }
        })
        .with_connection_config(|it| {
            it.connection_timeout = PATIENCE;
            it.internal_command_timeout = PATIENCE;
            // Nothing is done twice: a message would be heard twice.
            it.max_command_attempts = 1;
            it.max_command_buffer_len = WAITING;
            it.tcp.nodelay = Some(true);
            // What is on its way when a connection is given up is lost, and does not come after what is sent over the next one.
            it.tcp.linger = Some(Duration::ZERO);
        });
    builder
}

/// Puts another client in the place of one that has given up, as after an answer that it takes for final, and of one whose
/// connection is silent.
async fn keep(current: watch::Sender<Client>, mut connection: ConnectHandle, successors: Builder) {
    loop {
        let client = current.borrow().clone();
        let mut running = Running(connection);
        tokio::select! {
            ended = &mut running.0 => tracing::debug!(?ended, "a connection to Redis ended, and is begun anew"),
            () = silence(&client) => tracing::warn!("a connection to Redis is silent, and is begun anew"),
        }
        // With it its connection is dropped, and what waits for answers on it is told that there are none.
        drop(running);
        let successor = match successors.build() {
            Ok(successor) => successor,
            Err(error) => {
                return tracing::error!(%error, "a connection to Redis cannot be begun anew");
            }
        };
        // Before it connects: who follows is there when it does.
        current.send_replace(successor.clone());
        sleep(RESTART).await;
        connection = successor.connect();
    }
}

/// Resolves when a server does not answer over a connection that seems to be there.
async fn silence(client: &Client) {
    loop {
        sleep(BEAT).await;
        if client.is_connected() && is_silent(client).await {
            return;
        }
    }
}

async fn is_silent(client: &Client) -> bool {
    let servers = client.active_connections();
    let answers = servers.into_iter().map(|server| async move {
        let asked = async {
            if client.is_clustered() {
                // Otherwise it is always the same one that is asked.
                client.with_cluster_node(server).ping::<Value>(None).await
            } else {
                client.ping::<Value>(None).await
            }
        };
        match timeout(PATIENCE, asked).await {
            // What is full has stood still.
            Ok(Err(error)) => matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Backpressure),
            Ok(Ok(_)) => false,
            Err(_) => true,
        }
    });
    join_all(answers).await.contains(&true)
}

/// The task that drives a connection; it ends with this.
struct Running(ConnectHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
