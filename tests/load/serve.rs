//! The system under test: the engine, a store and the WebSocket door, and nothing else. Whoever comes is believed, so
//! that ten thousand users need no tokens; rate limits are off.

use std::{env, io, path::Path, process::Command, time::Duration};

use clap::Args;
use im_core::{Builder, Im, Limits, TrustEveryone};
use im_store::{MemoryStore, SqlStore};
use im_transport::ws::{self, Options, WebSocketServer};
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
            let im = builder(&self.store)
                .await?
                .limits(limits(self.coalesce_ms))
                .heartbeat(HEARTBEAT)
                .build();
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("listening on http://{}", listener.local_addr()?);
            ws::serve(listener, WebSocketServer::new(im, Options::default()))
                .await
                .map(|never| match never {})
        })
    }
}

/// Starts ourselves with a command of our own.
pub(crate) fn start(arguments: &[&str]) -> io::Result<Server> {
    Server::start(Command::new(env::current_exe()?).args(arguments))
}

/// Starts the system under test on SQLite in `folder`, or in memory without one.
pub(crate) fn start_ours(folder: Option<&Path>, coalesce_ms: u64) -> io::Result<Server> {
    let store = folder.map_or_else(
        || "memory".to_owned(),
        |folder| format!("sqlite://{}", folder.join("load.db").display()),
    );
    start(&[
        "serve",
        "--store",
        &store,
        "--coalesce-ms",
        &coalesce_ms.to_string(),
    ])
}
