//! A server with a roof over its data, and a client without any comfort.

use std::{net::SocketAddr, path::Path};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use im_server::{Config, Extensions, NewAccount, Password, RateLimits, Secret, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct House {
    pub(crate) server: Server,
    home: TempDir,
}

impl House {
    /// A server on SQLite that counts no attempts, so that tests can make many.
    pub(crate) async fn open() -> Self {
        let rate_limits = RateLimits {
            sign_ins_per_address: 0,
            sign_ins_per_user: 0,
            codes_per_address: 0,
            codes_per_target: 0,
            failures_before_lock: 0,
        };
        Self::open_with(|config| config.rate_limits = rate_limits).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::open_extended(Extensions::default(), change).await
    }

    pub(crate) async fn open_extended(
        extensions: Extensions,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut config = Self::config(&home);
        change(&mut config);
        let server = Server::start_with(&config, extensions).await.unwrap();
        Self { server, home }
    }

    /// Where the server keeps its data.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Another server on the same data.
    pub(crate) async fn neighbour(&self) -> Neighbour {
        let server = Server::start(&Self::config(&self.home)).await.unwrap();
        Neighbour(server)
    }

    /// Stops the server and starts another on the same data.
    pub(crate) async fn restart(self) -> Self {
        let Self { server, home } = self;
        server.shut_down().await;
        let config = Self::config(&home);
        let server = Server::start(&config).await.unwrap();
        Self { server, home }
    }

    fn config(home: &TempDir) -> Config {
        Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: home.path().into(),
            database_url: Secret::new(format!("sqlite://{}/im.db", home.path().display())),
            ..Config::default()
        }
    }

    /// A request, as `"GET /healthz"`.
    pub(crate) fn ask(&self, line: &str) -> Ask {
        Ask::new(self.server.address(), line)
    }

    /// Registers a user, signs it in, and returns what that gave.
    pub(crate) async fn sign_in(&self, user: &str) -> Value {
        let account = NewAccount::with_password(user.try_into().unwrap(), Password::new(PASSWORD));
        self.server
            .accounts()
            .register(account, Some("k"))
            .await
            .unwrap();
        let answer = self.ask("POST /v1/sessions").json(credentials(user)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    /// The access token of a new user.
    pub(crate) async fn token_of(&self, user: &str) -> String {
        text(&self.sign_in(user).await["access_token"])
    }
}

/// Another server on the data of a house.
pub(crate) struct Neighbour(Server);

impl Neighbour {
    pub(crate) fn im(&self) -> &im_core::Im {
        self.0.im()
    }

    pub(crate) fn ask(&self, line: &str) -> Ask {
        Ask::new(self.0.address(), line)
    }
}

pub(crate) fn credentials(user: &str) -> Value {
    json!({"user": user, "password": PASSWORD, "device": "phone"})
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A request in the making.
pub(crate) struct Ask {
    address: SocketAddr,
    builder: hyper::http::request::Builder,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, line: &str) -> Self {
        let (verb, path) = line.split_once(' ').unwrap();
        let builder = Request::builder()
            .method(verb)
            .uri(path)
            .header("host", address.to_string());
        Self { address, builder }
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub(crate) async fn json(self, body: Value) -> Answer {
        self.header("content-type", "application/json")
            .body(body.to_string())
            .await
    }

    pub(crate) async fn send(self) -> Answer {
        self.body(Bytes::new()).await
    }

    pub(crate) async fn body(self, body: impl Into<Bytes>) -> Answer {
        let request = self.builder.body(Full::new(body.into())).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of a problem, after checking that it is a whole one.
    pub(crate) fn problem(&self) -> (u16, String) {
        let problem = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], self.status, "{problem}");
        for field in ["type", "title", "detail", "request_id"] {
            let text = problem[field].as_str();
            assert!(
                text.is_some_and(|text| !text.is_empty()),
                "{field}: {problem}"
            );
        }
        assert!(problem["retryable"].is_boolean(), "{problem}");
        assert_eq!(
            self.headers["x-request-id"],
            problem["request_id"].as_str().unwrap()
        );
        (self.status, text(&problem["code"]))
    }

    /// A problem without its request id.
    pub(crate) fn anonymous_problem(&self) -> Value {
        self.problem();
        let mut problem = self.json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    }
}
