//! Conversations: how they begin and are kept, who is in and may what.

use serde_json::json;

use super::{BAD, Ids, Row, crowd};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids {
        chat,
        room,
        foreign,
        ..
    } = ids;
    vec![
        (
            "reading up to a text",
            "conversation.read",
            json!({"conversation": chat, "seq": "2"}),
            BAD,
        ),
        (
            "a user that is no id",
            "conversation.direct",
            json!({"user": "a b"}),
            BAD,
        ),
        (
            "a user id that is too long",
            "conversation.direct",
            json!({"user": "x".repeat(65)}),
            BAD,
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
            json!({"client_id": "g", "members": crowd()}),
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
            BAD,
        ),
        (
            "too many to add",
            "group.add",
            json!({"conversation": room, "client_id": "a", "users": crowd()}),
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
            BAD,
        ),
        (
            "adding who does not exist",
            "group.add",
            json!({"conversation": room, "client_id": "a", "users": ["nobody"]}),
            "not_found",
        ),
        (
            "removing too many",
            "group.kick",
            json!({"conversation": room, "client_id": "k", "users": crowd()}),
            "too_many",
        ),
        (
            "removing oneself",
            "group.kick",
            json!({"conversation": room, "client_id": "k", "users": ["alice"]}),
            "forbidden",
        ),
        (
            "removing from a direct conversation",
            "group.kick",
            json!({"conversation": chat, "client_id": "k", "users": ["bob"]}),
            "forbidden",
        ),
        (
            "a reason that is too long",
            "group.kick",
            json!({"conversation": room, "client_id": "k", "users": ["bob"], "reason": "x".repeat(201)}),
            "too_large",
        ),
        (
            "a ban that is over",
            "group.kick",
            json!({"conversation": room, "client_id": "k", "users": ["bob"], "banned_until_ms": 1}),
            BAD,
        ),
        (
            "a ban for a century",
            "group.kick",
            json!({"conversation": room, "client_id": "k", "users": ["bob"], "banned_until_ms": 4_900_000_000_000_i64}),
            BAD,
        ),
        (
            "lifting too many bans",
            "group.unban",
            json!({"conversation": room, "client_id": "u", "users": crowd()}),
            "too_many",
        ),
        (
            "lifting a ban from a direct conversation",
            "group.unban",
            json!({"conversation": chat, "client_id": "u", "users": ["bob"]}),
            "forbidden",
        ),
        (
            "silencing too many",
            "group.mute",
            json!({"conversation": room, "client_id": "m", "users": crowd()}),
            "too_many",
        ),
        (
            "silencing oneself",
            "group.mute",
            json!({"conversation": room, "client_id": "m", "users": ["alice"]}),
            "forbidden",
        ),
        (
            "a silence that is over",
            "group.mute",
            json!({"conversation": room, "client_id": "m", "users": ["bob"], "until_ms": 1}),
            BAD,
        ),
        (
            "letting too many speak",
            "group.unmute",
            json!({"conversation": room, "client_id": "m", "users": crowd()}),
            "too_many",
        ),
        (
            "letting speak in a direct conversation",
            "group.unmute",
            json!({"conversation": chat, "client_id": "m", "users": ["bob"]}),
            "forbidden",
        ),
        (
            "a role for who is no member",
            "group.role",
            json!({"conversation": room, "client_id": "r", "user": "carol", "role": "admin"}),
            "not_found",
        ),
        (
            "a nickname that is too long here",
            "group.nickname",
            json!({"conversation": room, "client_id": "n", "user": "bob", "nickname": "x".repeat(101)}),
            "too_large",
        ),
        (
            "a nickname with a bell here",
            "group.nickname",
            json!({"conversation": room, "client_id": "n", "user": "bob", "nickname": "a\u{7}"}),
            BAD,
        ),
        (
            "a nickname for who is no member",
            "group.nickname",
            json!({"conversation": room, "client_id": "n", "user": "carol", "nickname": "C."}),
            "not_found",
        ),
        (
            "a nickname in a direct conversation",
            "group.nickname",
            json!({"conversation": chat, "client_id": "n", "user": "bob", "nickname": "B."}),
            "forbidden",
        ),
        (
            "a name that is too long",
            "group.info",
            json!({"conversation": room, "client_id": "i", "name": "x".repeat(101)}),
            "too_large",
        ),
        (
            "an announcement that is too long",
            "group.info",
            json!({"conversation": room, "client_id": "i", "announcement": "x".repeat(2_001)}),
            "too_large",
        ),
        (
            "a pace of two years",
            "group.info",
            json!({"conversation": room, "client_id": "i", "slow_mode_ms": 63_072_000_000_u64}),
            BAD,
        ),
        (
            "messages that stay two years",
            "group.info",
            json!({"conversation": room, "client_id": "i", "message_ttl_ms": 63_072_000_000_u64}),
            BAD,
        ),
        (
            "a name for a direct conversation",
            "group.info",
            json!({"conversation": chat, "client_id": "i", "name": "x"}),
            "forbidden",
        ),
        (
            "a role that has no permissions",
            "group.permissions",
            json!({"conversation": room, "client_id": "p", "role": "king", "permissions": []}),
            BAD,
        ),
        (
            "taking from the owner",
            "group.permissions",
            json!({"conversation": room, "client_id": "p", "role": "owner", "permissions": []}),
            "forbidden",
        ),
        (
            "permissions of a direct conversation",
            "group.permissions",
            json!({"conversation": chat, "client_id": "p", "role": "member", "permissions": []}),
            "forbidden",
        ),
        (
            "ending a direct conversation",
            "group.dismiss",
            json!({"conversation": chat, "client_id": "d"}),
            "forbidden",
        ),
        (
            "ending what is somebody else's",
            "group.dismiss",
            json!({"conversation": foreign, "client_id": "d"}),
            "not_found",
        ),
        (
            "a remark that is too long here",
            "conversation.settings",
            json!({"conversation": room, "remark": "x".repeat(101)}),
            "too_large",
        ),
        (
            "settings elsewhere",
            "conversation.settings",
            json!({"conversation": foreign, "pinned": true}),
            "not_found",
        ),
        (
            "looking elsewhere",
            "conversation.get",
            json!({"conversation": foreign}),
            "not_found",
        ),
        (
            "members elsewhere",
            "conversation.members",
            json!({"conversation": foreign}),
            "not_found",
        ),
        (
            "a page of members after what is no user",
            "conversation.members",
            json!({"conversation": room, "after": "a b"}),
            BAD,
        ),
        (
            "a page of conversations after what is no id",
            "conversation.list",
            json!({"after": "x"}),
            BAD,
        ),
        (
            "conversations that are lost",
            "conversation.list",
            json!({"which": "lost"}),
            BAD,
        ),
        (
            "having up to a negative seq",
            "conversation.delivered",
            json!({"conversation": chat, "seq": -1}),
            BAD,
        ),
        (
            "having something elsewhere",
            "conversation.delivered",
            json!({"conversation": foreign, "seq": 1}),
            "not_found",
        ),
        (
            "writing elsewhere",
            "conversation.typing",
            json!({"conversation": foreign}),
            "not_found",
        ),
        (
            "what is unread, as a text",
            "conversation.unread",
            json!("x"),
            BAD,
        ),
    ]
}
