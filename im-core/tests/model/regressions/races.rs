//! What happens in the middle of something else; and stores that are slow, or forget.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use im_core::{Actor, MarkRead, Seq};

use super::{begun, nodes::message, send};
use crate::world::{conversation, user};

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
