//! Several engines on one store.

use std::time::Duration;

use im_core::{
    AddMembers, BlockUser, ClientId, Code, CreateConversation, History, KickMembers, ListMembers,
    OpenDirect, Push, SendMessage, Seq, UnblockUser, Visibility,
};

use super::{begun, pushed};
use crate::world::{World, conversation, group_key, user};

pub(super) fn message(at: usize, text: &str) -> SendMessage {
    SendMessage::new(conversation(at), ClientId::random(), text)
}

pub(super) fn kick(whom: usize) -> KickMembers {
    KickMembers {
        conversation: conversation(0),
        client_id: ClientId::random(),
        users: vec![user(whom)],
        reason: None,
        banned_until_ms: None,
    }
}

pub(super) fn add(whom: usize) -> AddMembers {
    AddMembers {
        conversation: conversation(0),
        client_id: ClientId::random(),
        users: vec![user(whom)],
    }
}

/// The first group, with users 0 and 1, of which our engine has read nothing.
fn begun_elsewhere() -> World {
    let world = World::new(0, 0);
    let ask = CreateConversation {
        client_id: group_key(0),
        name: None,
        members: vec![user(1)],
        joining: Default::default(),
        history: Visibility::default(),
        preset: None,
    };
    world.call_elsewhere(0, ask).unwrap();
    world
}

fn taken(world: &World, device: usize) -> Vec<u64> {
    let taken = world.devices[device].taken.get(&conversation(0));
    taken
        .into_iter()
        .flatten()
        .map(|entry| entry.seq.0)
        .collect()
}

#[test]
fn who_was_removed_elsewhere_before_we_read_hears_of_the_removal_and_of_nothing_after() {
    let mut world = begun_elsewhere();
    world.connect(3);
    world.call_elsewhere(0, kick(1)).unwrap();

    world.call(0, message(0, "secret")).unwrap();

    let outlet = world.devices[3].outlet().unwrap();
    let pushes: Vec<_> = std::iter::from_fn(|| outlet.next()).collect();
    assert!(!format!("{pushes:?}").contains("secret"), "{pushes:?}");
    assert!(
        matches!(&pushes[..], [Push::HeadMoved(hint)] if hint.head == Seq(2)),
        "{pushes:?}"
    );
}

#[test]
fn who_was_added_elsewhere_before_we_read_hears_what_follows() {
    let mut world = begun_elsewhere();
    world.connect(7);
    world.call_elsewhere(0, add(3)).unwrap();

    world.call(0, message(0, "welcome")).unwrap();
    let World {
        ground, devices, ..
    } = &mut world;
    devices[7].drain(ground, Duration::from_millis(5));
    world.call(0, message(0, "again")).unwrap();
    let World {
        ground, devices, ..
    } = &mut world;
    devices[7].drain(ground, Duration::from_millis(5));

    assert_eq!(taken(&world, 7), [2, 3, 4]);
}

#[test]
fn who_came_back_elsewhere_before_we_read_stays() {
    let mut world = begun_elsewhere();
    world.connect(3);
    world.call_elsewhere(0, kick(1)).unwrap();
    world.call_elsewhere(0, add(1)).unwrap();

    world.call(0, message(0, "welcome")).unwrap();
    let World {
        ground, devices, ..
    } = &mut world;
    devices[3].drain(ground, Duration::from_millis(5));

    assert_eq!(taken(&world, 3).last(), Some(&4));
}

#[test]
fn who_came_and_went_elsewhere_before_it_was_here_is_not_pushed_that_stay_again() {
    let mut world = begun(&[]);
    world.call_elsewhere(0, add(3)).unwrap();
    world.call_elsewhere(0, message(0, "welcome")).unwrap();
    world.call_elsewhere(0, kick(3)).unwrap();
    // Its program had all of that there, and begins here from a cursor that has no position where it is out.
    world.connect(7);

    world.call(0, message(0, "without you")).unwrap();

    let outlet = world.devices[7].outlet().unwrap();
    let pushes: Vec<_> = std::iter::from_fn(|| outlet.next()).collect();
    assert!(pushes.is_empty(), "{pushes:?}");
}

