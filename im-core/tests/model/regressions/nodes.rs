//! Several engines on one store.

use im_core::{AddMembers, ClientId, Code, History, KickMembers, ListMembers, SendMessage, Seq};

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
