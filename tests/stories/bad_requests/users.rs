//! Users and what is between them.

use serde_json::json;

use super::{BAD, Row, crowd};

pub(super) fn rows() -> Vec<Row> {
    vec![
        (
            "forgetting a device that has no id",
            "device.forget",
            json!({"device": "my phone"}),
            BAD,
        ),
        ("forgetting no device", "device.forget", json!({}), BAD),
        (
            "a device that asks and is none",
            "device.list",
            json!({"asking": 1}),
            BAD,
        ),
        (
            "looking offline with a session",
            "presence.set",
            json!({"availability": "offline"}),
            BAD,
        ),
        ("no presence", "presence.set", json!({}), BAD),
        (
            "too many presences",
            "presence.get",
            json!({"users": crowd()}),
            "too_many",
        ),
        (
            "too many profiles",
            "user.get",
            json!({"users": crowd()}),
            "too_many",
        ),
        (
            "making users",
            "user.upsert",
            json!({"user": "mallory"}),
            "forbidden",
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
            BAD,
        ),
        (
            "blocking oneself",
            "contact.block",
            json!({"user": "alice"}),
            BAD,
        ),
        (
            "contacts with oneself",
            "contact.request",
            json!({"user": "alice"}),
            BAD,
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
            BAD,
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
            BAD,
        ),
        (
            "following somebody who does not exist",
            "contact.follow",
            json!({"user": "nobody"}),
            "not_found",
        ),
        (
            "a circle that is none",
            "user.change_settings",
            json!({"presence": "friends"}),
            BAD,
        ),
        (
            "a minute that is none",
            "user.change_settings",
            json!({"notifications": {"quiet_hours": {"from_minute": 1440, "to_minute": 0}}}),
            BAD,
        ),
        (
            "a clock that is none",
            "user.change_settings",
            json!({"notifications": {"quiet_hours": {"from_minute": 1, "to_minute": 0, "utc_offset_minutes": 900}}}),
            BAD,
        ),
        (
            "watching too many",
            "presence.subscribe",
            json!({"users": crowd()}),
            "too_many",
        ),
        (
            "watching what is no user",
            "presence.subscribe",
            json!({"users": ["a b"]}),
            BAD,
        ),
        (
            "watching what is no user no more",
            "presence.unsubscribe",
            json!({"users": ["a b"]}),
            BAD,
        ),
        (
            "a bio that is too long",
            "user.update",
            json!({"bio": "x".repeat(2_001)}),
            "too_large",
        ),
        (
            "too many interests",
            "user.update",
            json!({"interests": vec!["x"; 21]}),
            "too_many",
        ),
        ("settings as a text", "user.settings", json!("x"), BAD),
        (
            "ending being contacts with oneself",
            "contact.delete",
            json!({"user": "alice"}),
            BAD,
        ),
        (
            "taking back what one asked oneself",
            "contact.withdraw",
            json!({"user": "alice"}),
            BAD,
        ),
        (
            "a block that is no user's",
            "contact.unblock",
            json!({"user": "a b"}),
            BAD,
        ),
        (
            "not following what is no user",
            "contact.unfollow",
            json!({"user": "a b"}),
            BAD,
        ),
        ("blocks as a text", "contact.blocks", json!("x"), BAD),
        (
            "a page of contacts after what is no key",
            "contact.list",
            json!({"after": "a b"}),
            BAD,
        ),
        (
            "a page of requests of no size",
            "contact.requests",
            json!({"limit": -1}),
            BAD,
        ),
        (
            "a page of followers of no size",
            "contact.followers",
            json!({"limit": "many"}),
            BAD,
        ),
        (
            "a page of those who are followed after a number",
            "contact.follows",
            json!({"after": 7}),
            BAD,
        ),
    ]
}
