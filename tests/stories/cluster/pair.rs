//! Two nodes on one database, and their ways to each other, that break on demand.

use std::{net::SocketAddr, sync::Arc};

use im_core::{Im, NODE_PROTOCOL, Session, TrustEveryone, port::LogStore as _, testing::Cable};
use im_store::{MemoryBus, MemoryDirectory, Redis, RedisOptions, SqlStore};

use crate::world::{Database, Proxy, RedisServer, Rules, within};

/// The first node.
pub(crate) const A: usize = 0;
/// The second node.
pub(crate) const B: usize = 1;

/// Two nodes.
pub(crate) struct Pair {
    // Before the database, which is removed once nobody uses it.
    nodes: [Im; 2],
    ways: Ways,
    _database: Database,
}

/// How nodes reach each other.
enum Ways {
    Memory {
        cables: [Cable; 2],
        directory: MemoryDirectory,
    },
    Redis {
        server: RedisServer,
        doors: [Proxy; 2],
    },
}

impl Pair {
    /// Within this process, on SQLite.
    pub(crate) async fn in_memory() -> Self {
        Self::in_memory_with(Rules::default()).await
    }

    pub(crate) async fn in_memory_with(rules: Rules) -> Self {
        let (bus, directory) = (MemoryBus::new(), MemoryDirectory::new());
        let cable = || Cable::new(Arc::new(bus.clone()), Arc::new(directory.clone()));
        let cables = [cable(), cable()];
        let database = Database::sqlite();
        let mut nodes = Vec::new();
        for cable in &cables {
            let store = SqlStore::open(database.url()).await.unwrap();
            let builder = Im::builder(store, TrustEveryone).cluster(cable.clone(), cable.clone());
            nodes.push(begun(builder, &rules).await);
        }
        Self {
            nodes: both(nodes),
            ways: Ways::Memory { cables, directory },
            _database: database,
        }
    }

    /// Over a Redis of its own; `None` where there is none.
    pub(crate) async fn over_redis(database: Database) -> Option<Self> {
        let server = RedisServer::start()?;
        let doors = [
            Proxy::to(server.address()).await,
            Proxy::to(server.address()).await,
        ];
        let mut nodes = Vec::new();
        for door in &doors {
            let store = SqlStore::open(database.url()).await.unwrap();
            let options =
                RedisOptions::new(store.epoch().await.unwrap().to_string(), NODE_PROTOCOL);
            let url = format!("redis://{}", door.address());
            let redis = within("a Redis", Redis::open(&url, options)).await.unwrap();
            let builder = Im::builder(store, TrustEveryone).cluster(redis.clone(), redis);
            nodes.push(begun(builder, &Rules::default()).await);
        }
        Some(Self {
            nodes: both(nodes),
            ways: Ways::Redis { server, doors },
            _database: database,
        })
    }

    /// An engine.
    pub(crate) fn im(&self, node: usize) -> &Im {
        &self.nodes[node]
    }

    /// A session of a device on a node.
    pub(crate) async fn connect(&self, node: usize, name: &str, device: &str) -> Session {
        let session = self.nodes[node].connect(name, device);
        within("a session", session).await.unwrap()
    }

    /// Cuts a node off from the other.
    pub(crate) fn part(&self, node: usize) {
        match &self.ways {
            Ways::Memory { cables, .. } => cables[node].cut(),
            Ways::Redis { doors, .. } => {
                doors[node].redirect(nowhere());
                doors[node].cut();
            }
        }
    }

    /// Ends what [`Pair::part`] began.
    pub(crate) fn rejoin(&self, node: usize) {
        match &self.ways {
            Ways::Memory { cables, .. } => cables[node].mend(),
            Ways::Redis { server, doors } => doors[node].redirect(server.address()),
        }
    }

    /// Cuts both off, as the end of a Redis does.
    pub(crate) fn part_all(&mut self) {
        match &mut self.ways {
            Ways::Memory { cables, .. } => cables.iter().for_each(Cable::cut),
            Ways::Redis { server, .. } => server.kill(),
        }
    }

    /// Ends what [`Pair::part_all`] began; what was known of nodes and users is lost.
    pub(crate) async fn rejoin_all(&mut self) {
        match &mut self.ways {
            Ways::Memory { cables, directory } => {
                directory.forget();
                cables.iter().for_each(Cable::mend);
            }
            Ways::Redis { server, .. } => server.start_again(),
        }
    }

    /// Loses all that is known of nodes and users.
    pub(crate) async fn forget(&self) {
        match &self.ways {
            Ways::Memory { directory, .. } => directory.forget(),
            Ways::Redis { server, .. } => server.flush().await,
        }
    }

    /// Loses the next messages that a node would hear, where that can be done: over Redis, its connections break.
    pub(crate) fn lose(&self, node: usize, count: usize) {
        match &self.ways {
            Ways::Memory { cables, .. } => cables[node].lose_heard(count),
            Ways::Redis { doors, .. } => doors[node].cut(),
        }
    }
}

async fn begun(builder: im_core::Builder, rules: &Rules) -> Im {
    let rules = rules.clone();
    let im = builder
        .limits(rules.limits)
        .login_policy(rules.login_policy)
        .build();
    within("the other nodes", im.join()).await.unwrap();
    im.housekeep();
    im
}

fn both(nodes: Vec<Im>) -> [Im; 2] {
    nodes.try_into().ok().unwrap()
}

/// Where nobody listens.
fn nowhere() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
