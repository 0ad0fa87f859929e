//! Bad requests by REST, with the status and the code of each. Told in `rest_refusals`.

use serde_json::{Value, json};

/// A row: what is wrong, the verb, the path, the body, the status and the code.
pub(crate) type Row = (&'static str, &'static str, String, Value, u16, &'static str);

/// Paths of pages that belong to the caller.
const LISTS: &[&str] = &[
    "/v1/contacts",
    "/v1/contacts/followers",
    "/v1/contacts/follows",
    "/v1/contacts/requests",
    "/v1/conversations",
    "/v1/drafts",
    "/v1/favourites",
    "/v1/notices",
    "/v1/scheduled",
    "/v1/search",
];

/// `at` is the path of a conversation of alice and bob.
pub(crate) fn rows(at: &str) -> Vec<Row> {
    let messages = format!("{at}/messages");
    let absent = "/v1/conversations/01234567-89ab-7def-8123-456789abcdef";
    let crowd: Vec<_> = (0..501).map(|n| format!("user-{n}")).collect();
    let custom = |content: Value| json!({"content": content});
    let blob = custom(json!({"kind": "custom", "name": "n", "data": "x".repeat(64 * 1024)}));
    let groups = "/v1/conversations";
    let lists = LISTS.iter().map(|path| {
        let path = format!("{path}?limit=many");
        (
            "a page of no size",
            "GET",
            path,
            json!({}),
            400,
            "invalid_request",
        )
    });
    let mut rows = vec![
        (
            "a path that is none",
            "GET",
            "/v1/nothing".to_owned(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a verb that the path does not take",
            "PUT",
            groups.into(),
            json!({}),
            405,
            "unknown_method",
        ),
        (
            "a body of the wrong shape",
            "POST",
            messages.clone(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a body that is a list",
            "POST",
            messages.clone(),
            json!([]),
            400,
            "invalid_request",
        ),
        (
            "an empty text",
            "POST",
            messages.clone(),
            said(""),
            400,
            "invalid_request",
        ),
        (
            "a huge text",
            "POST",
            messages.clone(),
            said(&"x".repeat(10_001)),
            413,
            "too_large",
        ),
        (
            "a huge content",
            "POST",
            messages.clone(),
            blob,
            413,
            "too_large",
        ),
        (
            "a body beyond all limits",
            "POST",
            messages.clone(),
            said(&"x".repeat(1 << 20)),
            413,
            "too_large",
        ),
        (
            "a kind that nobody knows",
            "POST",
            messages.clone(),
            custom(json!({"kind": "smell"})),
            422,
            "unsupported_content",
        ),
        (
            "an id that is none",
            "GET",
            "/v1/conversations/chat".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a conversation that is not there",
            "GET",
            absent.into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a seq that is none",
            "PATCH",
            format!("{messages}/two"),
            said("x"),
            400,
            "invalid_request",
        ),
        (
            "a seq beyond the head",
            "PATCH",
            format!("{messages}/99"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "a recall beyond the head",
            "DELETE",
            format!("{messages}/99"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a seq beyond all numbers",
            "PATCH",
            format!("{messages}/1152921504606846976"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "a text that is a number",
            "POST",
            messages.clone(),
            custom(json!({"kind": "text", "text": 7})),
            400,
            "invalid_request",
        ),
        (
            "too many to add",
            "POST",
            format!("{at}/members"),
            json!({"users": crowd}),
            422,
            "too_many",
        ),
        (
            "a limit that is none",
            "GET",
            format!("{messages}?limit=many"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "two bounds",
            "GET",
            format!("{messages}?after_seq=1&before_seq=2"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a page that is none",
            "GET",
            format!("{groups}?cursor=x"),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "too many members",
            "POST",
            groups.into(),
            json!({"members": crowd}),
            422,
            "too_many",
        ),
        (
            "somebody who does not exist",
            "PUT",
            format!("{groups}/direct/nobody"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "leaving a direct conversation",
            "POST",
            format!("{at}/leave"),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "making users",
            "PUT",
            "/v1/users/mallory".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "a draft of nothing",
            "PUT",
            format!("{at}/draft"),
            said(""),
            400,
            "invalid_request",
        ),
        (
            "a draft in a conversation that is not there",
            "PUT",
            format!("{absent}/draft"),
            said("x"),
            404,
            "not_found",
        ),
        (
            "contacts with oneself",
            "PUT",
            "/v1/contacts/requests/alice".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "accepting what nobody asked",
            "POST",
            "/v1/contacts/requests/carol/accept".into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "naming who is no contact",
            "PATCH",
            "/v1/contacts/users/carol".into(),
            json!({"remark": "C."}),
            404,
            "not_found",
        ),
        (
            "following somebody who does not exist",
            "PUT",
            "/v1/contacts/follows/nobody".into(),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a favourite that is no message",
            "PUT",
            at.replace("conversations", "favourites") + "/1",
            json!({}),
            404,
            "not_found",
        ),
        (
            "readers of nothing",
            "GET",
            format!("{messages}/99/readers"),
            json!({}),
            404,
            "not_found",
        ),
        (
            "a minute that is none",
            "PATCH",
            "/v1/users/me/settings".into(),
            json!({"notifications": {"quiet_hours": {"from_minute": 1440, "to_minute": 0}}}),
            400,
            "invalid_request",
        ),
        (
            "a cursor that is none",
            "POST",
            "/v1/sync".into(),
            json!({"cursor": "AAAA"}),
            400,
            "invalid_request",
        ),
        (
            "watching what is no user",
            "GET",
            "/v1/presence?user=a%20b".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a profile of what is no user",
            "GET",
            "/v1/users?user=a%20b".into(),
            json!({}),
            400,
            "invalid_request",
        ),
        (
            "a nickname that is too long",
            "PATCH",
            "/v1/users/me".into(),
            json!({"nickname": "x".repeat(101)}),
            413,
            "too_large",
        ),
        (
            "a notice from a user",
            "POST",
            "/v1/notices".into(),
            json!({"everyone": true, "texts": {"en": {"text": "x"}}}),
            403,
            "forbidden",
        ),
        (
            "templates for a user",
            "GET",
            "/v1/notice-templates".into(),
            json!({}),
            403,
            "forbidden",
        ),
        (
            "reading notices that are no keys",
            "POST",
            "/v1/notices/read".into(),
            json!({"notices": ["a b"]}),
            400,
            "invalid_request",
        ),
    ];
    rows.extend(lists);
    rows
}

pub(crate) fn said(text: &str) -> Value {
    json!({"content": {"kind": "text", "text": text}})
}
