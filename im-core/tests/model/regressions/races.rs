//! What happens in the middle of something else; and stores that are slow, or forget.

use im_core::{MarkRead, Seq};

use super::{begun, send};
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
