//! Several nodes over one Redis: the [`Bus`](im_core::port::Bus) between them, the
//! [`Directory`](im_core::port::Directory) of where users are, counts of [`Attempts`](im_core::port::Attempts), and leases.
//!
//! Nothing here lasts: a Redis may be restarted, emptied and out of reach at any time. What it loses, the engine notices and
//! announces again; messages are in the store.
//!
//! ```text
//!  send ──► outbox ──► one connection ──► PUBLISH ──► channel of a node, or of all ──► listening ──► Ear
//!           bounded     batches, in order; bundles to one address            told when something was missed
//!  announce, find, beat, admit, judge, take ──► one connection ──► a script for each step that must be one
//! ```

mod attempts;
mod bundle;
mod bus;
mod client;
mod directory;
mod error;
mod keys;
mod lease;
mod listening;
mod outbox;
mod reach;
mod script;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fred::types::{
    Value,
    config::{Config, Server},
};
use im_core::NodeId;

pub use self::error::RedisError;
use self::{
    client::{Connected, Connections, Purpose, Task},
    directory::Standing,
    keys::Keys,
    listening::Listening,
    outbox::Outbox,
    script::Scripts,
};

/// What a Redis is opened with.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisOptions {
    /// What the names of keys and channels begin with. Default `im`.
    pub prefix: String,
    /// What identifies the database whose nodes these are: nodes of another one are not to be mixed with them.
    pub store: String,
    /// What the nodes speak among each other: nodes that speak otherwise are not to be mixed with them.
    pub protocol: u32,
}

impl RedisOptions {
    /// For nodes of a database, that speak a version of the protocol.
    #[must_use]
    pub fn new(store: impl Into<String>, protocol: u32) -> Self {
        Self {
            prefix: "im".into(),
            store: store.into(),
            protocol,
        }
    }

    /// With another prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

/// A Redis, as one process has it: three connections, and one more for the node that joins the bus. Clone to share.
///
/// It connects again for as long as a clone is there. While it is not connected, what is sent is lost, and what is asked
/// fails at once.
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    options: RedisOptions,
    /// For people: without a user name and a password.
    server: String,
    keys: Keys,
    scripts: Scripts,
    commands: Connected,
    outbox: Arc<Outbox>,
    publisher: Connected,
    listening: Mutex<HashMap<NodeId, Listening>>,
    standing: Arc<Standing>,
    /// The newest version of whereabouts that was seen: none that is given later is below it.
    newest: AtomicU64,
    _publishing: Task,
    _watching: Task,
}

impl Redis {
    /// Connects to a Redis, and makes sure that no other nodes live under the prefix than those of the same database that
    /// speak the same.
    ///
    /// `url` is `redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]`, with `rediss` for TLS, or `redis-sentinel` and
    /// `redis-cluster`, where further hosts are named as `?node=HOST:PORT&node=…`, and the name that the Sentinels watch as
    /// `sentinelServiceName=NAME`. The engine's side must run on tokio.
    ///
    /// # Errors
    /// [`RedisError`] says what to change.
    pub async fn open(url: &str, options: RedisOptions) -> Result<Self, RedisError> {
        let config = parse(url)?;
        let server = named(&config.server.hosts());
        let keys = Keys::new(&options.prefix, config.database.unwrap_or(0))?;
        let commands = Connected::open(&config, &server, Purpose::Commands).await?;
        let publisher = Connected::open(&config, &server, Purpose::Commands).await?;
        let outbox = Arc::new(Outbox::default());
        let standing = Arc::new(Standing::default());
        let publishing = outbox::publish(Arc::clone(&outbox), publisher.clone(), keys.clone());
        let watching = watch(commands.connections(), Arc::clone(&standing));
        let redis = Self {
            shared: Arc::new(Shared {
                config,
                options,
                server,
                keys,
                scripts: Scripts::new(),
                commands,
                outbox,
                publisher,
                listening: Mutex::default(),
                standing,
                newest: AtomicU64::new(0),
                _publishing: Task::spawn(publishing),
                _watching: Task::spawn(watching),
            }),
        };
        redis.claim().await?;
        Ok(redis)
    }

