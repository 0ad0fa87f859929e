//! Who may do and see what.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use im_core::{
    AddMembers, Attachment, Body, Call as _, ChangeSettings, ClientId, CloseReason, Code, Command,
    Content, DeviceId, EditMessage, GetConversation, History, MarkRead, Push, RecallMessage, Seq,
    Settings, SettingsPatch, SubscribePresence, Typing,
    port::{Broadcast, Offer, Outlet},
};

use super::{begun, finish, pushed, request, send};
use crate::{
    asks::What,
    device::State,
    faults::Fault,
    link::{identity, opening},
    ops::Op,
    requests::poll_once,
    world::{World, conversation, user},
};

#[test]
fn a_recall_reaches_what_another_node_stored() {
    finish(begun(&[
        Op::Elsewhere(request(0, 0, 0, What::Send { variant: true })),
        Op::Request(request(0, 0, 1, What::Recall { target: 2 })),
    ]));
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
fn a_retry_of_what_changes_nothing_any_more_gets_its_first_answer() {
    let add = || Op::Request(request(0, 0, 0, What::Add { whom: 3 }));
    // The reference judges: the first seq, not the head.
    finish(begun(&[add(), send(0, 0, 1), add()]));
}

#[test]
fn history_of_a_former_member_ends() {
    let mut ops = vec![Op::Request(request(0, 0, 0, What::Kick { whom: 1 }))];
    ops.extend((1..9).map(|key| send(0, 0, key)));
    let world = begun(&ops);
    let ask = |after| History {
        after_seq: Some(Seq(after)),
        limit: Some(2),
        ..History::of(conversation(0))
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
    let ask = History::of(conversation(0));

    let page = world.call(1, ask).unwrap();

    assert!(!format!("{page:?}").contains("secret"));
    assert_eq!(page.items[1].body, Body::Unknown);
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
fn typing_needs_a_membership() {
    let world = begun(&[]);
    let ask = Typing {
        conversation: conversation(0),
    };
    assert!(world.call(1, ask.clone()).is_ok());
    assert_eq!(world.call(3, ask).unwrap_err().code, Code::NotFound);
}

/// A link that counts what it is told.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Outlet for Counting {
    fn offer(&self, _: &Broadcast) -> Offer {
        self.0.fetch_add(1, Ordering::Relaxed);
        Offer::Taken
    }

    fn close(&self, _: CloseReason) {}
}

/// The third user's sessions at the end of such a link, and the first group, of which it is a member.
fn listening(sessions: usize) -> (World, Arc<Counting>, Vec<Attachment>, Typing) {
    let world = begun(&[]);
    let outlet = Arc::new(Counting::default());
    let attach = |n| {
        let device = DeviceId::new(format!("device-{n}")).unwrap();
        let opening = opening(&device);
        let attached = world
            .ground
            .im
            .attach(identity(&user(2)), &opening, outlet.clone());
        world.ground.runtime.block_on(attached).unwrap()
    };
    let attachments = (0..sessions).map(attach).collect();
    let typing = Typing {
        conversation: conversation(0),
    };
    (world, outlet, attachments, typing)
}

#[test]
fn who_goes_on_typing_is_heard_once_in_two_seconds() {
    let (world, outlet, _attachments, typing) = listening(1);

    for _ in 0..100 {
        assert!(world.call(1, typing.clone()).is_ok());
    }
    assert_eq!(outlet.0.load(Ordering::Relaxed), 1);

    world.ground.runtime.advance(Duration::from_secs(2));
    assert!(world.call(1, typing).is_ok());
    assert_eq!(outlet.0.load(Ordering::Relaxed), 2);
}

#[test]
fn telling_many_that_somebody_types_gives_way_to_others() {
    let (world, outlet, _attachments, typing) = listening(300);
    let told = || outlet.0.load(Ordering::Relaxed);

    let mut first = world.execute(1, typing.into_command());
    while told() == 0 {
        assert!(poll_once(&mut first).is_pending());
    }

    assert!(told() < 300, "{} in one turn", told());
    world.ground.runtime.block_on(first).unwrap();
    assert_eq!(told(), 300);
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
    let answer = world.call(0, ask);
    assert_eq!(answer.unwrap_err().code, Code::TooMany);
}

#[test]
fn two_devices_that_change_different_settings_both_succeed() {
    // A store that is slow, so that both read before either writes, in one of the rounds at least.
    let mut world = World::new(0, 1);
    world.step(&Op::Direct { user: 0, peer: 1 });
    let at = conversation(2);
    for round in 1..=20 {
        let wanted = Settings {
            pinned: round % 2 == 1,
            muted_until_ms: Some(im_core::Timestamp(i64::MAX - round)),
            ..Settings::default()
        };
        let change = |pinned, muted_until_ms| {
            let changes = SettingsPatch {
                pinned,
                muted_until_ms,
                ..SettingsPatch::default()
            };
            let ask = ChangeSettings {
                conversation: at,
                changes,
            };
            world.execute(0, Command::ChangeSettings(ask))
        };

        let both = join(
            change(Some(wanted.pinned), None),
            change(None, wanted.muted_until_ms),
        );
        let (pinned, muted) = world.ground.runtime.block_on(both);

        assert!(pinned.is_ok() && muted.is_ok());
        let view = world.call(0, GetConversation { conversation: at }).unwrap();
        assert_eq!(view.settings, wanted, "round {round}");
    }
}
