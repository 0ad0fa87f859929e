//! Settings that an admin changes, on two nodes on one store, in virtual time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_core::{
    Actor, Call, ChangeSystemSettings, Code, GetSystemSettings, Im, Limits, ReadAudit, Rejection,
    SendMessage, Store, SystemSettings, Timestamp, TrustEveryone,
    port::{Adjustable, Ports},
    testing::{ManualRuntime, client_id, user},
};
use im_store::MemoryStore;
use serde_json::{Map, Value, json};

/// A host's own setting: how many lamps are lit, three at most.
#[derive(Default)]
struct Lamps(Mutex<Vec<u64>>);

impl Adjustable for Lamps {
    fn name(&self) -> &'static str {
        "house"
    }

    fn configured(&self) -> Map<String, Value> {
        Map::from_iter([("lamps".to_owned(), json!(1))])
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), String> {
        let lamps = settings["lamps"].as_u64().filter(|lamps| *lamps <= 3);
        lamps.map(drop).ok_or("lamps are 0 to 3".to_owned())
    }

    fn hold(&self, settings: &Map<String, Value>) {
        let lamps = settings["lamps"].as_u64().unwrap();
        self.0.lock().unwrap().push(lamps);
    }
}

struct Nodes {
    runtime: ManualRuntime,
    ports: Ports,
    /// Where changes are made.
    first: Im,
    /// Where they are to be seen.
    second: Im,
    lamps: Arc<Lamps>,
}

impl Nodes {
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        let lamps = Arc::new(Lamps::default());
        let second = Im::builder(ports.clone(), TrustEveryone)
            .limits(Limits {
                pins: 7,
                ..Limits::default()
            })
            .adjustable(lamps.clone());
        let nodes = Self {
            first: Im::builder(ports.clone(), TrustEveryone)
                .adjustable(Arc::new(Lamps::default()))
                .build(),
            second: second.build(),
            runtime,
            ports,
            lamps,
        };
        nodes.first.follow_settings();
        nodes.second.follow_settings();
        nodes.runtime.run_until_idle();
        nodes
    }

    fn call<C: Call>(&self, im: &Im, call: C) -> Result<C::Reply, Rejection> {
        let actor = Actor::service(user("root"));
        self.runtime.block_on(im.call(&actor, call))
    }

    fn change(&self, changes: Value) -> Result<SystemSettings, Rejection> {
        self.change_version(None, changes)
    }

    fn change_version(
        &self,
        version: Option<u64>,
        changes: Value,
    ) -> Result<SystemSettings, Rejection> {
        let changes = serde_json::from_value(changes).unwrap();
        self.call(&self.first, ChangeSystemSettings { version, changes })
    }

    fn advance(&self, ms: u64) {
        self.runtime.advance(Duration::from_millis(ms));
    }
}

#[test]
fn another_node_holds_a_change_within_a_second_and_what_nobody_changed_stays_its_own() {
    let nodes = Nodes::new();

    let answer = nodes
        .change(json!({ "limits": { "text_chars": 5 } }))
        .unwrap();

    assert_eq!((answer.version, nodes.first.limits().text_chars), (1, 5));
    assert_eq!(nodes.second.limits().text_chars, 10_000);
    nodes.advance(1_000);
    assert_eq!(nodes.second.limits().text_chars, 5);
    assert_eq!(
        (nodes.second.limits().pins, nodes.first.limits().pins),
        (7, 50)
    );
    let bob = Actor::user(user("bob"));
    let chat = nodes.runtime.block_on(nodes.second.direct("bob", "alice"));
    let long = SendMessage::new(chat.unwrap(), client_id("c"), "longer than that");
    let refused = nodes.runtime.block_on(nodes.second.call(&bob, long));
    assert_eq!(refused.unwrap_err().code, Code::TooLarge);
}

#[test]
fn null_brings_back_what_each_node_was_configured_with() {
    let nodes = Nodes::new();
    nodes
        .change(json!({ "limits": { "pins": 3, "page": 9 } }))
        .unwrap();
    nodes.advance(1_000);
    assert_eq!(nodes.second.limits().pins, 3);

    let answer = nodes.change(json!({ "limits": { "pins": null } })).unwrap();
    nodes.advance(1_000);

    assert_eq!(
        (nodes.second.limits().pins, nodes.first.limits().pins),
        (7, 50)
    );
    assert_eq!(nodes.second.limits().page, 9);
    assert_eq!(json!(answer.changed), json!({ "limits": { "page": 9 } }));
    let holding = (&answer.holding["limits"], &answer.configured["limits"]);
    assert_eq!(
        (&holding.0["page"], &holding.1["page"]),
        (&json!(9), &json!(200))
    );
}

