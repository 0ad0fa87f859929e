//! Methods and sessions.

use serde_json::json;

use super::{BAD, Row};

pub(super) fn rows() -> Vec<Row> {
    vec![
        (
            "an unknown method",
            "message.sing",
            json!({}),
            "unknown_method",
        ),
        (
            "a method that only servers say",
            "message.stored",
            json!({}),
            "unknown_method",
        ),
        (
            "a cursor that is none",
            "sync.pull",
            json!({"cursor": "AAAA"}),
            BAD,
        ),
        (
            "opening an open session",
            "session.open",
            json!({"token": "t", "device": "d"}),
            "conflict",
        ),
        ("a word with a ping", "session.ping", json!("x"), BAD),
        ("a word at the end", "session.close", json!("x"), BAD),
    ]
}
