//! Requests that cannot be, and the code that each of them gets. Told in `refused_requests`.

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
    let Ids {
        chat,
        room,
        foreign,
        ..
    } = ids;
    let with = |content: Value| json!({"conversation": chat, "client_id": "c", "content": content});
    let crowd: Vec<_> = (0..501).map(|n| format!("user-{n}")).collect();
    let blob = |bytes: usize| json!({"kind": "custom", "name": "n", "data": "x".repeat(bytes)});
    let edit = |target: Value| {
        let mut ask = said(chat, "e", "edited");
        ask["target"] = target;
        ask
    };
    let bad = "invalid_request";
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
        ("no parameters", "message.send", json!({}), bad),
        (
            "parameters that are a list",
            "message.send",
            json!([1]),
            bad,
        ),
        ("parameters that are null", "message.send", json!(null), bad),
        (
            "a conversation that is no id",
            "message.send",
            said(&json!("chat"), "c", "x"),
            bad,
        ),
        (
            "a conversation that is a number",
            "message.send",
            said(&json!(7), "c", "x"),
            bad,
        ),
        (
            "an empty client id",
            "message.send",
            said(chat, "", "x"),
            bad,
        ),
        (
            "a client id with a space",
            "message.send",
            said(chat, "a b", "x"),
            bad,
        ),
        (
            "a client id that is too long",
            "message.send",
            said(chat, &"c".repeat(65), "x"),
            bad,
        ),
        (
            "a content without a kind",
            "message.send",
            with(json!({"text": "x"})),
            bad,
        ),
        (
            "a content that is a text",
            "message.send",
            with(json!("x")),
            bad,
        ),
        (
            "a text that is a number",
            "message.send",
            with(json!({"kind": "text", "text": 7})),
            bad,
        ),
        (
            "a kind that nobody knows",
            "message.send",
            with(json!({"kind": "smell"})),
            "unsupported_content",
        ),
        ("an empty text", "message.send", said(chat, "c", ""), bad),
        (
            "a text of spaces",
            "message.send",
            said(chat, "c", " \n\t "),
            bad,
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
            bad,
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
            bad,
        ),
        (
            "a piece of text that is none",
            "message.delta",
            json!({"conversation": chat, "seq": 2, "offset": 0}),
            bad,
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
            "reading up to a text",
            "conversation.read",
            json!({"conversation": chat, "seq": "2"}),
            bad,
        ),
        (
            "a seq that is negative",
            "message.edit",
            edit(json!(-1)),
            bad,
        ),
        (
            "a seq that is a fraction",
            "message.edit",
            edit(json!(1.5)),
            bad,
        ),
        (
            "a seq that is a text",
            "message.edit",
            edit(json!("2")),
            bad,
        ),
        (
            "a seq beyond 64 bits",
            "message.edit",
            edit(json!(1e30)),
            bad,
        ),
        (
            "a user that is no id",
            "conversation.direct",
            json!({"user": "a b"}),
            bad,
        ),
        (
            "a user id that is too long",
            "conversation.direct",
            json!({"user": "x".repeat(65)}),
            bad,
        ),
        (
            "somebody who does not exist",
            "conversation.direct",
            json!({"user": "nobody"}),
            "not_found",
        ),
        (
            "a group with somebody who does not exist",
            "conversation.create",
            json!({"client_id": "g", "members": ["bob", "nobody"]}),
            "not_found",
        ),
        (
            "a group with too many",
            "conversation.create",
            json!({"client_id": "g", "members": crowd}),
            "too_many",
        ),
        (
            "a group name that is too long",
            "conversation.create",
            json!({"client_id": "g", "name": "x".repeat(101)}),
            "too_large",
        ),
        (
            "a way to join that is none",
            "conversation.create",
            json!({"client_id": "g", "joining": "by force"}),
            bad,
        ),
        (
            "too many to add",
            "group.add",
            json!({"conversation": room, "client_id": "a", "users": crowd}),
            "too_many",
        ),
        (
            "adding to a direct conversation",
            "group.add",
            json!({"conversation": chat, "client_id": "a", "users": ["carol"]}),
            "forbidden",
        ),
        (
            "leaving a direct conversation",
            "group.leave",
            json!({"conversation": chat, "client_id": "l"}),
            "forbidden",
        ),
        (
            "a role that is none",
            "group.role",
            json!({"conversation": room, "client_id": "r", "user": "bob", "role": "king"}),
            bad,
        ),
        (
            "too many presences",
            "presence.get",
            json!({"users": crowd}),
            "too_many",
        ),
        (
            "too many profiles",
            "user.get",
            json!({"users": crowd}),
            "too_many",
        ),
        (
            "a cursor that is none",
            "sync.pull",
            json!({"cursor": "AAAA"}),
            bad,
        ),
        (
            "a limit that is negative",
            "message.history",
            json!({"conversation": chat, "limit": -1}),
            bad,
        ),
        (
            "making users",
            "user.upsert",
            json!({"user": "mallory"}),
            "forbidden",
        ),
        (
            "a report of what one does not see",
            "report.file",
            json!({"client_id": "p1", "about": {"kind": "messages", "conversation": chat, "seqs": [9_999]}, "reason": "spam"}),
            "not_found",
        ),
        (
            "a report of nothing",
            "report.file",
            json!({"client_id": "p2", "about": {"kind": "messages", "conversation": chat, "seqs": []}, "reason": "spam"}),
            bad,
        ),
        (
            "a report of oneself",
            "report.file",
            json!({"client_id": "p3", "about": {"kind": "user", "user": "alice"}, "reason": "spam"}),
            bad,
        ),
        (
            "a report for no reason of the list",
            "report.file",
            json!({"client_id": "p4", "about": {"kind": "user", "user": "bob"}, "reason": "boring"}),
            bad,
        ),
        (
            "a report with a note that is too long",
            "report.file",
            json!({"client_id": "p5", "about": {"kind": "user", "user": "bob"}, "reason": "spam", "note": "x".repeat(1_001)}),
            "too_large",
        ),
        (
            "looking at reports",
            "admin.reports",
            json!({}),
            "forbidden",
        ),
        (
            "looking at a report",
            "admin.report",
            json!({"report": "0198f3c2-7d3e-7c55-b0de-5c6a7d8e9f02"}),
            "forbidden",
        ),
        (
            "settling a report",
            "admin.settle_report",
            json!({"report": "0198f3c2-7d3e-7c55-b0de-5c6a7d8e9f02", "outcome": "acted", "version": 1}),
            "forbidden",
        ),
        (
            "looking at the settings of the system",
            "admin.settings",
            json!({}),
            "forbidden",
        ),
        (
            "changing the settings of the system",
            "admin.change_settings",
            json!({"changes": {"limits": {"page": 1}}}),
            "forbidden",
        ),
        (
            "a change of settings that is none",
            "admin.change_settings",
            json!({"changes": {"limits": 5}}),
            bad,
        ),
        (
            "a nickname that is too long",
            "user.update",
            json!({"nickname": "x".repeat(101)}),
            "too_large",
        ),
        (
            "a nickname with a bell",
            "user.update",
            json!({"nickname": "a\u{7}"}),
            bad,
        ),
        (
            "blocking oneself",
            "contact.block",
            json!({"user": "alice"}),
            bad,
        ),
        (
            "a message of nothing for later",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s1", "content": {"kind": "text", "text": " "}, "at_ms": 0}),
            bad,
        ),
        (
            "a message for the next century",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s2", "content": {"kind": "text", "text": "x"}, "at_ms": 4_900_000_000_000_i64}),
            bad,
        ),
        (
            "a message for later without a time",
            "message.schedule",
            json!({"conversation": chat, "client_id": "s3", "content": {"kind": "text", "text": "x"}}),
            bad,
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
            bad,
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
            bad,
        ),
        (
            "contacts with oneself",
            "contact.request",
            json!({"user": "alice"}),
            bad,
        ),
        (
            "contacts with somebody who does not exist",
            "contact.request",
            json!({"user": "nobody"}),
            "not_found",
        ),
        (
            "a greeting that is too long",
            "contact.request",
            json!({"user": "carol", "greeting": "x".repeat(201)}),
            "too_large",
        ),
        (
            "a greeting with a bell",
            "contact.request",
            json!({"user": "carol", "greeting": "a\u{7}"}),
            bad,
        ),
        (
            "accepting what nobody asked",
            "contact.accept",
            json!({"user": "carol"}),
            "not_found",
        ),
        (
            "refusing what nobody asked",
            "contact.reject",
            json!({"user": "carol"}),
            "not_found",
        ),
        (
            "naming who is no contact",
            "contact.change",
            json!({"user": "carol", "remark": "C."}),
            "not_found",
        ),
        (
            "a remark that is too long",
            "contact.change",
            json!({"user": "carol", "remark": "x".repeat(101)}),
            "too_large",
        ),
        (
            "too many labels",
            "contact.change",
            json!({"user": "carol", "labels": vec!["x"; 21]}),
            "too_many",
        ),
        (
            "a label that is too long",
            "contact.change",
            json!({"user": "carol", "labels": ["x".repeat(33)]}),
            "too_large",
        ),
        (
            "following oneself",
            "contact.follow",
            json!({"user": "alice"}),
            bad,
        ),
        (
            "following somebody who does not exist",
            "contact.follow",
            json!({"user": "nobody"}),
            "not_found",
        ),
        (
            "forgetting a device that has no id",
            "device.forget",
            json!({"device": "my phone"}),
            bad,
        ),
        ("forgetting no device", "device.forget", json!({}), bad),
        (
            "a device that asks and is none",
            "device.list",
            json!({"asking": 1}),
            bad,
        ),
        (
            "looking offline with a session",
            "presence.set",
            json!({"availability": "offline"}),
            bad,
        ),
        ("no presence", "presence.set", json!({}), bad),
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
            "a circle that is none",
            "user.change_settings",
            json!({"presence": "friends"}),
            bad,
        ),
        (
            "a minute that is none",
            "user.change_settings",
            json!({"notifications": {"quiet_hours": {"from_minute": 1440, "to_minute": 0}}}),
            bad,
        ),
        (
            "a clock that is none",
            "user.change_settings",
            json!({"notifications": {"quiet_hours": {"from_minute": 1, "to_minute": 0, "utc_offset_minutes": 900}}}),
            bad,
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
            "an admin's request from a user",
            "admin.restrict",
            json!({"user": "bob", "kind": "muted"}),
            "forbidden",
        ),
        (
            "a restriction that is none",
            "admin.restrict",
            json!({"user": "bob", "kind": "hanged"}),
            bad,
        ),
        (
            "an end of a foreign group from a user",
            "admin.dismiss",
            json!({"conversation": ids.foreign}),
            "forbidden",
        ),
        (
            "a recall of what others said from a user",
            "admin.recall",
            json!({"conversation": ids.foreign, "seq": 2, "client_id": "r"}),
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
            bad,
        ),
        (
            "opening an open session",
            "session.open",
            json!({"token": "t", "device": "d"}),
            "conflict",
        ),
    ]
}

/// The parameters of `message.send`.
pub(crate) fn said(conversation: &Value, client_id: &str, text: &str) -> Value {
    let content = json!({"kind": "text", "text": text});
    json!({"conversation": conversation, "client_id": client_id, "content": content})
}