#[test]
fn what_is_refused_changes_nothing_anywhere() {
    let nodes = Nodes::new();
    for (wrong, named) in [
        (
            json!({ "limits": { "pins": 3, "page": 0 } }),
            "limits.page is a whole number from 1 to 1000",
        ),
        (
            json!({ "limits": { "pins": 3, "page": "many" } }),
            "limits.page is a whole number",
        ),
        (
            json!({ "limits": { "pins": 3, "pages": 1 } }),
            "changes.limits.pages is no setting",
        ),
        (
            json!({ "limits": { "pins": 3, "idle_conversations": 1 } }),
            "changes.limits.idle_conversations",
        ),
        (
            json!({ "limits": { "pins": 3, "content_bytes": 1_000_000 } }),
            "limits.content_bytes is a whole number",
        ),
        (
            json!({ "limits": { "pins": 3, "text_chars": 100_000 } }),
            "limits.text_chars is at most content_bytes",
        ),
        (
            json!({ "limits": { "pins": 3 }, "house": { "lamps": 4 } }),
            "house.lamps are 0 to 3",
        ),
        (
            json!({ "limits": { "pins": 3 }, "garden": {} }),
            "changes.garden",
        ),
    ] {
        let refused = nodes.change(wrong).unwrap_err();
        assert_eq!(refused.code, Code::InvalidRequest);
        assert!(refused.detail.starts_with(named), "{}", refused.detail);
    }
    nodes.advance(1_000);

    let settings = nodes.call(&nodes.second, GetSystemSettings {}).unwrap();
    assert_eq!((settings.version, settings.changed.len()), (0, 0));
    assert_eq!(
        (nodes.first.limits().pins, nodes.second.limits().pins),
        (50, 7)
    );
    assert!(nodes.lamps.0.lock().unwrap().is_empty());
}

#[test]
fn who_changes_an_older_version_is_told_and_who_names_none_is_not() {
    let nodes = Nodes::new();
    nodes
        .change_version(Some(0), json!({ "limits": { "pins": 3 } }))
        .unwrap();

    let late = nodes.change_version(Some(0), json!({ "limits": { "pins": 4 } }));
    assert_eq!(late.unwrap_err().code, Code::Conflict);
    // The other node has not looked yet, and reads before it changes.
    let changes = serde_json::from_value(json!({ "limits": { "page": 4 } })).unwrap();
    let ask = ChangeSystemSettings {
        version: Some(1),
        changes,
    };
    let answer = nodes.call(&nodes.second, ask.clone()).unwrap();
    let again = nodes.call(
        &nodes.second,
        ChangeSystemSettings {
            version: None,
            ..ask
        },
    );

    assert_eq!(answer.version, 2);
    assert_eq!(
        json!(answer.changed),
        json!({ "limits": { "page": 4, "pins": 3 } })
    );
    assert_eq!(again.unwrap(), answer, "nothing to change, no new version");
}

#[test]
fn a_node_that_starts_later_begins_with_what_was_changed() {
    let nodes = Nodes::new();
    nodes.change(json!({ "limits": { "pins": 3 } })).unwrap();

    let later = Im::builder(nodes.ports.clone(), TrustEveryone).build();
    assert_eq!(later.limits().pins, 50);
    later.follow_settings();
    nodes.runtime.run_until_idle();

    assert_eq!(later.limits().pins, 3);
}

#[test]
fn settings_of_the_host_are_changed_like_limits() {
    let nodes = Nodes::new();

    nodes.change(json!({ "house": { "lamps": 3 } })).unwrap();
    nodes.advance(1_000);
    nodes.change(json!({ "house": { "lamps": null } })).unwrap();
    nodes.advance(1_000);

    assert_eq!(*nodes.lamps.0.lock().unwrap(), [3, 1]);
}

#[test]
fn a_change_that_does_not_fit_what_a_node_was_configured_with_is_not_held_there() {
    let nodes = Nodes::new();
    let small = Limits {
        content_bytes: 20_000,
        ..Limits::default()
    };
    let small = Im::builder(nodes.ports.clone(), TrustEveryone)
        .limits(small)
        .build();
    small.follow_settings();

    nodes
        .change(json!({ "limits": { "text_chars": 30_000, "pins": 3 } }))
        .unwrap();
    nodes.advance(1_000);
    assert_eq!(
        (small.limits().text_chars, small.limits().pins),
        (10_000, 50)
    );
    nodes
        .change(json!({ "limits": { "text_chars": null } }))
        .unwrap();
    nodes.advance(1_000);

    assert_eq!(
        (small.limits().text_chars, small.limits().pins),
        (10_000, 3)
    );
}

#[test]
fn changes_are_written_down_and_users_cannot_make_them() {
    let nodes = Nodes::new();
    nodes.change(json!({ "limits": { "pins": 3 } })).unwrap();
    nodes.advance(1);
    nodes
        .change(json!({ "limits": { "pins": "x" } }))
        .unwrap_err();

    let alice = Actor::user(user("alice"));
    let ask = ChangeSystemSettings::default();
    let refused = nodes.runtime.block_on(nodes.first.call(&alice, ask));
    let looks = nodes.first.call(&alice, GetSystemSettings {});
    let refused_too = nodes.runtime.block_on(looks);
    let records = nodes
        .call(&nodes.first, ReadAudit::default())
        .unwrap()
        .items;

    assert_eq!(refused.unwrap_err().code, Code::Forbidden);
    assert_eq!(refused_too.unwrap_err().code, Code::Forbidden);
    let outcomes = records
        .iter()
        .map(|record| record.outcome.as_deref().unwrap());
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, ["invalid_request", "done"]);
    assert_eq!(
        records[1].params,
        Some(json!({ "changes": { "limits": { "pins": 3 } } }))
    );
}

#[test]
fn following_ends_with_the_engine() {
    let Nodes {
        runtime,
        first,
        second,
        ..
    } = Nodes::new();
    assert!(runtime.next_deadline().is_some());

    runtime.block_on(first.shut_down());
    drop(second);
    runtime.advance(Duration::from_secs(1));

    assert_eq!(runtime.next_deadline(), None);
}
