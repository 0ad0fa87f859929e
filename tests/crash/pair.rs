//! Two who talk in a conversation of their own, of which the crowd knows nothing: for what is to be tried step by step.

use std::{io, net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tests::{http, socket::Socket};
use tokio::time::timeout;

use crate::Violation;

/// How long anything that is to be live may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// That somebody types is told again only after a while: until then it is said again.
const REPEAT: Duration = Duration::from_millis(200);

pub(crate) struct Pair {
    address: SocketAddr,
    key: String,
    gil: Socket,
    hal: Socket,
    conversation: String,
}

impl Pair {
    /// Two users who are there, and a conversation.
    pub(crate) async fn meet(address: SocketAddr, key: &str) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for user in ["gil", "hal"] {
            http::call(address, key, &format!("PUT /v1/users/{user}"), &json!({}))?;
            let token = token(address, key, user, Duration::from_hours(24))?;
            sockets.push(open(address, &token, "probe").await?);
        }
        let (Some(hal), Some(mut gil)) = (sockets.pop(), sockets.pop()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let view = gil
            .call("conversation.direct", &json!({"user": "hal"}))
            .await?;
        let conversation = view["conversation"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            address,
            key: key.to_owned(),
            gil,
            hal,
            conversation,
        })
    }

    /// A token of Gil that is good for so long.
    pub(crate) fn token(&self, span: Duration) -> io::Result<String> {
        token(self.address, &self.key, "gil", span)
    }

    /// Whether a token opens a session now.
    pub(crate) async fn opens(&self, token: &str) -> bool {
        open(self.address, token, "another").await.is_ok()
    }

    /// Both come again, after the server did.
    pub(crate) async fn come_back(&mut self) -> io::Result<()> {
        for (user, socket) in [("gil", &mut self.gil), ("hal", &mut self.hal)] {
            let token = token(self.address, &self.key, user, Duration::from_hours(24))?;
            *socket = open(self.address, &token, "probe").await?;
        }
        Ok(())
    }

    /// Gil says something that expires after so long.
    pub(crate) async fn say(&mut self, client_id: &str, expires_in: Duration) -> io::Result<()> {
        let params = json!({
            "client_id": client_id,
            "content": {"kind": "text", "text": client_id},
            "ttl_ms": expires_in.as_millis() as u64,
        });
        self.ask("message.send", params).await.map(drop)
    }

    /// Gil schedules something for a time in milliseconds since 1970.
    pub(crate) async fn schedule(&mut self, client_id: &str, at_ms: i64) -> io::Result<()> {
        let params = json!({
            "client_id": client_id,
            "content": {"kind": "text", "text": client_id},
            "at_ms": at_ms,
        });
        self.ask("message.schedule", params).await.map(drop)
    }

    /// Whether what was said under a client id has expired.
    pub(crate) async fn is_gone(&mut self, client_id: &str) -> io::Result<bool> {
        let entries = self.entries_of(client_id).await?;
        let mut entries = entries.iter();
        Ok(entries.any(|entry| entry["body"]["type"] == "expired_message"))
    }

    /// Gil asks for something in the conversation.
    async fn ask(&mut self, method: &str, mut params: Value) -> io::Result<Value> {
        params["conversation"] = json!(self.conversation);
        self.gil.call(method, &params).await
    }

    /// Gil's sessions are still those from the beginning, and what Gil does is heard by Hal at once.
    pub(crate) async fn is_live(&mut self) -> Result<(), Violation> {
        let live = async {
            self.gil.call("session.ping", &json!({})).await?;
            // What was heard before does not count.
            self.hal.call("session.ping", &json!({})).await?;
            loop {
                self.ask("conversation.typing", json!({})).await?;
                if let Ok(heard) = timeout(REPEAT, is_typing(&mut self.hal)).await {
                    return heard;
                }
            }
        };
        match timeout(PATIENCE, live).await {
            Ok(outcome) => outcome.map_err(|error| format!("not live: {error}")),
            Err(_) => Err("what one did was not heard by the other".to_owned()),
        }
    }

    /// The entries of the conversation that came of a client id.
    pub(crate) async fn entries_of(&mut self, client_id: &str) -> io::Result<Vec<Value>> {
        let params = json!({"after_seq": 0, "limit": 200});
        let mut page = self.ask("message.history", params).await?;
        let Value::Array(items) = page["items"].take() else {
            return Ok(Vec::new());
        };
        let of_it = items
            .into_iter()
            .filter(|entry| entry["client_id"] == client_id);
        Ok(of_it.collect())
    }
}

async fn is_typing(socket: &mut Socket) -> io::Result<()> {
    while socket.next().await?["method"] != "typing.changed" {}
    Ok(())
}

fn token(address: SocketAddr, key: &str, user: &str, span: Duration) -> io::Result<String> {
    let ask = json!({"device": "any", "ttl_ms": span.as_millis() as u64});
    let issued = http::call(address, key, &format!("POST /v1/users/{user}/tokens"), &ask)?;
    let token = issued["access_token"].as_str();
    token
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other(issued.to_string()))
}

async fn open(address: SocketAddr, token: &str, device: &str) -> io::Result<Socket> {
    let mut socket = Socket::connect(address, token).await?;
    socket
        .call("session.open", &json!({"device": device}))
        .await?;
    Ok(socket)
}
