//! Messages that go by themselves: after a time, once they are read, and over a restart.

use im_core::{
    Body, ChangeInfo, GetMessages, InfoPatch, MarkRead, OpenDirect, SendMessage, Seq, Session,
    testing::user,
};

use crate::world::{World, call, entries_until, group, key, next_that};

/// Waits for the entry that says that the time of messages is over.
async fn expired(session: &mut Session) -> Vec<Seq> {
    next_that(session, "the end of a message", |push| match push {
        im_core::Push::Entry(entry) => match &entry.body {
            Body::Expired { targets } => Some(targets.clone()),
            _ => None,
        },
        _ => None,
    })
    .await
}

async fn body(session: &Session, conversation: im_core::ConversationId, seq: u64) -> Body {
    let ask = GetMessages {
        conversation,
        seqs: vec![Seq(seq)],
    };
    call(session, ask).await.items.remove(0).body
}

#[tokio::test]
async fn a_message_with_an_end_goes_by_itself_and_leaves_its_place() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let short = SendMessage {
        ttl_ms: Some(200),
        ..SendMessage::new(room, key(), "gone in a moment")
    };
    call(&alice, short).await;
    alice.send(&room, "stays").await.unwrap();

    let heard = entries_until(&mut bob, room, Seq(2)).await;
    assert!(matches!(heard[1].body, Body::Message(_)), "it was said");
    assert_eq!(expired(&mut bob).await, [Seq(2)]);
    assert!(matches!(
        body(&bob, room, 2).await,
        Body::ExpiredMessage { .. }
    ));
    assert_eq!(body(&bob, room, 3).await, Body::says("stays"));
}

#[tokio::test]
async fn where_a_conversation_says_so_all_messages_have_an_end() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let changes = InfoPatch {
        message_ttl_ms: Some(100),
        ..InfoPatch::default()
    };
    let change = ChangeInfo {
        conversation: room,
        client_id: key(),
        changes,
    };
    call(&alice, change).await;
    bob.send(&room, "short-lived").await.unwrap();

    assert_eq!(expired(&mut bob).await, [Seq(3)]);
}

#[tokio::test]
async fn what_burns_goes_once_the_other_side_has_read_it() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    let secret = SendMessage {
        burn_ms: Some(50),
        ..SendMessage::new(chat, key(), "read and forget")
    };
    call(&alice, secret).await;
    assert!(matches!(body(&bob, chat, 2).await, Body::Message(_)));

    let read = MarkRead {
        conversation: chat,
        seq: Seq(2),
    };
    call(&bob, read).await;

    assert_eq!(expired(&mut alice).await, [Seq(2)]);
    assert!(matches!(
        body(&bob, chat, 2).await,
        Body::ExpiredMessage { .. }
    ));
}

#[tokio::test]
async fn an_end_that_came_while_the_server_was_down_is_made_good_at_its_start() {
    let mut world = World::server().await;
    let mut alice = world.connect("alice", "phone").await;
    let chat = call(
        &alice,
        OpenDirect {
            user: user("alice"),
        },
    )
    .await
    .conversation;
    let short = SendMessage {
        ttl_ms: Some(1),
        ..SendMessage::new(chat, key(), "gone after the crash")
    };
    call(&alice, short).await;
    world.restart().await;

    next_that(&mut alice, "the end of a message", |push| match push {
        im_core::Push::Entry(entry) => matches!(
            entry.body,
            Body::Expired { .. } | Body::ExpiredMessage { .. }
        )
        .then_some(()),
        _ => None,
    })
    .await;
    assert!(matches!(
        body(&alice, chat, 2).await,
        Body::ExpiredMessage { .. }
    ));
}
