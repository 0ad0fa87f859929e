//! What is there before anything goes wrong: users, tokens, conversations. And the logs, for the audit.

use std::{cell::RefCell, io, net::SocketAddr, rc::Rc};

use serde_json::{Value, json};
use tests::{http, random::Random, socket::Socket};

use crate::{
    device::Device,
    log::{Log, Seen},
    world::World,
};

/// User and device; one user has two.
const DEVICES: &[(&str, &str)] = &[
    ("ann", "phone"),
    ("ann", "laptop"),
    ("ben", "phone"),
    ("cat", "phone"),
    ("dan", "phone"),
    ("eve", "phone"),
    ("fay", "phone"),
];
/// The most entries in a page of history.
const PAGE: u64 = 200;

/// All logs, as those see them who have been there from the beginning.
pub(crate) async fn logs(address: SocketAddr, world: &Rc<RefCell<World>>) -> io::Result<Vec<Log>> {
    let wanted: Vec<_> = {
        let world = world.borrow();
        let witnesses = world
            .witnesses
            .iter()
            .map(|user| world.tokens[user].clone());
        world.conversations.iter().cloned().zip(witnesses).collect()
    };
    let mut logs = Vec::new();
    for (conversation, token) in wanted {
        let mut socket = Socket::connect(address, &token).await?;
        socket
            .call("session.open", &json!({"device": "auditor"}))
            .await?;
        logs.push(read(&mut socket, &conversation).await?);
    }
    Ok(logs)
}

async fn read(socket: &mut Socket, conversation: &str) -> io::Result<Log> {
    let mut log = Log::default();
    let mut after = 0;
    loop {
        let ask = json!({"conversation": conversation, "after_seq": after, "limit": PAGE});
        let page = socket.call("message.history", &ask).await?;
        for entry in page["items"].as_array().into_iter().flatten() {
            let seq = entry["seq"].as_u64().unwrap_or_default();
            if seq <= after {
                return Err(io::Error::other(format!("history after {after} has {seq}")));
            }
            after = seq;
            // Not folded: this is what the server says now.
            log.repeated += u64::from(log.entries.insert(seq, Seen::new(entry)).is_some());
        }
        log.head = page["head"]["seq"].as_u64().unwrap_or_default();
        if page["done"] == true {
            return Ok(log);
        }
    }
}

/// Makes users, tokens and conversations, and the devices that will use them.
pub(crate) async fn set_up(
    address: SocketAddr,
    key: &str,
    world: &Rc<RefCell<World>>,
    random: &mut Random,
) -> io::Result<Vec<Device>> {
    for (user, _) in DEVICES {
        http::call(address, key, &format!("PUT /v1/users/{user}"), &json!({}))?;
        let ask = json!({"device": "any", "ttl_ms": 86_400_000});
        let issued = http::call(address, key, &format!("POST /v1/users/{user}/tokens"), &ask)?;
        let token = issued["access_token"]
            .as_str()
            .ok_or_else(|| io::Error::other(issued.to_string()))?;
        world
            .borrow_mut()
            .tokens
            .insert((*user).to_owned(), token.to_owned());
    }
    let mut conversations = Vec::new();
    let group = |joining: &str| {
        json!({"client_id": format!("create-{joining}"), "name": "all", "joining": joining,
        "members": ["ben", "cat", "dan", "eve", "fay"]})
    };
    for (user, method, params) in [
        ("ann", "conversation.direct", json!({"user": "ben"})),
        ("cat", "conversation.direct", json!({"user": "dan"})),
        ("ann", "conversation.create", group("invited")),
        ("ann", "conversation.create", group("open")),
    ] {
        let token = world.borrow().tokens[user].clone();
        let mut socket = Socket::connect(address, &token).await?;
        socket
            .call("session.open", &json!({"device": "setup"}))
            .await?;
        let view = socket.call(method, &params).await?;
        conversations.push(text(&view["conversation"]));
        world.borrow_mut().witnesses.push(user.to_owned());
    }
    world.borrow_mut().conversations = conversations;
    let devices = DEVICES
        .iter()
        .map(|(user, name)| Device::new(user, name, world, random.number()));
    Ok(devices.collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
