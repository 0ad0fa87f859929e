//! Messages that are sent later, in virtual time.

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, BlockUser, Call, Code, ConversationId, Im, KickMembers, Limits, ListScheduled, Own,
    OwnRow, Rejection, ScheduleMessage, Scheduled, SendMessage, Store, Timestamp, TrustEveryone,
    UnscheduleMessage,
    hook::Verdict,
    port::{Ports, Runtime},
    testing::{ManualRuntime, client_id, user},
};
use im_store::MemoryStore;

use crate::hooks::{House, Says, message, text_of};

const MINUTE: i64 = 60_000;

fn later(house: &House, id: &str, text: &str, in_ms: i64) -> ScheduleMessage {
    ScheduleMessage {
        message: message(house.chat, id, text),
        at_ms: Timestamp(house.runtime.now().0 + in_ms),
    }
}

fn listed(house: &House) -> Vec<OwnRow> {
    let ask = ListScheduled {
        after: None,
        limit: None,
    };
    house.call(ask).unwrap().items
}

fn scheduled(row: &OwnRow) -> &Scheduled {
    match &row.value {
        Some(Own::Scheduled(scheduled)) => scheduled,
        other => panic!("not scheduled: {other:?}"),
    }
}

fn advance(house: &House, ms: u64) {
    house.runtime.advance(Duration::from_millis(ms));
}

fn code<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> Code {
    answer.unwrap_err().code
}

#[test]
fn a_message_is_sent_when_its_time_has_come_and_not_before() {
    let house = House::new(|im, _| im);

    let row = house.call(later(&house, "c", "later", MINUTE)).unwrap();
    house.call(later(&house, "d", "soon", 1_500)).unwrap();
    house.call(later(&house, "e", "at once", -MINUTE)).unwrap();
    house.runtime.run_until_idle();

    assert_eq!(house.texts(), ["at once"]);
    assert_eq!(scheduled(&row).message.content.as_text(), Some("later"));
    assert_eq!(listed(&house).len(), 2);
    advance(&house, 1_499);
    assert_eq!(house.texts(), ["at once"]);
    advance(&house, 1);
    assert_eq!(house.texts(), ["at once", "soon"]);
    advance(&house, 58_499);
    assert_eq!(house.texts(), ["at once", "soon"]);
    advance(&house, 1);
    assert_eq!(house.texts(), ["at once", "soon", "later"]);
    assert!(listed(&house).is_empty());
}

#[test]
fn what_is_unscheduled_is_not_sent() {
    let house = House::new(|im, _| im);
    house.call(later(&house, "c", "never", MINUTE)).unwrap();
    let ask = UnscheduleMessage {
        client_id: client_id("c"),
    };

    house.call(ask.clone()).unwrap();
    advance(&house, 120_000);

    assert!(house.texts().is_empty());
    assert_eq!(code(house.call(ask)), Code::NotFound);
}

#[test]
fn the_same_again_is_a_retry_and_something_else_a_conflict() {
    let house = House::new(|im, _| im);
    let ask = later(&house, "c", "later", MINUTE);
    let first = house.call(ask.clone()).unwrap();

    let again = house.call(ask.clone()).unwrap();
    let other = house.call(later(&house, "c", "other", MINUTE));

    assert_eq!(first, again);
    assert_eq!(code(other), Code::Conflict);
    advance(&house, 60_000);
    // Also when the answer to the first was lost until after it was sent.
    house.call(ask).unwrap();
    advance(&house, 60_000);
    assert_eq!(house.texts(), ["later"]);
    assert!(listed(&house).is_empty());
}

