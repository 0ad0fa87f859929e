//! What admins do, and what is reported to them.

use serde_json::json;

use super::{BAD, Ids, Row};

pub(super) fn rows(ids: &Ids) -> Vec<Row> {
    let Ids { chat, foreign, .. } = ids;
    vec![
        (
            "nobody to look at",
            "admin.user",
            json!({"user": "a b"}),
            BAD,
        ),
        (
            "looking at a user",
            "admin.user",
            json!({"user": "bob"}),
            "forbidden",
        ),
        ("looking at users", "admin.users", json!({}), "forbidden"),
        (
            "a page of users of no size",
            "admin.users",
            json!({"limit": -1}),
            BAD,
        ),
        (
            "making oneself an admin",
            "admin.promote",
            json!({"user": "alice"}),
            "forbidden",
        ),
        (
            "taking an admin's place",
            "admin.demote",
            json!({"user": "bob"}),
            "forbidden",
        ),
        (
            "lifting what is on oneself",
            "admin.lift",
            json!({"user": "alice", "kind": "muted"}),
            "forbidden",
        ),
        (
            "lifting what is no restriction",
            "admin.lift",
            json!({"user": "alice", "kind": "gravity"}),
            BAD,
        ),
        (
            "signing somebody out",
            "admin.sign_out",
            json!({"user": "bob"}),
            "forbidden",
        ),
        (
            "reading the audit log",
            "admin.audit",
            json!({}),
            "forbidden",
        ),
        (
            "reading the audit log from nowhere",
            "admin.audit",
            json!({"before": "a b"}),
            BAD,
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
            BAD,
        ),
        (
            "a report of oneself",
            "report.file",
            json!({"client_id": "p3", "about": {"kind": "user", "user": "alice"}, "reason": "spam"}),
            BAD,
        ),
        (
            "a report for no reason of the list",
            "report.file",
            json!({"client_id": "p4", "about": {"kind": "user", "user": "bob"}, "reason": "boring"}),
            BAD,
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
            BAD,
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
            BAD,
        ),
        (
            "an end of a foreign group from a user",
            "admin.dismiss",
            json!({"conversation": foreign}),
            "forbidden",
        ),
        (
            "a recall of what others said from a user",
            "admin.recall",
            json!({"conversation": foreign, "seq": 2, "client_id": "r"}),
            "forbidden",
        ),
    ]
}
