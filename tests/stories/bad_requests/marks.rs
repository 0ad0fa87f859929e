//! What is attached to messages, and what is done with them beside saying them.

use serde_json::json;

use super::{BAD, Ids, Row};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids {
        chat,
        room,
        foreign,
        ..
    } = ids;
    let many: Vec<u64> = (1..=101).collect();
    vec![
        (
            "an empty reaction",
            "message.react",
            json!({"conversation": chat, "target": 2, "emoji": "", "on": true}),
            BAD,
        ),
        (
            "a reaction that is too long",
            "message.react",
            json!({"conversation": chat, "target": 2, "emoji": "x".repeat(33), "on": true}),
            BAD,
        ),
        (
            "a reaction to nothing",
            "message.react",
            json!({"conversation": chat, "target": 99, "emoji": "ok", "on": true}),
            "not_found",
        ),
        (
            "a reaction to a change",
            "message.react",
            json!({"conversation": chat, "target": 1, "emoji": "ok", "on": true}),
            "not_found",
        ),
        (
            "a reaction elsewhere",
            "message.react",
            json!({"conversation": foreign, "target": 2, "emoji": "ok", "on": true}),
            "not_found",
        ),
        (
            "a vote in what is no poll",
            "message.vote",
            json!({"conversation": chat, "target": 2, "options": [0]}),
            BAD,
        ),
        (
            "a vote in nothing",
            "message.vote",
            json!({"conversation": chat, "target": 99, "options": [0]}),
            "not_found",
        ),
        (
            "a vote in a change",
            "message.vote",
            json!({"conversation": chat, "target": 1, "options": [0]}),
            "not_found",
        ),
        (
            "a vote elsewhere",
            "message.vote",
            json!({"conversation": foreign, "target": 2, "options": [0]}),
            "not_found",
        ),
        (
            "an option that is negative",
            "message.vote",
            json!({"conversation": chat, "target": 2, "options": [-1]}),
            BAD,
        ),
        (
            "annotations of no message",
            "message.annotations",
            json!({"conversation": chat, "seqs": []}),
            BAD,
        ),
        (
            "annotations of too many messages",
            "message.annotations",
            json!({"conversation": chat, "seqs": many}),
            "too_many",
        ),
        (
            "annotations elsewhere",
            "message.annotations",
            json!({"conversation": foreign, "seqs": [2]}),
            "not_found",
        ),
        (
            "markers of neither an emoji nor an option",
            "message.markers",
            json!({"conversation": chat, "target": 2}),
            BAD,
        ),
        (
            "markers of both",
            "message.markers",
            json!({"conversation": chat, "target": 2, "emoji": "ok", "option": 0}),
            BAD,
        ),
        (
            "markers elsewhere",
            "message.markers",
            json!({"conversation": foreign, "target": 2, "emoji": "ok"}),
            "not_found",
        ),
        (
            "a pin on nothing",
            "message.pin",
            json!({"conversation": chat, "client_id": "p", "target": 99}),
            "not_found",
        ),
        (
            "a pin on a change",
            "message.pin",
            json!({"conversation": chat, "client_id": "p", "target": 1}),
            "not_found",
        ),
        (
            "a pin elsewhere",
            "message.pin",
            json!({"conversation": foreign, "client_id": "p", "target": 2}),
            "not_found",
        ),
        (
            "taking a pin off elsewhere",
            "message.unpin",
            json!({"conversation": foreign, "client_id": "p", "target": 2}),
            "not_found",
        ),
        (
            "taking a pin off what is no seq",
            "message.unpin",
            json!({"conversation": chat, "client_id": "p", "target": "2"}),
            BAD,
        ),
        (
            "passing nothing on",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": chat, "seqs": []}),
            BAD,
        ),
        (
            "passing too many on",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": chat, "seqs": many}),
            "too_many",
        ),
        (
            "passing on what is not there",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": chat, "seqs": [99]}),
            "not_found",
        ),
        (
            "passing a change on",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": chat, "seqs": [1]}),
            "not_found",
        ),
        (
            "passing on what is somebody else's",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": foreign, "seqs": [2]}),
            "not_found",
        ),
        (
            "passing something on elsewhere",
            "message.forward",
            json!({"conversation": foreign, "client_id": "f", "from": chat, "seqs": [2]}),
            "not_found",
        ),
        (
            "a title that is too long",
            "message.forward",
            json!({"conversation": room, "client_id": "f", "from": chat, "seqs": [2], "merged": true, "title": "x".repeat(101)}),
            "too_large",
        ),
        (
            "no message",
            "message.get",
            json!({"conversation": chat, "seqs": []}),
            BAD,
        ),
        (
            "too many messages",
            "message.get",
            json!({"conversation": chat, "seqs": many}),
            "too_many",
        ),
        (
            "messages elsewhere",
            "message.get",
            json!({"conversation": foreign, "seqs": [2]}),
            "not_found",
        ),
        (
            "deleting no message",
            "message.delete",
            json!({"conversation": chat, "seqs": []}),
            BAD,
        ),
        (
            "deleting too many messages",
            "message.delete",
            json!({"conversation": chat, "seqs": many}),
            "too_many",
        ),
        (
            "deleting what is not there",
            "message.delete",
            json!({"conversation": chat, "seqs": [99]}),
            "not_found",
        ),
        (
            "deleting a change",
            "message.delete",
            json!({"conversation": chat, "seqs": [1]}),
            "not_found",
        ),
        (
            "deleting elsewhere",
            "message.delete",
            json!({"conversation": foreign, "seqs": [2]}),
            "not_found",
        ),
        (
            "edits of nothing",
            "message.edits",
            json!({"conversation": chat, "target": 99}),
            "not_found",
        ),
        (
            "edits elsewhere",
            "message.edits",
            json!({"conversation": foreign, "target": 2}),
            "not_found",
        ),
        (
            "a thread elsewhere",
            "message.thread",
            json!({"conversation": foreign, "root": 2}),
            "not_found",
        ),
        (
            "a thread of what is no seq",
            "message.thread",
            json!({"conversation": chat, "root": "2"}),
            BAD,
        ),
    ]
}