#[test]
fn what_may_not_be_sent_when_its_time_has_come_stays_with_the_reason() {
    let house = House::new(|im, _| im);
    house.call(later(&house, "c", "hello", MINUTE)).unwrap();
    let block = BlockUser {
        user: user("alice"),
    };
    let bob = Actor::user(user("bob"));
    house.runtime.block_on(house.im.call(&bob, block)).unwrap();

    advance(&house, 60_000);

    let rows = listed(&house);
    let failed = scheduled(&rows[0]).failed.as_ref().unwrap();
    assert_eq!((failed.code, rows[0].due_ms), (Code::Blocked, None));
    advance(&house, 3_600_000);
    assert_eq!(listed(&house), rows, "it is not tried again");
    let lift = im_core::UnblockUser {
        user: user("alice"),
    };
    house.runtime.block_on(house.im.call(&bob, lift)).unwrap();
    house.call(later(&house, "c", "hello again", 0)).unwrap();
    house.runtime.run_until_idle();
    assert_eq!(house.texts(), ["hello again"]);
    assert!(listed(&house).is_empty());
}

#[test]
fn who_is_no_member_any_more_says_nothing() {
    let house = House::new(|im, _| im);
    let bob = Actor::user(user("bob"));
    let create = im_core::CreateConversation {
        client_id: client_id("g"),
        name: None,
        members: vec![user("alice")],
        joining: im_core::Joining::Invited,
        history: im_core::Visibility::default(),
        preset: None,
    };
    let create = house.im.call(&bob, create);
    let conversation = house.runtime.block_on(create).unwrap().conversation;
    let ask = ScheduleMessage {
        message: message(conversation, "c", "hello"),
        at_ms: Timestamp(house.runtime.now().0 + MINUTE),
    };
    house.call(ask).unwrap();
    let kick = KickMembers {
        conversation,
        client_id: client_id("k"),
        users: vec![user("alice")],
        reason: None,
        banned_until_ms: None,
    };
    house.runtime.block_on(house.im.call(&bob, kick)).unwrap();

    advance(&house, 60_000);

    let rows = listed(&house);
    let failed = scheduled(&rows[0]).failed.as_ref().unwrap();
    assert_eq!(failed.code, Code::NotFound);
}

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    let house = House::new(|im, runtime| {
        let (clock, opens) = (runtime.clone(), runtime.now().0 + 100_000);
        im.before(Says(
            move |_: &Actor, command: &im_core::Command| match text_of(command) {
                Some(_) if clock.now().0 < opens => {
                    Verdict::Refuse(Rejection::new(Code::Unavailable, "not yet"))
                }
                _ => Verdict::Allow,
            },
        ))
    });
    house.call(later(&house, "c", "hello", MINUTE)).unwrap();

    advance(&house, 99_000);
    assert!(house.texts().is_empty());
    assert!(scheduled(&listed(&house)[0]).failed.is_none());
    advance(&house, 60_000);

    assert_eq!(house.texts(), ["hello"]);
}

#[test]
fn what_can_be_scheduled_is_bounded() {
    let house = House::new(|im, _| {
        im.limits(Limits {
            scheduled_per_user: 2,
            ..Limits::default()
        })
    });
    let year = i64::try_from(Limits::default().schedule_ahead_ms).unwrap();

    house.call(later(&house, "a", "x", year)).unwrap();
    house.call(later(&house, "b", "x", year)).unwrap();

    assert_eq!(
        code(house.call(later(&house, "c", "x", MINUTE))),
        Code::TooMany
    );
    let far = later(&house, "d", "x", year + 1);
    assert_eq!(code(house.call(far)), Code::InvalidRequest);
    let empty = later(&house, "d", " ", MINUTE);
    assert_eq!(code(house.call(empty)), Code::InvalidRequest);
    let foreign = ScheduleMessage {
        message: message(
            ConversationId::direct(&user("x"), &user("y")),
            "d",
            "not mine",
        ),
        at_ms: Timestamp(0),
    };
    assert_eq!(code(house.call(foreign)), Code::NotFound);
}

/// Two engines on one store, and a conversation of alice and bob.
fn nodes() -> (ManualRuntime, Ports, [Im; 2], ConversationId) {
    let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
    let mut ports = MemoryStore::new().ports();
    ports.runtime = Arc::new(runtime.clone());
    let nodes = [(); 2].map(|()| Im::builder(ports.clone(), TrustEveryone).build());
    let chat = runtime.block_on(nodes[0].direct("alice", "bob")).unwrap();
    (runtime, ports, nodes, chat)
}

