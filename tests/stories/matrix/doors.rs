//! The same asks by REST: which request is the door to a command is what the server itself says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stage::House;
use crate::world::{Answer, Rest};

/// A request that asks what a command asks.
#[derive(Debug)]
pub(super) struct Request {
    verb: String,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// Verb and path of every command that has a route.
pub(super) struct Doors {
    of: BTreeMap<String, (String, String)>,
    /// The one command with two doors: a reaction is put, and taken back by another verb.
    unreact: (String, String),
}

impl Doors {
    /// As the server says it.
    pub(super) async fn of(house: &House) -> Self {
        let nobody = Rest::new(house.server.address(), None);
        let answer = nobody.get("/v1/capabilities").await.body;
        let text = |door: &Value, name: &str| door[name].as_str().unwrap().to_owned();
        let doors = answer["methods"].as_array().unwrap().iter();
        let of = doors.map(|door| {
            (
                text(door, "method"),
                (text(door, "verb"), text(door, "path")),
            )
        });
        let of: BTreeMap<_, _> = of.collect();
        let unreact = ("DELETE".to_owned(), of["message.react"].1.clone());
        Self { of, unreact }
    }

    /// Every route that is such a door, as `"GET /v1/search"`.
    pub(super) fn lines(&self) -> Vec<String> {
        let doors = self.of.values().chain([&self.unreact]);
        doors.map(|(verb, path)| format!("{verb} {path}")).collect()
    }

    /// The request for a command; `None` when only links take it.
    pub(super) fn request(&self, method: &str, params: &Value) -> Option<Request> {
        let door = self.of.get(method)?;
        let (verb, path) = match (method, &params["on"]) {
            ("message.react", Value::Bool(false)) => &self.unreact,
            _ => door,
        };
        Some(Request::fill(verb, path, params))
    }
}

impl Request {
    /// Puts every parameter where it belongs: into the path, the key's header, the query or the body.
    pub(super) fn fill(verb: &str, path: &str, params: &Value) -> Self {
        let mut fields = params.as_object().unwrap().clone();
        let parts = path.split('/').map(|part| match part.strip_prefix('{') {
            Some(name) => in_path(&mut fields, name.trim_end_matches('}')),
            None => part.to_owned(),
        });
        let mut path = parts.collect::<Vec<_>>().join("/");
        let key = fields.remove("client_id").map(|key| plain(&key));
        let headers = key
            .into_iter()
            .map(|key| ("idempotency-key", key))
            .collect();
        if ["GET", "DELETE"].contains(&verb) {
            let query: Vec<_> = fields.iter().flat_map(in_query).collect();
            if !query.is_empty() {
                path = format!("{path}?{}", query.join("&"));
            }
        }
        Self {
            verb: verb.to_owned(),
            path,
            headers,
            body: Value::Object(fields),
        }
    }

    /// Sends it.
    pub(super) async fn send(&self, rest: &Rest) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(
            self.headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let body = self.body.to_string();
        rest.request(&self.verb, &self.path, &headers, body.into())
            .await
    }
}

/// The value that belongs into a place of a path.
fn in_path(fields: &mut serde_json::Map<String, Value>, place: &str) -> String {
    let names: &[&str] = match place {
        "id" => &["conversation"],
        "seq" => &["seq", "target", "root"],
        other => &[other],
    };
    let value = names.iter().find_map(|name| fields.remove(*name));
    plain(&value.unwrap_or_else(|| panic!("nothing for {{{place}}} among {fields:?}")))
}

fn in_query((name, value): (&String, &Value)) -> Vec<String> {
    let name = match name.as_str() {
        "users" => "user",
        "seqs" => "seq",
        "after" => "cursor",
        other => other,
    };
    match value {
        Value::Array(items) => items
            .iter()
            .map(|item| format!("{name}={}", escaped(item)))
            .collect(),
        one => vec![format!("{name}={}", escaped(one))],
    }
}

/// As a part of a query.
fn escaped(value: &Value) -> String {
    plain(value).replace('%', "%25").replace(' ', "%20")
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
