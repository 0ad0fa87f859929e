//! What happens in the middle of something else; and stores that are slow, or forget.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use im_core::{
    Actor, Code, EditMessage, History, Im, MarkRead, OpenDirect, Seq, SubscribePresence, SyncPage,
    SyncPull,
    port::{BoxFuture, Runtime},
};

use super::{
    begun,
    nodes::{kick, message},
    pushed, send,
};
use crate::{
    device::State,
    faults::Fault,
    ops::Op,
    world::{World, conversation, user},
};

/// User 0 removes user 1 from the first group, and then says something, or puts it into what was said before.
fn remove_and_say(im: Im, edits: bool) -> BoxFuture<()> {
    Box::pin(async move {
        let owner = Actor::user(user(0));
        im.call(&owner, kick(1)).await.unwrap();
        if edits {
            let edit = EditMessage {
                conversation: conversation(0),
                client_id: im_core::ClientId::random(),
                target: Seq(2),
                content: "secret".into(),
            };
            im.call(&owner, edit).await.unwrap();
        } else {
            im.call(&owner, message(0, "secret")).await.unwrap();
        }
    })
}

fn pull(world: &World, held: u64, edits: bool) -> SyncPage {
    let ask = SyncPull {
        cursor: None,
        have: BTreeMap::new(),
        limit: Some(0),
    };
    let mut cursor = world.call(1, ask).unwrap().cursor;
    cursor.positions.insert(conversation(0), Seq(held));
    // The page is of rows that were read before.
    let what = remove_and_say(world.ground.im.clone(), edits);
    world.log.turns.at(2, what);
    let ask = SyncPull {
        cursor: Some(cursor),
        have: BTreeMap::new(),
        limit: None,
    };
    world.call(1, ask).unwrap()
}

#[test]
fn a_pull_hands_out_nothing_from_after_a_removal_that_happens_meanwhile() {
    let world = begun(&[send(0, 0, 0), send(0, 0, 1)]);

    let page = pull(&world, 1, false);

    let seqs = page.items[0].entries.iter().map(|entry| entry.seq.0);
    assert_eq!(seqs.collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!((page.items[0].view.left, page.done), (Some(Seq(4)), true));
}

#[test]
fn a_pull_hands_out_no_edit_from_after_a_removal_that_happens_meanwhile() {
    let world = begun(&[send(0, 0, 0), send(0, 0, 1)]);

    let page = pull(&world, 1, true);

    assert!(!format!("{page:?}").contains("secret"), "{page:?}");
}

#[test]
fn history_hands_out_nothing_from_after_a_removal_that_happens_meanwhile() {
    for edits in [false, true] {
        let world = begun(&[send(0, 0, 0), send(1, 0, 1)]);
        let what = remove_and_say(world.ground.im.clone(), edits);
        world.log.turns.at(1, what);
        let ask = History::of(conversation(0));

        let page = world.call(1, ask).unwrap();

        assert!(!format!("{page:?}").contains("secret"), "{page:?}");
        assert!(page.items.iter().all(|entry| entry.seq <= Seq(4)));
    }
}

#[test]
fn a_mark_that_was_answered_is_stored() {
    // Her own message has moved her position, which is stored a moment later.
    let world = begun(&[send(1, 0, 0)]);
    let ask = MarkRead {
        conversation: conversation(0),
        seq: Seq(2),
    };

    world.call(1, ask).unwrap();

    let positions = world.ground.im.ports().positions.clone();
    let me = user(1);
    let stored = positions.position(conversation(0), &me);
    let stored = world.ground.runtime.block_on(stored).unwrap().unwrap();
    assert_eq!(stored.read, Seq(2));
}

#[test]
fn a_session_opens_though_somebody_never_stops_talking() {
    const WORDS: usize = 50;
    let world = begun(&[]);
    let said = Arc::new(AtomicUsize::new(0));
    let (im, count) = (world.ground.im.clone(), said.clone());
    *world.log.turns.meanwhile.lock().unwrap() = Some(Box::new(move || {
        let (im, count) = (im.clone(), count.clone());
        Box::pin(async move {
            if count.fetch_add(1, Relaxed) < WORDS {
                let talker = Actor::user(user(0));
                im.call(&talker, message(0, "and")).await.unwrap();
            }
        })
    }));

    let session = world.ground.im.connect("u1", "phone");
    let mut session = world.ground.runtime.block_on(session).unwrap();

    assert!(said.load(Relaxed) < WORDS / 2);
    *world.log.turns.meanwhile.lock().unwrap() = None;
    let last = world.call(0, message(0, "end")).unwrap();
    loop {
        let next = session.next_message();
        if world.ground.runtime.block_on(next).unwrap().seq == last.seq {
            break;
        }
    }
}

#[test]
fn what_lands_long_after_it_failed_is_told() {
    let mut world = begun(&[Op::Connect { device: 3 }]);
    world
        .log
        .faults
        .lock()
        .unwrap()
        .push_back(Fault::Lands(20_000));

    let answer = world.call(0, message(0, "late"));
    world.wait(40_000);

    assert_eq!(answer.unwrap_err().code, Code::Unavailable);
    assert_eq!(pushed(&world, 3), [2]);
}

#[test]
fn a_beginning_that_lands_long_after_it_failed_is_told() {
    let mut world = World::new(0, 0);
    world.connect(3);
    world
        .log
        .faults
        .lock()
        .unwrap()
        .push_back(Fault::Lands(20_000));

    let answer = world.call(0, OpenDirect { user: user(1) });
    world.wait(40_000);

    assert_eq!(answer.unwrap_err().code, Code::Unavailable);
    assert_eq!(pushed(&world, 3), [1]);
}

#[test]
fn a_store_that_lost_what_it_said_to_have_is_read_anew() {
    let world = begun(&[]);
    world.log.faults.lock().unwrap().push_back(Fault::Lost);
    world.call(0, message(0, "lost")).unwrap();

    let sent = world.call(0, message(0, "after")).unwrap();

    assert_eq!(sent.seq, Seq(2));
}

#[test]
fn a_removal_does_not_wait_until_it_is_known_who_watches_whom() {
    let mut world = begun(&[Op::Connect { device: 5 }]);
    let State::Raw(raw) = &world.devices[5].state else {
        panic!("device 5 is our own")
    };
    let users = vec![user(0)];
    raw.call(&world.ground, SubscribePresence { users })
        .unwrap();
    *world.log.turns.sharing_takes.lock().unwrap() = Duration::from_secs(60);
    let before = world.ground.runtime.monotonic();

    world.call(0, kick(2)).unwrap();
    world.call(0, message(0, "without you")).unwrap();

    let took = world.ground.runtime.monotonic() - before;
    assert!(took < Duration::from_secs(1), "{took:?}");
    world.wait(61_000);
    *world.log.turns.sharing_takes.lock().unwrap() = Duration::ZERO;
    world.step(&Op::Connect { device: 1 });
    let outlet = world.devices[5].outlet().unwrap();
    let told =
        std::iter::from_fn(|| outlet.next()).any(|push| matches!(push, im_core::Push::Presence(_)));
    assert!(!told);
}
