//! Who comes into a group, and who goes, on whatever node.

use im_core::{AddMembers, Body, Code, KickMembers, LeaveGroup, MarkRead, Seq, testing::user};

use super::{
    pair::{A, B, Pair},
    talk::hears_all,
};
use crate::{
    restart::talk,
    world::{call, entries_until, group, key, next_entry, refused, seqs, within},
};

pub(crate) async fn come_and_go(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let mut carol = pair.connect(B, "carol", "phone").await;
    let room = group(&alice, &["bob"]).await;
    hears_all(&mut bob, room, 1).await;

    let add = AddMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("carol")],
    };
    let added = call(&alice, add).await.seq;
    let came = entries_until(&mut bob, room, added).await;
    assert!(
        matches!(came[0].body, Body::MembersAdded { .. }),
        "{came:?}"
    );
    entries_until(&mut carol, room, added).await;
    within("a send", alice.send(&room, "welcome"))
        .await
        .unwrap();
    assert_eq!(next_entry(&mut carol).await.seq, Seq(added.0 + 1));

    let leave = LeaveGroup {
        conversation: room,
        client_id: key(),
    };
    let left = call(&carol, leave).await.seq;
    within("a send", alice.send(&room, "a pity")).await.unwrap();
    let heard = entries_until(&mut bob, room, Seq(left.0 + 1)).await;
    assert_eq!(seqs(&heard), (added.0 + 1..=left.0 + 1).collect::<Vec<_>>());
    let aside = group(&alice, &["carol"]).await;
    let last = entries_until(&mut carol, aside, Seq(1)).await;
    assert_eq!(last.len(), 1);
    let read = MarkRead {
        conversation: room,
        seq: left,
    };
    assert_eq!(refused(&carol, read).await, Code::NotFound);
}

pub(crate) async fn kicked(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let aside = group(&alice, &["bob"]).await;
    entries_until(&mut bob, aside, Seq(1)).await;
    let sender = bob.sender();
    let talking = tokio::spawn(async move {
        let mut stored = Vec::new();
        for n in 0.. {
            match sender.send(&room, format!("number {n}")).await {
                Ok(sent) => stored.push(sent.seq),
                Err(error) => return (stored, error),
            }
        }
        unreachable!("there is always another number")
    });
    let others = talk(&alice, room, 20);
    within("the last reply", others).await.unwrap();

    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
        reason: None,
        banned_until_ms: None,
    };
    let kick = call(&alice, kick).await.seq;
    let (stored, error) = within("the refusal", talking).await.unwrap();
    within("a send", alice.send(&room, "quiet")).await.unwrap();
    within("a send", alice.send(&aside, "sorry")).await.unwrap();

    assert!(error.to_string().contains("not_found"), "{error}");
    assert!(stored.iter().all(|seq| *seq < kick));
    let mut seen = Vec::new();
    loop {
        let entry = next_entry(&mut bob).await;
        if entry.conversation == aside {
            break;
        }
        seen.push(entry);
    }
    assert_eq!(seen.last().unwrap().seq, kick, "the kick is the last of it");
}
