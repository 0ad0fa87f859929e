//! Saying, editing, taking back, looking back, searching.

use serde_json::{Value, json};

use super::{BAD, Ids, Row, also, blob, crowd, said};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids { chat, .. } = ids;
    let with = |content: Value| json!({"conversation": chat, "client_id": "c", "content": content});
    let edit = |target: Value| also(said(chat, "e", "edited"), json!({"target": target}));
    vec![
        ("no parameters", "message.send", json!({}), BAD),
        (
            "parameters that are a list",
            "message.send",
            json!([1]),
            BAD,
        ),
        ("parameters that are null", "message.send", json!(null), BAD),
        (
            "a conversation that is no id",
            "message.send",
            said(&json!("chat"), "c", "x"),
            BAD,
        ),
        (
            "a conversation that is a number",
            "message.send",
            said(&json!(7), "c", "x"),
            BAD,
        ),
        (
            "an empty client id",
            "message.send",
            said(chat, "", "x"),
            BAD,
        ),
        (
            "a client id with a space",
            "message.send",
            said(chat, "a b", "x"),
            BAD,
        ),
        (
            "a client id that is too long",
            "message.send",
            said(chat, &"c".repeat(65), "x"),
            BAD,
        ),
        (
            "a content without a kind",
            "message.send",
            with(json!({"text": "x"})),
            BAD,
        ),
        (
            "a content that is a text",
            "message.send",
            with(json!("x")),
            BAD,
        ),
        (
            "a text that is a number",
            "message.send",
            with(json!({"kind": "text", "text": 7})),
            BAD,
        ),
        (
            "a kind that nobody knows",
            "message.send",
            with(json!({"kind": "smell"})),
            "unsupported_content",
        ),
        ("an empty text", "message.send", said(chat, "c", ""), BAD),
        (
            "a text of spaces",
            "message.send",
            said(chat, "c", " \n\t "),
            BAD,
        ),
        (
            "a huge text",
            "message.send",
            said(chat, "c", &"x".repeat(10_001)),
            "too_large",
        ),
        (
            "a huge text of few bytes a character",
            "message.send",
            said(chat, "c", &"界".repeat(10_001)),
            "too_large",
        ),
        (
            "a huge content",
            "message.send",
            with(blob(64 * 1024)),
            "too_large",
        ),
        (
            "a custom content without a name",
            "message.send",
            with(json!({"kind": "custom", "name": "", "data": 1})),
            BAD,
        ),
        (
            "an edit of nothing",
            "message.edit",
            edit(json!(0)),
            "not_found",
        ),
        (
            "an edit beyond the head",
            "message.edit",
            edit(json!(99)),
            "not_found",
        ),
        (
            "an edit beyond all numbers",
            "message.edit",
            edit(json!(1u64 << 60)),
            "not_found",
        ),
        (
            "an edit of a change",
            "message.edit",
            edit(json!(1)),
            "not_found",
        ),
        (
            "a recall of nothing",
            "message.recall",
            json!({"conversation": chat, "client_id": "r", "target": 0}),
            "not_found",
        ),
        (
            "a recall beyond the head",
            "message.recall",
            json!({"conversation": chat, "client_id": "r", "target": 99}),
            "not_found",
        ),
        (
            "a seq that is negative",
            "message.edit",
            edit(json!(-1)),
            BAD,
        ),
        (
            "a seq that is a fraction",
            "message.edit",
            edit(json!(1.5)),
            BAD,
        ),
        (
            "a seq that is a text",
            "message.edit",
            edit(json!("2")),
            BAD,
        ),
        (
            "a seq beyond 64 bits",
            "message.edit",
            edit(json!(1e30)),
            BAD,
        ),
        (
            "a limit that is negative",
            "message.history",
            json!({"conversation": chat, "limit": -1}),
            BAD,
        ),
        (
            "readers of nothing",
            "message.readers",
            json!({"conversation": chat, "seq": 99}),
            "not_found",
        ),
        (
            "readers in somebody else's conversation",
            "message.readers",
            json!({"conversation": ids.foreign, "seq": 2}),
            "not_found",
        ),
        (
            "an answer to nothing",
            "message.send",
            also(said(chat, "c", "x"), json!({"reply_to": 99})),
            "not_found",
        ),
        (
            "a thread of nothing",
            "message.send",
            also(said(chat, "c", "x"), json!({"thread": 99})),
            "not_found",
        ),
        (
            "too many who are called",
            "message.send",
            also(
                said(chat, "c", "x"),
                json!({"mentions": {"users": &crowd()[..101]}}),
            ),
            "too_many",
        ),
        (
            "an end at once",
            "message.send",
            also(said(chat, "c", "x"), json!({"ttl_ms": 0})),
            BAD,
        ),
        (
            "an end in two years",
            "message.send",
            also(said(chat, "c", "x"), json!({"ttl_ms": 63_072_000_000_u64})),
            BAD,
        ),
        (
            "burning in two years",
            "message.send",
            also(said(chat, "c", "x"), json!({"burn_ms": 63_072_000_000_u64})),
            BAD,
        ),
        (
            "burning in a group",
            "message.send",
            also(said(&ids.room, "c", "x"), json!({"burn_ms": 1_000})),
            BAD,
        ),
        (
            "a poll of one option",
            "message.send",
            with(json!({"kind": "poll", "question": "?", "options": ["a"]})),
            BAD,
        ),
        (
            "a poll of too many options",
            "message.send",
            with(json!({"kind": "poll", "question": "?", "options": crowd()[..21]})),
            BAD,
        ),
        (
            "a poll with the same option twice",
            "message.send",
            with(json!({"kind": "poll", "question": "?", "options": ["a", "a"]})),
            BAD,
        ),
        (
            "a place beyond the pole",
            "message.send",
            with(json!({"kind": "location", "latitude": 91.0, "longitude": 0.0})),
            BAD,
        ),
        (
            "nothing for now",
            "message.now",
            json!({"conversation": chat, "content": {"kind": "text", "text": " "}}),
            BAD,
        ),
        (
            "too much for now",
            "message.now",
            json!({"conversation": chat, "content": blob(64 * 1024)}),
            "too_large",
        ),
        (
            "a kind for now that nobody knows",
            "message.now",
            json!({"conversation": chat, "content": {"kind": "smell"}}),
            "unsupported_content",
        ),
        (
            "something for now elsewhere",
            "message.now",
            json!({"conversation": ids.foreign, "content": {"kind": "text", "text": "x"}}),
            "not_found",
        ),
        (
            "two places to begin at",
            "message.history",
            json!({"conversation": chat, "after_seq": 1, "before_seq": 2}),
            BAD,
        ),
        ("a search for nothing", "message.search", json!({}), BAD),
        (
            "a search for too much",
            "message.search",
            json!({"text": "x".repeat(101)}),
            "too_large",
        ),
        (
            "a search elsewhere",
            "message.search",
            json!({"text": "x", "conversation": ids.foreign}),
            "not_found",
        ),
        (
            "a search from a cursor that is none",
            "message.search",
            json!({"text": "x", "cursor": "AAAA"}),
            BAD,
        ),
    ]
}
