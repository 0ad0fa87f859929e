//! What was found once, by name.

use im_core::{
    Actor, AddMembers, Availability, Body, Call, ClientId, Code, Content, EditMessage,
    GetConversation, GetPresence, History, MarkRead, Push, RecallMessage, Seq, SubscribePresence,
    SyncPull, Typing, testing::ManualRuntime,
};

use crate::{
    device::State,
    faults::Fault,
    ops::{Op, Request, What},
    step::poll_once,
    world::{World, conversation, user},
};

fn request(user: usize, conversation: usize, key: u8, what: What) -> Request {
    Request {
        user,
        conversation,
        key,
        what,
    }
}

fn send(user: usize, conversation: usize, key: u8) -> Op {
    let variant = false;
    Op::Request(request(user, conversation, key, What::Send { variant }))
}

/// Users 0, 1 and 2 in the first group, and the direct conversation of 0 and 1.
fn begun(ops: &[Op]) -> World {
    let mut world = World::new(0, 0);
    world.step(&Op::Create {
        group: 0,
        members: 0b110,
        open: false,
    });
    world.step(&Op::Direct { user: 0, peer: 1 });
    for op in ops {
        world.step(op);
    }
    world
}

fn finish(mut world: World) {
    world.settle();
    world.check_end();
}

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
fn a_recall_reaches_what_another_node_stored() {
    finish(begun(&[
        Op::Elsewhere(request(0, 0, 0, What::Send { variant: true })),
        Op::Request(request(0, 0, 1, What::Recall { target: 2 })),
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

/// Seqs of the entries that wait for a device.
fn pushed(world: &World, device: usize) -> Vec<u64> {
    let outlet = world.devices[device].outlet().unwrap();
    let pushes = std::iter::from_fn(|| outlet.next());
    pushes
        .filter_map(|push| match push {
            Push::Entry(entry) => Some(entry.seq.0),
            _ => None,
        })
        .collect()
}

#[test]
fn a_strangers_request_in_the_same_batch_does_not_lift_a_block() {
    let mut world = begun(&[Op::Block {
        user: 1,
        whom: 0,
        on: true,
    }]);
    let variant = false;
    // The first leads and waits; the other two are decided together.
    world.step(&Op::Fault(Fault::Late(100)));
    world.step(&Op::Direct { user: 0, peer: 1 });
    world.step(&Op::Block {
        user: 1,
        whom: 0,
        on: false,
    });
    let leader = request(0, 2, 0, What::Send { variant });
    let mut first = world.execute(0, leader.command());
    assert!(poll_once(&mut first).is_pending());
    world.step(&Op::Block {
        user: 1,
        whom: 0,
        on: true,
    });
    let stranger = request(3, 2, 1, What::Send { variant });
    let blocked = request(0, 2, 2, What::Send { variant });
    let mut stranger = world.execute(3, stranger.command());
    let mut blocked = world.execute(0, blocked.command());
    assert!(poll_once(&mut stranger).is_pending());
    assert!(poll_once(&mut blocked).is_pending());

    let runtime = &world.ground.runtime;
    assert!(runtime.block_on(first).is_ok());
    let codes = [stranger, blocked].map(|future| runtime.block_on(future).unwrap_err().code);

    assert_eq!(codes, [Code::NotFound, Code::Blocked]);
}

#[test]
fn an_edit_does_not_pass_a_block() {
    let mut world = begun(&[
        send(0, 2, 0),
        Op::Block {
            user: 1,
            whom: 0,
            on: true,
        },
    ]);
    let edit = What::Edit {
        target: 2,
        variant: false,
    };
    world.step(&Op::Request(request(0, 2, 1, edit.clone())));
    let answer = world.execute(0, request(0, 2, 1, edit).command());
    let answer = world.ground.runtime.block_on(answer);

    assert_eq!(answer.unwrap_err().code, Code::Blocked);
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
fn a_retry_of_what_changes_nothing_any_more_gets_its_first_answer() {
    let add = || Op::Request(request(0, 0, 0, What::Add { whom: 3 }));
    // The reference judges: the first seq, not the head.
    finish(begun(&[add(), send(0, 0, 1), add()]));
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
fn history_of_a_former_member_ends() {
    let mut ops = vec![Op::Request(request(0, 0, 0, What::Kick { whom: 1 }))];
    ops.extend((1..9).map(|key| send(0, 0, key)));
    let world = begun(&ops);
    let ask = |after| History {
        conversation: conversation(0),
        after_seq: Some(Seq(after)),
        before_seq: None,
        limit: Some(2),
    };

    let page = world.call(1, ask(1)).unwrap();
    assert_eq!(
        (page.items.len(), page.done, page.head.seq),
        (1, true, Seq(2))
    );
    let page = world.call(1, ask(2)).unwrap();
    assert_eq!((page.items.len(), page.done), (0, true));
}

#[test]
fn a_former_member_does_not_see_what_was_edited_in_later() {
    let world = begun(&[
        send(0, 0, 0),
        Op::Request(request(0, 0, 1, What::Kick { whom: 1 })),
    ]);
    let edit = EditMessage {
        conversation: conversation(0),
        client_id: ClientId::new("later").unwrap(),
        target: Seq(2),
        content: Content::text("secret"),
    };
    world.call(0, edit).unwrap();
    let ask = History {
        conversation: conversation(0),
        after_seq: None,
        before_seq: None,
        limit: None,
    };

    let page = world.call(1, ask).unwrap();

    assert!(!format!("{page:?}").contains("secret"));
    assert_eq!(page.items[1].body, Body::Unknown);
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
fn who_parts_is_not_watched_any_more() {
    let mut world = begun(&[Op::Connect { device: 5 }]);
    let State::Raw(raw) = &world.devices[5].state else {
        panic!("device 5 is our own")
    };
    let users = vec![user(0)];
    raw.call(&world.ground, SubscribePresence { users })
        .unwrap();
    world.step(&Op::Request(request(0, 0, 0, What::Kick { whom: 2 })));

    world.step(&Op::Connect { device: 1 });

    let outlet = world.devices[5].outlet().unwrap();
    let told = std::iter::from_fn(|| outlet.next()).any(|push| matches!(push, Push::Presence(_)));
    assert!(!told);
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
fn a_recall_takes_back_what_waits_to_be_delivered() {
    let mut world = World::new(20, 0);
    world.step(&Op::Direct { user: 0, peer: 1 });
    world.step(&Op::Connect { device: 3 });
    world.step(&send(0, 2, 0));
    // The outlet notes if the text is pushed after its recall is stored.
    world.step(&Op::Request(request(0, 2, 1, What::Recall { target: 2 })));
    world.step(&Op::Wait { ms: 100 });
    finish(world);
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
fn nobody_marks_beyond_the_end() {
    let world = begun(&[send(0, 0, 0)]);
    let ask = MarkRead {
        conversation: conversation(0),
        seq: Seq(u64::MAX),
    };
    assert_eq!(world.call(1, ask).unwrap().position.read, Seq(2));
}

#[test]
fn a_target_beyond_every_seq_is_not_there() {
    let world = begun(&[]);
    let ask = RecallMessage {
        conversation: conversation(0),
        client_id: ClientId::random(),
        target: Seq(u64::MAX),
    };
    assert_eq!(world.call(0, ask).unwrap_err().code, Code::NotFound);
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
fn typing_needs_a_membership() {
    let world = begun(&[]);
    let ask = Typing {
        conversation: conversation(0),
    };
    assert!(world.call(1, ask.clone()).is_ok());
    assert_eq!(world.call(3, ask).unwrap_err().code, Code::NotFound);
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
fn a_member_added_while_others_wait_gets_nothing_of_before() {
    // Entries wait to be delivered together; a session opens between the storing of its user's coming and the delivery.
    let mut world = World::new(20, 0);
    world.step(&Op::Create {
        group: 0,
        members: 0b10,
        open: false,
    });
    world.step(&send(0, 0, 0));
    world.step(&Op::Fault(Fault::Late(5)));
    world.step(&Op::ConnectDuring {
        device: 7,
        request: request(0, 0, 1, What::Add { whom: 3 }),
    });
    world.wait(4_000);

    assert_eq!(pushed(&world, 7), [3]);
}

#[test]
fn batches_of_adds_keep_the_limit() {
    let world = begun(&[]);
    let ask = AddMembers {
        conversation: conversation(0),
        client_id: ClientId::random(),
        users: (10..600).map(user).collect(),
    };
    let answer = world.ground.runtime.block_on(
        world
            .ground
            .im
            .execute(&Actor::user(user(0)), ask.into_command()),
    );
    assert_eq!(answer.unwrap_err().code, Code::TooMany);
}
