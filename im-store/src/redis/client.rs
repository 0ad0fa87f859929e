//! Connections: how they are made, and that they come again.

use std::time::Duration;

use fred::{
    clients::Client,
    interfaces::ClientLike as _,
    types::{
        Builder, ConnectHandle, RespVersion,
        config::{Config, ReconnectPolicy, UnresponsiveConfig},
    },
};
use tokio::task::JoinHandle;

use super::RedisError;

/// How long a command may take. A Redis that is there takes less than a millisecond.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// Between two attempts to connect again, in milliseconds: the first and the longest.
const PAUSES: (u32, u32) = (20, 500);

/// Commands that wait in one client at most.
const WAITING: usize = 10_000;

/// Messages that were read and not yet heard, at most. More than come in a turn of the executor.
const UNHEARD: usize = 8_192;

/// How long to wait before a client that gave up is started anew.
const RESTART: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Commands and their replies.
    Commands,
    /// Messages.
    Messages,
}

/// A client that connects again for as long as this is there.
pub(super) struct Connected {
    pub(super) client: Client,
    _keeping: Task,
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
        let keeping = tokio::spawn(keep(client.clone(), connection));
        Ok(Self {
            client,
            _keeping: Task(keeping),
        })
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
            it.connection_timeout = CONNECTING;
            it.internal_command_timeout = CONNECTING;
            // Nothing is done twice: a message would be heard twice.
            it.max_command_attempts = 1;
            it.max_command_buffer_len = WAITING;
            it.tcp.nodelay = Some(true);
            it.unresponsive = UnresponsiveConfig {
                max_timeout: Some(PATIENCE * 2),
                interval: PATIENCE / 2,
            };
        });
    builder
}

/// Connects anew when a client has given up, as after an answer that it takes for final.
async fn keep(client: Client, mut connection: ConnectHandle) {
    loop {
        let mut running = Running(connection);
        let ended = (&mut running.0).await;
        tracing::warn!(?ended, "a connection to Redis ended, and is begun anew");
        tokio::time::sleep(RESTART).await;
        connection = client.connect();
    }
}

/// The task that drives a connection; it ends with this.
struct Running(ConnectHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