fn call<C: Call>(runtime: &ManualRuntime, im: &Im, call: C) -> C::Reply {
    let alice = Actor::user(user("alice"));
    runtime.block_on(im.call(&alice, call)).unwrap()
}

fn head(runtime: &ManualRuntime, ports: &Ports, chat: ConversationId) -> u64 {
    let load = runtime.block_on(ports.log.load(chat));
    load.unwrap().unwrap().head.seq.0
}

#[test]
fn of_several_nodes_each_sends_what_is_due_and_all_together_once() {
    let (runtime, ports, nodes, chat) = nodes();
    let now = runtime.now().0;
    for n in 0..200 {
        let ask = ScheduleMessage {
            message: SendMessage {
                client_id: client_id(&format!("c{n}")),
                ..message(chat, "c", "hello")
            },
            at_ms: Timestamp(now + 7_000 + n),
        };
        // Above the bound, as several requests at once would be.
        let own = im_core::port::OwnWrite::put(
            user(if n % 2 == 0 { "alice" } else { "bob" }),
            (&ask.message.client_id).into(),
            Own::Scheduled(Box::new(Scheduled {
                message: ask.message,
                at_ms: ask.at_ms,
                failed: None,
            })),
        );
        let write = ports.own.write(vec![own.due(ask.at_ms)]);
        runtime.block_on(write).unwrap();
    }

    for node in &nodes {
        node.housekeep();
    }
    runtime.advance(Duration::from_secs(20));

    assert_eq!(head(&runtime, &ports, chat), 201);
}

#[test]
fn a_node_that_is_gone_with_the_lease_is_waited_for_and_no_longer() {
    let (runtime, ports, [node, _], chat) = nodes();
    let now = runtime.now();
    let gone = ports.leases.take(
        "housekeeping",
        uuid::Uuid::from_u128(7),
        now,
        now.plus(Duration::from_secs(10)),
    );
    assert!(runtime.block_on(gone).unwrap());

    let ask = ScheduleMessage {
        message: message(chat, "c", "hello"),
        at_ms: now,
    };
    call(&runtime, &node, ask);
    runtime.advance(Duration::from_secs(9));
    assert_eq!(head(&runtime, &ports, chat), 1);
    runtime.advance(Duration::from_secs(6));

    assert_eq!(head(&runtime, &ports, chat), 2);
}

#[test]
fn the_task_ends_with_the_engine() {
    let (runtime, _, [node, other], chat) = nodes();
    let ask = ScheduleMessage {
        message: message(chat, "c", "hello"),
        at_ms: Timestamp(runtime.now().0 + MINUTE),
    };
    call(&runtime, &node, ask);
    other.housekeep();
    runtime.run_until_idle();
    assert!(runtime.next_deadline().is_some());

    runtime.block_on(node.shut_down());
    drop(other);
    runtime.advance(Duration::from_secs(5));

    assert_eq!(runtime.next_deadline(), None);
}

#[test]
fn a_request_to_be_contacts_goes_when_nobody_answers_it() {
    let house = House::new(|im, _| im);
    let ask = im_core::RequestContact {
        user: user("bob"),
        greeting: Some("hello".into()),
    };
    house.call(ask).unwrap();
    let bob = Actor::user(user("bob"));
    let requests = |actor: &Actor| {
        let ask = im_core::ListContactRequests {
            after: None,
            limit: None,
        };
        let page = house.im.call(actor, ask);
        house.runtime.block_on(page).unwrap().items.len()
    };
    let alice = Actor::user(user("alice"));
    let version = |ports: &Ports| {
        let version = ports.users.version(&bob.user);
        house.runtime.block_on(version).unwrap()
    };
    let before = version(house.im.ports());
    assert_eq!([requests(&alice), requests(&bob)], [1, 1]);

    house
        .runtime
        .advance(Duration::from_millis(Limits::default().contact_request_ms));

    assert_eq!([requests(&alice), requests(&bob)], [0, 0]);
    assert!(version(house.im.ports()) > before, "devices are told");
}
