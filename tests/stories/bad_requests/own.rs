//! What is a user's own: drafts, favourites, messages for later, notices.

use serde_json::json;

use super::{BAD, Ids, Row, blob};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids { chat, .. } = ids;
    vec![
        (
            "a message of nothing for later",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s1", "content": {"kind": "text", "text": " "}, "at_ms": 0}),
            BAD,
        ),
        (
            "a message for the next century",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s2", "content": {"kind": "text", "text": "x"}, "at_ms": 4_900_000_000_000_i64}),
            BAD,
        ),
        (
            "a message for later without a time",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s3", "content": {"kind": "text", "text": "x"}}),
            BAD,
        ),
        (
            "a message for later in somebody else's conversation",
            "message.schedule",
            json!({"conversation": ids.foreign, "client_id": "s4", "content": {"kind": "text", "text": "x"}, "at_ms": 0}),
            "not_found",
        ),
        (
            "unscheduling what is not scheduled",
            "message.unschedule",
            json!({"client_id": "s5"}),
            "not_found",
        ),
        (
            "a draft of nothing",
            "draft.put",
            json!({"conversation": chat, "content": {"kind": "text", "text": " "}}),
            BAD,
        ),
        (
            "a huge draft",
            "draft.put",
            json!({"conversation": chat, "content": blob(64 * 1024)}),
            "too_large",
        ),
        (
            "a draft in somebody else's conversation",
            "draft.put",
            json!({"conversation": ids.foreign, "content": {"kind": "text", "text": "x"}}),
            "not_found",
        ),
        (
            "a page of drafts after what is no key",
            "draft.list",
            json!({"after": "a b"}),
            BAD,
        ),
        (
            "a favourite in somebody else's conversation",
            "favourite.add",
            json!({"conversation": ids.foreign, "seq": 2}),
            "not_found",
        ),
        (
            "a favourite that is no message",
            "favourite.add",
            json!({"conversation": chat, "seq": 1}),
            "not_found",
        ),
        (
            "a favourite beyond all numbers",
            "favourite.add",
            json!({"conversation": chat, "seq": 1u64 << 60}),
            "not_found",
        ),
        (
            "a notice from a user",
            "notice.send",
            json!({"client_id": "n", "everyone": true, "texts": {"en": {"text": "x"}}}),
            "forbidden",
        ),
        (
            "a template from a user",
            "notice.put_template",
            json!({"name": "t", "category": "c", "texts": {"en": {"text": "x"}}}),
            "forbidden",
        ),
        (
            "templates for a user",
            "notice.templates",
            json!({}),
            "forbidden",
        ),
        (
            "reading too many notices",
            "notice.read",
            json!({"notices": (0..201).map(|n| format!("n{n}")).collect::<Vec<_>>()}),
            "too_many",
        ),
        (
            "a notice that is no key",
            "notice.delete",
            json!({"notice": "a b"}),
            BAD,
        ),
        (
            "a draft of what is no conversation",
            "draft.delete",
            json!({"conversation": "chat"}),
            BAD,
        ),
        (
            "a page of favourites of no size",
            "favourite.list",
            json!({"limit": -1}),
            BAD,
        ),
        (
            "a favourite that is no seq",
            "favourite.remove",
            json!({"conversation": chat, "seq": -1}),
            BAD,
        ),
        (
            "a page of what is scheduled after what is no key",
            "message.scheduled",
            json!({"after": "a b"}),
            BAD,
        ),
        (
            "a client id of nothing for later",
            "message.unschedule",
            json!({"client_id": ""}),
            BAD,
        ),
        (
            "forgetting a template as a user",
            "notice.delete_template",
            json!({"name": "t"}),
            "forbidden",
        ),
        (
            "a page of notices of no size",
            "notice.list",
            json!({"limit": -1}),
            BAD,
        ),
        ("all notices, as a text", "notice.read_all", json!("x"), BAD),
    ]
}
