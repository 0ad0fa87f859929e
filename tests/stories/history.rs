//! Looking back, page by page.

use im_core::{
    Code, ConversationId, History, HistoryPage, OpenDirect, Seq, Session, testing::user,
};

use crate::world::{World, call, group, refused, send_all, seqs};

#[tokio::test]
async fn history_pages_forwards_and_backwards_without_a_hole_or_a_repeat() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    send_all(&alice, &chat, (2..=100).map(|n| format!("message {n}"))).await;

    let mut forwards = Vec::new();
    loop {
        let page = after(&bob, chat, forwards.last().copied().unwrap_or(0), 33).await;
        forwards.extend(seqs(&page.items));
        if page.done {
            break;
        }
        assert_eq!(page.items.len(), 33);
    }
    let mut backwards = Vec::new();
    loop {
        let page = before(&bob, chat, backwards.last().copied(), 33).await;
        assert_eq!((page.head.seq, page.head.ordinal), (Seq(100), 99));
        backwards.extend(seqs(&page.items).into_iter().rev());
        if page.done {
            break;
        }
    }

    assert_eq!(forwards, (1..=100).collect::<Vec<_>>());
    assert_eq!(backwards, (1..=100).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_has_bounds_and_so_has_the_log() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let room = group(&alice, &["bob"]).await;
    send_all(&alice, &room, (2..=300).map(|n| format!("message {n}"))).await;

    // Without a bound: the latest.
    let latest = before(&alice, room, None, 5).await;
    assert_eq!(
        (seqs(&latest.items), latest.done),
        ((296..=300).collect(), false)
    );
    // More than a page holds: a page.
    let most = after(&alice, room, 0, 100_000).await;
    assert_eq!((most.items.len(), most.done), (200, false));
    // None at all: one.
    let least = after(&alice, room, 0, 0).await;
    assert_eq!((seqs(&least.items), least.done), (vec![1], false));
    // Beyond the head, and before the beginning: nothing.
    let beyond = after(&alice, room, 1 << 52, 10).await;
    assert_eq!((seqs(&beyond.items), beyond.done), (vec![], true));
    assert_eq!(beyond.head.seq, Seq(300));
    let beyond = before(&alice, room, Some(1 << 52), 1).await;
    assert_eq!(seqs(&beyond.items), [300]);
    let early = before(&alice, room, Some(1), 10).await;
    assert_eq!((seqs(&early.items), early.done), (vec![], true));
    let both = History {
        after_seq: Some(Seq(1)),
        before_seq: Some(Seq(5)),
        ..History::of(room)
    };
    assert_eq!(refused(&alice, both).await, Code::InvalidRequest);
}

async fn after(
    session: &Session,
    conversation: ConversationId,
    seq: u64,
    limit: u32,
) -> HistoryPage {
    let ask = History {
        after_seq: Some(Seq(seq)),
        limit: Some(limit),
        ..History::of(conversation)
    };
    call(session, ask).await
}

async fn before(
    session: &Session,
    conversation: ConversationId,
    seq: Option<u64>,
    limit: u32,
) -> HistoryPage {
    let ask = History {
        before_seq: seq.map(Seq),
        limit: Some(limit),
        ..History::of(conversation)
    };
    call(session, ask).await
}
