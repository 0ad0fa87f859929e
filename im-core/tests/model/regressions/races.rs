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
    Actor, Code, DeviceId, EditMessage, History, Im, MarkRead, OpenDirect, Push, Seq,
    SubscribePresence, SyncPage, SyncPull,
    port::{BoxFuture, Runtime},
};

use super::{
    begun,
    nodes::{add, kick, message},
    pushed, send,
};
use crate::{
    device::State,
    faults::{Banned, Fault},
    link::{identity, opening},
    ops::Op,
    outlet::TestOutlet,
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

/// User 1 opens a session. In the middle of that, at this time and at that, it is removed and let in, and something is said.
fn opened_while_removed(removed_at: usize, said_at: usize) -> Vec<Push> {
    let mut world = begun(&[]);
    let (im, mut count) = (world.ground.im.clone(), 0);
    *world.log.turns.meanwhile.lock().unwrap() = Some(Box::new(move || {
        count += 1;
        let (im, now) = (im.clone(), count);
        Box::pin(async move {
            let owner = Actor::user(user(0));
            if now == removed_at {
                im.call(&owner, kick(1)).await.unwrap();
                im.call(&owner, add(1)).await.unwrap();
            }
            if now == said_at {
                im.call(&owner, message(0, "meanwhile")).await.unwrap();
            }
        })
    }));
    let outlet = Arc::new(TestOutlet::new(Banned::default()));
    let device = DeviceId::new("phone").unwrap();
    let (who, open) = (identity(&user(1)), opening(&device));
    let attached = world.ground.im.attach(who, &open, outlet.clone());
    let session = world.ground.runtime.block_on(attached).unwrap();
    *world.log.turns.meanwhile.lock().unwrap() = None;

    world.call(0, message(0, "after")).unwrap();
    world.wait(1_000);
    drop(session);
    std::iter::from_fn(|| outlet.next()).collect()
}

#[test]
fn nothing_is_left_out_between_two_pushes_when_its_user_is_removed_while_a_session_is_opened() {
    for (removed_at, said_at) in (1..10).flat_map(|one| (one..12).map(move |other| (one, other))) {
        let pushes = opened_while_removed(removed_at, said_at);

        let (mut last, mut is_told) = (None, false);
        for push in &pushes {
            match push {
                Push::HeadMoved(hint) if hint.conversation == conversation(0) => is_told = true,
                Push::Entry(entry) if entry.conversation == conversation(0) => {
                    let is_next = last.is_none_or(|last: Seq| last.next() == entry.seq);
                    let context = (removed_at, said_at, &pushes);
                    assert!(is_next || is_told, "{context:?}");
                    (last, is_told) = (Some(entry.seq), false);
                }
                _ => {}
            }
        }
        assert!(last.is_some() || is_told, "{pushes:?}");
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
    let told = std::iter::from_fn(|| outlet.next()).any(|push| matches!(push, Push::Presence(_)));
    assert!(!told);
}
