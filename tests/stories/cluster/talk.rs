//! Conversations of people on different nodes: everybody hears everything, once and in order.

use im_core::{
    Body, Content, ConversationId, EditMessage, OpenDirect, RecallMessage, Seq, Session,
    testing::user,
};

use super::pair::{A, B, Pair};
use crate::{
    restart::talk,
    world::{call, entries_until, group, key, next_entry, seqs, within},
};

pub(crate) async fn direct(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;

    both_talk(&alice, &bob, chat, 50).await;

    for session in [&mut alice, &mut bob] {
        hears_all(session, chat, 101).await;
    }
}

pub(crate) async fn group_of_four(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let mut carol = pair.connect(A, "carol", "phone").await;
    let mut dave = pair.connect(B, "dave", "phone").await;
    let room = group(&alice, &["bob", "carol", "dave"]).await;

    let others = talk(&carol, room, 30);
    both_talk(&alice, &dave, room, 30).await;
    within("the last reply", others).await.unwrap();

    for session in [&mut alice, &mut bob, &mut carol, &mut dave] {
        hears_all(session, room, 91).await;
    }
}

pub(crate) async fn edits_and_recalls(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    for text in ["one", "two"] {
        within("a send", alice.send(&chat, text)).await.unwrap();
    }
    hears_all(&mut bob, chat, 3).await;

    let edit = EditMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(2),
        content: Content::text("uno"),
    };
    call(&alice, edit).await;
    let recall = RecallMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(3),
    };
    call(&alice, recall).await;

    let edited = next_entry(&mut bob).await;
    assert!(matches!(edited.body, Body::Edited { target: Seq(2), .. }));
    let recalled = next_entry(&mut bob).await;
    assert!(matches!(
        recalled.body,
        Body::Recalled { target: Seq(3), .. }
    ));
}

/// Two say so many things each, at the same time.
pub(crate) async fn both_talk(one: &Session, other: &Session, to: ConversationId, count: usize) {
    for talking in [one, other].map(|session| talk(session, to, count)) {
        let acknowledged = within("the last reply", talking).await.unwrap();
        assert_eq!(acknowledged.len(), count);
    }
}

/// A session hears every entry, once and in order.
pub(crate) async fn hears_all(session: &mut Session, conversation: ConversationId, last: u64) {
    let heard = entries_until(session, conversation, Seq(last)).await;
    assert_eq!(seqs(&heard), (1..=last).collect::<Vec<_>>());
}
