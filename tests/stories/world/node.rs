//! A node that runs in a runtime of its own, so that it can be stopped in good order or torn down like a process.

use std::{net::SocketAddr, sync::Arc};

use im_core::{
    Actor, Cursor, DeviceClass, Im, Limits, LoginPolicy, Session, TrustEveryone, UpsertUser,
    port::TokioRuntime,
    testing::{device, user},
    wire::Format,
};
use im_server::{Config, Secret, Server, WantedToken};
use im_store::SqlStore;
use im_transport::ws::{self, Connector, WebSocketServer};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use super::{ByHand, Database, Proxy, within};

/// What a node is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// The engine behind a WebSocket. Everybody exists, and the token is the user's id.
    Engine,
    /// The whole server.
    Server,
}

/// What a node is told to keep to.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) login_policy: LoginPolicy,
}

/// A running node. Dropping it is the end of its process: nothing is flushed, nobody is told.
pub(crate) struct Node {
    address: SocketAddr,
    im: Im,
    runtime: Option<Runtime>,
    server: Option<Server>,
}

/// One database, the node on it, and everybody's way to that node.
pub(crate) struct World {
    // Before the database, which is removed once nobody uses it.
    node: Option<Node>,
    home: TempDir,
    kind: Kind,
    rules: Rules,
    /// What people connect to; leads to the present node.
    proxy: Proxy,
    database: Database,
}

