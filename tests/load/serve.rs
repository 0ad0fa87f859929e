//! The system under test: the engine, a store and the WebSocket door, and nothing else. Whoever comes is believed, so
//! that ten thousand users need no tokens; rate limits are off.

use std::{env, io, path::Path, process::Command, time::Duration};

use clap::Args;
use im_core::{Builder, Im, Limits, NODE_PROTOCOL, TrustEveryone};
use im_store::{MemoryStore, Redis, RedisOptions, SqlStore};
use im_transport::ws::{self, Options, WebSocketServer};
use socket2::SockRef;
use tests::process::Server;
use tokio::net::TcpListener;

/// So long nobody need say anything: the readers of a fan-out do nothing but read.
const HEARTBEAT: Duration = Duration::from_secs(3_600);

/// A server with nothing around it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Serve {
    /// Where to store: `memory`, or the URL of a database
    #[arg(long, default_value = "memory")]
    store: String,
    /// How long a delivery may wait for others
    #[arg(long, default_value_t = 0)]
    coalesce_ms: u64,
    /// The URL of a Redis, beside other nodes
    #[arg(long)]
    redis: Option<String>,
    /// What the names in the Redis begin with
    #[arg(long, default_value = "load")]
    redis_prefix: String,
    /// How long somebody who has something to read may read nothing
    #[arg(long, default_value_t = 30_000)]
    write_timeout_ms: u64,
    /// How long a message may wait until it is stored; as by default, without it
    #[arg(long)]
    store_wait_ms: Option<u64>,
    /// Messages that may wait however long they do; as by default, without it
    #[arg(long)]
    node_waiting: Option<usize>,
    /// Bytes that the system may keep for a connection that does not read; as many as it likes, without it
    #[arg(long)]
    send_buffer: Option<usize>,
}

/// Limits that are in nobody's way.
pub(crate) fn limits(coalesce_ms: u64) -> Limits {
    Limits {
        group_members: 200_000,
        users_per_request: 10_000,
        conversations_per_user: 100_000,
        sends_per_second: None,
        requests_per_second: None,
        coalesce_ms,
        // So that a repeat is told at once, instead of at most once in two seconds.
        typing_ms: 1,
        idle_conversations: 100_000,
        ..Limits::default()
    }
}

pub(crate) async fn builder(store: &str) -> io::Result<Builder> {
    Ok(match store {
        "memory" => Im::builder(MemoryStore::new(), TrustEveryone),
        url => Im::builder(
            SqlStore::open(url).await.map_err(io::Error::other)?,
            TrustEveryone,
        ),
    })
}

impl Serve {
    pub(crate) fn run(&self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let usual = limits(self.coalesce_ms);
            let limits = Limits {
                store_wait_ms: self.store_wait_ms.unwrap_or(usual.store_wait_ms),
                node_waiting: self.node_waiting.unwrap_or(usual.node_waiting),
                ..usual
            };
            let mut builder = builder(&self.store)
                .await?
                .limits(limits)
                .heartbeat(HEARTBEAT);
            if let Some(redis) = self.redis().await? {
                builder = builder.cluster(redis.clone(), redis);
            }
            let im = builder.build();
            im.join().await.map_err(io::Error::other)?;
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            if let Some(bytes) = self.send_buffer {
                // Connections have it from whom they are accepted by.
                SockRef::from(&listener).set_send_buffer_size(bytes)?;
            }
            println!("listening on http://{}", listener.local_addr()?);
            let mut options = Options::default();
            options.bounds.write_timeout = Duration::from_millis(self.write_timeout_ms);
            ws::serve(listener, WebSocketServer::new(im, options))
                .await
                .map(|never| match never {})
        })
    }

    async fn redis(&self) -> io::Result<Option<Redis>> {
        let Some(url) = &self.redis else {
            return Ok(None);
        };
        let options = RedisOptions::new(&self.store, NODE_PROTOCOL).prefix(&self.redis_prefix);
        let redis = Redis::open(url, options).await;
        redis.map(Some).map_err(io::Error::other)
    }
}

/// Starts ourselves with a command of our own.
pub(crate) fn start(arguments: &[&str]) -> io::Result<Server> {
    Server::start(Command::new(env::current_exe()?).args(arguments))
}

/// The URL of an SQLite file in `folder`, or memory without one.
pub(crate) fn store_in(folder: Option<&Path>) -> String {
    folder.map_or_else(
        || "memory".to_owned(),
        |folder| format!("sqlite://{}", folder.join("load.db").display()),
    )
}

/// Starts the system under test on SQLite in `folder`, or in memory without one.
pub(crate) fn start_ours(folder: Option<&Path>, coalesce_ms: u64) -> io::Result<Server> {
    let store = store_in(folder);
    start(&[
        "serve",
        "--store",
        &store,
        "--coalesce-ms",
        &coalesce_ms.to_string(),
    ])
}
