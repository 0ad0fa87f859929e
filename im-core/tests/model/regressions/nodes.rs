//! Several engines on one store.

use im_core::{
    AddMembers, BlockUser, ClientId, Code, History, KickMembers, ListMembers, SendMessage, Seq,
    UnblockUser,
};

use super::begun;
use crate::world::{conversation, user};

pub(super) fn message(at: usize, text: &str) -> SendMessage {
    SendMessage {
        conversation: conversation(at),
        client_id: ClientId::random(),
        content: text.into(),
    }
}

pub(super) fn kick(whom: usize) -> KickMembers {
    KickMembers {
        conversation: conversation(0),
        client_id: ClientId::random(),
        users: vec![user(whom)],
        reason: None,
    }
}

pub(super) fn add(whom: usize) -> AddMembers {
    AddMembers {
        conversation: conversation(0),
        client_id: ClientId::random(),
        users: vec![user(whom)],
    }
}

#[test]
fn who_was_removed_elsewhere_reads_no_further_here() {
    let world = begun(&[]);
    world.call(1, message(0, "I am here")).unwrap();
    world.call_elsewhere(0, kick(1)).unwrap();
    world.call_elsewhere(0, message(0, "secret")).unwrap();

    let ask = History {
        conversation: conversation(0),
        after_seq: Some(Seq(0)),
        before_seq: None,
        limit: None,
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
            conversation: conversation(0),
            after_seq: Some(after),
            before_seq: None,
            limit: Some(1),
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