impl Node {
    async fn start(kind: Kind, database: &Database, home: &TempDir, rules: &Rules) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (url, rules) = (database.url().to_owned(), rules.clone());
        let (limits, policy) = (rules.limits, rules.login_policy);
        let (address, im, server) = match kind {
            Kind::Engine => {
                let started = runtime.spawn(async move {
                    let store = SqlStore::open(&url).await.unwrap();
                    let builder = Im::builder(store, TrustEveryone).limits(limits);
                    let im = builder.login_policy(policy).build();
                    im.housekeep();
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let address = listener.local_addr().unwrap();
                    let door = WebSocketServer::new(im.clone(), ws::Options::default());
                    tokio::spawn(async move { ws::serve(listener, door).await.map(drop) });
                    (address, im, None)
                });
                within("the engine to start", started).await.unwrap()
            }
            Kind::Server => {
                let config = Config {
                    data_dir: home.path().join("data"),
                    database_url: Secret::new(url),
                    limits,
                    login_policy: policy,
                    listen: "127.0.0.1:0".parse().unwrap(),
                    ..Config::default()
                };
                let started = runtime.spawn(async move {
                    let server = Server::start(&config).await.unwrap();
                    (server.address(), server.im().clone(), Some(server))
                });
                within("the server to start", started).await.unwrap()
            }
        };
        Self {
            address,
            im,
            runtime: Some(runtime),
            server,
        }
    }

    /// Stops as an operator would, and then ends at once, as a process does.
    async fn stop(mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        let (im, server) = (self.im.clone(), self.server.take());
        let stopped = runtime.spawn(async move {
            match server {
                Some(server) => server.shut_down().await,
                None => im.shut_down().await,
            }
        });
        within("the node to stop", stopped).await.unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl World {
    /// The engine behind a WebSocket, on SQLite.
    pub(crate) async fn engine() -> Self {
        Self::engine_on(Database::sqlite(), Limits::default()).await
    }

    /// The engine behind a WebSocket.
    pub(crate) async fn engine_on(database: Database, limits: Limits) -> Self {
        let rules = Rules {
            limits,
            ..Rules::default()
        };
        Self::start(Kind::Engine, database, rules).await
    }

    /// The engine behind a WebSocket, on SQLite, with rules of its own.
    pub(crate) async fn engine_with(rules: Rules) -> Self {
        Self::start(Kind::Engine, Database::sqlite(), rules).await
    }

    /// The whole server, on SQLite.
    pub(crate) async fn server() -> Self {
        Self::server_with(Limits::default()).await
    }

    /// The whole server.
    pub(crate) async fn server_on(database: Database) -> Self {
        Self::start(Kind::Server, database, Rules::default()).await
    }

    /// The whole server, on SQLite, with limits of its own.
    pub(crate) async fn server_with(limits: Limits) -> Self {
        let rules = Rules {
            limits,
            ..Rules::default()
        };
        Self::start(Kind::Server, Database::sqlite(), rules).await
    }

    async fn start(kind: Kind, database: Database, rules: Rules) -> Self {
        let home = tempfile::tempdir().unwrap();
        let node = Node::start(kind, &database, &home, &rules).await;
        let proxy = Proxy::to(node.address).await;
        Self {
            node: Some(node),
            home,
            kind,
            rules,
            proxy,
            database,
        }
    }

    /// Where the present node listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.node().address
    }

    /// The engine of the present node.
    pub(crate) fn im(&self) -> &Im {
        &self.node().im
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The server of the present node.
    pub(crate) fn server_handle(&self) -> &Server {
        self.node().server.as_ref().unwrap()
    }

    /// A door of one's own to the present node.
    pub(crate) async fn new_proxy(&self) -> Proxy {
        Proxy::to(self.address()).await
    }

    /// Ends the node in good order and starts another on the same database.
    pub(crate) async fn restart(&mut self) {
        self.node.take().unwrap().stop().await;
        self.start_again().await;
    }

    /// Ends the node as a power cut does and starts another on the same database.
    pub(crate) async fn crash(&mut self) {
        drop(self.node.take());
        self.start_again().await;
    }

    /// Ends the node in good order.
    pub(crate) async fn stop(&mut self) {
        self.node.take().unwrap().stop().await;
    }

    pub(crate) async fn start_again(&mut self) {
        let node = Node::start(self.kind, &self.database, &self.home, &self.rules).await;
        self.proxy.redirect(node.address);
        self.node = Some(node);
    }

    fn node(&self) -> &Node {
        self.node.as_ref().unwrap()
    }

    /// A token for somebody, who exists from now on.
    pub(crate) async fn token(&self, name: &str, device_name: &str) -> String {
        let Some(server) = &self.node().server else {
            return name.to_owned();
        };
        let profile = UpsertUser::new(user(name));
        let actor = Actor::service(user("operator"));
        self.im().call(&actor, profile).await.unwrap();
        let issued = server
            .accounts()
            .issue(WantedToken {
                device: Some(device(device_name)),
                ..WantedToken::of(user(name))
            })
            .await;
        issued.unwrap().access_token
    }

    async fn connector(
        &self,
        door: SocketAddr,
        (name, device_name): (&str, &str),
        format: Format,
    ) -> Arc<Connector> {
        let token = self.token(name, device_name).await;
        let connector = Connector::new(&format!("ws://{door}/v1/ws"), token, device(device_name));
        Arc::new(
            connector
                .unwrap()
                .class(DeviceClass::Desktop)
                .format(format),
        )
    }

    /// A session of a device, by a door that stays where it is when the node is another.
    pub(crate) async fn connect(&self, name: &str, device_name: &str) -> Session {
        self.connect_by(&self.proxy, name, device_name).await
    }

    /// A session of a device by a certain door.
    pub(crate) async fn connect_by(&self, door: &Proxy, name: &str, device_name: &str) -> Session {
        self.connect_in(door, name, device_name, Format::MessagePack)
            .await
    }

    /// A session of a device by a certain door, in a certain encoding.
    pub(crate) async fn connect_in(
        &self,
        door: &Proxy,
        name: &str,
        device_name: &str,
        format: Format,
    ) -> Session {
        let who = (name, device_name);
        let connector = self.connector(door.address(), who, format).await;
        let session = Session::open(connector, Arc::new(TokioRuntime));
        within("a session", session).await.unwrap()
    }

    /// A session of a device that was here before, and where it was.
    pub(crate) async fn resume(&self, name: &str, device_name: &str, cursor: Cursor) -> Session {
        let who = (name, device_name);
        let connector = self
            .connector(self.proxy.address(), who, Format::MessagePack)
            .await;
        let session = Session::resume(connector, Arc::new(TokioRuntime), cursor);
        within("a session", session).await.unwrap()
    }

    /// A session that is driven by hand.
    pub(crate) async fn by_hand(&self, name: &str, device_name: &str) -> ByHand {
        let token = self.token(name, device_name).await;
        ByHand::open(self.address(), &token, device_name).await
    }
}
