//! What reaches whom, and when.

use im_core::{
    Actor, Availability, ClientId, GetConversation, GetPresence, Seq, SyncPull, Visibility,
    testing::ManualRuntime,
};

use super::{begun, finish, pushed, request, send};
use crate::{
    asks::What,
    device::State,
    faults::Fault,
    ops::Op,
    requests::poll_once,
    world::{World, conversation, user},
};

#[test]
fn a_kick_before_the_first_event_is_handed_out_once() {
    let device = 4;
    finish(begun(&[
        Op::Connect { device },
        Op::Disconnect { device },
        Op::Connect { device },
        Op::Request(request(0, 0, 0, What::Kick { whom: 2 })),
    ]));
}

#[test]
fn a_link_that_is_being_resumed_survives_who_stops_waiting() {
    finish(begun(&[
        Op::Connect { device: 0 },
        Op::Fault(Fault::Late(2)),
        Op::Say {
            user: 0,
            conversation: 0,
            wait: false,
        },
        Op::Break { device: 0 },
        send(0, 0, 0),
    ]));
}

#[test]
fn a_beginning_whose_storing_was_not_reported_reaches_those_who_were_there() {
    for retries in [false, true] {
        let mut world = World::new(0, 0);
        world.step(&Op::Connect { device: 1 });
        world.step(&Op::Connect { device: 3 });
        world.step(&Op::Fault(Fault::After));
        world.step(&Op::Direct { user: 0, peer: 1 });
        if retries {
            world.step(&Op::Direct { user: 0, peer: 1 });
        }
        world.wait(4_000);
        world.step(&send(0, 2, 0));

        for device in [1, 3] {
            let seqs: Vec<_> = pushed(&world, device);
            assert_eq!(seqs, [1, 2], "device {device}, retried: {retries}");
        }
    }
}

#[test]
fn a_future_that_is_held_without_being_polled_holds_up_nobody() {
    let world = begun(&[Op::Fault(Fault::Late(10))]);
    let variant = false;
    let mut held = world.execute(0, request(0, 0, 0, What::Send { variant }).command());
    assert!(poll_once(&mut held).is_pending());

    let other = world.execute(1, request(1, 0, 1, What::Send { variant }).command());
    assert!(world.ground.runtime.block_on(other).is_ok());
    assert!(world.ground.runtime.block_on(held).is_ok());
}

#[test]
fn an_own_message_whose_storing_was_not_reported_is_read() {
    let mut world = begun(&[Op::Fault(Fault::After), send(0, 0, 0), send(0, 0, 0)]);
    world.wait(4_000);

    let id = conversation(0);
    let view = world.call(0, GetConversation { conversation: id }).unwrap();
    assert_eq!((view.unread, view.position.read), (0, Seq(2)));
    finish(world);
}

#[test]
fn a_device_that_resumes_gets_all_of_a_conversation_that_began_meanwhile() {
    let device = 7;
    let mut world = begun(&[Op::Connect { device }, Op::Disconnect { device }]);
    world.step(&Op::Request(request(0, 0, 0, What::Add { whom: 3 })));
    for key in 1..40 {
        world.step(&send(0, 0, key));
    }
    // Law 4 is checked as it connects.
    world.step(&Op::Connect { device });
    finish(world);
}

#[test]
fn a_displaced_session_is_over_though_nobody_dropped_it() {
    let world = begun(&[Op::Connect { device: 1 }, Op::Connect { device: 1 }]);
    let State::Raw(raw) = &world.devices[1].state else {
        panic!("device 1 is our own")
    };
    let first = world.displaced.front().unwrap();
    assert_ne!(first.opened().session, raw.attachment.opened().session);
    assert_eq!(world.ground.im.session_count(), 1);
    world
        .ground
        .im
        .disconnect(&user(0), None, im_core::CloseReason::GoingAway);

    let users = vec![user(0)];
    let presence = world.call(1, GetPresence { users }).unwrap();

    assert_eq!(presence.items[0].availability, Availability::Offline);
}

#[test]
fn who_comes_back_while_a_hint_waits_hears_of_it() {
    finish(begun(&[
        Op::Connect { device: 3 },
        Op::Stall {
            device: 3,
            offers: 1,
        },
        send(0, 0, 0),
        Op::Drain { device: 1 },
        Op::Request(request(0, 0, 1, What::Kick { whom: 1 })),
        Op::Drain { device: 3 },
        Op::Request(request(0, 0, 2, What::Add { whom: 1 })),
        send(0, 0, 3),
    ]));
}

#[test]
fn concurrent_marks_are_told_in_order() {
    let mut ops = vec![Op::Connect { device: 1 }];
    ops.extend((0..5).map(|key| send(0, 0, key)));
    ops.push(Op::Marks {
        user: 1,
        conversation: 0,
        seqs: (5, 3),
    });
    finish(begun(&ops));
}

#[test]
fn a_fetch_that_nobody_waits_for_is_made_up_for() {
    let mut world = begun(&[Op::Connect { device: 2 }]);
    world.step(&Op::Stall {
        device: 2,
        offers: 1,
    });
    world.step(&send(0, 0, 0));
    // The fetch fails and pauses; whoever waits for the event stops.
    world.step(&Op::Fault(Fault::Read));
    world.step(&Op::Drain { device: 2 });
    world.step(&Op::Drain { device: 2 });
    finish(world);
}

#[test]
fn a_page_without_entries_tells_where_all_conversations_stand() {
    let world = begun(&[]);
    let me = Actor::user(user(0));
    let runtime: &ManualRuntime = &world.ground.runtime;
    for n in 0..250 {
        let key = ClientId::new(format!("many{n}")).unwrap();
        let ask = im_core::CreateConversation {
            client_id: key,
            name: None,
            members: vec![],
            joining: Default::default(),
            history: Visibility::default(),
            preset: None,
        };
        runtime.block_on(world.ground.im.call(&me, ask)).unwrap();
    }
    let (mut cursor, mut pages) = (None, 0);
    loop {
        let ask = SyncPull {
            cursor,
            have: Default::default(),
            limit: Some(0),
        };
        let page = world.call(0, ask).unwrap();
        assert!(page.items.iter().all(|item| item.entries.is_empty()));
        pages += 1;
        cursor = Some(page.cursor);
        if page.done {
            break;
        }
    }
    assert_eq!((cursor.unwrap().positions.len(), pages), (252, 3));
}

#[test]
fn a_cursor_of_another_history_begins_anew() {
    let world = begun(&[send(0, 0, 0)]);
    let pull = |cursor| SyncPull {
        cursor,
        have: Default::default(),
        limit: None,
    };
    let mut cursor = world.call(0, pull(None)).unwrap().cursor;
    assert!(!world.call(0, pull(Some(cursor.clone()))).unwrap().reset);
    cursor.epoch.0 += 1;

    let page = world.call(0, pull(Some(cursor))).unwrap();

    assert!(page.reset && page.done);
    let entries: usize = page.items.iter().map(|item| item.entries.len()).sum();
    assert_eq!(entries, 3);
}
