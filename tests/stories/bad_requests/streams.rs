//! Messages whose text comes piece by piece.

use serde_json::json;

use super::{BAD, Ids, Row};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids {
        chat,
        room,
        foreign,
        ..
    } = ids;
    vec![
        (
            "a stream of something that is no text",
            "message.send",
            json!({"conversation": chat, "client_id": "s", "streaming": true,
                "content": {"kind": "card", "user": "bob"}}),
            "unsupported_content",
        ),
        (
            "a piece of text for nothing",
            "message.delta",
            json!({"conversation": chat, "seq": 0, "offset": 0, "text": "x"}),
            "not_found",
        ),
        (
            "a piece of text for a change",
            "message.delta",
            json!({"conversation": room, "seq": 1, "offset": 0, "text": "x"}),
            "expired",
        ),
        (
            "a piece of text before the beginning",
            "message.delta",
            json!({"conversation": chat, "seq": 2, "offset": -1, "text": "x"}),
            BAD,
        ),
        (
            "a piece of text that is none",
            "message.delta",
            json!({"conversation": chat, "seq": 2, "offset": 0}),
            BAD,
        ),
        (
            "a piece of text for somebody else's conversation",
            "message.delta",
            json!({"conversation": foreign, "seq": 2, "offset": 0, "text": "x"}),
            "not_found",
        ),
        (
            "the end of nothing",
            "message.finish",
            json!({"conversation": chat, "client_id": "f", "seq": 99}),
            "not_found",
        ),
        (
            "the end of a change",
            "message.finish",
            json!({"conversation": chat, "client_id": "f", "seq": 1}),
            "not_found",
        ),
    ]
}