#[test]
fn who_comes_back_elsewhere_is_pushed_the_stay_that_lasts_and_not_the_one_before() {
    let mut world = begun(&[]);
    world.call_elsewhere(0, add(3)).unwrap();
    world.call_elsewhere(0, kick(3)).unwrap();
    world.connect(7);
    world.call_elsewhere(0, add(3)).unwrap();

    world.call(0, message(0, "welcome back")).unwrap();

    let head = world.truth(0).entries.last().unwrap().seq.0;
    assert_eq!(pushed(&world, 7), [head - 1, head]);
}

#[test]
fn a_direct_conversation_that_began_elsewhere_reaches_who_was_here() {
    let mut world = World::new(0, 0);
    world.connect(1);
    world.connect(3);
    world
        .call_elsewhere(0, OpenDirect { user: user(1) })
        .unwrap();

    world.call(0, message(2, "hello")).unwrap();

    for device in [1, 3] {
        let World {
            ground, devices, ..
        } = &mut world;
        devices[device].drain(ground, Duration::from_millis(5));
        let taken = &devices[device].taken[&conversation(2)];
        assert_eq!(taken.last().unwrap().seq, Seq(2), "device {device}");
    }
}

#[test]
fn who_was_removed_elsewhere_reads_no_further_here() {
    let world = begun(&[]);
    world.call(1, message(0, "I am here")).unwrap();
    world.call_elsewhere(0, kick(1)).unwrap();
    world.call_elsewhere(0, message(0, "secret")).unwrap();

    let ask = History {
        after_seq: Some(Seq(0)),
        ..History::of(conversation(0))
    };
    let page = world.call(1, ask).unwrap();
    let ask = ListMembers {
        conversation: conversation(0),
        after: None,
        limit: None,
    };
    let members = world.call(1, ask);

    assert_eq!(page.items.last().unwrap().seq, Seq(3));
    assert_eq!((page.head.seq, page.done), (Seq(3), true));
    assert_eq!(members.unwrap_err().code, Code::NotFound);
}

#[test]
fn who_was_removed_and_added_elsewhere_reads_from_its_coming_on() {
    let world = begun(&[]);
    world.call(1, message(0, "I am here")).unwrap();
    world.call_elsewhere(0, kick(1)).unwrap();
    world.call_elsewhere(0, message(0, "secret")).unwrap();
    world.call_elsewhere(0, add(1)).unwrap();
    world.call_elsewhere(0, message(0, "welcome")).unwrap();

    let (mut seqs, mut after) = (Vec::new(), Seq(0));
    loop {
        let ask = History {
            after_seq: Some(after),
            limit: Some(1),
            ..History::of(conversation(0))
        };
        let page = world.call(1, ask).unwrap();
        seqs.extend(page.items.iter().map(|entry| entry.seq.0));
        after = Seq(seqs.last().copied().unwrap());
        if page.done {
            break;
        }
        assert!(seqs.len() < 10, "history does not end");
    }

    assert_eq!(seqs, [5, 6]);
}

#[test]
fn a_block_set_or_lifted_elsewhere_holds_here_after_some_seconds() {
    let mut world = begun(&[]);
    world.call(0, message(2, "before")).unwrap();
    world
        .call_elsewhere(1, BlockUser { user: user(0) })
        .unwrap();
    world.wait(6_000);
    let blocked = world.call(0, message(2, "blocked"));
    world
        .call_elsewhere(1, UnblockUser { user: user(0) })
        .unwrap();
    world.wait(6_000);

    assert_eq!(blocked.unwrap_err().code, Code::Blocked);
    world.call(0, message(2, "lifted")).unwrap();
}

#[test]
fn who_was_added_elsewhere_is_no_stranger_here() {
    let world = begun(&[]);
    assert_eq!(
        world.call(3, message(0, "too early")).unwrap_err().code,
        Code::NotFound
    );
    world.call_elsewhere(0, add(3)).unwrap();

    assert_eq!(world.call(3, message(0, "here")).unwrap().seq, Seq(3));
}

#[test]
fn who_was_added_elsewhere_can_be_removed_here() {
    let world = begun(&[]);
    let nothing = world.call(0, kick(3)).unwrap();
    world.call_elsewhere(0, add(3)).unwrap();

    let removed = world.call(0, kick(3)).unwrap();

    assert_eq!((nothing.seq, removed.seq), (Seq(1), Seq(3)));
}
