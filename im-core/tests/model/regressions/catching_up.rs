//! A session that catches up in several pages.

use std::time::Duration;

use im_core::{
    AddMembers, ClientId, Content, ConversationId, CreateConversation, Cursor, KickMembers, Ping,
    Push, SendMessage, Visibility,
};

use crate::{
    device::State,
    world::{World, user},
};

const LONG: Duration = Duration::from_secs(10);

fn create(world: &World, name: &str, members: &[usize]) -> ConversationId {
    let ask = CreateConversation {
        client_id: ClientId::new(name).unwrap(),
        name: None,
        members: members.iter().map(|n| user(*n)).collect(),
        joining: Default::default(),
        history: Visibility::default(),
        preset: None,
    };
    world.call(0, ask).unwrap().conversation
}

/// User 0 in 150 groups; returns the one that comes first.
fn many(world: &World) -> ConversationId {
    let all = (0..150).map(|n| create(world, &format!("many{n}"), &[]));
    all.min().unwrap()
}

fn say(world: &World, to: ConversationId, text: &str) {
    let message = SendMessage::new(to, ClientId::random(), Content::text(text));
    world.call(0, message).unwrap();
}

/// Takes one event of a session.
fn take_one(world: &mut World, device: usize) -> Push {
    let World {
        ground, devices, ..
    } = world;
    let State::Session(session, _) = &mut devices[device].state else {
        panic!("no session is open");
    };
    ground.runtime.block_on(session.next_event()).unwrap()
}

/// Asks for something, so that the session notices that its link broke, and opens another.
fn notice(world: &mut World, device: usize) {
    let World {
        ground, devices, ..
    } = world;
    let State::Session(session, _) = &devices[device].state else {
        panic!("no session is open");
    };
    ground.runtime.block_on(session.call(Ping {})).unwrap();
}

fn open(world: &mut World, device: usize, cursor: Cursor) {
    let World {
        ground, devices, ..
    } = world;
    devices[device].open_session(ground, Some(cursor));
}

fn drain(world: &mut World, device: usize) {
    let World {
        ground, devices, ..
    } = world;
    devices[device].drain(ground, LONG);
}

fn taken(world: &World, device: usize, of: ConversationId) -> Vec<u64> {
    let entries = world.devices[device].taken.get(&of);
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.seq.0).collect()
}

#[test]
fn a_cursor_from_the_middle_looks_through_everything() {
    let mut world = World::new(0, 1);
    many(&world);
    open(&mut world, 0, Cursor::default());

    take_one(&mut world, 0);
    world.devices[0].close();

    let cursor = &world.devices[0].saved.last().unwrap().0;
    assert_eq!((cursor.positions.len(), &cursor.page), (100, &None));
}

#[test]
fn what_was_looked_through_for_a_link_that_broke_is_looked_through_again() {
    let mut world = World::new(0, 1);
    let first = many(&world);
    open(&mut world, 0, Cursor::default());
    take_one(&mut world, 0);

    world.devices[0].outlet().unwrap().break_off();
    say(&world, first, "while nobody listened");
    notice(&mut world, 0);
    drain(&mut world, 0);

    assert_eq!(taken(&world, 0, first).last(), Some(&2));
}

#[test]
fn what_waits_where_the_user_is_out_comes_again_after_a_crash() {
    let mut world = World::new(0, 1);
    let group = create(&world, "group", &[1]);
    open(&mut world, 2, Cursor::default());
    drain(&mut world, 2);
    world.devices[2].close();
    let saved = world.devices[2].saved.last().unwrap().0.clone();
    for text in ["two", "three", "four"] {
        say(&world, group, text);
    }
    let kick = KickMembers {
        conversation: group,
        client_id: ClientId::new("kick").unwrap(),
        users: vec![user(1)],
        reason: None,
        banned_until_ms: None,
    };
    world.call(0, kick).unwrap();

    open(&mut world, 2, saved);
    let first = take_one(&mut world, 2);
    world.devices[2].close();
    let saved = world.devices[2].saved.last().unwrap().0.clone();
    open(&mut world, 2, saved);
    drain(&mut world, 2);

    assert!(matches!(first, Push::Entry(entry) if entry.seq.0 == 2));
    assert_eq!(taken(&world, 2, group), [1, 3, 4, 5]);
}

#[test]
fn a_long_absence_is_handed_out_page_by_page() {
    let mut world = World::new(0, 1);
    let group = create(&world, "group", &[]);
    let other = create(&world, "other", &[]);
    open(&mut world, 0, Cursor::default());
    drain(&mut world, 0);
    world.devices[0].close();
    let saved = world.devices[0].saved.last().unwrap().0.clone();
    for n in 0..450 {
        say(&world, group, &format!("g{n}"));
    }
    say(&world, other, "other");
    let add = AddMembers {
        conversation: other,
        client_id: ClientId::new("add").unwrap(),
        users: vec![user(1)],
    };
    world.call(0, add).unwrap();

    open(&mut world, 0, saved);
    drain(&mut world, 0);

    assert_eq!(taken(&world, 0, group), (1..=451).collect::<Vec<_>>());
    assert_eq!(taken(&world, 0, other), [1, 2, 3]);
}
