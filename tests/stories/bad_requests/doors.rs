//! How one gets into a group, and is kept out: requests, links, bans.

use serde_json::json;

use super::{BAD, Ids, Row, crowd};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids { chat, room, .. } = ids;
    vec![
        (
            "joining elsewhere",
            "group.join",
            json!({"conversation": ids.foreign, "client_id": "j"}),
            "not_found",
        ),
        (
            "joining what is not there",
            "group.join",
            json!({"conversation": ids.absent, "client_id": "j"}),
            "not_found",
        ),
        (
            "asking where nobody may",
            "group.request",
            json!({"conversation": ids.foreign}),
            "not_found",
        ),
        (
            "asking where one is added",
            "group.request",
            json!({"conversation": room}),
            "not_found",
        ),
        (
            "asking with too many words",
            "group.request",
            json!({"conversation": room, "greeting": "x".repeat(201)}),
            "too_large",
        ),
        (
            "asking no more where there is no id",
            "group.withdraw",
            json!({"conversation": "room"}),
            BAD,
        ),
        (
            "requests elsewhere",
            "group.requests",
            json!({"conversation": ids.foreign}),
            "not_found",
        ),
        (
            "requests in a direct conversation",
            "group.requests",
            json!({"conversation": chat}),
            "forbidden",
        ),
        (
            "letting too many in",
            "group.approve",
            json!({"conversation": room, "client_id": "a", "users": crowd()}),
            "too_many",
        ),
        (
            "letting in elsewhere",
            "group.approve",
            json!({"conversation": ids.foreign, "client_id": "a", "users": ["bob"]}),
            "not_found",
        ),
        (
            "letting in to a direct conversation",
            "group.approve",
            json!({"conversation": chat, "client_id": "a", "users": ["carol"]}),
            "forbidden",
        ),
        (
            "sending too many away",
            "group.reject",
            json!({"conversation": room, "users": crowd()}),
            "too_many",
        ),
        (
            "sending away elsewhere",
            "group.reject",
            json!({"conversation": ids.foreign, "users": ["bob"]}),
            "not_found",
        ),
        (
            "sending away from a direct conversation",
            "group.reject",
            json!({"conversation": chat, "users": ["carol"]}),
            "forbidden",
        ),
        (
            "a link for nobody",
            "group.invite",
            json!({"conversation": room, "uses": 0}),
            BAD,
        ),
        (
            "a link that is over",
            "group.invite",
            json!({"conversation": room, "expires_at_ms": 1}),
            BAD,
        ),
        (
            "a link to a direct conversation",
            "group.invite",
            json!({"conversation": chat}),
            "forbidden",
        ),
        (
            "a link to elsewhere",
            "group.invite",
            json!({"conversation": ids.foreign}),
            "not_found",
        ),
        (
            "links to a direct conversation",
            "group.invites",
            json!({"conversation": chat}),
            "forbidden",
        ),
        (
            "links to elsewhere",
            "group.invites",
            json!({"conversation": ids.foreign}),
            "not_found",
        ),
        (
            "ending a link to elsewhere",
            "group.revoke_invite",
            json!({"conversation": ids.foreign, "code": "x"}),
            "not_found",
        ),
        (
            "ending a link to a direct conversation",
            "group.revoke_invite",
            json!({"conversation": chat, "code": "x"}),
            "forbidden",
        ),
        (
            "looking through a link that is none",
            "group.preview",
            json!({"code": "x"}),
            "not_found",
        ),
        (
            "entering by a link that is none",
            "group.enter",
            json!({"client_id": "e", "code": "x"}),
            "not_found",
        ),
        (
            "entering under no client id",
            "group.enter",
            json!({"code": "x"}),
            BAD,
        ),
        (
            "bans elsewhere",
            "group.bans",
            json!({"conversation": ids.foreign}),
            "not_found",
        ),
        (
            "bans in a direct conversation",
            "group.bans",
            json!({"conversation": chat}),
            "forbidden",
        ),
    ]
}
