//! What was found once, by name.

mod away;
mod catching_up;
mod delivery;
mod doors;
mod expiry;
mod gone;
mod jumps;
mod log_outs;
mod nodes;
mod pace;
mod pages;
mod presence;
mod races;
mod rules;
mod searches;

use im_core::Push;

use crate::{
    asks::{Request, What},
    ops::Op,
    world::World,
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
