//! Delivered and read, live.

use im_core::{
    Code, ConversationId, Limits, MarkDelivered, MarkRead, OpenDirect, Push, Receipt, Seq, Session,
    testing::user,
};

use crate::world::{Database, World, call, group, next_that, refused, send_all};

#[tokio::test]
async fn a_sender_sees_live_how_far_the_other_side_has_come() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    send_all(&alice, &chat, (2..=5).map(|n| format!("message {n}"))).await;

    call(&bob, delivered(chat, 4)).await;
    assert_eq!(positions(&next_receipt(&mut alice).await), (4, 0));
    call(&bob, read(chat, 3)).await;
    assert_eq!(positions(&next_receipt(&mut alice).await), (4, 3));
    // Backwards and beyond the head: nothing, and the head.
    assert_eq!(positions(&call(&bob, read(chat, 2)).await), (4, 3));
    assert_eq!(positions(&call(&bob, delivered(chat, 1)).await), (4, 3));
    assert_eq!(positions(&call(&bob, read(chat, 999)).await), (5, 5));
    let last = next_receipt(&mut alice).await;
    assert_eq!((positions(&last), last.user.as_str()), ((5, 5), "bob"));
    assert_eq!(last.position.read_ordinal, 4);
}

#[tokio::test]
async fn who_writes_has_read_what_stands_before() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    send_all(&alice, &chat, (2..=4).map(|n| format!("message {n}"))).await;

    bob.send(&chat, "all right").await.unwrap();

    let get = im_core::GetConversation { conversation: chat };
    let view = call(&bob, get.clone()).await;
    assert_eq!((view.unread, view.position.read), (0, Seq(5)));
    let view = call(&alice, get).await;
    assert_eq!((view.unread, view.position.read), (1, Seq(4)));
}

#[tokio::test]
async fn a_stranger_has_no_position() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mallory = world.connect("mallory", "phone").await;
    let room = group(&alice, &["bob"]).await;

    assert_eq!(refused(&mallory, read(room, 1)).await, Code::NotFound);
    assert_eq!(refused(&mallory, delivered(room, 1)).await, Code::NotFound);
}

#[tokio::test]
async fn in_a_large_group_a_receipt_goes_to_the_readers_own_devices_only() {
    let limits = Limits {
        receipt_push_members: 2,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let mut alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let mut laptop = world.connect("bob", "laptop").await;
    let room = group(&alice, &["bob", "carol"]).await;
    send_all(&alice, &room, ["one".to_owned()]).await;

    call(&bob, read(room, 2)).await;

    assert_eq!(positions(&next_receipt(&mut laptop).await), (2, 2));
    alice.send(&room, "done").await.unwrap();
    next_that(&mut alice, "the word", |push| {
        assert!(!matches!(push, Push::Receipt(_)), "{push:?}");
        matches!(push, Push::Entry(entry) if entry.seq == Seq(3)).then_some(())
    })
    .await;
}

pub(crate) async fn next_receipt(session: &mut Session) -> Receipt {
    next_that(session, "a receipt", |push| match push {
        Push::Receipt(receipt) => Some(receipt.clone()),
        _ => None,
    })
    .await
}

fn positions(receipt: &Receipt) -> (u64, u64) {
    (receipt.position.delivered.0, receipt.position.read.0)
}

fn delivered(conversation: ConversationId, seq: u64) -> MarkDelivered {
    MarkDelivered {
        conversation,
        seq: Seq(seq),
    }
}

fn read(conversation: ConversationId, seq: u64) -> MarkRead {
    MarkRead {
        conversation,
        seq: Seq(seq),
    }
}