    /// Makes sure that the prefix is this cluster's.
    async fn claim(&self) -> Result<(), RedisError> {
        self.beat_as(None).await.map(drop)
    }

    /// Says that a node is there, or only asks whether it may be. What the script answers.
    async fn beat_as(&self, node: Option<(NodeId, Duration)>) -> Result<Vec<Value>, RedisError> {
        let shared = &*self.shared;
        let (name, ttl) = match node {
            Some((node, ttl)) => (node.to_string(), ttl.as_micros().to_string()),
            None => (String::new(), String::new()),
        };
        let keys = vec![shared.keys.nodes(), shared.keys.whose()];
        let ours = shared.options.protocol;
        let arguments = [shared.options.store.clone(), ours.to_string(), name, ttl];
        let arguments = arguments.into_iter().map(Value::from).collect();
        let answer = self.run(&shared.scripts.beat, keys, arguments).await?;
        let Value::Array(answer) = answer else {
            return Err(self.strange());
        };
        let (server, prefix) = (shared.server.clone(), shared.options.prefix.clone());
        match text(answer.first()) {
            Some("store") => Err(RedisError::OtherStore { server, prefix }),
            Some("protocol") => Err(RedisError::OtherProtocol {
                server,
                prefix,
                theirs: text(answer.get(1)).unwrap_or_default().to_owned(),
                ours,
            }),
            _ => Ok(answer),
        }
    }

    async fn run(
        &self,
        script: &script::Script,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, RedisError> {
        let client = &self.shared.commands.client();
        let outcome = script.run(client, keys, arguments).await;
        outcome.map_err(|error| RedisError::of_asking(&self.shared.server, &error))
    }

    /// That it answered what no script of ours answers.
    fn strange(&self) -> RedisError {
        RedisError::Failed {
            server: self.shared.server.clone(),
            reason: "its answer is not understood".into(),
        }
    }

    fn has_seen(&self, version: u64) {
        self.shared.newest.fetch_max(version, Ordering::Relaxed);
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, HashMap<NodeId, Listening>> {
        let listening = self.shared.listening.lock();
        listening.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Redis");
        debug.field("server", &self.shared.server);
        debug.field("prefix", &self.shared.keys.prefix());
        debug.finish_non_exhaustive()
    }
}

/// Reads an address. What it complains about is never the text itself: that may hold a password.
fn parse(url: &str) -> Result<Config, RedisError> {
    const SCHEMES: &[&str] = &["redis", "rediss", "valkey", "valkeys"];
    let no_address = |reason: &str| RedisError::Url(reason.to_owned());
    let Some((scheme, _)) = url.split_once("://") else {
        return Err(no_address("it has no `://`"));
    };
    let kind = scheme.strip_suffix("-sentinel");
    let kind = kind.or_else(|| scheme.strip_suffix("-cluster"));
    if !SCHEMES.contains(&kind.unwrap_or(scheme)) {
        return Err(no_address("its scheme is another"));
    }
    Config::from_url(url).map_err(|error| no_address(error.details()))
}

fn named(servers: &[Server]) -> String {
    let names: Vec<_> = servers
        .iter()
        .map(|server| format!("{}:{}", server.host, server.port))
        .collect();
    names.join(", ")
}

fn text(value: Option<&Value>) -> Option<&str> {
    std::str::from_utf8(value?.as_bytes()?).ok()
}

/// Notes that what was announced may be lost, when a connection was: another server may have taken over, or the same one
/// started with what it had on its disk.
async fn watch(mut connections: Connections, standing: Arc<Standing>) {
    while let Some(()) = connections.next().await {
        standing.doubt();
    }
}
