//! Whom a session watches, over the breaks of its links.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use im_core::{
    Attention, Availability, GetPresence, Push, SubscribePresence, UnsubscribePresence, UserId,
    port::Runtime as _,
};

use super::begun;
use crate::{
    device::State,
    ops::Op,
    world::{World, user},
};

/// A device of user 1 that is a `Session`.
const WATCHER: usize = 2;
/// A device of user 0, and one of user 2.
const WATCHED: [usize; 2] = [1, 5];

/// User 1 watches users 0 and 2, of whom only the first is there.
fn watching() -> World {
    let world = begun(&[
        Op::Connect { device: WATCHER },
        Op::Connect { device: WATCHED[0] },
    ]);
    let State::Session(session, _) = &world.devices[WATCHER].state else {
        panic!("this device is a session")
    };
    let users = vec![user(0), user(2)];
    let watch = session.call(SubscribePresence { users });
    let seen = world.ground.runtime.block_on(watch).unwrap().items;
    let seen = seen.iter().map(|presence| presence.availability);
    assert!(seen.eq([Availability::Online, Availability::Offline]));
    world
}

/// The watcher's link breaks. Not as a step of the world: after each of those every session is read.
fn cut(world: &World) {
    world.devices[WATCHER].outlet().unwrap().break_off();
}

/// Somebody comes, without a look at the others.
fn come(world: &mut World, device: usize) {
    let World {
        ground, devices, ..
    } = world;
    devices[device].open_raw(ground, None, Default::default());
}

/// Who was told of to the watcher, until nothing happens any more.
fn told(world: &mut World) -> Vec<(UserId, Availability)> {
    let runtime = world.ground.runtime.clone();
    let State::Session(session, _) = &mut world.devices[WATCHER].state else {
        panic!("this device is a session")
    };
    let mut told = Vec::new();
    loop {
        let event = pin!(session.next_event());
        let silence = runtime.sleep(Duration::from_secs(1));
        match runtime.block_on(select(event, silence)) {
            Either::Left((Ok(Push::Presence(presence)), _)) => {
                told.push((presence.user, presence.availability));
            }
            Either::Left((push, _)) => drop(push.unwrap()),
            Either::Right(_) => return told,
        }
    }
}

#[test]
fn who_was_watched_is_watched_again_after_a_break() {
    let mut world = watching();
    assert_eq!(told(&mut world), []);

    cut(&world);
    let meanwhile = told(&mut world);
    world.devices[WATCHED[0]].close();
    come(&mut world, WATCHED[1]);

    assert_eq!(meanwhile, [], "nothing had changed");
    assert_eq!(
        told(&mut world),
        [
            (user(0), Availability::Offline),
            (user(2), Availability::Online)
        ]
    );
}

#[test]
fn what_changed_without_a_link_is_told_after_it() {
    let mut world = watching();
    cut(&world);

    world.devices[WATCHED[0]].close();
    come(&mut world, WATCHED[1]);

    assert_eq!(
        told(&mut world),
        [
            (user(0), Availability::Offline),
            (user(2), Availability::Online)
        ]
    );
    assert_eq!(told(&mut world), []);
}

#[test]
fn who_came_and_went_without_a_link_was_seen_later() {
    let mut world = watching();
    world.devices[WATCHED[0]].close();
    assert_eq!(told(&mut world), [(user(0), Availability::Offline)]);
    cut(&world);

    come(&mut world, WATCHED[0]);
    world.devices[WATCHED[0]].close();

    assert_eq!(told(&mut world), [(user(0), Availability::Offline)]);
}

#[test]
fn who_is_not_watched_any_more_is_not_watched_again() {
    let mut world = watching();
    let State::Session(session, _) = &world.devices[WATCHER].state else {
        panic!("this device is a session")
    };
    let users = vec![user(0)];
    let unwatch = session.call(UnsubscribePresence { users });
    world.ground.runtime.block_on(unwatch).unwrap();

    cut(&world);
    world.devices[WATCHED[0]].close();
    come(&mut world, WATCHED[1]);

    assert_eq!(told(&mut world), [(user(2), Availability::Online)]);
}

#[test]
fn whom_one_may_not_watch_any_more_looks_offline_after_a_break() {
    let mut world = watching();
    cut(&world);

    let block = im_core::BlockUser { user: user(1) };
    world.call(0, block).unwrap();

    assert_eq!(told(&mut world), [(user(0), Availability::Offline)]);
}

/// How user 0 sees the watcher.
fn watcher_as_seen(world: &World) -> Availability {
    let get = GetPresence {
        users: vec![user(1)],
    };
    world.call(0, get).unwrap().items[0].availability
}

fn attend(world: &World, attention: Attention) {
    let State::Session(session, _) = &world.devices[WATCHER].state else {
        panic!("this device is a session")
    };
    world
        .ground
        .runtime
        .block_on(session.attend(attention))
        .unwrap();
}

#[test]
fn who_is_away_is_still_away_after_a_break() {
    let mut world = watching();
    attend(&world, Attention::Away);
    assert_eq!(watcher_as_seen(&world), Availability::Away);

    cut(&world);
    told(&mut world);

    assert_eq!(watcher_as_seen(&world), Availability::Away);
}

#[test]
fn who_is_back_is_still_back_after_a_break() {
    let mut world = watching();
    attend(&world, Attention::Away);
    attend(&world, Attention::Online);
    assert_eq!(watcher_as_seen(&world), Availability::Online);

    cut(&world);
    told(&mut world);

    assert_eq!(watcher_as_seen(&world), Availability::Online);
}
