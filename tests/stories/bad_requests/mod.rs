//! Requests that cannot be, and the code that each of them gets. Told in `refused_requests`.
//!
//! One file for each area; a new command gets its rows there: of the wrong shape, out of bounds, not there, somebody
//! else's, not allowed. Fields that are missing or of the wrong type are tried by `refused_requests` for every command, from
//! its golden frame.

mod admins;
mod doors;
mod groups;
mod links;
mod marks;
mod messages;
mod own;
mod streams;
mod users;

use serde_json::{Value, json};

/// What everybody in these stories knows: ids to put into requests.
pub(crate) struct Ids {
    /// Of alice and bob.
    pub(crate) chat: Value,
    /// Alice's own group, with bob.
    pub(crate) room: Value,
    /// Of carol and dave: not alice's.
    pub(crate) foreign: Value,
    /// Nobody's.
    pub(crate) absent: Value,
}

/// A row: what is wrong, the method, its parameters, and the code.
pub(crate) type Row = (&'static str, &'static str, Value, &'static str);

pub(crate) fn table(ids: &Ids) -> Vec<Row> {
    let areas = [
        groups::rows(ids),
        doors::rows(ids),
        links::rows(),
        marks::rows(ids),
        messages::rows(ids),
        own::rows(ids),
        streams::rows(ids),
        admins::rows(ids),
        users::rows(),
    ];
    areas.concat()
}

/// The code of what makes no sense.
const BAD: &str = "invalid_request";

/// More users than one request may name.
fn crowd() -> Vec<String> {
    (0..501).map(|n| format!("user-{n}")).collect()
}

/// A content of about so many bytes.
fn blob(bytes: usize) -> Value {
    json!({"kind": "custom", "name": "n", "data": "x".repeat(bytes)})
}

/// The parameters of `message.send`.
pub(crate) fn said(conversation: &Value, client_id: &str, text: &str) -> Value {
    let content = json!({"kind": "text", "text": text});
    json!({"conversation": conversation, "client_id": client_id, "content": content})
}

/// The parameters with these fields beside.
fn also(mut params: Value, more: Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    params
}
